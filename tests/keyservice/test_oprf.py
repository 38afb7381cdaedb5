"""The OPRF: the vectors of RFC 9497 appendix A.1.1, and what is no element of the group."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service import oprf

SEED = bytes.fromhex("a3" * 32)
KEY = bytes.fromhex("5ebcea5ee37023ccb9fc2d2019f9d7737be85591ae8652ffa9ef0f4d37063b0e")
BLIND = bytes.fromhex("64d37aed22a27f5191de1c1d69fadb899d8862b58eb4220029e036ec4c1f6706")
VECTORS = [
    (
        "00",
        "609a0ae68c15a3cf6903766461307e5c8bb2f95e7e6550e1ffa2dc99e412803c",
        "7ec6578ae5120958eb2db1745758ff379e77cb64fe77b0b2d8cc917ea0869c7e",
        "527759c3d9366f277d8c6020418d96bb393ba2afb20ff90df23fb7708264e2f3"
        "ab9135e3bd69955851de4b1f9fe8a0973396719b7912ba9ee8aa7d0b5e24bcf6",
    ),
    (
        "5a" * 17,
        "da27ef466870f5f15296299850aa088629945a17d1f5b7f5ff043f76b3c06418",
        "b4cbf5a4f1eeda5a63ce7b77c7d23f461db3fcab0dd28e4e17cecb5c90d02c25",
        "f4a74c9c592497375e796aa837e907b1a045d34306a749db9f34221f7e750cb4"
        "f2a6413a6bf6fa5e19ba6348eb673934a722a7ede2e7621306d18951e7cf2c73",
    ),
]
PRIME = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493

# None of them is an element: RFC 9496 section 4.3.1 wants the one canonical, non-negative encoding.
NO_ELEMENTS = {
    "the identity": bytes(32),
    "not reduced": (PRIME + 2).to_bytes(32, "little"),
    "the identity, not reduced": PRIME.to_bytes(32, "little"),
    "negative": (1).to_bytes(32, "little"),
    "minus one": (PRIME - 1).to_bytes(32, "little"),
    "the top bit set": bytes.fromhex("00" * 31 + "80"),
    "all ones": b"\xff" * 32,
    "of order 8 on the curve": bytes.fromhex(
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"
    ),
    "of order 8 too": bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"),
    "an element with the top bit set": bytes.fromhex(VECTORS[0][1])[:-1] + b"\xbc",
    "too short": b"\x02" * 31,
    "too long": b"\x02" * 33,
    "nothing": b"",
}


def test_a_key_comes_of_its_seed_as_in_the_rfc() -> None:
    assert oprf.derive_key(SEED, b"test key") == KEY


@pytest.mark.parametrize(("value", "blinded", "evaluated", "output"), VECTORS)
def test_the_vectors_of_the_rfc(value: str, blinded: str, evaluated: str, output: str) -> None:
    given_value = bytes.fromhex(value)
    element = oprf.blind_with(BLIND, given_value)

    assert element.hex() == blinded
    assert oprf.evaluate(KEY, element).hex() == evaluated
    assert oprf.finalise(given_value, BLIND, bytes.fromhex(evaluated)).hex() == output
    assert oprf.output(KEY, given_value).hex() == output


@given(st.binary(max_size=300))
def test_every_blind_gives_the_same_output(value: bytes) -> None:
    first, second = oprf.blind(value), oprf.blind(value)

    assert first != second
    assert len({oprf.finalise(value, blind, oprf.evaluate(KEY, one)) for blind, one in (first, second)}) == 1


@pytest.mark.parametrize("encoded", NO_ELEMENTS.values(), ids=NO_ELEMENTS.keys())
def test_what_is_no_element_is_refused(encoded: bytes) -> None:
    assert not oprf.is_element(encoded)
    with pytest.raises(oprf.NoElement):
        oprf.evaluate(KEY, encoded)
    with pytest.raises(oprf.NoElement):
        oprf.finalise(b"value", BLIND, encoded)


@given(st.binary(min_size=32, max_size=32))
def test_any_32_bytes_are_an_element_or_refused(encoded: bytes) -> None:
    if oprf.is_element(encoded):
        assert oprf.is_element(oprf.evaluate(KEY, encoded))
    else:
        with pytest.raises(oprf.NoElement):
            oprf.evaluate(KEY, encoded)


def test_another_key_gives_another_output() -> None:
    keys = [KEY, oprf.derive_key(SEED, b"another key"), oprf.derive_key(os.urandom(32), b"test key")]

    assert len({oprf.output(key, b"value") for key in keys}) == 3
    assert all(0 < int.from_bytes(key, "little") < ORDER for key in keys)


def test_a_value_that_is_too_long_is_refused() -> None:
    assert oprf.blind_with(BLIND, bytes(0xFFFF))
    with pytest.raises(ValueError, match="65,535"):
        oprf.blind_with(BLIND, bytes(0x10000))
