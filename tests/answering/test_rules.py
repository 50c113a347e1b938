"""Rules learnt from feedback: readable files, steered by the operator, used where they apply."""

import datetime as dt
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from chatbot.answering.models import Answer
from chatbot.answering.record import AnswerRecord, record_of
from chatbot.answering.rules import (
    KINDS,
    LANGUAGES,
    LONGEST_RULE,
    MOST_CHARACTERS,
    MOST_RULES,
    Reach,
    Rule,
    applying,
    format_rule,
    name_for,
    parse_rule,
    read_rules,
    rule_path,
    rule_text,
    write_rule,
)
from chatbot.answering.writing import number_sources, prompt_for, prompt_turns
from chatbot.bot import Chatbot
from chatbot.cli.commands import app
from chatbot.config import Settings
from chatbot.errors import ChatbotError
from chatbot.index.ingestion import ingest
from chatbot.index.reading import open_index
from chatbot.llm.client import open_chat_model
from chatbot.retrieval.search import search
from chatbot.understanding.interpretation import understand
from tests.fakes.openai_server import FakeOpenAI, Reply
from tests.rated_answers import MADE, two_papers

DAY = dt.date(2026, 11, 21)
QUESTION = "FooNet 的错误率降低多少？"
Run = Callable[..., Result]


@pytest.fixture
def run(settings: Settings) -> Run:
    """Runs a command on the test's own data folder."""
    env = {"CHATBOT_DATA_DIR": str(settings.data_dir)}
    return lambda *words, **more: CliRunner().invoke(app, words, env=env | more)


@pytest.fixture
def indexed(settings: Settings, tmp_path: Path) -> Settings:
    """Settings whose index holds two papers, with a rule for look-ups in Chinese."""
    ingest(settings, [two_papers(tmp_path)])
    write_rule(settings.data_dir, approved("numbers-first", Reach(("lookup",), ("zh",))))
    return settings


def approved(name: str, reach: Reach | None = None, text: str = "先给数字，再作解释。") -> Rule:
    return Rule(name, text, DAY, "approved", reach or Reach(), ("ab12", "cd34"))


def with_model(settings: Settings, server: FakeOpenAI) -> Chatbot:
    configured = settings.model_copy(update={"openai_base_url": server.url, "llm": "fake"})
    return Chatbot(settings, open_chat_model(configured))


def error_of(result: Result) -> str:
    assert isinstance(result.exception, ChatbotError)
    assert "\n" not in str(result.exception)
    return str(result.exception)


def usable(text: str) -> bool:
    try:
        return bool(rule_text(text))
    except ChatbotError:
        return False


@given(
    text=st.text(max_size=LONGEST_RULE).filter(usable),
    created=st.dates(),
    status=st.sampled_from(["proposed", "approved"]),
    kinds=st.sets(st.sampled_from(KINDS)),
    languages=st.sets(st.sampled_from(LANGUAGES)),
    sources=st.lists(st.from_regex(r"[0-9a-f]{12}", fullmatch=True)),
)
def test_a_rule_is_read_back_as_it_was_written(
    text: str, created: dt.date, status: Any, kinds: Any, languages: Any, sources: list[str]
) -> None:
    reach = Reach(
        tuple(kind for kind in KINDS if kind in kinds),
        tuple(language for language in LANGUAGES if language in languages),
    )
    rule = Rule(name_for(text, ()), rule_text(text), created, status, reach, tuple(sources))
    assert parse_rule(rule.name, format_rule(rule)) == rule
    assert rule_path(Path("data"), rule.name).parent == Path("data/rules")


def test_a_rules_file_reads_like_this() -> None:
    assert format_rule(approved("short", Reach(("lookup", "list"), ("en",)))) == (
        "---\nstatus: approved\napplies: lookup, list, en\nfrom: ab12, cd34\n"
        "created: 2026-11-21\n---\n先给数字，再作解释。\n"
    )


def test_a_file_written_by_hand_may_be_laid_out_freely() -> None:
    content = (
        "\ufeff---\r\ncreated:2026-11-21\r\n\r\nstatus: proposed\r\n---\r\n先给数字，\r\n再作解释。"
    )
    rule = parse_rule("short", content)
    assert (rule.text, rule.reach, rule.sources) == ("先给数字， 再作解释。", Reach(), ())


def test_characters_that_cannot_be_seen_are_taken_out() -> None:
    assert rule_text("先\u202e给\u200b数字\x00。\n") == "先给数字。"


GOOD = format_rule(approved("short"))


