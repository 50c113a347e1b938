"""The page's frame: its title, its tabs, its modes."""

from dataclasses import dataclass

from chatbot.understanding.models import Language


@dataclass(frozen=True, slots=True)
class PageWording:
    """One language's texts; ``{…}`` is filled in where a text is shown."""

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


TEXTS: dict[Language, PageWording] = {
    "zh": PageWording(
        title="论文日报问答",
        heading="# 论文日报问答",
        about="就 AI 论文日报提问，每句话都标明出自哪篇论文的哪一节。",
        extractive_mode=(
            "当前模式：**原文摘录**（未设置大模型）。<span class='how'>要由模型写成回答，请用 "
            "`OPENAI_API_KEY=… make chat` 或 `OPENAI_BASE_URL=… make chat` 启动。</span>"
        ),
        model_mode="当前模式：由 **{model}** 根据检索到的原文作答。",
        corpus="已收录 {papers} 篇论文，{reports} 期日报：{dates}。",
        chat_tab="对话",
        compare_tab="对比",
        browse_tab="浏览",
        reports_tab="日报",
        evals_tab="评测",
        other_language="English",
    ),
    "en": PageWording(
        title="Paper chatbot",
        heading="# Paper chatbot",
        about="Ask the daily AI-paper reports; every sentence names the section it stands on.",
        extractive_mode=(
            "Mode: **quotes from the reports** (no language model). "
            "<span class='how'>For written answers start with `OPENAI_API_KEY=… make chat`, or "
            "`OPENAI_BASE_URL=… make chat` for your own server.</span>"
        ),
        model_mode="Mode: **{model}** answers from the sections found.",
        corpus="{papers} papers from {reports} reports: {dates}.",
        chat_tab="Chat",
        compare_tab="Compare",
        browse_tab="Browse",
        reports_tab="Reports",
        evals_tab="Evals",
        other_language="中文",
    ),
}
