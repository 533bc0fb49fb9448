import os
from pathlib import Path

import pytest

from hotspot.errors import ConfigError, PackageRefused
from hotspot.package import minisign, signatures
from hotspot.package.reader import open_package
from hotspot.package.signatures import (
    HEAD,
    WHOLE,
    Settled,
    Signatures,
    Trust,
    examine,
    load_trust,
    read_beside,
    write_beside,
)
from hotspot.package.signing import prehash, sign_package
from tests.package.pieces import combined
from tests.package.signing import Pair

PAIR, OTHER = Pair(1), Pair(2)


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A package that PAIR signed."""
    path = combined(tmp_path)
    sign_package(path, PAIR.secret)
    return path


def settle(package: Path, trust: Trust) -> Settled:
    return examine(open_package(package), trust).settle(package, prehash(package))


def drop(package: Path, suffix: str) -> None:
    package.with_name(package.name + suffix).unlink()


def flip_audio(package: Path) -> None:
    with package.open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        last = file.read(1)
        file.seek(-1, os.SEEK_END)
        file.write(bytes([last[0] ^ 1]))


@pytest.mark.parametrize("dropped", [None, WHOLE, HEAD])
def test_either_signature_is_enough(package: Path, dropped: str | None) -> None:
    if dropped:
        drop(package, dropped)
    settled = settle(package, PAIR.trusted(required=True))
    assert settled.judgement.signer == PAIR.public.name
    assert settled.head is (dropped != HEAD)
    assert settled.kept == read_beside(package)


def test_a_signature_of_the_old_kind_counts_up_to_a_size(
    package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from nacl.bindings import crypto_sign

    raw = crypto_sign(package.read_bytes(), PAIR.secret.key)[:64]
    lines = minisign.sign(PAIR.secret, bytes(64), "").split(b"\n")
    lines[1] = minisign.b64encode(b"Ed" + PAIR.secret.id + raw)
    lines[3] = minisign.b64encode(crypto_sign(raw, PAIR.secret.key)[:64])
    write_beside(package, Signatures(whole=b"\n".join(lines)))
    assert settle(package, PAIR.trusted(required=True)).judgement.signer == PAIR.public.name
    monkeypatch.setattr(signatures, "PLAIN_LIMIT", 100)
    assert "minisign 0.8" in str(settle(package, PAIR.trusted()).judgement.fault)


def test_what_was_changed_is_not_as_it_was_signed(package: Path) -> None:
    drop(package, HEAD)
    flip_audio(package)
    settled = settle(package, PAIR.trusted())
    assert settled.judgement.signer is None
    assert settled.kept == Signatures()
    with pytest.raises(PackageRefused, match="it was changed, or is damaged"):
        settle(package, PAIR.trusted(required=True))


def test_the_head_stands_where_the_rest_was_changed(package: Path) -> None:
    flip_audio(package)
    settled = settle(package, PAIR.trusted(required=True))
    assert settled.head
    assert settled.kept == Signatures(head=read_beside(package).head)


def test_signatures_of_another_package_do_not_fit(package: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = combined(tmp_path / "other")
    with other.open("r+b") as file:
        file.seek(40)
        file.write(bytes(32))
    write_beside(other, read_beside(package))
    with pytest.raises(PackageRefused, match="changed, or is damaged"):
        settle(other, PAIR.trusted(required=True))


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "it is not signed"),
        (b"", "its signature cannot be read"),
        (b"\xff" * 300, "its signature cannot be read"),
        (b"x" * 20_000, "it is not signed"),
        (minisign.sign(OTHER.secret, bytes(64), ""), f"with the key {OTHER.public.name}"),
    ],
)
def test_where_a_signature_is_required_nothing_else_is_copied(
    package: Path, content: bytes | None, sentence: str
) -> None:
    write_beside(package, Signatures(whole=content))
    opened = open_package(package)
    with pytest.raises(PackageRefused, match=sentence):
        examine(opened, PAIR.trusted(required=True))
    settled = examine(opened, PAIR.trusted()).settle(package, None)
    assert sentence in str(settled.judgement.fault)


def test_a_stranger_s_signature_is_handed_on(package: Path) -> None:
    assert settle(package, OTHER.trusted()).kept == read_beside(package)


def test_links_folders_and_pipes_are_no_signatures(package: Path, tmp_path: Path) -> None:
    whole = package.with_name(package.name + WHOLE)
    whole.rename(tmp_path / "elsewhere")
    whole.symlink_to(tmp_path / "elsewhere")
    head = package.with_name(package.name + HEAD)
    head.unlink()
    head.mkdir()
    before = len(list(Path("/proc/self/fd").iterdir()))
    assert read_beside(package) == Signatures()
    assert len(list(Path("/proc/self/fd").iterdir())) == before
    whole.unlink()
    os.mkfifo(whole)
    assert read_beside(package).whole in (None, b"")


def test_trusted_keys_are_a_file_or_a_folder(tmp_path: Path) -> None:
    public, _ = PAIR.write(tmp_path)
    OTHER.write(tmp_path)
    assert load_trust(public, True) == PAIR.trusted(required=True)
    assert load_trust(tmp_path, False).keys.keys() == {PAIR.public.id, OTHER.public.id}
    assert load_trust(None, False) == Trust()


def test_mistakes_in_the_settings_are_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="at least one key"):
        load_trust(None, True)
    with pytest.raises(ConfigError, match="No such file"):
        load_trust(tmp_path / "gone.pub", False)
    (tmp_path / "bad.pub").write_text("hello")
    with pytest.raises(ConfigError, match="cannot be used"):
        load_trust(tmp_path, False)
