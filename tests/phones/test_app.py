import pytest

from tests.http.parts import put
from tests.phones.conftest import Hotspot


async def test_health(hotspot: Hotspot) -> None:
    async with hotspot.client.get(hotspot.url + "/healthz") as response:
        assert (response.status, await response.json()) == (200, {"status": "ok"})
    hotspot.broken = True
    async with hotspot.client.get(hotspot.url + "/healthz") as response:
        assert (response.status, (await response.json())["code"]) == (503, "try_later")


async def test_the_routes_of_other_parts(hotspot: Hotspot) -> None:
    assert await hotspot.page("/extra") == "extra"


@pytest.mark.parametrize(
    "path",
    ["/", "/nowhere", "/functions/v1/packages", "/functions/v1/packages/swh/download", "/healthz"],
)
async def test_no_browser_guesses_types(hotspot: Hotspot, path: str) -> None:
    put(hotspot.packages, hotspot.folder, "swh", b"<script>alert(1)</script>")
    async with hotspot.client.get(hotspot.url + path) as response:
        assert response.headers["X-Content-Type-Options"] == "nosniff"
