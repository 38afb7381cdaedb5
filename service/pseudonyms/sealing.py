"""Sealing: a token's subject (HMAC-SHA256), and what is encrypted (AES-256-GCM): tokens, notes, references.

The row and column are bound into the ciphertext as associated data, so that a value moved to another row
cannot be opened. Pure: keys are parameters. A token is `e<epoch>.<kind>.<43 base64url characters>`.
"""

import hmac
import os
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from service.keys import Keys

KEY_LABEL = "k1"
NONCE_BYTES = 12
PURPOSE = b"signal-register/subject/1\x00"


class Sealer:
    """Seals and opens with one set of keys."""

    def __init__(self, keys: Keys) -> None:
        self._subject_key = keys.subject
        self._cipher = AESGCM(keys.token)

    def subject(self, token: str) -> bytes:
        """The register's handle of a person: 32 bytes, the same for the same token."""
        return hmac.digest(self._subject_key, PURPOSE + token.encode("ascii"), "sha256")

    def rows(self, signal_id: UUID, person_id: UUID, tokens: Sequence[str]) -> list[dict[str, Any]]:
        """The rows of `sealed_person` for one person: the pseudonym first, then what else it is known as."""
        return [
            {
                "person_id": person_id,
                "position": position,
                "signal_id": signal_id,
                "kind": token.split(".")[1],
                "key_label": KEY_LABEL,
                "subject": self.subject(token),
                "token": self._seal(token, _token_place(person_id, position)),
            }
            for position, token in enumerate(tokens)
        ]

    def signal_row(
        self, signal_id: UUID, *, note: str | None, partner_reference: str | None
    ) -> list[dict[str, Any]]:
        """The row of `sealed_signal`; none where there is nothing to seal."""
        if note is None and partner_reference is None:
            return []
        return [
            {
                "signal_id": signal_id,
                "key_label": KEY_LABEL,
                "note": note and self._seal(note, _text_place("note", signal_id)),
                "partner_reference": partner_reference
                and self._seal(partner_reference, _text_place("partner_reference", signal_id)),
            }
        ]

    def open(self, sealed: bytes, person_id: UUID, position: int) -> str:
        """The token in clear; raises cryptography's InvalidTag for a value of another row."""
        return self._open(sealed, _token_place(person_id, position))

    def open_text(self, sealed: bytes, column: str, signal_id: UUID) -> str:
        """A note or partner reference in clear; raises InvalidTag as `open` does."""
        return self._open(sealed, _text_place(column, signal_id))

    def _open(self, sealed: bytes, place: bytes) -> str:
        nonce, ciphertext = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
        return self._cipher.decrypt(nonce, ciphertext, place).decode()

    def _seal(self, text: str, place: bytes) -> bytes:
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, text.encode(), place)


def _token_place(person_id: UUID, position: int) -> bytes:
    return b"sealed_person.token\x00" + person_id.bytes + position.to_bytes(1)


def _text_place(column: str, signal_id: UUID) -> bytes:
    return b"sealed_signal." + column.encode("ascii") + b"\x00" + signal_id.bytes
