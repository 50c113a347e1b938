"""Answers and their sources as the HTML the page shows, and as Markdown for elsewhere."""

from collections.abc import Sequence
from urllib.parse import quote

from chatbot.answering.models import EXTRACTIVE
from chatbot.answering.quoting import head_of
from chatbot.answering.record import AnswerRecord, CitationRecord
from chatbot.guardrails.output_filter import OutputPolicy, addresses, scrubbed
from chatbot.index.reading import Index
from chatbot.reports.parsing import SECTION_KEYS, SectionKey
from chatbot.store.conversations import Turn
from chatbot.understanding.models import Filters, Language
from chatbot.verification.claims import claims_of, markdown_of
from chatbot.web.locales import ANSWERS, Wording
from chatbot.web.markdown import Piece, line_html, plain_html, section_html, text_html

_STAGES = ("understand", "retrieve", "outline", "synthesize", "verify")


def render_answer(record: AnswerRecord, place: str, given: Filters | None = None) -> str:
    """A finished answer: notice, text, doubts, the list of its sources, how it was made.

    `given` are the reader's own filters.
    """
    texts = ANSWERS[record.language]
    body = linked_text(record, place)
    if record.abstained:
        body = f'<div class="abstained"><b>{texts.abstained}</b>\n\n{body}\n\n</div>'
    scope = scope_text(record, given or Filters())
    parts = [
        f'<div class="scope">{plain_html(scope)}</div>' if scope else "",
        f'<div class="notice">{plain_html(record.notice)}</div>' if record.notice else "",
        body,
        _doubts(record),
        source_list(record, place),
        f'<div class="by">{_made_by(record, place, texts)}</div>',
    ]
    return "\n\n".join(part for part in parts if part)


def steps_line(record: AnswerRecord) -> tuple[str, str]:
    """The stages an answer went through on one line, and how long each took, as a list."""
    texts = ANSWERS[record.language]
    names: dict[str, str] = {
        stage: getattr(texts, stage) for stage in _STAGES if stage in record.timings_ms
    }
    if "retrieve" in names:
        names["retrieve"] = texts.found.format(n=record.retrieved)
    if record.failed:
        names["verify"] = texts.checked.format(n=len(record.failed))
    details = [f"- {name}: {record.timings_ms[stage]:.0f} ms" for stage, name in names.items()]
    return " → ".join(names.values()), "\n".join(details)


def linked_text(record: AnswerRecord, place: str) -> str:
    """The answer's text, its markers as links and its doubtful claims marked with the reason."""
    pieces, start = list[Piece](), 0
    for block in record.blocks:
        for claim in claims_of([block]):
            if not claim.supported:
                why = plain_html(_reason(claim.reason or "", record.language))
                tag = f'<span class="doubtful" tabindex="0" role="note" title="⚠ {why}">'
                pieces.append(Piece(start + claim.place[0], start + claim.place[1], tag))
        start += len(block.text)
    numbers = {citation.n for citation in record.citations}

    def marker(n: int) -> str:
        address = f"#source/{quote(place)}/{n}"
        return f'<a class="marker" href="{address}">[{n}]</a>' if n in numbers else ""

    return text_html(markdown_of(record.blocks), pieces, marker)


def source_list(record: AnswerRecord, place: str) -> str:
    """The sources of an answer, a line each, as links that open them."""
    if not record.citations:
        return ""
    texts = ANSWERS[record.language]
    lines = "".join(
        f'<li><a class="source-link" href="#source/{place}/{citation.n}">[{citation.n}] '
        f"{plain_html(citation.title)}</a> "
        f"<small>{citation.date} · {section_name(citation.key, record.language)}</small></li>"
        for citation in record.citations
    )
    return f'<div class="sources"><b>{texts.sources}</b><ul>{lines}</ul></div>'


def render_source(record: AnswerRecord, n: int, index: Index, language: Language) -> str:
    """Source `n` of an answer: its whole section with the quotes highlighted, and where it is from.

    Where the report has changed since, the quotes alone.
    """
    texts = ANSWERS[language]
    citation = next((c for c in record.citations if c.n == n), None)
    if citation is None:
        return ""
    sections = index.sections_of(citation.paper_id)
    section = next((section for section in sections if section.key == citation.key), None)
    spans = [
        (first, last)
        for quoted, (first, last) in zip(citation.quotes, citation.spans, strict=False)
        if section and section.text[first:last] == quoted
    ]
    if section and spans:
        body = section_html(section.text, spans)
    else:
        quotes = [f"<blockquote>{section_html(quoted)}</blockquote>" for quoted in citation.quotes]
        body = "\n\n".join([f"<p><em>{texts.gone}</em></p>", *quotes])
    where = _where(citation, language)
    return "\n\n".join(
        [
            f'<a class="close" href="#close/sources">✕ {texts.close}</a>',
            f"<h2>[{n}] {line_html(citation.title)}</h2>",
            f"<p><small>{citation.date} · {plain_html(where)}</small></p>",
            body,
            paper_links(citation.paper_id, citation.url, language),
        ]
    )


