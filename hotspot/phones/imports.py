"""The page that says what sticks brought: what is being imported, and what became of the rest."""

from collections.abc import Callable, Sequence

from aiohttp import web

from hotspot.model.imports import ImportLog, ImportRecord, UnderWay
from hotspot.model.progress import in_words
from hotspot.phones.markup import Html, fill, join
from hotspot.phones.pages import html
from hotspot.phones.views import page

SHOWN = 50
REFRESH_S = 3
"""While something is under way; there is no script on the pages."""

_BODY = """<p><a href="/">All packages</a></p><h1>From sticks</h1>$under_way$records"""
_UNDER_WAY = """<article><h2 dir="auto">$source</h2><p>$words</p>
<progress max="$total" value="$done"></progress></article>"""
_WAITING = '<p dir="auto">$source waits.</p>'
_RECORD = """<article><p dir="auto">$sentence</p><p><small>$at</small></p></article>"""
_NOTHING = "<p>No package file was met yet.</p>"


def routes(log: ImportLog, under_way: Callable[[], Sequence[UnderWay]]) -> list[web.RouteDef]:
    """The page's route. `under_way`: what is being imported now, and waits; the first first."""

    async def show(_request: web.Request) -> web.Response:
        return html(imports_page(under_way(), await log.imports(SHOWN)))

    return [web.get("/imports", show)]


def imports_page(under_way: Sequence[UnderWay], records: Sequence[ImportRecord]) -> Html:
    """The page; the newest record is shown first."""
    told = join(_record(one) for one in reversed(records))
    body = fill(
        _BODY,
        under_way=join(map(_under_way, under_way)),
        records=told or (Html("") if under_way else Html(_NOTHING)),
    )
    return page("From sticks", body, refresh_s=REFRESH_S if under_way else None)


def _under_way(one: UnderWay) -> Html:
    if one.progress is None:
        return fill(_WAITING, source=one.source)
    at = one.progress
    words = in_words(at) if one.phase == "copying" else "All is copied, and is being checked."
    return fill(_UNDER_WAY, source=one.source, words=words, total=max(at.total, 1), done=at.done)


def _record(one: ImportRecord) -> Html:
    return fill(_RECORD, sentence=one.sentence, at=one.at)
