"""The settings, read from the environment once and passed down.

Nothing else reads the environment.
"""

import re
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from chatbot.errors import ConfigurationError

PROJECT_ROOT = Path(__file__).resolve().parent.parent
SEEDS = PROJECT_ROOT / "seeds"
PROMPTS = PROJECT_ROOT / "prompts"
_POSTGRESQL = ("postgresql://", "postgresql+psycopg://")
_LEAST_SECRET = 4
# A name or an address, without a scheme, a port or a wildcard.
_HOST = re.compile(r"[\w-]+(\.[\w-]+)*|\[[0-9a-f:.]+\]")


class Settings(BaseSettings):
    """What can be configured; every field is one environment variable (`docs/interface.md`)."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True)

    openai_api_key: SecretStr | None = Field(None, validation_alias="OPENAI_API_KEY")
    openai_base_url: str | None = Field(None, validation_alias="OPENAI_BASE_URL")
    llm: str = Field("gpt-5.4-mini", validation_alias="CHATBOT_LLM")
    llm_timeout: float = Field(60.0, gt=0, validation_alias="CHATBOT_LLM_TIMEOUT")
    llm_context: int = Field(32_000, ge=2_000, validation_alias="CHATBOT_LLM_CONTEXT")
    rerank: Literal["none", "llm"] = Field("none", validation_alias="CHATBOT_RERANK")
    repair: Literal["off", "on"] = Field("off", validation_alias="CHATBOT_REPAIR")
    embedding: str = Field("local", validation_alias="CHATBOT_EMBEDDING")
    embedding_base_url: str | None = Field(None, validation_alias="CHATBOT_EMBEDDING_BASE_URL")
    embedding_api_key: SecretStr | None = Field(None, validation_alias="CHATBOT_EMBEDDING_API_KEY")
    data_dir: Path = Field(PROJECT_ROOT / ".chatbot", validation_alias="CHATBOT_DATA_DIR")
    auth: Path | None = Field(None, validation_alias="CHATBOT_AUTH")
    hosts: Annotated[tuple[str, ...], NoDecode] = Field((), validation_alias="CHATBOT_HOSTS")
    rate: int = Field(120, ge=1, validation_alias="CHATBOT_RATE")
    daily_tokens: int = Field(0, ge=0, validation_alias="CHATBOT_DAILY_TOKENS")
    watch: Path | None = Field(None, validation_alias="CHATBOT_WATCH")
    chroma_url: str | None = Field(None, validation_alias="CHATBOT_CHROMA_URL")
    database_url: SecretStr | None = Field(None, validation_alias="CHATBOT_DATABASE_URL")
    log: Literal["text", "json"] = Field("text", validation_alias="CHATBOT_LOG")
    log_questions: Literal["off", "on"] = Field("off", validation_alias="CHATBOT_LOG_QUESTIONS")
    otlp_endpoint: str | None = Field(None, validation_alias="OTEL_EXPORTER_OTLP_ENDPOINT")

    @field_validator("openai_base_url", "embedding_base_url", "chroma_url", "otlp_endpoint")
    @classmethod
    def _http(cls, url: str | None) -> str | None:
        if url is not None and not url.startswith(("http://", "https://")):
            raise ValueError("must start with http:// or https://")
        return url

    @field_validator("database_url")
    @classmethod
    def _postgresql(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None and not url.get_secret_value().startswith(_POSTGRESQL):
            raise ValueError("must be postgresql://USER:PASSWORD@HOST/DATABASE")
        return url

    @field_validator("hosts", mode="before")
    @classmethod
    def _host_names(cls, names: object) -> object:
        if not isinstance(names, str):
            return names
        hosts = tuple(name.strip().lower() for name in names.split(",") if name.strip())
        if not all(_HOST.fullmatch(host) for host in hosts):
            raise ValueError("must be names such as chat.example.org, with commas between them")
        return hosts

    @field_validator("embedding")
    @classmethod
    def _known_embedding(cls, name: str) -> str:
        kind, _, rest = name.partition(":")
        if name not in {"local", "multilingual"} and not (kind in {"openai", "onnx"} and rest):
            raise ValueError("must be local, multilingual, openai:MODEL or onnx:FOLDER")
        return name

    @property
    def has_llm(self) -> bool:
        """Whether a language model writes the answers: there is a key, or a server of one's own."""
        return self.openai_api_key is not None or self.openai_base_url is not None

    @property
    def key(self) -> str:
        """The key as it is sent, or nothing."""
        return self.openai_api_key.get_secret_value().strip() if self.openai_api_key else ""

    @property
    def of_embedding(self) -> "Settings":
        """The same with the embedding's own server and key, where it has them, for the model's."""
        own = {"openai_base_url": self.embedding_base_url, "openai_api_key": self.embedding_api_key}
        return self.model_copy(update={name: value for name, value in own.items() if value})


@lru_cache(maxsize=8)  # each answer asks for it; a copy with other values has its own
def secrets_of(settings: Settings) -> tuple[str, ...]:
    """What no text that leaves may hold, longest first: the keys, and where things are here."""
    paths = (settings.data_dir, settings.data_dir.resolve(), PROJECT_ROOT)
    keys = (settings.key, settings.of_embedding.key)
    found = {*keys, *(str(path) for path in paths if path.is_absolute())}
    return tuple(sorted((s for s in found if len(s) >= _LEAST_SECRET), key=len, reverse=True))


def load_settings() -> Settings:
    """The settings from the environment.

    Raises:
        ConfigurationError: a variable has a value that cannot be used.
    """
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = first["loc"][0] if first["loc"] else "environment"
        raise ConfigurationError(f"{name}: {first['msg']}; see docs/interface.md") from error
