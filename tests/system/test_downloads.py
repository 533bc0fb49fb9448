"""A download at a hotspot, counted, logged, told to the server, and added up there."""

from tests.system.nodes import Hotspot, Upstream, until
from tests.system.phones import API

PACKAGE = "text"


def test_a_download_is_known_to_the_server_after_the_next_session(
    upstream: Upstream, village: Hotspot
) -> None:
    village.settings["HOTSPOT_ACCESS_LOG"] = "true"
    village.start()
    for _ in range(2):
        path = f"{API}/packages/{PACKAGE}/download?key=secret"
        assert village.request("GET", path).status == 200
    (counted,) = village.status()["downloads"]
    assert (counted["packageId"], counted["count"]) == (PACKAGE, 2)

    def known() -> object:
        village.ask("sync")
        return upstream.ask("upstream", "status")["downloads"]

    assert until(known) == [
        {"packageId": PACKAGE, "count": 2, "last30Days": 2, "hotspots": 1},
    ]
    assert "GET /functions/v1/packages/{package_id}/download 200 " in village.said()
    assert "secret" not in village.said()
    assert 'hotspot_upstream_downloads{package="text"} 2\n' in page(upstream)
    assert 'hotspot_downloads_total{package="text"} 2\n' in page(village)


def page(node: Hotspot | Upstream) -> str:
    return node.request("GET", "/metrics").body.decode()
