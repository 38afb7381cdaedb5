"""Base64url without padding (RFC 4648 section 5, as in RFC 7515): one text for each string of bytes."""

import base64


def encode(value: bytes) -> str:
    """Bytes as they go over the wire."""
    return base64.urlsafe_b64encode(value).decode().rstrip("=")


def decode(text: str) -> bytes:
    """The bytes of a text that `encode` makes; raises `ValueError` for every other text."""
    value = base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True)
    if encode(value) != text:
        raise ValueError("not base64url")
    return value
