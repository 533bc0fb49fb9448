"""The sync protocol's messages: JSON in camelCase, the same between any two nodes.

Optional fields are left out where they are None. `record` holds columns by their database names.
"""

from typing import Any

import msgspec

from hotspot.model.box import BoxReport
from hotspot.model.merge import Status
from hotspot.model.records import Key, Values
from hotspot.model.tables import Scope, ScopeKind

MAX_CHANGES = 5_000
DEFAULT_CHANGES = 1_000
"""Changes in one page: the most a client may ask for, and what it gets when it does not ask."""

SYNCHRONIZED = "synchronized"
"""What a node says of its clock when it knows the time, in X-Client-Clock and `serverClock`."""

UNKNOWN_SCOPE = "unknown_scope"
"""A version that the server does not know; its rows stay as they are, its edits wait."""

EXISTS = "exists"
"""Why a record that was to be added was not: the server's own stays as it is."""


class Message(
    msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True, gc=False
):
    """A part of the protocol."""


class ScopeNamed(Message, frozen=True, kw_only=True):
    """A part that is about one version."""

    text_version_id: str | None = None
    audio_version_id: str | None = None

    @property
    def scope(self) -> Scope | None:
        """The version named; None unless exactly one is."""
        if self.text_version_id is not None and self.audio_version_id is None:
            return Scope(ScopeKind.TEXT, self.text_version_id)
        if self.audio_version_id is not None and self.text_version_id is None:
            return Scope(ScopeKind.AUDIO, self.audio_version_id)
        return None


class ScopeRequest(ScopeNamed, frozen=True, kw_only=True):
    """One version that a client follows, and how far it has read (None: nothing yet).

    `compare`: digests are compared first; no records come, only whether the version is known.
    """

    next_token: str | None = None
    compare: bool = False


class ChangesRequest(Message, frozen=True, kw_only=True):
    """`POST sync/changes`: all scopes at once, or the short form for one package.

    `written`: what the answers to uploads of this session said; their records need not come back.
    `session_end`: nothing more goes up: the session is over once there is nothing more to come.
    `moved_only`: versions of which the answer would say nothing new are left out of its scopes.
    """

    scopes: list[ScopeRequest] | None = None
    package_id: str | None = None
    last_sync_timestamp: str | None = None
    next_token: str | None = None
    tables: list[str] | None = None
    max_changes: int | None = None
    record_ids: list[str] | None = None
    written: list[str] | None = None
    sync_session_id: str | None = None
    session_end: bool = False
    moved_only: bool = False
    report: BoxReport | None = None


class Change(Message, frozen=True, kw_only=True, omit_defaults=False):
    """One record of the feed. `operation`: INSERT, UPDATE or DELETE; the record is whole.

    `canonical_id`: with a DELETE, the record that this id names from now on; edits of it belong
    there.
    """

    table: str
    record_id: str
    operation: str
    record: dict[str, Any]
    version: str
    changed_at: str
    changed_by: str | None = None
    canonical_id: str | msgspec.UnsetType = msgspec.UNSET


class ScopeState(ScopeNamed, frozen=True, kw_only=True):
    """How far one scope has been read. `status`: 'ok' or 'unknown_scope'."""

    next_token: str | None = None
    has_more: bool = False
    status: str = "ok"


class ChangesResponse(Message, frozen=True, kw_only=True, omit_defaults=False):
    """A page of the feed. `next_token` stands at the top only in the short form.

    `server_clock`: SYNCHRONIZED where `server_timestamp` is more than the server's guess.
    """

    changes: list[Change]
    scopes: list[ScopeState]
    has_more: bool
    server_timestamp: str
    next_token: str | None = None
    server_clock: str | None = None


class UploadChange(Message, frozen=True, kw_only=True):
    """One edit. `record` may be partial; `local_timestamp` is on the sender's clock.

    `precision_ms`: how far that may be off. `undated`: it says nothing.
    `only_new`: it is to be added where there is none; a record that exists stays as it is.
    """

    table: str
    record_id: str
    operation: str = "UPDATE"
    record: dict[str, Any] | None = None
    local_timestamp: str | None = None
    undated: bool = False
    precision_ms: int = 0
    only_new: bool = False
    base_version: str | None = None
    base_updated_at: str | None = None
    changed_by: str | None = None


