"""The papers to browse: searched, filtered, counted and paged."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from chatbot.index.catalogue import PaperRecord
from chatbot.index.fields import fields_of_papers
from chatbot.index.store import Index
from chatbot.index.terms import normalise

PAGE_SIZE = 25
# With more days than this, papers are counted by month.
_MOST_DAYS = 31
_DAY, _MONTH = len("2026-02-12"), len("2026-02")


@dataclass(frozen=True, slots=True)
class View:
    """What a visitor looks at; `date` is a day or a month, ``YYYY-MM-DD`` or ``YYYY-MM``."""

    words: str = ""
    field: str = ""
    date: str = ""
    page: int = 1


@dataclass(frozen=True, slots=True)
class Shelf:
    """All papers of an index; `fields` and `periods` are those of each paper of the catalogue."""

    index: Index
    fields: tuple[str, ...]
    periods: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Listing:
    """A page of the papers found, how many there are, and how many in each field and period.

    A count by field leaves the filter by field aside, and one by period that by date.
    """

    papers: tuple[PaperRecord, ...]
    first: int
    total: int
    page: int
    pages: int
    by_field: Counter[str]
    by_period: Counter[str]


def shelf_of(index: Index) -> Shelf:
    """The shelf of an index."""
    width = _DAY if len(index.catalogue.dates) <= _MOST_DAYS else _MONTH
    periods = (
        tuple(dict.fromkeys(day.isoformat()[:width] for day in paper.dates))
        for paper in index.catalogue.papers
    )
    return Shelf(index, fields_of_papers(index), tuple(periods))


def listing(shelf: Shelf, view: View) -> Listing:
    """What a view shows; a page beyond the last is the last."""
    matching = tuple(_matching(shelf.index, view.words))
    of_field = [p for p in matching if view.field in {"", shelf.fields[p.place]}]
    of_date = [p for p in matching if not view.date or view.date in shelf.periods[p.place]]
    found = [p for p in of_field if not view.date or view.date in shelf.periods[p.place]]
    pages = max(1, -(-len(found) // PAGE_SIZE))
    page = min(max(view.page, 1), pages)
    first = (page - 1) * PAGE_SIZE
    return Listing(
        tuple(found[first : first + PAGE_SIZE]),
        first + 1,
        len(found),
        page,
        pages,
        Counter(shelf.fields[paper.place] for paper in of_date),
        Counter(period for paper in of_field for period in shelf.periods[paper.place]),
    )


def _matching(index: Index, words: str) -> Iterator[PaperRecord]:
    """The papers that hold every word; those first that hold all of them in title or id."""
    wanted = normalise(words).split()
    papers = index.catalogue.papers
    heads = [paper for paper in papers if _holds(f"{paper.id} {paper.title}".lower(), wanted)]
    yield from heads
    named = {paper.id for paper in heads}
    for paper in papers:
        if paper.id not in named and _holds(f"{paper.id} {index.paper_texts[paper.place]}", wanted):
            yield paper


def _holds(text: str, wanted: Sequence[str]) -> bool:
    return all(word in text for word in wanted)


def after_action(view: View, action: str) -> View:
    """The view after a button of the list or the chart: ``KIND/VALUE``.

    ``field`` and ``date`` set that filter, or remove it where it has that value; ``page`` turns.
    """
    kind, _, value = action.partition("/")
    if kind == "page" and value.isdigit():
        return replace(view, page=int(value))
    if kind == "field":
        return replace(view, field="" if value == view.field else value, page=1)
    if kind == "date":
        return replace(view, date="" if value == view.date else value, page=1)
    return view
