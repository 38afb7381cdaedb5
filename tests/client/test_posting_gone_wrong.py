"""`client post` when services half work, epochs change, files are odd: nothing twice, nothing told that is not so."""

import json
import shutil
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from service.client.connection import Connection
from service.client.posting import Poster
from service.client.reading import Record
from service.client.sending import Sender, Summary
from service.client.spool import REFUSED, Spool
from service.keyservice.epochs import begin_next
from service.pseudonyms.models import SealedSignal
from tests.client.test_posting import SOON, file_of, once, references
from tests.support.partner import bsns, row, write_csv
from tests.support.place import Place

# What the database is, is all one to the client: test_posting goes through both.
ON_SQLITE = pytest.mark.parametrize("engine", ["sqlite"])


KEY = b"k" * 32
TODAY = date(2026, 11, 25)


def record(number: int) -> Record:
    body = {
        "primaryType": "LOVERBOY",
        "observedFrom": "2026-11-01",
        "municipalities": {"incident": "GM0794"},
        "settings": ["SCHOOL"],
        "partnerReference": f"JPT-{number}",
    }
    return Record(number, body)


class Register:
    """A register of one's own making: `answer` gives the status of a line by its reference, how often it is asked."""

    def __init__(self, answer: Callable[[str, int], int]) -> None:
        self.answer = answer
        self.asked: Counter[str] = Counter()
        self.registered: dict[str, str] = {}

    async def on_batch(self, request: Request) -> Response:
        lines = []
        for number, line in enumerate((await request.body()).splitlines(), 1):
            told = json.loads(line)
            name = told["signal"]["partnerReference"]
            self.asked[name] += 1
            status = self.answer(name, self.asked[name])
            if status == 201:
                self.registered.setdefault(told["idempotencyKey"], name)
            # A receipt may hold any text of a contact point: this one has two ends of lines that are none.
            lines.append({"line": number, "status": status, "receipt": {"function": "a\u2028b\u0085c"}})
        content = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
        return Response(content, media_type="application/x-ndjson")

    async def on_token(self, request: Request) -> Response:
        return JSONResponse({"access_token": "x", "expires_in": 900})


@asynccontextmanager
async def posting(register: Register, folder: Path) -> AsyncIterator[Poster]:
    routes = [
        Route("/oauth/token", register.on_token, methods=["POST"]),
        Route("/v1/signals/_batch", register.on_batch, methods=["POST"]),
    ]
    transport = httpx.ASGITransport(app=Starlette(routes=routes))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as http:
        spool = Spool(folder / "spool", KEY)
        spool.check()
        sender = Sender(Connection(http, "one", "secret"), patience=0.3)
        yield Poster(sender, None, spool, KEY, lambda line: None, TODAY)


async def posted(register: Register, folder: Path, *numbers: int) -> Summary:
    async with posting(register, folder) as poster:
        return await poster.run(record(number) for number in numbers)


async def test_one_line_that_always_fails_keeps_no_other_waiting(tmp_path: Path) -> None:
    register = Register(lambda name, _: 500 if name == "JPT-3" else 201)
    summary = await posted(register, tmp_path, *range(1, 6))

    assert (summary.registered, summary.spooled, summary.exit_code) == (4, 1, 75)
    later = await posted(register, tmp_path, 6)
    assert (later.registered, later.delivered_from_spool) == (1, 0)
    assert len(Spool(tmp_path / "spool", KEY).files()) == 1
    register.answer = lambda name, _: 201
    mended = await posted(register, tmp_path)
    assert (mended.delivered_from_spool, mended.exit_code) == (1, 0)
    assert Counter(register.registered.values()) == {f"JPT-{n}": 1 for n in range(1, 7)}


async def test_lines_that_are_too_many_now_are_sent_again_alone(tmp_path: Path) -> None:
    register = Register(lambda name, times: 429 if name == "JPT-2" and times == 1 else 201)
    summary = await posted(register, tmp_path, 1, 2, 3)

    assert (summary.registered, summary.exit_code) == (3, 0)
    assert register.asked == {"JPT-1": 1, "JPT-2": 2, "JPT-3": 1}


async def test_what_is_erased_in_the_register_is_done(tmp_path: Path) -> None:
    summary = await posted(Register(lambda name, _: 410), tmp_path, 1)

    assert (summary.erased, summary.registered, summary.exit_code) == (1, 0, 0)


