"""The engine: events in order, answers with and without a model, and what happens when it fails."""

import re
from collections.abc import Generator, Iterator
from dataclasses import replace

import pytest

from chatbot.answering.engine import ReportQueryEngine
from chatbot.answering.models import Answer, Event, Repair, Restart, Step, TextDelta
from chatbot.config import Settings
from chatbot.index.reading import Index
from chatbot.llm.client import ChatModel, open_chat_model
from chatbot.retrieval.retriever import ReportQuery
from chatbot.understanding.interpretation import understand
from chatbot.understanding.models import Filters, Message, Query
from tests.fakes.openai_server import FakeOpenAI, Reply

QUESTION = "GRU-Mem 的推理速度提升了多少？"


def model_at(server: FakeOpenAI, timeout: float = 10) -> ChatModel:
    settings = Settings(
        OPENAI_API_KEY="sk-test",
        OPENAI_BASE_URL=server.url,
        CHATBOT_LLM="fake",
        CHATBOT_LLM_TIMEOUT=timeout,
    )
    model = open_chat_model(settings)
    assert model is not None
    return model


def answer_events(
    index: Index, query: Query, model: ChatModel | None
) -> Generator[Event, None, None]:
    return ReportQueryEngine(index, model).stream(ReportQuery.of(query))


def answer_of(events: Iterator[Event]) -> Answer:
    *_, last = events
    assert isinstance(last, Answer)
    return last


def ask(
    index: Index, *script: Reply | str, question: str = QUESTION, timeout: float = 10
) -> Answer:
    with FakeOpenAI(*script) as server:
        return answer_of(
            answer_events(index, understand(question, index.catalogue), model_at(server, timeout))
        )


def test_without_a_model_the_answer_is_the_reports_own_sentences_with_citations(
    seed_index: Index,
) -> None:
    answer = answer_of(answer_events(seed_index, understand(QUESTION, seed_index.catalogue), None))
    assert "400%" in answer.markdown
    assert "2602.10560/results" in {c.section.name for c in answer.citations}
    assert (answer.mode, answer.usage.llm_calls) == ("extractive", 0)


def test_every_quote_is_verbatim_in_its_section(seed_index: Index) -> None:
    for question in (
        QUESTION,
        "What does AgenticPay measure?",
        "哪些论文做 3D 生成",
        "GENIUS 有多少样本",
    ):
        for citation in answer_of(
            answer_events(seed_index, understand(question, seed_index.catalogue), None)
        ).citations:
            for quote in citation.quotes:
                assert citation.section.text[quote.start : quote.end] == quote.text


def test_every_sentence_of_an_extract_is_supported(seed_index: Index) -> None:
    answer = answer_of(answer_events(seed_index, understand(QUESTION, seed_index.catalogue), None))
    assert answer.sentences
    assert all(sentence.supported for sentence in answer.sentences)


def test_the_stages_are_told_in_order_and_timed(seed_index: Index) -> None:
    events = list(ReportQueryEngine(seed_index).stream(QUESTION))
    ended = [e.name for e in events if isinstance(e, Step) and e.milliseconds is not None]
    assert ended == ["understand", "retrieve", "synthesize", "verify"]
    assert isinstance(events[-1], Answer)
    assert set(events[-1].timings_ms) == {*ended, "total"}


def test_the_streamed_text_is_the_final_text(seed_index: Index) -> None:
    with FakeOpenAI("最高提升 400% [1]。另外 [9] 更快 [1, 2]。") as server:
        events = list(
            answer_events(seed_index, understand(QUESTION, seed_index.catalogue), model_at(server))
        )
    streamed = "".join(e.text for e in events if isinstance(e, TextDelta))
    assert isinstance(events[-1], Answer)
    assert events[-1].markdown == streamed.strip()


@pytest.mark.parametrize(
    ("written", "shown", "claimed"),
    [
        (
            "```py\nx[1] = 2\n```\n最高 400% [1]。",
            "```py\nx[1] = 2\n```\n最高 400%[1]。",
            "最高 400%。",
        ),
        ("```markdown\n- 最高 400% [1]。\n```", "- 最高 400%[1]。", "最高 400%。"),
        ("式 $W[1, 9]$ 得 400%[1]。", "式 $W[1, 9]$ 得 400%[1]。", "式 $W[1, 9]$ 得 400%。"),
        ("- [1] 最高 400%。", "- [1] 最高 400%。", "最高 400%。"),
    ],
    ids=["code before a sentence", "all in a fence", "formula", "item that begins with a marker"],
)
def test_code_formulas_and_lists_are_what_they_are(
    seed_index: Index, written: str, shown: str, claimed: str
) -> None:
    with FakeOpenAI(written) as server:
        query = understand(QUESTION, seed_index.catalogue)
        *events, answer = answer_events(seed_index, query, model_at(server))
    assert isinstance(answer, Answer)
    streamed = "".join(event.text for event in events if isinstance(event, TextDelta))
    assert answer.markdown == shown == streamed.strip()
    assert [(claim.text, claim.citations) for claim in answer.sentences] == [(claimed, (1,))]


