"""What a reader should know of the search beside the answer, in the reader's language."""

from collections.abc import Mapping

from chatbot.retrieval.models import Clarification, Coverage, Evidence, Language

_LEXICAL_ONLY: dict[Language, str] = {
    "zh": "向量模型不可用（{error}），本次只按词语检索。",
    "en": "The embedding model is unavailable ({error}); this search was by words only.",
}
_UNKNOWN: dict[Language, str] = {
    "zh": "收录的报告里没有出现“{names}”，以下只是最接近的内容。",
    "en": "“{names}” does not occur in the reports; what follows is only the nearest they say.",
}
_NO_REPORT: dict[Language, str] = {
    "zh": "没有收录 {days} 的报告。",
    "en": "There is no report of {days}.",
}
_CLARIFY: dict[Language, str] = {
    "zh": "有 {count} 篇论文叫“{name}”，你问的是哪一篇？{titles}",
    "en": "{count} papers go by “{name}”. Which one do you mean? {titles}",
}
_CHECKED: dict[Language, str] = {
    "zh": "{checked} 篇论文全部查过，符合的有 {matched} 篇。",
    "en": "All {checked} papers were checked; {matched} match.",
}
_RANKED: dict[Language, str] = {
    "zh": "按主题从 {checked} 篇论文中找出 {matched} 篇，可能有遗漏。",
    "en": "{matched} of {checked} papers were found by topic; some may be missing.",
}
_TAKEN_OUT: dict[Language, str] = {
    "zh": "回答里不该出现的内容（{kinds}）已去掉。",
    "en": "What should not be in an answer was taken out of it ({kinds}).",
}
# What cannot be seen is taken out without a word.
_KINDS: dict[Language, dict[str, str]] = {
    "zh": {
        "image": "图片",
        "html": "HTML",
        "link": "外部链接",
        "key": "密钥",
        "path": "本机路径",
        "prompt": "提示词",
    },
    "en": {
        "image": "images",
        "html": "HTML",
        "link": "links to elsewhere",
        "key": "keys",
        "path": "paths",
        "prompt": "lines of the prompt",
    },
}


def taken_out(found: Mapping[str, int], language: Language) -> str | None:
    """What was taken out of an answer, for its reader, or None."""
    names = [name for kind, name in _KINDS[language].items() if found.get(kind)]
    comma = "、" if language == "zh" else ", "
    return _TAKEN_OUT[language].format(kinds=comma.join(names)) if names else None


def notice_of(evidence: Evidence) -> str | None:
    """All there is to say of a search, or None."""
    language, parts = evidence.query.language, []
    if evidence.notice:
        parts.append(_LEXICAL_ONLY[language].format(error=evidence.notice))
    if evidence.missing_dates:
        days = ", ".join(map(str, evidence.missing_dates))
        parts.append(_NO_REPORT[language].format(days=days))
    if evidence.unknown and evidence.hits:
        parts.append(_UNKNOWN[language].format(names=", ".join(evidence.unknown)))
    if evidence.coverage:
        parts.append(_coverage(evidence.coverage, language))
    if evidence.clarification:
        parts.append(clarifying_question(evidence.clarification, language))
    return " ".join(parts) or None


def clarifying_question(clarification: Clarification, language: Language) -> str:
    """The question to ask back, with the titles to choose from."""
    titles = " / ".join(title for _, title in clarification.options)
    return _CLARIFY[language].format(
        count=len(clarification.options), name=clarification.name, titles=titles
    )


def _coverage(coverage: Coverage, language: Language) -> str:
    wording = _RANKED if coverage.by == "topic" else _CHECKED
    return wording[language].format(checked=coverage.checked, matched=coverage.matched)
