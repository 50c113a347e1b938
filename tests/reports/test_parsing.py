"""Parsing: what went into a report comes out, or an error that names file, line and cause."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatbot.config import SEEDS
from chatbot.errors import ReportError
from chatbot.reports.parsing import (
    SECTION_KEYS,
    SECTION_LABELS,
    Report,
    SectionKey,
    parse_report,
    read_report,
)
from tests.report_text import RULE, STYLES, MadePaper, paper, render_paper, render_report

DATES = {
    "000_a123f1b62403a6c8": ("2026-02-12", 30),
    "001_387c5ca56c537140": ("2026-02-11", 33),
    "002_18c40586699a2521": ("2026-01-12", 22),
    "003_457b9b9fbcbeeffc": ("2026-02-06", 30),
    "004_36d8fe0d9ea06fe0": ("2026-02-22", 23),
}
# Lines that have been, or could be, taken for something else.
HOSTILE = (
    "1.  **首创评估体系**：区别于传统方法。",
    "5. **实验效果显著**：提升 61.4%。",
    "2.  **使用指南的自动生成**：无需人工。",
    "*   **应用领域**：医疗、金融。",
    "    3.  **使用指南**：嵌套的条目。",
    "实验效果",
    "见“4. 主要创新点”一节。",
    "---",
    "***",
    "- - -",
    "# 论文分析报告",
    "### 结论",
    "公式 $y^+ = \\frac{a}{b}$ 与 \\[x_{1}\\]，价格 $3。",
    "标记 <tool_call>、<sc>、</think> 与 <|im_end|>。",
    "```python\n### 5. 实验效果\n## 📄 Fake\nprint('=' * 60)\n```",
    "~~~\n1. **应用领域**：假的\n~~~",
    "| a | b |\n|---|---|\n| 1 | 2 |",
    "`x[1]` **加粗** _斜体_ > 引用",
    "## 📄 只是文字",
    "末尾有空格   \n\n\n隔了两行",
    "\tTab 与　全角空格",
    "行分隔符\u2028与\u0085与\x0b不换行",
    "==",
)

bodies = st.lists(st.sampled_from(HOSTILE), min_size=1, max_size=5).map(
    lambda lines: "\n".join(["正文。"] * lines[0].startswith((" ", "\t")) + lines)
)
wild = st.text(
    st.characters(exclude_categories=("Cs",), exclude_characters="\r\n#*`~=📄"), max_size=60
)
texts = st.one_of(bodies, wild.map(lambda text: f"正文{text}")).map(str.strip)


@st.composite
def made_papers(draw: st.DrawFn) -> list[MadePaper]:
    count = draw(st.integers(1, 3))
    return [
        MadePaper(
            f"2603.{n:05d}",
            draw(st.sampled_from(["A Title", "SAGE: 标题 — “引号”", "1. 应用领域", "<sc> $x$"])),
            {key: draw(texts) for key in SECTION_KEYS if draw(st.integers(0, 9))},
            draw(st.sampled_from(STYLES)),
            draw(
                st.sampled_from(["", "# 论文报告", "### A Title 论文报告\n\n---", "这是一段前言。"])
            ),
        )
        for n in range(count)
    ]


def usable(papers: Sequence[MadePaper]) -> list[MadePaper]:
    """The papers with more than a field, and one that has it all."""
    return [
        *(made for made in papers if set(made.sections) - {"field"}),
        paper("2603.99999", "Whole"),
    ]


@settings(derandomize=True, max_examples=300, deadline=None)
@given(made_papers(), st.sampled_from(["\n", "\r\n", "\r"]), st.booleans())
def test_whatever_is_rendered_comes_back(papers: list[MadePaper], newline: str, bom: bool) -> None:
    papers = usable(papers)
    data = b"\xef\xbb\xbf" * bom + render_report("2026-03-01", papers, newline)
    report = parse_report(data, "made.txt")
    assert [(p.id, p.title) for p in report.papers] == [(m.id, m.title) for m in papers]
    assert [{s.key: s.text for s in p.sections} for p in report.papers] == [
        m.sections for m in papers
    ]
    assert_spans_are_exact(report, data)


@settings(derandomize=True, max_examples=200, deadline=None)
@given(made_papers())
def test_a_missing_section_is_reported_and_not_invented(papers: list[MadePaper]) -> None:
    papers = usable(papers)
    report = parse_report(render_report("2026-03-01", papers), "made.txt")
    missing = [(m.id, key) for m in papers for key in SECTION_KEYS if key not in m.sections]
    told = [p.message for p in report.problems if "has no section" in p.message]
    assert [(m.split()[1], m.rpartition("(")[2].rstrip(")")) for m in told] == missing


@settings(derandomize=True, max_examples=300, deadline=None)
@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_any_bytes_give_a_report_or_our_error(data: bytes) -> None:
    header = b"**Date**: 2026-03-01\n\n## \xf0\x9f\x93\x84 T\n\n- **\xe9\x93\xbe\xe6\x8e\xa5**: "
    for variant in (data, header + data, header + b"https://arxiv.org/abs/2603.00001\n" + data):
        with suppress(ReportError):
            assert_spans_are_exact(parse_report(variant, "wild.txt"), variant)


def assert_spans_are_exact(report: Report, data: bytes) -> None:
    """Each section's text is the end of its lines, and starts on their first or second."""
    text = data.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    lines = text.split("\n")
    for entry in report.papers:
        for section in entry.sections:
            first, last = section.lines.first, section.lines.last
            spanned = "\n".join(lines[first - 1 : last])
            assert spanned.startswith(lines[first - 1])
            assert SECTION_LABELS[section.key] in lines[first - 1]
            assert spanned.rstrip("# \t") == spanned.rstrip("# \t")
            assert section.text in spanned
            assert section.text == "" or spanned.rstrip().endswith(section.text[-1])


