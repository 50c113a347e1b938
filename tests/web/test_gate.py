"""The gate, before an application that says hello: sign-in, other sites, uploads, headers."""

import contextlib
import http.client
import re
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import uvicorn
from sqlalchemy import Engine
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from chatbot.config import Settings
from chatbot.database.opening import open_database
from chatbot.guardrails.limits import LARGEST_REPORT, MOST_UPLOADS, Allowance, RateLimiter
from chatbot.store.accounts import UserFile
from chatbot.web.app import free_port
from chatbot.web.auth import SignIn, user_of
from chatbot.web.gate import LOOPBACK, Access, gated
from tests.web.conftest import FIRST_PORT

PASSWORD = "correct horse battery"
ANNA = {"username": "anna", "password": PASSWORD}
HTML = {"accept": "text/html,*/*"}


async def hello(scope: Scope, receive: Receive, send: Send) -> None:
    """Says who is there and how much they sent."""
    if scope["type"] != "http":
        return
    request = Request(scope, receive)
    body = await request.body()
    headers = {"access-control-allow-origin": "*", "access-control-allow-credentials": "true"}
    text = f"{user_of(request)} {len(body)}"
    await PlainTextResponse(text, headers=headers)(scope, receive, send)


@contextlib.contextmanager
def served(access: Access) -> Iterator[str]:
    port = free_port("127.0.0.1", FIRST_PORT + 50)
    config = uvicorn.Config(gated(hello, access), port=port, log_level="error", lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    url = f"http://127.0.0.1:{port}"
    transport = httpx.HTTPTransport(retries=20)
    with httpx.Client(transport=transport) as client:
        client.get(url)
    try:
        yield url
    finally:
        server.should_exit = True
        thread.join()


class Clock:
    """A clock that a test moves."""

    now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="module")
