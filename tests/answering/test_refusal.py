"""What the reports do not hold is refused, with the reason and the nearest they say."""

import pytest

from chatbot.answering.quoting import extract
from chatbot.config import Settings
from chatbot.index.ingestion import ingest
from chatbot.index.reading import Index, open_index
from chatbot.retrieval.search import search
from chatbot.understanding.interpretation import understand
from chatbot.verification.claims import Draft
from tests.report_text import paper, render_report

OTHERS = (
    ("AntRoute", "蚁群调度"),
    ("BellTune", "钟声合成"),
    ("CoralMap", "珊瑚测绘"),
    ("DuneSim", "沙丘仿真"),
    ("EchoBat", "蝙蝠定位"),
)
# The first paper gives everything that may be asked of one, the second none of it.
PAPERS = [
    paper(
        "2605.00001",
        "TideNet: Forecasting Coastal Waves from Sparse Buoys",
        field="海洋预报。由某大学的团队完成，已被 ICML 接收。",
        contribution="TideNet 用稀疏浮标预测近岸海浪，比物理模型更快。",
        usage=(
            "输入浮标读数，输出波高。代码以 MIT 许可证开源在 GitHub，数据将于 6 月发布。"
            "训练用 8 张 A100，共 300 GPU 小时，花费约 2000 美元。"
            "学习率 3e-4，优化器 AdamW，batch size 为 64，固定了 3 个随机种子。"
            "图像编码器用 SigLIP。"
        ),
        innovations="1. **缺测补全**：用图网络补上坏掉的浮标。\n2. **分级预报**：先粗后细。",
        results=(
            "在 BuoyBench、SwellSet 上都有提升，例如在 SwellSet 上波高误差降到 0.12。"
            "在 GaleSet 上得 71.5 分，而 HurricaneLab 只作定性比较。13B 版本的误差为 0.09。"
            "在 FoamSet 上的误差如下：\n- 波高 0.2。\n另有 66.4 的 SurgeScore。"
            "也与 Gemini 2.0 在 CloudSet 上定性比较。"
            "推理延迟 40 毫秒。请 25 名标注者打分，准确率为 88.4%。"
        ),
    ),
    paper(
        "2605.00002",
        "LoomChef: Planning Recipes with Woven Memory",
        field="烹饪规划",
        contribution="LoomChef 把菜谱织成记忆，帮厨房机器人安排先后。",
        usage="输入菜名，输出步骤。",
        innovations="1. **织物记忆**：步骤像经纬一样交错。\n2. **味道回放**：失败的菜重新尝试。",
        results="菜更好吃，步骤更顺。",
    ),
    paper(
        "2605.00003",
        "MossReader: Reading Old Letters with Moss Graphs",
        field="古籍识别",
        contribution="MossReader 识别褪色的书信，恢复断开的笔画。",
        usage="输入扫描件，输出文字。",
        results="在 LetterSet 上识别率为 93.1%。",
    ),
    # So many that a name which one paper holds is a rare one.
    *(
        paper(
            f"2605.1000{n}",
            f"{name}: A Study",
            field=field,
            contribution=f"{name} 用 OpenKit 研究{field}。",
        )
        for n, (name, field) in enumerate(OTHERS)
    ),
]
TIDE, LOOM = "TideNet", "LoomChef"


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Index:
    folder = tmp_path_factory.mktemp("refusal")
    (folder / "report.txt").write_bytes(render_report("2026-05-01", PAPERS))
    settings = Settings(CHATBOT_DATA_DIR=folder / "data")
    ingest(settings, [folder / "report.txt"])
    return open_index(settings)


def draft(index: Index, question: str) -> Draft:
    return extract(index, search(index, understand(question, index.catalogue)))


