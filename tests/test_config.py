"""The settings: read once from the environment, checked, never changed."""

from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from chatbot.config import PROJECT_ROOT, Settings, load_settings, secrets_of
from chatbot.errors import ConfigurationError


def test_without_an_environment_there_is_no_model_and_all_is_local() -> None:
    settings = load_settings()
    assert not settings.has_llm
    assert settings.embedding == "local"
    assert settings.data_dir == PROJECT_ROOT / ".chatbot"


@pytest.mark.parametrize("name", ["OPENAI_API_KEY", "OPENAI_BASE_URL"])
def test_a_key_or_a_server_turns_the_model_on(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "http://127.0.0.1:1/v1")
    assert load_settings().has_llm


def test_an_empty_variable_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "")
    assert not load_settings().has_llm


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OPENAI_BASE_URL", "localhost:8000"),
        ("CHATBOT_CHROMA_URL", "ftp://x"),
        ("CHATBOT_EMBEDDING", "openai:"),
        ("CHATBOT_EMBEDDING", "bert"),
        ("CHATBOT_LLM_TIMEOUT", "soon"),
        ("CHATBOT_LLM_TIMEOUT", "0"),
        ("CHATBOT_DATABASE_URL", "mysql://chat:secret@db/chat"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318"),
    ],
)
def test_a_value_that_cannot_be_used_is_named_with_its_variable(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError, match=name):
        load_settings()


def test_the_key_shows_nowhere() -> None:
    url = "postgresql://chat:sk-secret@db/chat"
    settings = Settings(OPENAI_API_KEY="sk-secret", CHATBOT_DATABASE_URL=url)
    assert "sk-secret" not in f"{settings!r}{settings.model_dump_json()}"


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValidationError):
        load_settings().data_dir = Path("/")  # type: ignore[misc]


def test_a_copy_with_another_key_holds_that_one_back() -> None:
    settings = Settings(OPENAI_API_KEY="sk-first", CHATBOT_DATA_DIR=Path("/srv/first"))
    assert {"sk-first", "/srv/first"} <= {*secrets_of(settings)}
    other = settings.model_copy(
        update={"openai_api_key": SecretStr("sk-other"), "data_dir": Path("/srv/other")}
    )
    assert {*secrets_of(other)} == {"sk-other", "/srv/other", str(PROJECT_ROOT)}
