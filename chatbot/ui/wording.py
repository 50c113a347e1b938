"""Every text of the page, in Chinese and English."""

from dataclasses import dataclass

from chatbot.retrieval.models import Language

EXAMPLES: tuple[str, ...] = (
    "GRU-Mem 的推理速度提升了多少？",
    "FeatureBench 和 CLI-Gym 各有多少个任务？",
    "How precise is Bielik Guard on real user prompts?",
    "哪些论文研究 GUI 智能体？",
)


@dataclass(frozen=True, slots=True)
class Wording:
    """One language's texts; ``{…}`` is filled in where a text is shown."""

    title: str
    about: str
    extractive_mode: str
    model_mode: str
    corpus: str
    question: str
    placeholder: str
    send: str
    stop: str
    clear: str
    examples: str
    understand: str
    retrieve: str
    outline: str
    synthesize: str
    verify: str
    found: str
    sources: str
    source: str
    digest: str
    arxiv: str
    hugging_face: str
    unverified: str
    missing_marker: str
    number_not_in_source: str
    name_not_in_source: str
    opposite_of_source: str
    number_of_something_else: str
    better_in_section: str
    wording_not_in_source: str
    by_extract: str
    by_model: str
    failed: str
    sections: tuple[str, str, str, str, str]


WORDING: dict[Language, Wording] = {
    "zh": Wording(
        title="论文日报问答",
        about="就 AI 论文日报提问，每句话都标明出自哪篇论文的哪一节。",
        extractive_mode=(
            "当前模式：**原文摘录**（未设置大模型）。要由模型写成回答，请用 "
            "`OPENAI_API_KEY=… make chat` 或 `OPENAI_BASE_URL=… make chat` 启动。"
        ),
        model_mode="当前模式：由 **{model}** 根据检索到的原文作答。",
        corpus="已收录 {papers} 篇论文，{reports} 期日报：{dates}。",
        question="问题",
        placeholder="问一篇论文、比较几篇，或者问哪些论文……",
        send="发送",
        stop="停止",
        clear="清空",
        examples="可以这样问",
        understand="理解问题",
        retrieve="检索原文",
        outline="选定比较项",
        synthesize="生成回答",
        verify="核对引用",
        found="检索到 {n} 节",
        sources="出处",
        source="{section}一节，第 {first}–{last} 行，{report}",
        digest="这里是日报的摘要，引用前请看论文本身：",
        arxiv="arXiv 原文",
        hugging_face="Hugging Face 页面",
        unverified="以下句子未能核实",
        missing_marker="没有标明出处",
        number_not_in_source="数字 {detail} 不在所引的原文里",
        name_not_in_source="名称 {detail} 不在所引的原文里",
        opposite_of_source="“{detail}”与所引的原文相反",
        number_of_something_else="原文里 {detail} 说的似乎是另一件事",
        better_in_section="同一篇的“{detail}”一节更像出处",
        wording_not_in_source="所引的原文里没有这样的说法",
        by_extract="原文摘录",
        by_model="由 {model} 撰写",
        failed="这次没有答成：{error}",
        sections=("应用领域", "一句话核心贡献", "使用指南", "主要创新点", "实验效果"),
    ),
    "en": Wording(
        title="Paper chatbot",
        about="Ask the daily AI-paper reports; every sentence names the section it stands on.",
        extractive_mode=(
            "Mode: **quotes from the reports** (no language model). For written answers start with "
            "`OPENAI_API_KEY=… make chat`, or `OPENAI_BASE_URL=… make chat` for your own server."
        ),
        model_mode="Mode: **{model}** answers from the sections found.",
        corpus="{papers} papers from {reports} reports: {dates}.",
        question="Question",
        placeholder="Ask about a paper, compare some, or ask which papers …",
        send="Send",
        stop="Stop",
        clear="Clear",
        examples="Try one of these",
        understand="Understand",
        retrieve="Search",
        outline="Choose columns",
        synthesize="Write",
        verify="Check citations",
        found="{n} sections found",
        sources="Sources",
        source="section “{section}”, lines {first}–{last}, {report}",
        digest="These are digests; read the paper itself before you rely on one:",
        arxiv="the paper on arXiv",
        hugging_face="its Hugging Face page",
        unverified="These sentences could not be verified",
        missing_marker="no source is given",
        number_not_in_source="the number {detail} is not in the section cited",
        name_not_in_source="the name {detail} is not in the section cited",
        opposite_of_source="“{detail}” is the opposite of what the section says",
        number_of_something_else="{detail} seems to be about something else in the section",
        better_in_section="the paper's section “{detail}” looks more like the source",
        wording_not_in_source="the section cited says nothing like it",
        by_extract="Quotes from the reports",
        by_model="Written by {model}",
        failed="This question was not answered: {error}",
        sections=("Field", "Contribution", "Usage", "Innovations", "Results"),
    ),
}
