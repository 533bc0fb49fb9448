"""The guards that other tests rely on do guard."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from blockbuster import BlockingError

from hotspot import config
from tests.conftest import remove_settings
from tests.support import requirements
from tests.support.requirements import needs


@pytest.fixture
def lacking(monkeypatch: pytest.MonkeyPatch) -> str:
    """A part that this machine does not have."""
    monkeypatch.setitem(requirements._PROBES, "nginx", lambda: "it was taken away")
    requirements._lacking.cache_clear()
    return "nginx"


@pytest.fixture(autouse=True)
def forget_probes() -> Iterator[None]:
    requirements._lacking.cache_clear()
    yield
    requirements._lacking.cache_clear()


def test_a_missing_part_skips_with_its_reason(
    lacking: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(requirements.REQUIRE, "udev,loop")
    with pytest.raises(pytest.skip.Exception, match="needs nginx: it was taken away"):
        needs(lacking)


def test_a_missing_part_that_is_required_fails(
    lacking: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(requirements.REQUIRE, f"udev,{lacking}")
    with pytest.raises(pytest.fail.Exception, match="needs nginx: it was taken away"):
        needs(lacking)


async def test_a_blocking_call_of_the_project_on_the_loop_fails(tmp_path: Path) -> None:
    settings = tmp_path / "hotspot.toml"
    settings.write_text("")
    with pytest.raises(BlockingError):
        config.load(settings)


def test_only_the_settings_of_tests_reach_a_test(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOTSPOT_NAME", "from outside")
    monkeypatch.setenv("HOTSPOT_TEST_KEPT", "1")
    remove_settings(monkeypatch)
    assert "HOTSPOT_NAME" not in os.environ
    assert os.environ["HOTSPOT_TEST_KEPT"] == "1"
