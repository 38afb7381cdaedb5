"""`client post` against a register and a key service: every row once, whatever is away, and nothing lost."""

import json
import time
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import pytest

from service.intake.models import Submission
from service.pseudonyms.models import SealedPerson, SealedSignal
from service.pseudonyms.sealing import Sealer
from service.signals.models import Signal
from tests.support.partner import Partner, bsns, row, write_csv
from tests.support.place import Place

SOON = ("--patience", "1")
# What the database is, is all one to most of what the client does.
ON_SQLITE = pytest.mark.parametrize("engine", ["sqlite"])


def references(place: Place) -> Counter[str]:
    """How often each partner reference is in the register."""
    sealer = Sealer(place.folder / "keys")
    return Counter(
        sealer.open_text(one.partner_reference, one.key_label, "partner_reference", one.signal_id)
        for one in place.rows(SealedSignal)
    )


def file_of(partner: Partner, count: int, first: int = 0) -> Path:
    rows = [row(first + number, bsn) for number, bsn in enumerate(bsns(count, 90_000_000 + 7 * first))]
    return write_csv(partner.folder / f"week{first}.csv", rows)


def once(count: int, first: int = 0) -> Counter[str]:
    return Counter(f"JPT-{first + number}" for number in range(count))


def test_a_file_is_posted_and_posting_it_again_changes_nothing(place: Place) -> None:
    partner = place.partner()
    with place.register(), place.key_service():
        file = file_of(partner, 30)
        first, again = (partner.run("post", str(file)) for _ in range(2))

    for ended in (first, again):
        assert (ended.code, ended.summary["read"], ended.summary["registered"]) == (0, 30, 30), ended.err
    assert references(place) == once(30)
    assert Counter(one.kind for one in place.rows(SealedPerson)) == {"b": 30, "n": 30}
    ages = {one.content["municipalities"]["incident"] for one in place.rows(Signal)}
    assert ages == {"GM0794"}


def test_two_partners_that_know_a_person_by_number_or_by_name_make_one_subject(place: Place) -> None:
    """Police know the number and the name, youth work the name alone: their tokens of the name are one."""
    (bsn,) = bsns(1)
    police, youth = place.partner("police-oost-brabant"), place.partner("jpt-helmond")
    name = {
        "persons.0.surname": "Bergman",
        "persons.0.firstName": "S.",
        "persons.0.dateOfBirth": "2011-03-02",
    }
    both = row(1, bsn, legalBasis="WPG_16", **{"persons.0.surname": "van der Bergman"})
    by_name = {**row(2, ""), **name, "persons.0.sex": "F"}
    with place.register(), place.key_service():
        for partner, record in (
            (police, both),
            (youth, by_name),
            (police, both | {"partnerReference": "P-2"}),
        ):
            file = write_csv(partner.folder / f"{record['partnerReference']}.csv", [record])
            assert partner.run("post", str(file)).code == 0

    rows = place.rows(SealedPerson)
    subjects = {kind: {one.subject for one in rows if one.kind == kind} for kind in ("b", "n")}
    assert {kind: len(found) for kind, found in subjects.items()} == {"b": 1, "n": 1}
    assert subjects["b"] != subjects["n"]
    assert len(rows) == 5


@ON_SQLITE
def test_while_the_register_is_away_rows_wait_in_the_spool_and_come_once(place: Place) -> None:
    partner = place.partner()
    file, other = file_of(partner, 20), file_of(partner, 5, first=100)
    with place.key_service():
        away = partner.run("post", str(file), *SOON)
        second = partner.run("post", str(file), *SOON)
        with place.register():
            back = partner.run("post", str(other))
            empty = partner.run("spool")

    assert (away.code, away.summary["spooled"], away.summary["registered"]) == (75, 20, 0), away.err
    assert second.code == 75
    assert (back.code, back.summary["registered"], back.summary["deliveredFromSpool"]) == (0, 5, 40), back.err
    assert (empty.code, empty.summary["spoolFiles"]) == (0, 0)
    assert references(place) == once(20) + once(5, first=100)


