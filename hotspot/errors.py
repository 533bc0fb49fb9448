"""One base error, and one class for each decision that a caller makes.

Every message is a whole sentence for a person, and says what to do where something can be done.
`code` is the stable machine name used in HTTP answers and `--json`; `status` the HTTP status that
a handler answers with when the error reaches it.
"""

from collections.abc import Sequence


class HotspotError(Exception):
    """Something went wrong that a person can be told about in one sentence."""

    code = "failed"
    status = 500


class ConfigError(HotspotError):
    """The settings cannot be used; `problems` lists every mistake found, not only the first."""

    code = "bad_settings"

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("The settings have mistakes: " + " ".join(self.problems))


class BadRequest(HotspotError):
    """What was asked cannot be understood; asking the same again will not help."""

    code = "bad_request"
    status = 400


class Unauthorized(HotspotError):
    """No valid token came with a request that needs one."""

    code = "unauthorized"
    status = 401


class Forbidden(HotspotError):
    """The token is valid, but what it asks is not for it."""

    code = "forbidden"
    status = 403


class NotFound(HotspotError):
    """There is no such thing here."""

    code = "not_found"
    status = 404


class BatchReused(HotspotError):
    """A batchId came again with another body; the sender has to choose a new one."""

    code = "batch_reused"
    status = 409


class PositionGone(HotspotError):
    """A feed position that this store never gave, or gave in an earlier life; start over."""

    code = "position_gone"
    status = 410


class TryLater(HotspotError):
    """Nothing is wrong with the request; the other side cannot serve it now.

    `retry_after_s`: for how long it asks not to be asked again, if it says.
    """

    code = "try_later"
    status = 503

    def __init__(self, sentence: str, retry_after_s: float | None = None) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(sentence)


class TooMany(TryLater):
    """This client asks for more than its share; the others are served."""

    code = "too_many"
    status = 429


class TooSlow(HotspotError):
    """A request did not come on; nothing of it was done."""

    code = "too_slow"
    status = 408


class HeadTooLarge(HotspotError):
    """A request's address and headers are more than is read."""

    code = "head_too_large"
    status = 431


class CannotWrite(TryLater):
    """The card takes no writes any more; what is on it can still be read."""

    code = "cannot_write"

    def __init__(self) -> None:
        super().__init__(
            "The card of this hotspot cannot be written any more: what is on it can be read, and "
            "nothing can be changed. Start the hotspot again; if that does not help, replace it."
        )


class UpstreamUnreachable(HotspotError):
    """The upstream did not answer; the session is tried again when there is an uplink."""

    code = "upstream_unreachable"
    status = 503


class UpstreamRefused(HotspotError):
    """The upstream answered, and does not accept this hotspot's request; a person must look."""

    code = "upstream_refused"
    status = 502


class PackageRefused(HotspotError):
    """A package file that must not be imported: not one, damaged, too new, or dishonest."""

    code = "package_refused"
    status = 422


class NoSpace(HotspotError):
    """The card has too little room for what was to be written; nothing was changed."""

    code = "no_space"
    status = 507


class SourceGone(HotspotError):
    """The stick vanished, or cannot be read any further; the import goes on when it is back."""

    code = "source_gone"


class SourceChanged(HotspotError):
    """A file on a stick was another one when it had been read; reading it again may help."""

    code = "source_changed"


class DriveRefused(HotspotError):
    """A stick whose files cannot be read here; the others are not affected."""

    code = "drive_refused"


class PartUnavailable(HotspotError):
    """A part of the machine (udev, multicast, netlink) is not there now; try again later."""

    code = "part_unavailable"


class StoreDamaged(HotspotError):
    """The database cannot be used as it is."""

    code = "store_damaged"


class QueryRefused(HotspotError):
    """A read of a table that cannot be answered as it was asked.

    `code`: what PostgREST or PostgreSQL call this mistake, as clients of theirs know it.
    `details`: more about it, where there is more to say.
    """

    def __init__(
        self, code: str, message: str, status: int = 400, details: str | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.status = status
        self.details = details
