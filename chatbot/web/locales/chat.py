"""The texts of the chat tab and its sidebar."""

from dataclasses import dataclass

from chatbot.understanding.models import Language

EXAMPLES: tuple[str, ...] = (
    "GRU-Mem 的推理速度提升了多少？",
    "FeatureBench 和 CLI-Gym 各有多少个任务？",
    "How precise is Bielik Guard on real user prompts?",
    "哪些论文研究 GUI 智能体？",
)


@dataclass(frozen=True, slots=True)
class ChatWording:
    """One language's texts; ``{…}`` is filled in where a text is shown."""

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


TEXTS: dict[Language, ChatWording] = {
    "zh": ChatWording(
        question="问题",
        placeholder="问一篇论文、比较几篇，或者问哪些论文……",
        send="发送",
        stop="停止",
        new="新对话",
        saved="已保存的对话",
        none_saved="还没有。问一个问题，对话就会保存在这里。",
        title="对话标题",
        export="导出 Markdown",
        delete="删除",
        confirm_delete="删除这段对话？删除后无法恢复。",
        filters="检索范围",
        dates="日期",
        dates_info="可选几天，也可以输入 2026-02-10..2026-02-12",
        papers="论文（可输入标题或编号查找）",
        sections="章节",
        in_force="检索范围：",
        no_source="点击回答里的 [1] 这样的编号，这里会显示它所引的原文，并标出引用的句子。",
        comment="对这条回答的意见（可不填）",
        comment_placeholder="哪里好，或者哪里不对？",
        send_comment="提交",
        thanks="已记下，谢谢。",
        copied="已复制回答和出处。",
        too_long="问题太长了，最多 {most} 个字符。",
        no_date="“{day}”不是日期，请写成 2026-02-12 或 2026-02-10..2026-02-12。",
        no_paper="没有收录论文“{paper}”，请从列表里选择。",
        conversation="对话",
    ),
    "en": ChatWording(
        question="Question",
        placeholder="Ask about a paper, compare some, or ask which papers …",
        send="Send",
        stop="Stop",
        new="New conversation",
        saved="Saved conversations",
        none_saved="None yet. Ask a question and the conversation is kept here.",
        title="Title of the conversation",
        export="Export Markdown",
        delete="Delete",
        confirm_delete="Delete this conversation? This cannot be undone.",
        filters="Search only in",
        dates="Dates",
        dates_info="Choose days, or type 2026-02-10..2026-02-12",
        papers="Papers (type a title or id)",
        sections="Sections",
        in_force="Only in:",
        no_source=(
            "Click a number such as [1] in an answer: the section it cites opens here, with the "
            "quoted sentence highlighted."
        ),
        comment="What you think of this answer (optional)",
        comment_placeholder="What is good about it, or wrong?",
        send_comment="Submit",
        thanks="Noted, thank you.",
        too_long="This question is too long; {most} characters at most.",
        no_date="“{day}” is no date; write 2026-02-12 or 2026-02-10..2026-02-12.",
        no_paper="There is no paper “{paper}” in the index; choose one from the list.",
        copied="The answer and its sources were copied.",
        conversation="Conversation",
    ),
}
