"""An answer as the HTML the page shows: linked, honest about what was not verified."""

import html
import re
from dataclasses import replace

import pytest

from chatbot.answering.record import AnswerRecord, SentenceRecord, record_of
from chatbot.bot import Chatbot
from chatbot.understanding.inputs import make_filters
from chatbot.verification.claims import Draft, claims_of, read_blocks
from chatbot.web.rendering import linked_text, render_answer, render_source, steps_line

QUESTION = "GRU-Mem 的推理速度提升了多少？"


@pytest.fixture(scope="module")
def record(seed_bot: Chatbot) -> AnswerRecord:
    return record_of(seed_bot.answer(QUESTION))


def saying(record: AnswerRecord, text: str, *sentences: SentenceRecord) -> AnswerRecord:
    """The record of another text with these verdicts, kept before there were blocks, opened."""
    kept = record.model_dump(exclude={"blocks"})
    return AnswerRecord.model_validate({**kept, "answer": text, "sentences": sentences})


def doubtful(record: AnswerRecord, text: str, sentence: str, reason: str) -> AnswerRecord:
    """The record of another text, one sentence of which failed."""
    failed = SentenceRecord(text=sentence, citations=(), supported=False, reason=reason)
    return saying(record, text, failed)


def test_each_marker_links_to_its_source_at_its_place(record: AnswerRecord) -> None:
    shown = render_answer(record, "3")
    for citation in record.citations:
        assert f'<a class="marker" href="#source/3/{citation.n}">[{citation.n}]</a>' in shown


def test_a_marker_without_a_source_or_in_code_is_no_link(record: AnswerRecord) -> None:
    assert "<a" not in linked_text(saying(record, "见 [99] 与 `x[1]`"), "0")


def test_a_doubtful_sentence_is_marked_where_it_stands(record: AnswerRecord) -> None:
    changed = doubtful(
        record, "前一句。快 900%[1]。后一句。", "快 900%。", "number_not_in_source: 900%"
    )
    shown = linked_text(changed, "0")
    assert 'title="⚠ 数字 900% 不在所引的原文里">快 900%<a' in html.unescape(shown)
    assert shown.startswith("<p>前一句。<span")
    assert shown.endswith("</span>后一句。</p>")


def test_of_two_sentences_that_read_alike_the_one_that_failed_is_marked(seed_bot: Chatbot) -> None:
    draft = Draft(read_blocks("甲。\n\n- 快 2 倍。\n- 快 2 倍。"), {})
    last = claims_of(draft.blocks)[-1]
    judged = draft.with_claims(lambda claim: replace(claim, supported=claim != last))
    record = record_of(replace(seed_bot.answer(QUESTION), blocks=judged.blocks))
    items = re.findall("<li>(.*?)</li>", linked_text(record, "0"))
    assert items[0] == "快 2 倍。"
    assert re.fullmatch('<span class="doubtful"[^>]*>快 2 倍。</span>', items[1])


def test_a_reason_cannot_break_out_of_its_mark(record: AnswerRecord) -> None:
    changed = doubtful(record, "坏。", "坏。", 'name_not_in_source: "><script>')
    assert "<script>" not in linked_text(changed, "0")


def test_a_reason_a_notice_a_scope_and_a_title_are_text_and_no_markdown(
    record: AnswerRecord,
) -> None:
    written = "`a` ![b](c) \\(d\\) **e**"
    failed = doubtful(record, "坏。", "坏。", f"name_not_in_source: {written}")
    cited = record.citations[0].model_copy(update={"title": written})
    changed = failed.model_copy(update={"notice": written, "citations": (cited,)})
    shown = render_answer(changed, "0")
    assert html.unescape(shown).count(written) == 4
    unquoted = re.sub('title="[^"]*"', "", shown)
    assert [sign for sign in ("`", "](", "\\(", "**") if sign in unquoted] == []


def test_code_before_a_cited_sentence_is_shown_and_the_sentence_linked(
    record: AnswerRecord,
) -> None:
    shown = linked_text(saying(record, "```py\nx[1]\n```\n快 2 倍[1]。"), "0")
    assert "<pre><code>x[1]&#10;</code></pre>" in shown
    assert '快 2 倍<a class="marker" href="#source/0/1">[1]</a>。' in shown


