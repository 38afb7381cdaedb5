"""Sealing: a token's subject (HMAC-SHA256), and what is encrypted (AES-256-GCM): tokens, notes, references, digests.

The row and column are bound into the ciphertext as associated data, so that a value moved to another row
cannot be opened. A token is `e<epoch>.<kind>.<43 base64url characters>`. Keys come in pairs with a label; what is
sealed says under which. Pure but for reading a pair when its label is first met.
"""

import hmac
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from service.keys import SealingKeys, load_sealing_keys

NONCE_BYTES = 12
SIGNALS, QUESTIONS = "sealed_signal", "sealed_question"  # the tables whose texts are sealed
PURPOSE = b"signal-register/subject/1\x00"


class Seal:
    """Seals and opens with the keys of one label."""

    def __init__(self, label: str, keys: SealingKeys) -> None:
        self.label = label
        self._subject_key = keys.subject
        self._cipher = AESGCM(keys.token)

    def subject(self, token: str) -> bytes:
        """The register's handle of a person: 32 bytes, the same for the same token and label."""
        return hmac.digest(self._subject_key, PURPOSE + token.encode("ascii"), "sha256")

    def rows(self, signal_id: UUID, person_id: UUID, tokens: Sequence[str]) -> list[dict[str, Any]]:
        """The rows of `sealed_person` for one person: the pseudonym first, then what else it is known as."""
        return [
            {
                "person_id": person_id,
                "position": position,
                "signal_id": signal_id,
                "kind": token.split(".")[1],
                "key_label": self.label,
                "subject": self.subject(token),
                "token": self.close(token.encode(), token_place(person_id, position)),
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
                "key_label": self.label,
                "note": self.close_text(note, "note", signal_id),
                "partner_reference": self.close_text(partner_reference, "partner_reference", signal_id),
            }
        ]

    def close_text(
        self, text: str | None, column: str, row_id: UUID, *, table: str = SIGNALS
    ) -> bytes | None:
        """A text for its column, or none; opened again by `Sealer.open_text`."""
        return text and self.close(text.encode(), text_place(column, row_id, table))  # type: ignore[return-value]

    def close(self, value: bytes, place: bytes) -> bytes:
        """Encrypt a value for its place: a fresh nonce, then ciphertext and tag."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, value, place)

    def open(self, sealed: bytes, place: bytes) -> bytes:
        """The value of this place; raises cryptography's InvalidTag for one of another place or label."""
        return self._cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], place)


class Sealer:
    """The seals of a folder of keys, by label."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._seals: dict[str, Seal] = {}

    def under(self, label: str) -> Seal:
        """The seal of a label; raises `MissingKey` where this machine does not have its keys."""
        if label not in self._seals:
            self._seals[label] = Seal(label, load_sealing_keys(self._folder, label))
        return self._seals[label]

    def open_token(self, sealed: bytes, label: str, person_id: UUID, position: int) -> str:
        """The token in clear."""
        return self.under(label).open(sealed, token_place(person_id, position)).decode()

    def open_text(
        self, sealed: bytes | None, label: str, column: str, row_id: UUID, *, table: str = SIGNALS
    ) -> str | None:
        """A text in clear, or none."""
        if sealed is None:
            return None
        return self.under(label).open(sealed, text_place(column, row_id, table)).decode()


def token_place(person_id: UUID, position: int) -> bytes:
    """Where a token stands: `sealed_person.token` of a row."""
    return b"sealed_person.token\x00" + person_id.bytes + position.to_bytes(1)


def text_place(column: str, row_id: UUID, table: str = SIGNALS) -> bytes:
    """Where a text stands: a column of a row of `sealed_signal` or `sealed_question`."""
    return f"{table}.{column}\x00".encode("ascii") + row_id.bytes


def digest_place(client_id: UUID, key: UUID) -> bytes:
    """Where the digest of a post stands: `submission.digest` of a row."""
    return b"submission.digest\x00" + client_id.bytes + key.bytes
