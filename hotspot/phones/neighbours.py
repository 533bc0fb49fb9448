"""The page that shows what other hotspots near this one have."""

from collections.abc import Callable, Sequence

from aiohttp import web

from hotspot.model.neighbours import Neighbour
from hotspot.phones.markup import Html, fill, join
from hotspot.phones.pages import html
from hotspot.phones.views import page

_PAGE = """<p><a href="/">All packages</a></p><h1>Also near here</h1>$neighbours"""
_NOBODY = "<p>There is no other hotspot near here, as far as this one knows.</p>"
_NEIGHBOUR = """<article><h2 dir="auto">Also at <a href="$url/">$name</a></h2>$packages</article>"""
_PACKAGE = '<p dir="auto">$name <small>($language, version $version)</small></p>'
_LINK = "To open it, a phone has to be on a Wi-Fi from which it can be reached."


def routes(known: Callable[[], Sequence[Neighbour]]) -> list[web.RouteDef]:
    """The route to mount. `known`: the neighbours, as they are known now."""

    async def neighbours(_request: web.Request) -> web.StreamResponse:
        return html(neighbours_page(known()))

    return [web.get("/neighbours", neighbours)]


def neighbours_page(neighbours: Sequence[Neighbour]) -> Html:
    """Each neighbour with its packages."""
    found = [_neighbour(one) for one in neighbours]
    shown = join([*found, Html(f"<p>{_LINK}</p>")]) if found else Html(_NOBODY)
    return page("Also near here", fill(_PAGE, neighbours=shown))


def _neighbour(one: Neighbour) -> Html:
    packages = [
        fill(
            _PACKAGE,
            name=offer.name,
            language=offer.language_name,
            version=offer.package_version,
        )
        for offer in one.packages
    ]
    return fill(_NEIGHBOUR, url=one.url, name=one.name, packages=join(packages))
