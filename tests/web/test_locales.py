"""The page's texts in both languages."""

import re
from pathlib import Path

from chatbot.web import locales
from chatbot.web.locales import WORDING

_FILLED_IN = re.compile(r"\{\w*\}")
_CODE = Path(locales.__file__).parents[2]
_PARTS = "|".join(part.upper() for part in WORDING["zh"])
_USED = re.compile(
    rf"(?:\btexts|\b(?:{_PARTS})\[(?:[^][]|\[[^][]*\])*\])\.(?P<name>\w+)"
    r"|(?:\btext|\bi18n)\(\s*\"(?P<part>[a-z]+)_(?P<field>\w+)\""
)


def test_each_text_is_filled_in_with_the_same_things_in_both_languages() -> None:
    filled_in = {
        language: {
            (part, name): set(_FILLED_IN.findall(str(text)))
            for part, texts in parts.items()
            for name, text in vars(texts).items()
        }
        for language, parts in WORDING.items()
    }
    assert filled_in["zh"] == filled_in["en"]


def test_each_text_that_a_module_shows_is_in_a_part_that_it_imports() -> None:
    missing, seen = [], 0
    for path in (_CODE / "web").rglob("*.py"):
        source = path.read_text(encoding="utf-8")
        imported = re.findall(rf"import .*?\b({_PARTS})\b|, ({_PARTS})\b", source)
        parts = {part.lower() for pair in imported for part in pair if part}
        for used in _USED.finditer(source):
            seen += 1
            within = {used["part"]} if used["part"] else parts
            name = used["field"] or used["name"]
            if path != Path(locales.__file__) and not any(
                name in vars(WORDING["en"][part]) for part in within
            ):
                missing.append((path.name, used[0]))
    assert missing == []
    assert seen > 150  # the pattern still finds them


def test_each_text_is_shown_somewhere() -> None:
    source = "".join(path.read_text(encoding="utf-8") for path in _CODE.rglob("*.py"))
    words = set(re.findall(r'(?<=[."])\w+', source))
    unshown = [
        (part, name)
        for part, texts in WORDING["en"].items()
        for name in vars(texts)
        if not {name, f"{part}_{name}"} & words
    ]
    assert unshown == []
