"""Sealing: a subject is stable and keyed, a token opens only in its own row with its own key."""

import hashlib
import uuid
from typing import Any

import pytest
from cryptography.exceptions import InvalidTag

from service.keys import Keys
from service.pseudonyms.models import SealedPerson
from service.pseudonyms.sealing import Sealer
from service.signals.models import SignalPerson
from tests.support.bodies import person, signal, token
from tests.support.register import Register

SIGNAL, PERSON, OTHER = (uuid.UUID(int=number) for number in (1, 2, 3))


def keys(subject: bytes = b"s" * 32, token: bytes = b"t" * 32) -> Keys:
    return Keys(subject=subject, token=token, release=b"")


SEALER = Sealer(keys())
ONE, TWO = token("one"), token("two")


def test_a_subject_is_the_same_for_the_same_token_and_no_other() -> None:
    assert SEALER.subject(ONE) == Sealer(keys(token=b"other".ljust(32))).subject(ONE)
    assert len(SEALER.subject(ONE)) == 32
    assert len({SEALER.subject(one) for one in (ONE, TWO, token("one", "n"), ONE.replace("e1", "e2"))}) == 4


def test_a_subject_cannot_be_found_without_the_key() -> None:
    assert SEALER.subject(ONE) != Sealer(keys(subject=b"x" * 32)).subject(ONE)
    assert SEALER.subject(ONE) != hashlib.sha256(ONE.encode()).digest()


def test_each_token_of_a_person_has_its_row_the_pseudonym_first() -> None:
    rows = SEALER.rows(SIGNAL, PERSON, [ONE, token("one", "n")])

    assert [(row["position"], row["kind"], row["signal_id"], row["person_id"]) for row in rows] == [
        (0, "b", SIGNAL, PERSON),
        (1, "n", SIGNAL, PERSON),
    ]
    assert [SEALER.open(row["token"], PERSON, row["position"]) for row in rows] == [ONE, token("one", "n")]
    assert SEALER.rows(SIGNAL, PERSON, []) == []


def test_the_same_token_is_never_the_same_ciphertext() -> None:
    first, second = (SEALER.rows(SIGNAL, PERSON, [ONE])[0]["token"] for _ in range(2))

    assert first != second
    assert ONE.encode() not in first


def changed(sealed: bytes, place: int) -> bytes:
    return sealed[:place] + bytes([sealed[place] ^ 1]) + sealed[place + 1 :]


ATTACKS: dict[str, Any] = {
    "of another person": lambda sealed: (SEALER, sealed, OTHER, 0),
    "at another position": lambda sealed: (SEALER, sealed, PERSON, 1),
    "with another key": lambda sealed: (Sealer(keys(token=b"x" * 32)), sealed, PERSON, 0),
    "with a changed nonce": lambda sealed: (SEALER, changed(sealed, 0), PERSON, 0),
    "with a changed text": lambda sealed: (SEALER, changed(sealed, 20), PERSON, 0),
    "with a changed tag": lambda sealed: (SEALER, changed(sealed, len(sealed) - 1), PERSON, 0),
    "cut short": lambda sealed: (SEALER, sealed[:-1], PERSON, 0),
}


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS.keys())
def test_a_ciphertext_does_not_open(attack: Any) -> None:
    sealed = SEALER.rows(SIGNAL, PERSON, [ONE])[0]["token"]
    sealer, moved, person_id, position = attack(sealed)

    assert SEALER.open(sealed, PERSON, 0) == ONE
    with pytest.raises(InvalidTag):
        sealer.open(moved, person_id, position)


async def test_stored_rows_open_with_the_registers_key_and_link_the_same_person(register: Register) -> None:
    for client, basis in (("jpt-helmond", "JW_REPORT"), ("police-oost-brabant", "WPG_16")):
        body = signal(
            legalBasis=basis,
            persons=[person("one", alsoKnownAs=[token("one", "n")]), person("two", role="SUSPECT")],
        )
        assert (await register.post_signal(body, client=client)).status_code == 201
    sealer = Sealer(register.app.app.state.keys)  # type: ignore[union-attr]
    persons = {row.id: row for row in await register.rows(SignalPerson)}
    stored = await register.rows(SealedPerson)

    opened = [sealer.open(row.token, row.person_id, row.position) for row in stored]
    assert sorted(opened) == sorted([token("one"), token("one", "n"), token("two")] * 2)
    assert {row.subject for row in stored} == {sealer.subject(one) for one in opened}
    assert all(persons[row.person_id].signal_id == row.signal_id for row in stored)
