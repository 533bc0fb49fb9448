"""`hotspot package`: build, inspect and verify package files."""

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import msgspec

from hotspot.errors import BadRequest
from hotspot.package import source, verify, writer
from hotspot.package.reader import PackageFile, open_package

_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")
_HELP = f"Build the package OUT from the folder SOURCE.\n\n{source.__doc__}"
_UNWRAPPED = "\n\n\b\n"
_FILE = click.argument("file", type=click.Path(path_type=Path))


@contextmanager
def _sentences() -> Iterator[None]:
    """A file that cannot be read or written is told in one sentence."""
    try:
        yield
    except OSError as error:
        raise BadRequest(f"{error.filename or 'The file'}: {error.strerror}.") from None


@click.group()
def package() -> None:
    """Build, inspect and verify package files."""


@package.command(help=_HELP.replace("\n\n", _UNWRAPPED))
@click.argument("folder", metavar="SOURCE", type=click.Path(path_type=Path))
@click.argument("out", metavar="OUT", type=click.Path(path_type=Path))
def build(folder: Path, out: Path) -> None:
    with _sentences():
        manifest = writer.build(source.read_folder(folder), out)
    click.echo(f"Built {out}: {manifest.package_id} version {manifest.package_version}.")


@package.command()
@_FILE
@_JSON
def inspect(file: Path, as_json: bool) -> None:
    """Say what a package is, by its own account."""
    with _sentences():
        found = open_package(file)
    _print(_described(found), as_json, _summary(found))


@package.command(name="verify")
@_FILE
@_JSON
def verify_(file: Path, as_json: bool) -> None:
    """Check every byte of a package; exit status 1 if something is damaged."""
    with _sentences():
        report = asyncio.run(verify.verify(file))
    _print(msgspec.to_builtins(report), as_json, report.sentence)
    if not report.sound:
        sys.exit(1)


def _print(value: Any, as_json: bool, text: str) -> None:
    click.echo(msgspec.json.format(msgspec.json.encode(value)) if as_json else text)


def _described(found: PackageFile) -> dict[str, Any]:
    return {
        "sizeInBytes": found.size,
        "manifestSize": found.header.manifest_size,
        "databaseSize": found.database_size,
        "audioSize": found.audio_size,
        "contentSha256": found.header.sha256.hex(),
        "manifest": msgspec.json.decode(found.manifest_bytes),
    }


def _summary(found: PackageFile) -> str:
    manifest = found.manifest
    structure = manifest.bible_structure
    return "\n".join(
        (
            f"{manifest.package_id} version {manifest.package_version} "
            f"({found.header.package_type.kind}), {found.size / 1e6:.1f} MB, "
            f"made {manifest.created_at}",
            f"{structure.total_verses} verses in {structure.total_chapters} chapters of "
            f"{structure.total_books} books, {len(manifest.audio_file_index)} audio files",
        )
    )
