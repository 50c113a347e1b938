"""Answers as Markdown and as CSV: blocks made of quotes with the text they read as, and tables."""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import replace

from chatbot.verification.claims import Block, Cell, Claim, without_markers

_BREAK = "<br>"


def line_of(text: str) -> Block:
    """A line that states nothing: a title, a note, or what leads in to what follows."""
    cell = Cell(text, (Claim(text, "lead", place=(0, len(text))),))
    return Block("paragraph", text, ((cell,),))


def list_of(claims: Iterable[Claim]) -> Block:
    """A list, an item a claim."""
    rows, text = list[tuple[Cell]](), ""
    for claim in claims:
        text = f"{text}\n- " if text else "- "
        rows.append((_cell([claim], len(text)),))
        text += rows[-1][0].text
    return Block("list", text, tuple(rows))


def table_of(rows: Sequence[Sequence[Sequence[Claim]]]) -> Block:
    """A table of rows of cells of claims; the first row names the columns."""
    laid_out, text = list[tuple[Cell, ...]](), ""
    for row in rows:
        text = f"{text}\n|" if text else "|"
        cells = []
        for claims in row:
            inert = [replace(claim, text=claim.text.replace("|", "\\|")) for claim in claims]
            cells.append(_cell(inert, len(text) + 1))
            text += f" {cells[-1].text} |"
        if not laid_out:
            text += f"\n|{' --- |' * len(row)}"
        laid_out.append(tuple(cells))
    return Block("table", text, tuple(laid_out))


def _cell(claims: Sequence[Claim], start: int) -> Cell:
    """A cell whose text begins at `start` of its block."""
    placed, at = list[Claim](), start
    for claim in claims:
        end = at + len(_with_markers(claim))
        placed.append(replace(claim, place=(at, end)))
        at = end + len(_BREAK)
    return Cell(_BREAK.join(map(_with_markers, claims)), tuple(placed))


def _with_markers(claim: Claim) -> str:
    return " ".join([claim.text, *(f"[{n}]" for n in claim.citations)])


def in_order(blocks: Sequence[Block]) -> tuple[Block, ...]:
    """The blocks of one text, each parted from the next."""
    parted = (replace(block, text=f"{block.text.rstrip()}\n\n") for block in blocks[:-1])
    return (*parted, *blocks[-1:])


def tables_in(blocks: Iterable[Block]) -> list[list[list[str]]]:
    """The tables of an answer, each as rows of the Markdown of its cells."""
    tables = (block for block in blocks if block.kind == "table")
    return [[[cell.text for cell in row] for row in table.rows] for table in tables]


def to_csv(blocks: Iterable[Block], sources: Sequence[Sequence[str]] = ()) -> str:
    """The first table of an answer as CSV; empty where there is none.

    Without its markers, unless there are rows of `sources`: these stand below it, an empty row
    between.
    """
    tables = tables_in(blocks)
    if not tables:
        return ""
    rows = [[_plain(cell, keep_markers=bool(sources)) for cell in row] for row in tables[0]]
    out = io.StringIO()
    below = [[], *sources] if sources else []
    csv.writer(out).writerows([_inert(cell) for cell in row] for row in [*rows, *below])
    return out.getvalue()


def _plain(cell: str, *, keep_markers: bool) -> str:
    text = cell if keep_markers else without_markers(cell)
    text = text.replace(_BREAK, "\n").replace("**", "").replace("\\|", "|")
    return "\n".join(line.strip() for line in text.split("\n"))


def _inert(cell: str) -> str:
    # A spreadsheet would take these for formulas.
    return f"'{cell}" if cell[:1] in {"=", "+", "-", "@"} else cell
