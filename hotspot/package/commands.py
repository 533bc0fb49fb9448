"""`hotspot package`: build, inspect, verify and sign package files."""

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import msgspec

from hotspot.errors import BadRequest
from hotspot.package import series, signatures, signing, source, verify, writer
from hotspot.package.reader import PackageFile, open_package
from hotspot.package.spec import Spec
from hotspot.printing.output import JSON

_HELP = f"Build the package OUT from the folder SOURCE.\n\n{source.__doc__}"
_UNWRAPPED = "\n\n\b\n"
_FILE = click.argument("file", type=click.Path(path_type=Path))


def _most(ctx: click.Context, param: click.Parameter, value: str | None) -> int | None:
    """How to split: None not at all, 0 by testament, otherwise bytes of a part."""
    if value is None or value == series.BY_TESTAMENT:
        return None if value is None else 0
    if not (value.isascii() and value.isdigit()) or not 1 <= int(value) <= 1_000_000:
        raise click.BadParameter(f"{value!r} is neither 'testament' nor a number of MB.")
    return int(value) * 1_000_000


@contextmanager
def _sentences() -> Iterator[None]:
    """A file that cannot be read or written is told in one sentence."""
    try:
        yield
    except OSError as error:
        raise BadRequest(f"{error.filename or 'The file'}: {error.strerror}.") from None


@click.group()
def package() -> None:
    """Build, inspect, verify and sign package files."""


@package.command(help=_HELP.replace("\n\n", _UNWRAPPED))
@click.argument("folder", metavar="SOURCE", type=click.Path(path_type=Path))
@click.argument("out", metavar="OUT", type=click.Path(path_type=Path))
@click.option(
    "--split",
    "most",
    callback=_most,
    metavar="testament|MB",
    help="Build the parts of a series into the folder OUT: one for each testament, or of about "
    "so many MB each. A book is never divided.",
)
def build(folder: Path, out: Path, most: int | None) -> None:
    with _sentences():
        spec = source.read_folder(folder)
        if most is None:
            _build(spec, out)
            return
        out.mkdir(parents=True, exist_ok=True)
        for part in series.split(spec, most or None):
            _build(part, out / f"{part.package_id}.bible")


def _build(spec: Spec, out: Path) -> None:
    manifest = writer.build(spec, out)
    click.echo(f"Built {out}: {manifest.package_id} version {manifest.package_version}.")


@package.command()
@_FILE
@JSON
def inspect(file: Path, as_json: bool) -> None:
    """Say what a package is, by its own account."""
    with _sentences():
        found = open_package(file)
    _print(_described(found), as_json, _summary(found))


@package.command(name="verify")
@_FILE
@click.option(
    "--keys",
    type=click.Path(path_type=Path),
    help="A file of minisign public keys, or a folder of them (*.pub): one of them must have "
    "signed it.",
)
@JSON
def verify_(file: Path, keys: Path | None, as_json: bool) -> None:
    """Check every byte of a package; exit status 1 if something is damaged.

    With --keys also if none of those signed it.
    """
    trust = signatures.load_trust(keys, required=keys is not None)
    with _sentences():
        signer = _signer(file, trust) if trust.required else None
        report = asyncio.run(verify.verify(file))
    signed = f" It is signed with the key {signer}." if signer is not None else ""
    told = {**msgspec.to_builtins(report), "signedBy": signer}
    _print(told, as_json, report.sentence + signed)
    if not report.sound:
        sys.exit(1)


def _signer(file: Path, trust: signatures.Trust) -> str | None:
    """Which of the keys signed it. Raises PackageRefused where none did."""
    seal = signatures.examine(open_package(file), trust)
    return seal.settle(file, signing.prehash(file)).judgement.signer


@package.command()
@_FILE
@click.option(
    "--key",
    type=click.Path(path_type=Path),
    required=True,
    help="The secret key, as `minisign -G` makes it.",
)
def sign(file: Path, key: Path) -> None:
    """Sign a package: writes FILE.minisig and FILE.head.minisig, which minisign verifies too."""

    def password() -> str:
        return str(click.prompt("Password of the secret key", hide_input=True, err=True))

    with _sentences():
        secret = signing.load_secret_key(key, password)
        made = signing.sign_package(file, secret)
    click.echo(f"Signed with the key {secret.name}: {', '.join(map(str, made))}.")


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
    part = manifest.series_info
    return "\n".join(
        (
            f"{manifest.package_id} version {manifest.package_version} "
            f"({found.header.package_type.kind}), {found.size / 1e6:.1f} MB, "
            f"made {manifest.created_at}",
            f"{structure.total_verses} verses in {structure.total_chapters} chapters of "
            f"{structure.total_books} books, {len(manifest.audio_file_index)} audio files",
            *(
                [
                    f"part {part.part_number} of {part.total_parts} of {part.series_name}: "
                    f"{part.content_range.description}"
                ]
                if part
                else []
            ),
        )
    )