@pytest.mark.parametrize(
    ("content", "cause"),
    [
        ("先给数字。", "needs '---'"),
        (GOOD.replace("approved", "aproved"), "status is 'aproved'"),
        (GOOD.replace("applies:", "applies: looky"), "'looky'"),
        (GOOD.replace("applies:", "aplies:"), "unknown field 'aplies'"),
        (GOOD.replace("created: 2026-11-21\n", ""), "no 'created'"),
        (GOOD.replace("2026-11-21", "yesterday"), "'yesterday', no date"),
        (GOOD.replace("先给数字，再作解释。", ""), "holds no rule"),
        (GOOD.replace("先", "先" * LONGEST_RULE), f"{LONGEST_RULE} are allowed"),
        (b"\xff\xfe", "cannot be read as text"),
    ],
)
def test_a_damaged_file_is_one_line_that_names_it(
    run: Run, settings: Settings, content: str | bytes, cause: str
) -> None:
    write_rule(settings.data_dir, approved("sound"))
    file = rule_path(settings.data_dir, "short")
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    listed = run("rules")
    (line,) = [line for line in listed.stderr.splitlines() if "short.md" in line]
    assert line.startswith(str(file))
    assert cause in line
    assert (listed.exit_code, "sound" in listed.stdout) == (1, True)
    assert str(file) in error_of(run("rules", "approve", "short"))
    assert run("rules", "approve", "sound").exit_code == 0
    assert run("rules", "delete", "short").exit_code == 0
    assert run("rules").exit_code == 0


def test_a_file_whose_name_is_none_is_named(run: Run, settings: Settings) -> None:
    file = write_rule(settings.data_dir, approved("short"))
    file.rename(file.with_name("my rule.md"))
    assert "'my rule' is no name" in run("rules").stderr


def test_rules_json_has_every_documented_field(run: Run, settings: Settings) -> None:
    file = write_rule(settings.data_dir, approved("short", Reach(("list",), ("en",))))
    (rule,) = json.loads(run("rules", "--json").stdout)
    assert rule == {
        "name": "short",
        "status": "approved",
        "text": "先给数字，再作解释。",
        "kinds": ["list"],
        "languages": ["en"],
        "from": ["ab12", "cd34"],
        "created": "2026-11-21",
        "file": str(file),
    }


def test_without_rules_the_list_is_empty(run: Run) -> None:
    assert json.loads(run("rules", "--json").stdout) == []


def test_a_rule_is_shown_with_the_feedback_it_is_from(run: Run, settings: Settings) -> None:
    write_rule(settings.data_dir, approved("short"))
    shown = run("rules").stdout
    assert "approved  short  (for everything; from ab12, cd34)" in shown
    assert "先给数字，再作解释。" in shown


def test_a_rule_is_approved_withdrawn_edited_and_deleted(run: Run, settings: Settings) -> None:
    write_rule(settings.data_dir, Rule("short", "太长", DAY, sources=("ab12", "cd34")))
    kept = lambda: read_rules(settings.data_dir).rules  # noqa: E731 - read anew each time
    run("rules", "approve", "short")
    assert [rule.status for rule in kept()] == ["approved"]
    run("rules", "edit", "short", "--text", " 回答要短。\n", "--applies", "zh, list")
    assert [(r.text, r.reach, r.status) for r in kept()] == [
        ("回答要短。", Reach(("list",), ("zh",)), "approved")
    ]
    run("rules", "withdraw", "short")
    assert [(rule.status, rule.sources) for rule in kept()] == [("proposed", ("ab12", "cd34"))]
    run("rules", "delete", "short")
    assert kept() == ()


@pytest.mark.parametrize("command", ["approve", "withdraw", "delete", "edit"])
def test_a_rule_that_is_not_there_is_named(run: Run, command: str) -> None:
    assert "no rule is called 'shrt'" in error_of(run("rules", command, "shrt"))
    assert error_of(run("rules", command, "../manifest"))


@pytest.mark.parametrize(
    ("words", "cause"),
    [
        (("--text", "长" * 301), "301 characters"),
        (("--text", " "), "no rule"),
        (("--applies", "fr"), "'fr'"),
    ],
)
def test_an_edit_that_makes_no_rule_changes_nothing(
    run: Run, settings: Settings, words: tuple[str, ...], cause: str
) -> None:
    file = write_rule(settings.data_dir, approved("short"))
    before = file.read_bytes()
    assert cause in error_of(run("rules", "edit", "short", *words))
    assert file.read_bytes() == before


def editor(folder: Path, old: str, new: str) -> dict[str, str]:
    """The environment of an editor that replaces a text."""
    script = folder / "editor.py"
    script.write_text(
        "import pathlib, sys\n"
        "file = pathlib.Path(sys.argv[-1])\n"
        f"file.write_text(file.read_text('utf-8').replace({old!r}, {new!r}), 'utf-8')\n"
        "import os; os.utime(file, (2e9, 2e9))\n"
    )
    return {"EDITOR": f"{sys.executable} {script}", "VISUAL": ""}


def test_a_rule_can_be_edited_whole_in_an_editor(
    run: Run, settings: Settings, tmp_path: Path
) -> None:
    write_rule(settings.data_dir, approved("short"))
    done = run("rules", "edit", "short", **editor(tmp_path, "applies:", "applies: compare"))
    assert done.exit_code == 0
    (rule,) = read_rules(settings.data_dir).rules
    assert rule.reach == Reach(("compare",))
    wrong = run("rules", "edit", "short", **editor(tmp_path, "compare", "comparing"))
    assert "short was left as it was" in error_of(wrong)
    assert read_rules(settings.data_dir).rules == (rule,)


