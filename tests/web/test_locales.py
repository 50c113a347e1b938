"""The page's texts in both languages."""

import re
from dataclasses import asdict

import pytest
from pydantic import TypeAdapter, ValidationError

from chatbot.web.locales import CHAT, WORDING, ChatWording

_FILLED_IN = re.compile(r"\{\w*\}")


def test_each_text_is_filled_in_with_the_same_things_in_both_languages() -> None:
    chinese, english = asdict(WORDING["zh"]), asdict(WORDING["en"])
    unlike = [
        (part, name)
        for part, texts in chinese.items()
        for name, text in texts.items()
        if set(_FILLED_IN.findall(str(text))) != set(_FILLED_IN.findall(str(english[part][name])))
    ]
    assert unlike == []


@pytest.mark.parametrize("change", [{"send": None}, {"sent": "x"}])
def test_a_text_that_is_missing_or_that_nothing_shows_is_refused(change: dict[str, str]) -> None:
    texts = {k: v for k, v in (asdict(CHAT["en"]) | change).items() if v is not None}
    with pytest.raises(ValidationError):
        TypeAdapter(ChatWording).validate_python(texts)
