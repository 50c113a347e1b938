"""The texts of the compare tab."""

from dataclasses import dataclass

from chatbot.understanding.models import Language


@dataclass(frozen=True, slots=True)
class CompareWording:
    """One language's texts; ``{…}`` is filled in where a text is shown."""

    about: str
    papers: str
    papers_info: str
    aspects: str
    aspects_info: str
    compare: str
    stop: str
    csv: str
    markdown: str
    to_chat: str
    table: str
    number: str
    missing: str
    many_aspects: str
    added: str
    working: str
    done: str
    stopped: str
    failed: str
    copied: str
    unexpected: str
    common_aspects: tuple[str, ...]


TEXTS: dict[Language, CompareWording] = {
    "zh": CompareWording(
        about="把几篇论文放进一张表：每一格都标明出自哪一节，点 [n] 看原文。",
        papers="论文（2 到 8 篇）",
        papers_info="输入标题、系统名或 arXiv 编号查找",
        aspects="比较哪些方面",
        aspects_info="可选可写，写完按回车；不填就比较领域、贡献、创新和效果",
        compare="对比",
        stop="停止",
        csv="下载 CSV",
        markdown="下载 Markdown",
        to_chat="到对话里继续问",
        table="对比表，可左右滚动",
        number="请选 2 到 8 篇论文，现在是 {n} 篇。",
        missing="索引里没有这些论文：{papers}。请在上面重新选。",
        many_aspects="最多比较 {most} 个方面，现在是 {n} 个。",
        added="现在选了 {n} 篇，再选几篇（共 2 到 8 篇），然后点“对比”。",
        working="{step}……",
        done="已对比 {n} 篇论文。",
        stopped="已停止。下面如有文字，都未经核对。",
        failed="这次没有比成：{error}",
        copied="已复制。",
        unexpected="服务器出错，详情见它的日志",
        common_aspects=(
            *("应用领域", "核心贡献", "主要创新", "实验效果", "使用指南"),
            *("方法", "数据集", "对比基线", "评测指标", "训练方法", "计算成本", "代码开源"),
        ),
    ),
    "en": CompareWording(
        about="Papers in one table: every cell names the section it stands on; [n] opens it.",
        papers="Papers (2 to 8)",
        papers_info="Search by title, by a system's name or by arXiv id",
        aspects="Aspects to compare",
        aspects_info="Pick or write your own, then Enter; without any: field, contribution, "
        "innovations, results",
        compare="Compare",
        stop="Stop",
        csv="Download CSV",
        markdown="Download Markdown",
        to_chat="Continue in chat",
        table="Comparison, scrolls sideways",
        number="Choose 2 to 8 papers; there are {n} now.",
        missing="Not in the index: {papers}. Choose other papers above.",
        many_aspects="Compare by {most} aspects at most; there are {n} now.",
        added="Papers chosen: {n}. Add others, 2 to 8 in all, then press Compare.",
        working="{step} …",
        done="{n} papers compared.",
        stopped="Stopped. Whatever is shown below was not verified.",
        failed="The papers were not compared: {error}",
        copied="Copied.",
        unexpected="the server had a fault; its log says more",
        common_aspects=(
            *("field", "contribution", "innovations", "results"),
            *("open-source code", "evaluation", "method", "datasets", "baselines", "limitations"),
        ),
    ),
}
