"""The HTML report of a run: complete, self-contained, and safe whatever a model answers."""

import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from copy import deepcopy
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from chatbot.errors import ChatbotError
from evals.report_html import to_html

HOSTILE = (
    "<script>alert(1)</script></details></div>{{ 7 * 7 }}{% raw %} & \"quoted\" 'it' \x00\ud83d"
)
Report = dict[str, Any]


def report() -> Report:
    """A run as it comes: two suites, a baseline, a failed gate, items in both languages."""
    return {
        "run": {
            "id": "20261121-190000",
            "started": "2026-11-21T19:00:00",
            "model": "extractive",
            "mode": "replay",
            "suites": ["answers", "retrieval"],
            "datasets": {
                "dev.jsonl": {"sha256": "9f2c1a77be03" + "4d" * 26, "n": 130},
                "twins.jsonl": {"sha256": "07aa41c09e55" + "b1" * 26, "n": 56},
            },
            "versions": {"chatbot": "0.1.0", "prompts": {"answer": "abc123", "outline": "77f0e1"}},
            "baseline": "20261114-081500",
            "seconds": 131.2,
        },
        "suites": [answers(), retrieval()],
        "verifier": {
            "zh": [
                {"kind": "untouched (false alarms)", **estimate(0.02, 0.03, 308)},
                {"kind": "number changed", **estimate(0.97, 0.02, 251)},
                {"kind": "negation flipped", **estimate(0.81, 0.05, 190)},
            ],
            "en": [
                {"kind": "untouched (false alarms)", **estimate(0.05, 0.04, 120)},
                {"kind": "number changed", **estimate(0.95, 0.04, 98)},
                {"kind": "direction reversed", **estimate(0.63, 0.12, 41)},
            ],
        },
        "judge": {"kappa": estimate(0.72, 0.11, 120), "note": "Labels by two readers."},
        "gates": {
            "passed": False,
            "failed": ["answers: every key fact: 0.70 is under its bound 0.81"],
        },
        "usage": [
            usage("answer", 1330, 1_204_551, 88_210, 0.4312),
            usage("rewrite a follow-up", 12, 5210, 310, 0.0021),
        ],
    }


def answers() -> Report:
    """130 items, 70 of them listed, over all metrics an answer has."""
    metrics = [
        metric("every key fact", 0.70, 0.08, baseline=(0.79, -0.09, -0.15, -0.02), floor=0.81),
        metric("needed sections cited", 0.88, 0.05, baseline=(0.80, 0.08, 0.02, 0.14), floor=0.75),
        metric("citations that are needed", 0.64, 0.06, baseline=(0.65, -0.01, -0.04, 0.03)),
        metric(
            "comparison: every paper there, every needed section cited",
            *(0.42, 0.2),
            n=24,
        ),
        metric("wrongly refused", 0.03, 0.03, better="lower", baseline=(0.08, -0.05, -0.09, -0.01)),
        {**metric("drop, paraphrased", 0.05, 0.07, better="lower"), "low": -0.03},
        metric("sentences of an answer", 4.2, 0.7, better="lower", baseline=(3.9, 0.3, -0.1, 0.7)),
    ]
    return {
        "name": "answers",
        "about": "Whether the answers to the development questions say and cite what they should.",
        **counts(130, abstained=28, errors=2),
        "metrics": metrics,
        "items": [ITEMS[i % len(ITEMS)](f"dev/{i:03}-01") for i in range(70)],
    }


def retrieval() -> Report:
    """A small suite that the baseline run did not have."""
    return {
        "name": "retrieval",
        "about": "Whether the sections needed are among those found.",
        **counts(110),
        "metrics": [
            metric("recall at 8", 0.93, 0.03, n=110),
            metric("nDCG at 8", 0.81, 0.04, n=110),
        ],
        "items": [],
    }


def counts(n: int, *, abstained: int = 0, errors: int = 0) -> Report:
    ok = n - abstained - errors
    return {"n": n, "ok": ok, "abstained": abstained, "errors": errors, "unscored": 0}


