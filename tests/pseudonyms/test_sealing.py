"""Sealing: a subject is stable and keyed, a token opens only in its own row with its own key."""

import hashlib
import uuid
from typing import Any

import pytest
from cryptography.exceptions import InvalidTag

from service.keys import SealingKeys
from service.pseudonyms.models import SealedPerson
from service.pseudonyms.sealing import Seal, Sealer, digest_place, text_place, token_place
from service.signals.models import SignalPerson
from tests.support.bodies import person, signal, token
from tests.support.register import Register

SIGNAL, PERSON, OTHER = (uuid.UUID(int=number) for number in (1, 2, 3))


def seal(subject: bytes = b"s" * 32, token: bytes = b"t" * 32) -> Seal:
    return Seal("k1", SealingKeys(subject=subject, token=token))


SEAL = seal()
ONE, TWO = token("one"), token("two")


def test_a_subject_is_the_same_for_the_same_token_and_no_other() -> None:
    assert SEAL.subject(ONE) == seal(token=b"other".ljust(32)).subject(ONE)
    assert len(SEAL.subject(ONE)) == 32
    assert len({SEAL.subject(one) for one in (ONE, TWO, token("one", "n"), ONE.replace("e1", "e2"))}) == 4


def test_a_subject_cannot_be_found_without_the_key() -> None:
    assert SEAL.subject(ONE) != seal(subject=b"x" * 32).subject(ONE)
    assert SEAL.subject(ONE) != hashlib.sha256(ONE.encode()).digest()


def test_each_token_of_a_person_has_its_row_the_pseudonym_first() -> None:
    rows = SEAL.rows(SIGNAL, PERSON, [ONE, token("one", "n")])

    assert [(row["position"], row["kind"], row["signal_id"], row["person_id"]) for row in rows] == [
        (0, "b", SIGNAL, PERSON),
        (1, "n", SIGNAL, PERSON),
    ]
    assert [SEAL.open(row["token"], token_place(PERSON, row["position"])).decode() for row in rows] == [
        ONE,
        token("one", "n"),
    ]
    assert SEAL.rows(SIGNAL, PERSON, []) == []


def test_the_same_token_is_never_the_same_ciphertext() -> None:
    first, second = (SEAL.rows(SIGNAL, PERSON, [ONE])[0]["token"] for _ in range(2))

    assert first != second
    assert ONE.encode() not in first


def changed(sealed: bytes, place: int) -> bytes:
    return sealed[:place] + bytes([sealed[place] ^ 1]) + sealed[place + 1 :]


ATTACKS: dict[str, Any] = {
    "of another person": lambda sealed: (SEAL, sealed, token_place(OTHER, 0)),
    "at another position": lambda sealed: (SEAL, sealed, token_place(PERSON, 1)),
    "in another column": lambda sealed: (SEAL, sealed, text_place("note", PERSON)),
    "in another table": lambda sealed: (SEAL, sealed, digest_place(PERSON, PERSON)),
    "with another key": lambda sealed: (seal(token=b"x" * 32), sealed, token_place(PERSON, 0)),
    "with a changed nonce": lambda sealed: (SEAL, changed(sealed, 0), token_place(PERSON, 0)),
    "with a changed text": lambda sealed: (SEAL, changed(sealed, 20), token_place(PERSON, 0)),
    "with a changed tag": lambda sealed: (SEAL, changed(sealed, len(sealed) - 1), token_place(PERSON, 0)),
    "cut short": lambda sealed: (SEAL, sealed[:-1], token_place(PERSON, 0)),
}


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS.keys())
def test_a_ciphertext_does_not_open(attack: Any) -> None:
    sealed = SEAL.rows(SIGNAL, PERSON, [ONE])[0]["token"]
    other, moved, place = attack(sealed)

    assert SEAL.open(sealed, token_place(PERSON, 0)).decode() == ONE
    with pytest.raises(InvalidTag):
        other.open(moved, place)


async def test_stored_rows_open_with_the_registers_key_and_link_the_same_person(register: Register) -> None:
    for client, basis in (("jpt-helmond", "JW_REPORT"), ("police-oost-brabant", "WPG_16")):
        body = signal(
            legalBasis=basis,
            persons=[person("one", alsoKnownAs=[token("one", "n")]), person("two", role="SUSPECT")],
        )
        assert (await register.post_signal(body, client=client)).status_code == 201
    sealer: Sealer = register.app.app.state.sealer  # type: ignore[union-attr,attr-defined]
    persons = {row.id: row for row in await register.rows(SignalPerson)}
    stored = await register.rows(SealedPerson)

    opened = [sealer.open_token(row.token, row.key_label, row.person_id, row.position) for row in stored]
    assert sorted(opened) == sorted([token("one"), token("one", "n"), token("two")] * 2)
    assert {row.subject for row in stored} == {sealer.under("k1").subject(one) for one in opened}
    assert all(persons[row.person_id].signal_id == row.signal_id for row in stored)
