"""Users that are known only because a record names them as its author."""

from collections.abc import Iterable

from asyncpg import Connection

from hotspot.model.records import Value

_ADD = """
INSERT INTO users (id, device_id)
SELECT author, (SELECT d.id FROM devices d WHERE d.id = a.device)
FROM unnest($1::uuid[], $2::uuid[]) AS a(author, device)
ORDER BY author
ON CONFLICT (id) DO NOTHING
"""


async def make_known(connection: Connection, named: Iterable[tuple[Value, str | None]]) -> None:
    """Makes a user of every author that is not one yet: no edit is refused for its author.

    `named`: authors, each with the device that named it. In one order, so that two transactions
    with the same new authors wait for each other and not in a circle.
    """
    authors: dict[str, str | None] = {}
    for author, device_id in named:
        if isinstance(author, str):
            authors.setdefault(author, device_id)
    await connection.execute(_ADD, list(authors), list(authors.values()))
