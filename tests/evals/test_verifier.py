"""The verifier against planted errors: what it must catch, and how seldom it may be wrong."""

import random

import pytest

from chatbot.index.reading import Index
from evals.items import DATASETS, load_items
from evals.mutators import MUTATORS, CitedClaim
from evals.verifier import UNTOUCHED, caught, true_claims
from tests.verification.test_attribution import section

RANDOM = random.Random(0)  # noqa: S311 - errors to plant, not a secret
ITEMS = load_items(DATASETS / "dev.jsonl")
TRUE = CitedClaim("FooNet 提升 61.4%，优于 BarNet，不需要 5 万条数据。", (section(),))
OTHER = CitedClaim("QuuxNet 更快。", (section(),))


@pytest.mark.parametrize("kind", ["number changed", "negation dropped or added", "marker missing"])
def test_a_mutator_changes_the_claim_and_nothing_else(kind: str) -> None:
    false = MUTATORS[kind](TRUE, [TRUE, OTHER], RANDOM)
    assert false is not None
    assert false.markdown != TRUE.markdown
    assert false.sections == TRUE.sections


def test_a_mutator_has_nothing_to_plant_where_the_claim_has_nothing() -> None:
    plain = CitedClaim("甲乙", (section(),))
    for kind in ("number changed", "unit or scale swapped", "name swapped", "direction swapped"):
        assert MUTATORS[kind](plain, [plain], RANDOM) is None


@pytest.fixture(scope="module")
def chinese(seed_index: Index) -> dict[str, float]:
    table = caught(seed_index, true_claims(seed_index, ITEMS, "zh"))
    return {row.kind: row.share.mean for row in table}


def test_true_chinese_claims_are_seldom_accused(chinese: dict[str, float]) -> None:
    assert chinese[UNTOUCHED] <= 0.035


@pytest.mark.parametrize(
    ("kind", "least"),
    [
        ("number changed", 0.99),
        ("unit or scale swapped", 0.99),
        ("name swapped", 0.99),
        ("another paper cited", 0.98),
        ("another section cited", 0.97),
        ("number swapped within the section", 0.65),
        ("direction swapped", 0.50),
        ("marker missing", 0.99),  # a bare "不是。" of the gold answers needs none
    ],
)
def test_planted_errors_are_caught(chinese: dict[str, float], kind: str, least: float) -> None:
    assert chinese[kind] >= least
