"""What a verified package is published as: its entry in the catalogue, and where its audio lies."""

import msgspec

from hotspot.model.catalogue import NewPackage
from hotspot.model.wire import PackageInfo
from hotspot.package.reader import PackageFile


def new_package(package: PackageFile, sha256: str, now: str) -> NewPackage:
    """The package whose verified file lies in packages/ under its SHA-256.

    The names of its language and versions are left to the store, which reads them from the rows.
    """
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
        complete=True,
        series_info=None if series is None else msgspec.to_builtins(series),
    )
    return NewPackage(
        info=info,
        manifest=package.manifest_bytes,
        file_name=file_name,
        audio=package.stored_audio(file_name),
        source="import",
    )
