"""Who has the databases, their journals, the logs, the spool: nobody is found in them without both keys.

A register, a key service and a partner run as processes with their logs kept; rows are posted, corrected, refused,
spooled and re-keyed. Then every file is searched, and whoever holds all of it and one of the keys tries the number of
somebody it knows to be there, in every way that a stored value could have come of a token.
"""

import asyncio
import base64
import hashlib
import hmac
import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from service import oprf
from service.database import Database
from service.keys import load_sealing_keys
from service.keyservice.epochs import Epochs
from service.pseudonyms.sealing import Seal
from tests.bench.posting import log_into
from tests.conftest import ENGINES
from tests.house.test_canaries import columns_of
from tests.support.partner import Partner, bsns, row, write_csv
from tests.support.place import Place, place_of
from tests.support.postgres import Postgres
from tests.support.register import Templates, apart, prepared

NAMES = ("persons.0.surname", "persons.0.firstName", "persons.0.dateOfBirth")


def written(folder: Path, url: str) -> Iterator[tuple[str, bytes]]:
    """Every file of a folder, keys and the partner's own files aside, and those of the register's database."""
    for file in sorted(folder.rglob("*")):
        if file.is_file() and file.suffix not in (".key", ".pem", ".csv"):
            yield str(file), file.read_bytes()
    if url.startswith("sqlite"):
        database = Path(url.removeprefix("sqlite+aiosqlite:///"))
        for file in database.parent.glob(f"{database.name}*"):
            yield str(file), file.read_bytes()
    else:
        cluster = Path(url.rpartition("host=")[2]) / "data"
        for part in ("base", "pg_wal"):
            for file in sorted((cluster / part).rglob("*")):
                if file.is_file():
                    yield str(file), file.read_bytes()


def forms_of(value: bytes) -> Iterator[bytes]:
    """A value as it is, and as it may be written down."""
    yield value
    yield value.hex().encode()
    yield value.hex().upper().encode()
    yield base64.b64encode(value).rstrip(b"=")
    yield base64.urlsafe_b64encode(value).rstrip(b"=")


def hashes_of(value: bytes) -> Iterator[bytes]:
    """What somebody without the register's key may have made of a value that stands in a row, or a prefix of it."""
    for name in ("md5", "sha1", "sha256", "sha512", "blake2b", "sha3_256"):
        yield hashlib.new(name, value).digest()
        yield hmac.digest(b"", value, "sha256")


def tokens_of(place: Place, bsn: str) -> list[str]:
    """The tokens of a number by whoever has the key of the key service."""
    epoch = Epochs(place.folder / "keyservice", purpose="exploitation", register="signal-register").current
    output = oprf.output(epoch.key, f"{epoch.prefix}b|{bsn}".encode())[:32]
    encoded = base64.urlsafe_b64encode(output).decode().rstrip("=")
    return [f"e1.b.{encoded}", encoded]


@pytest.fixture(scope="module", params=ENGINES)
def used(
    request: pytest.FixtureRequest, templates: Templates, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Place, Partner, list[dict[str, str]]]]:
    """A place where everything has happened, while its servers still run, with the rows that were posted."""
    folder = tmp_path_factory.mktemp("used")
    if request.param == "sqlite":
        with templates.copy("sqlite") as url:
            key_url = f"sqlite+aiosqlite:///{folder}/keys.db"
            yield from _used(place_of(url, key_url, folder, templates.loaded["sqlite"]))
        return
    # A cluster of its own: all its files are read, its WAL too, and nobody else writes there meanwhile.
    with Postgres() as postgres:
        postgres.create_database("register")
        loaded = prepared(postgres.url("register"), folder)
        postgres.create_database("keys")
        yield from _used(place_of(postgres.url("register"), postgres.url("keys"), folder, loaded))


def _used(place: Place) -> Iterator[tuple[Place, Partner, list[dict[str, str]]]]:
    partner = place.partner()
    # The first is known by number alone: whoever guesses that has the whole of what was posted.
    alone = dict.fromkeys((*NAMES, "persons.0.sex"), "") | {"persons.0.ageBand": "A12_15"}
    first, *others = bsns(6)
    rows = [row(0, first, **alone), *(row(number, bsn) for number, bsn in enumerate(others, 1))]
    fails = row(90, "123456789")
    with log_into(place.folder / "log"):
        with place.key_service(log_level="DEBUG"), place.register(log_level="DEBUG"):
            ended = partner.run("post", str(write_csv(partner.folder / "a.csv", [*rows[:4], fails])))
            (partner.folder / "client.log").write_text(ended.out + ended.err)
            assert ended.summary["registered"] == 4
            partner.run("post", str(write_csv(partner.folder / "b.csv", rows[1:2])), "--retoken")
        with place.key_service(log_level="DEBUG"):
            ended = partner.run("post", str(write_csv(partner.folder / "c.csv", rows[4:])), "--patience", "0")
            (partner.folder / "spooling.log").write_text(ended.out + ended.err)
            assert ended.summary["spooled"] == 2
            with place.register(log_level="DEBUG") as register:
                del register  # running: what was committed stands in the WAL
                yield place, partner, rows