@ON_SQLITE
def test_while_the_key_service_is_away_rows_are_left_and_told_and_the_rest_goes_on(place: Place) -> None:
    partner = place.partner()
    known = row(1, "") | dict.fromkeys(
        ("persons.0.surname", "persons.0.firstName", "persons.0.dateOfBirth", "persons.0.sex"), ""
    )
    unknown = known | {"persons.0.pseudonym": "UNKNOWN", "persons.0.ageBand": "A12_15"}
    named = [row(number, bsn) for number, bsn in enumerate(bsns(3), 2)]
    file = write_csv(partner.folder / "week.csv", [unknown, *named])
    with place.register():
        left = partner.run("post", str(file), *SOON)
        assert (left.code, left.summary["registered"], left.summary["left"]) == (75, 1, 3), left.err
        assert "line 3: left, post it again" in left.err
        assert left.summary["spooled"] == 0
        with place.key_service():
            assert partner.run("post", str(file)).code == 0
    assert references(place) == once(4, first=1)


@ON_SQLITE
def test_what_is_wrong_is_told_by_line_and_pointer_and_stops_nothing(place: Place) -> None:
    partner = place.partner()
    good, bad, older, foreign = bsns(4)
    rows = [
        row(1, good),
        row(2, "123456789"),
        row(3, bad, **{"persons.0.dateOfBirth": "31-2-2011"}),
        row(4, older, primaryType="BSN 999999990"),
        row(5, foreign, legalBasis="WPG_16"),  # the register's own: not in this agreement
    ]
    with place.register(), place.key_service():
        ended = partner.run("post", str(write_csv(partner.folder / "week.csv", rows)))

    assert (ended.code, ended.summary["registered"], ended.summary["refused"]) == (1, 1, 4), ended.err
    for told in (
        "week.csv line 3: refused: /persons/0/bsn eleven-test",
        "week.csv line 4: refused: /persons/0/dateOfBirth impossible-day",
        "week.csv line 5: refused: /primaryType unknown-code",
        "week.csv line 6: refused: /legalBasis",
    ):
        assert told in ended.err
    for secret in ("123456789", "31-2-2011", "999999990", "Bergman", foreign):
        assert secret not in ended.err + ended.out
    assert references(place) == once(1, first=1)


WRONG = {
    "no such file": (["post", "nowhere.csv"], "No such file"),
    "no format": (["post", "{text}"], "say --format"),
    "another format": (["post", "{file}", "--format", "xml"], "json, ndjson or csv"),
    "another encoding": (["post", "{file}", "--encoding", "klingon"], "no such encoding"),
    "columns that nobody knows": (["post", "{strange}"], "no path for column 2"),
    "no map": (["post", "{file}", "--columns", "nowhere.toml"], "cannot be read"),
    "not UTF-8": (["post", "{latin}"], "say --encoding"),
    "an empty file": (["post", "{empty}"], "there is no header"),
}


@ON_SQLITE
def test_a_wrong_command_sends_nothing(place: Place) -> None:
    partner = place.partner()
    files = {"file": file_of(partner, 1)}
    for name, content in (
        ("strange", b"primaryType;burgerservicenummer 900000012\nLOVERBOY;900000012\n"),
        ("latin", "primaryType;note\nLOVERBOY;caf\xe9\n".encode("latin-1")),
        ("empty", b"\xef\xbb\xbf"),
        ("text", b""),
    ):
        files[name] = partner.folder / f"{name}.{'txt' if name == 'text' else 'csv'}"
        files[name].write_bytes(content)
    named = {name: str(file) for name, file in files.items()}
    for name, (arguments, told) in WRONG.items():
        # Neither of the services is there: nobody was asked.
        ended = partner.run(*(one.format(**named) for one in arguments))
        assert ended.code == 2, (name, ended.err)
        assert told in ended.err, name
        assert "900000012" not in ended.err


