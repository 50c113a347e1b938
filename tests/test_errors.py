"""What errors quote of others' texts can be read at a glance."""

from hypothesis import given
from hypothesis import strategies as st

from chatbot.errors import quoted


@given(st.text(max_size=400) | st.text("\U0007cfc7\u0323'\"\\\n", max_size=400))
def test_a_quote_is_short_and_one_line_and_in_quotes(text: str) -> None:
    shown = quoted(text)
    assert len(shown) <= 81
    assert len(shown.splitlines()) == 1
    assert shown[0] == shown[-1]
    assert shown[0] in "'\""


def test_a_short_text_is_quoted_as_it_is_and_a_long_one_is_cut() -> None:
    assert quoted("二月三十日") == "'二月三十日'"
    assert quoted("a" * 100) == f"'{'a' * 78}…'"
