"""One paper with its five sections, as the Markdown the page shows."""

import html
from urllib.parse import quote

from chatbot.index.catalogue import READ_ABSTRACT_ONLY, PaperRecord
from chatbot.index.fields import field_name
from chatbot.retrieval.models import Language
from chatbot.ui.markdown import plain_html, safe_markdown, section_markdown
from chatbot.ui.rendering import paper_links, section_name
from chatbot.ui.shelf import Shelf
from chatbot.ui.wording.browse import TEXTS, BrowseWording

_LONGEST_ID = 40


def render_paper(shelf: Shelf, paper_id: str, language: Language) -> str:
    """A paper's title, where it is from, its links and its sections.

    A line that says so where the index does not hold it.
    """
    texts = TEXTS[language]
    paper = shelf.index.catalogue.by_id.get(paper_id)
    back = f'<a class="back" href="#close/paper">← {texts.back}</a>'
    if paper is None:
        shown = plain_html(" ".join(paper_id.split())[:_LONGEST_ID] or "–")
        unknown = html.escape(texts.unknown).format(paper=f"<code>{shown}</code>")
        return f'{back}\n\n<p class="unknown">{unknown}</p>'
    parts = [
        back,
        f"## {safe_markdown(paper.title)}",
        f'<p class="where">{_where(shelf, paper, language)}</p>',
        paper_links(paper.id, paper.url, language),
        *(
            f"### {section_name(section.key, language)}\n\n{section_markdown(section.text)}"
            for section in shelf.index.sections_of(paper.id)
        ),
        _more(paper, texts),
    ]
    return "\n\n".join(parts)


def _where(shelf: Shelf, paper: PaperRecord, language: Language) -> str:
    texts = TEXTS[language]
    separator = "、" if language == "zh" else ", "
    read = texts.read_from.format(source=paper.read_from) if paper.read_from else ""
    if paper.read_from == READ_ABSTRACT_ONLY:
        read = texts.abstract_only
    parts = [
        f"arXiv {paper.id}",
        field_name(shelf.fields[paper.place], language),
        texts.dates.format(dates=separator.join(day.isoformat() for day in paper.dates)),
        texts.report.format(report=paper.report),
        read,
    ]
    return plain_html(" · ".join(part for part in parts if part))


def _more(paper: PaperRecord, texts: BrowseWording) -> str:
    address = quote(paper.id)
    return (
        f'<p class="more"><a href="#compare/{address}">{texts.compare}</a> '
        f'<a href="?paper={address}">{texts.address}</a></p>'
    )
