"""The texts of the reports tab."""

from dataclasses import dataclass

from chatbot.understanding.models import Language


@dataclass(frozen=True, slots=True)
class ReportsWording:
    """One language's texts; ``{…}`` is filled in where a text is shown."""

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


TEXTS: dict[Language, ReportsWording] = {
    "zh": ReportsWording(
        about="## 加入日报\n\n先检查，您确认后才收录；收录期间照常可以提问。",
        drop="日报文件（.txt、.md）",
        add="收录到索引",
        limits="每个文件不超过 {size} MB，一次不超过 {files} 个。",
        listed="已收录的日报",
        date="日期",
        name="名称",
        papers="论文",
        too_many="一次最多 {files} 个文件，这里有 {n} 个；请分几次加入。",
        too_large="大于 {size} MB；请拆成几个文件。",
        not_text="不是 .txt 或 .md 文件；请选日报的文本文件。",
        nothing_added="有文件无法读取，什么都没有收录",
        mend="请改正后重新选择，或先移除这些文件。",
        line="第 {line} 行",
        same="内容与已有的 {name} 相同，无需再收录。",
        found="{date} · {n} 篇论文",
        new="新论文",
        updated="内容有更新",
        unchanged="没有变化，或索引里的更新",
        and_more="……另有 {n} 篇",
        problems="{n} 处需要留意，不影响收录",
        nothing_new="没有需要收录的内容。",
        parse="读取",
        fit="训练向量模型",
        embed="计算向量",
        added="已收录 {names}。现有 {papers} 篇论文。",
        no_new_papers="没有新论文；已有论文的内容或日期已更新。",
        ask="提问",
        failed="没有收录，原有的索引照常使用：{error}",
    ),
    "en": ReportsWording(
        about=(
            "## Add a report\n\nIt is checked first and indexed only when you say so; "
            "you can go on asking meanwhile."
        ),
        drop="Report files (.txt, .md)",
        add="Add to the index",
        limits="At most {size} MB a file and {files} files at once.",
        listed="Reports in the index",
        date="Date",
        name="Name",
        papers="Papers",
        too_many="At most {files} files at once, and here are {n}; add them in several goes.",
        too_large="larger than {size} MB; split it into several files",
        not_text="no .txt or .md file; choose the text file of a report",
        nothing_added="A file cannot be read; nothing was added",
        mend="Mend it and choose it again, or remove it from the list.",
        line="line {line}",
        same="It has the same content as {name}; there is nothing to add.",
        found="{date} · papers: {n}",
        new="New papers",
        updated="Changed text",
        unchanged="Unchanged, or newer in the index",
        and_more="… and {n} more",
        problems="Worth a look: {n}; the report can be added all the same",
        nothing_new="There is nothing to add.",
        parse="Reading",
        fit="Fitting the embedding",
        embed="Embedding",
        added="Added {names}. The index holds {papers} papers now.",
        no_new_papers="No new paper; texts or dates of known ones were updated.",
        ask="Ask",
        failed="Nothing was added, and the index serves as before: {error}",
    ),
}
