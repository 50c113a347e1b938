"""What the reports do not hold is refused, with the reason and the nearest they say."""

import pytest

from chatbot.answering.quoting import extract
from chatbot.index.reading import Index
from chatbot.retrieval.search import search
from chatbot.understanding.interpretation import understand
from chatbot.verification.claims import Draft


def draft(index: Index, question: str) -> Draft:
    return extract(index, search(index, understand(question, index.catalogue)))


@pytest.mark.parametrize(
    ("question", "reason"),
    [
        ("GENIUS 用的什么许可证，能商用吗？", "not_reported"),
        ("Under which licence is GENIUS released?", "not_reported"),
        ("GRU-Mem 在 SWE-Bench 上多少分？", "not_reported"),
        ("GRU-Mem 训练的学习率设多大？", "not_reported"),
        ("What inference latency does StereoAdapter-2 have on an H100 NVL?", "not_reported"),
        ("V-Retrver 在 GeneCIS 上多少分？", "not_reported"),
        ("What does the 2B version of UI-Venus-1.5 score on AndroidWorld?", "not_reported"),
        ("有篇做手语翻译的，用的什么骨干网络？", "not_in_corpus"),
        ("BendFlow 要微调原模型百分之几的参数？", "not_in_corpus"),
        ("What is the annual revenue of DeepSeek?", "not_in_corpus"),
    ],
)
def test_a_question_the_reports_cannot_answer_is_refused_for_its_reason(
    seed_index: Index, question: str, reason: str
) -> None:
    found = draft(seed_index, question)
    assert found.abstain_reason == reason
    assert found.sources


@pytest.mark.parametrize(
    "question",
    [
        "GRU-Mem 的推理速度提升了多少？",
        "VE-Bench 有多少张图、几类风险、分几个等级？",
        "Ex-Omni 的代码什么时候放出来？",
        "为什么 GRU-Mem 的推理速度提升了？",
        "How precise was Bielik Guard on real prompts?",
        "2月22号那期第三篇讲了什么",
        "StereoAdapter-2 的推理延迟是多少？",
        "V-Retrver 在 CIRCO 上多少分？",
        "What does the 8B version of UI-Venus-1.5 score on AndroidWorld?",
        "RLTR 的接收者参数会更新吗？",
        "RLTR 用什么算法更新生成器？",
        "DR-LoRA 的显存开销比标准 LoRA 高多少？",
        "SwimBird 在 HRBench 4K 上多少分？",
    ],
)
def test_a_question_they_can_answer_is_not(seed_index: Index, question: str) -> None:
    assert draft(seed_index, question).abstain_reason is None


def test_a_question_on_other_things_altogether_is_turned_away_without_a_source(
    seed_index: Index,
) -> None:
    found = draft(seed_index, "今天北京天气怎么样")
    assert (found.abstain_reason, dict(found.sources)) == ("off_topic", {})


def test_the_nearest_is_told_briefly(seed_index: Index) -> None:
    assert draft(seed_index, "Who are the authors of GENIUS?").markdown.count("\n- ") <= 2