@pytest.mark.parametrize("name", DATES)
def test_each_shipped_report_has_its_papers_and_all_their_sections(name: str) -> None:
    report = read_report(SEEDS / f"{name}.txt")
    date, papers = DATES[name]
    assert (report.date.isoformat(), len(report.papers), report.problems) == (date, papers, ())
    assert all([s.key for s in entry.sections] == list(SECTION_KEYS) for entry in report.papers)


def test_the_shipped_reports_hold_138_papers_and_690_sections() -> None:
    reports = [read_report(path) for path in SEEDS.glob("*.txt")]
    assert len({entry.id for report in reports for entry in report.papers}) == 138
    assert sum(len(entry.sections) for report in reports for entry in report.papers) == 690


@pytest.mark.parametrize("name", DATES)
def test_every_line_of_a_shipped_paper_is_in_a_section_or_is_no_content(name: str) -> None:
    path = SEEDS / f"{name}.txt"
    lines = path.read_text(encoding="utf-8").split("\n")
    report = read_report(path)
    assert_spans_are_exact(report, path.read_bytes())
    for entry in report.papers:
        inside = {n for s in entry.sections for n in range(s.lines.first, s.lines.last + 1)}
        first = entry.sections[0].lines.first
        left = [lines[n - 1] for n in range(first, entry.lines.last + 1) if n not in inside]
        assert not any(line.strip() for line in left)


def test_no_text_of_a_shipped_section_holds_a_separator_or_another_heading() -> None:
    for path in SEEDS.glob("*.txt"):
        for entry in read_report(path).papers:
            for section in entry.sections:
                assert RULE not in section.text
                assert "📄" not in section.text
                assert "阅读来源" not in section.text


@pytest.mark.parametrize("token", ["<tool_call>", "<sc>", "<think>", "</pred_think>", "$y^+$"])
def test_tokens_and_formulas_come_through_untouched(token: str) -> None:
    held = [
        section.text
        for path in SEEDS.glob("*.txt")
        for entry in read_report(path).papers
        for section in entry.sections
        if token in section.text
    ]
    assert held


def parse_one(body: str) -> Report:
    head = (
        "**Date**: 2026-03-01\n\n## 📄 T\n\n- **链接**: https://huggingface.co/papers/2603.00001\n"
    )
    return parse_report(f"{head}{body}\n\n{RULE}\n".encode(), "one.txt")


