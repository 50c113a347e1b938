"""How the service is: whether it is well (`/healthz`), and what Prometheus counts (`/metrics`)."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

from anyio import CapacityLimiter, create_task_group, move_on_after, to_thread
from prometheus_client import CONTENT_TYPE_LATEST
from sqlalchemy import Engine, select
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from chatbot.bot import Chatbot
from chatbot.errors import MissingIndexError
from chatbot.index.manifest import read_manifest
from chatbot.metrics import Metrics
from chatbot.storage.opening import reading

logger = logging.getLogger(__name__)

# A look at a part takes milliseconds; Prometheus and supervisors give up after ten seconds.
_SECONDS = 3.0
_AT_ONCE = 6
_OK, _NOT_ALLOWED, _UNAVAILABLE = 200, 405, 503

Check = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Vitals:
    """What is looked at, by the name that is told; a check that raises or takes too long fails.

    Checks that hang keep their threads, of which `limiter` grants few, and so fail from then on.
    """

    checks: Mapping[str, Check]
    metrics: Metrics
    limiter: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(_AT_ONCE))
    seconds: float = _SECONDS

    @property
    def open_routes(self) -> Mapping[str, ASGIApp]:
        """What is told to everybody."""
        return {"/healthz": _answering(self.health)}

    @property
    def routes(self) -> Mapping[str, ASGIApp]:
        """What is told to those who may ask questions."""
        return {"/metrics": _answering(self.counted)}

    async def health(self) -> Response:
        """Whether all is well, and each part; what ails it is in the log alone."""
        found = dict.fromkeys(self.checks, False)
        async with create_task_group() as tasks:
            for name, check in self.checks.items():
                tasks.start_soon(self._check, name, check, found)
        well = all(found.values())
        told = {"ok": well, "checks": {name: "ok" if ok else "fail" for name, ok in found.items()}}
        return JSONResponse(told, _OK if well else _UNAVAILABLE)

    async def counted(self) -> Response:
        """What Prometheus counts."""
        text = await to_thread.run_sync(self.metrics.text, limiter=self.limiter)
        return Response(text, media_type=CONTENT_TYPE_LATEST)

    async def _check(self, name: str, check: Check, found: dict[str, bool]) -> None:
        with move_on_after(self.seconds) as deadline:
            try:
                await to_thread.run_sync(check, limiter=self.limiter, abandon_on_cancel=True)
            except Exception as error:  # noqa: BLE001 - whatever it is, the part is not well
                logger.warning("%s is not well: %s", name, error)
            else:
                found[name] = True
        if deadline.cancelled_caught:
            logger.warning("%s did not answer within %s s", name, self.seconds)


def vitals_of(bot: Chatbot, database: Engine, metrics: Metrics) -> Vitals:
    """What there is to know of a chatbot and its database."""
    metrics.gauge(
        "index_generation",
        "The index answered from, counted up by each ingest that changes it.",
        lambda: bot.index.manifest.generation,
    )
    metrics.gauge("index_papers", "Papers in the index.", lambda: bot.index.manifest.papers)
    checks: dict[str, Check] = {
        "index": partial(_check_index, bot),
        "database": partial(_check_database, database),
        "chroma": partial(_check_chroma, bot),
    }
    return Vitals(checks, metrics)


def _check_index(bot: Chatbot) -> None:
    if read_manifest(bot.settings.data_dir) is None:
        raise MissingIndexError("its manifest is gone")
    _ = bot.index


def _check_database(database: Engine) -> None:
    with reading(database) as connection:
        connection.execute(select(1))


def _check_chroma(bot: Chatbot) -> None:
    index, settings = bot.index, bot.settings
    folder = None if settings.chroma_url else settings.data_dir / index.manifest.chroma
    index.vectors.check_reachable(folder)


def _answering(answer: Callable[[], Awaitable[Response]]) -> ASGIApp:
    async def answered(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] in {"GET", "HEAD"}:
            await (await answer())(scope, receive, send)
        else:
            await Response(status_code=_NOT_ALLOWED)(scope, receive, send)

    return answered
