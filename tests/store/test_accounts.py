"""Users, in a file or in a database, and the command that keeps them."""

import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from chatbot.cli.commands import app
from chatbot.config import Settings
from chatbot.database.opening import open_database
from chatbot.errors import ChatbotError, ConfigurationError
from chatbot.store.accounts import UserFile, Users, UserTable, is_password, read_users, users_of

PASSWORD = "correct horse battery"


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "config" / "users"
    monkeypatch.setenv("CHATBOT_AUTH", str(path))
    return path


@pytest.fixture(params=["file", "postgresql"])
def users(request: pytest.FixtureRequest, file: Path) -> Iterator[Users]:
    """Those of the file, and of a database, which is then what the commands use."""
    if request.param == "file":
        yield UserFile(file)
        return
    url = request.getfixturevalue("database_url")
    request.getfixturevalue("monkeypatch").setenv("CHATBOT_DATABASE_URL", url)
    database = open_database(Settings(CHATBOT_DATABASE_URL=url))
    yield UserTable(database)
    database.dispose()


def run(*words: str, typed: str = "") -> tuple[int, str, str]:
    """Exit status, standard output, and standard error or the error's line."""
    result = CliRunner().invoke(app, ["user", *words], input=typed)
    told = str(result.exception) if isinstance(result.exception, ChatbotError) else result.stderr
    return result.exit_code, result.stdout, told


def test_a_user_is_added_listed_and_removed(users: Users) -> None:
    assert run("add", "li.wei", "--stdin", typed=f"{PASSWORD}\n")[0] == 0
    assert run("add", "anna", "--stdin", typed=f"{PASSWORD}\n")[0] == 0
    assert run("list")[1] == "anna\nli.wei\n"
    assert users.names() == ("anna", "li.wei")
    assert run("remove", "anna")[0] == 0
    assert run("list")[1] == "li.wei\n"
    assert "no user 'anna'" in run("remove", "anna")[2]


def test_the_file_holds_hashes_that_its_owner_alone_can_read(file: Path) -> None:
    run("add", "anna", "--stdin", typed=f"{PASSWORD}\n")
    text = file.read_text(encoding="utf-8")
    assert text.startswith("anna:$argon2id$")
    assert PASSWORD not in text
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in file.parent.iterdir() if "lock" not in path.name] == ["users"]


def test_a_password_is_asked_for_twice_and_shown_nowhere(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter([PASSWORD, PASSWORD, PASSWORD, PASSWORD + "!"])
    monkeypatch.setattr("getpass.getpass", lambda _prompt: next(answers))
    status, shown, told = run("add", "anna")
    assert (status, PASSWORD in shown + told) == (0, False)
    status, shown, told = run("add", "bob")
    assert status == 1
    assert "not the same" in told
    assert PASSWORD not in shown + told
    assert list(read_users(file)) == ["anna"]


@pytest.mark.parametrize("name", ["", "a b", "a:b", "local", "x" * 65, "a/b", "a\nb"])
def test_a_name_that_could_be_taken_for_something_else_is_refused(users: Users, name: str) -> None:
    with pytest.raises(ChatbotError, match="cannot be a user's name"):
        users.add(name, PASSWORD)


def test_a_short_password_is_refused_without_being_repeated(users: Users) -> None:
    with pytest.raises(ChatbotError) as refused:
        users.add("anna", "short-one")
    assert "9 characters; use 12" in str(refused.value)
    assert "short-one" not in str(refused.value)


def test_without_a_file_the_command_says_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CHATBOT_AUTH", raising=False)
    assert "CHATBOT_AUTH: not set" in run("list")[2]


@pytest.mark.parametrize("line", ["anna", "anna:secret", "anna:$2b$12$abc", ":$argon2id$", "a b:c"])
def test_a_malformed_line_is_named_by_its_number_and_not_repeated(file: Path, line: str) -> None:
    UserFile(file).add("bob", PASSWORD)
    file.write_text(file.read_text() + line + "\n")
    if line.startswith(":"):
        assert list(read_users(file)) == ["bob"]
        return
    with pytest.raises(ConfigurationError, match=r"users:2 is no NAME:HASH") as refused:
        read_users(file)
    assert "secret" not in str(refused.value)


def test_a_file_that_is_not_text_is_one_line_of_error(file: Path) -> None:
    file.parent.mkdir()
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read_users(file)


def test_the_right_password_alone_is_right(users: Users) -> None:
    users.add(" anna ", PASSWORD)
    kept = users.hash_of("anna")
    assert is_password(kept, PASSWORD)
    assert not is_password(kept, PASSWORD + " ")
    assert not is_password(kept, "")
    assert not is_password(users.hash_of("bob"), PASSWORD)
    assert not is_password(None, "")


def test_a_name_is_one_however_its_accents_are_written(users: Users) -> None:
    assert users.add("rene\u0301", PASSWORD)
    assert is_password(users.hash_of("ren\u00e9"), PASSWORD)
    assert not users.add("ren\u00e9", PASSWORD + "!")
    users.remove("rene\u0301")
    assert users.names() == ()


def test_who_was_added_or_removed_elsewhere_is_known_at_once(
    users: Users, monkeypatch: pytest.MonkeyPatch
) -> None:
    users.add("anna", PASSWORD)
    before = users.hash_of("anna")
    run("add", "bob", "--stdin", typed=f"{PASSWORD}\n")
    run("add", "anna", "--stdin", typed=f"{PASSWORD}!\n")
    assert users.names() == ("anna", "bob")
    assert users.hash_of("anna") != before
    run("remove", "anna")
    assert users.hash_of("anna") is None


def test_a_database_holds_the_users_where_both_are_set(users: Users, file: Path) -> None:
    if isinstance(users, UserFile):
        return
    file.parent.mkdir()
    file.write_text("")
    run("add", "anna", "--stdin", typed=f"{PASSWORD}\n")
    assert file.read_text() == ""
    settings = Settings()
    database = open_database(settings)
    kept = users_of(settings, database)
    assert kept is not None
    assert kept.names() == ("anna",)
    database.dispose()


def test_a_folder_that_cannot_be_made_is_one_line_of_error(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(ChatbotError, match="cannot be written"):
        UserFile(tmp_path / "taken" / "users").add("anna", PASSWORD)
