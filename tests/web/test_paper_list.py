"""The papers to browse: searched, filtered, counted, paged, and shown one by one."""

import datetime as dt
import html
import re
from pathlib import Path

import pytest

from chatbot.bot import Chatbot
from chatbot.config import Settings
from chatbot.index.ingestion import ingest
from chatbot.index.reading import Index
from chatbot.web.browse import (
    View,
    after_action,
    listing,
    render_list,
    render_paper,
)
from tests.report_text import paper, render_report


@pytest.fixture(scope="module")
def shelf(seed_bot: Chatbot) -> Index:
    return seed_bot.index


def test_all_papers_are_listed_newest_report_first_in_pages(shelf: Index) -> None:
    pages = [listing(shelf, View(page=page)) for page in range(1, 7)]
    listed = [paper for page in pages for paper in page.papers]
    assert listed == list(shelf.catalogue.papers)
    assert [(page.first, len(page.papers)) for page in pages[4:]] == [(101, 25), (126, 13)]


def test_a_page_beyond_the_last_is_the_last(shelf: Index) -> None:
    assert listing(shelf, View(page=99)).page == 6
    assert listing(shelf, View(page=0)).page == 1


@pytest.mark.parametrize(
    "words", ["GRU-Mem", "2602.10560", "when to memorize", "Gated Recurrent 2602", "ＧＲＵ－Mem"]
)
def test_a_paper_is_found_by_system_id_title_and_full_width_letters(
    shelf: Index, words: str
) -> None:
    assert listing(shelf, View(words=words)).papers[0].id == "2602.10560"


def test_every_word_has_to_be_in_the_digest(shelf: Index) -> None:
    found = listing(shelf, View(words="卡尔曼滤波 强化学习"))
    assert "2602.10609" in {paper.id for paper in found.papers}
    assert found.total < listing(shelf, View(words="强化学习")).total
    assert listing(shelf, View(words="卡尔曼滤波 没有这个词")).total == 0


def test_titles_come_before_texts(shelf: Index) -> None:
    found = listing(shelf, View(words="memory"))
    titled = ["memory" in paper.title.lower() for paper in found.papers]
    assert titled == sorted(titled, reverse=True)
    assert True in titled
    assert False in titled


def test_counts_follow_the_other_filters_and_not_their_own(shelf: Index) -> None:
    everything = listing(shelf, View())
    agents = listing(shelf, View(field="agents"))
    both = listing(shelf, View(field="agents", date="2026-02-12"))
    assert agents.by_field == everything.by_field
    assert agents.total == everything.by_field["agents"]
    assert both.total == agents.by_period["2026-02-12"]
    assert all(paper.field == "agents" for paper in both.papers)


def test_a_button_sets_a_filter_and_the_same_again_removes_it() -> None:
    chosen = after_action(View(words="x", page=3), "field/agents")
    assert chosen == View(words="x", field="agents")
    assert after_action(chosen, "field/agents") == View(words="x")
    assert after_action(chosen, "date/2026-02-12").date == "2026-02-12"
    assert after_action(chosen, "page/2").page == 2


@pytest.mark.parametrize("action", ["", "page/x", "page/-1", "delete/all"])
def test_what_is_no_action_changes_nothing(action: str) -> None:
    assert after_action(View(page=2), action) == View(page=2)


def test_a_new_generation_is_seen_and_many_days_are_counted_by_month(
    settings: Settings, tmp_path: Path
) -> None:
    reports = tmp_path / "reports"
    reports.mkdir()

    def write(n: int) -> None:
        day = dt.date(2026, 1, 1) + dt.timedelta(days=n)
        made = paper(f"2601.{10000 + n}", f"第 {n} 篇", field="机器人")
        (reports / f"{n}.txt").write_bytes(render_report(day.isoformat(), [made]))

    write(0)
    ingest(settings, [reports])
    bot = Chatbot(settings, None)
    assert listing(bot.index, View()).by_period == {"2026-01-01": 1}
    for n in range(1, 32):
        write(n)
    ingest(settings, [reports])
    found = listing(bot.index, View(date="2026-01"))
    assert found.by_period == {"2026-01": 31, "2026-02": 1}
    assert found.total == 31


def test_a_search_without_papers_says_what_to_do(shelf: Index) -> None:
    view = View(words="没有这个词")
    assert "取消筛选" in render_list(listing(shelf, view), view, "zh")
    assert "<ol" not in render_list(listing(shelf, view), view, "en")


def test_a_filter_that_no_button_sent_is_shown_as_text(shelf: Index) -> None:
    view = View(field="<img src=x>")
    shown = render_list(listing(shelf, view), view, "zh")
    assert "<img" not in shown


def test_a_paper_has_its_dates_report_links_and_sections(shelf: Index) -> None:
    shown = html.unescape(render_paper(shelf, "2602.10560", "zh"))
    assert "<h2>When to Memorize and When to Stop" in shown
    assert "收录于 2026-02-12 · 日报 000_a123f1b62403a6c8.txt · 日报" in shown
    assert re.findall(r"<h3>(.*?)</h3>", shown) == [
        "应用领域",
        "一句话核心贡献",
        "使用指南",
        "主要创新点",
        "实验效果",
    ]
    for target in (
        "#ask/2602.10560",
        "#compare/2602.10560",
        "?paper=2602.10560",
        "https://arxiv.org/abs/2602.10560",
        "https://huggingface.co/papers/2602.10560",
        "#close/paper",
    ):
        assert f'href="{target}"' in shown


def test_a_digest_of_an_abstract_says_so(shelf: Index) -> None:
    abstract = next(p for p in shelf.catalogue.papers if p.read_from == "ArXiv Abs")
    assert "digest of its abstract only" in render_paper(shelf, abstract.id, "en")


@pytest.mark.parametrize("paper_id", ["9999.99999", "", "<script>", "{x}", "a\n\n# b"])
def test_a_paper_not_in_the_index_is_one_clear_line(shelf: Index, paper_id: str) -> None:
    shown = render_paper(shelf, paper_id, "en").split("\n\n")
    assert len(shown) == 2
    assert "is not in the index" in shown[1]
    assert "<script" not in shown[1]
