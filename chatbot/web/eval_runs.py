"""The eval runs in the data folder, as far as the page shows them.

`chatbot eval` writes them; what it writes is described in `docs/evals.md`. Only the fields used
here are read, so that a report of another version can be shown too.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from chatbot.errors import ChatbotError, quoted

_FOLDER, _MANIFEST, _REPORT = "evals", "run.json", "report.json"
_STYLE = "brevity"


class _Read(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Figures(_Read):
    """A mean with its 95 % interval, over `n` units."""

    mean: float
    low: float
    high: float
    n: int


class Gate(_Read):
    """A bound and whether it was held; without a floor the bound is the baseline."""

    floor: float | None = None
    passed: bool
    why: str = ""


class Metric(Figures):
    """One figure of a suite; `by` holds it by type and by language."""

    name: str
    about: str = ""
    better: str = "higher"
    gate: Gate | None = None
    by: Mapping[str, Mapping[str, Figures]] = {}

    @property
    def is_share(self) -> bool:
        """Whether it is a share, or a difference of shares."""
        return all(-1 <= value <= 1 for value in (self.mean, self.low, self.high))

    def short_of_best(self, value: float) -> bool:
        """Whether an item's value is not as good as can be."""
        return self.is_share and (value > 0 if self.better == "lower" else value < 1)


class Cited(_Read):
    """A source of an answer."""

    n: int
    section: str
    title: str = ""
    quote: str = ""

    @property
    def paper_id(self) -> str:
        """The paper's arXiv id."""
        return self.section.partition("/")[0]


class Turn(_Read):
    """What was said before a question."""

    role: str
    content: str


class Expected(_Read):
    """What the answer should have been."""

    answer: str | None = None
    key_facts: tuple[str, ...] = ()
    sections: tuple[str, ...] = ()


class Item(_Read):
    """A question, what was answered, and each metric's value of it."""

    unit: str
    status: str
    question: str
    history: tuple[Turn, ...] = ()
    type: str = ""
    values: Mapping[str, float] = {}
    answer: str | None = None
    error: str | None = None
    expected: Expected = Expected()
    citations: tuple[Cited, ...] = ()


class Suite(_Read):
    """A suite's figures and its items, worst first."""

    name: str
    about: str = ""
    n: int
    abstained: int = 0
    errors: int = 0
    metrics: tuple[Metric, ...] = ()
    items: tuple[Item, ...] = ()


class Versions(_Read):
    """What was measured."""

    chatbot: str = "?"


class Run(_Read):
    """What was asked for, when and of what."""

    id: str
    started: str = ""
    model: str = "?"
    mode: str = ""
    versions: Versions = Versions()
    limit: int | None = None
    seconds: float = 0.0


class Gates(_Read):
    """Whether all gates were passed, and what those say that were not."""

    passed: bool = True
    failed: tuple[str, ...] = ()


class EvalReport(_Read):
    """A run's ``report.json``."""

    run: Run
    suites: tuple[Suite, ...]
    gates: Gates = Field(default_factory=Gates)

    def suite(self, name: str | None) -> Suite | None:
        """The suite of that name, else the first."""
        named = (suite for suite in self.suites if suite.name == name)
        return next(named, self.suites[0] if self.suites else None)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which failing items are wanted: of a type, short of a metric; None stands for any."""

    type: str | None = None
    metric: str | None = None


def known_runs(data_dir: Path) -> list[Run]:
    """The runs that have a report, the one made last first; a damaged one by its name alone."""
    made: list[tuple[float, Path]] = []
    for path in (data_dir / _FOLDER).glob(f"*/{_REPORT}"):
        try:
            made.append((path.stat().st_mtime, path.parent))
        except FileNotFoundError:
            continue
    return [_manifest(folder) for _, folder in sorted(made, reverse=True)]


def _manifest(folder: Path) -> Run:
    try:
        run = Run.model_validate_json((folder / _MANIFEST).read_bytes())
    except (OSError, ValidationError):
        return Run(id=folder.name)
    return run.model_copy(update={"id": folder.name})


def read_run(data_dir: Path, name: str) -> EvalReport:
    """The report of one of the known runs.

    Raises:
        ChatbotError: there is no such run, or its report is damaged.
    """
    if name not in {run.id for run in known_runs(data_dir)}:
        raise ChatbotError(
            f"no run {quoted(name)} with a report; 'chatbot eval --runs' lists the runs"
        )
    path = data_dir / _FOLDER / name / _REPORT
    again = f"write it anew with 'chatbot eval --run {name} --stage report'"
    try:
        return EvalReport.model_validate_json(path.read_bytes())
    except OSError as error:
        raise ChatbotError(f"{path} cannot be read ({error.strerror}); {again}") from error
    except ValidationError as error:
        raise ChatbotError(f"{path} is damaged; {again}") from error


def failing_items(suite: Suite, wanted: Wanted) -> list[tuple[Item, dict[str, float]]]:
    """The items that are not as good as can be, and what each falls short of.

    Worst first; last those that are right and only say too much.
    """
    return sorted(_short(suite, wanted), key=lambda found: found[1].keys() == {_STYLE})


def _short(suite: Suite, wanted: Wanted) -> Iterator[tuple[Item, dict[str, float]]]:
    for item in suite.items:
        short = {
            metric.name: item.values[metric.name]
            for metric in suite.metrics
            if wanted.metric in {None, metric.name}
            and metric.name in item.values
            and metric.short_of_best(item.values[metric.name])
        }
        if wanted.type in {None, item.type} and (short or item.status == "error"):
            yield item, short
