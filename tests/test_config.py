from pathlib import Path

import pytest

from hotspot import config
from hotspot.errors import ConfigError


def test_without_settings_the_defaults_hold() -> None:
    settings = config.load(None, {})
    assert (settings.http_port, settings.upstream_port) == (8080, 8090)
    assert settings.database == Path("/var/lib/hotspot/hotspot.db")


def test_the_environment_overrides_the_file(tmp_path: Path) -> None:
    file = tmp_path / "hotspot.toml"
    file.write_text('http_port = 81\nname = "Village"\ndata_dir = "/from/file"\n')
    settings = config.load(file, {"HOTSPOT_DATA_DIR": "/from/env", "HOTSPOT_HTTP_HOST": ""})
    assert settings.data_dir == Path("/from/env")
    assert (settings.http_port, settings.name, settings.http_host) == (81, "Village", "0.0.0.0")


def test_lists(tmp_path: Path) -> None:
    file = tmp_path / "hotspot.toml"
    file.write_text('host_names = ["bible.box", " "]\napp_origins = "https://app.example"\n')
    settings = config.load(file, {"HOTSPOT_HOST_NAMES": ""})
    assert (settings.host_names, settings.app_origins) == (("bible.box",), ("https://app.example",))
    settings = config.load(file, {"HOTSPOT_HOST_NAMES": "a.box, b.box"})
    assert settings.host_names == ("a.box", "b.box")
    file.write_text("host_names = 5\n")
    with pytest.raises(ConfigError, match=r"'host_names' .* must be a list of texts"):
        config.load(file, {})


def test_every_mistake_is_reported_at_once(tmp_path: Path) -> None:
    file = tmp_path / "hotspot.toml"
    file.write_text('http_port = "many"\nhtp_host = "0.0.0.0"\n')
    with pytest.raises(ConfigError) as caught:
        config.load(file, {"HOTSPOT_UPSTREAM_URL": "ftp://example.org"})
    problems = caught.value.problems
    assert len(problems) == 3
    assert any("'http_port' in the settings file must be a port" in one for one in problems)
    assert any("'htp_host' in the settings file is not a setting" in one for one in problems)
    assert any("HOTSPOT_UPSTREAM_URL must be a URL" in one for one in problems)


@pytest.mark.parametrize(
    ("text", "says"), [(None, "cannot be read"), ("= 1", "not valid TOML"), ("\udc80", "TOML")]
)
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, text: str | None, says: str) -> None:
    file = tmp_path / "hotspot.toml"
    if text is not None:
        file.write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(ConfigError, match=says) as caught:
        config.load(file, {})
    assert str(file) in str(caught.value)


@pytest.mark.parametrize("value", ["-1", "65536", "80.5", "٣"])
def test_ports_are_ports(value: str) -> None:
    with pytest.raises(ConfigError):
        config.load(None, {"HOTSPOT_HTTP_PORT": value})


def test_a_password_is_not_shown() -> None:
    with pytest.raises(ConfigError) as caught:
        config.load(None, {"HOTSPOT_DATABASE_URL": "mysql://me:secret@host/db"})
    assert "HOTSPOT_DATABASE_URL must be a URL that starts with postgresql://." in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("value", ["http://", "http://[", "host.example:80"])
def test_urls_are_urls(value: str) -> None:
    with pytest.raises(ConfigError, match="HOTSPOT_UPSTREAM_URL must be a URL that starts with"):
        config.load(None, {"HOTSPOT_UPSTREAM_URL": value})


@pytest.mark.parametrize(("value", "means"), [("true", True), ("1", True), ("no", False)])
def test_switches_are_on_or_off(value: str, means: bool) -> None:
    assert config.load(None, {"HOTSPOT_REQUIRE_SIGNATURE": value}).require_signature is means
    with pytest.raises(ConfigError, match="must be true or false"):
        config.load(None, {"HOTSPOT_REQUIRE_SIGNATURE": "perhaps"})