@ON_SQLITE
def test_a_file_whose_middle_cannot_be_read_is_told_and_what_came_before_is_there(place: Place) -> None:
    partner = place.partner()
    file = file_of(partner, 600)
    content = file.read_bytes()
    file.write_bytes(content[:-40] + "\xe9".encode("latin-1") + content[-40:])
    with place.register(), place.key_service():
        ended = partner.run("post", str(file))

    assert ended.code == 1
    assert (
        ended.summary["stopped"] == "stopped: this is not the encoding of the file: say --encoding, as cp1252"
    )
    assert ended.summary["registered"] == len(references(place)) == 500


def test_a_client_that_is_killed_is_run_again_and_every_row_is_there_once(place: Place) -> None:
    partner = place.partner()
    file = file_of(partner, 2500)
    with place.register(), place.key_service():
        for wanted in (1, 501):
            process = partner.start("post", str(file))
            while process.poll() is None and len(place.rows(Submission)) < wanted:
                time.sleep(0.02)
            process.kill()
            process.communicate()
        assert process.returncode == -9
        ended = partner.run("post", str(file))
    assert (ended.code, ended.summary["registered"]) == (0, 2500), ended.err
    assert references(place) == once(2500)


def test_two_runs_at_once_share_a_spool_and_make_every_row_once(place: Place) -> None:
    partner = place.partner()
    files = [file_of(partner, 40), file_of(partner, 40, first=100)]
    with place.key_service():
        at_once = [partner.start("post", str(file), *SOON) for file in [*files, *files]]
        codes = {process.wait(60) for process in at_once}
        for process in at_once:
            process.communicate()
        with place.register():
            delivering = [partner.start("spool") for _ in range(3)]
            for process in delivering:
                process.communicate(timeout=60)
            assert partner.run("spool").summary["spoolFiles"] == 0
    assert codes == {75}
    assert references(place) == once(40) + once(40, first=100)


@ON_SQLITE
def test_the_agreement_may_end_while_rows_wait_and_they_are_kept_apart(place: Place) -> None:
    partner = place.partner()
    with place.key_service():
        assert partner.run("post", str(file_of(partner, 2)), *SOON).code == 75
        with place.register() as running:
            _end_agreements(place, running.url)
            refused = partner.run("spool")
            still = partner.run("spool")
            dropped = partner.run("spool", "--drop-refused")
            empty = partner.run("spool")

    assert (refused.code, refused.summary["refused"], refused.summary["refusedFiles"]) == (1, 2, 1)
    assert "week0.csv line 2" in refused.err
    assert (still.code, still.summary["refused"]) == (1, 0)
    assert "refused earlier: week0.csv line 3" in still.err
    assert dropped.summary["refusedFiles"] == 0
    assert empty.code == 0


def _end_agreements(place: Place, url: str) -> None:
    """Every agreement ends yesterday."""
    with httpx.Client(base_url=url) as http:
        known = place.loaded.credentials["administrator"]
        token = http.post(
            "/oauth/token",
            data={"grant_type": "client_credentials"},
            auth=(known.client_id, known.client_secret),
        ).json()["access_token"]
        headers = {"Authorization": f"Bearer {token}", "Actor": "staff.one"}
        clients = http.get("/v1/clients", params={"limit": 200}, headers=headers).json()["items"]
        (jpt,) = [one for one in clients if one["name"] == "jpt-helmond"]
        me = http.get("/v1/agreements?limit=200", headers=headers).json()["items"]
        for agreement in me:
            if jpt["organisation"] in agreement["content"]["parties"]:
                ended = http.post(
                    f"/v1/agreements/{agreement['id']}/termination",
                    json={"validUntil": "2026-11-24"},
                    headers=headers | {"If-Match": f'"{agreement["version"]}"'},
                )
                assert ended.is_success, ended.text


