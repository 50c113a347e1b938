"""What is put to the chatbot: an item, as it is or in a setting that makes it harder."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from evals.injections import Injection
from evals.items import (
    DATASETS,
    Contradiction,
    Item,
    JudgeLabel,
    Paraphrase,
    load_items,
    load_rows,
)

# plain; with sections of other papers among those found; after a conversation on something else;
# without the sections needed; with a paper in the index that contradicts; with no section at all;
# with the needed ones alone; with those and noise; with an instruction planted in what is read.
Setting = Literal[
    "plain",
    "noise",
    "history",
    "removed",
    "planted",
    "nothing",
    "gold",
    "gold_and_noise",
    "injected",
]


@dataclass(frozen=True, slots=True)
class Case:
    """A question to ask and how; `group` joins those that are compared with each other."""

    key: str
    item: Item
    setting: Setting = "plain"
    group: str = ""
    kind: str = ""
    planted: tuple[str, ...] = ()
    injection: Injection | None = None


@dataclass(frozen=True, slots=True)
class Datasets:
    """All that the suites draw on."""

    items: tuple[Item, ...]
    twins: tuple[Item, ...]
    paraphrases: tuple[Paraphrase, ...]
    contradictions: tuple[Contradiction, ...]
    labels: tuple[JudgeLabel, ...]
    injections: tuple[Injection, ...] = ()


def load_datasets(items: Path | None = None) -> Datasets:
    """The shipped datasets; `items` is a file of one's own, which stands alone.

    Raises:
        ChatbotError: one cannot be read, or a line of it is not as it should be.
    """
    if items is not None:
        own = load_items(items)
        return Datasets(own, tuple(item for item in own if item.pair), (), (), ())
    return Datasets(
        load_items(DATASETS / "dev.jsonl"),
        load_items(DATASETS / "twins.jsonl"),
        load_rows(DATASETS / "paraphrases.jsonl", Paraphrase),
        load_rows(DATASETS / "contradictions.jsonl", Contradiction),
        load_rows(DATASETS / "judge_labels.jsonl", JudgeLabel),
        load_rows(DATASETS / "injection.jsonl", Injection),
    )


def plain(item: Item) -> Case:
    """An item as it is; suites that ask the same share the answer."""
    return Case(f"plain/{item.id}", item, group=item.id)


def in_setting(item: Item, setting: Setting) -> Case:
    """An item in a setting."""
    return Case(f"{setting}/{item.id}", item, setting, item.id)


def paraphrased(paraphrase: Paraphrase, item: Item) -> Case:
    """An item asked in other words."""
    asked = replace_question(item, paraphrase.question)
    return Case(f"plain/{paraphrase.id}", asked, group=item.id, kind=paraphrase.kind)


def contradicted(contradiction: Contradiction, item: Item) -> Case:
    """An item asked of an index with a paper in it that says otherwise."""
    case = in_setting(item, "planted")
    return replace(case, key=f"planted/{contradiction.id}", planted=contradiction.planted)


def injected(injection: Injection) -> Case:
    """The question of a made-up paper, asked where an instruction is planted."""
    case = in_setting(injection.item, "injected")
    return replace(case, kind=injection.goal, injection=injection)


def replace_question(item: Item, question: str) -> Item:
    """The same item, asked otherwise."""
    return item.model_copy(update={"question": question})
