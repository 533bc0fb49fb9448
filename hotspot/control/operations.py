"""What a person can ask of a hotspot, over plain data: the same with the daemon and without it.

The daemon answers these on its control socket; where no daemon runs, the command line opens the
store and calls them itself.
"""

from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress
from dataclasses import asdict
from inspect import signature
from typing import Any
from uuid import uuid4

import msgspec

from hotspot import __version__
from hotspot.box.activity import Board
from hotspot.box.monitoring import alerts_json
from hotspot.clock import Clock
from hotspot.errors import BadRequest, HotspotError, NotFound
from hotspot.http.auth import hash_token, new_token
from hotspot.http.counting import DownloadCounter
from hotspot.importer.importer import Importer
from hotspot.importer.operations import ImportOperations, import_json
from hotspot.model import instants
from hotspot.model.approvals import Approval
from hotspot.model.catalogue import PackageQuery
from hotspot.model.conflicts import Choice, KeptQuery
from hotspot.model.permissions import limits
from hotspot.model.stores import Device
from hotspot.parts.neighbours import Neighbours
from hotspot.parts.supervision import Supervisor
from hotspot.phones.pairing import new_code
from hotspot.store.store import HotspotStore
from hotspot.syncing.syncer import Syncer

PAIRING_MS = 10 * 60_000
ROLES = ("editor", "reader", "admin")
LISTED = 1_000
"""Conflicts in one answer."""
SHOWN_IMPORTS = 200
SHOWN_DOWNLOADS = 500