class UploadRequest(Message, frozen=True, kw_only=True):
    """`POST sync/upload`. Each change is decoded on its own: a bad one holds back no other."""

    changes: list[msgspec.Raw]
    device_id: str | None = None
    batch_id: str | None = None
    package_id: str | None = None
    sync_session_id: str | None = None
    redeliver: bool = False


class Result(Message, frozen=True, kw_only=True):
    """What became of one uploaded change.

    `updated_at`, `version`: of the record that is current now. `canonical_id`: its id, where the
    one uploaded turned out to be another name of it. `server_record`: that record, where the sender
    cannot know it to the letter. `code`, `reason`: why it was rejected; for an edit that stands,
    `reason` may say what else a person should know.
    """

    table: str
    record_id: str
    status: Status
    updated_at: str | None = None
    version: str | None = None
    canonical_id: str | None = None
    server_record: dict[str, Any] | None = None
    code: str | None = None
    reason: str | None = None

    @property
    def key(self) -> Key:
        """The record that the change turned out to be about."""
        return Key(self.table, self.canonical_id or self.record_id)


class Conflict(Message, frozen=True, kw_only=True, omit_defaults=False):
    """An edit and the row that stands against it. `resolution`: a status of `merge.Status`."""

    table: str
    record_id: str
    local_record: Values | None
    server_record: Values | None
    resolution: str
    reason: str


class UploadResponse(Message, frozen=True, kw_only=True, omit_defaults=False):
    """The answer to a batch. `applied`, `rejected`: how many changes stand, and how many do not.

    `written`: names what the batch wrote; see ChangesRequest.
    """

    success: bool
    applied: int
    rejected: int
    conflicts: list[Conflict]
    results: list[Result]
    server_timestamp: str
    written: str | None = None


class ErrorBody(Message, frozen=True, kw_only=True):
    """Every answer that is not a success. `message` is a sentence for a person."""

    error: str
    message: str
    timestamp: str
    request_id: str
    code: str | None = None
    details: Any = None


class PairRequest(Message, frozen=True, kw_only=True):
    """`POST devices`: a phone shows the short code that a person read to it."""

    code: str
    name: str


class PairResponse(Message, frozen=True, kw_only=True):
    """The phone's identity; the token is shown this once."""

    device_id: str
    token: str


class PackageInfo(Message, frozen=True, kw_only=True):
    """One package as the catalogue lists it. `complete`: whether the whole file is offered.

    `damaged_audio`: how many audio files in it are damaged, and not here from elsewhere.
    `signed_by`: the name of the trusted minisign key that signed it.
    """

    package_id: str
    package_version: str
    package_type: str
    language_entity_id: str
    language_name: str
    audio_version_id: str | None = None
    audio_version_name: str | None = None
    text_version_id: str | None = None
    text_version_name: str | None = None
    size_in_bytes: int
    sha256: str
    imported_at: str
    complete: bool
    damaged_audio: int = 0
    signed_by: str | None = None
    series_info: dict[str, Any] | None = None


class PackageDetails(PackageInfo, frozen=True, kw_only=True):
    """One package and its manifest, which is JSON as it came."""

    manifest: msgspec.Raw


class PackageList(Message, frozen=True, kw_only=True, omit_defaults=False):
    """One page of the catalogue. `revision` names what it was read from, as in CatalogueSummary."""

    packages: list[PackageInfo]
    total: int
    has_more: bool
    next_offset: int | None = None
    revision: str = ""


def ids_of(scope: Scope) -> tuple[str | None, str | None]:
    """What ScopeNamed names it by: the id of a text version or that of an audio version."""
    return (scope.id, None) if scope.kind is ScopeKind.TEXT else (None, scope.id)


def scope_request(
    scope: Scope, next_token: str | None = None, *, compare: bool = False
) -> ScopeRequest:
    """The request for one scope."""
    text, audio = ids_of(scope)
    return ScopeRequest(
        text_version_id=text, audio_version_id=audio, next_token=next_token, compare=compare
    )


def scope_state(scope: Scope, next_token: str | None, has_more: bool, status: str) -> ScopeState:
    """The answer for one scope."""
    text, audio = ids_of(scope)
    return ScopeState(
        text_version_id=text,
        audio_version_id=audio,
        next_token=next_token,
        has_more=has_more,
        status=status,
    )
