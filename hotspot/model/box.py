"""What a hotspot says of itself to the server that it syncs with."""

import msgspec

from hotspot.model.downloads import DownloadCount


class BoxReport(
    msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True, gc=False
):
    """A few facts, sent with the first request of a session; None for what is not known.

    `pending`, `conflicts`, `pending_packages`, `failed_syncs`, `oldest_pending_sync`: those of its
    health report. `last_error`: why its session before this one ended early.
    `downloads`: counts that the server does not know yet.
    """

    version: str
    pending: int = 0
    conflicts: int = 0
    pending_packages: int = 0
    failed_syncs: int = 0
    oldest_pending_sync: str | None = None
    last_error: str | None = None
    disk_free_bytes: int | None = None
    disk_bytes: int | None = None
    undervoltage: bool | None = None
    clock_trusted: bool = False
    downloads: tuple[DownloadCount, ...] = ()
