"""How the service is: `/healthz`, `/metrics`, and the id of each request."""

import json
import re
import shutil
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import Engine

from chatbot.bot import Chatbot
from chatbot.config import PROJECT_ROOT, Settings
from chatbot.database.opening import open_database
from chatbot.llm.budget import Price
from chatbot.store.accounts import UserFile
from chatbot.telemetry.logs import configure_logging
from chatbot.web.auth import SignIn
from chatbot.web.gate import Access
from chatbot.web.health import Check, Health, Metrics, health_of
from tests.answering.test_instrumentation import QUESTION, BrokenModel
from tests.web.conftest import serving
from tests.web.test_gate import served

BASIC = ("anna", "correct horse battery")
WELL = {"ok": True, "checks": {"index": "ok", "database": "ok", "chroma": "ok"}}


@pytest.fixture
def database(seed_copy: Settings) -> Iterator[Engine]:
    engine = open_database(seed_copy)
    yield engine
    engine.dispose()


@pytest.fixture
def vitals(seed_copy: Settings, database: Engine) -> Health:
    metrics = Metrics(CollectorRegistry())
    return health_of(Chatbot(seed_copy, None, [metrics]), database, metrics)


def access(vitals: Health, sign_in: SignIn | None = None) -> Access:
    ours = {"open_routes": vitals.open_routes, "routes": vitals.routes}
    return replace(Access(sign_in=sign_in), **ours)


@pytest.fixture
def url(vitals: Health) -> Iterator[str]:
    with served(access(vitals)) as address:
        yield address


def test_all_is_well(url: str) -> None:
    answer = httpx.get(f"{url}/healthz")
    assert (answer.status_code, answer.json()) == (200, WELL)


@pytest.mark.parametrize("part", ["chroma", "index"])
def test_what_is_gone_is_named_and_nothing_more(
    url: str, seed_copy: Settings, part: str, caplog: pytest.LogCaptureFixture
) -> None:
    gone = {"chroma": next(seed_copy.data_dir.glob("chroma*")), "index": seed_copy.data_dir}[part]
    if part == "index":
        (gone / "manifest.json").unlink()
    else:
        shutil.rmtree(gone)
    answer = httpx.get(f"{url}/healthz")
    assert answer.status_code == 503
    assert answer.json() == {"ok": False, "checks": WELL["checks"] | {part: "fail"}}
    assert str(seed_copy.data_dir) not in answer.text
    assert f"{part} is not well: " in caplog.text


def test_a_database_that_does_not_answer_is_named(
    seed_copy: Settings, database: Engine, tmp_path: Path
) -> None:
    metrics = Metrics(CollectorRegistry())
    vitals = health_of(Chatbot(seed_copy, None), database, metrics)
    database.dispose()
    for file in seed_copy.data_dir.glob("conversations.sqlite3*"):
        file.unlink()
    (seed_copy.data_dir / "conversations.sqlite3").mkdir()
    with served(access(vitals)) as address:
        found = httpx.get(f"{address}/healthz").json()
    assert found == {"ok": False, "checks": WELL["checks"] | {"database": "fail"}}


def test_a_part_that_hangs_is_not_well_and_holds_nothing_up() -> None:
    hanging = threading.Event()
    checks: dict[str, Check] = {"index": lambda: None, "chroma": hanging.wait}
    vitals = Health(checks, Metrics(CollectorRegistry()), seconds=0.2)
    with served(access(vitals)) as address:
        for _ in range(8):  # more than there are threads for
            assert httpx.get(f"{address}/healthz").status_code == 503
        hanging.set()
        # Well again once the threads that hung have ended.
        assert any(httpx.get(f"{address}/healthz").json()["ok"] for _ in range(50))


def test_metrics_are_in_prometheus_format_and_know_the_index(url: str, seed_copy: Settings) -> None:
    answer = httpx.get(f"{url}/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    found = {
        sample.name: sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }
    bot = Chatbot(seed_copy, None)
    assert found["chatbot_index_generation"] == bot.index.manifest.generation
    assert found["chatbot_index_papers"] == 138


def test_the_metrics_are_those_of_the_documentation(vitals: Health) -> None:
    priced = Metrics(CollectorRegistry(), Price(1.0, 1.0)).text() + vitals.metrics.text()
    families = text_string_to_metric_families(priced.decode())
    ours = [f for f in families if f.name[:3] == "cha" and not f.name.endswith("_created")]
    kept = {family.name + "_total" * (family.type == "counter") for family in ours}
    documented = (PROJECT_ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    table = documented.partition("| metric | labels |")[2].partition("```")[0]
    assert set(re.findall(r"`(chatbot_\w+)`", table)) == kept


def test_metrics_need_a_sign_in_where_users_are_set_up_and_healthz_does_not(
    vitals: Health, database: Engine, tmp_path: Path
) -> None:
    UserFile(tmp_path / "users").add(*BASIC)
    sign_in = SignIn(UserFile(tmp_path / "users"), database)
    with served(access(vitals, sign_in)) as address:
        assert httpx.get(f"{address}/healthz").status_code == 200
        assert httpx.get(f"{address}/metrics").status_code == 401
        assert httpx.get(f"{address}/metrics", auth=BASIC).status_code == 200


@pytest.mark.parametrize("path", ["/healthz", "/metrics"])
def test_both_are_read_only_and_for_our_own_names(url: str, path: str) -> None:
    assert httpx.post(url + path).status_code == 405
    assert httpx.get(url + path, headers={"host": "evil.example"}).status_code == 400
    assert httpx.get(url + path, headers={"origin": "https://evil.example"}).status_code == 403


# Request ids


def test_each_response_has_an_id_of_its_own(url: str) -> None:
    ids = [httpx.get(url + path).headers["x-request-id"] for path in ("/", "/nothing", "/healthz")]
    assert len(set(ids)) == 3
    assert all(re.fullmatch("[0-9a-f]{32}", each) for each in ids)


def test_the_id_a_request_brings_is_kept(url: str) -> None:
    answer = httpx.get(url, headers={"x-request-id": "proxy-1.2:3_4"})
    assert answer.headers["x-request-id"] == "proxy-1.2:3_4"


@pytest.mark.parametrize("given", ["", "x" * 65, "a b", "<b>", 'a"b', "é".encode(), "a;b"])
def test_an_id_that_could_upset_a_log_is_not_taken_over(url: str, given: str | bytes) -> None:
    answer = httpx.get(url, headers={"x-request-id": given})
    assert re.fullmatch("[0-9a-f]{32}", answer.headers["x-request-id"])


def test_a_refused_request_has_an_id_too(url: str) -> None:
    answer = httpx.get(url, headers={"host": "evil.example", "x-request-id": "mine"})
    assert (answer.status_code, answer.headers["x-request-id"]) == (400, "mine")


@pytest.mark.usefixtures("logging_restored")
def test_a_failure_is_logged_under_the_id_its_response_had(
    seed_settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging("json", questions=False)
    with serving(Chatbot(seed_settings, BrokenModel()), tmp_path) as address:
        asked = {"data": [QUESTION, [], [], [], []]}
        answer = httpx.post(f"{address}/gradio_api/run/ask", json=asked, timeout=60)
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines() if line[:1] == "{"]
    (failed,) = [line for line in lines if line["event"] == "a call of ask failed"]
    assert failed["request_id"] == answer.headers["x-request-id"]
    assert failed["error"] == "LookupError"
    assert QUESTION not in json.dumps(lines, ensure_ascii=False)