# What others call the sections; few of these are in the parser's own list.
OTHER_LABELS: dict[SectionKey, Sequence[str]] = {
    "field": ("研究领域", "应用场景", "🎯 主要应用领域", "应用方向", "Field", "Research Area"),
    "contribution": (
        "核心贡献",
        "一句话总结",
        "本文贡献",
        "Contribution",
        "TL;DR",
        "Key Contributions",
    ),
    "usage": ("使用方法", "使用方式", "如何使用", "How to use", "Method/Usage", "Usage (使用)"),
    "innovations": ("核心创新点", "主要创新", "技术创新点", "Key innovations", "Novelty", "創新點"),
    "results": (
        "实验结果",
        "主要结果",
        "结果与分析",
        "Results",
        "Experiments",
        "Main Results (主要)",
    ),
}
OTHER_STYLES = (
    *STYLES,
    "- **{label}**：{text}",
    "*   **{n}. {label}**\n{text}",
    "**{n}、{label}：**{text}",
    "（{n}）{label}：{text}",
    "{n}．**{label}**: {text}",
)
labels = st.fixed_dictionaries({key: st.sampled_from(OTHER_LABELS[key]) for key in SECTION_KEYS})


@settings(derandomize=True, max_examples=300, deadline=None)
@given(
    labels,
    st.sampled_from(OTHER_STYLES),
    st.fixed_dictionaries(dict.fromkeys(SECTION_KEYS, texts)),
    st.sets(st.sampled_from(SECTION_KEYS), max_size=2),
)
def test_labels_near_ours_head_the_sections_in_any_style(
    named: Mapping[SectionKey, str],
    style: str,
    bodies_by_key: dict[SectionKey, str],
    missing: set[SectionKey],
) -> None:
    sections = {key: bodies_by_key[key] for key in SECTION_KEYS if key not in missing}
    made = MadePaper("2603.00001", "T", sections, style, labels=named)
    (entry,) = parse_report(render_report("2026-03-01", [made]), "near.txt").papers
    assert {section.key: section.text for section in entry.sections} == sections


@pytest.mark.parametrize("name", DATES)
def test_a_shipped_report_reads_the_same_whatever_its_sections_are_called(name: str) -> None:
    path = SEEDS / f"{name}.txt"
    before, lines = read_report(path), path.read_text(encoding="utf-8").split("\n")
    for n, entry in enumerate(before.papers):
        for section in entry.sections:
            others, at = OTHER_LABELS[section.key], section.lines.first - 1
            other = others[n % len(others)]
            lines[at] = lines[at].replace(SECTION_LABELS[section.key], other, 1)
    after = parse_report("\n".join(lines).encode(), str(path))
    assert texts_of(after) == texts_of(before)


@pytest.mark.parametrize("key", SECTION_KEYS)
@pytest.mark.parametrize("name", DATES)
def test_nothing_in_a_shipped_report_stands_in_for_a_section_taken_out(
    name: str, key: SectionKey
) -> None:
    path = SEEDS / f"{name}.txt"
    before, lines = read_report(path), path.read_text(encoding="utf-8").split("\n")
    out = [s.lines for entry in before.papers for s in entry.sections if s.key == key]
    for span in reversed(out):
        del lines[span.first - 1 : span.last]
    after = parse_report("\n".join(lines).encode(), str(path))
    assert texts_of(after) == [
        {other: text for other, text in held.items() if other != key} for held in texts_of(before)
    ]
    assert all("has no section" in problem.message for problem in after.problems)


def texts_of(report: Report) -> list[dict[SectionKey, str]]:
    """The texts of its papers' sections."""
    return [{section.key: section.text for section in p.sections} for p in report.papers]


@pytest.mark.parametrize(
    "body",
    [
        "*   **实验结果**：提升。",
        "- **Results**\n  - 提升。",
        "**主要结果**：提升。",
        "1. **结果**：提升。",
        "5. 主要结果：提升。",
        "### 相关工作\n结果。",
        "结果：提升。",
    ],
)
def test_body_text_does_not_stand_in_for_a_missing_section(body: str) -> None:
    made = paper("2603.00001", "T", innovations=f"创新。\n\n{body}", results=None)
    (entry,) = parse_report(render_report("2026-03-01", [made]), "body.txt").papers
    assert {section.key: section.text for section in entry.sections} == made.sections


@pytest.mark.parametrize("heading", ["**主要结果**", "## Results", "5) 实验结果", "**五、结果：**"])
def test_a_label_of_another_style_counts_on_a_line_of_its_own(heading: str) -> None:
    made = paper("2603.00001", "T", innovations=f"创新。\n\n{heading}\n提升。", results=None)
    (entry,) = parse_report(render_report("2026-03-01", [made]), "own.txt").papers
    assert [section.text for section in entry.sections[-2:]] == ["创新。", "提升。"]


