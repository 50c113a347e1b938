"""The reader's filters: the fields they are set with, and the line that shows what applies."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import gradio as gr

from chatbot.errors import ChatbotError
from chatbot.index.reading import Index
from chatbot.reports.parsing import SECTION_KEYS
from chatbot.understanding.inputs import make_filters, parse_date_range
from chatbot.understanding.models import Filters, Language
from chatbot.web.frame import LINK, QUIET, Frame, visitor_language
from chatbot.web.locales import CHAT as TEXTS
from chatbot.web.markdown import plain_html
from chatbot.web.rendering import section_name


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
    fields = FilterFields(
        dates=gr.Dropdown(
            label=text("chat_dates"),
            info=text("chat_dates_info"),
            choices=[],
            multiselect=True,
            allow_custom_value=True,
            elem_id="filter-dates",
        ),
        papers=gr.Dropdown(
            label=text("chat_papers"),
            choices=[],
            multiselect=True,
            # What is chosen stays allowed when a report is added, or the server started anew.
            allow_custom_value=True,
            elem_id="filter-papers",
        ),
        sections=gr.CheckboxGroup(
            label=text("chat_sections"), choices=list(SECTION_KEYS), elem_id="filter-sections"
        ),
        in_force=in_force,
    )

    def shown(dates: list[str], papers: list[str], sections: list[str], request: gr.Request) -> str:
        language = visitor_language(request)
        return filters_line(frame.bot.index, (dates, papers, sections), language)

    for field in fields.values:
        field.change(shown, fields.values, in_force, **QUIET)

    def dropped(
        dates: list[str], papers: list[str], sections: list[str], event: gr.EventData
    ) -> list[list[str]]:
        kind, _, value = event.value.partition("/")
        chosen = {"date": dates, "paper": papers, "section": sections}
        return [
            [name for name in names or () if (kind, name) != (of_kind, value)]
            for of_kind, names in chosen.items()
        ]

    frame.actions.unfilter(dropped, fields.values, fields.values, **LINK)
    return fields


def filter_choices(frame: Frame, language: Language) -> list[Any]:
    """What can be chosen in the three fields now."""
    days = [day.isoformat() for day in reversed(frame.bot.index.catalogue.dates)]
    sections = [(section_name(key, language), key) for key in SECTION_KEYS]
    papers = frame.paper_choices.current()
    return [gr.update(choices=choices) for choices in (days, papers, sections)]


def read_filters(index: Index, chosen: Sequence[Sequence[str]], language: Language) -> Filters:
    """The filters that are set, by the values of the three fields.

    Raises:
        ChatbotError: a day that was typed cannot be read, or a paper is not in the index.
    """
    dates, papers, sections = (names or () for names in chosen)
    texts = TEXTS[language]
    for day in dates:
        try:
            parse_date_range(day)
        except ChatbotError as error:
            raise ChatbotError(texts.no_date.format(day=day)) from error
    for paper in papers:
        if paper not in index.catalogue.by_id:
            raise ChatbotError(texts.no_paper.format(paper=paper))
    return make_filters(dates, papers, sections)


def filter_values(filters: Filters) -> list[Any]:
    """What the three fields hold where these filters are set."""
    return [[str(span) for span in filters.dates], list(filters.papers), list(filters.sections)]


def filters_line(
    index: Index, chosen: tuple[list[str], list[str], list[str]], language: Language
) -> str:
    """The filters in force, each with a link that takes it away; empty where there are none."""
    dates, papers, sections = (names or [] for names in chosen)
    titles = {paper.id: paper.title for paper in index.catalogue.papers if paper.id in papers}
    chips = [
        *(_chip("date", day, day) for day in dates),
        *(_chip("paper", paper, f"{titles.get(paper, '')} ({paper})") for paper in papers),
        *(
            _chip("section", key, section_name(key, language))
            for key in SECTION_KEYS
            if key in sections
        ),
    ]
    # A block of HTML, in which nothing is Markdown.
    return f"<div>{TEXTS[language].in_force} {' '.join(chips)}</div>" if chips else ""


def _chip(kind: str, value: str, label: str) -> str:
    address = f"#unfilter/{kind}/{quote(value, safe='')}"
    return f'<a class="chip" href="{address}">{plain_html(label)} ✕</a>'
