from hashlib import sha256

import msgspec
import pytest

from hotspot.http.catalogue import file_name
from hotspot.http.standing import KEPT
from hotspot.model.wire import ErrorBody, PackageDetails, PackageList
from tests.http.conftest import Shelf
from tests.http.parts import info, put

PACKAGES = "/functions/v1/packages"


async def _list(shelf: Shelf, query: str = "") -> PackageList:
    async with shelf.client.get(f"{shelf.url}{PACKAGES}{query}") as response:
        assert response.status == 200
        return msgspec.json.decode(await response.read(), type=PackageList)


async def test_the_list_in_pages(shelf: Shelf) -> None:
    empty = PackageList(packages=[], total=0, has_more=False, revision="epoch.1")
    assert await _list(shelf) == empty
    stored = [put(shelf.packages, shelf.folder, f"p{i}", b"%d" % i) for i in range(5)]
    whole = await _list(shelf)
    assert whole.packages == [one.info for one in stored]
    assert (whole.total, whole.has_more, whole.next_offset) == (5, False, None)
    page = await _list(shelf, "?limit=2&offset=2")
    assert page.packages == [one.info for one in stored[2:4]]
    assert (page.total, page.has_more, page.next_offset) == (5, True, 4)
    last = await _list(shelf, "?limit=2&offset=4")
    assert (len(last.packages), last.has_more, last.next_offset) == (1, False, None)


async def test_filters(shelf: Shelf) -> None:
    put(shelf.packages, shelf.folder, "one", b"1", package_type="audio")
    put(shelf.packages, shelf.folder, "two", b"2", language_entity_id="other")
    assert [one.package_id for one in (await _list(shelf, "?packageType=audio")).packages] == [
        "one"
    ]
    other = await _list(shelf, "?languageEntityId=other")
    assert [one.package_id for one in other.packages] == ["two"]


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=1001", "limit=x", "limit=", "limit=٣", "offset=-1", "packageType=x"]
)
async def test_queries_that_mean_nothing(shelf: Shelf, query: str) -> None:
    async with shelf.client.get(f"{shelf.url}{PACKAGES}?{query}") as response:
        assert response.status == 400
        sentence = msgspec.json.decode(await response.read(), type=ErrorBody).message
        assert query.partition("=")[0] in sentence


async def test_one_package_with_its_manifest(shelf: Shelf) -> None:
    manifest = {"packageId": "swh", "unknown": [1.5, None, "é"]}
    stored = put(shelf.packages, shelf.folder, "swh", b"body", manifest)
    async with shelf.client.get(f"{shelf.url}{PACKAGES}/swh") as response:
        body = await response.read()
    details = msgspec.json.decode(body, type=PackageDetails)
    assert msgspec.json.decode(details.manifest) == manifest
    fields = msgspec.json.decode(body)
    del fields["manifest"]
    assert fields == msgspec.to_builtins(stored.info)


@pytest.mark.parametrize("path", ["packages/no", "packages/no/download", "media/no"])
async def test_what_is_not_here(shelf: Shelf, path: str) -> None:
    async with shelf.client.get(f"{shelf.url}/functions/v1/{path}") as response:
        assert response.status == 404
        assert "'no'" in msgspec.json.decode(await response.read(), type=ErrorBody).message


async def test_a_damaged_package_is_listed_and_not_offered(shelf: Shelf) -> None:
    put(shelf.packages, shelf.folder, "swh", b"body", complete=False)
    assert not (await _list(shelf)).packages[0].complete
    async with shelf.client.get(f"{shelf.url}{PACKAGES}/swh/download") as response:
        assert response.status == 404
        assert "damaged" in (await response.json())["message"]


def test_file_names() -> None:
    audio = info("p1", package_type="audio", text_version_name=None, audio_version_name="Sauti")
    assert file_name(audio) == "Kiswahili - Sauti (audio 1.0.0).bible"
    assert "p1" in file_name(info("p1", text_version_name=None))


@pytest.mark.parametrize("path", ["", "?limit=1", "/swh"])
async def test_a_poll_reads_nothing_until_something_changes(shelf: Shelf, path: str) -> None:
    put(shelf.packages, shelf.folder, "swh", b"body")
    url = f"{shelf.url}{PACKAGES}{path}"
    async with shelf.client.get(url) as response:
        tag, old = response.headers["ETag"], await response.read()
    before = shelf.packages.read
    async with shelf.client.get(url, headers={"If-None-Match": tag}) as response:
        assert (response.status, response.headers["ETag"]) == (304, tag)
        assert await response.read() == b""
    assert shelf.packages.read == before
    put(shelf.packages, shelf.folder, "swh", b"other")
    async with shelf.client.get(url, headers={"If-None-Match": tag}) as response:
        assert (response.status, response.headers["ETag"] == tag) == (200, False)
        assert sha256(b"other").hexdigest() in await response.text()
        assert await response.read() != old


async def test_a_kept_answer_is_of_one_address_and_coding(shelf: Shelf) -> None:
    for number in range(30):
        put(shelf.packages, shelf.folder, f"p{number:02}", b"%d" % number)
    url = f"{shelf.url}{PACKAGES}"
    for _ in range(2):
        for query, count in (("", 30), ("?limit=20", 20), ("?packageType=audio", 0)):
            for coding in ("identity", "gzip"):
                async with shelf.client.get(
                    url + query, headers={"Accept-Encoding": coding}
                ) as response:
                    assert response.headers.get("Content-Encoding", "identity") == (
                        coding if count else "identity"
                    )
                    assert len((await response.json())["packages"]) == count
    assert shelf.packages.read == 6


async def test_no_more_answers_are_kept_than_are_asked_for_often(shelf: Shelf) -> None:
    put(shelf.packages, shelf.folder, "swh", b"body")
    for number in range(KEPT + 1):
        await _list(shelf, f"?offset={number}")
    await _list(shelf, f"?offset={KEPT}")
    assert shelf.packages.read == KEPT + 1
    await _list(shelf, "?offset=0")
    assert shelf.packages.read == KEPT + 2


async def test_the_summary(shelf: Shelf) -> None:
    put(shelf.packages, shelf.folder, "swh", b"body", complete=False)
    async with shelf.client.get(f"{shelf.url}/functions/v1/catalogue") as response:
        assert await response.json() == {
            "revision": "epoch.2",
            "packages": 1,
            "incomplete": ["swh"],
            "languages": [],
            "series": [],
        }
