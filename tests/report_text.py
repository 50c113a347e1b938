"""Made-up reports: what a test puts in, and the bytes a parser gets."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from chatbot.reports.parsing import SECTION_LABELS, SectionKey

RULE = "=" * 60
# How a heading may be written: {n} is the section's number, {label} its label; text follows on the
# same line where there is a {text}.
STYLES = (
    "### {n}. {label}\n{text}",
    "### {n}. **{label}**\n{text}",
    "{n}. **{label}**：{text}",
    "{n}. **{label}**\n{text}",
    "**{n}. {label}**\n{text}",
    "## {n}. {label}\n{text}",
    "### {label}\n{text}",
    "### {n}、{label}：\n{text}",
    "**{label}**：{text}",
    "#### {n}. {label} (Section) ####\n{text}",
    "{n}. **{label}：** {text}",
)


@dataclass(frozen=True)
class MadePaper:
    """A paper to render; a section that is not in `sections` is missing, `labels` head them."""

    id: str
    title: str
    sections: dict[SectionKey, str] = field(default_factory=dict)
    style: str = STYLES[0]
    preamble: str = ""
    labels: Mapping[SectionKey, str] = field(default_factory=lambda: SECTION_LABELS)


def paper(name: str, title: str, **sections: str | None) -> MadePaper:
    """A paper with a line of text in each section; a section given as None is missing."""
    texts: dict[str, str | None] = {
        key: f"{title}的{label}。" for key, label in SECTION_LABELS.items()
    }
    texts.update(sections)
    return MadePaper(
        name, title, {key: texts[key] or "" for key in SECTION_LABELS if texts[key] is not None}
    )


def _on_its_line(text: str) -> str:
    """A code fence starts a line, whatever the heading's style; elsewhere it is no fence."""
    return f"\n{text}" if text.startswith(("```", "~~~")) else text


def render_paper(made: MadePaper) -> str:
    """The paper's part of a report."""
    numbers = {key: n for n, key in enumerate(SECTION_LABELS, 1)}
    parts = [
        f"## 📄 {made.title}",
        f"- **链接**: https://huggingface.co/papers/{made.id}\n- **阅读来源**: HTML",
        *([made.preamble] if made.preamble else []),
        *(
            made.style.format(n=numbers[key], label=made.labels[key], text=_on_its_line(text))
            for key, text in made.sections.items()
        ),
    ]
    return "\n\n".join(parts)


def render_report(date: str, papers: Sequence[MadePaper], newline: str = "\n") -> bytes:
    """A whole report."""
    url = f"https://huggingface.co/papers/date/{date}"
    header = f"# Hugging Face Daily Papers Report\n**Date**: {date}\n**Source URL**: {url}"
    blocks = [header, *(render_paper(made) for made in papers)]
    text = "".join(f"{block}\n\n{RULE}\n\n" for block in blocks)
    return text.replace("\n", newline).encode()
