"""The helper that listens, and tokens from standard input: for systems in other languages."""

import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import psutil
import pytest

from tests.support.partner import Partner, bsns
from tests.support.place import Place
from tests.support.register import free_port

# What the database is, is all one to the client: test_posting goes through both.
pytestmark = pytest.mark.parametrize("engine", ["sqlite"])


NAMED = {"surname": "van der Berg", "firstName": "Sanne", "dateOfBirth": "14-3-2010", "sex": "V"}


@contextmanager
def listening(partner: Partner) -> Iterator[tuple[httpx.Client, str]]:
    """The helper of a partner as a process, and the secret that opens it."""
    port = free_port()
    process = partner.start("token", "--listen", str(port), "--patience", "1")
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20) as http:
            _wait_for(http, process)
            yield http, (partner.state / "helper.secret").read_text()
    finally:
        process.terminate()
        process.communicate(timeout=20)


def _wait_for(http: httpx.Client, process: "subprocess.Popen[str]") -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        assert process.poll() is None, process.communicate()
        try:
            http.get("/")
        except httpx.TransportError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError("the helper did not listen")


def ask(http: httpx.Client, secret: str, body: Any, **headers: str) -> httpx.Response:
    given = {"Authorization": f"Bearer {secret}", "Content-Type": "application/json"} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return http.post("/tokens", content=content, headers=given)


def test_the_helper_gives_the_tokens_that_the_client_posts(place: Place) -> None:
    partner = place.partner()
    (bsn,) = bsns(1)
    with place.key_service(), listening(partner) as (http, secret):
        answer = ask(http, secret, {"persons": [{"bsn": bsn, **NAMED}, NAMED, {"bsn": bsn}]})
        by_line = partner.run("token", given=json.dumps({"bsn": bsn, **NAMED}) + "\n")

    assert answer.status_code == 200, answer.text
    both, name, number = answer.json()["persons"]
    assert both == {"pseudonym": number["pseudonym"], "alsoKnownAs": [name["pseudonym"]]}
    assert (number["pseudonym"][:5], name["pseudonym"][:5]) == ("e1.b.", "e1.n.")
    assert (by_line.code, json.loads(by_line.out)) == (0, both)
    assert answer.headers["Cache-Control"] == "no-store"
    assert "server" not in answer.headers


STRANGERS = {
    "without the secret": ({"Authorization": "Bearer nothing"}, 401),
    "with no authorization": ({"Authorization": ""}, 401),
    "by another name of this machine": ({"Host": "attacker.example"}, 403),
    "a page of a browser": ({"Origin": "https://attacker.example"}, 403),
    "a form of a browser": ({"Content-Type": "application/x-www-form-urlencoded"}, 415),
    "a form that looks like JSON": ({"Content-Type": "text/plain"}, 415),
}
WRONG: dict[str, tuple[Any, int, dict[str, str]]] = {
    "no JSON": (b"{", 400, {"": "broken-json"}),
    "no UTF-8": (b"\xff", 400, {"": "broken-json"}),
    "a list": ([], 400, {"/persons": "wrong-type"}),
    "nobody": ({"persons": []}, 400, {"/persons": "wrong-type"}),
    "too many": ({"persons": [{"bsn": "1"}] * 101}, 400, {"/persons": "wrong-type"}),
    "another field": ({"persons": [{"bsn": "1"}], "x": 1}, 400, {"/persons": "wrong-type"}),
    "no BSN": ({"persons": [{"bsn": "123456789"}]}, 400, {"/persons/0/bsn": "eleven-test"}),
    "nothing to make a token of": ({"persons": [{"pseudonym": "UNKNOWN"}]}, 400, {"/persons/0": "required"}),
    "a number": ({"persons": [{"bsn": 123456782}]}, 400, {"/persons/0": "wrong-type"}),
    "too large": (b" " * 70_000, 413, {}),
}


def test_who_is_not_this_partner_and_what_is_wrong_is_refused_and_nothing_repeated(place: Place) -> None:
    (bsn,) = bsns(1)
    partner = place.partner()
    with place.key_service(), listening(partner) as (http, secret):
        for name, (headers, status) in STRANGERS.items():
            answer = ask(http, secret, {"persons": [{"bsn": bsn}]}, **headers)
            assert (answer.status_code, "e1." in answer.text) == (status, False), name
        for name, (body, status, faults) in WRONG.items():
            answer = ask(http, secret, body)
            told = {one["pointer"]: one["code"] for one in answer.json().get("errors", ())}
            assert (answer.status_code, told) == (status, faults), name
            assert "123456789" not in answer.text
        assert http.get("/tokens").status_code == 405


def test_it_listens_on_this_machine_alone(place: Place) -> None:
    partner = place.partner()
    with place.key_service(), listening(partner) as (http, _):
        port = http.base_url.port
        bound = {
            one.laddr.ip
            for one in psutil.net_connections("tcp")
            if one.status == psutil.CONN_LISTEN and one.laddr.port == port
        }
    assert bound == {"127.0.0.1"}


def test_a_key_service_that_goes_away_is_told(place: Place) -> None:
    partner = place.partner()
    first, second = bsns(2)
    with place.key_service() as running, listening(partner) as (http, secret):
        assert ask(http, secret, {"persons": [{"bsn": first}]}).status_code == 200
        running.kill()
        assert ask(http, secret, {"persons": [{"bsn": second}]}).status_code == 503


def test_lines_that_are_wrong_are_told_and_the_others_get_tokens(place: Place) -> None:
    partner = place.partner()
    (bsn,) = bsns(1)
    lines = [{"bsn": bsn}, {"bsn": "123456789"}, {"surname": "Jansen"}]
    with place.key_service():
        ended = partner.run("token", given="".join(json.dumps(one) + "\n" for one in lines) + "{\n")

    told = [json.loads(line) for line in ended.out.splitlines()]
    assert ended.code == 1
    assert told[0]["pseudonym"].startswith("e1.b.")
    assert told[1] == {"errors": [{"pointer": "/bsn", "code": "eleven-test"}]}
    assert {one["code"] for one in told[2]["errors"]} == {"required"}
    assert told[3] == {"errors": [{"pointer": "", "code": "broken-json"}]}
    assert "123456789" not in ended.out + ended.err


def test_without_settings_or_a_key_service_it_says_so(place: Place) -> None:
    partner = place.partner()
    away = partner.run("token", "--patience", "0", given='{"bsn": "123456782"}\n')
    partner.key_service = None
    unset = partner.run("token", given='{"bsn": "123456782"}\n')

    assert (away.code, "is away" in away.err) == (75, True)
    assert (unset.code, unset.err) == (2, "SIGNAL_CLIENT_KEY_SERVICE_URL is not set\n")
    assert "123456782" not in away.err + unset.err
