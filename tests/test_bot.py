"""The Python door: `Chatbot`."""

import subprocess
import sys

import chatbot
from chatbot.answering.models import Answer
from chatbot.bot import Chatbot, ensure_index
from chatbot.config import Settings
from chatbot.understanding.models import Message


def test_the_five_lines_of_the_readme_work(seed_settings: Settings) -> None:
    answer = chatbot.Chatbot.open(seed_settings).answer("GRU-Mem 的推理速度提升了多少？")
    assert "400%" in answer.markdown
    found = [(c.n, c.section.name, c.quotes[0].text) for c in answer.citations]
    assert any(name == "2602.10560/results" for _, name, _ in found)


def test_the_package_offers_its_parts_and_nothing_else() -> None:
    assert {getattr(chatbot, name) is not None for name in chatbot.__all__} == {True}
    assert not hasattr(chatbot, "nothing")


def test_importing_the_package_imports_nothing_behind_it() -> None:
    code = "import chatbot, sys; sys.exit('llama_index.core' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_sound_index_is_left_alone(seed_settings: Settings) -> None:
    assert ensure_index(seed_settings) is None


def test_papers_come_newest_report_first(seed_bot: Chatbot) -> None:
    dates = [entry.date for entry in seed_bot.papers()]
    assert dates == sorted(dates, reverse=True)
    assert len(dates) == 138


def test_an_unreadable_manifest_does_not_stop_an_open_bot(settings: Settings) -> None:
    bot = Chatbot.open(settings)
    (settings.data_dir / "manifest.json").write_text("{", encoding="utf-8")
    assert "400%" in bot.answer("GRU-Mem 的推理速度提升了多少？").markdown


def test_events_end_in_the_answer_and_history_is_heeded(seed_bot: Chatbot) -> None:
    history = [Message("user", "GRU-Mem 是什么"), Message("assistant", "一种记忆机制。")]
    *_, last = seed_bot.ask("它的推理速度提升了多少？", history)
    assert isinstance(last, Answer)
    assert "400%" in last.markdown
