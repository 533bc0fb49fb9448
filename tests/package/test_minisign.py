from hashlib import blake2b
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotspot.errors import BadRequest, PackageRefused
from hotspot.package.minisign import (
    fits,
    parse_public_keys,
    parse_secret_key,
    parse_signature,
    sign,
)
from hotspot.package.reader import open_package
from hotspot.package.signatures import HEAD, WHOLE, examine, read_beside
from hotspot.package.signing import load_secret_key, prehash, sign_package
from tests.package.pieces import combined, text_only
from tests.package.signing import Pair, minisign
from tests.support.requirements import needs

PAIR, OTHER = Pair(1), Pair(2)


def no_password() -> str:
    raise AssertionError("the key is not encrypted")


@given(st.binary(min_size=64, max_size=64), st.text(st.characters(codec="ascii", min_codepoint=32)))
def test_what_is_signed_fits_only_that_and_only_that_key(digest: bytes, comment: str) -> None:
    signature = parse_signature(sign(PAIR.secret, digest, comment))
    assert signature.prehashed
    assert signature.trusted_comment == comment.encode()
    assert fits(signature, PAIR.public, digest)
    assert not fits(signature, PAIR.public, digest[::-1] + b"x")
    assert not fits(signature, OTHER.public, digest)


@pytest.mark.parametrize("line", [1, 2, 3])
def test_a_changed_signature_or_comment_does_not_fit(line: int) -> None:
    lines = sign(PAIR.secret, bytes(64), "timestamp:1").split(b"\n")
    changed = bytearray(lines[line])
    changed[-9] = ord("B") if changed[-9] == ord("A") else ord("A")
    lines[line] = bytes(changed)
    assert not fits(parse_signature(b"\n".join(lines)), PAIR.public, bytes(64))


@given(st.binary(max_size=400))
def test_anything_may_lie_where_a_signature_should(raw: bytes) -> None:
    with pytest.raises(ValueError, match=r"^it "):
        parse_signature(raw)


def test_a_file_of_keys_may_hold_several(tmp_path: Path) -> None:
    files = [pair.write(tmp_path)[0].read_text() for pair in (PAIR, OTHER)]
    keys = parse_public_keys("# whom we trust\n\n" + "\n".join(files))
    assert keys == [PAIR.public, OTHER.public]
    with pytest.raises(ValueError, match="not the public key"):
        parse_public_keys("RWQAAA==")


def test_a_damaged_secret_key_is_refused(tmp_path: Path) -> None:
    text = PAIR.write(tmp_path)[1].read_text()
    assert parse_secret_key(text, no_password).key == PAIR.secret.key
    with pytest.raises(BadRequest, match="damaged"):
        parse_secret_key(text[:-40] + "AAAA" + text[-36:], no_password)
    with pytest.raises(BadRequest, match="not the secret key"):
        parse_secret_key(PAIR.write(tmp_path)[0].read_text(), no_password)


def test_the_tool_verifies_what_was_signed_here(tmp_path: Path) -> None:
    needs("minisign")
    package, (public, secret) = combined(tmp_path), PAIR.write(tmp_path)
    made = sign_package(package, load_secret_key(secret, no_password))
    assert [path.name for path in made] == [package.name + WHOLE, package.name + HEAD]
    minisign("-V", "-p", public, "-m", package)
    head = package.with_name(package.name + ".head")
    head.write_bytes(open_package(package).head)
    assert f"file:{head.name}" in minisign("-V", "-p", public, "-m", head)


@pytest.mark.parametrize(
    ("how", "password"),
    [
        pytest.param((), "", id="prehashed"),
        pytest.param(("-l",), "", id="legacy"),
        pytest.param((), "correct horse", id="encrypted", marks=pytest.mark.slow),
    ],
)
def test_what_the_tool_signed_is_verified_here(
    tmp_path: Path, how: tuple[str, ...], password: str
) -> None:
    needs("minisign")
    package, public, secret = text_only(tmp_path), tmp_path / "key.pub", tmp_path / "key.sec"
    answers = f"{password}\n{password}\n"
    minisign("-G", *([] if password else ["-W"]), "-p", public, "-s", secret, answers=answers)
    minisign("-S", *how, "-s", secret, "-m", package, answers=answers)
    (key,) = parse_public_keys(public.read_text())
    raw = read_beside(package).whole
    assert raw is not None
    signature = parse_signature(raw)
    assert signature.prehashed is (how == ())
    assert fits(signature, key, prehash(package) if signature.prehashed else package.read_bytes())
    again = load_secret_key(secret, lambda: password)
    assert fits(parse_signature(sign(again, blake2b().digest(), "")), key, blake2b().digest())
    if password:
        with pytest.raises(BadRequest, match="password"):
            load_secret_key(secret, lambda: "wrong")


def test_a_package_that_is_none_is_not_signed(tmp_path: Path) -> None:
    path = tmp_path / "notes.bible"
    path.write_text("not a package")
    with pytest.raises(PackageRefused):
        sign_package(path, PAIR.secret)
    assert list(tmp_path.iterdir()) == [path]


def test_examining_needs_no_prehash_where_it_would_not_count(tmp_path: Path) -> None:
    package = text_only(tmp_path)
    opened = open_package(package)
    assert not examine(opened, PAIR.trusted()).needs_prehash
    sign_package(package, OTHER.secret)
    assert not examine(opened, PAIR.trusted()).needs_prehash
    sign_package(package, PAIR.secret)
    assert examine(opened, PAIR.trusted()).needs_prehash
