"""Each system's requests in the order in which it sends them, against the running app."""

import re

import pytest

from hotspot.model.portal import REMEMBERED_MS, Expected, Probe
from hotspot.phones import portal
from tests.phones.conftest import Hotspot

ASKED = {
    Probe.ANDROID: "http://connectivitycheck.gstatic.com/generate_204",
    Probe.APPLE: "http://captive.apple.com/hotspot-detect.html",
    Probe.WINDOWS: "http://www.msftconnecttest.com/connecttest.txt",
    Probe.WINDOWS_BEFORE_10: "http://www.msftncsi.com/ncsi.txt",
    Probe.GNOME: "http://nmcheck.gnome.org/check_network_status.txt",
    Probe.FIREFOX: "http://detectportal.firefox.com/success.txt",
    Probe.FIREFOX_PAGE: "http://detectportal.firefox.com/canonical.html",
    Probe.KDE: "http://networkcheck.kde.org/",
}


async def ask(hotspot: Hotspot, url: str) -> tuple[int, str, str]:
    """Status, body, and where it leads, of a URL whose name leads to the hotspot."""
    _, _, host, path = url.split("/", 3)
    async with hotspot.client.get(
        f"{hotspot.url}/{path}", headers={"Host": host}, allow_redirects=False
    ) as response:
        return response.status, await response.text(), response.headers.get("Location", "")


async def enter(hotspot: Hotspot, page: str) -> None:
    """Goes on from the first page as a person does."""
    link = re.search(r'class="button" href="([^"]+)"', page)
    assert link is not None
    assert "Bible packages" in await hotspot.page(link[1])


async def told(hotspot: Hotspot, probe: Probe) -> Expected | None:
    """What the internet's own server would have answered, or None where it is another answer."""
    status, body, _ = await ask(hotspot, ASKED[probe])
    return probe.value if (status, body) == (probe.value.status, probe.value.body) else None


@pytest.mark.parametrize("probe", Probe)
async def test_a_phone_joins_sees_the_page_and_stays(hotspot: Hotspot, probe: Probe) -> None:
    status, _, leads_to = await ask(hotspot, ASKED[probe])
    assert (status, leads_to) == (302, f"{hotspot.url}/welcome")
    page = await hotspot.page("/welcome")
    assert hotspot.url in page
    assert (await told(hotspot, probe) is not None) == (probe is Probe.APPLE)
    await enter(hotspot, page)
    for _ in range(3):
        assert await told(hotspot, probe) == probe.value


async def test_a_phone_that_was_gone_for_long_is_led_to_the_page_again(hotspot: Hotspot) -> None:
    await enter(hotspot, await hotspot.page("/welcome"))
    hotspot.monotonic_ms += REMEMBERED_MS
    assert await told(hotspot, Probe.ANDROID) is not None
    hotspot.monotonic_ms += REMEMBERED_MS + 1
    assert await told(hotspot, Probe.ANDROID) is None


async def test_no_answer_to_a_phone_is_kept_on_its_way(hotspot: Hotspot) -> None:
    async with hotspot.client.get(hotspot.url + "/generate_204", allow_redirects=False) as first:
        assert first.headers["Cache-Control"] == "no-store"
    await enter(hotspot, await hotspot.page("/welcome"))
    async with hotspot.client.get(hotspot.url + "/generate_204") as then:
        assert (then.status, then.headers["Cache-Control"]) == (204, "no-store")


async def test_so_many_phones_are_known(hotspot: Hotspot, monkeypatch: pytest.MonkeyPatch) -> None:
    address = "10.42.0.2"
    monkeypatch.setattr(portal, "_address", lambda _request: address)
    await enter(hotspot, await hotspot.page("/welcome"))
    for number in range(portal.KNOWN - 1):
        address = f"another {number}"
        assert await told(hotspot, Probe.ANDROID) is None
    address = "10.42.0.2"
    assert await told(hotspot, Probe.ANDROID) is not None
    for number in range(portal.KNOWN):
        address = f"a third {number}"
        await told(hotspot, Probe.ANDROID)
    address = "10.42.0.2"
    assert await told(hotspot, Probe.ANDROID) is None


@pytest.mark.parametrize(
    "url", ["http://example.com/news", "http://www.msftconnecttest.com/redirect"]
)
async def test_any_page_of_the_internet_leads_here(hotspot: Hotspot, url: str) -> None:
    assert (await ask(hotspot, url))[::2] == (302, f"{hotspot.url}/welcome")


async def test_what_is_not_here_is_said_to_who_asks_us(hotspot: Hotspot) -> None:
    async with hotspot.client.get(hotspot.url + "/nowhere") as response:
        assert response.status == 404


async def test_only_reading_is_led_elsewhere(hotspot: Hotspot) -> None:
    async with hotspot.client.post(hotspot.url + "/generate_204") as response:
        assert response.status == 404
