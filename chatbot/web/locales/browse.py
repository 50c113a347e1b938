"""The texts of the browse tab."""

from dataclasses import dataclass

from chatbot.understanding.models import Language


@dataclass(frozen=True, slots=True)
class BrowseWording:
    """One language's texts; ``{…}`` is filled in where a text is shown."""

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


TEXTS: dict[Language, BrowseWording] = {
    "zh": BrowseWording(
        search="搜索论文",
        placeholder="标题、系统名、arXiv 编号或日报里的任何词，空格隔开",
        by_field="按领域",
        by_date="按日期",
        bar="{label}，{n} 篇",
        filters="已选的筛选条件",
        remove="取消筛选：{label}",
        nothing="没有符合条件的论文；请换一个词，或取消筛选。",
        shown="共 {n} 篇，第 {first}–{last} 篇",
        papers="论文列表",
        pages="翻页",
        page="第 {page} / {pages} 页",
        previous="上一页",
        following="下一页",
        back="返回列表",
        dates="收录于 {dates}",
        report="日报 {report}",
        read_from="日报读的是 {source}",
        abstract_only="日报只读了摘要",
        compare="加入对比",
        address="本页链接",
        unknown="索引里没有论文 {paper}；请检查 arXiv 编号，或在列表里搜索。",
    ),
    "en": BrowseWording(
        search="Search papers",
        placeholder="Title, system, arXiv id or any words of the digests",
        by_field="By field",
        by_date="By date",
        bar="{label}, {n} papers",
        filters="Filters in force",
        remove="Remove filter: {label}",
        nothing="No paper matches; try another word, or remove a filter.",
        shown="{n} papers, {first}–{last} shown",
        papers="List of papers",
        pages="Pages",
        page="Page {page} of {pages}",
        previous="Previous",
        following="Next",
        back="Back to the list",
        dates="In the report of {dates}",
        report="report {report}",
        read_from="digest of its {source}",
        abstract_only="digest of its abstract only",
        compare="Add to a comparison",
        address="Link to this page",
        unknown="Paper {paper} is not in the index; check the arXiv id, or search the list.",
    ),
}
