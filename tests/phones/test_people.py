"""Errors, as people and as programs see them."""

import pytest

from tests.phones.conftest import Hotspot

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


@pytest.mark.parametrize("path", ["/nowhere", "/functions/v1/packages/no/download", "/?offset=x"])
async def test_a_person_sees_a_page(hotspot: Hotspot, path: str) -> None:
    async with hotspot.client.get(hotspot.url + path) as told:
        sentence = (await told.json())["message"]
    async with hotspot.client.get(hotspot.url + path, headers={"Accept": BROWSER}) as response:
        assert (response.status, response.content_type) == (told.status, "text/html")
        assert "Content-Security-Policy" in response.headers
        assert "X-Request-ID" in response.headers
        page = await response.text()
    assert sentence.replace("'", "&#x27;") in page
    assert 'href="/"' in page


async def test_what_is_there_is_the_same_for_both(hotspot: Hotspot) -> None:
    path = hotspot.url + "/functions/v1/packages"
    async with hotspot.client.get(path, headers={"Accept": BROWSER}) as response:
        assert response.content_type == "application/json"
