"""A question and its history to a query, by rules."""

import pytest

from chatbot.index.reading import Catalogue, Index
from chatbot.understanding.interpretation import understand
from chatbot.understanding.models import Filters, Message, Query
from chatbot.understanding.wording import language_of

HISTORY = (
    Message("user", "GRU-Mem 是做什么的？"),
    Message("assistant", "GRU-Mem 用门控循环记忆读长文本。"),
)
DDIT, SPARGE = "2602.16968", "2602.13515"


@pytest.fixture
def catalogue(seed_index: Index) -> Catalogue:
    return seed_index.catalogue


def days_of(query: Query) -> list[str]:
    return [f"{span.first}..{span.last}" for span in query.filters.dates]


@pytest.mark.parametrize(
    ("question", "language"),
    [
        ("推理速度提升了多少", "zh"),
        ("GRU-Mem 的 speedup 是多少", "zh"),
        ("What does GRU-Mem do?", "en"),
        ("What does 执行差距 mean in the GENIUS benchmark paper from February?", "en"),
        ("2602.10560?", "en"),
    ],
)
def test_the_language_is_the_one_the_question_is_asked_in(question: str, language: str) -> None:
    assert language_of(question) == language


@pytest.mark.parametrize(
    ("question", "intent"),
    [
        ("GRU-Mem 提升了多少？", "lookup"),
        ("GENIUS 测了哪些模型", "lookup"),
        ("DR-LoRA 这篇论文用了哪些数据集", "lookup"),
        ("讲折纸的那篇论文用了哪些数据集", "lookup"),
        ("哪些论文和 SafePred 比过", "list"),
        ("What datasets does the DR-LoRA paper use?", "lookup"),
        ("Step3.5Flash 在三个基准上分别几分", "lookup"),
        ("FeatureBench 和 CLI-Gym 有什么区别？", "compare"),
        ("Compare A with B", "compare"),
        ("Which is faster, DDiT or SpargeAttention2?", "compare"),
        ("哪些论文用了 GRPO？", "list"),
        ("用到 Qwen3-VL 的有哪些", "list"),
        ("只读了摘要的是哪几篇", "list"),
        ("这期有几篇", "list"),
        ("Which papers study GUI agents?", "list"),
        ("今天有什么值得看", "overview"),
        ("这期都讲了什么", "overview"),
        ("昨天那期讲了什么", "overview"),
        ("今天的日报讲了什么？", "overview"),
        ("what changed since the last issue", "overview"),
        ("Summarize the latest issue", "overview"),
        ("第三篇讲了什么", "lookup"),
        ("which paper reports an FID of 1.4?", "lookup"),
        ("how many papers are there in total?", "list"),
        ("HiPhO 上 P1-VL 和 UCF-101", "lookup"),
        ("MAPBench 和 OverSearchQA 谁的题多", "compare"),
        ("你好！", "chat"),
        ("hello there", "chat"),
        ("thanks", "chat"),
        ("谢谢你，那 GRU-Mem 呢", "lookup"),
    ],
)
def test_the_intent_is_read_from_the_wording(
    question: str, intent: str, catalogue: Catalogue
) -> None:
    assert understand(question, catalogue).intent == intent


@pytest.mark.parametrize(
    ("question", "aspects"),
    [
        ("GRU-Mem 的准确率提升多少", {"results"}),
        ("GRU-Mem 怎么用，输入输出是什么", {"usage"}),
        ("GRU-Mem 的创新和原理", {"innovations"}),
        ("GRU-Mem 属于什么领域", {"field"}),
        ("What hardware does GRU-Mem need?", {"usage"}),
        ("GRU-Mem", {"contribution"}),
        ("介绍一下 GRU-Mem", {"contribution"}),
        ("GRU-Mem 是什么？", {"contribution"}),
        ("results of GRU-Mem", {"results"}),
    ],
)
def test_the_sections_a_question_asks_for_are_read_from_its_words(
    question: str, aspects: set[str], catalogue: Catalogue
) -> None:
    assert aspects <= set(understand(question, catalogue).aspects)


@pytest.mark.parametrize(
    ("question", "aspects"),
    [
        ("哪篇改进了推理速度和准确率？它怎么用", {"usage", "innovations"}),
        ("那个提升准确率的方法，代码放出来了吗", {"usage"}),
        ("For the paper that improves accuracy: what hardware does it need?", {"usage"}),
    ],
)
def test_what_only_describes_the_paper_does_not_say_which_section_is_asked_for(
    question: str, aspects: set[str], catalogue: Catalogue
) -> None:
    assert set(understand(question, catalogue).aspects) == aspects


