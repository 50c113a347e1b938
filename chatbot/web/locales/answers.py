"""The texts around an answer, in the answer's own language."""

from dataclasses import dataclass

from chatbot.understanding.models import Language


@dataclass(frozen=True, slots=True)
class AnswerWording:
    """One language's texts; ``{…}`` is filled in where a text is shown."""

    understand: str
    retrieve: str
    outline: str
    synthesize: str
    verify: str
    found: str
    checked: str
    steps: str
    sources: str
    source: str
    digest: str
    arxiv: str
    hugging_face: str
    ask_about: str
    open_paper: str
    close: str
    gone: str
    scope: str
    copy: str
    confidence: str
    rules: str
    unverified: str
    missing_marker: str
    number_not_in_source: str
    name_not_in_source: str
    opposite_of_source: str
    number_of_something_else: str
    better_in_section: str
    wording_not_in_source: str
    abstained: str
    by_extract: str
    by_model: str
    failed: str
    stopped: str
    sections: tuple[str, str, str, str, str]


TEXTS: dict[Language, AnswerWording] = {
    "zh": AnswerWording(
        understand="理解问题",
        retrieve="检索原文",
        outline="选定比较项",
        synthesize="生成回答",
        verify="核对引用",
        found="检索到 {n} 节",
        checked="核对引用：{n} 句未能核实",
        steps="步骤",
        sources="出处",
        source="{section}一节，第 {first}–{last} 行，{report}",
        digest="这里是日报的摘要，引用前请看论文本身：",
        arxiv="arXiv 原文",
        hugging_face="Hugging Face 页面",
        ask_about="就这篇论文提问",
        open_paper="看这篇的全部五节",
        close="关闭",
        gone="这一节已不在索引里，以下是回答时引用的原句。",
        scope="本题限定：{scope}",
        copy="复制",
        confidence="把握 {confidence}",
        rules="用到的规则：{rules}",
        unverified="以下句子未能核实",
        missing_marker="没有标明出处",
        number_not_in_source="数字 {detail} 不在所引的原文里",
        name_not_in_source="名称 {detail} 不在所引的原文里",
        opposite_of_source="“{detail}”与所引的原文相反",
        number_of_something_else="原文里 {detail} 说的似乎是另一件事",
        better_in_section="同一篇的“{detail}”一节更像出处",
        wording_not_in_source="所引的原文里没有这样的说法",
        abstained="报告里没有答案",
        by_extract="原文摘录",
        by_model="由 {model} 撰写",
        failed="这次没有答成：{error}",
        stopped="已停止，以上内容未经核对。",
        sections=("应用领域", "一句话核心贡献", "使用指南", "主要创新点", "实验效果"),
    ),
    "en": AnswerWording(
        understand="Understand",
        retrieve="Search",
        outline="Choose columns",
        synthesize="Write",
        verify="Check citations",
        found="{n} sections found",
        checked="Check citations: {n} sentences not verified",
        steps="Steps",
        sources="Sources",
        source="section “{section}”, lines {first}–{last}, {report}",
        digest="These are digests; read the paper itself before you rely on one:",
        arxiv="the paper on arXiv",
        hugging_face="its Hugging Face page",
        ask_about="Ask about this paper",
        open_paper="All five sections",
        close="Close",
        gone="This section is no longer in the index; these are the sentences quoted at the time.",
        scope="Narrowed to {scope}",
        copy="Copy",
        confidence="confidence {confidence}",
        rules="Rules used: {rules}",
        unverified="These sentences could not be verified",
        missing_marker="no source is given",
        number_not_in_source="the number {detail} is not in the section cited",
        name_not_in_source="the name {detail} is not in the section cited",
        opposite_of_source="“{detail}” is the opposite of what the section says",
        number_of_something_else="{detail} seems to be about something else in the section",
        better_in_section="the paper's section “{detail}” looks more like the source",
        wording_not_in_source="the section cited says nothing like it",
        abstained="Not in the reports",
        by_extract="Quotes from the reports",
        by_model="Written by {model}",
        failed="This question was not answered: {error}",
        stopped="Stopped; nothing above was verified.",
        sections=("Field", "Contribution", "Usage", "Innovations", "Results"),
    ),
}
