"""The table of routes and the routers say the same, and every description stands on its own."""

from collections.abc import AsyncIterator, Iterable
from pathlib import Path

import pytest
from aiohttp import web

from hotspot.clock import wall
from hotspot.config import Config
from hotspot.daemon import open_core, phones_app
from hotspot.model.api import Route
from hotspot.model.openapi import document
from hotspot.model.routes import PHONES, UPSTREAM
from hotspot.upstream import metrics
from hotspot.upstream.app import build_app
from hotspot.upstream.store import PostgresStore


@pytest.fixture
async def phones(tmp_path: Path) -> AsyncIterator[web.Application]:
    async with open_core(Config(data_dir=tmp_path)) as core:
        yield phones_app(core)


def mounted(app: web.Application) -> set[tuple[str, str]]:
    """What a router answers, by method and path; HEAD comes with each GET, and OPTIONS is asked
    by browsers alone."""
    found = set()
    for route in app.router.routes():
        assert route.resource is not None
        method = "GET" if route.method == "*" else route.method
        if method != "HEAD":
            found.add((method, route.resource.canonical))
    return found


def described(routes: Iterable[Route]) -> set[tuple[str, str]]:
    return {route.named for route in routes}


async def test_a_hotspot_answers_what_is_described(phones: web.Application) -> None:
    assert mounted(phones) == described(PHONES)


def test_the_server_answers_what_is_described(tmp_path: Path) -> None:
    pool = object()
    store = PostgresStore.__new__(PostgresStore)
    app = build_app(store, wall(), tmp_path, routes=metrics.routes(pool))
    assert mounted(app) == described(UPSTREAM)


@pytest.mark.parametrize("routes", [PHONES, UPSTREAM])
def test_no_route_is_described_twice(routes: tuple[Route, ...]) -> None:
    assert len(described(routes)) == len(routes)


@pytest.mark.parametrize("routes", [PHONES, UPSTREAM])
def test_every_part_of_a_path_is_a_parameter(routes: tuple[Route, ...]) -> None:
    for route in routes:
        parts = {one.name for one in route.parameters if one.place == "path"}
        assert parts == {part[1:-1] for part in route.path.split("/") if part.startswith("{")}


def test_types_are_told_once_and_referred_to() -> None:
    told = document("Hotspot", "1", PHONES)
    upload = told["paths"]["/functions/v1/sync/upload"]["post"]
    body = upload["requestBody"]["content"]["application/json"]["schema"]
    assert body == {"$ref": "#/components/schemas/UploadRequest"}
    assert "batchId" in told["components"]["schemas"]["UploadRequest"]["properties"]
    assert upload["security"] == [{"token": []}]
    assert upload["responses"]["409"]["content"]["application/json"]["schema"] == {
        "$ref": "#/components/schemas/ErrorBody"
    }
