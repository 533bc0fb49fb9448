import re
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotspot.phones.contents import NOTHING, Contents, read_manifest
from hotspot.phones.views import list_page, package_page
from tests.http.parts import info, put, put_audio
from tests.phones.conftest import Hotspot

HOSTILE = "\"><script>alert(1)'&$title"
MANIFEST = {
    "bibleStructure": {"totalBooks": 66, "totalChapters": 1_189, "totalVerses": 31_102},
    "audioFileIndex": [
        {"mediaFileId": "m1", "startVerseId": "1john-3-1", "duration": 61.4},
        {"mediaFileId": "m2", "startVerseId": "1john-4-1", "duration": 59.6},
        {"mediaFileId": "m3", "chapterId": "rev-1", "startVerseId": "rev-1-1"},
    ],
}


class _Page(HTMLParser):
    """The elements of a page, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str, attribute: str) -> list[str | None]:
        return [attributes.get(attribute) for name, attributes in self.elements if name == tag]


async def test_without_packages_it_says_what_to_do(hotspot: Hotspot) -> None:
    page = _Page(await hotspot.page("/"))
    assert "USB stick" in page.text
    assert page.text.strip().startswith("Kijiji & Co")


async def test_the_list(hotspot: Hotspot) -> None:
    put(hotspot.packages, hotspot.folder, "heb", bytes(2_500_000), MANIFEST, language_name="עברית")
    put(hotspot.packages, hotspot.folder, "swh", b"x", complete=False)
    page = _Page(await hotspot.page("/"))
    for text in ("עברית", "Krapf", "2.5 MB", "66 books", "31,102 verses", "damaged"):
        assert text in page.text
    assert "More packages" not in page.text
    links = page.all("a", "href")
    assert "/functions/v1/packages/heb/download" in links
    assert "/functions/v1/packages/swh/download" not in links
    assert "/packages/swh" in links
    for link in links:
        assert link is not None
        async with hotspot.client.get(hotspot.url + link) as response:
            assert response.status == 200


async def test_many_packages_in_pages(hotspot: Hotspot) -> None:
    for number in range(45):
        put(hotspot.packages, hotspot.folder, f"p{number:02}", b"")
    shown, path = [], "/"
    while path:
        links = _Page(await hotspot.page(path)).all("a", "href")
        shown += [link for link in links if link and link.startswith("/packages/")]
        path = next((link for link in links if link and link.startswith("/?")), "")
    assert shown == [f"/packages/p{number:02}" for number in range(45)]


async def test_chapters_are_played_where_they_lie(hotspot: Hotspot) -> None:
    stored = put(hotspot.packages, hotspot.folder, "swh", b"0123456789", MANIFEST)
    for number, media_file_id in enumerate(("m1", "m2", "m3")):
        put_audio(hotspot.packages, stored, media_file_id, b"%d" % number, number)
    page = _Page(await hotspot.page("/packages/swh"))
    sources = page.all("audio", "src")
    assert sources == [f"/functions/v1/media/m{number}" for number in (1, 2, 3)]
    for number, source in enumerate(sources):
        assert await hotspot.page(source or "") == str(number)
    assert page.all("audio", "preload") == ["none"] * 3
    for text in ("1 John 3", "1:01", "1:00", "Revelation 1", "3 audio files"):
        assert text in page.text


async def test_a_package_that_is_not_here(hotspot: Hotspot) -> None:
    async with hotspot.client.get(hotspot.url + "/packages/no") as response:
        assert (response.status, response.content_type) == (404, "text/html")
        assert "not here any more" in await response.text()


async def test_the_policy_allows_the_page_and_nothing_else(hotspot: Hotspot) -> None:
    async with hotspot.client.get(hotspot.url + "/") as response:
        policy = response.headers["Content-Security-Policy"]
        page = await response.text()
    style = re.search("<style>(.*)</style>", page, re.DOTALL)
    assert style is not None
    assert f"'sha256-{b64encode(sha256(style[1].encode()).digest()).decode()}'" in policy
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert " style=" not in page


async def test_hostile_names_are_text(hotspot: Hotspot) -> None:
    names = {"language_name": HOSTILE, "text_version_name": HOSTILE, "package_version": HOSTILE}
    manifest = {"audioFileIndex": [{"mediaFileId": HOSTILE, "startVerseId": HOSTILE + "-1-1"}]}
    put(hotspot.packages, hotspot.folder, HOSTILE, b"", manifest, package_type=HOSTILE, **names)
    for path in ("/", "/packages/" + quote(HOSTILE, safe="")):
        text = await hotspot.page(path)
        page = _Page(text)
        assert "<script" not in text
        assert page.text.count(HOSTILE) >= 4
        assert not any(name.startswith("on") for _, named in page.elements for name in named)


@given(st.text(), st.text(), st.text())
def test_whatever_the_names_the_elements_are_the_same(one: str, two: str, three: str) -> None:
    told = info(one, language_name=two, text_version_name=three)
    plain = info("p", language_name="l", text_version_name="n")
    assert _tags(package_page(told, NOTHING)) == _tags(package_page(plain, NOTHING))
    assert _tags(list_page(two, [(told, NOTHING)], 5)) == _tags(
        list_page("t", [(plain, NOTHING)], 5)
    )


def _tags(page: str) -> list[str]:
    return [tag for tag, _ in _Page(page).elements]


@pytest.mark.parametrize("directed", ["h1", "h2"])
async def test_names_have_their_own_direction(hotspot: Hotspot, directed: str) -> None:
    put(hotspot.packages, hotspot.folder, "heb", b"", text_version_name="תורה")
    assert set(_Page(await hotspot.page("/")).all(directed, "dir")) == {"auto"}


@pytest.mark.parametrize(
    "manifest", [b"", b"\xff", b"[]", b'{"bibleStructure":{"totalBooks":"x"}}']
)
def test_a_manifest_that_says_nothing(manifest: bytes) -> None:
    assert read_manifest(manifest) == NOTHING


def test_a_manifest_without_what_is_optional() -> None:
    assert read_manifest(b"{}") == Contents(0, 0, 0, [])


async def test_what_is_damaged_or_missing_is_said(hotspot: Hotspot) -> None:
    series = {"seriesId": "s", "seriesName": "Bíblia & Co", "partNumber": 1, "totalParts": 3}
    series |= {"missingParts": [2, 3], "missingDependencies": []}
    stored = put(
        hotspot.packages,
        hotspot.folder,
        "part",
        b"x",
        MANIFEST,
        complete=False,
        series_info=series,
    )
    hotspot.packages.damaged["part"] = frozenset({"m1", "m2"})
    put_audio(hotspot.packages, stored, "m2", b"fetched", 0)
    page = _Page(await hotspot.page("/packages/part"))
    note = "This package is part 1 of 3 of Bíblia & Co, of which parts 2 and 3 are not here yet."
    assert note in page.text
    assert note in _Page(await hotspot.page("/")).text
    assert page.all("audio", "src") == ["/functions/v1/media/m2", "/functions/v1/media/m3"]
    assert "1 John 3 (damaged here until a good copy comes)" in page.text
