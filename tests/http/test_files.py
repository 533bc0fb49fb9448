"""Ranges, entity tags and names, over a real socket."""

import asyncio
import os
import shutil
import socket
import ssl
import subprocess
from collections.abc import Callable
from email import message_from_bytes
from email.policy import HTTP
from hashlib import sha256
from pathlib import Path
from urllib.parse import unquote

import aiohttp
import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from hotspot.http.files import FileSlice, content_disposition, send
from hotspot.http.serving import serve
from tests.http.conftest import Shelf
from tests.http.parts import noise, put, put_audio

BODY = noise(300_000)
ETAG = f'"{sha256(BODY).hexdigest()}"'
DOWNLOAD = "/functions/v1/packages/swh/download"


@pytest.fixture
def download(shelf: Shelf) -> str:
    put(shelf.packages, shelf.folder, "swh", BODY)
    return shelf.url + DOWNLOAD


@pytest.mark.parametrize(
    ("header", "first", "last"),
    [
        ("bytes=0-0", 0, 0),
        ("bytes=0-", 0, 299_999),
        ("bytes=100-199", 100, 199),
        ("bytes=299999-", 299_999, 299_999),
        ("bytes=299000-999999", 299_000, 299_999),
        ("bytes=-1", 299_999, 299_999),
        ("bytes=-500", 299_500, 299_999),
        ("bytes=-999999", 0, 299_999),
    ],
)
async def test_partial(shelf: Shelf, download: str, header: str, first: int, last: int) -> None:
    async with shelf.client.get(download, headers={"Range": header}) as response:
        assert response.status == 206
        assert response.headers["Content-Range"] == f"bytes {first}-{last}/300000"
        assert response.headers["Content-Length"] == str(last - first + 1)
        assert response.headers["ETag"] == ETAG
        assert await response.read() == BODY[first : last + 1]


@pytest.mark.parametrize("header", ["bytes=5-2", "bytes=x", "lines=1-2", "bytes=0-1,9-5"])
async def test_whole(shelf: Shelf, download: str, header: str) -> None:
    async with shelf.client.get(download, headers={"Range": header}) as response:
        assert response.status == 200
        assert "Content-Range" not in response.headers
        assert await response.read() == BODY


@pytest.mark.parametrize("header", ["bytes=300000-", "bytes=300000-300001", "bytes=-0"])
async def test_unsatisfiable(shelf: Shelf, download: str, header: str) -> None:
    async with shelf.client.get(download, headers={"Range": header}) as response:
        assert response.status == 416
        assert response.headers["Content-Range"] == "bytes */300000"
        assert await response.read() == b""
    async with shelf.client.get(download) as response:
        assert response.status == 200


async def test_several_parts(shelf: Shelf, download: str) -> None:
    """Read by the standard library, which knows nothing of how they were written."""
    asked = {"Range": "bytes=1000-1099, 0-9, 50-59, -5, 999999-"}
    async with shelf.client.get(download, headers=asked) as response:
        assert response.status == 206
        assert "Content-Range" not in response.headers
        head = f"Content-Type: {response.headers['Content-Type']}\r\n\r\n".encode()
        body = await response.read()
    assert len(body) == int(response.headers["Content-Length"])
    parts = message_from_bytes(head + body, policy=HTTP).get_payload()
    assert isinstance(parts, list)
    told = [(part["Content-Range"], part.get_payload(decode=True)) for part in parts]
    assert told == [
        ("bytes 1000-1099/300000", BODY[1000:1100]),
        ("bytes 0-59/300000", BODY[:60]),
        ("bytes 299995-299999/300000", BODY[-5:]),
    ]
    assert {part.get_content_type() for part in parts} == {"application/octet-stream"}


async def test_if_range(shelf: Shelf, download: str) -> None:
    asked = {"Range": "bytes=100-199"}
    for tag, status in ((ETAG, 206), (f"W/{ETAG}", 200), ('"other"', 200)):
        async with shelf.client.get(download, headers={**asked, "If-Range": tag}) as response:
            assert response.status == status
            assert len(await response.read()) == (100 if status == 206 else 300_000)


async def test_conditions(shelf: Shelf, download: str) -> None:
    for headers, status in (
        ({"If-None-Match": ETAG}, 304),
        ({"If-None-Match": f'"x", W/{ETAG}'}, 304),
        ({"If-None-Match": "*"}, 304),
        ({"If-None-Match": '"x"'}, 200),
        ({"If-Match": ETAG, "Range": "bytes=0-9"}, 206),
        ({"If-Match": f"W/{ETAG}"}, 412),
        ({"If-Match": '"x"', "Range": "bytes=0-9"}, 412),
    ):
        async with shelf.client.get(download, headers=headers) as response:
            assert (headers, response.status) == (headers, status)
            assert response.headers["ETag"] == ETAG
            assert len(await response.read()) == {200: 300_000, 206: 10}.get(status, 0)


