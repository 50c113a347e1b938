"""The README's Python examples, run as they stand there."""

import re
from contextlib import redirect_stdout
from io import StringIO

import pytest

from chatbot.config import PROJECT_ROOT, Settings

EXAMPLES = re.findall(
    r"```python\n(.*?)```", (PROJECT_ROOT / "README.md").read_text("utf-8"), re.DOTALL
)


@pytest.mark.parametrize("code", EXAMPLES)
def test_an_example_prints_an_answer_and_what_it_cites(
    code: str, seed_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHATBOT_DATA_DIR", str(seed_settings.data_dir))
    with redirect_stdout(StringIO()) as printed:
        exec(compile(code, "README.md", "exec"), {})  # noqa: S102 - our own lines
    assert "400%" in printed.getvalue()
    assert "2602.10560/results" in printed.getvalue()
