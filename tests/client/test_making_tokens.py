"""Making tokens with a key service that is right, and with one that is wrong in every way we could think of."""

import asyncio
import base64
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from service import oprf
from service.base64url import encode
from service.client.connection import Connection
from service.client.state import Pins
from service.client.tokens import KeyServiceAway, KeyServiceRefuses, KeyServiceWrong, Tokens
from service.keyservice.epochs import Epochs, begin_next

VALUES = [("b", "123456782"), ("n", "JANS|S|2010-03-14|F")]
Answer = Callable[[dict[str, Any], list[bytes]], Response | Awaitable[Response]]


class Service:
    """A key service of one's own making: a real server whose answers a test may change."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "oprf-1.key").write_bytes(b"s" * 32)
        self.asked: list[int] = []
        self.parameters: dict[str, Any] = {}
        self.evaluate: Answer | None = None
        self.read: Callable[[], Response] | None = None

    @property
    def epoch(self) -> Any:
        return Epochs(self.folder, purpose="exploitation", register="signal-register").current

    def elements(self, given: list[bytes]) -> list[bytes]:
        return [oprf.evaluate(self.epoch.key, one) for one in given]

    def told(self, elements: list[bytes]) -> dict[str, Any]:
        return {"epoch": self.epoch.number, "elements": [encode(one) for one in elements]}

    async def on_token(self, request: Request) -> Response:
        return JSONResponse({"access_token": "a token", "expires_in": 900})

    async def on_parameters(self, request: Request) -> Response:
        if self.read is not None:
            return self.read()
        told = {
            "scheme": "sr1",
            "suite": oprf.SUITE,
            "mode": "OPRF",
            "purpose": "exploitation",
            "register": "signal-register",
            "epoch": self.epoch.number,
            "check": self.epoch.check,
            "maxElements": 50,
        }
        return JSONResponse(told | self.parameters)

    async def on_evaluations(self, request: Request) -> Response:
        body = await request.json()
        if body["epoch"] != self.epoch.number:
            return JSONResponse({"type": "other-epoch", "title": "Another epoch"}, 409)
        given = [base64.urlsafe_b64decode(one + "=") for one in body["elements"]]
        self.asked.append(len(given))
        if self.evaluate is None:
            return JSONResponse(self.told(self.elements(given)))
        answer = self.evaluate(body, given)
        return answer if isinstance(answer, Response) else await answer

    def app(self) -> Starlette:
        routes = [
            Route("/oauth/token", self.on_token, methods=["POST"]),
            Route("/v1/parameters", self.on_parameters),
            Route("/v1/evaluations", self.on_evaluations, methods=["POST"]),
        ]
        return Starlette(routes=routes)


@pytest.fixture
def service(tmp_path: Path) -> Service:
    return Service(tmp_path)


@asynccontextmanager
async def asking(service: Service, pins: Pins | None = None, **more: Any) -> AsyncIterator[Tokens]:
    """Tokens from this service, over a socket."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        server = uvicorn.Server(
            uvicorn.Config(service.app(), log_level="error", lifespan="off", timeout_graceful_shutdown=1)
        )
        serving = asyncio.create_task(server.serve([listening]))
        async with httpx.AsyncClient(base_url=url, timeout=0.5) as http:
            yield Tokens(Connection(http, "one", "secret"), pins or Pins(None), **more)
        server.should_exit = True
        await serving


async def test_tokens_are_those_that_the_key_gives(service: Service) -> None:
    async with asking(service) as tokens:
        made = await tokens.make([*VALUES, VALUES[0]])

    for kind, value in VALUES:
        output = oprf.output(service.epoch.key, f"sr1|exploitation|signal-register|1|{kind}|{value}".encode())
        assert made[kind, value] == f"e1.{kind}.{encode(output[:32])}"
    assert service.asked == [3]  # with the check, and nothing twice


async def test_many_go_in_parts_and_what_is_made_is_not_asked_for_again(service: Service) -> None:
    values = [("b", f"{number:09d}") for number in range(100)]
    async with asking(service) as tokens:
        made = await tokens.make(values)
        assert await tokens.make(values[:60]) == {value: made[value] for value in values[:60]}

    assert service.asked == [50, 50, 3]
    assert len(set(made.values())) == 100


async def test_no_two_requests_show_the_same_element(service: Service) -> None:
    seen: list[bytes] = []

    def answer(body: dict[str, Any], given: list[bytes]) -> Response:
        seen.extend(given)
        return JSONResponse(service.told(service.elements(given)))

    service.evaluate = answer
    for _ in range(3):
        async with asking(service) as tokens:
            await tokens.make(VALUES[:1])
    assert len(set(seen)) == len(seen) == 6


def answering(change: Callable[[Service, list[bytes]], list[bytes]]) -> Callable[[Service], Answer]:
    return lambda service: lambda body, given: JSONResponse(service.told(change(service, given)))


def other(service: Service, given: list[bytes]) -> list[bytes]:
    return [oprf.evaluate(oprf.derive_key(b"x" * 32, b""), one) for one in given]