def metric(
    name: str,
    mean: float,
    spread: float,
    *,
    n: int = 60,
    better: str = "higher",
    baseline: tuple[float, float, float, float] | None = None,
    floor: float | None = None,
) -> Report:
    """A metric; `baseline` is its mean, and the difference with its interval."""
    was = dict(zip(("mean", "difference", "low", "high"), baseline or (), strict=False))
    why = "" if floor is None or mean >= floor else f"{mean:.2f} is under its bound {floor:.2f}"
    types = ("fact", "numeric", "english", "comparison", "list", "followup", "unanswerable")
    return {
        "name": name,
        "about": f"The share of items for which it holds: {name}.",
        **estimate(mean, spread, n),
        "scored": n - 2,
        "better": better,
        "worst": 0.0 if better == "higher" else 1.0,
        "baseline": {**was, "n": n - 3} if baseline else None,
        "gate": None if floor is None else {"floor": floor, "passed": mean >= floor, "why": why},
        "by": {
            "type": {kind: estimate(mean, spread, 12) for kind in types},
            "lang": {"zh": estimate(mean, spread, 48), "en": estimate(mean, spread, 12)},
        },
        "papers": [{"paper": f"2602.{11144 + i}", "mean": i / 10, "n": 2} for i in range(10)],
    }


def estimate(mean: float, spread: float, n: int) -> Report:
    low, high = max(0.0, mean - spread), mean + spread
    return {"mean": mean, "low": low, "high": min(1.0, high) if mean <= 1 else high, "n": n}


def usage(call: str, calls: int, prompt: int, completion: int, cost: float | None) -> Report:
    tokens = {"prompt_tokens": prompt, "completion_tokens": completion}
    return {"call": call, "calls": calls, **tokens, "cost": cost}


def item(unit: str, status: str, kind: str, lang: str, **rest: Any) -> Report:
    """An item to which nothing was answered and of which nothing is expected, but for the rest."""
    nothing = {"answer": "", "key_facts": [], "sections": [], "evidence": []}
    return {
        **dict(zip(("unit", "status", "type", "lang"), (unit, status, kind, lang), strict=True)),
        **dict.fromkeys(("paper", "answer", "abstain_reason", "error")),
        "values": {},
        "expected": nothing,
        "citations": [],
        "sentences": [],
        **rest,
    }


def chinese(unit: str) -> Report:
    """An answer with a sentence that nothing bears out."""
    gap = "看懂了，但画不出来：存在“执行差距”，模型能理解上下文，却无法画成正确的图像"
    data = "作者把它归因于训练数据不足"
    return item(
        *(unit, "ok", "fact", "zh"),
        paper="2602.11144",
        question="GENIUS 测下来模型栽在哪儿：是规则没看懂，还是看懂了画不出来？",
        values={"every key fact": 0.0, "needed sections cited": 0.5, "wrongly refused": 0.0},
        answer=f"**结论**：{gap} [1]。\n\n- {data} [2]。",
        expected={
            "answer": "看懂了但画不出来：存在“执行差距”，缺陷在生成执行。",
            "key_facts": ["执行"],
            "sections": ["2602.11144/innovations", "2602.11144/results"],
            "evidence": [
                {"section": "2602.11144/results", "quote": "缺陷源于生成执行而非理解缺失"}
            ],
        },
        citations=[
            citation(
                1, "GENIUS: Generative Fluid Intelligence", "研究揭示了“执行差距（Execution Gap）”"
            ),
            citation(2, "GENIUS", "可用于诊断多模态模型"),
        ],
        sentences=[
            {"text": f"{gap}。", "supported": True, "reason": None, "citations": [1]},
            {
                "text": f"{data}。",
                "supported": False,
                "reason": "unsupported_terms",
                "citations": [2],
            },
        ],
    )


def citation(n: int, title: str, quote: str) -> Report:
    url = "https://arxiv.org/abs/2602.11144"
    return {"n": n, "section": "2602.11144/usage", "title": title, "url": url, "quote": quote}


