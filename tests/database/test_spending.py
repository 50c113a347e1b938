"""The daily budget of tokens: counted over all calls and processes, renewed each day of UTC."""

import datetime as dt
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from chatbot.bot import Chatbot, open_model
from chatbot.config import Settings
from chatbot.database.opening import TokenAccount, now, open_database
from chatbot.errors import BudgetError, ModelError
from chatbot.llm.budget import renews
from chatbot.llm.client import ChatModel, ChatTurn, complete
from tests.fakes.openai_server import FakeOpenAI, Reply, cite_first_source
from tests.services import environment_of

TURNS = [ChatTurn("user", "x" * 400)]
QUESTION = "GRU-Mem 的推理速度提升了多少？"
DAY = dt.timedelta(days=1)


@pytest.fixture
def database(kept: Settings) -> Iterator[Engine]:
    engine = open_database(kept)
    yield engine
    engine.dispose()


def budgeted(
    settings: Settings, server: FakeOpenAI, tokens: int, database: Engine | None = None
) -> ChatModel:
    given = {"openai_base_url": server.url, "llm": "fake-model", "daily_tokens": tokens}
    model = open_model(settings.model_copy(update=given), database)
    assert model is not None
    return model


def spent(database: Engine) -> int:
    return TokenAccount(database).today()[1]


def test_a_call_costs_what_the_server_counts(kept: Settings, database: Engine) -> None:
    with FakeOpenAI("y" * 50) as server:
        text, usage = complete(budgeted(kept, server, 1_000, database), TURNS)
    assert (text, usage.prompt_tokens, usage.completion_tokens) == ("y" * 50, 400, 50)
    assert spent(database) == 450


def test_where_the_server_does_not_count_it_is_estimated(kept: Settings, database: Engine) -> None:
    with FakeOpenAI("y" * 400) as server:
        server.usage = False
        complete(budgeted(kept, server, 1_000, database), TURNS)
    assert 150 <= spent(database) <= 300


def test_once_they_are_used_up_the_model_is_not_asked(kept: Settings, database: Engine) -> None:
    with FakeOpenAI("y" * 50) as server:
        model = budgeted(kept, server, 450, database)
        complete(model, TURNS)
        with pytest.raises(BudgetError, match="450 tokens are used up") as refused:
            complete(model, TURNS)
        assert len(server.requests) == 1
    assert refused.value.renews == renews(now().date())


def test_a_call_that_failed_before_it_wrote_anything_costs_nothing(
    kept: Settings, database: Engine
) -> None:
    with FakeOpenAI(Reply.error(400, "no")) as server, pytest.raises(ModelError):
        complete(budgeted(kept, server, 1_000, database), TURNS)
    assert spent(database) == 0


def test_an_answer_nobody_waits_for_any_more_costs_what_had_come(
    kept: Settings, database: Engine
) -> None:
    with FakeOpenAI(Reply.text("y" * 4_000)) as server:
        stream = budgeted(kept, server, 10_000, database).stream(TURNS)
        came = sum(len(next(stream).text) for _ in range(400))
        stream.close()  # type: ignore[attr-defined]
    assert came // 4 + 100 - 200 <= spent(database) <= came


def test_processes_share_one_account(kept: Settings, database: Engine) -> None:
    code = (
        "from chatbot.config import load_settings\n"
        "from chatbot.database.opening import open_database\n"
        "from chatbot.database.opening import TokenAccount\n"
        "account = TokenAccount(open_database(load_settings()))\n"
        "for _ in range(50): account.add(account.today()[0], 3)\n"
    )
    command, environment = [sys.executable, "-c", code], environment_of(kept)
    processes = [subprocess.Popen(command, env=environment) for _ in "ab"]
    assert [process.wait() for process in processes] == [0, 0]
    assert spent(database) == 300


@pytest.mark.parametrize(
    ("ahead", "counts"),
    [(0, True), (1, True), (2, False), (400, False), (-1, False)],
)
def test_a_clock_that_went_back_over_midnight_frees_nothing_and_a_wrong_one_locks_nothing(
    database: Engine, ahead: int, counts: bool
) -> None:
    day = now().date() + ahead * DAY
    account = TokenAccount(database)
    account.add(day, 7)
    assert account.today() == ((day, 7) if counts else (now().date(), 0))


def test_what_is_given_back_never_leaves_less_than_nothing(database: Engine) -> None:
    for tokens in (-5, 3, -9):
        TokenAccount(database).add(now().date(), tokens)
    assert spent(database) == 0


@pytest.mark.parametrize(
    ("question", "says"),
    [
        (QUESTION, "用量（1 tokens）已用完，{when} UTC 恢复"),
        ("How much faster is GRU-Mem?", "there are more from {when} UTC"),
    ],
)
def test_then_answers_are_quotes_and_say_why_and_when_it_renews(
    seed_settings: Settings, tmp_path: Path, question: str, says: str
) -> None:
    own = seed_settings.model_copy(update={"data_dir": tmp_path})
    with FakeOpenAI(cite_first_source) as server:
        bot = Chatbot(seed_settings, budgeted(own, server, 1))
        first, second = bot.answer(question), bot.answer(question)
    when = f"{renews(now().date()):%Y-%m-%d %H:%M}"
    assert (first.mode, first.notice) == ("fake-model", None)
    assert second.mode == "extractive"
    assert second.citations
    assert says.format(when=when) in (second.notice or "")
    assert second.usage.llm_calls <= 1


def test_an_account_that_cannot_be_read_leaves_the_answer_to_the_reports(
    seed_settings: Settings, tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    own = seed_settings.model_copy(update={"data_dir": tmp_path})
    with FakeOpenAI(default=cite_first_source) as server:
        model = budgeted(own, server, 100)
        damage(tmp_path)
        answer = Chatbot(seed_settings, model).answer(QUESTION)
    assert answer.mode == "extractive"
    assert "the database cannot be used" in (answer.notice or "")


@pytest.fixture
def damage() -> Callable[[Path], None]:
    """Takes the account's table away."""

    def drop(folder: Path) -> None:
        import sqlite3

        connection = sqlite3.connect(folder / "conversations.sqlite3")
        connection.execute("drop table spending")
        connection.commit()
        connection.close()

    return drop
