"""The hotspot's HTTP app: everything that phones ask for, over parts that are handed in."""

from collections.abc import Awaitable, Callable, Collection, Iterable
from pathlib import Path

from aiohttp import web

from hotspot.clock import Clock
from hotspot.http import catalogue, signatures
from hotspot.http.errors import error_middleware
from hotspot.http.messages import MAX_BODY
from hotspot.http.origins import open_for_reading
from hotspot.http.rates import limit_rates
from hotspot.model.catalogue import PackageStore
from hotspot.model.stores import DeviceStore
from hotspot.phones import books, pages, pairing
from hotspot.phones.people import pages_for_people
from hotspot.phones.portal import Portal

OnDownload = catalogue.OnDownload
Ready = Callable[[], Awaitable[None]]


def build_app(
    *,
    packages: PackageStore,
    devices: DeviceStore,
    folder: Path,
    clock: Clock,
    name: str,
    ready: Ready,
    on_download: OnDownload = lambda package_id: None,
    routes: Iterable[web.RouteDef] = (),
    names: Collection[str] = (),
    origins: Collection[str] = (),
) -> web.Application:
    """The app.

    `folder`: where the packages' files lie. `name`: the hotspot's, for people. `ready`: returns
    while the hotspot can serve, and raises TryLater where it cannot. `on_download`: told of
    each package that went out to its end. `routes`: more to answer (the sync endpoints). `names`:
    by which it is asked, apart from addresses. `origins`: whose pages may change something, apart
    from its own and apps'.
    """
    app = web.Application(
        middlewares=[pages_for_people, error_middleware(clock)], client_max_size=MAX_BODY
    )
    open_for_reading(app, names, origins)
    limit_rates(app, clock)
    Portal(name, names, clock.monotonic).put_before(app)
    app.on_response_prepare.append(_harden)
    app.add_routes(catalogue.routes(packages, folder, on_download))
    app.add_routes(signatures.routes(packages, folder))
    app.add_routes(pairing.routes(devices, clock))
    app.add_routes(pages.routes(packages, name))
    app.add_routes(books.routes(packages, folder))
    app.add_routes([web.get("/healthz", _health(ready)), *routes])
    return app


def _health(ready: Ready) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handler(_request: web.Request) -> web.Response:
        await ready()
        return web.json_response({"status": "ok"})

    return handler


async def _harden(_request: web.Request, response: web.StreamResponse) -> None:
    """No browser guesses a type: a file from a stick must not become a page of this origin."""
    response.headers["X-Content-Type-Options"] = "nosniff"