def english(unit: str) -> Report:
    """A refusal of what could be answered."""
    return item(
        *(unit, "abstained", "english", "en"),
        paper="2602.07954",
        question="How precise was the tiny Polish safety model on real user prompts, and how "
        "often did it raise a false alarm?",
        values={"every key fact": 0.0, "wrongly refused": 1.0},
        answer="The reports do not say.",
        abstain_reason="not_reported",
        expected={
            "answer": "77.65% precision and a 0.63% false positive rate.",
            "key_facts": ["77.65", "0.63"],
            "sections": ["2602.07954/results"],
            "evidence": [{"section": "2602.07954/results", "quote": "**77.65% 的高精确度**"}],
        },
    )


def broken(unit: str) -> Report:
    """A question that got no answer."""
    return item(
        *(unit, "error", "unanswerable", "zh"),
        question="GRU-Mem 在 iPhone 上的耗电是多少？",
        error="the model did not answer within 60 s; raise CHATBOT_LLM_TIMEOUT",
    )


ITEMS: tuple[Callable[[str], Report], ...] = (chinese, english, broken)


def parsed(of: Report) -> ET.Element:
    """The page, read strictly: each tag closed, each attribute quoted, no id twice."""
    page = ET.fromstring(to_html(of))  # noqa: S314 - our own page
    ids = [element.get("id") for element in page.iter() if element.get("id")]
    assert len(ids) == len(set(ids))
    return page


def text_of(element: ET.Element | None) -> str:
    assert element is not None
    return " ".join(" ".join(element.itertext()).split()).replace(" ,", ",")


def row_of(page: ET.Element, name: str) -> str:
    """The first table row with this heading."""
    return next(text_of(row) for row in page.iter("tr") if text_of(row).startswith(name))


def hostile(value: Any) -> Any:
    """The same with hostile text in place of every text that is not a choice of the report's."""
    if isinstance(value, dict):
        kept = {"better", "status", "lang", "sha256"}
        return {
            **{key: item if key in kept else hostile(item) for key, item in value.items()},
        }
    if isinstance(value, list):
        return [hostile(item) for item in value]
    return HOSTILE if isinstance(value, str) else value


def test_the_top_says_what_ran_and_which_gate_failed() -> None:
    top = text_of(parsed(report()).find("body/header"))
    assert "20261121-190000" in top
    assert "extractive (replay)" in top
    assert "2026-11-21 19:00:00, 2 min 11 s" in top
    assert "130 items, sha256 9f2c1a77be03" in top
    assert "answer abc123, outline 77f0e1" in top
    assert "✗ 1 gate failed. answers: every key fact: 0.70 is under its bound 0.81" in top


def test_a_run_whose_gates_passed_or_that_has_none_says_so() -> None:
    run = {**report(), "gates": {"passed": True, "failed": []}}
    assert "✓ All gates passed." in text_of(parsed(run).find("body/header"))
    without = {**run, "suites": [retrieval()]}
    assert "No gate was set." in text_of(parsed(without).find("body/header"))


def test_a_metric_has_its_interval_both_denominators_and_its_worst() -> None:
    row = row_of(parsed(report()), "needed sections cited")
    assert "0.88 [0.83, 0.93] 58 of 60 0.00" in row


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("every key fact", "−0.09 ▼ worse [−0.15, −0.02], was 0.79 (n 57)"),
        ("needed sections cited", "+0.08 ▲ better [+0.02, +0.14]"),
        ("citations that are needed", "−0.01 no clear change [−0.04, +0.03]"),
        ("wrongly refused", "lower is better 0.03 [0.00, 0.06] 58 of 60 1.00 −0.05 ▲ better"),
        ("recall at 8", "no baseline"),
    ],
)
def test_a_change_is_better_or_worse_only_where_its_interval_excludes_zero(
    name: str, says: str
) -> None:
    assert says in row_of(parsed(report()), name)


def test_a_gate_says_its_floor_and_whether_it_holds() -> None:
    page = parsed(report())
    assert "✗ failed at least 0.81 0.70 is under its bound 0.81" in row_of(page, "every key fact")
    assert "✓ passed at least 0.75" in row_of(page, "needed sections cited")


