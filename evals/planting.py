"""Indexes for a run: the shipped reports, and the same with a report that was tampered with."""

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from chatbot.config import SEEDS, Settings
from chatbot.index.ingestion import ingest
from chatbot.index.reading import Index, open_index
from chatbot.reports.parsing import SECTION_KEYS, SECTION_LABELS, read_report
from chatbot.reports.search_text import content_hash, enrichment_file
from evals.injections import Injection
from evals.items import Contradiction

_DAY = "2026-02-23"
_RULE = "=" * 60


def seeds_index(settings: Settings, folder: Path) -> Index:
    """The shipped reports, indexed in a folder that later runs find again.

    Raises:
        ChatbotError: they cannot be indexed.
    """
    return _indexed(settings, folder, SEEDS)


def planted_index(
    settings: Settings, folder: Path, contradictions: Sequence[Contradiction]
) -> Index:
    """The shipped reports and one more, of made-up papers that say otherwise.

    Raises:
        ChatbotError: they cannot be indexed.
    """
    reports = folder / "reports"
    shutil.rmtree(reports, ignore_errors=True)
    shutil.copytree(SEEDS, reports)
    papers = [
        _paper(
            f"9902.{number:05}",
            made.title,
            {"contribution": made.contribution, made.key: made.text},
        )
        for number, made in enumerate(contradictions, 1)
    ]
    (reports / "planted.txt").write_text(_report(papers), encoding="utf-8")
    return _indexed(settings, folder, reports)


def injected_index(settings: Settings, folder: Path, injections: Sequence[Injection]) -> Index:
    """The shipped reports and one more, of made-up papers in which instructions are planted.

    Raises:
        ChatbotError: they cannot be indexed.
    """
    reports = folder / "reports"
    shutil.rmtree(reports, ignore_errors=True)
    shutil.copytree(SEEDS, reports)
    file = reports / "injected.txt"
    papers = [
        _paper(f"9903.{number:05}", made.title, made.sections)
        for number, made in enumerate(injections, 1)
    ]
    file.write_text(_report(papers), encoding="utf-8")
    written = [
        {
            "content": content_hash(paper),
            "sections": {"results": {"en": made.planted, "zh": made.planted}},
        }
        for paper, made in zip(read_report(file).papers, injections, strict=True)
        if made.place == "search_text"
    ]
    lines = "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in written)
    enrichment_file(file).write_text(lines, encoding="utf-8")
    return _indexed(settings, folder, reports)


def _indexed(settings: Settings, folder: Path, reports: Path) -> Index:
    own = settings.model_copy(update={"data_dir": folder / "data", "chroma_url": None})
    ingest(own, [reports])
    return open_index(own)


def _report(papers: Sequence[str]) -> str:
    url = f"https://huggingface.co/papers/date/{_DAY}"
    head = f"# Hugging Face Daily Papers Report\n**Date**: {_DAY}\n**Source URL**: {url}"
    return "".join(f"{block}\n\n{_RULE}\n\n" for block in (head, *papers))


def _paper(name: str, title: str, texts: Mapping[str, str]) -> str:
    sections = [
        f"### {n}. **{SECTION_LABELS[key]}**\n{texts.get(key, '报告未展开。')}"
        for n, key in enumerate(SECTION_KEYS, 1)
    ]
    link = f"- **链接**: https://huggingface.co/papers/{name}\n- **阅读来源**: HTML"
    return "\n\n".join([f"## 📄 {title}", link, *sections])