@pytest.mark.parametrize(
    "question",
    [
        "{} 采用哪种许可，公司可以商用吗？",
        "Who are the authors of {}?",
        "{} 一共花了多少 GPU 小时？",
        "{} 的数据什么时候发布？",
        "{} 的代码地址在哪？",
        "What was the training cost of {}?",
        "{} 的学习率取的是什么值？",
        "Which optimizer does {} use?",
        "{} 的 batch size 取的是什么值？",
        "{} 固定了哪个随机种子？",
        "{} 里的图像编码器是谁？",
        "{} 用什么型号的显卡？",
        "How many GPUs does {} need?",
        "{} 推理一次的延迟是哪个量级？",
        "{} 请了几名标注者？",
        "{} 被哪个会议接收了？",
    ],
)
def test_what_kind_of_thing_a_paper_does_not_tell_is_refused_and_else_answered(
    index: Index, question: str
) -> None:
    assert draft(index, question.format(TIDE)).abstain_reason is None
    refused = draft(index, question.format(LOOM))
    assert refused.abstain_reason == "not_reported"
    assert {section.paper_id for section in refused.sources.values()} == {"2605.00002"}


@pytest.mark.parametrize(
    ("question", "answered"),
    [
        ("TideNet 在 SwellSet 上误差多少？", True),
        ("TideNet 在 BuoyBench 上误差多少？", False),  # the sentence's figure is of SwellSet
        (
            "TideNet 在 HurricaneLab 上多少分？",
            False,
        ),  # the sentence's figure stands too far before
        ("What does TideNet score on GaleSet?", True),
        ("What does TideNet score on LetterSet?", False),  # another paper's
        ("TideNet 的 13B 版本误差多少？", True),
        ("TideNet 的 70B 版本误差多少？", False),
        ("TideNet 的准确率是多少？", True),
        ("TideNet 的召回率是多少？", False),
        ("TideNet 在 FoamSet 上误差多少？", True),  # in the line below
        ("TideNet 的 SurgeScore 是多少？", True),  # just before it
        ("TideNet 在 CloudSet 上多少分？", False),  # 2.0 is of a name
        ("TideNet 接上 OpenKit 后准确率是多少？", True),  # what many papers have narrows nothing
        ("TideNet 这个 AI 的准确率是多少？", True),
        ("TydeNet 的准确率是多少？", True),
        ("TideNet 在 SwelSet 上误差多少？", True),  # but for a letter, as the paper spells it
    ],
)
def test_a_figure_is_given_only_for_what_it_is_asked_of(
    index: Index, question: str, answered: bool
) -> None:
    assert draft(index, question).abstain_reason == (None if answered else "not_reported")


@pytest.mark.parametrize(
    ("question", "reason"),
    [
        ("KelpNet 预测海浪准不准？", "not_in_corpus"),
        ("下周末股市能不能更快恢复？", "not_in_corpus"),
        ("研究股市的更快", "not_in_corpus"),
        ("有篇做火山监测的，用了什么传感器？", "off_topic"),
        ("What does the paper on volcano monitoring propose?", "not_in_corpus"),
    ],
)
def test_what_no_report_is_about_is_refused(index: Index, question: str, reason: str) -> None:
    assert draft(index, question).abstain_reason == reason


@pytest.mark.parametrize(
    "question",
    [
        "TydeNet 预测海浪准不准？",
        "SwelSet 上波高误差降到多少？",
        "有篇做古籍识别的，输入什么？",
        "LoomChef 提出了什么？",
        "How does MossReader read old letters?",
    ],
)
def test_what_a_report_is_about_is_answered(index: Index, question: str) -> None:
    assert draft(index, question).abstain_reason is None


def test_a_question_on_other_things_altogether_is_turned_away_without_a_source(
    seed_index: Index,
) -> None:
    found = draft(seed_index, "足球比赛几点开始")
    assert (found.abstain_reason, dict(found.sources)) == ("off_topic", {})


def test_the_nearest_is_told_briefly(index: Index) -> None:
    refused = draft(index, "Who are the authors of LoomChef?")
    assert refused.sources
    assert refused.markdown.count("\n- ") <= 2
