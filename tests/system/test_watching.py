"""A running hotspot as those see it who watch it from outside."""

from pathlib import Path

from tests.support.packages import text_package, version_id
from tests.system.nodes import Hotspot, Upstream, until
from tests.system.phones import API, Phone, edit, verses


def test_a_running_hotspot_tells_how_syncing_goes(hotspot: Hotspot, tmp_path: Path) -> None:
    hotspot.ask("import", text_package(tmp_path / "made"))
    phone = Phone.pair(hotspot.url, hotspot.ask("devices", "pair")["code"])
    text = version_id("text-text")
    phone.push([edit(verses(hotspot.url, text)[0], "typed here")])
    answer = hotspot.request("GET", f"{API}/sync/health")
    assert (answer.status, answer.json["pending"], answer.json["alerts"]) == (200, 1, [])
    page = hotspot.request("GET", "/metrics")
    assert page.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    lines = page.body.decode().splitlines()
    assert "hotspot_packages 1" in lines
    assert "hotspot_pending_edits 1" in lines
    assert 'hotspot_imports_total{outcome="new"} 1' in lines
    assert "hotspot_wanted_audio 0" in lines
    assert not [line for line in lines if line.startswith("hotspot_upstream_reachable")]
    assert hotspot.part("health")["running"]


def test_whether_the_server_is_reachable_is_a_metric(village: Hotspot) -> None:
    village.start()

    def reachable() -> bool:
        lines = village.request("GET", "/metrics").body.decode().splitlines()
        return "hotspot_upstream_reachable 1" in lines

    until(reachable)


def test_a_hotspot_and_its_server_tell_alike_how_old_a_copy_is(
    upstream: Upstream, village: Hotspot
) -> None:
    village.start()
    path = f"{API}/sync/version-status?textVersionId={version_id('text-text')}"
    ours, theirs = (node.request("GET", path) for node in (village, upstream))
    assert (ours.status, ours.json) == (200, theirs.json)
    assert ours.json["changesSummary"]["verse_texts"]["added"] == 6_000
