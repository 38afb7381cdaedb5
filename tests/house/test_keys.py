"""The keys: made once, readable by their owner only, never shown, never guessed."""

import base64
import hashlib
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from service.access.tokens import signer_from
from service.keys import Keys, MissingKey, load_keys, load_sealing_keys, make_sealing_keys

NAMES = ("signing.pem", "subject.key", "token.key", "release.key")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "keys"


def read_all(folder: Path) -> None:
    load_keys(folder, make_missing=False)
    load_sealing_keys(folder, "k1")


def test_missing_keys_are_made_once_and_read_again(folder: Path) -> None:
    first = load_keys(folder, make_missing=True)

    assert load_keys(folder, make_missing=True) == first
    assert load_keys(folder, make_missing=False) == first
    assert sorted(file.name for file in folder.iterdir()) == sorted(NAMES)
    pair = load_sealing_keys(folder, "k1")
    assert len({pair.subject, pair.token, first.release}) == 3
    assert {len(one) for one in (pair.subject, pair.token, first.release)} == {32}


def test_only_their_owner_can_read_them(folder: Path) -> None:
    load_keys(folder, make_missing=True)

    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()} == {0o600}


def test_starts_at_the_same_time_agree_on_the_keys(folder: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: load_keys(folder, make_missing=True), range(32)))

    assert set(found) == {found[0]}
    assert sorted(file.name for file in folder.iterdir()) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES[1:])
def test_without_permission_to_make_it_a_missing_key_is_named(folder: Path, name: str) -> None:
    load_keys(folder, make_missing=True)
    (folder / name).unlink()

    with pytest.raises(MissingKey, match=name):
        read_all(folder)
    assert not (folder / name).exists()


def test_another_label_has_its_own_pair_and_the_first_is_not_made_again(folder: Path) -> None:
    load_keys(folder, make_missing=True)
    make_sealing_keys(folder, "k2")
    for name in ("subject.key", "token.key"):
        (folder / name).unlink()
    load_keys(folder, make_missing=True)

    assert load_sealing_keys(folder, "k2") == load_sealing_keys(folder, "k2")
    assert (folder / "subject-k2.key").exists()
    with pytest.raises(MissingKey, match=r"subject\.key"):
        load_sealing_keys(folder, "k1")


def test_a_folder_with_another_signing_key_gets_no_first_one_again(folder: Path) -> None:
    load_keys(folder, make_missing=True)
    (folder / "signing.pem").rename(folder / "signing-2.pem")
    load_keys(folder, make_missing=True)

    assert not (folder / "signing.pem").exists()


@pytest.mark.parametrize("name", NAMES[1:])
@pytest.mark.parametrize("content", [b"", b"x" * 31, b"x" * 33, b"x" * 32 + b"\n"], ids=len)
def test_a_key_of_another_size_is_refused_without_being_shown(
    folder: Path, name: str, content: bytes
) -> None:
    load_keys(folder, make_missing=True)
    (folder / name).write_bytes(content)

    with pytest.raises(MissingKey, match=name) as refused:
        read_all(folder)
    assert "xxx" not in str(refused.value)
    assert (folder / name).read_bytes() == content


def test_keys_do_not_show_themselves(folder: Path) -> None:
    keys = load_keys(folder, make_missing=True)
    signer = signer_from((folder / "signing.pem").read_bytes())

    pair = load_sealing_keys(folder, "k1")
    for shown in (repr(keys), f"{[keys, pair]}", repr(pair), repr(signer), str({"signer": signer})):
        assert "PRIVATE" not in shown
        assert not any(repr(one)[2:10] in shown for one in (keys.release, pair.subject, pair.token))
    assert isinstance(keys, Keys)


def pem_of(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


REFUSED = {
    "another curve": lambda: pem_of(ec.generate_private_key(ec.SECP384R1())),
    "RSA": lambda: pem_of(rsa.generate_private_key(65537, 2048)),
    "nothing": lambda: b"",
    "a text": lambda: b"secret",
}


@pytest.mark.parametrize("make", REFUSED.values(), ids=REFUSED.keys())
def test_a_signing_key_is_a_p256_key_or_refused(make: object) -> None:
    with pytest.raises(ValueError, match="key|PEM|data"):
        signer_from(make())  # type: ignore[operator]


def test_the_key_id_is_the_thumbprint_of_rfc_7638() -> None:
    signer = signer_from(pem_of(ec.generate_private_key(ec.SECP256R1())))
    x, y = signer.public["x"], signer.public["y"]
    canonical = f'{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}'

    thumbprint = base64.urlsafe_b64encode(hashlib.sha256(canonical.encode()).digest()).decode().rstrip("=")
    assert signer.kid == signer.public["kid"] == thumbprint
    assert (len(x), len(y)) == (43, 43)
