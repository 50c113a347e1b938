"""What stands beside the chat: the reader's filters, the section behind a marker, thumbs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import gradio as gr

from chatbot.errors import ChatbotError
from chatbot.feedback.ratings import (
    LONGEST_COMMENT,
    RatedAnswer,
    Verdict,
    Versions,
    add_comment,
    save_feedback,
)
from chatbot.index.reading import Index
from chatbot.reports.parsing import SECTION_KEYS
from chatbot.store.conversations import Turn, history_of, read_turns
from chatbot.understanding.inputs import make_filters, parse_date_range
from chatbot.understanding.models import Filters, Language
from chatbot.web.frame import COPY, LINK, QUIET, Frame, owner_of, told, visitor_language
from chatbot.web.locales import CHAT
from chatbot.web.markdown import LATEX_DELIMITERS, plain_html
from chatbot.web.rendering import answer_markdown, render_source, section_name

_MESSAGES_A_TURN = 3


@dataclass(frozen=True, slots=True)
class ChatFields:
    """The chat's components.

    `conversation` is the open one's id, empty where none is; `asked` the place of the turn that is
    to be answered, None where there is none. The visitor's browser holds the id, so that a restart
    of the server loses no conversation.
    """

    chat: gr.Chatbot
    box: gr.Textbox
    send: gr.Button
    stop: gr.Button
    examples: tuple[gr.Button, ...]
    conversation: gr.Textbox
    asked: gr.State
    done: gr.Number

    @property
    def controls(self) -> list[Any]:
        """What is enabled and shown by whether an answer is coming."""
        return [self.box, self.send, self.stop, *self.examples]


@dataclass(frozen=True, slots=True)
class FilterFields:
    """The components, in the order in which events take and give them."""

    dates: gr.Dropdown
    papers: gr.Dropdown
    sections: gr.CheckboxGroup
    in_force: gr.Markdown

    @property
    def values(self) -> list[gr.Dropdown | gr.CheckboxGroup]:
        """The fields whose values are the filters."""
        return [self.dates, self.papers, self.sections]


def build_filters(frame: Frame, in_force: gr.Markdown) -> FilterFields:
    """Lay the fields out; `in_force`, made elsewhere, says which filters apply."""
    text = frame.text
    gr.Markdown(text("chat_filters"), elem_classes="side-heading")
    # What is chosen stays allowed when a report is added, or the server started anew.
    both: dict[str, Any] = {"choices": [], "multiselect": True, "allow_custom_value": True}
    fields = FilterFields(
        dates=gr.Dropdown(
            label=text("chat_dates"), info=text("chat_dates_info"), elem_id="filter-dates", **both
        ),
        papers=gr.Dropdown(label=text("chat_papers"), elem_id="filter-papers", **both),
        sections=gr.CheckboxGroup(
            label=text("chat_sections"), choices=list(SECTION_KEYS), elem_id="filter-sections"
        ),
        in_force=in_force,
    )
    _connect_filters(frame, fields)
    return fields


def _connect_filters(frame: Frame, fields: FilterFields) -> None:
    def shown(dates: list[str], papers: list[str], sections: list[str], request: gr.Request) -> str:
        language = visitor_language(request)
        return filters_line(frame.bot.index, (dates, papers, sections), language)

    for field in fields.values:
        field.change(shown, fields.values, fields.in_force, **QUIET)

    def dropped(
        dates: list[str], papers: list[str], sections: list[str], event: gr.EventData
    ) -> list[list[str]]:
        kind, _, value = event.value.partition("/")
        chosen = {"date": dates, "paper": papers, "section": sections}
        return [
            [name for name in names or () if (kind, name) != (of_kind, value)]
            for of_kind, names in chosen.items()
        ]

    def choices(request: gr.Request) -> list[Any]:
        language = visitor_language(request)
        days = [day.isoformat() for day in reversed(frame.bot.index.catalogue.dates)]
        sections = [(section_name(key, language), key) for key in SECTION_KEYS]
        papers = frame.paper_choices.current()
        return [gr.update(choices=choices) for choices in (days, papers, sections)]

    frame.actions.unfilter(dropped, fields.values, fields.values, **LINK)
    # Without triggers, gradio runs it when the page is loaded.
    gr.on(None, choices, None, fields.values, **QUIET)


def read_filters(index: Index, chosen: Sequence[Sequence[str]], language: Language) -> Filters:
    """The filters that are set, by the values of the three fields.

    A day that cannot be read or a paper that is not in the index is a `ChatbotError`.
    """
    dates, papers, sections = (names or () for names in chosen)
    texts = CHAT[language]
    for day in dates:
        try:
            parse_date_range(day)
        except ChatbotError as error:
            raise ChatbotError(texts.no_date.format(day=day)) from error
    for paper in papers:
        if paper not in index.catalogue.by_id:
            raise ChatbotError(texts.no_paper.format(paper=paper))
    return make_filters(dates, papers, sections)


def filters_line(
    index: Index, chosen: tuple[list[str], list[str], list[str]], language: Language
) -> str:
    """The filters in force, each with a link that takes it away; empty where there are none."""
    dates, papers, sections = (names or [] for names in chosen)
    titles = index.catalogue.names.titles
    chips = [
        *(_chip("date", day, day) for day in dates),
        *(_chip("paper", paper, f"{titles.get(paper) or ''} ({paper})") for paper in papers),
        *(
            _chip("section", key, section_name(key, language))
            for key in SECTION_KEYS
            if key in sections
        ),
    ]
    # A block of HTML, in which nothing is Markdown.
    return f"<div>{CHAT[language].in_force} {' '.join(chips)}</div>" if chips else ""


def _chip(kind: str, value: str, label: str) -> str:
    address = f"#unfilter/{kind}/{quote(value, safe='')}"
    return f'<a class="chip" href="{address}">{plain_html(label)} ✕</a>'


def build_sources(frame: Frame, fields: ChatFields, text: gr.Textbox) -> None:
    """Lay the panel out; connect markers, its own links, and copying an answer, through `text`."""
    panel = gr.Markdown(
        frame.text("chat_no_source"),
        elem_id="sources",
        latex_delimiters=LATEX_DELIMITERS,
        line_breaks=False,
    )

    def opened(conversation: str, request: gr.Request, event: gr.EventData) -> Any:
        place, _, n = str(event.value).rpartition("/")
        turn = _turn(frame, conversation, place, owner_of(request))
        if turn is None or turn.answer is None or not n.isdecimal():
            return gr.skip()
        source = render_source(turn.answer, int(n), frame.bot.index, visitor_language(request))
        return f'<div class="sheet">\n\n{source}\n\n</div>'

    def first(conversation: str, request: gr.Request) -> str:
        """The first source of the latest answer, for those who have room beside the chat."""
        language = visitor_language(request)
        turns = turns_of(frame, conversation, owner_of(request))
        answer = turns[-1].answer if turns else None
        if answer is None or not answer.citations:
            return CHAT[language].no_source
        return render_source(answer, answer.citations[0].n, frame.bot.index, language)

    def closed(request: gr.Request, event: gr.EventData) -> Any:
        if event.value != "sources":
            return gr.skip()
        return CHAT[visitor_language(request)].no_source

    def copied(conversation: str, request: gr.Request, event: gr.EventData) -> str:
        turn = _turn(frame, conversation, str(event.value), owner_of(request))
        if turn is None or turn.answer is None:
            return ""
        gr.Info(CHAT[visitor_language(request)].copied)
        return answer_markdown(turn.answer)

    frame.actions.source(opened, fields.conversation, panel, **LINK)
    frame.actions.close(closed, None, panel, **QUIET)
    fields.conversation.change(first, fields.conversation, panel, **QUIET)
    fields.done.change(first, fields.conversation, panel, **QUIET)
    frame.actions.copy(copied, fields.conversation, text, **QUIET).then(
        None, text, None, js=COPY, api_visibility="private"
    )


def turn_of(message: int | tuple[int, int]) -> int:
    """The turn that a message belongs to, given as gradio's events do: its place comes first."""
    return (message if isinstance(message, int) else message[0]) // _MESSAGES_A_TURN