async def test_what_waits_and_is_refused_later_is_kept_apart_once(tmp_path: Path) -> None:
    register = Register(lambda name, _: 503)
    assert (await posted(register, tmp_path, 1, 2)).spooled == 2
    register.answer = lambda name, _: 409 if name == "JPT-1" else 201
    summary = await posted(register, tmp_path)

    assert (summary.refused, summary.delivered_from_spool, summary.exit_code) == (1, 1, 1)
    spool = Spool(tmp_path / "spool", KEY)
    (file,) = spool.files(REFUSED)
    assert [line.signal["partnerReference"] for line in spool.lines_of(file)] == ["JPT-1"]
    assert spool.files() == []


async def test_a_spool_that_breaks_is_told_and_what_is_left_is_counted(tmp_path: Path) -> None:
    def answer(name: str, _: int) -> int:
        if (tmp_path / "spool").is_dir():
            shutil.rmtree(tmp_path / "spool")
            (tmp_path / "spool").write_text("no folder any more")
        return 503

    summary = await posted(Register(answer), tmp_path, 1, 2)

    assert (summary.left, summary.spooled, summary.left_from, summary.exit_code) == (2, 0, 1, 75)


async def test_two_equal_lines_and_one_in_between_have_keys_of_their_own(tmp_path: Path) -> None:
    register = Register(lambda name, _: 201)
    for _ in range(2):
        await posted(register, tmp_path, 1, 2, 1)

    assert Counter(register.registered.values()) == {"JPT-1": 2, "JPT-2": 1}


@ON_SQLITE
def test_a_new_epoch_stops_posting_until_somebody_has_looked(place: Place) -> None:
    partner = place.partner()
    old, new = file_of(partner, 5), file_of(partner, 5, first=100)
    with place.register():
        with place.key_service():
            assert partner.run("post", str(old)).code == 0
        begin_next(place.folder / "keyservice")
        with place.key_service():
            again = partner.run("post", str(old))
            retokened = partner.run("post", str(old), "--retoken")
            fresh = partner.run("post", str(new))
        begin_next(place.folder / "keyservice")
        with place.key_service():
            told = partner.run("post", str(file_of(partner, 3, first=200)), "--new-epoch")

    assert (again.code, again.summary["registered"], again.summary["left"]) == (1, 0, 5)
    assert "a new epoch has begun" in again.summary["stopped"]
    assert (retokened.code, retokened.summary["corrected"]) == (0, 5)
    assert (fresh.code, fresh.summary["registered"]) == (0, 5), fresh.err
    assert told.code == 0
    assert references(place) == once(5) + once(5, first=100) + once(3, first=200)


@ON_SQLITE
def test_a_new_epoch_stops_posting_also_where_a_quota_cuts_the_tokens_short(place: Place) -> None:
    partner = place.partner()
    old = file_of(partner, 40)
    with place.register():
        with place.key_service():
            assert partner.run("post", str(old)).code == 0
        begin_next(place.folder / "keyservice")
        with place.key_service(evaluations_per_day=160):
            again = partner.run("post", str(old), *SOON)

    assert (again.code, again.summary["registered"], again.summary["left"]) == (1, 0, 40), again.err
    assert references(place) == once(40)


@ON_SQLITE
def test_where_no_token_is_to_be_made_the_key_service_is_not_asked(place: Place) -> None:
    partner = place.partner()
    body = record(1).body | {"legalBasis": "JW_REPORT"}
    with place.register():
        ended = partner.run("post", "-", "--format", "ndjson", *SOON, given=json.dumps(body) + "\n")

    assert (ended.code, ended.summary["registered"]) == (0, 1), ended.err
    assert "key service" not in ended.err


@ON_SQLITE
def test_without_a_key_service_every_record_that_is_not_posted_is_told(place: Place) -> None:
    partner = place.partner()
    partner.key_service = None
    (bsn,) = bsns(1)
    lines = [record(1).body, record(2).body | {"persons": [{"bsn": bsn, "role": "VICTIM", "gender": "F"}]}]
    given = "".join(json.dumps(line) + "\n" for line in lines)
    ended = partner.run("post", "-", "--format", "ndjson", *SOON, given=given)

    assert (ended.code, ended.summary["read"], ended.summary["left"]) == (1, 2, 2), ended.err