WRONG: dict[str, Callable[[Service], Answer]] = {
    "another key": answering(other),
    "the question back": answering(lambda _, given: given),
    "one element too few": answering(lambda service, given: service.elements(given)[:-1]),
    "one element too many": answering(lambda service, given: [*service.elements(given), given[0]]),
    "the identity": answering(lambda _, given: [bytes(32)] * len(given)),
    "no elements of the group": answering(lambda _, given: [b"\xff" * 32] * len(given)),
    "shorter elements": answering(lambda service, given: [one[:31] for one in service.elements(given)]),
    "one element for all": answering(lambda service, given: service.elements(given[:1]) * len(given)),
    "turned round": answering(lambda service, given: service.elements(given)[::-1]),
    "for another epoch": lambda service: (
        lambda body, given: JSONResponse(service.told(service.elements(given)) | {"epoch": 2})
    ),
    "numbers": lambda service: lambda body, given: JSONResponse({"epoch": 1, "elements": [1] * len(given)}),
    "no base64": lambda service: (
        lambda body, given: JSONResponse({"epoch": 1, "elements": ["é" * 43] * len(given)})
    ),
    "a list": lambda service: lambda body, given: JSONResponse([1]),
    "nothing": lambda service: lambda body, given: JSONResponse(None),
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG.keys())
async def test_a_wrong_answer_is_found_out_and_gives_no_token(
    service: Service, wrong: Callable[[Service], Answer]
) -> None:
    service.evaluate = wrong(service)
    # Two answers turned round may leave the check where it was, so there are many.
    values = [("b", f"{number:09d}") for number in range(48)]
    async with asking(service) as tokens:
        with pytest.raises(KeyServiceWrong):
            await tokens.make(values)
        assert tokens.of(values) == {}


async def _never(body: dict[str, Any], given: list[bytes]) -> Response:
    await asyncio.sleep(30)
    return Response()


async def _endless(body: dict[str, Any], given: list[bytes]) -> Response:
    async def stream() -> AsyncIterator[bytes]:
        while True:
            await asyncio.sleep(0.6)
            yield b" "

    return StreamingResponse(stream(), media_type="application/json")


AWAY: dict[str, Answer] = {
    "an error of its own": lambda body, given: Response("oops", 500),
    "a page of a proxy": lambda body, given: HTMLResponse("<h1>bad gateway</h1>", 502),
    "a page that looks well": lambda body, given: HTMLResponse("<h1>welcome</h1>"),
    "too much asked": lambda body, given: JSONResponse({"title": "slow down"}, 429, {"Retry-After": "9"}),
    "no answer": _never,
    "an answer without end": _endless,
}


@pytest.mark.parametrize("away", AWAY.values(), ids=AWAY.keys())
async def test_while_it_is_away_nothing_is_made_and_that_is_told(service: Service, away: Answer) -> None:
    service.evaluate = away
    async with asking(service) as tokens:
        with pytest.raises(KeyServiceAway):
            await tokens.make(VALUES)
        service.evaluate = None
        assert len(await tokens.make(VALUES)) == 2


async def test_nobody_there_is_away(tmp_path: Path) -> None:
    async with httpx.AsyncClient(base_url="http://127.0.0.1:9") as http:
        with pytest.raises(KeyServiceAway):
            await Tokens(Connection(http, "one", "secret"), Pins(None)).make(VALUES)


async def test_who_is_patient_gets_its_tokens_when_it_is_back(service: Service) -> None:
    tries: list[int] = []

    def answer(body: dict[str, Any], given: list[bytes]) -> Response:
        tries.append(len(given))
        if len(tries) < 3:
            return Response("", 503)
        return JSONResponse(service.told(service.elements(given)))

    service.evaluate = answer
    async with asking(service, patience=5.0) as tokens:
        assert len(await tokens.make(VALUES)) == 2
    assert len(tries) == 3


REFUSED = {
    "not this client": lambda body, given: JSONResponse({"title": "no"}, 403),
    "not this body": lambda body, given: JSONResponse({"title": "invalid"}, 400),
    "elsewhere": lambda body, given: RedirectResponse("http://127.0.0.1:9/"),
}


@pytest.mark.parametrize("refused", REFUSED.values(), ids=REFUSED.keys())
async def test_a_refusal_is_not_tried_again(service: Service, refused: Answer) -> None:
    service.evaluate = refused
    async with asking(service, patience=60.0) as tokens:
        with pytest.raises(KeyServiceRefuses):
            await tokens.make(VALUES)
    assert len(service.asked) == 1


WRONG_PARAMETERS: dict[str, dict[str, Any]] = {
    "another scheme": {"scheme": "sr2"},
    "another suite": {"suite": "P256-SHA256"},
    "another mode": {"mode": "POPRF"},
    "an epoch in words": {"epoch": "1"},
    "a truth as epoch": {"epoch": True},
    "no epoch": {"epoch": 0},
    "a purpose with a bar": {"purpose": "x|y"},
    "no purpose": {"purpose": ""},
    "a check that is none": {"check": None},
    "a check of another form": {"check": "é" * 43},
    "room for nothing": {"maxElements": 1},
}


