"""Whether an answer holds a key fact."""

import pytest

from evals.facts import fact_recall, holds


@pytest.mark.parametrize(
    ("answer", "fact"),
    [
        ("一共 50,000 条 [1]", "5万"),
        ("加速 400% [2]", "4 倍"),
        ("有 56.5 万个对象", "56.5"),
        ("分成三类", "3"),
        ("用 KV Cache 缓存", "KV-Cache"),
        ("Near-line 推理", "nearline"),
        ("跑在 A100 上", "A100"),
    ],
)
def test_a_fact_said_in_another_form_is_held(answer: str, fact: str) -> None:
    assert holds(answer, fact)


@pytest.mark.parametrize(
    ("answer", "fact"),
    [
        ("见 2602.14561 [4]", "4"),
        ("14B 模型", "4B"),
        ("H200 上", "H20"),
        ("提升 61.5%", "61.4%"),
        ("", "规则"),
    ],
)
def test_a_fact_that_only_hides_in_something_else_is_not(answer: str, fact: str) -> None:
    assert not holds(answer, fact)


def test_the_recall_is_the_share_of_facts_held() -> None:
    assert fact_recall("从 24% 到 89%", ["24", "89", "7"]) == pytest.approx(2 / 3)
    assert fact_recall("随便", []) == 1.0


def test_a_fact_is_looked_for_in_the_answer_and_not_the_reverse() -> None:
    assert holds("最高实现 400% 的加速", "400%")
    assert not holds("400%", "最高实现 400% 的加速")
