"""Reading eval items."""

from pathlib import Path

import pytest

from chatbot.errors import ChatbotError
from chatbot.index.reading import Index
from evals.items import DATASETS, load_items


def test_the_shipped_questions_need_sections_that_exist(seed_index: Index) -> None:
    items = load_items(DATASETS / "dev.jsonl")
    names = {section.name for section in seed_index.sections}
    assert len(items) == 130
    assert all(name in names for item in items for name in (*item.sections, *item.alt_sections))


def test_a_line_that_is_no_item_is_named(tmp_path: Path) -> None:
    file = tmp_path / "items.jsonl"
    file.write_text('{"id": "1", "type": "fact", "lang": "zh", "question": "?"}\n\n{"id": "2"}\n')
    with pytest.raises(ChatbotError, match=r"items.jsonl:3: type"):
        load_items(file)


def test_only_a_line_feed_ends_an_item_and_blank_lines_are_none(tmp_path: Path) -> None:
    file = tmp_path / "items.jsonl"
    question = "一\u2028二\u2029三\u0085四"
    row = f'{{"id": "1", "type": "fact", "lang": "zh", "question": "{question}"}}'
    file.write_bytes(f"{row}\r\n\n  \n".encode())
    (item,) = load_items(file)
    assert item.question == question


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ChatbotError, match="cannot be read"):
        load_items(tmp_path / "none.jsonl")
