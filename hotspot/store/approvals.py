"""Packages that the administrator approved, and which of their rows may go up."""

from collections.abc import Collection, Sequence

import aiosqlite

from hotspot.errors import NotFound
from hotspot.model.approvals import Approval
from hotspot.model.records import Key, Record
from hotspot.model.tables import Scope, ScopeKind, Table, in_scope
from hotspot.store.records import Records
from hotspot.store.rows import fetch, read_rows

_APPROVE = """
INSERT INTO package_approvals (package_id, sha256, approved_at)
SELECT package_id, sha256, :now FROM package_files WHERE package_id = :id
ON CONFLICT (package_id) DO UPDATE SET sha256 = excluded.sha256,
  approved_at = excluded.approved_at, finished_at = NULL, reason = NULL
"""

# An approval is of one file: another that takes its place has none.
_VALID = "FROM package_approvals a JOIN package_files f USING (package_id, sha256)"

_APPROVALS = f"SELECT package_id, approved_at, finished_at, reason {_VALID} ORDER BY package_id"

_TO_SEND = f"""
SELECT package_id, scope_kind, scope_id {_VALID} JOIN package_scopes s USING (package_id)
WHERE finished_at IS NULL ORDER BY package_id, scope_kind, scope_id
"""

_FINISH = "UPDATE package_approvals SET finished_at = ?, reason = ? WHERE package_id = ?"


class Approvals(Records):
    """`model.approvals.ApprovalStore`, and approving."""

    async def approve(self, package_id: str) -> None:
        """Lets the rows of the package, as it is now, go up. Raises NotFound."""

        async def work(connection: aiosqlite.Connection) -> None:
            named = {"id": package_id, "now": self._clock.now()}
            if (await connection.execute(_APPROVE, named)).rowcount == 0:
                raise NotFound(f"There is no package {package_id!r} here.")

        await self._database.writer.run(work, committed=lambda _: self._on_edit())

    async def approvals(self) -> Sequence[Approval]:
        """The packages that are approved as they are now."""
        return [
            Approval(package_id=id_, approved_at=at, finished_at=finished, reason=reason)
            for id_, at, finished, reason in await self._database.read(_APPROVALS)
        ]

    async def approved(self) -> Sequence[tuple[str, Sequence[Scope]]]:
        scopes: dict[str, list[Scope]] = {}
        for package_id, kind, id_ in await self._database.read(_TO_SEND):
            scopes.setdefault(package_id, []).append(Scope(ScopeKind(kind), id_))
        return list(scopes.items())

    async def approved_rows(self, package_id: str, scope: Scope) -> Sequence[Key]:
        version, *tables = in_scope(scope.kind)
        keys = []
        async with self._database.snapshot() as connection:
            for table in tables:
                found = await fetch(connection, _rows_of(table), (scope.id, package_id, table.name))
                keys += [Key(table.name, row[0]) for row in found]
        return [Key(version.name, scope.id), *sorted(keys, key=lambda key: key.id)]

    async def rows(self, keys: Collection[Key]) -> Sequence[Record]:
        async with self._database.snapshot() as connection:
            return list((await read_rows(connection, keys)).values())

    async def finish_approval(self, package_id: str, reason: str | None, now: str) -> None:
        await self._execute(_FINISH, (now, reason, package_id))


def _rows_of(table: Table) -> str:
    return f"""
        SELECT t.id FROM {table.name} t
        WHERE t.{table.scope_column} = ? AND t.import_source = ? AND NOT EXISTS (
          SELECT 1 FROM record_sync_status s
          WHERE s.table_name = ? AND s.record_id = t.id AND s.edited_seq > 0)
          AND t.id NOT IN (SELECT alias_id FROM record_aliases WHERE table_name = '{table.name}')
    """
