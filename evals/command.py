"""``chatbot eval``: run suites, compare with the baseline, fail where a gate does."""

import datetime as dt
import hashlib
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from chatbot.errors import ChatbotError

if TYPE_CHECKING:
    from chatbot.config import Settings
    from chatbot.index.generation import Progress
    from chatbot.llm.client import ChatModel
    from evals.answering import Bench
    from evals.cases import Datasets
    from evals.suites.suite import Suite

_HERE = Path(__file__).resolve().parent
BASELINE, RECORDINGS = _HERE / "baseline" / "scores.jsonl", _HERE / "recordings"
Stage = Literal["answer", "score", "report"]
Mode = Literal["replay", "record", "live"]
_STAGES: tuple[Stage, ...] = ("answer", "score", "report")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a run is asked for."""

    suites: tuple[str, ...] = ()
    stages: tuple[Stage, ...] = _STAGES
    run: str | None = None
    dataset: Path | None = None
    mode: Mode = "replay"
    llm: str | None = None
    compare: str | None = None
    limit: int | None = None
    concurrency: int = 2
    repeats: int = 1


def eval_command(
    suites: Annotated[
        list[str] | None, typer.Argument(help="Suites; the offline ones if none.")
    ] = None,
    *,
    list_suites: Annotated[bool, typer.Option("--list", help="List the suites.")] = False,
    runs: Annotated[bool, typer.Option("--runs", help="List the runs there are.")] = False,
    validate: Annotated[
        Path | None, typer.Option(help="Check a dataset against the indexed reports.")
    ] = None,
    dataset: Annotated[
        Path | None, typer.Option(help="Items of your own, asked of your own index.")
    ] = None,
    mode: Annotated[
        Mode, typer.Option(help="With a model: replay what was recorded, record, or ask live.")
    ] = "replay",
    llm: Annotated[
        str | None, typer.Option(help="Without a key: replay what this model answered once.")
    ] = None,
    stage: Annotated[Stage | None, typer.Option(help="This stage alone, of --run.")] = None,
    run: Annotated[str | None, typer.Option(help="Go on with this run.")] = None,
    compare: Annotated[
        str | None, typer.Option(help="A run to compare with, instead of the baseline.")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="So many cases of each suite.")] = None,
    concurrency: Annotated[int, typer.Option(min=1, max=64, help="Questions at once.")] = 2,
    repeats: Annotated[int, typer.Option(min=1, max=20, help="Ask everything so often.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
    save_baseline: Annotated[
        bool, typer.Option(help="Make this run the committed baseline.")
    ] = False,
) -> None:
    """Measure how good the answers are; exit 1 where a gate fails."""
    from chatbot.cli.terminal import progress_bar
    from chatbot.config import load_settings
    from evals import terminal

    settings = load_settings()
    if list_suites or runs:
        terminal.print_list(settings, runs=runs)
        return
    if validate is not None:
        terminal.print_problems(settings, validate)
        return
    if stage is not None and run is None:
        raise typer.BadParameter("--stage needs --run")
    wanted = Wanted(
        tuple(suites or ()),
        (stage,) if stage else _STAGES,
        run,
        dataset,
        mode,
        llm,
        compare,
        limit,
        concurrency,
        repeats,
    )
    with progress_bar() as progress:
        report, folder = run_suites(settings, wanted, progress)
    if save_baseline:
        terminal.save_baseline(folder, BASELINE)
    terminal.print_report(report, folder, as_json=as_json)
    if report is not None and not report["gates"]["passed"]:
        raise typer.Exit(1)


def run_suites(
    settings: "Settings", wanted: Wanted, progress: "Progress | None" = None
) -> tuple[dict[str, Any] | None, Path]:
    """Run the stages wanted; the report, where its stage was among them, and the run's folder.

    Raises:
        ChatbotError: a suite, run or dataset is not there or cannot be used.
    """
    from evals import stages
    from evals.cases import load_datasets
    from evals.gates import load_gates
    from evals.runs import open_run
    from evals.suites import suites as all_suites

    home = settings.data_dir / "evals"
    datasets = load_datasets(wanted.dataset)
    with _network(settings, wanted):
        bench = _bench(settings, wanted, datasets, home)
        texts = {section.name: section.text for section in bench[0].index.sections}
        chosen = _chosen(all_suites(texts), wanted, bench[0].model is not None)
        run = open_run(home, wanted.run or dt.datetime.now(dt.UTC).strftime("%Y%m%d-%H%M%S-%f"))
        if "answer" in wanted.stages:
            run.write_manifest(_manifest(run.id, wanted, chosen, bench[0].model))
            cases = stages.cases_of(chosen, datasets, wanted.limit)
            stages.answer_stage(
                run, bench, cases, concurrency=wanted.concurrency, progress=progress
            )
        if "score" in wanted.stages:
            stages.score_stage(run, chosen, datasets, bench[0])
        if "report" not in wanted.stages:
            return None, run.path
        baseline = home / wanted.compare / "scores.jsonl" if wanted.compare else BASELINE
        own = wanted.dataset is not None
        against = ({} if own else load_gates(), [] if own else stages.read_scores(baseline))
        report = stages.report_stage(
            run, chosen, datasets, against, _extras(bench[0], datasets, chosen)
        )
    return report, run.path


def _network(settings: "Settings", wanted: Wanted) -> AbstractContextManager[None]:
    from evals.recording import no_network

    asks = settings.has_llm or wanted.llm is not None
    return no_network() if asks and wanted.mode == "replay" else nullcontext()


def _bench(settings: "Settings", wanted: Wanted, datasets: "Datasets", home: Path) -> "list[Bench]":
    """What answers, one for each repeat."""
    from chatbot.bot import ensure_index, open_model
    from chatbot.index.reading import open_index
    from evals.answering import Bench
    from evals.planting import injected_index, planted_index, seeds_index
    from evals.recording import NoModel, recorded

    planted = injected = None
    if wanted.dataset is not None:
        ensure_index(settings)
        index = open_index(settings)
    else:
        index = seeds_index(settings, home / "index")
        if not wanted.suites or "robustness" in wanted.suites:
            planted = planted_index(settings, home / "planted", datasets.contradictions)
        if "injection" in wanted.suites:
            injected = injected_index(settings, home / "injected", datasets.injections)
    model = open_model(settings)
    if model is None and wanted.llm is not None:
        model = NoModel(wanted.llm, settings.llm_context)
    if model is None:
        return [Bench(index, planted, injected=injected)] * wanted.repeats
    return [
        Bench(index, planted, recorded(model, RECORDINGS, wanted.mode, repeat), injected)
        for repeat in range(wanted.repeats)
    ]


def _chosen(known: "Mapping[str, Suite]", wanted: Wanted, has_model: bool) -> "list[Suite]":
    unknown = [name for name in wanted.suites if name not in known]
    if unknown:
        raise ChatbotError(f"no suite {', '.join(unknown)}; 'chatbot eval --list' lists them")
    if not wanted.suites:
        return [suite for suite in known.values() if suite.by_default]
    chosen = [known[name] for name in wanted.suites]
    if any(suite.judged for suite in chosen) and not has_model:
        raise ChatbotError(
            "faithfulness and correctness need a judge: set OPENAI_API_KEY or OPENAI_BASE_URL"
        )
    return chosen


def _manifest(
    name: str, wanted: Wanted, chosen: "list[Suite]", model: "ChatModel | None"
) -> dict[str, Any]:
    from chatbot.config import PROMPTS
    from chatbot.files import json_lines
    from chatbot.llm.prompts import load_prompt
    from evals.items import DATASETS

    files = [wanted.dataset] if wanted.dataset else sorted(DATASETS.glob("*.jsonl"))
    return {
        "id": name,
        "started": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "model": model.name if model else "extractive",
        "mode": wanted.mode if model else "offline",
        "suites": [suite.name for suite in chosen],
        "datasets": {
            file.name: {
                "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
                "n": sum(1 for _ in json_lines(file.read_text(encoding="utf-8"))),
            }
            for file in files
        },
        "versions": {
            "chatbot": version("paper-chatbot"),
            "prompts": {p.stem: load_prompt(p.stem).version for p in sorted(PROMPTS.glob("*.md"))},
        },
        "baseline": wanted.compare or "committed",
        "limit": wanted.limit,
        "repeats": wanted.repeats,
    }


def _extras(bench: "Bench", datasets: "Datasets", chosen: "list[Suite]") -> dict[str, Any]:
    from evals.stages import judge_table, verifier_table

    grounded = any(suite.name == "grounding" for suite in chosen)
    return {
        "verifier": verifier_table(bench.index, datasets) if grounded else None,
        "judge": judge_table(bench, datasets, chosen),
    }
