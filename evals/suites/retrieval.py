"""Are the needed sections found, beside what its plainest parts find alone?"""

from collections.abc import Callable, Sequence
from functools import partial

from evals.answers import Answered, Metric
from evals.cases import Case, Datasets, plain
from evals.items import Item
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


def _of_ranking(
    name: str, about: str, value: Callable[[Item, Sequence[str]], float], by: str = "search"
) -> Metric:
    """A metric of the sections that the search found, or one part of it alone."""
    return Metric(name, about, _is_no_list, lambda a: value(a.item, _ranked(a, by)))


SUITE = Suite(
    "retrieval",
    "Whether the sections that answer are found.",
    _cases,
    (
        *(
            _of_ranking(
                f"section recall@{k}",
                f"share of needed sections among the first {k}",
                partial(recall_at, k),
            )
            for k in (5, 10)
        ),
        *(
            _of_ranking(
                f"paper recall@{k}",
                f"share of needed papers with a section among the first {k}",
                partial(paper_recall_at, k),
            )
            for k in (5, 10)
        ),
        _of_ranking(
            "nDCG@10",
            "needed sections count more the higher they stand (Järvelin 2002)",
            partial(ndcg_at, 10),
        ),
        _of_ranking("MRR", "1 over the rank of the first needed section", reciprocal_rank),
        Metric(
            "list F1",
            "papers listed against papers wanted",
            _is_list,
            lambda a: f1({name.partition("/")[0] for name in a.cited}, a.item.papers),
        ),
        *(
            _of_ranking(
                f"section recall@5, {by} alone",
                "the same, of one part of the search",
                partial(recall_at, 5),
                by,
            )
            for by in _BASELINES
        ),
    ),
)
