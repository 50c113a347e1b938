"""What the Dockerfile and compose.yaml say holds of the code; no image is built here."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from chatbot.cli.commands import app
from chatbot.config import PROJECT_ROOT, Settings

DOCKERFILE = (PROJECT_ROOT / "Dockerfile").read_text(encoding="utf-8")
NOT_OURS = {"OPENAI_API_KEY", "OPENAI_BASE_URL", "FORWARDED_ALLOW_IPS"}


@pytest.fixture
def services() -> dict[str, Any]:
    composed = yaml.safe_load((PROJECT_ROOT / "compose.yaml").read_text(encoding="utf-8"))
    found: dict[str, Any] = composed["services"]
    return found


def known_variables() -> set[str]:
    aliases = (field.validation_alias for field in Settings.model_fields.values())
    return {alias for alias in aliases if isinstance(alias, str)} | NOT_OURS


def test_every_variable_set_for_a_page_is_one_it_reads(services: dict[str, Any]) -> None:
    for name in ("page-1", "page-2"):
        assert set(services[name]["environment"]) <= known_variables()
    in_image = set(re.findall(r"\b(CHATBOT_[A-Z_]+)=", DOCKERFILE))
    assert in_image
    assert in_image <= known_variables()


def test_the_pages_differ_in_their_folder_alone(services: dict[str, Any]) -> None:
    one, two = services["page-1"], services["page-2"]
    assert one["environment"] == two["environment"]
    assert one["image"] == two["image"] == services["chroma"]["image"]
    assert one["volumes"] != two["volumes"]


def test_pages_wait_for_their_services_and_are_not_reached_past_the_proxy(
    services: dict[str, Any],
) -> None:
    for name in ("page-1", "page-2"):
        assert {"chroma", "database"} <= set(services[name]["depends_on"])
    assert {name for name, service in services.items() if "ports" in service} == {"proxy"}
    for name in ("chroma", "database"):
        assert services[name]["healthcheck"]["test"]


def test_the_settings_for_a_page_can_be_used(
    services: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {"CHATBOT_DOMAIN": "chat.example.org", "DATABASE_PASSWORD": "secret1"}
    for name, value in services["page-1"]["environment"].items():
        filled = re.sub(r"\$\{(\w+)(?::[-?])?\}", lambda m: given.get(m[1], ""), str(value))
        monkeypatch.setenv(name, filled)
    settings = Settings()
    assert settings.hosts == ("chat.example.org", "page-1", "page-2")
    assert settings.database_url is not None
    assert settings.database_url.get_secret_value().endswith("chatbot:secret1@database/chatbot")
    assert not settings.has_llm


def test_the_image_runs_as_nobody_special_and_asks_after_its_health() -> None:
    stage = DOCKERFILE.split("\nFROM ")[-1]
    assert re.search(r"^USER (?!root|0\b)\w+", stage, re.MULTILINE)
    assert "HEALTHCHECK" in stage
    assert "/healthz" in stage


def test_the_image_is_made_of_what_the_repository_has_and_ignores_all_else() -> None:
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE)
    names = {name for line in copied for name in line.split()}
    ignored = (PROJECT_ROOT / ".dockerignore").read_text(encoding="utf-8").split()
    assert names == {line.removeprefix("!") for line in ignored if line.startswith("!")}
    assert all((PROJECT_ROOT / name).exists() for name in names)


def test_what_the_image_starts_is_a_command_with_these_options() -> None:
    line = re.findall(r'^CMD \["python", "app.py", (.+)\]$', DOCKERFILE, re.MULTILINE)[0]
    options = [word.strip('" ') for word in line.split(",") if word.strip('" ').startswith("--")]
    help_text = CliRunner().invoke(app, ["serve", "--help"]).stdout
    assert options == ["--host", "--port"]
    assert all(option in help_text for option in options)


def test_the_images_lock_is_part_of_the_whole_one() -> None:
    def pins(name: str) -> set[str]:
        text = Path(PROJECT_ROOT, name).read_text(encoding="utf-8")
        return set(re.findall(r"^([a-z0-9-]+==[^ ;\\]+)", text, re.MULTILINE))

    assert pins("requirements-run.lock") < pins("requirements.lock")
