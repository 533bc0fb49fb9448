"""The captive portal: phones that ask for the internet are led to the first page, and stay.

For this the Wi-Fi's name server has to lead them here: see `systemd/dnsmasq.d/`.
"""

from collections import OrderedDict
from collections.abc import Callable, Collection

from aiohttp import web
from aiohttp.typedefs import Handler

from hotspot.model import portal
from hotspot.model.origins import own_host
from hotspot.model.portal import Client, Expected
from hotspot.phones.pages import html
from hotspot.phones.views import welcome_page

WELCOME, ENTER = "/welcome", "/welcome/enter"
KNOWN = 512
"""Phones that are known at once; the one that was not heard of for longest is forgotten."""
_NOT_KEPT = {"Cache-Control": "no-store"}


class Portal:
    """What is known of the phones, by their addresses: their sheets keep no cookies.

    `title`: the hotspot's name. `names`: by which the hotspot is asked, apart from addresses.
    `monotonic`: milliseconds.
    """

    def __init__(self, title: str, names: Collection[str], monotonic: Callable[[], int]) -> None:
        self._title = title
        self._names = frozenset(name.lower() for name in names)
        self._monotonic = monotonic
        self._clients: OrderedDict[str, Client] = OrderedDict()

    def put_before(self, app: web.Application) -> None:
        """Has every request of the app pass here, and adds the first page."""

        @web.middleware
        async def passes(request: web.Request, handler: Handler) -> web.StreamResponse:
            return await self._pass(request, handler)

        app.middlewares.append(passes)
        app.add_routes([web.get(WELCOME, self._welcome), web.get(ENTER, self._enter)])

    async def _pass(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.method not in ("GET", "HEAD"):
            return await handler(request)
        host = request.headers.get("Host", "")
        probe = portal.probe_of(host, request.path)
        if probe is not None:
            expected = portal.answer(probe, self._hear(request))
            return _to_welcome(request) if expected is None else _as_expected(expected)
        try:
            return await handler(request)
        except web.HTTPNotFound:
            if own_host(host, self._names):
                raise
            return _to_welcome(request)

    async def _welcome(self, request: web.Request) -> web.Response:
        client = self._hear(request)
        self._clients[_address(request)] = Client(client.heard_ms, True, client.entered)
        return html(welcome_page(self._title, home(request), ENTER))

    async def _enter(self, request: web.Request) -> web.Response:
        client = self._hear(request)
        self._clients[_address(request)] = Client(client.heard_ms, True, True)
        return _redirect("/")

    def _hear(self, request: web.Request) -> Client:
        address = _address(request)
        client = portal.heard(self._clients.get(address), self._monotonic())
        self._clients[address] = client
        self._clients.move_to_end(address)
        if len(self._clients) > KNOWN:
            self._clients.popitem(last=False)
        return client


def home(request: web.Request) -> str:
    """This hotspot's address in numbers, as the client reached it: no name has to be known."""
    assert request.transport is not None
    address, port, *_ = request.transport.get_extra_info("sockname")
    host = f"[{address}]" if ":" in address else address
    return f"http://{host}" if port == 80 else f"http://{host}:{port}"


def _address(request: web.Request) -> str:
    return request.remote or ""


def _to_welcome(request: web.Request) -> web.Response:
    return _redirect(home(request) + WELCOME)


def _redirect(location: str) -> web.Response:
    return web.Response(status=302, headers={"Location": location, **_NOT_KEPT})


def _as_expected(expected: Expected) -> web.Response:
    if not expected.body:
        return web.Response(status=expected.status, headers=_NOT_KEPT)
    return web.Response(
        text=expected.body,
        status=expected.status,
        content_type=expected.content_type,
        headers=_NOT_KEPT,
    )
