"""The helper that listens: tokens for a partner's own system, in any language, over HTTP on this machine alone.

    POST /tokens   Authorization: Bearer <the helper's secret>   Content-Type: application/json
    {"persons": [{"bsn": "…"}, {"surname": "…", "firstName": "…", "dateOfBirth": "…", "sex": "…"}]}
    200 {"persons": [{"pseudonym": "e1.b.…", "alsoKnownAs": ["e1.n.…"]}]}

It listens on the loopback address, wants a secret that lies in a file of its user's, and answers no request that a
web page could send: by another name of this machine, or in another form than JSON. Nothing of a request is logged
or kept.
"""

import json
import secrets
import socket
from collections.abc import Sequence
from datetime import date
from typing import Any, TextIO

import typer
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from service.client.bodies import UnfitRecord, prepare
from service.client.identifiers import Fault
from service.client.running import LOOK, connected, tell
from service.client.settings import ClientSettings, NotSet
from service.client.state import Pins, make_folder, write_whole
from service.client.tokens import KeyServiceAway, KeyServiceRefuses, KeyServiceWrong, Tokens
from service.client.values import dutch_today

MAX_PERSONS = 100
BODY_LIMIT = 64 * 1024
NAMES = ("127.0.0.1", "localhost")


def helper(tokens: Tokens, secret: str, port: int) -> Starlette:
    """The application; `tokens` makes them, `secret` opens it."""

    async def make_tokens(request: Request) -> JSONResponse:
        status, told = await _answer(request, tokens, secret, port)
        return JSONResponse(told, status, headers={"Cache-Control": "no-store"})

    return Starlette(routes=[Route("/tokens", make_tokens, methods=["POST"])])


async def _answer(request: Request, tokens: Tokens, secret: str, port: int) -> tuple[int, dict[str, Any]]:
    if request.headers.get("host") not in {f"{name}:{port}" for name in NAMES} or "origin" in request.headers:
        return 403, _problem("not-from-here")
    scheme, _, shown = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not secrets.compare_digest(shown.encode(), secret.encode()):
        return 401, _problem("no-secret")
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        return 415, _problem("unsupported-media-type")
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_LIMIT:
            return 413, _problem("too-large")
    try:
        return 200, {"persons": await tokens_of(tokens.anew(), _persons(body), today=dutch_today())}
    except UnfitRecord as unfit:
        return 400, _problem("invalid", unfit.faults)
    except KeyServiceAway:
        return 503, _problem("key-service-away")
    except KeyServiceRefuses:
        return 502, _problem("key-service-refuses")
    except KeyServiceWrong:
        return 502, _problem("key-service-wrong")


async def tokens_of(tokens: Tokens, persons: Sequence[Any], *, today: date) -> list[dict[str, Any]]:
    """For each person its `pseudonym`, and `alsoKnownAs` where it has two tokens.

    Raises `UnfitRecord` with the faults of all, and what `Tokens.make` raises.
    """
    prepared = prepare({"persons": list(persons)}, today=today)
    bare = [one for one, known in enumerate(prepared.values) if not known]
    if bare:
        raise UnfitRecord(
            [Fault(f"/persons/{one}", "required", "Nothing to make a token of.") for one in bare]
        )
    made = prepared.with_tokens(await tokens.make(prepared.all_values)).get("persons", [])
    return [
        {name: person[name] for name in ("pseudonym", "alsoKnownAs") if name in person} for person in made
    ]


def _persons(body: bytes) -> list[Any]:
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        raise UnfitRecord([Fault("", "broken-json", "This is not JSON in UTF-8.")]) from None
    persons = told.get("persons") if isinstance(told, dict) and told.keys() == {"persons"} else None
    if not isinstance(persons, list) or not 1 <= len(persons) <= MAX_PERSONS:
        raise UnfitRecord([Fault("/persons", "wrong-type", f"A list of 1 to {MAX_PERSONS} persons.")])
    return persons


def _problem(code: str, faults: Sequence[Fault] = ()) -> dict[str, Any]:
    told = [fault.as_told for fault in faults]
    return {"code": code, **({"errors": told} if told else {})}


async def listen_on(settings: ClientSettings, port: int, patience: float) -> None:
    """Serve the helper until it is ended; raises `NotSet` where the port is taken, and what `Tokens` raises."""
    file = settings.state_dir / "helper.secret"
    make_folder(settings.state_dir)
    if not file.exists():
        write_whole(file, secrets.token_urlsafe(32).encode(), replace=False)
    secret = file.read_text(encoding="ascii").strip()
    with socket.socket() as listening:
        try:
            listening.bind(("127.0.0.1", port))
        except OSError as taken:
            raise NotSet(f"port {port} cannot be listened on: {taken.strerror}") from None
        async with connected(settings, settings.key_service()) as key_service:
            tokens = Tokens(key_service, Pins(settings.state_dir / "key-checks.json"), patience)
            await tokens.epoch()
            serving = uvicorn.Config(
                helper(tokens, secret, listening.getsockname()[1]),
                access_log=False,
                server_header=False,
                log_level="warning",
            )
            tell(f"POST http://127.0.0.1:{listening.getsockname()[1]}/tokens, with the secret in {file}")
            await uvicorn.Server(serving).serve([listening])


async def tokens_of_lines(settings: ClientSettings, lines: TextIO, patience: float) -> int:
    """Print the tokens of persons, a JSON object a line; the exit code."""
    code = 0
    async with connected(settings, settings.key_service()) as key_service:
        tokens = Tokens(key_service, Pins(settings.state_dir / "key-checks.json"), patience)
        for line in lines:
            if not line.strip():
                continue
            try:
                (told,) = await tokens_of(tokens, [json.loads(line)], today=dutch_today())
            except UnfitRecord as unfit:
                code = LOOK
                told = {
                    "errors": [
                        {"pointer": fault.pointer.removeprefix("/persons/0"), "code": fault.code}
                        for fault in unfit.faults
                    ]
                }
            except ValueError:
                code, told = LOOK, {"errors": [{"pointer": "", "code": "broken-json"}]}
            typer.echo(json.dumps(told))
    return code