def paper_links(paper_id: str, url: str, language: Language) -> str:
    """What can be done with a paper: ask about it, see all of it, read the paper itself."""
    texts = ANSWERS[language]
    return (
        f'<div class="paper-links"><a href="#ask/{paper_id}">{texts.ask_about}</a> '
        f'<a href="#paper/{paper_id}">{texts.open_paper}</a>'
        f"<p>{texts.digest} "
        f"{_link(f'https://arxiv.org/abs/{paper_id}', texts.arxiv)} · "
        f"{_link(url, texts.hugging_face)}</p></div>"
    )


def section_name(key: SectionKey, language: Language) -> str:
    """What a section is called."""
    return ANSWERS[language].sections[SECTION_KEYS.index(key)]


def _where(citation: CitationRecord, language: Language) -> str:
    """The section and lines of a report that a source is."""
    return ANSWERS[language].source.format(
        section=section_name(citation.key, language),
        first=citation.lines[0],
        last=citation.lines[1],
        report=citation.report,
    )


def scope_text(record: AnswerRecord, given: Filters) -> str:
    """What the answer was narrowed to, by the question or the reader's filters; "" if nothing."""
    titles = {citation.paper_id: citation.title for citation in record.citations}
    papers = [
        f"{head_of(titles[paper])} ({paper})" if paper in titles else paper
        for paper in record.scope.papers
        if paper in titles or paper in given.papers
    ]
    sections = [section_name(key, record.language) for key in given.sections]
    scope = " · ".join([*record.scope.dates, *papers, *sections])
    return ANSWERS[record.language].scope.format(scope=scope) if scope else ""


def _made_by(record: AnswerRecord, place: str, texts: Wording) -> str:
    by = texts.by_extract if record.mode == EXTRACTIVE else texts.by_model
    seconds = record.timings_ms.get("total", 0) / 1000
    parts = [by.format(model=record.mode), f"{seconds:.2f} s"]
    if record.confidence is not None:
        parts.append(texts.confidence.format(confidence=f"{record.confidence:.0%}"))
    if record.rules:
        parts.append(texts.rules.format(rules=", ".join(record.rules)))
    return f'{plain_html(" · ".join(parts))} · <a href="#copy/{place}">{texts.copy}</a>'


def _doubts(record: AnswerRecord) -> str:
    """Doubtful sentences that no claim has: earlier builds cut an answer otherwise."""
    marked = {claim.text for claim in claims_of(record.blocks) if not claim.supported}
    rows = "".join(
        f"<li>{plain_html(sentence.text)} "
        f"<em>({plain_html(_reason(sentence.reason or '', record.language))})</em></li>"
        for sentence in dict.fromkeys(record.failed)
        if sentence.text not in marked
    )
    unverified = ANSWERS[record.language].unverified
    return f'<div class="unverified">⚠ {unverified}<ul>{rows}</ul></div>' if rows else ""


def _reason(reason: str, language: Language) -> str:
    code, _, detail = reason.partition(": ")
    template: str = getattr(ANSWERS[language], code, reason)
    named = next((key for key in SECTION_KEYS if key == detail), None)
    return template.format(detail=section_name(named, language) if named else detail)


def _link(url: str, text: str) -> str:
    return f'<a href="{plain_html(url)}" target="_blank" rel="noopener">{text}</a>'


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
            parts += [turn.partial, f"*{ANSWERS[language].stopped}*"]
    own = [c.url for turn in turns if turn.answer for c in turn.answer.citations]
    return _for_elsewhere(parts, own) + "\n"


def answer_markdown(record: AnswerRecord) -> str:
    """An answer with its notice, its doubts and its numbered references with their quotes."""
    texts = ANSWERS[record.language]
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
    return scrubbed(text, OutputPolicy(own=frozenset(own), known=addresses(text)))[0]


def _references(record: AnswerRecord) -> str:
    lines = [f"**{ANSWERS[record.language].sources}**", ""]
    for citation in record.citations:
        lines.append(
            f"[{citation.n}] {citation.title} · {citation.date} · "
            f"{_where(citation, record.language)} · "
            f"https://arxiv.org/abs/{citation.paper_id} · {citation.url}  "
        )
        lines += [f"    “{' '.join(quoted.split())}”  " for quoted in citation.quotes]
    return "\n".join(lines)