class Operations:
    """The operations over one opened hotspot. `syncer`: None where no upstream is set."""

    def __init__(
        self,
        store: HotspotStore,
        importer: Importer,
        clock: Clock,
        supervisor: Supervisor,
        board: Board,
        syncer: Syncer | None,
        downloads: DownloadCounter,
        neighbours: Neighbours,
    ) -> None:
        self._store = store
        self._importer = importer
        self._imports = ImportOperations(store, importer)
        self._clock = clock
        self._supervisor = supervisor
        self._board = board
        self._syncer = syncer
        self._downloads = downloads
        self._neighbours = neighbours

    def table(self) -> dict[str, Callable[..., Awaitable[Any]]]:
        """Every operation by its name; the arguments are JSON values, as are the results."""
        return {
            "status": self.status,
            "sync": self.sync,
            "packages": self.packages,
            "approve-package": self.approve_package,
            "pair": self.pair,
            "add-device": self.add_device,
            "devices": self.devices,
            "revoke-device": self.revoke_device,
            "undo-device": self.undo_device,
            "admin-code": self.admin_code,
            "conflicts": self.conflicts,
            "conflict": self.conflict,
            "keep-conflict": self.keep_conflict,
            "losing-versions": self.losing_versions,
            "restore-version": self.restore_version,
            **self._imports.table(),
            **self._neighbours.table(),
        }

    async def status(self) -> dict[str, Any]:
        """How the hotspot is: each part, what is pending, the last import and session.

        `indication`: the one thing that a light would show. `upstreamReachable`: whether the
        upstream answered when it was last asked; null where nobody asks it.
        """
        last = self._syncer.last if self._syncer is not None else None
        report = await self._store.sync_health()
        return {
            "version": __version__,
            "now": self._clock.now(),
            "clockTrusted": self._clock.trusted,
            "parts": {name: asdict(state) for name, state in self._supervisor.states.items()},
            "upstreamReachable": self._upstream_reachable(),
            "indication": self._board.indication.value,
            "sticks": self._board.sticks(),
            "sync": report,
            "alerts": alerts_json(report, follows=self._syncer is not None),
            "wantedAudio": [
                {"mediaFileId": one.media_file_id, "failures": one.failures, "reason": one.reason}
                for one in await self._store.wanted_audio()
            ],
            "lastSession": None if last is None else last.summary(),
            "notices": await self._notices(),
            "downloads": await self._downloaded(),
            "importing": await self._imports.jobs(),
            "imports": [import_json(one) for one in await self._store.imports(SHOWN_IMPORTS)],
        }

    async def _downloaded(self) -> Any:
        """How often each package was downloaded, by days, the newest first."""
        with suppress(HotspotError):
            await self._downloads.flush()
        return msgspec.to_builtins(await self._store.downloads(SHOWN_DOWNLOADS))

    async def _notices(self) -> list[str]:
        """What a person has to know of the card and the database, a sentence each."""
        store = self._store
        return [one for one in (store.blocked, await store.rebuilt(), store.copied) if one]

    def _upstream_reachable(self) -> bool | None:
        if self._syncer is None or "uplink" not in self._supervisor.states:
            return None
        return self._syncer.reachable

    async def sync(self) -> dict[str, Any]:
        """Runs one session with the upstream. Raises what made it end early."""
        if self._syncer is None:
            raise BadRequest("No upstream is set: give upstream_url in the settings.")
        report = await self._syncer.sync()
        if report.error is not None:
            raise report.error
        return report.summary()

    async def packages(self) -> list[Any]:
        """Every package here, as the catalogue lists it, and whether its rows may go up."""
        listed, _ = await self._store.list_packages(PackageQuery(limit=10_000))
        approvals = {one.package_id: one for one in await self._store.approvals()}
        return [
            msgspec.to_builtins(info) | {"approval": _approval_json(approvals.get(info.package_id))}
            for info in listed
        ]

    async def approve_package(self, package_id: str) -> dict[str, Any]:
        """Lets the rows of a package go up where the upstream lacks them."""
        await self._store.approve(package_id)
        return {"approved": package_id}

    async def pair(self, role: str = "editor", scopes: Collection[str] = ()) -> dict[str, Any]:
        """A short code with which one phone pairs within ten minutes, to do what `role` may.

        `scopes`: the versions that it may change (none named: all). `expiresAt`: null while nobody
        has told the time.
        """
        if role not in ROLES:
            raise BadRequest(f"A phone's role is one of {', '.join(ROLES)}.")
        allowed = limits(role, scopes)
        code, code_hash = new_code()
        now = self._clock.now()
        await self._store.create_pairing(code_hash, PAIRING_MS, role, allowed)
        expires_at = instants.later(now, PAIRING_MS) if self._clock.trusted else None
        return {"code": code, "expiresAt": expires_at, "validSeconds": PAIRING_MS // 1_000}

    async def add_device(
        self, name: str, role: str, scopes: Collection[str] = ()
    ) -> dict[str, Any]:
        """Registers a device without a code, such as a hotspot; the token is shown this once."""
        if role not in ("hotspot", *ROLES):
            raise BadRequest(f"A device's role is one of hotspot, {', '.join(ROLES)}.")
        allowed = limits(role, scopes)
        device, token = Device(id=str(uuid4()), name=name, role=role, scopes=allowed), new_token()
        await self._store.add_device(device, hash_token(token))
        return {"deviceId": device.id, "token": token}

    async def devices(self) -> list[Any]:
        """Every device that was paired."""
        return [
            {
                "deviceId": entry.device.id,
                "name": entry.device.name,
                "role": entry.device.role,
                "scopes": _sorted(entry.device.scopes),
                "createdAt": entry.created_at,
                "lastUsedAt": entry.last_used_at,
                "revokedAt": entry.revoked_at,
            }
            for entry in await self._store.list_devices()
        ]

    async def revoke_device(self, device_id: str) -> dict[str, Any]:
        """Takes a device's right to upload away."""
        if not await self._store.revoke(device_id):
            raise NotFound(f"There is no device {device_id!r} here.")
        return {"revoked": device_id}

    async def admin_code(self) -> dict[str, Any]:
        """The code by which phones pair as an admin's, at any time."""
        return {"code": await self._store.admin_code()}

    async def undo_device(self, device_id: str) -> dict[str, Any]:
        """Takes back what a revoked device edited, where nobody has edited it since."""
        done = await self._store.undo_edits(device_id)
        return {"deviceId": device_id, "undone": done.undone, "left": done.left}

    async def conflicts(self) -> list[Any]:
        """The conflicts that wait for a person, newest first."""
        return await self._kept(KeptQuery(waiting=True, limit=LISTED))

    async def losing_versions(self, record_id: str | None = None) -> list[Any]:
        """The versions that lost, of every record or of one, newest first."""
        return await self._kept(KeptQuery(record_id=record_id, limit=LISTED))

    async def _kept(self, query: KeptQuery) -> list[Any]:
        return [msgspec.to_builtins(one) for one in await self._store.kept_versions(query)]

    async def conflict(self, number: int) -> Any:
        """One conflict, open or closed: both versions, and who made them when."""
        return msgspec.to_builtins(await self._store.kept_version(number))

    async def keep_conflict(self, number: int, version: str) -> Any:
        """Closes an open conflict: 'local' brings back the version that waits, 'server' leaves
        the one that stands."""
        if version not in list(Choice):
            raise BadRequest("What is kept is 'local' or 'server'.")
        await self._store.keep(number, Choice(version))
        return await self.conflict(number)

    async def restore_version(self, number: int) -> Any:
        """Makes a version that lost current again, as an edit of what stands."""
        await self._store.restore(number)
        return await self.conflict(number)


def _sorted(scopes: Collection[str] | None) -> list[str] | None:
    return None if scopes is None else sorted(scopes)


def _approval_json(approval: Approval | None) -> dict[str, Any] | None:
    if approval is None:
        return None
    return {
        "approvedAt": approval.approved_at,
        "finishedAt": approval.finished_at,
        "reason": approval.reason,
    }


async def perform(operations: Operations, name: str, arguments: dict[str, Any]) -> Any:
    """Performs one operation by its name. Raises BadRequest for one that there is not."""
    operation = operations.table().get(name)
    if operation is None:
        raise BadRequest(f"There is no operation {name!r}.")
    try:
        asked = signature(operation).bind(**arguments)
    except TypeError as error:
        raise BadRequest(f"The operation {name!r} cannot be asked like this: {error}.") from None
    return await operation(*asked.args, **asked.kwargs)