def anna(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("users") / "users"
    UserFile(file).add("anna", PASSWORD)
    return file


@pytest.fixture
def users(anna: Path, tmp_path: Path) -> Path:
    return shutil.copy(anna, tmp_path / "users")


@pytest.fixture
def database(settings: Settings) -> Iterator[Engine]:
    engine = open_database(settings)
    yield engine
    engine.dispose()


@pytest.fixture
def url(users: Path, database: Engine, clock: Clock) -> Iterator[str]:
    sign_in = SignIn(
        UserFile(users), database, by_address=Allowance(7, 10.0), limiter=RateLimiter(clock)
    )
    with served(Access((*LOOPBACK, "chat.example.org"), sign_in)) as address:
        yield address


@pytest.fixture(scope="module")
def open_url() -> Iterator[str]:
    with served(Access()) as address:
        yield address


@contextlib.contextmanager
def signed_in(url: str, **form: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=url) as client:
        client.post("/login", data=ANNA | form).raise_for_status()
        yield client


def test_a_browser_is_led_to_the_sign_in_and_from_there_to_where_it_wanted(url: str) -> None:
    with httpx.Client(base_url=url, headers=HTML) as client:
        led = client.get("/?chat=abc&q=%E9%97%AE")
        assert (led.status_code, led.headers["location"]) == (303, "/login?chat=abc&q=%E9%97%AE")
        page = client.get(led.headers["location"])
        assert 'action="/login?chat=abc&amp;q=%E9%97%AE"' in page.text
        back = client.post(led.headers["location"], data=ANNA)
        assert (back.status_code, back.headers["location"]) == (303, "/?chat=abc&q=%E9%97%AE")
        assert client.get("/").text == "anna 0"


def test_the_sign_in_is_in_the_visitors_language(url: str) -> None:
    for language, words in (("zh-CN", ("密码", "不对")), ("en", ("Password", "not right"))):
        headers = HTML | {"accept-language": language}
        assert words[0] in httpx.get(f"{url}/login", headers=headers).text
        form = {"username": "anna", "password": "wrong"}
        refused = httpx.post(f"{url}/login", headers=headers, data=form)
        assert refused.status_code == 401
        assert words[1] in refused.text


@pytest.mark.parametrize(
    "path",
    [
        *("/", "/config", "/theme.css", "/assets/x.js", "/gradio_api/info", "/gradio_api/mcp/"),
        *("/gradio_api/run/ask", "/gradio_api/queue/join", "/gradio_api/upload", "/nothing"),
        *("/gradio_api/heartbeat/x", "/login/x", "/logout", "/gradio_api/startup-events"),
    ],
)
def test_without_a_sign_in_nothing_answers(url: str, path: str) -> None:
    for method in ("GET", "POST", "DELETE", "OPTIONS"):
        if (method, path) == ("POST", "/logout"):
            continue
        answer = httpx.request(method, url + path, cookies={"chatbot-session": "x" * 43})
        assert (method, answer.status_code) == (method, 401)
        assert "None" not in answer.text


def test_the_cookie_is_not_for_scripts_nor_for_other_sites_forms(url: str) -> None:
    plain = httpx.post(f"{url}/login", data=ANNA).headers["set-cookie"]
    assert re.match(r"chatbot-session=[\w-]{43};", plain)
    assert {"HttpOnly", "SameSite=lax", "Path=/"} <= set(plain.split("; "))
    proxied = {"x-forwarded-proto": "https"}
    secure = httpx.post(f"{url}/login", data=ANNA, headers=proxied).headers["set-cookie"]
    assert secure.startswith("__Host-chatbot-session=")
    assert "Secure" in secure.split("; ")


def test_signing_out_ends_the_session_and_not_only_the_cookie(url: str) -> None:
    with signed_in(url) as client:
        kept = dict(client.cookies)
        assert client.get("/").text == "anna 0"
        assert client.post("/logout").headers["location"] == "/login"
    assert httpx.get(url, cookies=kept).status_code == 401


def test_another_password_and_being_removed_end_all_sessions(url: str, users: Path) -> None:
    with signed_in(url) as client:
        UserFile(users).add("anna", PASSWORD + "2")
        assert client.get("/").status_code == 401
    with signed_in(url, password=PASSWORD + "2") as client:
        assert client.get("/").text == "anna 0"
        UserFile(users).remove("anna")
        assert client.get("/").status_code == 401


def test_a_session_outlives_the_server_and_its_token_is_kept_nowhere(
    users: Path, database: Engine, settings: Settings
) -> None:
    access = Access(LOOPBACK, SignIn(UserFile(users), database))
    with served(access) as url, signed_in(url) as client:
        cookies = dict(client.cookies)
    with served(Access(LOOPBACK, SignIn(UserFile(users), database))) as url:
        assert httpx.get(url, cookies=cookies).text == "anna 0"
    token = cookies["chatbot-session"].encode()
    for file in settings.data_dir.iterdir():
        assert token not in file.read_bytes()


def test_a_program_may_send_name_and_password_instead(url: str) -> None:
    assert httpx.get(f"{url}/gradio_api/info", auth=("anna", PASSWORD)).text == "anna 0"
    for wrong in (("anna", "x"), ("bob", PASSWORD)):
        assert httpx.get(f"{url}/gradio_api/info", auth=wrong).status_code == 401
    for garbled in ("Basic", "Basic !", "Basic YQ==", "Bearer x", "Basic /w=="):
        headers = {"authorization": garbled}
        assert httpx.get(f"{url}/gradio_api/info", headers=headers).status_code == 401


def attempt(url: str, name: str, password: str = "", address: str = "192.0.2.1") -> int:
    headers = {"x-forwarded-for": address}
    form = {"username": name, "password": password}
    return httpx.post(f"{url}/login", data=form, headers=headers).status_code


@pytest.mark.parametrize("name", ["anna", "nobody"])
def test_after_five_wrong_passwords_a_name_waits_whoever_it_is_and_wherever_from(
    url: str, clock: Clock, name: str
) -> None:
    assert [attempt(url, name, address=f"192.0.2.{n}") for n in range(6)] == [401] * 5 + [429]
    form = {"username": name, "password": PASSWORD}
    told = httpx.post(f"{url}/login", data=form, headers={"accept-language": "en"})
    assert told.headers["retry-after"] == "30"
    assert told.json()["detail"] == "Too many attempts; try again in 30 seconds."
    chinese = httpx.post(f"{url}/login", data=form, headers=HTML)
    assert "请 30 秒后再试" in chinese.text
    clock.now += 30
    assert attempt(url, name, PASSWORD) == (200 if name == "anna" else 401)


def test_after_some_more_an_address_waits_whatever_names_it_tries(url: str) -> None:
    assert [attempt(url, f"name{n}") for n in range(8)] == [401] * 7 + [429]
    assert attempt(url, "anna", PASSWORD) == 429
    assert attempt(url, "anna", PASSWORD, "192.0.2.2") == 200


def test_an_address_of_ipv6_is_its_whole_network(url: str) -> None:
    tried = [attempt(url, f"name{n}", address=f"2001:db8::{n:x}") for n in range(8)]
    assert tried == [401] * 7 + [429]


def test_right_passwords_are_not_counted(url: str) -> None:
    assert [attempt(url, "anna", PASSWORD) for _ in range(9)] == [200] * 9


def test_a_form_longer_than_any_sign_in_is_not_read(url: str) -> None:
    assert attempt(url, "anna", "x" * 100_000) == 401


def test_a_damaged_file_of_users_lets_nobody_in_and_tells_why_in_the_log_alone(
    url: str, users: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with signed_in(url) as client:
        users.write_text("anna:not a hash\n")
        refused = client.get("/")
    assert refused.status_code == 503
    assert "users" not in refused.text
    assert "users:1 is no NAME:HASH" in caplog.text


def test_no_password_is_logged(url: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("DEBUG"):
        attempt(url, "my-password-typed-as-a-name", "my-password-typed-wrong")
        attempt(url, "anna", PASSWORD)
    assert "a sign-in from 192.0.2.1 was refused" in caplog.text
    for secret in ("typed-as-a-name", "typed-wrong", PASSWORD):
        assert secret not in caplog.text


# Other sites


@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
def test_a_page_of_another_site_gets_nothing(open_url: str, method: str) -> None:
    port = open_url.rpartition(":")[2]
    others = ("https://evil.example", "null", "http://127.0.0.1:1", "http://localhost", "file://")
    for origin in (*others, f"http://127.0.0.1.evil.example:{port}"):
        headers = {"origin": origin, "access-control-request-method": "POST"}
        answer = httpx.request(method, f"{open_url}/gradio_api/queue/join", headers=headers)
        assert (origin, answer.status_code) == (origin, 403)
        assert not [name for name in answer.headers if name.startswith("access-control")]


def test_the_page_itself_and_programs_are_answered(open_url: str) -> None:
    for headers in ({"origin": open_url}, {}, {"sec-fetch-site": "same-origin"}):
        answer = httpx.post(f"{open_url}/gradio_api/queue/join", headers=headers)
        assert answer.text == "None 0"
        assert not [name for name in answer.headers if name.startswith("access-control")]


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_link_from_another_site_is_followed_and_nothing_is_embedded(
    open_url: str, site: str
) -> None:
    def status(mode: str, method: str = "GET") -> int:
        headers = {"sec-fetch-site": site, "sec-fetch-mode": mode}
        return httpx.request(method, open_url, headers=headers).status_code

    assert status("navigate") == 200
    assert [status("no-cors"), status("cors"), status("navigate", "POST")] == [403] * 3


def test_a_published_name_is_answered_to_and_no_other(url: str) -> None:
    for host, status in (("chat.example.org", 200), ("chat.example.org.evil.example", 400)):
        headers = {"host": host, "accept": "text/html"}
        assert httpx.get(f"{url}/login", headers=headers).status_code == status


@pytest.mark.parametrize("path", ["/", "/login", "/nothing", "/gradio_api/info"])
def test_every_response_says_what_browsers_may_do_with_it(url: str, path: str) -> None:
    headers = httpx.get(url + path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "http" not in policy
    assert "*" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert headers["cache-control"] == "no-store"


# What the page does not use


@pytest.mark.parametrize(
    "path",
    [
        *("file=/etc/passwd", "file=../../etc/passwd", "file=%2e%2e/%2e%2e/etc/passwd"),
        *("file%3d/etc/passwd", "file=/proc/self/environ", "file=.env", "file=http://127.0.0.1/"),
        *("file/etc/passwd", "proxy=http://127.0.0.1/", "deep_link", "dev/reload", "token"),
        *("stream/x/1/2/playlist.m3u8", "custom_component/a/b/c/d", "vibe-code", "runs", "user"),
        *(
            "component_server",
            "process_recording",
            "profiling/traces",
            "startup-events",
            "call",
            "run/",
            "",
        ),
    ],
)
def test_gradios_other_routes_are_closed(open_url: str, path: str) -> None:
    for method in ("GET", "POST", "HEAD"):
        connection = http.client.HTTPConnection(open_url.removeprefix("http://"))
        connection.request(method, f"/gradio_api/{path}")
        assert (method, connection.getresponse().status) == (method, 404)
        connection.close()


# Uploads


def upload(url: str, *files: tuple[str, bytes], path: str = "/gradio_api/upload") -> httpx.Response:
    parts = [("files", (name, data)) for name, data in files]
    return httpx.post(url + path, files=parts, timeout=60)


@pytest.mark.parametrize("name", ["report.txt", "日报.md", "REPORT.TXT", "../../etc/x.txt"])
def test_a_report_reaches_the_page_as_it_was_sent(open_url: str, name: str) -> None:
    answer = upload(open_url, (name, b"x" * 200_000))
    assert answer.status_code == 200
    assert 200_000 < int(answer.text.split()[1]) < 201_000


@pytest.mark.parametrize(
    "name", ["x.html", "x.pdf", "x.txt.exe", "x", ".txt/..", "x.svg", "x.txt\x00.html", "txt"]
)
def test_another_file_is_refused_alone_and_beside_a_report(open_url: str, name: str) -> None:
    for files in ([(name, b"x")], [("a.txt", b"x"), (name, b"x")]):
        answer = upload(open_url, *files)
        assert answer.status_code == 415
        assert answer.text == "only .txt, .md, .markdown files may be uploaded"


def test_a_part_without_a_files_name_is_refused(open_url: str) -> None:
    body = b'--b\r\nContent-Disposition: form-data; name="files"\r\n\r\nx\r\n--b--\r\n'
    headers = {"content-type": "multipart/form-data; boundary=b"}
    answer = httpx.post(f"{open_url}/gradio_api/upload", content=body, headers=headers)
    assert answer.status_code == 415


@pytest.mark.parametrize("kind", ["text/plain", "multipart/form-data", ""])
def test_what_is_no_upload_is_refused(open_url: str, kind: str) -> None:
    headers = {"content-type": kind}
    answer = httpx.post(f"{open_url}/gradio_api/upload", content=b"x", headers=headers)
    assert answer.status_code == 400


def test_too_many_files_or_too_large_ones_are_refused_before_all_of_it_came(open_url: str) -> None:
    many = [(f"{n}.txt", b"x") for n in range(2 * MOST_UPLOADS + 1)]
    assert upload(open_url, *many).status_code == 413

    def endless() -> Iterator[bytes]:
        yield b'--b\r\nContent-Disposition: form-data; name="f"; filename="a.txt"\r\n\r\n'
        for _ in range(MOST_UPLOADS + 1):
            yield b"x" * LARGEST_REPORT

    headers = {"content-type": "multipart/form-data; boundary=b"}
    with contextlib.suppress(httpx.WriteError):
        where = f"{open_url}/gradio_api/upload"
        answer = httpx.post(where, content=endless(), headers=headers, timeout=60)
        assert answer.status_code == 413