def test_a_models_answer_is_cited_verified_and_counted(seed_index: Index) -> None:
    answer = ask(seed_index, "推理速度最高提升 400% [1]。")
    assert answer.mode == "fake"
    assert [c.n for c in answer.citations] == [1]
    assert answer.citations[0].section.paper_id == "2602.10560"
    assert answer.usage.llm_calls == 1
    assert answer.usage.completion_tokens > 0
    assert answer.prompt_version


def test_a_marker_that_points_nowhere_is_removed_and_recorded(seed_index: Index) -> None:
    answer = ask(seed_index, "提升 400% [1]。来自别处 [99]。")
    assert answer.removed_markers == (99,)
    assert "[99]" not in answer.markdown
    assert [s.supported for s in answer.sentences] == [True, False]


def test_a_number_the_source_does_not_hold_is_not_supported(seed_index: Index) -> None:
    answer = ask(seed_index, "推理速度最高提升 4321% [1]。")
    assert answer.sentences[0].reason == "number_not_in_source: 4321%"


def test_the_model_is_asked_once_with_the_sections_numbered(seed_index: Index) -> None:
    with FakeOpenAI("好 [1]。") as server:
        answer_of(
            answer_events(seed_index, understand(QUESTION, seed_index.catalogue), model_at(server))
        )
    (request,) = server.requests
    sent = request.body["messages"]
    assert [turn["role"] for turn in sent] == ["system", "user"]
    assert '<source n="1"' in sent[-1]["content"]
    assert re.search(rf'<question mark="\w+">\n{QUESTION}\n</question ', sent[-1]["content"])


def test_earlier_turns_reach_the_search_and_the_model(seed_index: Index) -> None:
    history = (Message("user", "GRU-Mem 是什么？"), Message("assistant", "一种门控循环记忆。"))
    with FakeOpenAI("最高 400% [1]。") as server:
        query = understand("它的推理速度提升了多少？", seed_index.catalogue, history)
        answer = answer_of(answer_events(seed_index, query, model_at(server)))
    assert answer.citations[0].section.paper_id == "2602.10560"
    system, user = server.requests[0].body["messages"]
    assert (system["role"], user["role"]) == ("system", "user")
    assert re.findall(r'<turn by="(\w+)" [^>]*>\n(.*)\n</turn ', user["content"]) == [
        ("reader", "GRU-Mem 是什么？"),
        ("chatbot", "一种门控循环记忆。"),
    ]


@pytest.mark.parametrize(
    "reply",
    [
        Reply.error(401, "Incorrect API key provided"),
        Reply.error(429, "slow down", {"Retry-After": "7"}),
        Reply.error(400, "oops"),
        Reply.stall(5),
        Reply.text(""),
        Reply.text("NOT_REPORTED"),
        Reply.text("**NOT_IN_CORPUS**。"),
        Reply.text("推理速度提升了 400%，许可证是 MIT。"),
        Reply.cut_after("推理速度"),
    ],
    ids=["key", "rate limit", "request", "timeout", "empty", "bare", "dressed", "no source", "cut"],
)
def test_when_the_model_fails_the_answer_is_extracted_and_says_so(
    seed_index: Index, reply: Reply
) -> None:
    answer = ask(seed_index, reply, timeout=1)
    assert answer.mode == "extractive"
    assert "400%" in answer.markdown
    assert answer.notice
    assert "大模型" in answer.notice
    assert "sk-test" not in answer.notice


def test_a_model_that_abstains_is_believed_and_its_word_not_shown(seed_index: Index) -> None:
    answer = ask(seed_index, "NOT_REPORTED\n报告没有给出显存。最高提升 400% [1]。")
    assert answer.abstain_reason == "not_reported"
    assert answer.markdown.startswith("报告没有给出显存")
    assert all(s.supported for s in answer.sentences)


def repair(index: Index, *script: Reply | str) -> tuple[Answer, list[Event]]:
    switched_on = replace(index, settings=index.settings.model_copy(update={"repair": "on"}))
    with FakeOpenAI(*script) as server:
        query = understand(QUESTION, index.catalogue)
        events = list(answer_events(switched_on, query, model_at(server)))
    assert isinstance(events[-1], Answer)
    return events[-1], events


