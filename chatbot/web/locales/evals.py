"""The texts of the evals tab, and what suites, types and metrics are called in Chinese."""

from collections.abc import Mapping
from dataclasses import dataclass

from chatbot.understanding.models import Language


@dataclass(frozen=True, slots=True)
class EvalsWording:
    """One language's texts; ``{…}`` is filled in where a text is shown.

    `names` are those of suites, types and metrics that are not shown as the evals call them,
    `abouts` what the suites are for where it is not said in the evals' own words.
    """

    about: str
    run: str
    refresh: str
    no_run: str
    failed: str
    when: str
    model: str
    version: str
    took: str
    limited: str
    gates_passed: str
    gates_failed: str
    no_gates: str
    counts: str
    metric: str
    score: str
    gate: str
    passed: str
    short: str
    at_least: str
    at_most: str
    no_worse: str
    lower_is_better: str
    by_type: str
    items: str
    suite: str
    type: str
    short_of: str
    any: str
    more: str
    item_count: str
    no_items: str
    before: str
    answer: str
    none: str
    expected: str
    key_facts: str
    sources: str
    needed: str
    error: str
    open_paper: str
    names: Mapping[str, str]
    abouts: Mapping[str, str]


_ZH_NAMES = {
    "retrieval": "检索",
    "answers": "回答",
    "citations": "引用",
    "grounding": "核对",
    "abstention": "拒答",
    "comparison": "对比",
    "conversation": "追问",
    "robustness": "稳健性",
    "diagnosis": "诊断",
    "faithfulness": "忠实度",
    "correctness": "正确性",
    "english": "英文提问",
    "fact": "事实",
    "followup": "追问",
    "list": "列举",
    "numeric": "数值",
    "unanswerable": "无答案",
    "extractive": "原文摘录",
    "ok": "已答",
    "abstained": "拒答",
    "unscored": "未计分",
    "section recall@5": "小节召回@5",
    "section recall@10": "小节召回@10",
    "paper recall@5": "论文召回@5",
    "paper recall@10": "论文召回@10",
    "list F1": "列举 F1",
    "section recall@5, BM25 of the section alone": "小节召回@5，仅 BM25",
    "section recall@5, embedding alone": "小节召回@5，仅向量",
    "every key fact": "要点齐全",
    "key facts": "要点",
    "truthfulness": "真实度（−1 到 1）",
    "brevity": "简洁",
    "citation recall": "引用召回",
    "citation precision": "引用精度",
    "quotes verbatim": "引文逐字",
    "gold sections cited": "应引小节已引",
    "citations needed": "必要的引用",
    "cited": "有出处",
    "numbers present": "数字在原文",
    "numbers bound": "数字所指一致",
    "names": "名称在原文",
    "polarity": "肯定否定一致",
    "wording": "措辞有据",
    "refused": "应拒已拒",
    "refused, held out": "应拒已拒（留出题）",
    "for the right reason": "拒答理由正确",
    "wrongly refused": "误拒",
    "refusals deserved": "拒得对",
    "pairs both right": "成对皆对",
    "cells, strict": "单元格（严格）",
    "cells, lenient": "单元格（宽松）",
    "whole": "完整",
}
_ZH_ABOUTS = {
    "retrieval": "能回答问题的小节是否都找到了。",
    "answers": "回答是否正确。",
    "citations": "每句话所引的小节是否支持它。",
    "grounding": "逐项的规则核对，不等于忠实度。",
    "abstention": "报告里没有的是否拒答，且只拒答这些。",
    "comparison": "表格里每篇论文的单元格是否说对并注明出处。",
    "conversation": "追问是否答对。",
    "robustness": "换说法、噪声、闲聊和矛盾对回答的影响。",
    "diagnosis": "正确的回答丢在了哪一步。",
}
TEXTS: dict[Language, EvalsWording] = {
    "zh": EvalsWording(
        about="## 回答得有多好\n\n`chatbot eval` 的结果，区间为 95 %。",
        run="评测",
        refresh="刷新",
        no_run="还没有评测结果。请在终端运行 `chatbot eval`（无需密钥，约半分钟），再点“刷新”。",
        failed="这次评测的结果无法显示：{error}",
        when="时间",
        model="模型",
        version="版本",
        took="用时",
        limited="每组只取 {n} 题",
        gates_passed="全部门槛通过",
        gates_failed="{n} 项未过门槛",
        no_gates="没有设门槛",
        counts="{n} 题，拒答 {abstained}，出错 {errors}。",
        metric="指标",
        score="得分 [95 % 区间]",
        gate="门槛",
        passed="通过",
        short="未过",
        at_least="至少 {floor}",
        at_most="至多 {floor}",
        no_worse="不逊于基线",
        lower_is_better="越低越好",
        by_type="按题型",
        items="## 未得满分的题",
        suite="组",
        type="题型",
        short_of="未得满分的指标",
        any="全部",
        more="再看 {n} 题",
        item_count="共 {n} 题，最差的在前。",
        no_items="没有这样的题。",
        before="此前的对话",
        answer="回答",
        none="无",
        expected="标准答案",
        key_facts="要点",
        sources="出处",
        needed="应引的小节",
        error="错误",
        open_paper="看这篇论文",
        names=_ZH_NAMES,
        abouts=_ZH_ABOUTS,
    ),
    "en": EvalsWording(
        about="## How good the answers are\n\nWhat `chatbot eval` measured, with 95 % intervals.",
        run="Run",
        refresh="Refresh",
        no_run=(
            "No eval run yet. Run `chatbot eval` in a terminal (no key needed, about half a "
            "minute), then press “Refresh”."
        ),
        failed="This run cannot be shown: {error}",
        when="When",
        model="Model",
        version="Version",
        took="Took",
        limited="only {n} questions a suite",
        gates_passed="All gates passed",
        gates_failed="Gates failed: {n}",
        no_gates="No gate was set",
        counts="Questions: {n}, refused: {abstained}, errors: {errors}.",
        metric="Metric",
        score="Score [95 % interval]",
        gate="Gate",
        passed="passed",
        short="failed",
        at_least="at least {floor}",
        at_most="at most {floor}",
        no_worse="no worse than the baseline",
        lower_is_better="lower is better",
        by_type="By type of question",
        items="## Questions short of the best",
        suite="Suite",
        type="Type of question",
        short_of="Short of",
        any="any",
        more="{n} more",
        item_count="{n} found, the worst first.",
        no_items="There is no such question.",
        before="Said before",
        answer="Answer",
        none="none",
        expected="Expected",
        key_facts="Key facts",
        sources="Sources",
        needed="Sections needed",
        error="Error",
        open_paper="Open the paper",
        names={"followup": "follow-up", "ok": "answered", "extractive": "quotes, no model"},
        abouts={},
    ),
}