def test_an_editor_that_fails_or_saves_nothing_changes_nothing(
    run: Run, settings: Settings, tmp_path: Path
) -> None:
    file = write_rule(settings.data_dir, approved("short"))
    before = file.read_bytes()
    assert "EDITOR" in error_of(run("rules", "edit", "short", EDITOR="false", VISUAL=""))
    assert "nothing changed" in run("rules", "edit", "short", EDITOR="true", VISUAL="").stderr
    assert file.read_bytes() == before


def test_an_approved_rule_is_in_the_prompt_and_named_in_the_answer(indexed: Settings) -> None:
    with FakeOpenAI("降低 37% [1]。") as server:
        answer = with_model(indexed, server).answer(QUESTION)
        system = server.chats[0]["messages"][0]["content"]
    assert system.endswith("\n- numbers-first: 先给数字，再作解释。")
    assert answer.rules == ("numbers-first",)
    assert record_of(answer).rules == ("numbers-first",)


@pytest.mark.parametrize(
    "change", [{"status": "proposed"}, {"reach": Reach(("list",))}, {"reach": Reach((), ("en",))}]
)
def test_a_rule_that_is_not_approved_or_not_for_the_question_is_not_used(
    indexed: Settings, change: dict[str, Any]
) -> None:
    values = {"status": "approved", "reach": Reach()} | change
    write_rule(indexed.data_dir, Rule("numbers-first", "先给数字。", DAY, **values))
    with FakeOpenAI("降低 37% [1]。") as server:
        answer = with_model(indexed, server).answer(QUESTION)
        system = server.chats[0]["messages"][0]["content"]
    assert answer.rules == ()
    assert "先给数字" not in system
    assert system == system.rstrip()


def test_a_comparison_keeps_to_its_own_rules(indexed: Settings) -> None:
    write_rule(indexed.data_dir, approved("units", Reach(("compare",)), "每格写出单位。"))
    with FakeOpenAI("| 论文 | 效果 |\n|---|---|\n| FooNet | 37% [1] |") as server:
        *_, answer = with_model(indexed, server).compare(("FooNet", "BarNet"), ("效果",))
        system = server.chats[0]["messages"][0]["content"]
    assert isinstance(answer, Answer)
    assert answer.rules == ("units",)
    assert system.endswith("- units: 每格写出单位。")


def test_answers_without_a_model_use_no_rules(indexed: Settings) -> None:
    assert Chatbot(indexed, None).answer(QUESTION).rules == ()
    with FakeOpenAI(Reply.error(401, "no")) as server:
        failed = with_model(indexed, server).answer(QUESTION)
    assert (failed.mode, failed.rules) == ("extractive", ())


def test_a_damaged_rule_never_breaks_an_answer(
    indexed: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    rule_path(indexed.data_dir, "broken").write_text("半个文件", encoding="utf-8")
    with FakeOpenAI("降低 37% [1]。") as server:
        assert with_model(indexed, server).answer(QUESTION).rules == ("numbers-first",)
    assert "broken.md: needs" in caplog.text


def test_the_oldest_rules_are_used_as_far_as_they_fit(run: Run, settings: Settings) -> None:
    many = [
        Rule(f"r{n:02}", "短。", DAY + dt.timedelta(n), "approved") for n in range(MOST_RULES + 2)
    ]
    assert applying(many[::-1], "lookup", "zh") == tuple(many[:MOST_RULES])
    long = [approved(f"r{n}", text="长" * LONGEST_RULE) for n in range(MOST_RULES)]
    used = applying(long, "list", "en")
    assert 1 < len(used) < MOST_RULES
    assert sum(len(rule.line) for rule in used) <= MOST_CHARACTERS
    for rule in many:
        write_rule(settings.data_dir, rule)
    told = run("rules").stderr
    assert "r08 does not reach every answer" in told
    assert "r07 does not" not in told


def test_a_record_from_before_there_were_rules_is_read() -> None:
    assert AnswerRecord.model_validate(MADE).rules == ()


def test_the_answer_prompt_with_rules_reads_as_reviewed(
    indexed: Settings, matches_snapshot: Callable[[str], bool]
) -> None:
    index = open_index(indexed)
    evidence = search(index, understand(QUESTION, index.catalogue), top_k=1)
    rules = (approved("numbers-first"), approved("say-the-data-set", text="写明数据集。"))
    sources = number_sources(evidence, 32_000)
    system, _ = prompt_turns(prompt_for(evidence), evidence, sources, 32_000, rules)
    assert matches_snapshot(f"{system.content}\n")


def test_a_folder_in_a_rules_place_is_named_by_every_command(run: Run, settings: Settings) -> None:
    folder = rule_path(settings.data_dir, "short")
    folder.mkdir(parents=True)
    assert str(folder) in run("rules").stderr
    for words in (("delete", "short"), ("edit", "short")):
        assert str(folder) in error_of(run("rules", *words))
    with pytest.raises(ChatbotError, match=r"short\.md cannot be written"):
        write_rule(settings.data_dir, approved("short"))