async def test_head_tells_what_get_would(shelf: Shelf, download: str) -> None:
    for headers in ({}, {"If-None-Match": ETAG}):
        async with (
            shelf.client.get(download, headers=headers) as get,
            shelf.client.head(download, headers=headers) as head,
        ):
            assert head.status == get.status
            assert {**head.headers, "Date": ""} == {**get.headers, "Date": ""}
    async with shelf.client.head(download, headers={"Range": "bytes=0-9"}) as response:
        assert response.status == 200


async def test_headers_of_a_download(shelf: Shelf, download: str) -> None:
    async with shelf.client.get(download) as response:
        assert response.headers["Accept-Ranges"] == "bytes"
        assert response.headers["Content-Type"] == "application/octet-stream"
        assert response.headers["Cache-Control"] == "no-cache, no-transform"
        assert "Content-Encoding" not in response.headers
        assert response.content_disposition is not None
        assert response.content_disposition.type == "attachment"
        assert response.content_disposition.filename == "Kiswahili - Krapf (text 1.0.0).bible"


async def test_audio_is_a_slice_of_the_package(shelf: Shelf) -> None:
    stored = put(shelf.packages, shelf.folder, "swh", BODY)
    put_audio(shelf.packages, stored, "one", BODY[1_000:51_000], 1_000)
    url = f"{shelf.url}/functions/v1/media/one"
    async with shelf.client.get(url) as response:
        assert response.content_type == "audio/mpeg"
        assert response.headers["ETag"] == f'"{sha256(BODY[1_000:51_000]).hexdigest()}"'
        assert response.headers["Content-Disposition"].startswith("inline")
        assert await response.read() == BODY[1_000:51_000]
    async with shelf.client.get(url, headers={"Range": "bytes=-10"}) as response:
        assert response.headers["Content-Range"] == "bytes 49990-49999/50000"
        assert await response.read() == BODY[50_990:51_000]


async def test_audio_that_moved_is_found_again(shelf: Shelf) -> None:
    stored = put(shelf.packages, shelf.folder, "swh", BODY)
    url = f"{shelf.url}/functions/v1/media/one"
    async with shelf.client.get(url) as response:
        assert response.status == 404
    for offset in (1_000, 2_000):
        put_audio(shelf.packages, stored, "one", BODY[offset:51_000], offset)
        shelf.packages.revision += 1
        for _ in range(2):
            async with shelf.client.get(url) as response:
                assert await response.read() == BODY[offset:51_000]
    assert shelf.packages.located == 3


async def test_an_empty_file(shelf: Shelf) -> None:
    put(shelf.packages, shelf.folder, "empty", b"")
    url = f"{shelf.url}/functions/v1/packages/empty/download"
    for headers, status in (({}, 200), ({"Range": "bytes=0-"}, 416), ({"Range": "bytes=-5"}, 200)):
        async with shelf.client.get(url, headers=headers) as response:
            assert (response.status, await response.read()) == (status, b"")


async def test_a_file_that_is_gone_or_too_short_is_not_begun(shelf: Shelf) -> None:
    stored = put(shelf.packages, shelf.folder, "swh", BODY)
    path = shelf.folder / stored.file_name
    path.write_bytes(BODY[:-1])
    async with shelf.client.get(shelf.url + DOWNLOAD) as response:
        assert (response.status, (await response.json())["code"]) == (404, "not_found")
    path.unlink()
    async with shelf.client.get(shelf.url + DOWNLOAD) as response:
        assert response.status == 404


@pytest.mark.parametrize(
    "name", ["नेपाली बाइबल", 'ספר "תהלים"', "a/b\\c", "x\r\nSet-Cookie: y", "%41"]
)
def test_names_survive_the_header(name: str) -> None:
    header = content_disposition(name, attachment=True)
    assert header.isascii() and header.isprintable()
    plain, _, extended = header.partition("; filename*=UTF-8''")
    assert plain.count('"') == 2
    saved = unquote(extended)
    assert not set('/\\"\r\n') & set(saved)
    kept = {char for char in name if char.isalpha()}
    assert kept <= set(saved)


