"""What all tests share: a clean environment, settings of their own, the shipped reports indexed."""

import logging
import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from filelock import FileLock

from chatbot.bot import Chatbot
from chatbot.config import SEEDS, Settings
from chatbot.index.ingestion import ingest
from chatbot.index.reading import Index, open_index
from tests.services import new_database, postgresql

if TYPE_CHECKING:
    from playwright.sync_api import Browser

CHROMIUM_FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-snapshots", action="store_true", help="write snapshots anew")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One line on the browser tests, should they have been skipped."""
    reasons = [str(report.longrepr) for report in terminalreporter.stats.get("skipped", [])]
    without = [reason for reason in reasons if "no Chromium" in reason]
    if without:
        how = without[0].rpartition("Skipped: ")[2].rstrip("')")
        terminalreporter.write_line(f"{len(without)} browser tests skipped, {how}")


@pytest.fixture
def matches_snapshot(request: pytest.FixtureRequest) -> Callable[[str], bool]:
    """Whether a text is that of ``snapshots/TEST_NAME.txt`` beside the test."""
    file = request.path.parent / "snapshots" / f"{request.node.name}.txt"

    def matches(text: str) -> bool:
        if request.config.getoption("--update-snapshots"):
            file.parent.mkdir(exist_ok=True)
            file.write_text(text, encoding="utf-8")
        return file.read_text(encoding="utf-8") == text

    return matches


@pytest.fixture(scope="session", autouse=True)
def _clean_environment() -> Iterator[None]:
    """No key, server or folder of the developer's own reaches a test."""
    with pytest.MonkeyPatch.context() as patch:
        outside = ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_API_BASE")
        for name in (*outside, "OTEL_EXPORTER_OTLP_ENDPOINT"):
            patch.delenv(name, raising=False)
        names = ("LLM", "LLM_TIMEOUT", "LLM_CONTEXT", "EMBEDDING", "DATA_DIR", "CHROMA_URL")
        access = ("AUTH", "HOSTS", "RATE", "DAILY_TOKENS")
        service = ("DATABASE_URL", "LOG", "LOG_QUESTIONS", "WATCH")
        for name in (*names, *access, *service, "RERANK", "REPAIR"):
            patch.delenv(f"CHATBOT_{name}", raising=False)
        yield


@pytest.fixture
def logging_restored() -> Iterator[None]:
    """Logging is the process's own; what a test sets up is undone."""
    root, ours = logging.getLogger(), logging.getLogger("chatbot")
    before = root.handlers[:], root.level, ours.level
    yield
    logging.captureWarnings(capture=False)
    root.handlers[:], root.level, ours.level = before


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings with an index folder of the test's own and no model."""
    return Settings(CHATBOT_DATA_DIR=tmp_path / "data")


@pytest.fixture(scope="session")
def postgresql_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a PostgreSQL server of the tests' own."""
    with postgresql(tmp_path_factory.mktemp("postgresql")) as url:
        yield url


@pytest.fixture
def database_url(postgresql_server: str) -> str:
    """The URL of an empty PostgreSQL database."""
    return new_database(postgresql_server, uuid.uuid4().hex)


@pytest.fixture(params=["sqlite", "postgresql"])
def kept(request: pytest.FixtureRequest, settings: Settings) -> Settings:
    """The test's settings with each database in turn."""
    if request.param == "sqlite":
        return settings
    url = request.getfixturevalue("database_url")
    return Settings(CHATBOT_DATA_DIR=settings.data_dir, CHATBOT_DATABASE_URL=url)


@pytest.fixture(scope="session")
def seed_settings(tmp_path_factory: pytest.TempPathFactory, _clean_environment: None) -> Settings:
    """Settings whose index holds the shipped reports; not to be changed by a test."""
    run = tmp_path_factory.getbasetemp()
    # Workers side by side have the folder above in common: the first of them indexes for all.
    made = (run.parent if "PYTEST_XDIST_WORKER" in os.environ else run) / "seeds-indexed"
    whole = made.with_suffix(".whole")
    with FileLock(made.with_suffix(".lock")):
        if not whole.exists():
            ingest(Settings(CHATBOT_DATA_DIR=made), [SEEDS])
            whole.touch()
    own = shutil.copytree(made, tmp_path_factory.mktemp("seeds") / "data")
    return Settings(CHATBOT_DATA_DIR=own)


@pytest.fixture
def seed_copy(seed_settings: Settings, tmp_path: Path) -> Settings:
    """Settings whose index holds the shipped reports; the test's own."""
    folder = shutil.copytree(seed_settings.data_dir, tmp_path / "seeds")
    return Settings(CHATBOT_DATA_DIR=folder)


@pytest.fixture(scope="session")
def seed_index(seed_settings: Settings) -> Index:
    """The index of the shipped reports."""
    return open_index(seed_settings)


@pytest.fixture(scope="session")
def seed_bot(seed_settings: Settings) -> Chatbot:
    """A chatbot over the shipped reports, without a model."""
    return Chatbot(seed_settings, None)


@pytest.fixture(scope="module")
def browser() -> "Iterator[Browser]":
    """The system's Chromium, headless."""
    path = os.environ.get("CHATBOT_TEST_CHROMIUM") or shutil.which("chromium") or ""
    if not path:
        message = (
            "no Chromium: apt-get install chromium fonts-noto-cjk, or set CHATBOT_TEST_CHROMIUM"
        )
        if os.environ.get("CHATBOT_TEST_REQUIRE_BROWSER"):
            pytest.fail(message)
        pytest.skip(message)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=list(CHROMIUM_FLAGS))
        yield chromium
        chromium.close()
