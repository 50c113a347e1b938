"""The page that asks for a name and a password: plain HTML, no script."""

import html

from starlette.responses import HTMLResponse

from chatbot.ui.wording.access import TEXTS, AccessWording

_PAGE = """<!doctype html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; font: 16px/1.5 system-ui, "Noto Sans CJK SC", sans-serif; }}
body {{ display: grid; place-items: center; min-height: 90vh; margin: 0; padding: 1rem; }}
form {{ width: min(22rem, 100%); display: grid; gap: .75rem; }}
h1 {{ font-size: 1.25rem; margin: 0 0 .5rem; }}
label {{ display: grid; gap: .25rem; }}
input, button {{ font: inherit; padding: .6rem; border-radius: .5rem; border: 1px solid #767676; }}
button {{ background: #4f46e5; color: #fff; border: 0; }}
[role=alert] {{ margin: 0; border-left: 4px solid #b91c1c; padding-left: .75rem; }}
</style>
</head>
<body>
<main>
<form method="post" action="{action}">
<h1>{title}</h1>
{alert}
<label>{name}<input name="username" autocomplete="username" required autofocus></label>
<label>{password}<input name="password" type="password" autocomplete="current-password"
 required></label>
<button>{sign_in}</button>
</form>
</main>
</body>
</html>
"""


def sign_in_page(texts: AccessWording, action: str, message: str, status: int) -> HTMLResponse:
    """The page, with a message where one has to be told; `action` is where it is sent."""
    alert = f'<p role="alert">{html.escape(message)}</p>' if message else ""
    return HTMLResponse(
        _PAGE.format(
            language="zh-CN" if texts is TEXTS["zh"] else "en",
            title=texts.title,
            action=html.escape(action),
            alert=alert,
            name=texts.name,
            password=texts.password,
            sign_in=texts.sign_in,
        ),
        status,
    )
