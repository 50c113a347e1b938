"""Whatever comes in, nothing but our errors comes out: `make fuzz` tries for longer."""

import pytest

from chatbot.bot import Chatbot
from tests.fuzz.doors import DOORS


@pytest.mark.parametrize("door", DOORS)
def test_only_our_errors_leave_in_one_short_line(seed_bot: Chatbot, door: str) -> None:
    DOORS[door].fuzzed(seed_bot)()
