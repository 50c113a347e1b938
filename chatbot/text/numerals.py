"""Numbers that are spelt out: "十二" and "twelve" are 12, "第三" and "third" are 3."""

_DIGITS = {sign: value for value, sign in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}
_TENS = {"十": 10, "百": 100, "千": 1000}
_CARDINALS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_FIRST = ("zeroth", "first", "second", "third", "fourth", "fifth")
_ORDINALS = (*_FIRST, "sixth", "seventh", "eighth", "ninth", "tenth")
_WORDS = {word: value for words in (_CARDINALS, _ORDINALS) for value, word in enumerate(words)}
NUMERALS = "".join([*_DIGITS, *_TENS])
ORDINALS = _ORDINALS[1:]


def number_of(text: str) -> int | None:
    """The number a numeral spells: "12", "3rd", "十二", "二〇二六", "three"; None of others."""
    text = text.strip().lower()
    digits = text.rstrip("stndrh")
    if digits.isdecimal():
        return int(digits)
    if text in _WORDS:
        return _WORDS[text]
    if not text or any(sign not in NUMERALS for sign in text):
        return None
    if not any(sign in _TENS for sign in text):
        return int("".join(str(_DIGITS[sign]) for sign in text))
    total, digit = 0, 0
    for sign in text:
        if sign in _TENS:
            total, digit = total + (digit or 1) * _TENS[sign], 0
        else:
            digit = _DIGITS[sign]
    return total + digit