def _turn(frame: Frame, conversation: str, place: str, owner: str) -> Turn | None:
    """The turn at a place of the open conversation, where the place is one."""
    turns = turns_of(frame, conversation, owner) if place.isdecimal() else ()
    return next((turn for turn in turns if turn.position == int(place)), None)


def turns_of(frame: Frame, conversation: str, owner: str) -> tuple[Turn, ...]:
    """The turns of a conversation; none where none is open, or it was deleted meanwhile."""
    try:
        return read_turns(frame.database, owner, conversation) if conversation else ()
    except ChatbotError:
        return ()


# By which thumb is lit; none is, where it was pressed a second time.
_VERDICTS: dict[bool | str, Verdict] = {True: "like", False: "dislike"}


def build_comment(frame: Frame, fields: ChatFields) -> None:
    """Lay the row out that asks why, hidden until an answer is rated, and connect the thumbs."""
    rated_id = gr.State("")  # of the feedback that the row is about
    with gr.Row(elem_id="comment"):
        comment = gr.Textbox(
            label=frame.text("chat_comment"),
            placeholder=frame.text("chat_comment_placeholder"),
            visible=False,
            max_length=LONGEST_COMMENT,
            elem_id="comment-text",
            scale=1,
        )
        send = gr.Button(
            frame.text("chat_send_comment"), visible=False, scale=0, elem_id="comment-send"
        )

    @told
    def rated(conversation: str, request: gr.Request, event: gr.LikeData) -> list[Any]:
        owner = owner_of(request)
        turns = read_turns(frame.database, owner, conversation)
        place = turn_of(event.index)
        turn = turns[place] if place < len(turns) else None
        if turn is None or turn.answer is None:
            return ["", *_row(visible=False)]
        answer = RatedAnswer(
            conversation=conversation,
            position=turn.position,
            attempt=turn.attempt,
            question=turn.question,
            history=history_of(turns[: turn.position]),
            record=turn.answer,
            versions=Versions.of(frame.bot.index),
        )
        kept = save_feedback(frame.database, owner, answer, _VERDICTS.get(event.liked))
        return [kept or "", *_row(visible=kept is not None)]

    @told
    def commented(kept: str, text: str, request: gr.Request) -> list[Any]:
        add_comment(frame.database, owner_of(request), kept, text)
        gr.Info(CHAT[visitor_language(request)].thanks)
        return _row(visible=False)

    row = [comment, send]
    fields.chat.like(rated, fields.conversation, [rated_id, *row], **QUIET)
    for sent in (send.click, comment.submit):
        sent(commented, [rated_id, comment], row, **QUIET)
    fields.conversation.change(lambda: _row(visible=False), None, row, **QUIET)


def _row(*, visible: bool) -> list[Any]:
    return [gr.update(value="", visible=visible), gr.update(visible=visible)]
