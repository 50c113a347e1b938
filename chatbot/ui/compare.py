"""The compare tab: papers and aspects in, a table with a source for every cell out."""

import html
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from chatbot.answer.models import Event
from chatbot.answer.record import AnswerRecord
from chatbot.errors import ChatbotError
from chatbot.index.store import Index
from chatbot.retrieval.models import Language
from chatbot.ui import comparison
from chatbot.ui.coming import Coming
from chatbot.ui.compare_layout import Parts, lay_out
from chatbot.ui.compare_source import wire_source
from chatbot.ui.frame import Frame, visitor_language
from chatbot.ui.requests import visit_of
from chatbot.ui.wording.answers import TEXTS as ANSWER_TEXTS
from chatbot.ui.wording.compare import TEXTS
from chatbot.visits import in_one_context

logger = logging.getLogger(__name__)

_FEWEST, _MOST, _MOST_ASPECTS = 2, 8, 8

# New values or properties of components.
Changes = dict[Any, Any]


@dataclass(frozen=True, slots=True)
class Compare:
    """What leads from a comparison to elsewhere.

    `answered` holds the `AnswerRecord` shown, as JSON, or an empty text.
    """

    papers: gr.Dropdown
    answered: gr.State
    to_chat: gr.Button


def build_compare(frame: Frame) -> Compare:
    """Lay the tab out and connect it; a link ``?compare=ID,ID`` to the page is followed here."""
    with gr.Column(elem_id="compare"):
        parts = lay_out(frame)
    _connect(frame, parts)
    wire_source(frame, parts.source, parts.answered)
    return Compare(parts.papers, parts.answered, parts.to_chat)


def _connect(frame: Frame, parts: Parts) -> None:
    def pressed(ids: list[str], aspects: list[str], request: gr.Request) -> Iterator[Changes]:
        comparing = _compared(frame, parts, ids, aspects, visitor_language(request))
        yield from _admitted(frame, parts, comparing, request)

    def linked(
        ids: list[str], aspects: list[str], event: gr.EventData, request: gr.Request
    ) -> Iterator[Changes]:
        language = visitor_language(request)
        opening = _opened(frame, parts, (_ids(event.value), ids), aspects, language)
        yield from _admitted(frame, parts, opening, request)

    def loaded(request: gr.Request) -> list[Any]:
        common = TEXTS[visitor_language(request)].common_aspects
        return [
            gr.update(choices=frame.paper_choices.current()),
            gr.update(choices=[(aspect, aspect) for aspect in common]),
            str(request.query_params.get("compare", "")),
        ]

    def addressed(address: str, request: gr.Request) -> Iterator[Changes]:
        language = visitor_language(request)
        if ids := _ids(address):
            opening = _opened(frame, parts, (ids, []), [], language)
            yield from _admitted(frame, parts, opening, request)

    shown: dict[str, Any] = {"show_progress_on": parts.status, "show_progress": "minimal"}
    both = [parts.papers, parts.aspects]
    # Of its own, so that a link followed at once finds nothing to cancel that has hardly begun.
    address = gr.Textbox("", visible="hidden")
    gr.on(None, loaded, None, [*both, address], api_visibility="private")
    running = [
        address.change(addressed, address, parts.changed, api_visibility="private", **shown),
        parts.compare.click(pressed, both, parts.changed, api_visibility="private", **shown),
    ]
    # Two comparisons would write over each other. The page runs a trigger's events in turn, and
    # what is cancelled after another event has written may still write over that.
    frame.actions.compare(None, cancels=running, queue=False, api_visibility="private")
    following = frame.actions.compare(
        linked,
        both,
        parts.changed,
        trigger_mode="multiple",
        api_visibility="private",
        **shown,
    )

    def stopped(request: gr.Request) -> Changes:
        return _ended(parts, TEXTS[visitor_language(request)].stopped)

    parts.stop.click(None, cancels=[*running, following], queue=False, api_visibility="private")
    parts.stop.click(stopped, None, parts.changed, queue=False, api_visibility="private")


