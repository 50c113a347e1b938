"""A comparison as the page shows and saves it, and the labels its papers are picked by."""

import re
from collections import defaultdict
from collections.abc import Sequence

from chatbot.answer.comparison_table import NOT_REPORTED, tables_of, to_csv
from chatbot.answer.models import Scope
from chatbot.answer.record import AnswerRecord, CitationRecord
from chatbot.index.naming import LATIN_NAME
from chatbot.index.store import Index
from chatbot.retrieval.models import Language
from chatbot.ui.download import spreadsheet
from chatbot.ui.markdown import safe_markdown
from chatbot.ui.rendering import render_answer, section_name
from chatbot.ui.wording.answers import TEXTS as ANSWER_TEXTS
from chatbot.ui.wording.compare import TEXTS

PLACE = "compare"
_NAMES_SHOWN = 3
_TABLE = re.compile(r"(?:^\|.*\n?)+", re.MULTILINE)
_NOT_REPORTED = re.compile(
    rf"(?<=\|)\s*({'|'.join(map(re.escape, NOT_REPORTED.values()))})[。.]?\s*(?=\|)", re.IGNORECASE
)


def choices(index: Index) -> list[tuple[str, str]]:
    """What each paper is picked by, with its id.

    A label has all that a reader may type: title, day, id, and names that the title does not have.
    """
    names: defaultdict[str, list[str]] = defaultdict(list)
    for name, papers, sure in index.catalogue.names.names.values():
        if sure and len(papers) == 1 and LATIN_NAME.fullmatch(name):
            names[papers[0]].append(name)
    labels = []
    for paper in index.catalogue.papers:
        title = paper.title.lower()
        own = [name for name in names[paper.id] if name.lower() not in title][:_NAMES_SHOWN]
        parts = [paper.title, paper.date.isoformat(), paper.id, ", ".join(own)]
        labels.append((" · ".join(part for part in parts if part), paper.id))
    return labels


def cleaned_aspects(aspects: Sequence[str]) -> list[str]:
    """Aspects that can head columns: each once, in one line, with nothing that ends a cell."""
    lines = (" ".join(aspect.split()).replace("|", "/") for aspect in aspects)
    return list(dict.fromkeys(line for line in lines if line))


def render_comparison(record: AnswerRecord) -> str:
    """A comparison, its table in a box that scrolls, its empty cells marked."""
    # The papers it is narrowed to are those in the table.
    shown = record.model_copy(update={"scope": Scope()})
    return _boxed(render_answer(shown, PLACE), record.language)


def render_unfinished(text: str, language: Language) -> str:
    """What has been written of a comparison so far."""
    return _boxed(safe_markdown(text), language)


def has_table(record: AnswerRecord) -> bool:
    """Whether there is a table to save."""
    return bool(tables_of(record.answer))


def comparison_csv(record: AnswerRecord) -> tuple[str, str]:
    """The file with the table and, in rows below it, what its markers stand for."""
    sources = [
        [f"[{c.n}]", c.title, section_name(c.key, record.language), _address(c)]
        for c in record.citations
    ]
    head = [[ANSWER_TEXTS[record.language].sources]] if sources else []
    return f"{_file_name(record)}.csv", spreadsheet(to_csv(record.answer, [*head, *sources]))


def comparison_markdown(record: AnswerRecord) -> tuple[str, str]:
    """The file with the table, what could not be verified, and the sources: its name, its text."""
    texts = ANSWER_TEXTS[record.language]
    doubts = "\n".join(f"- {sentence.text}" for sentence in record.failed)
    sources = "\n".join(_source_line(citation, record.language) for citation in record.citations)
    parts = [
        f"# {record.question}",
        record.notice or "",
        record.answer,
        f"⚠ {texts.unverified}\n\n{doubts}" if doubts else "",
        f"## {texts.sources}\n\n{sources}" if sources else "",
    ]
    text = "\n\n".join(part for part in parts if part)
    return f"{_file_name(record)}.md", f"{text}\n"


def _boxed(markdown: str, language: Language) -> str:
    label = TEXTS[language].table
    opening = f'<div class="table-box" role="region" title="{label}" tabindex="0">'

    def boxed(table: re.Match[str]) -> str:
        cells = _NOT_REPORTED.sub(r' <span class="not-reported">\1</span> ', table[0].rstrip("\n"))
        return f"{opening}\n\n{cells}\n\n</div>\n"

    return _TABLE.sub(boxed, markdown)


def _source_line(citation: CitationRecord, language: Language) -> str:
    where = ANSWER_TEXTS[language].source.format(
        section=section_name(citation.key, language),
        first=citation.lines[0],
        last=citation.lines[1],
        report=citation.report,
    )
    return f"- [{citation.n}] {citation.title} ({citation.date}), {where}. <{_address(citation)}>"


def _address(citation: CitationRecord) -> str:
    return f"https://arxiv.org/abs/{citation.paper_id}"


def _file_name(record: AnswerRecord) -> str:
    return "-".join(["comparison", *record.scope.papers])
