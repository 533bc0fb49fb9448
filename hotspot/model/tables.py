"""Every table that travels, declared once: columns, types, scope, natural key, who may write it.

The declared order of the columns is part of the content hash (`hashing.content_hash`), which
SQLite and PostgreSQL must compute alike: add columns at the end, never reorder them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import msgspec


class Type(StrEnum):
    """What a column holds; on the wire: text, text, text, number, number, true or false."""

    TEXT = "text"
    UUID = "uuid"
    INSTANT = "instant"
    REAL = "real"
    INTEGER = "integer"
    BOOLEAN = "boolean"


class ScopeKind(StrEnum):
    """The kind of version that a row belongs to; the value is its name in the protocol."""

    TEXT = "textVersionId"
    AUDIO = "audioVersionId"


class Scope(msgspec.Struct, frozen=True, gc=False):
    """One text version or one audio version: the unit that a client follows."""

    kind: ScopeKind
    id: str


@dataclass(frozen=True, slots=True)
class Column:
    """One content column. `required` columns are never null."""

    name: str
    type: Type
    required: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """One table.

    `columns`: the content, without `id` and without STAMP_COLUMNS.
    `scope_kind`, `scope_column`: which version a row belongs to; None for context tables.
    `natural_key`: columns that name the same thing in two places, among rows not deleted.
    `client_writes`: whether devices may change rows; if not, the table is the server's own, and
    hotspots may add rows that are not there yet.
    """

    name: str
    columns: tuple[Column, ...]
    scope_kind: ScopeKind | None = None
    scope_column: str = ""
    natural_key: tuple[str, ...] = ()
    client_writes: bool = False

    @property
    def content(self) -> tuple[Column, ...]:
        """What the content hash covers, in order: the columns, and `deleted_at` last."""
        return (*self.columns, DELETED_AT)

    @property
    def defines_scope(self) -> bool:
        """Whether its rows are the versions themselves, which the rows of others belong to."""
        return self.scope_column == "id"

    @property
    def fixed(self) -> frozenset[str]:
        """Columns that an edit of an existing record must leave as they are."""
        return frozenset({*self.natural_key, self.scope_column} - {"", "id"})

    def scope_of(self, record_id: str, values: Mapping[str, object]) -> Scope | None:
        """The scope of a row with this id and content; None where the column is null."""
        if self.scope_kind is None:
            return None
        found = record_id if self.scope_column == "id" else values.get(self.scope_column)
        return Scope(self.scope_kind, found) if isinstance(found, str) else None


DELETED_AT = Column("deleted_at", Type.INSTANT)
STAMP_COLUMNS = (
    Column("created_at", Type.INSTANT),
    Column("created_by", Type.UUID),
    Column("updated_at", Type.INSTANT, required=True),
    Column("updated_by", Type.UUID),
    DELETED_AT,
)

_T, _U, _R, _I, _B = Type.TEXT, Type.UUID, Type.REAL, Type.INTEGER, Type.BOOLEAN

AUDIO_VERSIONS = Table(
    "audio_versions",
    (
        Column("language_entity_id", _U, required=True),
        Column("bible_version_id", _T),
        Column("project_id", _U),
        Column("name", _T, required=True),
    ),
    ScopeKind.AUDIO,
    "id",
)
TEXT_VERSIONS = Table(
    "text_versions",
    (
        Column("language_entity_id", _U, required=True),
        Column("bible_version_id", _T),
        Column("project_id", _U),
        Column("name", _T, required=True),
        Column("text_version_source", _T),
    ),
    ScopeKind.TEXT,
    "id",
)
MEDIA_FILES = Table(
    "media_files",
    (
        Column("language_entity_id", _U, required=True),
        Column("audio_version_id", _U),
        Column("chapter_id", _T),
        Column("media_type", _T),
        Column("object_key", _T),
        Column("storage_provider", _T),
        Column("remote_path", _T),
        Column("original_filename", _T),
        Column("file_type", _T),
        Column("file_size", _I),
        Column("duration_seconds", _R),
        Column("is_bible_audio", _B),
        Column("upload_status", _T),
        Column("publish_status", _T),
        Column("check_status", _T),
        Column("version", _I),
        Column("start_verse_id", _T),
        Column("end_verse_id", _T),
    ),
    ScopeKind.AUDIO,
    "audio_version_id",
    client_writes=True,
)
MEDIA_FILES_VERSES = Table(
    "media_files_verses",
    (
        Column("media_file_id", _U, required=True),
        Column("verse_id", _T, required=True),
        Column("start_time_seconds", _R, required=True),
        Column("duration_seconds", _R),
        Column("verse_text_id", _U),
        Column("denormalized_audio_version_id", _U),
    ),
    ScopeKind.AUDIO,
    "denormalized_audio_version_id",
    natural_key=("media_file_id", "verse_id"),
)
VERSE_TEXTS = Table(
    "verse_texts",
    (
        Column("verse_id", _T, required=True),
        Column("text_version_id", _U, required=True),
        Column("verse_text", _T, required=True),
        Column("version", _I),
        Column("publish_status", _T),
    ),
    ScopeKind.TEXT,
    "text_version_id",
    natural_key=("verse_id", "text_version_id"),
    client_writes=True,
)

REFERENCES = ((MEDIA_FILES_VERSES, "verse_text_id", VERSE_TEXTS),)
"""Columns that hold ids of a table with a natural key: (table, column, the table it refers to)."""

CONTENT_TABLES = (AUDIO_VERSIONS, TEXT_VERSIONS, MEDIA_FILES, MEDIA_FILES_VERSES, VERSE_TEXTS)
BY_NAME = {table.name: table for table in CONTENT_TABLES}


def in_scope(kind: ScopeKind) -> tuple[Table, ...]:
    """The content tables whose rows belong to versions of this kind, in the feed's order."""
    return tuple(table for table in CONTENT_TABLES if table.scope_kind is kind)


CONTEXT_TABLES = (
    Table(
        "language_entities",
        (
            Column("name", _T, required=True),
            Column("iso_639_1", _T),
            Column("iso_639_3", _T),
            Column("region_id", _T),
        ),
    ),
    Table(
        "regions",
        (
            Column("name", _T, required=True),
            Column("iso_3166_alpha2", _T),
            Column("iso_3166_alpha3", _T),
        ),
    ),
    Table("bible_versions", (Column("name", _T, required=True), Column("structure_notes", _T))),
    Table(
        "books",
        (
            Column("name", _T, required=True),
            Column("book_number", _I, required=True),
            Column("bible_version_id", _T),
            Column("testament", _T),
        ),
    ),
    Table(
        "chapters",
        (
            Column("chapter_number", _I, required=True),
            Column("book_id", _T, required=True),
            Column("total_verses", _I),
        ),
    ),
    Table(
        "verses",
        (Column("chapter_id", _T, required=True), Column("verse_number", _I, required=True)),
    ),
    Table("tags", (Column("key", _T), Column("name", _T))),
    Table(
        "media_files_tags",
        (Column("media_file_id", _U, required=True), Column("tag_id", _T, required=True)),
    ),
)
