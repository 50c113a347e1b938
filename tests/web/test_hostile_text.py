"""What reports, models and readers write, shown in Chromium: text, never an element of the page."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import gradio as gr
import pytest
from playwright.sync_api import Browser, Page, expect

from chatbot.web.app import free_port, served
from chatbot.web.markdown import (
    LATEX_DELIMITERS,
    ComingText,
    line_html,
    plain_html,
    section_html,
    text_html,
)
from tests.web.conftest import FIRST_PORT

pytestmark = pytest.mark.browser

EVIL = "http://evil.example"
IMAGE = f"<img src={EVIL}/q.png>"
PICTURE = f"![pixel]({EVIL}/q.png)"
PAYLOADS = [
    PICTURE,
    f"\\{PICTURE}",
    f"\\\\{PICTURE}",
    f"![pixel][ref]\n\n[ref]: {EVIL}/q.png",
    f"[press]({EVIL})",
    f"[press](\n{EVIL} 'title')",
    f"[press]\\({EVIL})",
    f"[outer {PICTURE} label]({EVIL})",
    "[foo]\n\n[foo]: //evil.example/x",
    f"[foo][a]\n\n[a]: {EVIL}/ref",
    f"[foo][]\n\n> [foo]: <{EVIL}/ref> 'title'",
    f"- [foo]\n\n- [foo]:\n  {EVIL}/ref",
    f"[a\\]b]\n\n[a\\]b]: {EVIL}/escaped",
    f"<{EVIL}/auto>",
    f"see {EVIL}/bare and HTTPS://evil.example and 见http://evil.example/x and xhttps://evil.example",
    "WWW.evil.example and 见www.evil.example and ftp://evil.example/file",
    "mail evil@evil.example or a.-@evil.example or <mailto:evil@evil.example>",
    IMAGE,
    f"\\{IMAGE}",
    f"``{IMAGE}`",
    f"`{IMAGE}``",
    f"``{IMAGE}``",
    f"\\`{IMAGE}\\`",
    f"\\\\`{IMAGE}\\\\`",
    f"`open {IMAGE}\n\nclose` end",
    f"`line {IMAGE}\nanother` end",
    f"`\\` {IMAGE} `\\`",
    f"`\\(` x `\\) {IMAGE}` word",
    f"`a`{IMAGE}`b`",
    f"```\n{IMAGE}\n```\nafter {IMAGE}",
    f"```\n{IMAGE}",
    f"````\n```\n{IMAGE}\n````\n{IMAGE}",
    f"~~~ `info`\n{IMAGE}\n~~~\n{IMAGE}",
    f"~~~\n```\n~~~\n{IMAGE}\n```",
    f"``` a`b\n{IMAGE}\n```",
    f"> ```\n{IMAGE}\n> ```",
    f"- ```\n{IMAGE}\n```",
    f"1. one\n   ```html\n   {IMAGE}\n\n   {PICTURE}\n   ```\n2. two",
    f"    ```\n    {IMAGE}\n    ```\n\n{IMAGE}",
    f"```mermaid\n{IMAGE}\n```",
    f'```mermaid\ngraph TD\n  A["{IMAGE}"] --> B\n  click A "{EVIL}"\n```',
    f'```"><img src={EVIL}/info.png>\ncode\n```',
    f"text\n\n    indented {IMAGE}\n\n    {PICTURE}",
    f"\tindented by a tab {IMAGE}",
    f"- item\n\n      deep {IMAGE}\n\n  {PICTURE}",
    f"<!-- hidden {IMAGE} -->",
    f"<!-- never closed {IMAGE}",
    "&lt;img src=http://evil.example/q.png&gt; &#60;img src=x onerror=alert(1)&#62;",
    "[script](javascript:alert(1)) and [data](data:text/html,<script>alert(1)</script>)",
    "![data](data:image/png;base64,AAAA)",
    "<script>alert(1)</script>",
    "<style>@import url(http://evil.example/s.css); body{display:none}</style>",
    f"<svg onload=alert(1)><image href='{EVIL}/q.png'/></svg>",
    f"<iframe src='{EVIL}'></iframe>",
    f"<form action='{EVIL}'><input name=key><button>send</button></form>",
    f"<div style='background:url({EVIL}/bg.png)'>styled</div>",
    f"</div></details></summary><h1>outside</h1>{IMAGE}",
    f"<table><tr><td background='{EVIL}/q.png'>cell",
    "- [ ] open box\n- [x] ticked box",
    f"| a | b |\n|---|---|\n| {PICTURE} | {IMAGE} |\n| `x | {IMAGE}` | <br> [p]({EVIL}) |",
    f"| `a\\|b` {IMAGE} |\n|---|\n| ``{IMAGE}` |",
    f"| a |\n|---|\n| <br {IMAGE}> <br onclick=alert(1)> |",
    f"$\\href{{{EVIL}}}{{press}}$ and $\\includegraphics{{{EVIL}/q.png}}$ and $\\url{{{EVIL}}}$",
    f"\\(\\href{{javascript:alert(1)}}{{press}}\\) and \\[\\includegraphics{{{EVIL}/q.png}}\\]",
    f"\\(\\htmlStyle{{background:url({EVIL}/q.png)}}{{x}}\\) and $\\htmlId{{a}}{{b}}$",
    f"$a \\) {PICTURE} {IMAGE}$",
    f"\\[ a \\( {PICTURE} \\] b \\) {IMAGE}",
    f"\\( never closed {IMAGE}\n\nwords \\) {PICTURE}",
    f"$a & b &lt;img src={EVIL}/q.png&gt;$",
    f"%%%LATEX_BLOCK_0%%% $x^2$ {IMAGE}",
    f"**bold {IMAGE}** *[press]({EVIL})* ~~{PICTURE}~~ __<b onclick=alert(1)>b</b>__",
    f"# heading {IMAGE}\n\n{PICTURE}\n===\n\n***\n> quote {IMAGE}",
    f"\ue000{IMAGE}\ue001 \ue002![\ue003pixel]({EVIL}/q.png) [x]\ue001({EVIL})",
    f"\ue004\ue005 `code\ue004` $x\ue005$ {IMAGE} <\ue004img src={EVIL}/q.png>",
    f"\u202e{IMAGE}\u202c \u2066[press]({EVIL})\u2069 \u200f",
    f"line\r\n{IMAGE}\r```\r{IMAGE}\r```\r\n    {PICTURE}",
    f"line\u2028{IMAGE}\u0085`{IMAGE}\u2029`",
    f"<\x00img src={EVIL}/q.png> [x]\x00({EVIL}) `\x00{IMAGE}`",
    f"<ImG/src={EVIL}/q.png><tool_call>{IMAGE}</tool_call>",
]
ELEMENTS = (
    "img, a, iframe, image, style, script, form, input, button, object, embed, link, [onclick],"
    " [onload], [background], [style*=url]"
)
# The name of a fence's language is not shown, and a line's end in a table is obeyed.
UNSHOWN = re.compile(r"^[ >]*(?:[-\d.]+ +)?(?:`{3,}[^`\n]*|~{3,}.*)$|<br>", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class _Way:
    """A way in which the page shows a text: what it makes of it, and within what."""

    name: str
    shown: Callable[[str], str]


WAYS = [
    _Way("answer", text_html),
    _Way("coming", lambda text: ComingText().after(f"{text}\n\nend\n").html),
    _Way("section", section_html),
    _Way("highlighted", lambda text: section_html(text, [(0, len(text))])),
    _Way("part highlighted", lambda text: section_html(text, [(3, len(text) // 2)])),
    _Way("title", lambda text: f"<h2>{line_html(text)}</h2>"),
    _Way("in details", lambda t: f"<details open>\n\n{text_html(t)}\n\n</details>\n\n<p>end</p>"),
    _Way("in a list", lambda t: f"<ul><li title='{plain_html(t)}'>{plain_html(t)}</li></ul>"),
    _Way("in a line", lambda t: f"[1] {plain_html(t)} · <b title='{plain_html(t)}'>b</b>"),
]


@pytest.fixture(scope="module")
def shown(browser: Browser) -> Iterator[Page]:
    """A page with every text in every way and in a conversation, and what it asked for."""
    with gr.Blocks() as blocks:
        for way in WAYS:
            for place, text in enumerate(PAYLOADS):
                gr.Markdown(
                    way.shown(text),
                    latex_delimiters=LATEX_DELIMITERS,
                    elem_id=f"{way.name.replace(' ', '-')}-{place}",
                )
        gr.Chatbot(
            [
                {"role": role, "content": text_html(text)}
                for text in PAYLOADS
                for role in ("user", "assistant")
            ],
            latex_delimiters=LATEX_DELIMITERS,
            elem_id="chat",
            height="auto",
        )
    page = browser.new_page()
    page.add_init_script("window.asked = []; window.alert = () => window.asked.push('alert')")
    foreign: list[str] = []
    with served(blocks, gr.I18n(), "127.0.0.1", free_port("127.0.0.1", FIRST_PORT)) as url:
        page.on("request", lambda r: None if r.url.startswith(url) else foreign.append(r.url))
        page.goto(url)
        expect(page.locator("#chat .message .md")).to_have_count(2 * len(PAYLOADS))
        page.wait_for_load_state("networkidle")
        page.evaluate("urls => window.asked.push(...urls)", foreign)
        yield page
        page.close()


def texts_of(page: Page, where: str) -> list[str]:
    return page.eval_on_selector_all(where, "all => all.map(one => one.textContent)")


def test_nothing_is_asked_of_another_host_and_nothing_runs(shown: Page) -> None:
    assert shown.evaluate("window.asked") == []


@pytest.mark.parametrize("way", [way.name.replace(" ", "-") for way in WAYS])
def test_no_text_becomes_an_element_or_loses_a_word(shown: Page, way: str) -> None:
    made, lost = {}, {}
    for place, payload in enumerate(PAYLOADS):
        text = shown.locator(f"#{way}-{place} .md")
        if elements := text.locator(ELEMENTS).evaluate_all("all => all.map(e => e.outerHTML)"):
            made[payload] = elements
        read = text.evaluate("text => text.textContent")
        if missing := {word for word in words(payload) if word not in read}:
            lost[payload] = missing
    assert made == {}
    assert lost == {}


def test_nor_does_a_message_of_a_conversation(shown: Page) -> None:
    messages = shown.locator("#chat .message .md")
    expect(messages).to_have_count(2 * len(PAYLOADS))
    assert messages.locator(ELEMENTS).evaluate_all("all => all.map(e => e.outerHTML)") == []
    texts = messages.evaluate_all("all => all.map(one => one.textContent)")
    read = [
        words(payload) - {w for w in words(payload) if w in texts[2 * n]}
        for n, payload in enumerate(PAYLOADS)
    ]
    assert read == [set()] * len(PAYLOADS)


def words(payload: str) -> set[str]:
    return set(re.findall(r"[A-Za-z]{2,}", UNSHOWN.sub("", payload.replace("\r", "\n"))))