@pytest.mark.parametrize(
    ("question", "paper"),
    [
        ("GRU-Mem 的效果", "2602.10560"),
        ("Memory-as-a-Tool 记的是什么", "2601.05960"),
        ("gru mem 的效果", "2602.10560"),
        ("ＧＲＵ－Ｍｅｍ 的效果", "2602.10560"),
        ("step3.5flash 的效果", "2602.10604"),
        ("EnvScalar 用了什么底座", "2601.05808"),
        ("StarWM 怎么用", "2602.14857"),
        ("GUI-Owl1.5 的成绩", "2602.16855"),
        ("KiteFish 有多大", "2602.17288"),
        ("LiberCoder 的效果", "2602.10999"),
        ("Octopus 的效果", "2602.08503"),
        ("https://arxiv.org/abs/2602.10560v2 的效果", "2602.10560"),
        ("《Over-Searching in Search-Augmented LLMs》说了什么", "2601.05503"),
    ],
)
def test_papers_are_known_by_any_name_however_it_is_written(
    question: str, paper: str, catalogue: Catalogue
) -> None:
    assert understand(question, catalogue).papers == (paper,)


@pytest.mark.parametrize(
    "question",
    [
        "How does it scale to long inputs?",
        "Claude 4.5 Opus 的分数",
        "what share of prompts failed",
        "as a tool",
    ],
)
def test_a_common_word_is_not_taken_for_a_name(question: str, catalogue: Catalogue) -> None:
    assert understand(question, catalogue).papers == ()


def test_a_name_of_two_papers_keeps_both(catalogue: Catalogue) -> None:
    assert set(understand("SAGE 的效果", catalogue).papers) == {"2602.10116", "2602.05975"}


def test_a_name_of_two_papers_is_settled_by_another_name_beside_it(catalogue: Catalogue) -> None:
    query = understand("SAGE-10k 是 SAGE 里的吗", catalogue)
    assert query.papers == ("2602.10116",)


@pytest.mark.parametrize(
    ("question", "place"),
    [
        ("第三篇讲了什么", ("2026-02-22", 3)),
        ("2月12日第三篇的效果", ("2026-02-12", 3)),
        ("2月6日最后一篇的效果", ("2026-02-06", 30)),
        ("2月6日第十二篇", ("2026-02-06", 12)),
        ("the third paper of Feb 12", ("2026-02-12", 3)),
        ("Feb 6 third paper results", ("2026-02-06", 3)),
    ],
)
def test_a_paper_is_known_by_its_place_in_its_report(
    question: str, place: tuple[str, int], catalogue: Catalogue
) -> None:
    (paper,) = understand(question, catalogue).papers
    record = catalogue.by_id[paper]
    assert (record.date.isoformat(), record.order) == place


def test_days_in_the_question_narrow_the_search_and_leave_its_text(catalogue: Catalogue) -> None:
    query = understand("2月12日有哪些机器人论文", catalogue)
    assert days_of(query) == ["2026-02-12..2026-02-12"]
    assert query.sought.text == "有哪些机器人论文"


def test_given_days_win_over_those_in_the_question(catalogue: Catalogue) -> None:
    given = understand("2月6日", catalogue).filters
    assert understand("2月12日有哪些论文", catalogue, filters=given).filters == given


def test_an_overview_without_a_day_is_of_the_newest_report(catalogue: Catalogue) -> None:
    assert days_of(understand("有什么值得看的", catalogue)) == ["2026-02-22..2026-02-22"]


def test_what_changed_since_the_last_issue_is_in_the_newest(catalogue: Catalogue) -> None:
    query = understand("what changed since the last issue", catalogue)
    assert days_of(query) == ["2026-02-22..2026-02-22"]


@pytest.mark.parametrize("question", ["它的实验效果呢？", "那提升了多少", "And how fast is it?"])
def test_a_question_that_leans_on_the_conversation_is_searched_with_it(
    question: str, catalogue: Catalogue
) -> None:
    query = understand(question, catalogue, HISTORY)
    assert "GRU-Mem" in query.sought.text
    assert query.papers == ("2602.10560",)
    assert query.question == question
    assert query.follows_up


TALK = (
    Message("user", "DDiT 是什么"),
    Message("assistant", "DDiT（2602.16968）给扩散 Transformer 调度 Patch。"),
    Message("user", "SpargeAttention2 呢"),
    Message("assistant", "SpargeAttention2 是稀疏注意力。"),
)
TWO = (
    Message("user", "有哪些给视频生成提速的"),
    Message("assistant", "有两篇：DDiT（2602.16968）和 SpargeAttention2（2602.13515）。"),
)


@pytest.mark.parametrize(
    ("question", "history", "papers", "intent"),
    [
        ("它的实验效果呢?", TALK, (SPARGE,), "lookup"),
        ("第一个的代码开源吗", TALK, (DDIT,), "lookup"),
        ("那和前一个比呢", TALK, (SPARGE, DDIT), "compare"),
        ("那 EnvScaler 呢?", TALK, ("2601.05808",), "lookup"),
        ("那 EnvScaler 和刚才那个比呢", TALK, ("2601.05808", SPARGE), "compare"),
        ("and the second one?", TWO, (SPARGE,), "lookup"),
        ("前者快多少", TWO, (DDIT,), "lookup"),
        ("后一个呢", TWO, (SPARGE,), "lookup"),
        ("How do the two differ?", TWO, (DDIT, SPARGE), "compare"),
    ],
)
def test_what_a_follow_up_points_to_is_found_in_the_history(
    question: str,
    history: tuple[Message, ...],
    papers: tuple[str, ...],
    intent: str,
    catalogue: Catalogue,
) -> None:
    query = understand(question, catalogue, history)
    assert (query.papers, query.intent) == (papers, intent)