def _admitted(
    frame: Frame, parts: Parts, changes: Iterator[Changes], request: gr.Request
) -> Iterator[Changes]:
    """What changes, or that the visitor has to wait."""
    try:
        frame.admit(request, visitor_language(request))
    except ChatbotError as error:
        yield _ended(parts, str(error))
        return
    yield from in_one_context(changes, visit_of(request, "compare"))


def _opened(
    frame: Frame,
    parts: Parts,
    papers: tuple[list[str], list[str]],
    aspects: list[str],
    language: Language,
) -> Iterator[Changes]:
    """Follow a link to papers, given before those picked: several are compared, one is added."""
    asked, picked = papers
    indexed, alone = frame.bot.index.catalogue.by_id, len(asked) == 1
    wanted = list(dict.fromkeys([*picked, *asked] if alone else asked))
    known = [paper for paper in wanted if paper in indexed]
    yield {parts.papers: gr.update(choices=frame.paper_choices.current(), value=known)}
    if alone and known == wanted:
        yield {parts.status: TEXTS[language].added.format(n=len(wanted))}
        return
    yield from _compared(frame, parts, wanted, aspects, language)


def _compared(
    frame: Frame, parts: Parts, ids: list[str], aspects: list[str], language: Language
) -> Iterator[Changes]:
    """Compare, from the choice's check to the table."""
    texts = TEXTS[language]
    columns = comparison.cleaned_aspects(aspects)
    if problem := _problem(frame.bot.index, ids, columns, language):
        yield _ended(parts, problem)
        return
    yield _begun(parts)
    try:
        for change, record in _shown(frame.bot.compare(ids, columns, language), parts, language):
            yield change
            if record:
                yield _ended(parts, texts.done.format(n=len(ids)), record)
    except ChatbotError as error:
        yield _ended(parts, texts.failed.format(error=error))
    except Exception:
        logger.exception("papers were not compared")
        yield _ended(parts, texts.failed.format(error=texts.unexpected))


def _problem(index: Index, ids: list[str], aspects: Sequence[str], language: Language) -> str:
    """What a visitor has to change before a comparison, if anything."""
    texts = TEXTS[language]
    missing = [paper for paper in ids if paper not in index.catalogue.by_id]
    if missing:
        return texts.missing.format(papers=", ".join(missing))
    if not _FEWEST <= len(ids) <= _MOST:
        return texts.number.format(n=len(ids))
    if len(aspects) > _MOST_ASPECTS:
        return texts.many_aspects.format(most=_MOST_ASPECTS, n=len(aspects))
    return ""


def _shown(
    events: Iterator[Event], parts: Parts, language: Language
) -> Iterator[tuple[Changes, AnswerRecord | None]]:
    """What changes after each event worth showing; the record with the last."""
    coming = Coming()
    for event in events:
        if coming.take(event):
            step = coming.steps[-1].name if coming.steps else "retrieve"
            name = getattr(ANSWER_TEXTS[language], step)
            status = TEXTS[language].working.format(step=name)
            table = comparison.render_unfinished(coming.text, language)
            yield {parts.status: status, parts.table: table}, None
    if record := coming.answer:
        yield {parts.table: comparison.render_comparison(record)}, record


def _begun(parts: Parts) -> Changes:
    """The tab as a comparison begins: nothing of an earlier one is left."""
    hidden, emptied = gr.update(visible=False), ""
    return {
        parts.compare: hidden,
        parts.stop: gr.update(visible=True),
        parts.csv: hidden,
        parts.markdown: hidden,
        parts.to_chat: hidden,
        parts.table: emptied,
        parts.answered: emptied,
        parts.source.box: hidden,
        parts.source.text: emptied,
    }


def _ended(parts: Parts, status: str, record: AnswerRecord | None = None) -> Changes:
    """The tab after a comparison, or one that was not made; `status` is plain text."""
    changes: Changes = {
        parts.compare: gr.update(visible=True),
        parts.stop: gr.update(visible=False),
        parts.status: html.escape(status),
    }
    if record:
        changes |= {
            parts.answered: record.model_dump_json(),
            parts.markdown: gr.update(visible=True),
            parts.to_chat: gr.update(visible=True),
            parts.csv: gr.update(visible=comparison.has_table(record)),
        }
    return changes


def _ids(rest: str) -> list[str]:
    return [paper.strip() for paper in rest.split(",") if paper.strip()]