def test_a_gate_that_is_the_baseline_alone_says_so() -> None:
    run = report()
    run["suites"][1]["metrics"][0]["gate"] = {"floor": None, "passed": True, "why": ""}
    assert "✓ passed not clearly worse than the baseline" in row_of(parsed(run), "recall at 8")


def test_a_suite_has_a_plot_and_tables_by_type_language_and_paper() -> None:
    page = parsed(report())
    tables = [text_of(caption) for caption in page.iter("caption")]
    assert {"answers by type", "answers by language"} <= set(tables)
    plots = [text_of(figure) for figure in page.iter("figure")]
    assert len(plots) == 2
    assert "comparison: every paper there, every needed section cited" in plots[0]
    assert "2602.11144 0.00 (2)" in text_of(page)


def test_an_item_opens_to_all_that_is_known_of_it() -> None:
    item = next(parsed(report()).iter("details"))
    summary = text_of(item.find("summary"))
    assert "是规则没看懂" in summary
    assert "every key fact 0.00 · needed sections cited 0.50" in summary
    assert "1 of 2 sentences not supported" in summary
    assert "wrongly refused" not in summary
    whole = text_of(item)
    for part in ("**结论**", "✓ supported", "✗ unsupported terms cites [2]", "Execution Gap"):
        assert part in whole
    for part in (
        "Key facts 执行",
        "2602.11144/usage",
        "缺陷源于生成执行",
        "wrongly refused: 0.00",
    ):
        assert part in whole


def test_at_most_sixty_items_of_a_suite_are_shown_and_the_rest_counted() -> None:
    page = parsed(report())
    assert len(list(page.iter("details"))) == 60
    assert "The 60 worst; 10 more are left out here" in text_of(page)


def test_the_verifier_the_judge_and_the_cost_are_told() -> None:
    page = parsed(report())
    assert row_of(page, "untouched") == (
        "untouched (false alarms) 0.02 [0.00, 0.05] n 308 0.05 [0.01, 0.09] n 120"
    )
    assert row_of(page, "negation flipped").endswith("–")
    assert "kappa 0.72 [0.61, 0.83] over 120 labels" in text_of(page)
    assert row_of(page, "All 1,342 1,209,761") == "All 1,342 1,209,761 88,520 0.4333"


def test_what_was_not_measured_is_said_to_be() -> None:
    bare = report()
    bare["run"]["baseline"] = None
    bare["suites"] = [{**answers(), "metrics": [], "items": []}]
    bare |= {"verifier": None, "judge": {"kappa": None, "note": "no real judge"}, "usage": []}
    whole = text_of(parsed(bare))
    for part in ("Baseline none", "No metric.", "No item.", "Not measured. no real judge"):
        assert part in whole
    assert "catches Not measured." in whole
    assert "No model was called." in whole
    assert "No suite was run." in text_of(parsed({**bare, "suites": []}))


def test_a_price_that_is_not_known_is_not_added_up() -> None:
    run = report()
    run["usage"].append(usage("judge", 10, 100, 10, None))
    assert row_of(parsed(run), "All 1,352").endswith("not known")


def test_nothing_is_fetched_from_elsewhere() -> None:
    page = parsed(report())
    links = [
        (element.tag, name, value, element.get("rel"))
        for element in page.iter()
        for name, value in element.items()
        if name.rpartition("}")[2] in {"src", "href", "srcset", "data", "action"}
        and not value.startswith("#")
    ]
    outside = {link for link in links if link[0] != "link"}
    assert outside == {("a", "href", "https://arxiv.org/abs/2602.11144", "noopener noreferrer")}
    assert {link[2] for link in links if link[0] == "link"} == {"data:,"}
    assert not re.search(r"@import|url\((?!#)", to_html(report()))


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "http://arxiv.org/abs/1", "data:text/html,x"]
)
def test_only_a_secure_address_becomes_a_link(url: str) -> None:
    run = report()
    for item in run["suites"][0]["items"]:
        for citation in item["citations"]:
            citation["url"] = url
    assert url not in to_html(run)