@ON_SQLITE
def test_with_a_quota_for_the_day_a_file_is_finished_in_parts(place: Place) -> None:
    partner = place.partner()
    file = file_of(partner, 40)  # two tokens each, and a check with every batch
    with place.register():
        with place.key_service(evaluations_per_day=60):
            first = partner.run("post", str(file), *SOON)
        begins = first.summary["leftFrom"]
        with place.key_service():
            rest = partner.run("post", str(file), "--from", str(begins))

    assert first.code == 75
    assert (first.summary["registered"], first.summary["left"]) == (24, 16), first.err
    assert begins == 26  # the header is line 1
    assert (rest.code, rest.summary["registered"]) == (0, 16)
    assert references(place) == once(40)


@ON_SQLITE
def test_a_stray_quote_spoils_its_own_line_and_makes_nobody_of_two(place: Place) -> None:
    partner = place.partner()
    rows = [row(number, bsn) for number, bsn in enumerate(bsns(5))]
    file = write_csv(partner.folder / "week.csv", rows)
    lines = file.read_bytes().split(b"\r\n")
    lines[2] = lines[2].replace(b"van der", b'"van der')
    lines[4] = lines[4].replace(b"ergman", b'ergman"')
    file.write_bytes(b"\r\n".join(lines))
    with place.register(), place.key_service():
        ended = partner.run("post", str(file))

    assert (ended.code, ended.summary["registered"], ended.summary["refused"]) == (1, 4, 1), ended.err
    assert "line 3: refused: / broken-csv" in ended.err
    assert references(place) == once(5) - Counter({"JPT-1": 1})


@ON_SQLITE
def test_who_is_named_in_another_column_is_not_sent(place: Place) -> None:
    partner = place.partner()
    (bsn,) = bsns(1)
    wrong = [
        row(1, bsn, partnerReference="Bergman-1", **{"persons.0.surname": "van der Bergman"}),
        row(2, bsn, partnerReference=f"JPT/{bsn[:3]}.{bsn[3:6]}.{bsn[6:]}"),
        row(3, bsn, observedFrom="2-3-2011", **{"persons.0.dateOfBirth": "2-3-2011"}),
    ]
    with place.register(), place.key_service():
        ended = partner.run("post", str(write_csv(partner.folder / "week.csv", wrong)))

    assert ended.summary["refused"] == 3
    assert ended.err.count("names-a-person") == 2
    assert "before-birth" in ended.err
    assert place.rows(SealedSignal) == []
    assert bsn not in ended.err


@ON_SQLITE
def test_refused_ones_are_posted_again_when_the_reason_is_gone(place: Place) -> None:
    partner = place.partner("police-oost-brabant")
    rows = [row(n, bsn, legalBasis="WPG_16") for n, bsn in enumerate(bsns(2))]
    file = write_csv(partner.folder / "week.csv", rows)
    url, client_id, secret = partner.register
    with place.key_service():
        assert partner.run("post", str(file), *SOON).code == 75
        # Sent as another client these are refused; as the right one they are not.
        known = place.loaded.credentials["school-helmond"]
        partner.register = (url, known.client_id, known.client_secret)
        with place.register():
            refused = partner.run("spool")
            partner.register = (url, client_id, secret)
            again = partner.run("spool", "--retry-refused")

    assert (refused.code, refused.summary["refusedFiles"]) == (1, 1), refused.err
    assert (again.code, again.summary["deliveredFromSpool"]) == (0, 2), again.err
    assert references(place) == once(2)


@ON_SQLITE
def test_a_lost_key_is_never_made_anew_while_something_waits(place: Place) -> None:
    partner = place.partner()
    with place.key_service():
        first = partner.run("post", str(file_of(partner, 1)), *SOON)
        (partner.state / "client.key").unlink()
        lost = partner.run("post", str(file_of(partner, 1)), *SOON)
    assert (first.code, "a key of this client's own is made" in first.err) == (75, True)
    assert (lost.code, "cannot be read" in lost.err) == (2, True)
    assert not (partner.state / "client.key").exists()


@ON_SQLITE
def test_a_contact_point_posts_what_was_phoned_in(place: Place) -> None:
    point = place.partner("contact-point-helmond", ACTOR="staff.one")
    body = {
        "primaryType": "LOVERBOY",
        "observedFrom": "2026-11-01",
        "municipalities": {"incident": "GM0794"},
        "settings": ["SCHOOL"],
        "legalBasis": "JW_REPORT",
        "reportedBy": str(place.loaded.organisations["jpt-helmond"]),
        "persons": [{"pseudonym": "UNKNOWN", "role": "VICTIM", "ageBand": "A12_15", "gender": "F"}],
    }
    with place.register():
        ended = point.run("post", "-", "--format", "json", given=json.dumps(body))
    assert (ended.code, ended.summary["registered"]) == (0, 1), ended.err
