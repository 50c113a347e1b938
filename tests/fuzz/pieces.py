"""Hostile texts: pieces of what the readers look for, garbage, and characters that are not seen."""

import json
from collections.abc import Callable
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st

from tests.report_text import RULE, STYLES

# A usual run is the same each time; `make fuzz` loads a profile with many more examples.
USUAL = 100

UNSEEN = (
    *("\u200b", "\u200c", "\u200d", "\ufeff", "\u2060", "\u00ad", "\ufe0f"),
    *("\u202a", "\u202b", "\u202d", "\u202e", "\u2066", "\u2067", "\u2069", "\u200f"),
    *("\0", "\x01", "\x07", "\x1b[31m", "\x7f", "\x85", "\u2028", "\u2029", "\x1c", "\x0b", "\r"),
    *("\u0301", "\u0323\u0301" * 20, "\uff9e\u0301" * 20, "e\u0301", "\U000e0041", "\U0010ffff"),
    *(
        "\ue000",
        "\ue001",
        "\ue002",
        "\ue003",
        "\ue004",
        "\ue005",
        "İ",
        "ß",
        "ﬁ",
        "\ufdfa",
        "①",
        "½",
    ),
)
HALVES = ("\ud800", "\udfff", "\udcff", "\ud83d")
MARKERS = (
    *("[1]", "[2]", "[9]", "[0]", "[999]", "[1234]", "[1, 3]", "[1,]", "[,1]", "[ 1 ]", "[1；2]"),
    *("【1】", "［2］", "[1】", "[[1]]", "[[9]1]", "[1[9]]", "[1](", "[1](https://a.b)", r"\[1]"),
    *("[", "]", "[1", "1]", "[-1]", "[1.5]", "[一]", "[٣]", "[¹]", "[1\n]", "[1]" * 40, "[" * 40),
)
MARKUP = (
    *(
        "**",
        "*",
        "_",
        "`",
        "``",
        "```",
        "```\n",
        "~~~\n",
        "> ",
        "> > ",
        "- ",
        "  - ",
        "\t* ",
        "1. ",
    ),
    *("# ", "###### ", "| a | b |\n|---|---|\n", "|", "<br>", "<b>", "</mark>", "<script>", "<!--"),
    *(
        "$",
        "$$",
        "$x^2$",
        r"\(",
        r"\)",
        r"\[",
        r"\frac{",
        "\\",
        "![a](b)",
        "[a]: b",
        "&lt;",
        "&#60;",
    ),
    *("    ", "\t", "\n\n", "\n", "---\n", "=====\n", "https://a.b/c", "www.a.b", "javascript:"),
)
WORDS = (
    *(
        "GRU-Mem",
        "GENIUS",
        "2602.10560",
        "2602.99999v2",
        "最新一期",
        "2月12日",
        "0000年5月",
        "第0篇",
    ),
    *(
        "9999年12月",
        "二月三十日",
        "13月1日",
        "最近九十九天",
        "last 2 days",
        "第十十篇",
        "paper #99",
    ),
    *("提升 400%", "5 万", "1,000,000", "9" * 320, "百分之", "三成", "factor of", "-1e9", "٣٤٥"),
    *(
        "哪些论文",
        "对比",
        "它呢",
        "第二个",
        "不需要",
        "没有",
        "what is",
        "which papers",
        "both",
        "《",
    ),
    *("来源没有给出显存。", "NOT_REPORTED", "。", "；", "？", "e.g. ", "1. ", "“", "”", "（", "）"),
)
REPORT = (
    *("# Hugging Face Daily Papers Report\n", "**Date**: 2026-02-12\n", "**Date**: 9999-12-31\n"),
    *("**Date**: 0001-01-01\n", "**Source URL**: https://a.b/2026-02-12\n", f"\n{RULE}\n"),
    *("\n## 📄 A: B\n\n", "\n## 📄 \n", "- **链接**: https://huggingface.co/papers/2602.10560\n"),
    *("- **链接**: https://a.b/2602.99999v3/\n", "- **链接**: x\n", "- **阅读来源**: HTML\n"),
    *(f"\n{style}\n".format(n=1, label="应用领域", text="甲。") for style in STYLES),
    *(
        "\n### 5. 实验效果\n提升 61.4%。\n",
        "\n### 一、使用指南：\n",
        "\n### 学科领域\n",
        "\n```\n",
        "\n~~~\n",
        "\r\n",
    ),
)


def examples(count: int) -> Callable[[Any], Any]:
    """So many examples in a usual run, and in the profile's proportion otherwise."""
    usual = settings().max_examples == USUAL
    most = max(1, count * settings().max_examples // USUAL)
    return settings(deadline=None, derandomize=usual, max_examples=most, database=None)


def texts(*pieces: str, most: int = 24) -> st.SearchStrategy[str]:
    """Texts of these pieces, what is not seen, and any characters, some of it over and over."""
    piece = st.one_of(
        st.sampled_from(pieces),
        st.sampled_from(pieces),
        st.sampled_from(UNSEEN),
        st.text(max_size=6),
    )
    repeated = st.builds(lambda text, times: text * times, piece, st.sampled_from([1, 1, 1, 2, 33]))
    return st.lists(repeated, max_size=most).map("".join)


QUESTIONS = texts(*WORDS, *MARKERS, *HALVES, most=12)
DRAFTS = texts(*WORDS, *MARKERS, *MARKUP)
HISTORIES = st.lists(
    st.tuples(st.sampled_from(["user", "assistant"]), texts(*WORDS, *HALVES, most=6)), max_size=6
)
REPORTS = st.one_of(
    texts(*REPORT, *MARKUP).map(lambda text: text.encode("utf-8", "surrogatepass")),
    texts(*REPORT, most=8).map(lambda text: f"{''.join(REPORT[:2])}{text}".encode()),
    st.binary(max_size=200),
)
_JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), texts(*WORDS, *HALVES, most=3)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=6,
)


def json_of(*fields: str) -> st.SearchStrategy[str]:
    """Lines of JSON with some of these fields, of any shape, and lines that are none."""
    objects = st.fixed_dictionaries({}, optional=dict.fromkeys(fields, _JSON))
    return st.one_of(
        objects.map(json.dumps), _JSON.map(json.dumps), texts('{"', '":', "[", "}", "1")
    )
