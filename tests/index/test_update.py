"""The step from one set of reports to another comes to what making all anew comes to."""

from itertools import count
from pathlib import Path

import pytest

from chatbot.config import Settings
from chatbot.index.ingestion import ingest
from chatbot.index.reading import Index, open_index
from tests.report_text import MadePaper, paper, render_report

_NUMBERS = count()
ONE = paper("2603.00001", "FooNet: A Study", contribution="提出了 FooNet 框架（Framework）。")
SAME = paper("2603.00001", "FooNet: A Study", contribution="提出了 FooNet2 框架（Framework）。")
TWO = paper("2603.00002", "Bars", contribution="提出了 BarBench，框架（framework）优于 FooNet。")
THREE = paper("2603.00003", "Third", usage="FooNet 与 BarBench 的代码见 BarBench。")
Reports = dict[str, tuple[str, list[MadePaper]]]
STEPS: list[Reports] = [
    {"a.txt": ("2026-03-01", [ONE, TWO])},
    {"a.txt": ("2026-03-01", [ONE, TWO]), "b.txt": ("2026-03-02", [THREE])},
    {"a.txt": ("2026-03-01", [ONE, TWO]), "b.txt": ("2026-03-02", [THREE, SAME])},
    {"a.txt": ("2026-03-03", [ONE, TWO]), "b.txt": ("2026-03-02", [THREE, SAME])},
    {"a.txt": ("2026-03-03", [TWO]), "b.txt": ("2026-03-02", [THREE, SAME])},
    {"b.txt": ("2026-03-02", [SAME])},
    {"b.txt": ("2026-03-02", [SAME]), "c.txt": ("2026-03-02", [TWO, ONE])},
]


def write(folder: Path, reports: Reports) -> Path:
    """A folder of these reports alone."""
    folder.mkdir(exist_ok=True)
    for file in folder.iterdir():
        file.unlink()
    for name, (day, papers) in reports.items():
        (folder / name).write_bytes(render_report(day, papers))
    return folder


def seen(index: Index) -> dict[str, object]:
    """All that an index tells, without the numbers that its papers and sections go by."""
    rows = index.records.all("SELECT number, row FROM sections")
    names = dict(rows)

    def best(term: str) -> list[str]:
        hits = index.lexical.best("section", "words", ((term, 1.0),))
        return sorted(names[number] for number in hits.numbers.tolist())

    return {
        "sections": index.sections,
        "papers": [(p.id, p.report, p.order, p.date, p.field) for p in index.catalogue.papers],
        "dates": index.catalogue.dates,
        "rows": sorted(index.row_ids),
        "vectors": index.vectors.ids(),
        "names": sorted(index.catalogue.names.all()),
        "glosses": index.records.all(
            "SELECT * FROM glosses WHERE pairs > 0 ORDER BY english, chinese"
        ),
        "found": {term: best(term) for term in ("foonet", "foonet2", "barbench", "框架")},
        "known": [index.lexical.knows(name) for name in ("FooNet2", "Third")],
    }


@pytest.mark.parametrize("steps", [STEPS, STEPS[::-1]])
def test_changes_one_after_another_come_to_what_a_new_index_is(
    settings: Settings, tmp_path: Path, steps: list[Reports]
) -> None:
    for reports in steps:
        folder = write(tmp_path / "reports", reports)
        ingest(settings, [folder])
        anew = settings.model_copy(update={"data_dir": tmp_path / f"anew-{next(_NUMBERS)}"})
        ingest(anew, [folder])
        assert seen(open_index(settings)) == seen(open_index(anew))