@pytest.mark.parametrize(
    ("key", "label", "near", "where"),
    [
        ("usage", "使用者须知", "'使用者须知' near 使用指南", "一句话核心贡献"),
        ("results", "实验设置", "'实验设置' near 实验效果", "主要创新点"),
        ("usage", "上手", "'上手' near 使用指南", "一句话核心贡献"),
        ("field", "学科领域", "'学科领域' near 应用领域", "no section"),
    ],
)
def test_a_label_that_is_not_known_is_told_with_what_it_comes_near_and_where_its_text_is(
    key: SectionKey, label: str, near: str, where: str
) -> None:
    whole = replace(paper("2603.00001", "T"), style="{n}. **{label}**：{text}")
    made = replace(whole, labels=SECTION_LABELS | {key: label})
    data = render_report("2026-03-01", [made])
    missing, told = parse_report(data, "unknown.txt").problems
    assert f"has no section {SECTION_LABELS[key]}" in missing.message
    assert told.message == f"paper 2603.00001 has a heading {near}; its text is in {where}"
    assert f"**{label}**" in data.decode().split("\n")[told.line - 1]


def test_a_sixth_heading_is_told_and_its_text_stays_where_it_stands() -> None:
    made = paper("2603.00001", "T", results="提升。\n\n### 6. 局限性\n有限。")
    report = parse_report(render_report("2026-03-01", [made]), "six.txt")
    assert texts_of(report) == [made.sections]
    (told,) = report.problems
    assert "heading '局限性' near none of the five; its text is in 实验效果" in told.message


UNKNOWN = dict(zip(SECTION_KEYS, ["应用领域", "甲", "乙", "丙", "丁"], strict=True))


@pytest.mark.parametrize(
    ("labels", "cause"),
    [(UNKNOWN, "no section but 应用领域"), (UNKNOWN | {"field": "戊"}, "no section")],
    ids=["all of it its field", "none"],
)
def test_a_paper_whose_labels_are_not_known_is_one_error_and_the_others_are_papers(
    labels: Mapping[SectionKey, str], cause: str
) -> None:
    good = [paper("2603.00001", "T"), paper("2603.00003", "V")]
    lost = replace(paper("2603.00002", "U"), labels=labels)
    data = render_report("2026-03-01", [good[0], lost, good[1]])
    report = parse_report(data, "lost.txt")
    assert texts_of(report) == [made.sections for made in good]
    (problem,) = report.problems
    assert (problem.fatal, data.decode().split("\n")[problem.line - 1]) == (True, "## 📄 U")
    assert problem.message.startswith(f"paper 2603.00002 has {cause}; head the others as in '###")


def test_a_report_of_which_no_paper_can_be_used_is_an_error() -> None:
    lost = replace(paper("2603.00002", "U"), labels=UNKNOWN)
    with pytest.raises(ReportError, match=r"lost\.txt:7: paper 2603\.00002 has no section but"):
        parse_report(render_report("2026-03-01", [lost]), "lost.txt")


def test_a_second_heading_of_a_section_is_kept_as_text_and_reported() -> None:
    made = paper("2603.00001", "T", results="提升。\n\n### 5. 实验效果\n又提升。")
    report = parse_report(render_report("2026-03-01", [made]), "twice.txt")
    assert report.papers[0].sections[-1].text == made.sections["results"]
    (problem,) = report.problems
    assert "second heading 实验效果" in problem.message
    assert (
        render_report("2026-03-01", [made]).decode().split("\n")[problem.line - 1]
        == "### 5. 实验效果"
    )


def test_an_item_with_a_sections_label_does_not_stand_in_for_a_missing_section() -> None:
    made = paper(
        "2603.00001", "T", usage=None, innovations="1. **使用指南**：自动生成。\n2. **其他**：好。"
    )
    (entry,) = parse_report(render_report("2026-03-01", [made]), "item.txt").papers
    assert [section.key for section in entry.sections] == [
        "field",
        "contribution",
        "innovations",
        "results",
    ]


def test_an_item_in_the_headings_own_style_cannot_push_a_real_heading_out() -> None:
    made = MadePaper(
        "2603.00001",
        "T",
        {
            "field": "甲",
            "contribution": "乙",
            "innovations": "创新\n3. **使用指南**：假",
            "results": "丁",
        },
        "{n}. **{label}**：{text}",
    )
    (entry,) = parse_report(render_report("2026-03-01", [made]), "item.txt").papers
    assert {section.key: section.text for section in entry.sections} == made.sections