def test_an_answer_fenced_as_markdown_is_shown_as_what_is_in_it(record: AnswerRecord) -> None:
    fenced = doubtful(record, "```markdown\n- 快 9 倍[1]。\n```", "快 9 倍。", "missing_marker")
    assert re.search("<ul>.*doubtful.*快 9 倍<a .*</ul>", linked_text(fenced, "0"))


def test_a_doubtful_sentence_in_bold_is_marked_in_one_piece(record: AnswerRecord) -> None:
    changed = doubtful(record, "- **快 9 倍**[1]。后", "**快 9 倍**。", "missing_marker")
    shown = linked_text(changed, "0")
    assert shown.count('class="doubtful"') == 1
    assert re.search("<li><span [^>]*><strong>快 9 倍</strong><a [^>]*>.1.</a>。</span>后", shown)


TABLE = "| 论文 | 速度 |\n|---|---|\n| A | 快 9 倍 |"


def test_a_doubtful_cell_is_marked_and_not_listed_below(record: AnswerRecord) -> None:
    shown = render_answer(doubtful(record, TABLE, "快 9 倍", "missing_marker"), "0")
    assert re.search('<td><span class="doubtful"[^>]*>快 9 倍</span></td>', shown)
    assert '<div class="unverified">' not in shown


def test_a_doubtful_row_of_an_earlier_build_is_listed_below(record: AnswerRecord) -> None:
    shown = render_answer(doubtful(record, TABLE, "| A | 快 9 倍 |", "missing_marker"), "0")
    assert '<div class="unverified">' in shown
    assert "没有标明出处" in shown


def test_a_doubtful_sentence_is_found_with_its_markers_inside(record: AnswerRecord) -> None:
    changed = doubtful(record, "快 900%[1]。", "快 900%。", "better_in_section: contribution")
    shown = html.unescape(linked_text(changed, "0"))
    assert 'title="⚠ 同一篇的“一句话核心贡献”一节更像出处">快 900%<a' in shown


def test_what_an_answer_was_narrowed_to_is_said(seed_bot: Chatbot) -> None:
    record = record_of(seed_bot.answer("2月12日 GRU-Mem 的效果如何？"))
    shown = render_answer(record, "0", make_filters([], [], ["results"]))
    said = html.unescape(shown).partition("</div>")[0]
    for name in ("2026-02-12", "2602.10560", "实验效果"):
        assert name in said


def test_a_source_shows_its_whole_section_and_where_it_is_from(
    seed_bot: Chatbot, record: AnswerRecord
) -> None:
    shown = html.unescape(render_source(record, 1, seed_bot.index, "zh"))
    assert "<mark><strong>效率提升</strong>：得益于早停机制" in shown
    assert "综合性能" in shown
    assert "2026-02-12 · 实验效果一节，第 1000–1003 行，000_a123f1b62403a6c8.txt" in shown
    assert 'href="https://arxiv.org/abs/2602.10560"' in shown
    assert 'href="https://huggingface.co/papers/2602.10560"' in shown
    assert 'href="#ask/2602.10560"' in shown


def test_a_source_that_has_changed_since_shows_its_quotes_and_says_so(
    seed_bot: Chatbot, record: AnswerRecord
) -> None:
    citation = record.citations[0].model_copy(
        update={"quotes": ("旧的原句。",), "spans": ((0, 5),)}
    )
    shown = render_source(
        record.model_copy(update={"citations": (citation,)}), 1, seed_bot.index, "zh"
    )
    assert "<blockquote><p>旧的原句。</p></blockquote>" in shown
    assert "已不在索引里" in shown


def test_there_is_no_source_beyond_the_last(seed_bot: Chatbot, record: AnswerRecord) -> None:
    assert render_source(record, 99, seed_bot.index, "zh") == ""


def test_a_refused_answer_is_set_apart(seed_bot: Chatbot) -> None:
    record = record_of(seed_bot.answer("GRU-Mem 在 ImageNet 上的准确率是多少？"))
    assert '<div class="abstained"><b>报告里没有答案</b>' in render_answer(record, "0")


def test_the_steps_are_a_line_with_what_was_found_and_a_list_with_times(
    record: AnswerRecord,
) -> None:
    line, details = steps_line(record)
    assert line == "理解问题 → 检索到 8 节 → 生成回答 → 核对引用"
    assert details.count(" ms") == 4