def test_a_failing_sentence_is_sent_back_once_where_repair_is_on(seed_index: Index) -> None:
    answer, events = repair(seed_index, "最高提升 4321%[1]。", "最高提升 400%[1]。")
    assert answer.markdown == "最高提升 400%[1]。"
    assert answer.repair == Repair(kept=True, repaired=1, broken=0)
    assert answer.usage.llm_calls == 2
    assert any(isinstance(event, Restart) for event in events)


def test_a_repair_that_is_no_better_is_not_kept(seed_index: Index) -> None:
    answer, _ = repair(seed_index, "最高提升 4321%[1]。", "最高提升 9876%[1]。")
    assert answer.markdown == "最高提升 4321%[1]。"
    assert answer.repair == Repair(kept=False, repaired=1, broken=1)


def test_a_repair_that_fails_costs_nothing(seed_index: Index) -> None:
    answer, _ = repair(seed_index, "最高提升 4321%[1]。", Reply.error(400, "no"))
    assert answer.markdown == "最高提升 4321%[1]。"
    assert (answer.repair, answer.notice) == (None, None)


def test_an_answer_that_passes_is_not_sent_back(seed_index: Index) -> None:
    answer, _ = repair(seed_index, "最高提升 400%[1]。")
    assert (answer.usage.llm_calls, answer.repair) == (1, None)


def test_a_model_that_is_given_too_much_is_asked_once_more_with_the_better_half(
    seed_index: Index,
) -> None:
    too_long = Reply.error(400, "x", code="context_length_exceeded")
    with FakeOpenAI(too_long, "最高提升 400% [1]。") as server:
        query = understand(QUESTION, seed_index.catalogue)
        answer = answer_of(answer_events(seed_index, query, model_at(server)))
    first, second = (r.body["messages"][-1]["content"].count("<source n=") for r in server.requests)
    assert second == (first + 1) // 2
    assert (answer.mode, answer.usage.llm_calls) == ("fake", 2)


def test_a_server_that_is_not_there_ends_in_an_extract_too(seed_index: Index) -> None:
    with FakeOpenAI() as server:
        model = model_at(server)
    assert (
        answer_of(answer_events(seed_index, understand(QUESTION, seed_index.catalogue), model)).mode
        == "extractive"
    )


def test_what_was_streamed_before_the_failure_is_declared_void(seed_index: Index) -> None:
    with FakeOpenAI(Reply.cut_after("推理速度最高提升 400% [1]。")) as server:
        events = list(
            answer_events(seed_index, understand(QUESTION, seed_index.catalogue), model_at(server))
        )
    restart = next(i for i, e in enumerate(events) if isinstance(e, Restart))
    after = "".join(e.text for e in events[restart:] if isinstance(e, TextDelta))
    assert isinstance(events[-1], Answer)
    assert events[-1].markdown == after


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("LLaDA9 的推理速度提升了多少？", "没有出现“LLaDA9”"),
        ("How precise is LLaDA9 on user prompts?", "“LLaDA9” does not occur"),
    ],
)
def test_a_name_the_reports_do_not_hold_is_told(
    seed_index: Index, question: str, words: str
) -> None:
    answer = answer_of(answer_events(seed_index, understand(question, seed_index.catalogue), None))
    assert answer.citations
    assert words in (answer.notice or "")


@pytest.mark.parametrize(("question", "language"), [("你好", "zh"), ("Hello!", "en")])
def test_a_greeting_is_answered_briefly_without_citation_or_call(
    seed_index: Index, question: str, language: str
) -> None:
    answer = ask(seed_index, question=question)
    assert (answer.intent, answer.language, answer.citations) == ("chat", language, ())
    assert answer.usage.llm_calls == 0


@pytest.mark.parametrize(
    ("question", "words"), [("有什么？", "没有找到"), ("What?", "hold nothing")]
)
def test_nothing_found_is_said_in_the_questions_language(
    seed_index: Index, question: str, words: str
) -> None:
    query = understand(question, seed_index.catalogue, filters=Filters(papers=("9999.99999",)))
    answer = answer_of(answer_events(seed_index, query, None))
    assert words in answer.markdown
    assert (answer.abstained, answer.abstain_reason) == (True, "not_in_corpus")


def test_closing_the_events_early_ends_the_models_request(seed_index: Index) -> None:
    with FakeOpenAI(Reply.trickle("很长的回答" * 200, delay=0.05)) as server:
        events = answer_events(
            seed_index, understand(QUESTION, seed_index.catalogue), model_at(server, 60)
        )
        next(event for event in events if isinstance(event, TextDelta))
        events.close()
    assert not server.unexpected