@given(st.text(max_size=300))
def test_any_name_makes_a_header(name: str) -> None:
    header = content_disposition(name, attachment=False)
    assert header.isascii() and header.isprintable()
    assert header.startswith('inline; filename="')
    assert len(unquote(header.partition("UTF-8''")[2])) > 0


async def test_curl_resumes(shelf: Shelf, download: str) -> None:
    target = shelf.folder / "curl.bible"
    target.write_bytes(BODY[:123_456])
    command = ("curl", "-sS", "-f", "-C", "-", "-o", str(target), download)
    done = await asyncio.to_thread(subprocess.run, command, check=False)
    assert done.returncode == 0
    assert target.read_bytes() == BODY


async def test_a_receiver_that_leaves_harms_nobody(
    shelf: Shelf, caplog: pytest.LogCaptureFixture
) -> None:
    put(shelf.packages, shelf.folder, "swh", noise(20_000_000))
    for _ in range(5):
        response = await shelf.client.get(shelf.url + DOWNLOAD)
        await response.content.readexactly(1_000)
        response.close()
    await _until(lambda: not _open_packages(shelf.folder))
    async with shelf.client.get(shelf.url + DOWNLOAD) as response:
        assert len(await response.read()) == 20_000_000
    assert caplog.messages == []


async def test_a_receiver_that_takes_nothing_is_dropped(tmp_path: Path) -> None:
    app = _one_file_app(tmp_path / "big", noise(20_000_000))
    async with serve(app, "127.0.0.1", 0, stalled_seconds=1) as port:
        with socket.create_connection(("127.0.0.1", port)) as phone:
            phone.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            await _until(lambda: bool(_open_packages(tmp_path)))
            await _until(lambda: not _open_packages(tmp_path))


async def test_a_file_cut_while_it_is_sent_ends_the_connection(shelf: Shelf) -> None:
    stored = put(shelf.packages, shelf.folder, "swh", noise(20_000_000))
    async with shelf.client.get(shelf.url + DOWNLOAD) as response:
        os.truncate(shelf.folder / stored.file_name, 10_000_000)
        with pytest.raises(aiohttp.ClientPayloadError):
            await response.read()


@pytest.fixture
def tls(tmp_path: Path) -> ssl.SSLContext:
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl, to make a certificate")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-batch"]
    command += ["-subj", "/CN=x", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(command, check=True, capture_output=True)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    return context


async def test_without_sendfile(tmp_path: Path, tls: ssl.SSLContext) -> None:
    """TLS: the kernel cannot send by itself, and the bytes are the same."""
    app = _one_file_app(tmp_path / "big", BODY)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
    url = f"https://127.0.0.1:{runner.addresses[0][1]}/"
    async with aiohttp.ClientSession() as client:
        for headers, expected in (({}, BODY), ({"Range": "bytes=9-99"}, BODY[9:100])):
            async with client.get(url, headers=headers, ssl=False) as response:
                assert await response.read() == expected
    await runner.cleanup()


async def test_fifty_downloads_at_once_take_little_memory(shelf: Shelf) -> None:
    put(shelf.packages, shelf.folder, "swh", noise(20_000_000))
    url = shelf.url + DOWNLOAD
    before = _memory()
    command = ["curl", "-sSfZ", "--parallel-immediate", "-w", "%{size_download}\n"]
    targets = [part for _ in range(50) for part in ("-o", "/dev/null", url)]
    curl = await asyncio.create_subprocess_exec(*command, *targets, stdout=subprocess.PIPE)
    most = before
    finished = asyncio.create_task(curl.communicate())
    while not finished.done():
        most = max(most, _memory())
        await asyncio.wait([finished], timeout=0.02)
    assert finished.result()[0].split() == [b"20000000"] * 50
    assert most - before < 30_000_000


def _one_file_app(path: Path, body: bytes) -> web.Application:
    path.write_bytes(body)
    part = FileSlice(path, 0, len(body), "0" * 64, "application/octet-stream", "x")

    async def handler(request: web.Request) -> web.StreamResponse:
        return await send(request, part)

    app = web.Application()
    app.router.add_get("/", handler)
    return app


def _open_packages(folder: Path) -> list[Path]:
    """The files in `folder` that this process has open."""
    targets = [link.readlink() for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
    return [target for target in targets if target.is_relative_to(folder)]


async def _until(condition: Callable[[], bool]) -> None:
    """Returns once `condition` holds; TimeoutError after half a minute."""
    async with asyncio.timeout(30):
        while True:
            if condition():
                return
            await asyncio.sleep(0.01)


def _memory() -> int:
    """Bytes of memory that this process has."""
    pages = Path("/proc/self/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")
