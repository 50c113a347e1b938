"""What answers say beside the reports' own words: the same in both languages."""

from string import Formatter

from chatbot.answering.models import TEXTS


def _filled_in(text: str) -> set[str | None]:
    return {name for _, name, _, _ in Formatter().parse(text)} - {None}


def test_both_languages_say_the_same_and_fill_in_the_same() -> None:
    chinese, english = TEXTS["zh"], TEXTS["en"]
    assert chinese.keys() == english.keys()
    for name, text in chinese.items():
        assert _filled_in(text) == _filled_in(english[name]), name
