"""A partner's machine to test with: files of records, settings, and the client as a process of its own."""

import csv
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.processes import Spoken


def bsns(count: int, first: int = 90_000_000) -> Iterator[str]:
    """Numbers that pass the eleven-test, from a range that is given to nobody."""
    made, number = 0, first
    while made < count:
        digits = f"{number:08d}"
        last = sum(weight * int(digit) for weight, digit in zip(range(9, 1, -1), digits, strict=True)) % 11
        number += 1
        if last < 10:
            made += 1
            yield f"{digits}{last}"


def row(number: int, bsn: str, **changes: str) -> dict[str, str]:
    """A row about somebody of whom both number and name are known."""
    return {
        "primaryType": "LOVERBOY",
        "observedFrom": "2026-11-01",
        "municipalities.incident": "GM0794",
        "settings": "SCHOOL;ONLINE",
        "indicators": "C02",
        "legalBasis": "JW_REPORT",
        "partnerReference": f"JPT-{number}",
        "persons.0.bsn": bsn,
        "persons.0.surname": f"van der {'ABCDEFGHIKLMNOP'[number % 15]}ergman",
        "persons.0.firstName": "Sanne",
        "persons.0.dateOfBirth": f"{number % 28 + 1}-3-2011",
        "persons.0.sex": "V",
        "persons.0.role": "VICTIM",
        "persons.0.gender": "F",
    } | changes


def write_csv(file: Path, rows: list[dict[str, str]]) -> Path:
    """A file as a Dutch spreadsheet writes it: semicolons, CRLF, a BOM, quotes where they are needed."""
    names = list(dict.fromkeys(name for one in rows for name in one))
    with file.open("w", encoding="utf-8-sig", newline="") as handle:
        writer = csv.DictWriter(handle, names, delimiter=";", restval="")
        writer.writeheader()
        writer.writerows(rows)
    return file


@dataclass
class Partner:
    """One partner with its own folder, and its clients at register and key service."""

    folder: Path
    register: tuple[str, str, str]
    key_service: tuple[str, str, str] | None = None
    more: dict[str, str] = field(default_factory=dict)

    @property
    def state(self) -> Path:
        return self.folder / "state"

    @property
    def environment(self) -> dict[str, str]:
        given = {name: value for name, value in os.environ.items() if not name.startswith("SIGNAL_")}
        url, client_id, secret = self.register
        ours = {
            "REGISTER_URL": url,
            "CLIENT_ID": client_id,
            "SECRET": secret,
            "STATE_DIR": str(self.state),
            "TIMEOUT_SECONDS": "5",
        }
        if self.key_service is not None:
            url, client_id, secret = self.key_service
            ours |= {
                "KEY_SERVICE_URL": url,
                "KEY_SERVICE_CLIENT_ID": client_id,
                "KEY_SERVICE_SECRET": secret,
            }
        return given | {f"SIGNAL_CLIENT_{name}": value for name, value in (ours | self.more).items()}

    def start(self, *arguments: str, given: str = "") -> Spoken:
        """The client as a process; its output is read when it ends."""
        return Spoken(["service", "client", *arguments], self.environment, given)

    def run(self, *arguments: str, given: str = "", timeout: float = 120) -> "Ended":
        """The client, to its end."""
        process = self.start(*arguments, given=given)
        out, err = process.communicate(timeout)
        return Ended(process.returncode, out, err)


@dataclass
class Ended:
    """What a run of the client said."""

    code: int
    out: str
    err: str

    @property
    def summary(self) -> dict[str, Any]:
        """The last line of standard output."""
        told: dict[str, Any] = json.loads(self.out.splitlines()[-1])
        return told