@pytest.mark.parametrize(
    "question",
    ["和 V-Retrver 比呢？", "那跟 V-Retrver 相比怎么样", "How does it compare with V-Retrver?"],
)
def test_a_paper_named_to_be_held_against_is_compared_with_the_one_spoken_of(
    catalogue: Catalogue, question: str
) -> None:
    query = understand(question, catalogue, HISTORY)
    assert query.intent == "compare"
    assert set(query.papers) == {"2602.10560", "2602.06034"}


LISTED = (
    Message("user", "哪些论文研究长上下文？"),
    Message(
        "assistant",
        "**When to Memorize and When to Stop**（2602.10560 · 2026-02-12）\n- 优于 GENIUS。 [1]\n"
        "**V-Retrver**（2602.06034 · 2026-02-06）\n- 检索。 [2]",
    ),
)


@pytest.mark.parametrize("question", ["其中哪些开源了代码？", "Which of them release code?"])
def test_what_is_picked_from_a_list_is_a_list_of_no_others(
    catalogue: Catalogue, question: str
) -> None:
    query = understand(question, catalogue, LISTED)
    assert query.intent == "list"
    assert query.filters.papers == ("2602.10560", "2602.06034")


@pytest.mark.parametrize("question", ["这几篇里哪篇提升最大？", "Which of them is the fastest?"])
def test_the_most_of_a_list_is_told_by_comparing_its_papers(
    catalogue: Catalogue, question: str
) -> None:
    between = (Message("user", "第二篇的效果？"), Message("assistant", "比 GRU-Mem 和 SAGE 好。"))
    query = understand(question, catalogue, [*LISTED, *between])
    assert query.intent == "compare"
    assert query.papers == ("2602.10560", "2602.06034")


NAMED = "比 GENIUS 和 SAGE 都好。"


@pytest.mark.parametrize(
    ("question", "intent", "papers"),
    [
        ("其中哪些开源了代码？", "list", (SPARGE, DDIT)),
        ("这几篇里哪篇提升最大？", "compare", (SPARGE, DDIT)),
        ("第二篇的效果？", "lookup", (DDIT,)),
        ("它的效果呢？", "lookup", ("2602.10560",)),
    ],
)
def test_what_an_answer_listed_and_cited_is_taken_from_it_and_not_from_its_words(
    catalogue: Catalogue, question: str, intent: str, papers: tuple[str, ...]
) -> None:
    history = [
        Message("user", "有哪些给视频生成提速的"),
        Message("assistant", NAMED, (SPARGE, DDIT), lists=True),
    ]
    if "它" in question:
        history += [Message("user", "还有呢"), Message("assistant", NAMED, ("2602.10560",))]
    query = understand(question, catalogue, history)
    assert query.intent == intent
    assert (query.filters.papers or query.papers) == papers


@pytest.mark.parametrize(
    ("question", "whole"),
    [
        ("GRU-Mem 的方法是什么？", ("innovations",)),
        ("它的效果和领域呢？", ("field", "results")),
        ("What are its results?", ("results",)),
        ("GRU-Mem 的实验用了几张显卡？", ()),
        ("GRU-Mem 的实验效果里准确率是多少？", ()),
        ("What is the performance of GRU-Mem on AIME?", ()),
        ("有哪些新方法？", ()),
    ],
)
def test_a_question_for_no_more_than_a_section_is_one_for_all_of_it(
    catalogue: Catalogue, question: str, whole: tuple[str, ...]
) -> None:
    history = HISTORY if "它" in question or "its" in question else ()
    assert understand(question, catalogue, history).whole == whole


def test_a_follow_up_to_a_talk_without_names_is_searched_with_the_last_answer(
    catalogue: Catalogue,
) -> None:
    history = (Message("user", "有没有讲折纸的"), Message("assistant", "有一篇讲折纸机器人。"))
    assert "折纸机器人" in understand("它快吗", catalogue, history).sought.text


@pytest.mark.parametrize(
    "question", ["AgenticPay 包含多少个任务？", "Which papers study diffusion language models?"]
)
def test_a_question_that_stands_alone_is_searched_alone(
    question: str, catalogue: Catalogue
) -> None:
    assert understand(question, catalogue, HISTORY).sought.text == question


def test_an_arxiv_id_in_the_question_narrows_the_search_to_that_paper(
    catalogue: Catalogue,
) -> None:
    query = understand("2602.10560 的推理速度提升了多少？", catalogue)
    assert query.filters.papers == ("2602.10560",)
    assert "2602" not in query.sought.text


def test_a_given_paper_filter_is_not_overruled_by_the_question(catalogue: Catalogue) -> None:
    given = Filters(papers=("2602.11144",))
    assert understand("2602.10560 呢？", catalogue, filters=given).filters.papers == given.papers


def test_a_number_with_decimals_is_no_arxiv_id(catalogue: Catalogue) -> None:
    assert understand("从 1234.56789012 降到多少", catalogue).filters.papers == ()
