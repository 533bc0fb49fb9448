"""A package as others look at it: as a plan does, as the catalogue does, as a person does."""

from pathlib import Path

import msgspec

from hotspot.model import damage
from hotspot.model.catalogue import NewPackage
from hotspot.model.imports import ImportRecord
from hotspot.model.plan import Found, ImportAction, ImportPlan
from hotspot.model.series import Part
from hotspot.model.wire import PackageInfo
from hotspot.package.admission import Admission
from hotspot.package.manifest import SeriesInfo
from hotspot.package.reader import PackageFile


def new_package(admitted: Admission, sha256: str, now: str) -> NewPackage:
    """The package whose verified file lies in packages/ under its SHA-256.

    The names of its language and versions are left to the store, which reads them from the rows.
    """
    package = admitted.package
    manifest = package.manifest
    series = manifest.series_info
    file_name = f"{sha256}.bible"
    info = PackageInfo(
        package_id=manifest.package_id,
        package_version=manifest.package_version,
        package_type=package.header.package_type.kind,
        language_entity_id=manifest.language_entity_id,
        language_name="",
        audio_version_id=manifest.audio_version_id,
        text_version_id=manifest.text_version_id,
        size_in_bytes=package.size,
        sha256=sha256,
        imported_at=now,
        complete=admitted.complete,
        signed_by=admitted.signer,
        series_info=None if series is None else msgspec.to_builtins(series),
    )
    return NewPackage(
        info=info,
        manifest=package.manifest_bytes,
        file_name=file_name,
        audio=package.stored_audio(file_name),
        source="import",
        damaged=admitted.damaged,
    )


_HOW = {
    ImportAction.NEW: "is new here",
    ImportAction.NEWER: "replaces an older version",
    ImportAction.REPAIRED: "replaces the copy that was damaged",
}


def described(package: PackageFile, copied: int) -> Found:
    """The package as a plan looks at it, with `copied` bytes of it on the card already."""
    manifest = package.manifest
    return Found(
        package_id=manifest.package_id,
        version=manifest.package_version,
        size=package.size,
        database_size=package.database_size,
        copied=copied,
        app_version=manifest.min_app_version,
        conflicts_with=tuple(manifest.conflicts_with),
        supersedes=manifest.supersedes,
        part=None if manifest.series_info is None else _part(manifest.series_info),
    )


def _part(series: SeriesInfo) -> Part:
    return Part(
        series_id=series.series_id,
        series_name=series.series_name,
        number=series.part_number,
        of=series.total_parts,
        needs=tuple(series.dependencies),
    )


def imported(
    source: Path, plan: ImportPlan, admitted: Admission, rows: dict[str, int]
) -> ImportRecord:
    """What became of a package that is here now."""
    manifest = admitted.package.manifest
    verses, audio = rows.get("verse_texts", 0), rows.get("media_files", 0)
    told = [
        _HOW[plan.action],
        *plan.notes,
        *([damage.note(len(admitted.damaged))] if admitted.damaged else []),
    ]
    sentence = (
        f"Package {manifest.package_id} version {manifest.package_version} "
        f"({verses} verses, {audio} audio files) {'; it '.join(told)}."
    )
    return ImportRecord(
        source=str(source),
        action=plan.action,
        sentence=sentence,
        package_id=manifest.package_id,
        rows=rows,
    )
