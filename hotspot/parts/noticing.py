"""How a hotspot is, by topics, for those who listen to it."""

from collections.abc import Mapping

from hotspot.box.activity import Board
from hotspot.importer.importer import Importer
from hotspot.model.imports import ImportRecord, UnderWay
from hotspot.model.notices import (
    CatalogueNotice,
    ConflictsNotice,
    ImportNotice,
    ImportsNotice,
    OutcomeNotice,
    StickNotice,
    SticksNotice,
    SyncNotice,
    Topic,
)
from hotspot.model.progress import Progress
from hotspot.phones.live import Look
from hotspot.printing.reports import session
from hotspot.store.store import HotspotStore
from hotspot.syncing.syncer import Syncer

LATEST = 5


class Notices:
    """What there is to tell of one hotspot. `syncer`: None where no upstream is set."""

    def __init__(
        self, store: HotspotStore, importer: Importer, board: Board, syncer: Syncer | None
    ) -> None:
        self._store = store
        self._importer = importer
        self._board = board
        self._syncer = syncer

    def looks(self) -> Mapping[Topic, Look]:
        """How each topic is asked for."""
        return {
            Topic.CATALOGUE: self.catalogue,
            Topic.IMPORTS: self.imports,
            Topic.STICKS: self.sticks,
            Topic.SYNC: self.sync,
            Topic.CONFLICTS: self.conflicts,
        }

    async def catalogue(self) -> CatalogueNotice:
        return CatalogueNotice(revision=self._store.catalogue_revision)

    async def imports(self) -> ImportsNotice:
        return ImportsNotice(
            under_way=[_under_way(one) for one in self._importer.under_way()],
            latest=[_outcome(one) for one in await self._store.imports(LATEST)],
        )

    async def sticks(self) -> SticksNotice:
        return SticksNotice(
            indication=self._board.indication.value,
            sticks=[StickNotice(**one) for one in self._board.sticks()],
        )

    async def sync(self) -> SyncNotice:
        syncer = self._syncer
        pending = (await self._store.sync_health())["pending"]
        if syncer is None:
            return SyncNotice(reachable=None, under_way=False, pending=pending, message=None)
        return SyncNotice(
            reachable=syncer.reachable,
            under_way=syncer.busy,
            pending=pending,
            message=None if syncer.last is None else session(syncer.last.summary()),
        )

    async def conflicts(self) -> ConflictsNotice:
        return ConflictsNotice(waiting=(await self._store.sync_health())["conflicts"])


def _under_way(one: UnderWay) -> ImportNotice:
    at = one.progress or Progress(0, 0)
    return ImportNotice(
        source=one.source, phase=one.phase, done=at.done, total=at.total, left_seconds=at.left_s
    )


def _outcome(one: ImportRecord) -> OutcomeNotice:
    return OutcomeNotice(
        source=one.source,
        outcome=one.action.value,
        message=one.sentence,
        package_id=one.package_id,
        at=one.at,
    )
