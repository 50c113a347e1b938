"""Are the needed sections found, beside what its plainest parts find alone?"""

from collections.abc import Sequence

from evals.answers import Answered, Metric
from evals.cases import Case, Datasets, plain
from evals.metrics import f1, ndcg_at, paper_recall_at, recall_at, reciprocal_rank
from evals.suites.suite import Suite

_BASELINES = ("BM25 of the section", "embedding")


def _cases(datasets: Datasets) -> Sequence[Case]:
    return [plain(item) for item in datasets.items if item.sections]


def _ranked(answered: Answered, by: str = "search") -> tuple[str, ...]:
    return dict(answered.ranked).get(by, ())


def _is_list(case: Case) -> bool:
    return case.item.type == "list"


def _is_no_list(case: Case) -> bool:
    return not _is_list(case)


def _section_recall(k: int) -> Metric:
    return Metric(
        f"section recall@{k}",
        f"share of needed sections among the first {k}",
        _is_no_list,
        lambda a: recall_at(k, a.item, _ranked(a)),
    )


def _paper_recall(k: int) -> Metric:
    return Metric(
        f"paper recall@{k}",
        f"share of needed papers with a section among the first {k}",
        _is_no_list,
        lambda a: paper_recall_at(k, a.item, _ranked(a)),
    )


def _against(by: str) -> Metric:
    return Metric(
        f"section recall@5, {by} alone",
        "the same, of one part of the search",
        _is_no_list,
        lambda a: recall_at(5, a.item, _ranked(a, by)),
    )


SUITE = Suite(
    "retrieval",
    "Whether the sections that answer are found.",
    _cases,
    (
        *map(_section_recall, (5, 10)),
        *map(_paper_recall, (5, 10)),
        Metric(
            "nDCG@10",
            "needed sections count more the higher they stand (Järvelin 2002)",
            _is_no_list,
            lambda a: ndcg_at(10, a.item, _ranked(a)),
        ),
        Metric(
            "MRR",
            "1 over the rank of the first needed section",
            _is_no_list,
            lambda a: reciprocal_rank(a.item, _ranked(a)),
        ),
        Metric(
            "list F1",
            "papers listed against papers wanted",
            _is_list,
            lambda a: f1({name.partition("/")[0] for name in a.cited}, a.item.papers),
        ),
        *map(_against, _BASELINES),
    ),
)
