"""The oblivious pseudorandom function of RFC 9497, suite ristretto255-SHA512, mode OPRF (0x00).

Who asks blinds an input; who has the key evaluates the blinded element and learns nothing of the input; who
asked finalises and learns nothing of the key. Called by the key service (`evaluate`) and by the shipped client
(`blind`, `finalise`). Pure but for the random blind; the group is libsodium's, through rbcl. Elements and
scalars are 32 bytes, outputs 64.
"""

import hashlib

import rbcl

ELEMENT_BYTES = 32
SUITE = "ristretto255-SHA512"
IDENTITY = bytes(ELEMENT_BYTES)

_CONTEXT = b"OPRFV1-\x00-" + SUITE.encode("ascii")
_TO_GROUP = b"HashToGroup-" + _CONTEXT
_TO_KEY = b"DeriveKeyPair" + _CONTEXT
_LONGEST_INPUT = 0xFFFF
_HASH_BLOCK, _HASH_BYTES = 128, 64


class NoElement(ValueError):
    """No element of the group that may be used: not 32 bytes, not the canonical encoding, or the identity."""


def derive_key(seed: bytes, info: bytes) -> bytes:
    """The private key of a seed of 32 bytes and a public info (RFC 9497 section 3.2.1)."""
    given = seed + len(info).to_bytes(2) + info
    for counter in range(256):
        key: bytes = rbcl.crypto_core_ristretto255_scalar_reduce(
            _expand(given + counter.to_bytes(1), _TO_KEY)
        )
        if any(key):
            return key
    raise ValueError("no key comes of this seed")  # the chance is 2^-252 for each counter


def blind(value: bytes) -> tuple[bytes, bytes]:
    """A fresh blind and the blinded element of a value of at most 65,535 bytes."""
    scalar: bytes = rbcl.crypto_core_ristretto255_scalar_random()
    return scalar, blind_with(scalar, value)


def blind_with(scalar: bytes, value: bytes) -> bytes:
    """The blinded element of a value for a blind that is known, as in the vectors of the RFC."""
    if len(value) > _LONGEST_INPUT:
        raise ValueError("a value has at most 65,535 bytes")
    return _times(scalar, rbcl.crypto_core_ristretto255_from_hash(_expand(value, _TO_GROUP)))


def evaluate(key: bytes, element: bytes) -> bytes:
    """The evaluated element; raises `NoElement`."""
    if not is_element(element):
        raise NoElement
    return _times(key, element)


def finalise(value: bytes, scalar: bytes, evaluated: bytes) -> bytes:
    """The output for a value, of its blind and the evaluated element; raises `NoElement`."""
    if not is_element(evaluated):
        raise NoElement
    element = _times(rbcl.crypto_core_ristretto255_scalar_invert(scalar), evaluated)
    parts = len(value).to_bytes(2) + value + len(element).to_bytes(2) + element
    return hashlib.sha512(parts + b"Finalize").digest()


def output(key: bytes, value: bytes) -> bytes:
    """The output for a value by who has the key (RFC 9497's Evaluate), without blinding."""
    scalar, element = blind(value)
    return finalise(value, scalar, evaluate(key, element))


def is_element(encoded: bytes) -> bool:
    """Whether these bytes are the canonical encoding of an element other than the identity."""
    return (
        len(encoded) == ELEMENT_BYTES
        and encoded != IDENTITY
        and encoded[-1] < 0x80  # rbcl's libsodium overlooks this bit, so that an element had two encodings
        and bool(rbcl.crypto_core_ristretto255_is_valid_point(encoded))
    )


def _times(scalar: bytes, element: bytes) -> bytes:
    product: bytes = rbcl.crypto_scalarmult_ristretto255(scalar, element)
    return product


def _expand(message: bytes, tag: bytes) -> bytes:
    """expand_message_xmd of RFC 9380 section 5.3.1 with SHA-512, for 64 bytes: one block of output."""
    tag_prime = tag + len(tag).to_bytes(1)
    first = hashlib.sha512(
        bytes(_HASH_BLOCK) + message + _HASH_BYTES.to_bytes(2) + b"\x00" + tag_prime
    ).digest()
    return hashlib.sha512(first + b"\x01" + tag_prime).digest()
