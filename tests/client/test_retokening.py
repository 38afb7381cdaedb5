"""`client post --retoken`: after a new epoch a partner's own signals get the tokens of the new one."""

from collections import Counter

import pytest

from service.keyservice.epochs import begin_next
from service.pseudonyms.models import SealedPerson
from service.pseudonyms.sealing import Sealer
from service.signals.models import Signal
from tests.client.test_posting import references
from tests.support.partner import bsns, row, write_csv
from tests.support.place import Place

# What the database is, is all one to the client: test_posting goes through both.
pytestmark = pytest.mark.parametrize("engine", ["sqlite"])


def epochs(place: Place) -> Counter[str]:
    """How many tokens there are of each epoch and kind."""
    sealer = Sealer(place.folder / "keys")
    opened = (
        sealer.open_token(one.token, one.key_label, one.person_id, one.position)
        for one in place.rows(SealedPerson)
    )
    return Counter(token.rpartition(".")[0] for token in opened)


def test_a_partners_own_signals_follow_a_new_epoch_and_nothing_else_changes(place: Place) -> None:
    partner = place.partner()
    rows = [row(number, bsn) for number, bsn in enumerate(bsns(12))]
    nobody = row(50, "") | dict.fromkeys(("persons.0.role", "persons.0.gender"), "")
    nobody |= dict.fromkeys(
        ("persons.0.surname", "persons.0.firstName", "persons.0.dateOfBirth", "persons.0.sex"), ""
    )
    file = write_csv(partner.folder / "all.csv", [*rows, nobody])
    other = [rows[3] | {"persons.0.gender": "M"}, *rows[4:11], rows[11], rows[11]]
    with place.register(), place.key_service() as running:
        assert partner.run("post", str(file)).code == 0
        before = {one.id: (one.content, one.primary_type, one.received_at) for one in place.rows(Signal)}
        running.kill()
        begin_next(place.folder / "keyservice")
        with place.key_service():
            some = partner.run("post", str(write_csv(partner.folder / "some.csv", other)), "--retoken")
            assert epochs(place) == {"e1.b": 5, "e1.n": 5, "e2.b": 7, "e2.n": 7}
            rest = partner.run("post", str(file), "--retoken")
            again = partner.run("post", str(file), "--retoken")

    # 0–2 had no record, 11 had two, of 3 the record tells another gender.
    assert some.code == 1
    assert some.summary == {
        "corrected": 7,
        "doneBefore": 0,
        "withoutPerson": 1,
        "notFound": 4,
        "unfit": 1,
        "refused": 0,
    }
    assert (rest.code, rest.summary["corrected"], rest.summary["doneBefore"]) == (0, 5, 7), rest.err
    assert (again.code, again.summary["corrected"], again.summary["doneBefore"]) == (0, 0, 12)
    assert epochs(place) == {"e2.b": 12, "e2.n": 12}
    assert sum(references(place).values()) == 13
    after = {one.id: (one.content, one.primary_type, one.received_at) for one in place.rows(Signal)}
    assert after == before
    assert Counter(one.version for one in place.rows(Signal)) == {2: 12, 1: 1}


def test_it_goes_on_where_it_was_cut_off(place: Place) -> None:
    partner = place.partner()
    file = write_csv(partner.folder / "all.csv", [row(n, bsn) for n, bsn in enumerate(bsns(6))])
    with place.register(), place.key_service():
        assert partner.run("post", str(file)).code == 0
    away = partner.run("post", str(file), "--retoken", "--patience", "0")
    with place.register(), place.key_service():
        done = partner.run("post", str(file), "--retoken")
    assert away.code == 75
    assert (done.code, done.summary["corrected"]) == (0, 6)
