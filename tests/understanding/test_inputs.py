"""What comes in from outside, checked."""

import datetime as dt
import json
import threading
from pathlib import Path
from typing import Any

import pytest

from chatbot.errors import ChatbotError
from chatbot.understanding.inputs import (
    Request,
    make_filters,
    parse_date_range,
    parse_request,
    read_history,
    run_batch,
)
from chatbot.understanding.models import DateRange, Filters, Message

DAY = dt.date(2026, 2, 12)


def test_a_day_is_a_range_of_one_day() -> None:
    assert parse_date_range("2026-02-12") == DateRange(DAY, DAY)


def test_two_days_with_dots_are_a_range() -> None:
    assert parse_date_range("2026-02-10..2026-02-12") == DateRange(dt.date(2026, 2, 10), DAY)


@pytest.mark.parametrize(
    "text", ["gestern", "2026-02-30", "2026-02-12..", "2026-02-12..2026-02-10"]
)
def test_what_is_no_date_is_refused(text: str) -> None:
    with pytest.raises(ChatbotError):
        parse_date_range(text)


def test_an_unknown_section_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ChatbotError, match="innovations"):
        make_filters((), (), ("abstract",))


def test_a_request_is_read_with_all_it_may_hold() -> None:
    line = {
        "id": "a",
        "question": "它呢？",
        "history": [{"role": "user", "content": "GRU-Mem"}],
        "filters": {"dates": ["2026-02-12"], "papers": ["2602.10560"], "sections": ["results"]},
        "unknown": 1,
    }
    filters = Filters((DateRange(DAY, DAY),), ("2602.10560",), ("results",))
    expected = Request(
        id="a", question="它呢？", history=(Message("user", "GRU-Mem"),), filters=filters
    )
    assert parse_request(json.dumps(line)) == expected


def test_only_the_question_is_required() -> None:
    assert parse_request('{"question": "?"}') == Request(question="?")


@pytest.mark.parametrize("name", [7, "seven"])
def test_an_id_comes_back_as_it_was_given(name: object) -> None:
    assert parse_request(json.dumps({"id": name, "question": "?"})).id == name


@pytest.mark.parametrize(
    "line",
    [
        "no json",
        "[]",
        "{}",
        '{"question": ""}',
        '{"question": 3}',
        '{"question": "?", "history": [{"role": "robot", "content": "x"}]}',
        '{"question": "?", "history": 5}',
        '{"question": "?", "filters": "x"}',
        '{"question": "?", "filters": {"dates": ["x"]}}',
        '{"question": "?", "filters": {"dates": 5}}',
    ],
)
def test_a_request_that_cannot_be_used_is_our_error(line: str) -> None:
    with pytest.raises(ChatbotError):
        parse_request(line)


def batch(
    tmp_path: Path, lines: list[str], work: Any, concurrency: int = 4
) -> list[dict[str, Any]]:
    file = tmp_path / "questions.jsonl"
    file.write_text("\n".join(lines), encoding="utf-8")
    return list(run_batch(file, concurrency, work))


def test_results_come_in_the_order_of_the_lines_whatever_fails(tmp_path: Path) -> None:
    def work(request: Request) -> dict[str, Any]:
        if request.question == "bad":
            raise ChatbotError("no")
        if request.question == "worse":
            raise RuntimeError("bug")
        return {"id": request.id}

    lines = [json.dumps({"id": i, "question": q}) for i, q in enumerate(["a", "bad", "worse", "b"])]
    results = batch(tmp_path, [*lines, "", "{"], work)
    assert [result.get("id") for result in results] == [0, 1, 2, 3, None]
    assert ["error" in result for result in results] == [False, True, True, False, True]


def test_questions_are_worked_on_side_by_side(tmp_path: Path) -> None:
    meeting = threading.Barrier(3, timeout=10)

    def work(_: Request) -> dict[str, Any]:
        meeting.wait()
        return {}

    assert len(batch(tmp_path, ['{"question": "?"}'] * 3, work, concurrency=3)) == 3


def test_a_file_that_cannot_be_read_is_our_error(tmp_path: Path) -> None:
    with pytest.raises(ChatbotError, match="cannot be read"):
        list(run_batch(tmp_path / "none.jsonl", 1, lambda _: {}))


def test_a_history_file_is_a_json_array_of_turns(tmp_path: Path) -> None:
    file = tmp_path / "history.json"
    file.write_text('[{"role": "user", "content": "你好"}]', encoding="utf-8")
    assert read_history(file) == (Message("user", "你好"),)


@pytest.mark.parametrize("text", ["{}", "no json", '[{"role": "user"}]'])
def test_a_history_file_of_another_shape_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "history.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ChatbotError, match="JSON array"):
        read_history(file)


def test_a_history_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ChatbotError, match="nothing"):
        read_history(tmp_path / "nothing.json")
