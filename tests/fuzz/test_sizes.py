"""What is huge or deep is read to its end; what is more than is taken in is refused in one line.

That cost grows no faster than size is measured by `make bench-growth`.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from chatbot.answering.engine import ReportQueryEngine
from chatbot.bot import Chatbot
from chatbot.config import Settings
from chatbot.errors import ChatbotError, ReportError
from chatbot.guardrails.limits import (
    LARGEST_REPORT,
    LONGEST_HISTORY,
    LONGEST_QUESTION,
    MOST_REPORTS,
    MOST_TURNS,
    newest_turns,
)
from chatbot.index.ingestion import ingest
from chatbot.index.reading import Index
from chatbot.reports.parsing import parse_report
from chatbot.retrieval.retriever import SectionRetriever
from chatbot.text.markdown import sentences
from chatbot.text.terms import content_terms, normalise
from chatbot.understanding.inputs import parse_request, read_history
from chatbot.understanding.interpretation import understand
from chatbot.understanding.models import Message
from chatbot.verification.claims import Draft, clean_markers, read_blocks, stated_in
from chatbot.verification.verification import citations_of, verified
from chatbot.web.markdown import ComingText, line_html, plain_html, section_html, text_html
from chatbot.web.uploads import read_upload
from tests.cli.test_commands import Run, run, run_seeds
from tests.report_text import paper, render_report

__all__ = ["run", "run_seeds"]  # fixtures
MEGABYTE = "问" * 10**6
TOO_LONG = "the question has 1000000 characters; 8000 are the most, shorten it"
DEEP = 8_000
# Once square in time or worse; each for the reader it was worst for, and all for all.
NESTS = {
    "brackets": "[" * DEEP + "9]" * DEEP,
    "round brackets": "（" * DEEP + "甲。" * 10 + "）" * DEEP,
    "quotes": "> " * DEEP + "甲",
    "lists": "".join(f"{' ' * 2 * depth}- 甲\n" for depth in range(200)),
    "emphasis": "**甲" * DEEP,
    "stars": "*" * DEEP,
    "backticks": "`" * DEEP + "甲" * DEEP,
    "backticks of every length": "甲".join("`" * length for length in range(1, 200)),
    "formulas": "$\\frac{" * DEEP,
    "backslashes": "\\" * DEEP + "(",
    "question marks": "?" * DEEP + "x",
    "abbreviations": "e.g. " * DEEP,
    "spaces": "甲" + " " * DEEP + "[",
    "numerals": "五" * DEEP,
    "indented code": "    a\n\nb\n\n" * DEEP,
    "zero width": "甲\u200b" * 50_000,
    "both directions": "\u202e甲\u202c" * DEEP,
    "marks on one letter": "e" + "\u0323\u0301" * DEEP,
    "voiced marks": "ｶ" + "\uff9e\u0301" * DEEP,
}
READERS: dict[str, Callable[[Index, str], object]] = {
    "verdicts": lambda index, text: verified(
        index, Draft(read_blocks(text), {1: index.sections[0]})
    ),
    "markers": lambda _, text: "".join(clean_markers([text], {1})),
    "HTML": lambda _, text: [text_html(text), section_html(text, [(3, 9)]), plain_html(text)],
    "HTML as it comes": lambda _, text: [ComingText().after(text), line_html(text)],
    "terms": lambda _, text: content_terms(text),
}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("nest", NESTS)
def test_what_is_deep_is_read_to_its_end(seed_index: Index, nest: str, reader: str) -> None:
    READERS[reader](seed_index, NESTS[nest])


@pytest.mark.parametrize("nest", NESTS)
def test_a_question_as_long_as_may_be_is_understood_whatever_it_holds(
    seed_index: Index, nest: str
) -> None:
    question = NESTS[nest][:LONGEST_QUESTION]
    assert understand(question, seed_index.catalogue).question == question


@pytest.mark.parametrize(
    "piece",
    [
        "和那篇 GENIUS ",
        "which both ",
        "哪些 A1 B2 ",
        "GENIUS ",
        "2月12日",
        "、甲乙",
        "what is .",
        "compare ",
    ],
)
def test_a_question_that_repeats_itself_is_answered(seed_bot: Chatbot, piece: str) -> None:
    question = (piece * LONGEST_QUESTION)[:LONGEST_QUESTION]
    assert seed_bot.answer(question).question == question


def test_a_question_of_a_megabyte_is_refused_before_anything_is_answered(seed_bot: Chatbot) -> None:
    with pytest.raises(ChatbotError, match=f"^{TOO_LONG}$"):
        next(seed_bot.ask(MEGABYTE))


@pytest.mark.parametrize("door", ["search", "prompt", "answer"])
def test_a_question_of_a_megabyte_is_refused(seed_bot: Chatbot, door: str) -> None:
    with pytest.raises(ChatbotError, match=f"^{TOO_LONG}$"):
        getattr(seed_bot, door)(MEGABYTE)


def test_llamaindex_doors_refuse_it_too(seed_index: Index) -> None:
    with pytest.raises(ChatbotError, match=TOO_LONG):
        ReportQueryEngine(seed_index).query(MEGABYTE)
    with pytest.raises(ChatbotError, match=TOO_LONG):
        SectionRetriever(seed_index).retrieve(MEGABYTE)


@pytest.mark.parametrize("command", ["ask", "search"])
def test_the_commands_refuse_it_in_one_line(run_seeds: Run, command: str) -> None:
    found = run_seeds(command, MEGABYTE)
    assert (found.status, found.out, found.err) == (1, "", f"chatbot: {TOO_LONG}\n")


@pytest.mark.parametrize("command", ["ask", "search"])
def test_a_line_of_a_batch_is_refused_and_the_others_answered(
    run_seeds: Run, tmp_path: Path, command: str
) -> None:
    file = tmp_path / "questions.jsonl"
    lines = [{"id": 1, "question": MEGABYTE}, {"id": 2, "question": "GENIUS 是什么？"}]
    file.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    found = run_seeds(command, "--input", str(file))
    first, second = map(json.loads, found.out.splitlines())
    assert (found.status, first["id"], first["error"]) == (1, 1, TOO_LONG)
    assert "error" not in second


def test_names_and_columns_to_compare_are_bounded_too(seed_bot: Chatbot) -> None:
    with pytest.raises(ChatbotError, match="8000 are the most"):
        seed_bot.compare([MEGABYTE, "GENIUS"])
    with pytest.raises(ChatbotError, match="8000 are the most"):
        seed_bot.compare(["GENIUS", "GRU-Mem"], [MEGABYTE])


def test_half_a_character_is_refused_and_named(seed_bot: Chatbot, run_seeds: Run) -> None:
    with pytest.raises(ChatbotError, match=r"half a character \(U\+D800\)"):
        seed_bot.answer("甲\ud800")
    with pytest.raises(ChatbotError, match=r"the history holds half a character \(U\+DC00\)"):
        seed_bot.answer("甲", [Message("user", "\udc00")])
    assert run_seeds("ask", "甲\udcff").err.startswith("chatbot: the question holds half")


def test_a_batch_goes_on_after_half_a_character_and_after_nesting(
    run_seeds: Run, tmp_path: Path
) -> None:
    file = tmp_path / "questions.jsonl"
    lines = ['{"question": "\\ud800"}', "[" * 200_000, '{"question": "GENIUS 是什么？"}']
    file.write_text("\n".join(lines), encoding="utf-8")
    found = run_seeds("search", "--input", str(file))
    assert ["error" in json.loads(line) for line in found.out.splitlines()] == [True, True, False]


@pytest.mark.parametrize(
    ("history", "why"),
    [
        ([Message("user", "甲")] * (MOST_TURNS + 1), "the history has 101 turns; 100 are the most"),
        ([Message("user", "甲" * (LONGEST_HISTORY + 1))], "has 100001 characters; 100000 are"),
    ],
)
def test_a_history_beyond_its_limits_is_refused(
    seed_bot: Chatbot, history: list[Message], why: str
) -> None:
    with pytest.raises(ChatbotError, match=why):
        seed_bot.answer("它呢？", history)


def test_a_history_as_long_as_may_be_is_read(seed_bot: Chatbot) -> None:
    history = [Message("user", "GENIUS " * (LONGEST_HISTORY // MOST_TURNS // 7))] * MOST_TURNS
    assert seed_bot.answer("它呢？", history).markdown


def test_of_a_longer_conversation_the_newest_turns_are_taken() -> None:
    assert newest_turns(["甲"] * 300) == MOST_TURNS
    assert newest_turns(["甲" * LONGEST_HISTORY, "乙"]) == 1
    assert newest_turns(["甲", "乙"]) == 2


def test_a_history_file_that_nests_without_end_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "history.json"
    file.write_text("[" * 200_000, encoding="utf-8")
    with pytest.raises(ChatbotError, match="JSON array"):
        read_history(file)


@pytest.mark.parametrize("value", [[["x"]], [5], "2602.10560", {"a": 1}])
def test_filters_of_another_shape_are_refused(value: Any) -> None:
    with pytest.raises(ChatbotError):
        parse_request(json.dumps({"question": "?", "filters": {"papers": value}}))


def test_a_hundred_thousand_markers_are_resolved(seed_index: Index) -> None:
    section = seed_index.sections[0]
    said = sentences(section.text)[0].text.rstrip("。")
    text = "".join(clean_markers([f"{said} [1, 9]。\n"] * 1_000 + ["[1][9]" * 49_500], {1}))
    draft = verified(seed_index, Draft(read_blocks(text), {1: section}))
    assert len(citations_of(draft)) == 1
    assert all(claim.citations == (1,) for claim in stated_in(draft.blocks))


def large_report(size: int) -> bytes:
    """A report of one paper with that many bytes."""
    made = render_report("2026-02-12", [paper("2602.00001", "A", results="@")])
    line = "- **准确率**：提升 61.4%[1]，`a` $x$。\n".encode()
    room = size - len(made) + 1
    return made.replace(
        b"@", (line * (room // len(line) + 1))[:room].decode("utf-8", "ignore").encode()
    )


def test_a_report_as_large_as_may_be_is_parsed() -> None:
    data = large_report(LARGEST_REPORT)
    assert LARGEST_REPORT - 4 < len(data) <= LARGEST_REPORT
    assert len(parse_report(data, "large.txt").papers[0].sections[-1].text) > LARGEST_REPORT / 4


def test_a_larger_report_is_refused_at_every_door(settings: Settings, tmp_path: Path) -> None:
    file = tmp_path / "large.txt"
    file.write_bytes(large_report(LARGEST_REPORT + 50))
    why = "the file is larger than 10 MB, the most; cut it by day"
    assert [error.cause for error in ingest(settings, [file]).failed] == [why]
    with pytest.raises(ReportError, match=why):
        read_upload(file)


def test_a_folder_of_too_many_reports_is_refused_whole(settings: Settings, tmp_path: Path) -> None:
    folder = tmp_path / "reports"
    folder.mkdir()
    for number in range(MOST_REPORTS + 1):
        (folder / f"{number}.txt").touch()
    (failed,) = ingest(settings, [folder]).failed
    assert failed.cause == "more than 10000 report files, the most; give folders within it"


def test_marks_that_are_piled_up_are_cut_and_others_stay() -> None:
    assert normalise("e\u0301") == "é"
    assert len(normalise("e" + "\u0323\u0301" * 1000)) <= 31
    assert normalise("，" * 100) == "," * 100
