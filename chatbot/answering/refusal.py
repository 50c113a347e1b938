"""Whether to refuse without asking a model: does a paper hold the kind of thing that is asked?"""

import re
from collections.abc import Sequence

from chatbot.index.entity_linking import squeeze
from chatbot.index.reading import Index
from chatbot.reports.search_text import OF_THE_FIELD
from chatbot.retrieval.models import Evidence
from chatbot.retrieval.ranking import decide
from chatbot.text.markdown import sentences
from chatbot.text.quantities import Quantity, quantities
from chatbot.text.terms import bigrams, normalise, without_stop_words, words
from chatbot.understanding.models import Query
from chatbot.understanding.wording import THINGS, by_key
from chatbot.verification.claims import AbstainReason

# What a paper holds that gives an attribute (`understanding/wording.py`).
_GIVES = THINGS | by_key(
    {
        "licence": r"许可|开源协议|\blicen[cs]e|\bMIT\b|Apache|CC[- ]BY|\bGPL\b|\bBSD\b|商用",
        "authors": r"作者|机构|大学|团队|实验室|公司|\b(?:authors?|university)\b",
        "hours": r"卡时|小时|\d ?(?:天|hours?|days?|h\b)",
        "date": r"20\d\d[ -年]|\d ?月|将于|即将|计划|后(?:开源|发布)",
        "code": r"github|开源|代码|https?://|\bcode\b|发布",
        "gpu": r"\b[ABHLV]\d{2,4}\b|\bRTX\b|\bT(?:itan|PU)\b|昇腾|Ascend|Jetson|\b[345]090\b",
        "gpus": r"\d+ ?(?:[张块卡×]|个? ?GPU|x\b)|[单一两双四八][张块卡路]|\d-GPU",
        "venue": r"会议|期刊|接收|ICLR|NeurIPS|ICML|CVPR|\bACL\b|EMNLP",
    }
)
_SUFFIX = re.compile(r"-(?:style|based|like|level|type)$")
# Numbers of a name ("Gemini 2.0", "Qwen3"), a model's size ("8B"), a resolution.
_OF_A_NAME = re.compile(
    r"[A-Za-z][A-Za-z.+\-]*[ -]?\d+(?:\.\d+)*[A-Za-z]*(?![\d%])|"
    r"\d+(?:\.\d+)?[BM](?![A-Za-z])|\d+ ?[×x] ?\d+"
)
_ELSEWHERE = re.compile(r"在\s*[（(“\"]?(?P<name>[A-Z][A-Za-z0-9.+\-]*)")
_LATIN = re.compile(r"[A-Za-z][A-Za-z0-9.+@\-]*")
_CLAUSE = re.compile(r"[，,]")
# "48.2 的 MAP@5": so close before a name stands its number.
_BEFORE = 16
# Farther behind a name no number is its own.
_FAR = 600
_LONG_NAME = 8


def _has_figure(name: str, text: str, query: Query) -> bool:
    """Whether a number stands in a sentence with the name, and is not said of another name.

    "在 A、B 等任务上表现强大，例如在 B 上达到 48.2" gives no figure for A; a lead-in gives that of
    what it leads in.
    """
    letters = r"[\s\-_]*".join(map(re.escape, re.sub(r"[\s\-_]", "", name)))
    pattern = re.compile(rf"(?<![\d.]){letters}", re.IGNORECASE)
    for sentence in (span.text.replace("*", "") for span in sentences(text)):
        for match in pattern.finditer(sentence):
            after = sentence[match.end() : match.end() + _FAR]
            others = (
                other
                for other in _ELSEWHERE.finditer(after)
                if squeeze(other["name"]) not in squeeze(query.question)
            )
            end = next((other.start() for other in others), None)
            before = _CLAUSE.split(sentence[max(0, match.start() - _BEFORE) : match.start()])[-1]
            if _figures(after[:end]) or _figures(before) or sentence.endswith(("：", ":")):
                return True
    return False


def _figures(text: str) -> tuple[Quantity, ...]:
    return quantities(_OF_A_NAME.sub("@", text))


def is_misspelt_in(name: str, text: str) -> bool:
    """Whether a text has the name but for a letter or two, joints or case, and not as it stands.

    Digits have to be the same: "ScreenSpot-V2" is not "ScreenSpot-V1".
    """
    from rapidfuzz.distance import OSA

    squeezed = squeeze(name)
    if name in text:
        return False
    allowed = 1 if len(squeezed) < _LONG_NAME else 2
    words = {squeeze(word) for word in _LATIN.findall(text)}
    return any(
        len(word) > allowed
        and _digits(word) == _digits(squeezed)
        and OSA.distance(word, squeezed, score_cutoff=allowed) <= allowed
        for word in words
    )


