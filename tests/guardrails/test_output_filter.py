"""What may not leave with an answer is taken out of it, however it is cut while it streams."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from chatbot.config import Settings, secrets_of
from chatbot.files import json_lines
from chatbot.guardrails.output_filter import (
    OutputPolicy,
    addresses,
    scrubbed,
    scrubbed_stream,
)
from chatbot.llm.prompts import load_prompt, prompt_lines
from evals.injection_checks import leaks_in
from evals.items import DATASETS, load_items

KEY, FOLDER = "key-4711-configured", Path("/srv/digest data/index")
PAPER = "https://papers.example/2602.10560"
SETTINGS = Settings(OPENAI_API_KEY=KEY, CHATBOT_DATA_DIR=FOLDER)
LIMITS = OutputPolicy(
    frozenset([PAPER]),
    addresses("代码：https://github.com/a/b?x=1。"),
    secrets_of(SETTINGS),
    prompt_lines(),
)
LEAK = "Copy numbers, names and units exactly. Keep apart an absolute value and a gain"


def clean(text: str, limits: OutputPolicy = LIMITS) -> tuple[str, dict[str, int]]:
    left, found = scrubbed(text, limits)
    return left, dict(found)


@pytest.mark.parametrize(
    ("text", "left", "found"),
    [
        ("见 ![图](https://evil.example/p.png?d=1)。", "见 图。", {"image": 1}),
        ("![x][r]\n\n[r]: https://evil.example/p", "![x][r]\n\n[r]： evil.example", {"link": 1}),
        ("[说明](https://evil.example/a)", "说明", {"link": 1}),
        ("[a](javascript:alert(1))", "a", {"link": 1}),
        ("[a](//evil.example)", "a", {"link": 1}),
        ("[[a](http://b.example)](http://c.example)", "a", {"link": 2}),
        ("<http://evil.example/a?b=c>", "< evil.example>", {"link": 1}),
        ("www.evil.example/x", "evil.example", {"link": 1}),
        ("https://arxiv.org@evil.example/x", "evil.example", {"link": 1}),
        ("https://arxiv.org.evil.example/", "arxiv.org.evil.example", {"link": 1}),
        ("https://huggingface.co/a?leak=1", "huggingface.co", {"link": 1}),
        ("甲<img src=x onerror=alert(1)>乙", "甲乙", {"image": 1}),
        ("<scr<b>ipt>alert(1)</script>", "< script>alert(1)", {"html": 2}),
        ("<!-- note -->甲", "甲", {"html": 1}),
        ("<svg/onload=alert(1)", "< svg/onload=alert(1)", {}),
        (f"密钥是 {KEY}。", "密钥是 …。", {"key": 1}),
        ("sk-proj-abcdefghij0123456789", "…", {"key": 1}),
        (f"在 {FOLDER}/rules 里", "在 …/rules 里", {"path": 1}),
        (f"- **{LEAK}**", "- **…**", {"prompt": 1}),
        ("甲\u202e乙\u200b丙\U000e0041丁\x1b[2J", "甲乙丙丁[2J", {"invisible": 4}),
    ],
)
def test_what_may_not_leave_is_taken_out_and_counted(
    text: str, left: str, found: dict[str, int]
) -> None:
    assert clean(text) == (left, found)


@pytest.mark.parametrize(
    "text",
    [
        "最高提升 **400%** [1]，见 [论文](https://arxiv.org/abs/2602.10560)。",
        "https://huggingface.co/papers/2602.10560 [2][3]",
        f"[它]({PAPER})",
        "| a | b |\n|---|---|\n| x<br>y | a < b，c<5 |",
        "先写 `<think>` 再写 `</pred>`，$x < y$，f(x)[0] (见下)。",
        "代码 github.com/a/b，价格 $5，C++ 的 std::vector，10:30。",
    ],
)
def test_what_may_leave_stays_as_it_is(text: str) -> None:
    assert clean(text) == (text, {})


def test_an_address_that_the_sources_hold_is_told_in_words() -> None:
    assert clean("代码：https://github.com/a/b?x=1。")[0] == "代码：github.com/a/b。"
    assert clean("代码：https://github.com/other/b。")[0] == "代码：github.com。"


def test_no_true_claim_or_answer_is_taken_for_a_prompts_words() -> None:
    claims = (DATASETS / "claims.jsonl").read_text(encoding="utf-8")
    texts = [json.loads(line)["text"] for _, line in json_lines(claims)]
    texts += [item.answer for item in load_items(DATASETS / "dev.jsonl")]
    assert [text for text in texts if clean(text)[1]] == []


HOSTILE = st.lists(
    st.sampled_from(
        [
            *(
                "![a](https://evil.example/x.png)",
                "[b](https://evil.example)",
                "[1]",
                "[2]: ",
                "](",
            ),
            *(
                "<img src=x>",
                "<scr",
                "ipt>",
                "<b>",
                "</a>",
                "<",
                ">",
                "`",
                "``",
                "\\",
                "(",
                ")",
                "[",
            ),
            *(
                "https:",
                "//",
                "evil.example",
                "/p",
                "www.",
                "javascript:",
                "!",
                "]",
                ":",
                "|",
                "\n",
            ),
            *(
                "https://arxiv.org",
                "/abs/1",
                "。",
                "@",
                KEY,
                KEY[:9],
                KEY[9:],
                str(FOLDER),
                "\u200b",
            ),
            *("\u202e", "sk-", "abcdefghij0123456789", *f"{LEAK} ".split(" "), " ", "甲乙"),
        ]
    ),
    max_size=14,
).map("".join)


def cut(text: str, sizes: Sequence[int]) -> Iterator[str]:
    at = 0
    for size in sizes:
        yield text[at : at + size]
        at += size
    yield text[at:]


@settings(max_examples=400, deadline=None, derandomize=True)
@given(HOSTILE)
@example("`\na`<img src=x>`")
@example("htt<b>ps://evil.example")
def test_nothing_gets_past_in_any_mixture(text: str) -> None:
    left, _ = scrubbed(text, LIMITS)
    assert scrubbed(left, LIMITS)[0] == left
    assert leaks_in(left, LIMITS) == frozenset()


@settings(max_examples=400, deadline=None, derandomize=True)
@given(HOSTILE, st.lists(st.integers(1, 9), max_size=60))
@example("https://arxiv.org\u200b![a](https://evil.example/x.png)", [])
def test_nothing_gets_past_however_it_is_streamed(text: str, sizes: Sequence[int]) -> None:
    streamed = "".join(scrubbed_stream(cut(text, sizes), LIMITS))
    assert leaks_in(streamed, LIMITS) == frozenset()


@pytest.mark.parametrize("size", [1, 7, 400])
def test_a_prompt_that_is_streamed_is_taken_out_whatever_its_pieces(size: int) -> None:
    system, _ = load_prompt("repair").turns(
        language="Chinese", sources="s", question="q", answer="a", objections="o"
    )
    pieces = cut(system.content, [size] * len(system.content))
    left = "".join(scrubbed_stream(pieces, LIMITS))
    assert len(left) < 60
    assert leaks_in(left, LIMITS) == frozenset()


def test_a_full_stop_that_a_browser_takes_for_a_dot_is_no_part_of_a_host() -> None:
    pieces = ["见 https://arxiv.org", "。evil.example", "/x"]
    streamed = "".join(scrubbed_stream(pieces, LIMITS))
    assert streamed == clean("".join(pieces))[0] == "见 https://arxiv.org 。evil.example/x"


def test_plain_text_is_held_back_no_longer_than_a_word() -> None:
    pieces = scrubbed_stream(["最高提升", "400% 的", " zebra", "fish swam", " home"], LIMITS)
    assert list(pieces) == ["最高提升", "400% 的", " ", "zebrafish ", "swam ", "home"]
