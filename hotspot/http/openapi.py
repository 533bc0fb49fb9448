"""`/openapi.json`: the description of all that a server answers."""

from collections.abc import Sequence
from functools import cache

import msgspec
from aiohttp import web

from hotspot import __version__
from hotspot.http.messages import answer_encoded
from hotspot.model.api import Route
from hotspot.model.openapi import document


def routes(title: str, described: Sequence[Route]) -> list[web.RouteDef]:
    """The route to mount. The description is made when somebody asks for it first."""

    @cache
    def encoded() -> bytes:
        return msgspec.json.encode(document(title, __version__, described))

    async def show(request: web.Request) -> web.StreamResponse:
        return await answer_encoded(request, encoded())

    return [web.get("/openapi.json", show)]