@ON_SQLITE
def test_a_client_that_was_ended_is_told_so_and_everything_is_left(place: Place) -> None:
    partner = place.partner()
    url, client_id, _ = partner.register
    partner.register = (url, client_id, "another secret")
    with place.register(), place.key_service():
        ended = partner.run("post", str(file_of(partner, 3)), *SOON)

    assert (ended.code, ended.summary["left"]) == (1, 3)
    assert "refuses this client" in ended.summary["stopped"]


@pytest.mark.parametrize("form", ["json", "ndjson", "batch"])
@ON_SQLITE
def test_json_and_lines_are_posted_from_standard_input_too(place: Place, form: str) -> None:
    bodies: list[dict[str, Any]] = [
        {
            "primaryType": "LOVERBOY",
            "observedFrom": "2026-11-01",
            "municipalities": {"incident": "GM0794"},
            "settings": ["SCHOOL"],
            "legalBasis": "JW_REPORT",
            "partnerReference": f"JPT-{number}",
            "persons": [{"bsn": bsn, "role": "VICTIM", "ageBand": "A12_15", "gender": "F"}],
        }
        for number, bsn in enumerate(bsns(3))
    ]
    lines: list[Any] = bodies
    if form == "batch":
        lines = [
            {"idempotencyKey": f"0199c0de-0000-7000-8000-00000000000{n}", "signal": b}
            for n, b in enumerate(bodies)
        ]
    given = json.dumps(bodies) if form == "json" else "".join(json.dumps(one) + "\n" for one in lines)
    partner = place.partner()
    with place.register(), place.key_service():
        ended = partner.run("post", "-", "--format", form.replace("batch", "ndjson"), given=given)

    assert (ended.code, ended.summary["registered"]) == (0, 3), ended.err
    assert references(place) == once(3)
    if form == "batch":
        assert {str(one.key) for one in place.rows(Submission)} == {one["idempotencyKey"] for one in lines}


@ON_SQLITE
def test_equal_records_are_as_many_signals_and_a_key_of_ones_own_tells_them_apart(place: Place) -> None:
    partner = place.partner()
    (bsn,) = bsns(1)
    twice = [row(1, bsn), row(1, bsn)]
    keyed = [row(2, bsn) | {"key": "case 2"}, row(2, bsn, settings="STREET") | {"key": "case 2"}]
    with place.register(), place.key_service():
        for _ in range(2):
            same = partner.run("post", str(write_csv(partner.folder / "twice.csv", twice)))
            own = partner.run("post", str(write_csv(partner.folder / "keyed.csv", keyed)))

    assert (same.code, same.summary["registered"]) == (0, 2)
    assert (own.code, own.summary["registered"], own.summary["refused"]) == (1, 1, 1)
    assert "key-reused" in own.err
    assert references(place) == Counter({"JPT-1": 2, "JPT-2": 1})


@ON_SQLITE
def test_a_register_that_comes_back_while_the_client_is_patient_gets_everything(place: Place) -> None:
    partner = place.partner()
    file = file_of(partner, 10)
    with place.key_service():
        process = partner.start("post", str(file), "--patience", "30")
        time.sleep(1.5)
        with place.register():
            out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert json.loads(out)["registered"] == 10
    assert references(place) == once(10)


@ON_SQLITE
def test_a_quota_is_waited_for_or_told(place: Place) -> None:
    partner = place.partner()
    file = write_csv(
        partner.folder / "week.csv",
        [{**row(n, bsn), "persons.0.surname": "", "persons.0.sex": ""} for n, bsn in enumerate(bsns(12))],
    )
    with place.register(), place.key_service(evaluations_per_day=10):
        ended = partner.run("post", str(file), *SOON)

    assert (ended.code, ended.summary["left"], ended.summary["registered"]) == (75, 12, 0)
    assert "had its evaluations" in ended.err


@ON_SQLITE
def test_progress_is_plain_lines_where_there_is_no_terminal(place: Place) -> None:
    partner = place.partner()
    with place.register(), place.key_service():
        ended = partner.run("post", str(file_of(partner, 501)))
    assert "500 records read, 500 registered" in ended.err
    assert "\x1b" not in ended.err
