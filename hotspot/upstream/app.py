"""The upstream's HTTP app."""

from collections.abc import Iterable
from pathlib import Path

from aiohttp import web

from hotspot.clock import Clock
from hotspot.http import media, openapi, rest
from hotspot.http.errors import error_middleware
from hotspot.http.messages import MAX_BODY
from hotspot.http.origins import open_to_every_origin
from hotspot.http.rates import limit_rates
from hotspot.model.fleet import Visits
from hotspot.model.routes import UPSTREAM
from hotspot.syncing import version_status
from hotspot.syncing.digests import DigestEndpoint
from hotspot.syncing.endpoints import SyncEndpoints
from hotspot.upstream.store import PostgresStore


def build_app(
    store: PostgresStore,
    clock: Clock,
    folder: Path,
    visits: Visits | None = None,
    routes: Iterable[web.RouteDef] = (),
) -> web.Application:
    """Answers the sync protocol, and `/healthz` while the database answers.

    `folder`: where the files of loaded packages lie, for their audio. `visits`: where it is kept
    who came. `routes`: what else the app answers.
    """

    async def healthz(_request: web.Request) -> web.Response:
        await store.ping()
        return web.json_response({"status": "ok"})

    app = web.Application(middlewares=[error_middleware(clock)], client_max_size=MAX_BODY)
    open_to_every_origin(app)
    limit_rates(app, clock)
    app.add_routes([web.get("/healthz", healthz), *media.routes(store, folder)])
    app.add_routes(SyncEndpoints(store, store, clock, visits).routes())
    app.add_routes(DigestEndpoint(store, clock).routes())
    app.add_routes(version_status.routes(store))
    app.add_routes(rest.routes(store))
    app.add_routes(openapi.routes("Upstream", UPSTREAM))
    app.add_routes(routes)
    return app
