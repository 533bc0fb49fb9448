"""The server's answer to "is there anything new?": `sync/version-status` over any store."""

from aiohttp import web

from hotspot.errors import NotFound
from hotspot.http.messages import answer
from hotspot.model.version_status import VersionStatusStore, status_of
from hotspot.model.wire import ScopeNamed
from hotspot.syncing.endpoints import checked, instant


def routes(store: VersionStatusStore) -> list[web.RouteDef]:
    """The route to mount."""

    async def version_status(request: web.Request) -> web.StreamResponse:
        """The status of one version for a client that has it up to `lastUpdated`. Needs no token.

        Raises NotFound for a version that is not here.
        """
        named = ScopeNamed(
            text_version_id=request.query.get("textVersionId"),
            audio_version_id=request.query.get("audioVersionId"),
        )
        scope = checked(named.scope)
        since = instant(request.query.get("lastUpdated"), "lastUpdated")
        news = await store.version_news(scope, since)
        if news is None:
            raise NotFound("This version is not here.")
        return await answer(request, status_of(news))

    return [web.get("/functions/v1/sync/version-status", version_status)]