@pytest.mark.parametrize("wrong", WRONG_PARAMETERS.values(), ids=WRONG_PARAMETERS.keys())
async def test_parameters_that_cannot_be_right_are_refused(service: Service, wrong: dict[str, Any]) -> None:
    service.parameters = wrong
    async with asking(service) as tokens:
        with pytest.raises(KeyServiceWrong):
            await tokens.make(VALUES)
    assert service.asked == []


async def test_another_key_in_the_same_epoch_is_found_out_by_who_was_there_before(
    service: Service, tmp_path: Path
) -> None:
    pins = Pins(tmp_path / "key-checks.json")
    async with asking(service, pins) as tokens:
        await tokens.make(VALUES)
        (tmp_path / "oprf-1.key").write_bytes(os.urandom(32))
        later = Tokens(tokens.connection, Pins(tmp_path / "key-checks.json"))
        with pytest.raises(KeyServiceWrong, match="another key than before"):
            await later.make(VALUES)


async def test_a_new_epoch_is_followed_for_all_values(service: Service, tmp_path: Path) -> None:
    async with asking(service) as tokens:
        before = await tokens.make(VALUES[:1])
        begin_next(tmp_path)
        after = await tokens.make(VALUES)

    assert before[VALUES[0]].startswith("e1.b.")
    assert {token[:5] for token in after.values()} == {"e2.b.", "e2.n."}


async def test_a_service_whose_processes_do_not_agree_yet_is_away(service: Service) -> None:
    service.evaluate = lambda body, given: JSONResponse({"title": "Another epoch"}, 409)
    async with asking(service) as tokens:
        with pytest.raises(KeyServiceAway):
            await tokens.make(VALUES)


CHANGES: dict[str, dict[str, Any]] = {
    "another purpose": {"purpose": "other"},
    "another register": {"register": "other"},
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
async def test_a_service_that_makes_tokens_for_something_else_than_before_is_found_out(
    service: Service, change: dict[str, Any]
) -> None:
    async with asking(service) as tokens:
        await tokens.make(VALUES)
        service.parameters = change
        with pytest.raises(KeyServiceWrong, match="something else"):
            await Tokens(tokens.connection, tokens.pins).make(VALUES)


async def test_a_service_does_not_go_back_to_an_epoch_that_is_over(service: Service, tmp_path: Path) -> None:
    async with asking(service) as tokens:
        begin_next(tmp_path)
        await tokens.make(VALUES)
        (tmp_path / "oprf-2.key").unlink()
        with pytest.raises(KeyServiceWrong, match="gone back"):
            await Tokens(tokens.connection, tokens.pins).make(VALUES)


async def test_a_service_is_known_only_once_it_was_right(service: Service) -> None:
    service.parameters = {"check": "A" * 43}
    async with asking(service) as tokens:
        with pytest.raises(KeyServiceWrong, match="check"):
            await tokens.make(VALUES)
        service.parameters = {}
        assert len(await Tokens(tokens.connection, tokens.pins).make(VALUES)) == 2


async def test_a_request_that_began_before_a_new_epoch_leaves_nothing_of_the_old(
    service: Service, tmp_path: Path
) -> None:
    going, asked = asyncio.Event(), asyncio.Event()

    async def answer(body: dict[str, Any], given: list[bytes]) -> Response:
        told = JSONResponse(service.told(service.elements(given)))
        if not asked.is_set():
            asked.set()
            await going.wait()
        return told

    service.evaluate = answer
    async with asking(service) as tokens:
        tokens.connection.http.timeout = httpx.Timeout(10)
        slow = asyncio.create_task(tokens.make(VALUES[:1]))
        await asked.wait()
        begin_next(tmp_path)
        quick = await tokens.make(VALUES)
        going.set()
        assert (await slow)[VALUES[0]] == quick[VALUES[0]]
        assert {token[:3] for token in (await tokens.make(VALUES)).values()} == {"e2."}
        assert tokens.anew().of(VALUES) == {}


async def _huge(body: dict[str, Any], given: list[bytes]) -> Response:
    async def stream() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield b" " * 1024 * 1024

    return StreamingResponse(stream(), media_type="application/json")


async def test_an_answer_that_is_too_large_is_not_read_to_its_end(service: Service) -> None:
    service.evaluate = _huge
    async with asking(service) as tokens:
        tokens.connection.http.timeout = httpx.Timeout(10)
        with pytest.raises(KeyServiceAway):
            await tokens.make(VALUES)


async def test_parameters_that_are_no_json_are_away(service: Service) -> None:
    service.read = lambda: HTMLResponse("<h1>maintenance</h1>")
    async with asking(service) as tokens:
        with pytest.raises(KeyServiceAway):
            await tokens.make(VALUES)
