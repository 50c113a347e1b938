"""The page's texts, in the two languages it speaks: ``zh.toml`` and ``en.toml`` beside this file.

Each part of the page has a class with a field for each of its texts, and the texts by language.
"""

import tomllib
from pathlib import Path

from pydantic import ConfigDict, TypeAdapter
from pydantic.dataclasses import dataclass

from chatbot.understanding.models import Language

LANGUAGES: tuple[Language, ...] = ("zh", "en")
_EXACTLY = ConfigDict(extra="forbid")


@dataclass(frozen=True, slots=True, config=_EXACTLY)
class AccessWording:
    """Signing in, and being asked to wait."""

    title: str
    name: str
    password: str
    sign_in: str
    sign_out: str
    wrong: str
    many_attempts: str
    unavailable: str
    too_fast: str
    busy: str


@dataclass(frozen=True, slots=True, config=_EXACTLY)
class PageWording:
    """The page's frame: its title, its tabs, its modes."""

    title: str
    heading: str
    about: str
    extractive_mode: str
    model_mode: str
    corpus: str
    chat_tab: str
    compare_tab: str
    browse_tab: str
    reports_tab: str
    evals_tab: str
    other_language: str


@dataclass(frozen=True, slots=True, config=_EXACTLY)
class ChatWording:
    """The chat tab and its sidebar."""

    question: str
    placeholder: str
    send: str
    stop: str
    new: str
    saved: str
    none_saved: str
    title: str
    export: str
    delete: str
    confirm_delete: str
    filters: str
    dates: str
    dates_info: str
    papers: str
    sections: str
    in_force: str
    no_source: str
    comment: str
    comment_placeholder: str
    send_comment: str
    thanks: str
    copied: str
    too_long: str
    no_date: str
    no_paper: str
    conversation: str


@dataclass(frozen=True, slots=True, config=_EXACTLY)
class AnswerWording:
    """What stands around an answer, in the answer's own language."""

    understand: str
    retrieve: str
    outline: str
    synthesize: str
    verify: str
    found: str
    checked: str
    steps: str
    sources: str
    source: str
    digest: str
    arxiv: str
    hugging_face: str
    ask_about: str
    open_paper: str
    close: str
    gone: str
    scope: str
    copy: str
    confidence: str
    rules: str
    unverified: str
    missing_marker: str
    number_not_in_source: str
    name_not_in_source: str
    opposite_of_source: str
    number_of_something_else: str
    better_in_section: str
    wording_not_in_source: str
    abstained: str
    by_extract: str
    by_model: str
    failed: str
    stopped: str
    sections: tuple[str, str, str, str, str]


@dataclass(frozen=True, slots=True, config=_EXACTLY)
class CompareWording:
    """The compare tab."""

    about: str
    papers: str
    papers_info: str
    aspects: str
    aspects_info: str
    compare: str
    stop: str
    csv: str
    markdown: str
    to_chat: str
    table: str
    number: str
    missing: str
    many_aspects: str
    added: str
    working: str
    done: str
    stopped: str
    failed: str
    copied: str
    unexpected: str
    common_aspects: tuple[str, ...]


@dataclass(frozen=True, slots=True, config=_EXACTLY)
class BrowseWording:
    """The browse tab."""

    search: str
    placeholder: str
    by_field: str
    by_date: str
    bar: str
    filters: str
    remove: str
    nothing: str
    shown: str
    papers: str
    pages: str
    page: str
    previous: str
    following: str
    back: str
    dates: str
    report: str
    read_from: str
    abstract_only: str
    compare: str
    address: str
    unknown: str


@dataclass(frozen=True, slots=True, config=_EXACTLY)
class ReportsWording:
    """The reports tab."""

    about: str
    drop: str
    add: str
    limits: str
    listed: str
    date: str
    name: str
    papers: str
    too_many: str
    too_large: str
    not_text: str
    nothing_added: str
    mend: str
    line: str
    same: str
    found: str
    new: str
    updated: str
    unchanged: str
    and_more: str
    problems: str
    nothing_new: str
    parse: str
    fit: str
    embed: str
    added: str
    no_new_papers: str
    ask: str
    failed: str


@dataclass(frozen=True, slots=True, config=_EXACTLY)
class EvalsWording:
    """The evals tab."""

    about: str
    run: str
    refresh: str
    download: str
    report: str
    no_run: str
    no_report: str


@dataclass(frozen=True, slots=True, config=_EXACTLY)
class Wording:
    """All texts in one language."""

    access: AccessWording
    page: PageWording
    chat: ChatWording
    answers: AnswerWording
    compare: CompareWording
    browse: BrowseWording
    reports: ReportsWording
    evals: EvalsWording


def read_wording(language: Language) -> Wording:
    """The texts in a language.

    Raises:
        ValidationError: a text is missing, or one is there that nothing shows.
    """
    text = Path(__file__).with_name(f"{language}.toml").read_text(encoding="utf-8")
    return TypeAdapter(Wording).validate_python(tomllib.loads(text))


WORDING = {language: read_wording(language) for language in LANGUAGES}
ACCESS = {language: texts.access for language, texts in WORDING.items()}
PAGE = {language: texts.page for language, texts in WORDING.items()}
CHAT = {language: texts.chat for language, texts in WORDING.items()}
ANSWERS = {language: texts.answers for language, texts in WORDING.items()}
COMPARE = {language: texts.compare for language, texts in WORDING.items()}
BROWSE = {language: texts.browse for language, texts in WORDING.items()}
REPORTS = {language: texts.reports for language, texts in WORDING.items()}
EVALS = {language: texts.evals for language, texts in WORDING.items()}
# As they are in both languages.
EXAMPLES = (
    "GRU-Mem 的推理速度提升了多少？",
    "FeatureBench 和 CLI-Gym 各有多少个任务？",
    "How precise is Bielik Guard on real user prompts?",
    "哪些论文研究 GUI 智能体？",
)
