"""What an operator sees of a hotspot that synced: both are processes."""

from hotspot import __version__
from tests.support.packages import version_id
from tests.system.nodes import Hotspot, Upstream, until
from tests.system.phones import edit, texts, verses
from tests.system.test_syncing_node import paired

TEXT = version_id("text-text")


def test_an_operator_sees_the_hotspot_and_its_session(village: Hotspot, upstream: Upstream) -> None:
    village.start()
    verse = verses(village.url, TEXT)[0]
    paired(village).push([edit(verse, "seen from afar")])
    until(lambda: texts(upstream.url, TEXT).get(verse["recordId"]) == "seen from afar")
    until(lambda: (village.status()["lastSession"] or {}).get("uploaded") == 1)
    assert upstream.stop() == 0
    told = upstream.ask("upstream", "status")
    (box,) = told["hotspots"]
    assert (box["name"], box["behind"], box["failed"]) == ("Village", 0, 0)
    assert box["seenAt"] is not None
    assert box["report"]["version"] == __version__
    assert 0 < box["report"]["diskFreeBytes"] <= box["report"]["diskBytes"]
    assert told["health"]["averageSyncTime"] is not None
    assert told["health"]["failedSyncs"] == 0
    assert {alert["code"] for alert in told["alerts"]} <= {"disk"}, "only this machine's own"
    (device,) = upstream.ask("upstream", "devices")
    assert (device["deviceId"], device["lastSeenAt"]) == (box["deviceId"], box["seenAt"])