def test_a_fence_left_open_does_not_swallow_the_papers_after_it() -> None:
    papers = [paper("2603.00001", "T", results="```python\nx = 1"), paper("2603.00002", "U")]
    report = parse_report(render_report("2026-03-01", papers), "open.txt")
    assert [entry.id for entry in report.papers] == ["2603.00001", "2603.00002"]


def test_an_empty_section_is_reported() -> None:
    report = parse_report(
        render_report("2026-03-01", [paper("2603.00001", "T", usage="")]), "e.txt"
    )
    assert ["2603.00001/usage is empty" in problem.message for problem in report.problems] == [True]


def test_what_a_paper_was_read_from_is_kept() -> None:
    read_from = {e.read_from for path in SEEDS.glob("*.txt") for e in read_report(path).papers}
    assert read_from == {"HTML", "ArXiv Abs"}
    assert parse_one("### 5. 实验效果\n甲").papers[0].read_from == ""


@pytest.mark.parametrize(
    "url", ["https://arxiv.org/abs/2603.00001v2", "https://huggingface.co/papers/2603.00001/"]
)
def test_the_arxiv_id_is_the_last_part_of_the_link_without_its_version(url: str) -> None:
    text = f"**Date**: 2026-03-01\n## 📄 T\n- **链接**: {url}\n### 5. 实验效果\n甲"
    assert parse_report(text.encode(), "u.txt").papers[0].id == "2603.00001"


def test_the_date_is_taken_from_the_source_url_where_its_line_is_missing() -> None:
    data = render_report("2026-03-01", [paper("2603.00001", "T")])
    report = parse_report(data.replace(b"**Date**: 2026-03-01\n", b""), "d.txt")
    assert report.date.isoformat() == "2026-03-01"


GOOD = render_report("2026-03-01", [paper("2603.00001", "T")])
LINK = "- **链接**: https://huggingface.co/papers/2603.00001"


@pytest.mark.parametrize(
    ("data", "line", "cause"),
    [
        (b"", 1, "empty"),
        (b"\xef\xbb\xbf \r\n\t", 1, "empty"),
        (GOOD + b"ab\nc\xff", GOOD.count(b"\n") + 2, "not UTF-8 (byte 0xff)"),
        (GOOD.replace(b"2026-03-01", b"soon"), 2, "no usable date"),
        (GOOD.replace(b"2026-03-01", b"2026-02-30"), 2, "no usable date"),
        (GOOD.partition(b"\n\n===")[0], 3, "no paper found"),
        (GOOD.replace(LINK.encode(), b""), 7, "has no line"),
        (GOOD.replace(b"papers/2603.00001", b"papers/attention"), 9, "arXiv id"),
        (GOOD.replace(b"https://huggingface.co/papers/2603", b"javascript:2603"), 9, "arXiv id"),
        (
            GOOD + render_paper(paper("2603.00001", "U")).encode(),
            29,
            "appears twice, first on line 7",
        ),
    ],
    ids=[
        "empty",
        "blank",
        "utf8",
        "no date",
        "bad date",
        "no paper",
        "no link",
        "id",
        "scheme",
        "twice",
    ],
)
def test_what_is_no_report_is_an_error_with_file_line_and_cause(
    data: bytes, line: int, cause: str
) -> None:
    with pytest.raises(ReportError) as raised:
        parse_report(data, "bad.txt")
    assert (raised.value.path, raised.value.line) == ("bad.txt", line)
    assert cause in raised.value.cause
    assert str(raised.value) == f"bad.txt:{line}: {raised.value.cause}"


def test_a_file_that_cannot_be_read_is_our_error(tmp_path: Path) -> None:
    with pytest.raises(ReportError, match="cannot be read"):
        read_report(tmp_path / "none.txt")


@pytest.mark.parametrize(
    "body",
    [
        "1. **使用指南**：甲\n" * 60_000,
        "### 3. 用法\n" * 60_000,
        "- **核心贡献** 甲\n- **Results**：乙\n" * 30_000,
        "a**（" * 300_000,
        "```\n" * 300_000,
    ],
    ids=["candidates", "headings", "bullets", "one long line", "fences"],
)
def test_hostile_size_is_read_to_its_end(body: str) -> None:
    assert parse_one(f"### 5. 实验效果\n甲\n\n{body}").papers


def test_every_key_has_a_label() -> None:
    keys: tuple[SectionKey, ...] = SECTION_KEYS
    assert set(keys) == set(SECTION_LABELS)