def test_hostile_text_stays_text_wherever_it_stands() -> None:
    page = parsed(hostile(report()))
    plain = parsed(report())
    assert [e.tag for e in page.iter("script")] == ["script"]
    assert len(list(page.iter("details"))) == len(list(plain.iter("details")))
    shown = text_of(page)
    assert "<script>alert(1)</script></details></div>{{ 7 * 7 }}{% raw %}" in shown
    assert "49" not in text_of(page.find("body/header"))
    assert "\ufffd\ufffd" in shown
    to_html(hostile(report())).encode("utf-8")


def test_headings_go_down_one_level_at_a_time_and_each_table_is_named() -> None:
    page = parsed(report())
    levels = [int(e.tag[1]) for e in page.iter() if re.fullmatch(r"h[1-6]", e.tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert all(text_of(table.find("caption")) for table in page.iter("table"))
    assert all(heading.get("scope") for heading in page.iter("th"))


def test_each_text_says_its_language() -> None:
    page = parsed(report())
    langs = {
        text_of(e): e.get("lang") for e in page.iter() if e.get("lang") and e.tag in {"div", "span"}
    }
    assert langs["GRU-Mem 在 iPhone 上的耗电是多少？"] == "zh"
    assert langs["The reports do not say."] == "en"
    assert langs["缺陷源于生成执行而非理解缺失"] == "zh"


def test_the_same_report_gives_the_same_bytes_and_no_number_that_is_none() -> None:
    run = report()
    before = deepcopy(run)
    page = to_html(run)
    assert page == to_html(report())
    assert run == before
    assert not re.search(r"\b(nan|NaN|inf|None|Undefined)\b", page)


def test_a_metric_whose_name_matplotlib_has_no_font_for_is_drawn() -> None:
    run = report()
    run["suites"][1]["metrics"][0]["name"] = "中文指标 <a> $x$"
    assert "中文指标 <a> $x$" in text_of(
        next(figure for figure in list(parsed(run).iter("figure"))[1:])
    )


def test_a_difference_of_shares_is_drawn_beside_the_shares_below_zero_too() -> None:
    page = parsed(report())
    assert "0.05 [−0.03, 0.12]" in row_of(page, "drop, paraphrased")
    axes = re.findall(r"−?\d\.\d\d", text_of(next(page.iter("figure"))))
    assert axes[:6] == ["−0.25", "0.00", "0.25", "0.50", "0.75", "1.00"]


def test_a_long_name_is_cut_in_the_plot_alone_and_thousands_are_parted() -> None:
    run, name = report(), "time to answer, in ms, " * 4
    run["suites"][1]["metrics"][0] |= {"name": name, "mean": 1234.5, "low": 900, "high": 2100}
    page = parsed(run)
    assert "1,234 [900, 2,100]" in row_of(page, name.strip())
    drawn = text_of(list(page.iter("figure"))[1])
    assert "time to answer, in ms, time to answer, in ms, time to ans…" in drawn
    assert "1,234" in drawn


def test_an_incomplete_report_is_refused_in_a_line() -> None:
    run = report()
    del run["suites"][0]["metrics"][0]["mean"]
    with pytest.raises(ChatbotError, match=r"incomplete.*mean.*run the evals again"):
        to_html(run)


@pytest.mark.browser
@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [390, 1440])
def test_the_page_fits_its_width_and_finds_items(
    browser: Browser,
    tmp_path: Path,
    width: int,
    dark: bool,
) -> None:
    file = tmp_path / "report.html"
    file.write_text(to_html(report()), encoding="utf-8")
    page = browser.new_page(
        viewport={"width": width, "height": 900}, color_scheme="dark" if dark else "light"
    )
    faults: list[str] = []
    page.on("console", lambda m: faults.append(m.text) if m.type in {"error", "warning"} else None)
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("request", lambda r: None if r.url[:5] in {"file:", "data:"} else faults.append(r.url))
    page.goto(file.as_uri())
    for item in page.locator("details").all()[:3]:
        item.locator("summary").click()
        assert item.locator(".inside").is_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.locator(".filter input").first.fill("polish safety")
    assert page.locator("details:visible").count() == 20
    page.locator(".filter select").first.select_option("error")
    assert page.locator("details:visible").count() == 0
    page.close()
    assert faults == []
