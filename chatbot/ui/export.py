"""Conversations and answers as plain Markdown, references included, for use elsewhere."""

from collections.abc import Sequence

from chatbot.answer.record import AnswerRecord
from chatbot.database.conversations import Turn
from chatbot.inert import addresses
from chatbot.retrieval.models import Language
from chatbot.scrubbing import Limits, scrubbed
from chatbot.ui.rendering import scope_text, section_name
from chatbot.ui.wording.answers import TEXTS


def conversation_markdown(title: str, turns: Sequence[Turn], language: Language) -> str:
    """A conversation: its questions as headings, each answer followed by its own references.

    Nothing in it is loaded or led to elsewhere by who opens it, also not what a source says.
    """
    parts = [f"# {title}"]
    for turn in turns:
        parts.append(f"## {' '.join(turn.question.split())}")
        if turn.answer:
            scope = scope_text(turn.answer, turn.filters)
            parts += [f"*{scope}*" if scope else "", answer_markdown(turn.answer)]
        else:
            parts += [turn.partial, f"*{TEXTS[language].stopped}*"]
    own = [c.url for turn in turns if turn.answer for c in turn.answer.citations]
    return _for_elsewhere(parts, own) + "\n"


def answer_markdown(record: AnswerRecord) -> str:
    """An answer with its notice, its doubts and its numbered references with their quotes."""
    texts = TEXTS[record.language]
    doubts = [f"- {sentence.text}" for sentence in record.failed]
    parts = [
        f"> {record.notice}" if record.notice else "",
        record.answer,
        "\n".join([f"**⚠ {texts.unverified}**", "", *doubts]) if doubts else "",
        _references(record) if record.citations else "",
    ]
    return _for_elsewhere(parts, [citation.url for citation in record.citations])


def _for_elsewhere(parts: Sequence[str], own: Sequence[str]) -> str:
    text = "\n\n".join(part for part in parts if part)
    return scrubbed(text, Limits(own=frozenset(own), known=addresses(text)))


def _references(record: AnswerRecord) -> str:
    lines = [f"**{TEXTS[record.language].sources}**", ""]
    for citation in record.citations:
        section = section_name(citation.key, record.language)
        lines.append(
            f"[{citation.n}] {citation.title} · {citation.date} · {section} · "
            f"https://arxiv.org/abs/{citation.paper_id} · {citation.url}  "
        )
        lines += [f"    “{' '.join(quoted.split())}”  " for quoted in citation.quotes]
    return "\n".join(lines)
