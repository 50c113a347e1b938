"""What reads texts from outside, each with texts made for it: nothing but our errors may leave."""

import contextlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from chatbot.answering.record import record_of
from chatbot.answering.rules import parse_rule
from chatbot.answering.writing import Kept
from chatbot.bot import Chatbot
from chatbot.errors import ChatbotError
from chatbot.reports.parsing import parse_report
from chatbot.reports.search_text import parse_rows
from chatbot.understanding.inputs import make_filters, parse_request, read_history
from chatbot.understanding.interpretation import understand
from chatbot.understanding.models import Message
from chatbot.verification.claims import Draft, clean_markers, markdown_of, read_blocks, stated_in
from chatbot.verification.verification import citations_of, verified
from chatbot.web.markdown import ComingText, line_html, plain_html, section_html, text_html
from chatbot.web.rendering import render_answer
from evals.items import load_items
from tests.fuzz.pieces import (
    DRAFTS,
    HALVES,
    HISTORIES,
    MARKUP,
    QUESTIONS,
    REPORTS,
    WORDS,
    examples,
    json_of,
    texts,
)

_TAGS_OF_OURS = re.compile(
    r"</?(?:p|br|hr|h[1-6]|[uo]l|li|em|strong|mark|pre|code|blockquote|table|thead|tbody|tr|t[hd])"
    r"(?: style=\"text-align:[a-z]+\"| start=\"\d+\")?>|<span class=\"marker\">|</span>"
)


@dataclass(frozen=True)
class Door:
    """What is given to a reader, how, and how many examples a usual run has."""

    inputs: st.SearchStrategy[Any]
    enter: Callable[[Chatbot, Any], object]
    count: int = 60

    def fuzzed(self, bot: Chatbot) -> Callable[[], None]:
        """The property that whatever is given, one of our errors in one line is the worst."""

        @examples(self.count)
        @given(self.inputs)
        def enters(what: Any) -> None:
            with only_ours():
                self.enter(bot, what)

        return enters


@contextlib.contextmanager
def only_ours() -> Iterator[None]:
    """Let a `ChatbotError` pass if it is one line that can be read at a glance."""
    said = ""
    try:
        yield
    except ChatbotError as error:
        said = str(error)
    assert len(said.splitlines()) <= 1, said
    assert len(said) < 500, said


def read_report_text(_: Chatbot, data: bytes) -> None:
    text = data.decode("utf-8-sig", "replace").replace("\r\n", "\n").replace("\r", "\n")
    for paper in parse_report(data, "report.txt").papers:
        assert all(section.text in text for section in paper.sections)


def read_question(bot: Chatbot, given_: tuple[str, list[tuple[Any, str]]]) -> None:
    question, history = given_
    query = understand(question, bot.index.catalogue, [Message(*turn) for turn in history])
    assert query.question == question
    assert all(0 <= link.start <= link.end for link in query.links)


def read_draft(bot: Chatbot, given_: tuple[str, int]) -> None:
    draft, size = given_
    sources = dict(enumerate(bot.index.sections[:3], 1))
    deltas = (draft[at : at + size] for at in range(0, len(draft), size))
    cleaned = Kept(clean_markers(deltas, sources))
    text = "".join(cleaned).replace("\r\n", "\n").replace("\r", "\n")
    assert not {*cleaned.returned} & {*sources}
    read = verified(bot.index, Draft(read_blocks(text), sources))
    assert markdown_of(read.blocks) == text
    for citation in citations_of(read):
        assert all(q.text == citation.section.text[q.start : q.end] for q in citation.quotes)
    for claim in stated_in(read.blocks):
        assert claim.supported == (claim.reason is None)


def show_markdown(_: Chatbot, text: str) -> None:
    spans = [(at, at + 5) for at in range(0, len(text), 9)]
    for shown in (text_html(text), section_html(text, spans), line_html(text), plain_html(text)):
        assert not {"<", ">"} & {*_TAGS_OF_OURS.sub("", shown)}
    assert ComingText().after(f"{text}\n\n甲").html == text_html(f"{text}\n\n甲")


def read_items(_: Chatbot, data: bytes) -> None:
    with in_a_file(data) as path:
        load_items(path)


def read_history_file(_: Chatbot, data: bytes) -> None:
    with in_a_file(data) as path:
        read_history(path)


@contextlib.contextmanager
def in_a_file(data: bytes) -> Iterator[Path]:
    """A file that holds these bytes."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "given"
        path.write_bytes(data)
        yield path


def answer(bot: Chatbot, given_: tuple[str, list[tuple[Any, str]]]) -> None:
    question, history = given_
    record = record_of(bot.answer(question, [Message(*turn) for turn in history]))
    assert record.answer
    render_answer(record, "0")


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


_ITEM = json_of("id", "type", "lang", "question", "history", "papers", "evidence", "reason")
_RULE = texts(
    *("---\n", "status: approved\n", "status: x\n", "created: 2026-02-12\n", "created: 9\n"),
    *("applies: lookup, zh\n", "applies: x\n", "from: a\n", "a: b\n", "先给数字。", ": \n"),
)
DOORS = {
    "a report": Door(REPORTS, read_report_text, 150),
    "a question and its history": Door(st.tuples(QUESTIONS, HISTORIES), read_question, 100),
    "a draft": Door(st.tuples(DRAFTS, st.integers(1, 9)), read_draft, 80),
    "Markdown": Door(texts(*MARKUP, *WORDS[:6]), show_markdown, 150),
    "a line of a batch": Door(
        json_of("id", "question", "history", "filters"), lambda _, line: parse_request(line), 100
    ),
    "filters": Door(
        st.tuples(
            *[st.lists(texts(*WORDS, "..", "2026-02-12", "results", most=3), max_size=3)] * 3
        ),
        lambda _, given_: make_filters(*given_),
    ),
    "a history file": Door(json_of("role", "content").map(_encoded), read_history_file, 40),
    "a rule": Door(_RULE, lambda _, text: parse_rule("rule", text), 100),
    "eval items": Door(st.one_of(_ITEM.map(_encoded), st.binary(max_size=60)), read_items, 40),
    "search text": Door(
        st.one_of(json_of("content", "paper", "text").map(_encoded), st.binary(max_size=60)),
        lambda _, data: list(parse_rows(data, "r.enrichment.jsonl")),
        40,
    ),
    "an answer": Door(
        st.tuples(texts(*WORDS, *MARKUP[:9], *HALVES[:1], most=8), HISTORIES), answer, 25
    ),
}