def _digits(text: str) -> str:
    return "".join(filter(str.isdigit, text))


_RARE = 3.0
# Confidence under which an unheard-of noun is taken for what the reports lack.
_UNSURE, _UNSURE_ABOUT = 0.3, 0.6


def refusal_of(
    index: Index, evidence: Evidence, *, has_namesake: bool = False
) -> AbstainReason | None:
    """Why a look-up is refused; None where it is answered.

    With a namesake (another paper found on the same system) an unsure search is no sign that
    neither is meant.
    """
    query = evidence.query
    if query.intent != "lookup" or not evidence.hits:
        return None
    if not has_namesake and (reason := _out_of_reach(index, evidence)) is not None:
        return reason
    return "not_reported" if _is_not_reported(index, evidence) else None


def _out_of_reach(index: Index, evidence: Evidence) -> AbstainReason | None:
    """Why no report can answer: it holds neither the paper asked about nor anything like it."""
    links = evidence.query.links
    if evidence.unknown and all(link.typo for link in links):
        nearest = _nearest(index, evidence)[0].lower()
        if any(not is_misspelt_in(name.lower(), nearest) for name in evidence.unknown):
            return "not_in_corpus"
    if links:
        return None
    if _is_off_topic(index, evidence):
        return "off_topic"
    unsure = decide(evidence.confidence) == "refuse" or _asks_for_the_unheard_of(index, evidence)
    return "not_in_corpus" if unsure else None


def _is_not_reported(index: Index, evidence: Evidence) -> bool:
    """Whether the paper asked about does not give the attribute, or the figure, that is asked for.

    What narrows a figure are names that few papers have ("LLM" and "GPU" are asked beside any), not
    the paper's own, and spelt as it does.
    """
    query, wanted = evidence.query, evidence.query.wanted
    named = evidence.hits[0].section.paper_id in query.papers
    if not named and decide(evidence.confidence) != "answer":
        return False
    text, own = _nearest(index, evidence)
    called = squeeze(own)
    if any(not _GIVES[key].search(text) for key in wanted.attributes):
        return True

    def narrowing(names: Sequence[str]) -> list[str]:
        return [
            name
            for name in (_SUFFIX.sub("", name) for name in names)
            if squeeze(name) not in called
            and not is_misspelt_in(name, own)
            and not is_misspelt_in(name, text)
            and normalise(name) not in OF_THE_FIELD
            and max(map(index.lexical.idf, words(name)), default=0.0) >= _RARE
        ]

    if not wanted.figure:
        return False
    of = [*(narrowing(wanted.names) or narrowing(query.names)), *wanted.settings]
    lacking = [name for name in of or wanted.metrics if not _has_figure(name, text, query)]
    return bool(lacking) and (bool(of) or len(lacking) == len(wanted.metrics))


def _nearest(index: Index, evidence: Evidence) -> tuple[str, str]:
    """The text of the paper found first, and what it calls itself."""
    paper = index.catalogue.by_id[evidence.hits[0].section.paper_id]
    texts = {s.key: s.text for s in index.sections_of(paper.id)}
    own = f"{paper.title}\n{texts.get('contribution', '')}"
    return "\n".join([paper.title, *texts.values()]), own


def _asks_for_the_unheard_of(index: Index, evidence: Evidence) -> bool:
    """Whether an unsure search has a noun in its question that no report holds.

    "有篇做手语翻译的": what a paper is said to be about weighs more than a noun elsewhere.
    """
    query = evidence.query
    if evidence.confidence is None:
        return False
    if query.language == "en":
        return evidence.confidence < _UNSURE and _holds_no_word_of(index, query)
    return any(
        evidence.confidence < (_UNSURE_ABOUT if noun.about else _UNSURE)
        and not _is_known(index, noun.word)
        for noun in query.wanted.nouns
        if noun.is_common
    )


def _holds_no_word_of(index: Index, query: Query) -> bool:
    """Whether no report holds a word of an English question, in either language, but for names."""
    rest = query.focus.text
    for name in query.names:
        rest = rest.replace(name, " ")
    asked = without_stop_words(words(rest))
    known = any(index.lexical.knows(word) for word in asked) or index.glossary.translate(rest)
    return bool(asked) and not known


def _is_off_topic(index: Index, evidence: Evidence) -> bool:
    """Whether an unsure search is for things of which no report holds a single one."""
    query = evidence.query
    if query.language == "en" or decide(evidence.confidence) != "refuse":
        return False
    things = [noun.word for noun in query.wanted.nouns]
    known = query.names or any(_is_known(index, thing) for thing in things)
    return bool(things) and not known


def _is_known(index: Index, word: str) -> bool:
    """Whether any report holds the word or a piece of it."""
    return any(map(index.lexical.holds_bigram, bigrams(word)))