def test_neither_number_nor_name_nor_token_is_in_any_file(
    used: tuple[Place, Partner, list[dict[str, str]]],
) -> None:
    place, _, rows = used
    files = [*written(place.folder, place.url)]
    secrets = [one["persons.0.bsn"].encode() for one in rows]
    secrets += [one[NAMES[0]].encode() for one in rows[1:]]
    secrets += [token.encode() for one in rows for token in tokens_of(place, one["persons.0.bsn"])]
    secrets += [value for one in rows for value in forms_of(_raw(tokens_of(place, one["persons.0.bsn"])[1]))]

    assert any(b"JPT_STREET" in content or b"LOVERBOY" in content for _, content in files)  # the search works
    assert any(name.endswith(".waiting") for name, _ in files)
    assert any(name.endswith("/log") and b'"event":"request"' in content for name, content in files)
    for name, content in files:
        assert not any(secret in content for secret in (*secrets, b"123456789")), name


def _raw(encoded: str) -> bytes:
    return base64.urlsafe_b64decode(encoded + "=")


def test_with_the_key_of_the_key_service_alone_no_stored_value_tells_whether_somebody_is_there(
    used: tuple[Place, Partner, list[dict[str, str]]],
) -> None:
    place, partner, rows = used
    columns = apart(_columns, place.url)
    # Files that are equal, as those that every database of PostgreSQL begins with, are looked through once.
    files = {_filled(content) for _, content in written(place.folder, place.url)}
    everything = b"\n".join([*columns.values(), *files])
    for one in rows:
        for guess in tokens_of(place, one["persons.0.bsn"]):
            for made in hashes_of(guess.encode()):
                assert not any(form in everything for form in forms_of(made))
    # A digest of the whole body would be tried with all that stands in the row beside it.
    token = tokens_of(place, rows[0]["persons.0.bsn"])[0]
    for body in _bodies(token):
        for made in hashes_of(body):
            assert not any(form in everything for form in forms_of(made))


def _filled(content: bytes) -> bytes:
    """Without the nothing that a journal ends with, of which no value holds so much."""
    return content.rstrip(b"\0") + bytes(64)


def _bodies(token: str) -> Iterator[bytes]:
    """The first row as it was posted, in each of the ways in which JSON may be written."""
    person: dict[str, Any] = {"role": "VICTIM", "gender": "F", "ageBand": "A12_15", "pseudonym": token}
    body = {
        "primaryType": "LOVERBOY",
        "observedFrom": "2026-11-01",
        "municipalities": {"incident": "GM0794"},
        "settings": ["SCHOOL", "ONLINE"],
        "indicators": [{"code": "C02", "observation": "OBSERVED"}],
        "legalBasis": "JW_REPORT",
        "partnerReference": "JPT-0",
        "persons": [person],
    }
    without = {name: value for name, value in body.items() if name != "partnerReference"}
    for told, separators in itertools.product((body, without), ((",", ":"), (", ", ": "))):
        yield json.dumps(told, sort_keys=True, separators=separators).encode()


def test_with_the_keys_of_the_register_alone_numbers_lead_nowhere(
    used: tuple[Place, Partner, list[dict[str, str]]],
) -> None:
    place, _, rows = used
    seal = Seal("k1", load_sealing_keys(place.folder / "keys", "k1"))
    subjects = apart(_columns, place.url)["sealed_person.subject"]
    for one in rows:
        number = one["persons.0.bsn"]
        for guess in (number, f"e1.b.{number}", f"sr1|exploitation|signal-register|1|b|{number}"):
            assert seal.subject(guess) not in subjects


def test_with_both_keys_somebody_is_found_or_the_search_above_would_find_nothing(
    used: tuple[Place, Partner, list[dict[str, str]]],
) -> None:
    place, _, rows = used
    seal = Seal("k1", load_sealing_keys(place.folder / "keys", "k1"))
    subjects = apart(_columns, place.url)["sealed_person.subject"]
    found = [seal.subject(tokens_of(place, one["persons.0.bsn"])[0]) in subjects for one in rows]

    assert found == [True] * 4 + [False] * 2  # the last two wait in the spool


def test_the_spool_and_the_idempotency_keys_tell_nothing_without_the_partners_key(
    used: tuple[Place, Partner, list[dict[str, str]]],
) -> None:
    place, partner, rows = used
    keys = apart(_columns, place.url)["submission.key"].lower()
    names = b"\n".join(file.name.encode() for file in (partner.state / "spool").iterdir())
    for one in rows:
        for guess in tokens_of(place, one["persons.0.bsn"]):
            for made in hashes_of(guess.encode()):
                assert made[:16].hex().encode() not in keys.replace(b"-", b"")
                assert made[:8].hex().encode() not in names
    assert (partner.state / "client.key").stat().st_mode & 0o777 == 0o600


def _columns(url: str) -> dict[str, bytes]:
    async def read() -> dict[str, bytes]:
        database = Database(url, pool_size=1)
        try:
            return await columns_of(database)
        finally:
            await database.close()

    return asyncio.run(read())
