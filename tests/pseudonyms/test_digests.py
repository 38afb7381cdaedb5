"""Digests: the one that is told leaves out what is sealed, the one that is compared with is sealed itself."""

import base64
import hashlib
import json
import uuid
from typing import Any

import pytest
from sqlalchemy import text

from alembic import command
from service.database import Database
from service.intake.models import Submission
from service.migrations import alembic_config, migrate_database
from service.signals.models import Signal, SignalVersion
from tests.support.bodies import person, signal, token
from tests.support.register import Register, apart

SEALED = ("note", "partnerReference", "pseudonym", "alsoKnownAs")


def told_digest(body: dict[str, Any]) -> str:
    """What a partner can compute of its own body, as the contract says."""

    def open_part(value: Any) -> Any:
        if isinstance(value, dict):
            return {k: open_part(v) for k, v in value.items() if v is not None and k not in SEALED}
        return [open_part(one) for one in value] if isinstance(value, list) else value

    canonical = json.dumps(open_part(body), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return f"sha-256=:{base64.b64encode(hashlib.sha256(canonical.encode()).digest()).decode()}:"


FULL = signal(
    partnerReference="JPT-2026-0417",
    persons=[person("one", alsoKnownAs=[token("one", "n")]), person("two", role="SUSPECT")],
)


async def test_a_partner_can_compute_the_digest_that_is_told(register: Register) -> None:
    receipt = (await register.post_signal(FULL)).json()
    nulls = (await register.post_signal(FULL | {"observedUntil": None, "flag": None})).json()

    assert receipt["bodyDigest"] == told_digest(FULL)
    without = {name: value for name, value in FULL.items() if name not in ("observedUntil", "flag")}
    assert nulls["bodyDigest"] == told_digest(without)


CHANGES = {
    "another person": {
        "persons": [person("three", alsoKnownAs=[token("one", "n")]), person("two", role="SUSPECT")]
    },
    "another name": {"persons": [person("one"), person("two", role="SUSPECT")]},
    "another reference": {"partnerReference": "JPT-2026-0418"},
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
async def test_what_is_sealed_is_in_no_digest_that_is_told_or_kept_and_yet_compared(
    register: Register, change: dict[str, Any]
) -> None:
    key = str(uuid.uuid4())
    first = await register.post_signal(FULL, key=key)
    other = await register.post_signal(FULL | change)
    again = await register.post_signal(FULL | change, key=key)

    assert first.json()["bodyDigest"] == other.json()["bodyDigest"]
    assert again.status_code == 409
    assert (await register.post_signal(FULL, key=key)).content == first.content
    digests = [row.digest for row in await register.rows(Submission)]
    assert len(set(digests)) == len(digests) == 2


async def test_no_digest_of_the_whole_body_is_kept_in_clear(register: Register) -> None:
    await register.post_signal(FULL)
    whole = hashlib.sha256(json.dumps(FULL, sort_keys=True, separators=(",", ":")).encode()).digest()
    (row,) = await register.rows(Submission)

    assert whole not in row.digest
    assert base64.b64encode(whole) not in row.answer


async def test_the_migration_makes_the_told_digests_anew(register: Register, database_url: str) -> None:
    keys = [str(uuid.uuid4()) for _ in range(3)]
    bodies = [FULL, signal(persons=[]), signal()]
    receipts = [
        (await register.post_signal(body, key=key)).json() for key, body in zip(keys, bodies, strict=True)
    ]
    headers = await register.headers("jpt-helmond", if_match='"1"')
    path = f"/v1/signals/{receipts[2]['id']}/corrections"
    corrected = await register.http.post(path, json=signal(urgency="STRUCTURAL"), headers=headers)
    assert corrected.status_code == 201
    await register.database.close()
    apart(command.downgrade, alembic_config(database_url), "0003")
    async with Database(database_url, pool_size=1).writing() as session:
        await session.execute(text("UPDATE signal SET body_digest = 'old'"))
        await session.execute(text("UPDATE signal_version SET body_digest = 'old'"))
    apart(migrate_database, database_url)

    present = {str(row.id): row.body_digest for row in await register.rows(Signal)}
    assert present == {
        receipts[0]["id"]: receipts[0]["bodyDigest"],
        receipts[1]["id"]: told_digest({k: v for k, v in bodies[1].items() if k != "persons"}),
        receipts[2]["id"]: corrected.json()["bodyDigest"],
    }
    (version,) = await register.rows(SignalVersion)
    assert version.body_digest == receipts[2]["bodyDigest"]
    kept = {str(row.key): json.loads(row.answer) for row in await register.rows(Submission)}
    assert kept[keys[0]] == receipts[0]
    assert kept[keys[2]] == receipts[2]
    for key, body in zip(keys, bodies, strict=True):
        # Nothing was kept to compare with: any body gets the first answer.
        again = await register.post_signal(body | {"urgency": "ACUTE"}, key=key)
        assert (again.status_code, again.json()) == (201, kept[key])
