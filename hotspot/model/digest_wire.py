"""The protocol's messages about digests, as `model.wire` has those about records."""

from collections.abc import Sequence

from hotspot.model.digest import Range, RowVersion, Sum
from hotspot.model.tables import Scope
from hotspot.model.wire import UNKNOWN_SCOPE, Message, ScopeNamed, ids_of


class DigestScope(ScopeNamed, frozen=True, kw_only=True):
    """What to tell of one version: digests of `ranges` of ids, and the rows of `lists`.

    The ranges of each are in order and do not overlap.
    """

    ranges: tuple[Range, ...] = ()
    lists: tuple[Range, ...] = ()


class DigestRequest(Message, frozen=True, kw_only=True):
    """`POST sync/digest`."""

    scopes: list[DigestScope]


class DigestState(ScopeNamed, frozen=True, kw_only=True):
    """The answer for one version: `sums` in the order of `ranges`, `rows` of all `lists`.

    `next_token`: where the feed goes on from what the sums are of. `status`: as in ScopeState.
    """

    next_token: str | None = None
    status: str = "ok"
    sums: tuple[Sum, ...] = ()
    rows: tuple[RowVersion, ...] = ()


class DigestResponse(Message, frozen=True, kw_only=True, omit_defaults=False):
    """The answers in the order of the request."""

    scopes: list[DigestState]
    server_timestamp: str


def digest_scope(
    scope: Scope, ranges: Sequence[Range] = (), lists: Sequence[Range] = ()
) -> DigestScope:
    """The question about one scope."""
    text, audio = ids_of(scope)
    return DigestScope(
        text_version_id=text, audio_version_id=audio, ranges=tuple(ranges), lists=tuple(lists)
    )


def digest_state(
    scope: Scope, next_token: str | None, sums: Sequence[Sum], rows: Sequence[RowVersion]
) -> DigestState:
    """The answer for one scope; without a token the version is not known."""
    text, audio = ids_of(scope)
    return DigestState(
        text_version_id=text,
        audio_version_id=audio,
        next_token=next_token,
        status="ok" if next_token is not None else UNKNOWN_SCOPE,
        sums=tuple(sums),
        rows=tuple(rows),
    )
