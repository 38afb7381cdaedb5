"""The outermost layer: what holds for every request, whatever room it goes to.

Pure ASGI. Gives each request its trace id, answers 404, 405, 406, 413 and 415 from the contract, serves HEAD
as GET without a body, puts the security headers and `API-Version` on every answer, and records every refusal
in the trail before it leaves. An error that nobody expected becomes a 500 problem; the log gets its type and
place, never its text, which might hold what was sent.
"""

import re
import secrets
import time
import traceback
from collections.abc import Awaitable, Callable, Mapping

import orjson
import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service import errors
from service.contract import Contract, Methods, acceptable, allowed
from service.database import is_passing
from service.errors import Problem
from service.keys import MissingKey
from service.sizes import check_length, limited

API_VERSION = "0.1.0"
PROBLEM_MEDIA_TYPE = "application/problem+json"
HEADER_LIMIT = 16 * 1024

SECURITY_HEADERS = {
    "API-Version": API_VERSION,
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
}
OPEN_TO_ALL_ORIGINS = "/v1/openapi.json"

_TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}\Z")

RecordRefusal = Callable[[Scope, str, Problem], Awaitable[None]]

log = structlog.get_logger()


class HttpLayer:
    """Wraps the application. `record_refusal` may raise a Problem, which is then the answer instead.

    `below` has the application of a path prefix; it is handed the request here, not by way of `app`, for each
    application that it passes costs as much as a small room.
    """

    def __init__(
        self,
        app: ASGIApp,
        contract: Contract,
        record_refusal: RecordRefusal,
        *,
        below: Mapping[str, ASGIApp] | None = None,
    ) -> None:
        self.app = app
        self._contract = contract
        self._record_refusal = record_refusal
        self._below = below or {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        methods = self._contract.find(scope["path"])
        exchange = _Exchange(scope, send, _operation_id(methods, scope["method"]), self._record_refusal)
        scope["state"] = {"trace_id": _trace_id(headers)}
        try:
            _check(scope["method"], methods, headers)
            if scope["method"] == "HEAD":
                scope = {**scope, "method": "GET"}  # a copy: the server must still see that it was HEAD
            app, scope = self._app_for(scope)
            await app(scope, limited(receive, exchange.operation), exchange.send)
        except Problem as problem:
            await exchange.refuse(problem)
        except Exception as error:
            _log_failure(error, scope)
            await exchange.refuse(problem_of(error))
        await exchange.finish()

    def _app_for(self, scope: Scope) -> tuple[ASGIApp, Scope]:
        """The application that answers, and the scope as it sees it."""
        prefix = f"/{scope['path'].split('/', 2)[1]}"
        if prefix not in self._below or scope["path"] == OPEN_TO_ALL_ORIGINS:
            return self.app, scope
        return self._below[prefix], {**scope, "root_path": scope.get("root_path", "") + prefix}


class _Exchange:
    """The answer to one request on its way out."""

    def __init__(self, scope: Scope, send: Send, operation: str, record_refusal: RecordRefusal) -> None:
        self._scope, self._send = scope, send
        self.operation = operation
        self._record_refusal = record_refusal
        self._bodiless = scope["method"] == "HEAD"
        self._status = 0
        self._instead: Problem | None = None
        self._began = time.perf_counter()

    async def send(self, message: Message) -> None:
        """Pass on a message of the application; a refusal leaves only after the trail has it."""
        if self._instead is not None:
            return
        if message["type"] == "http.response.start":
            problem = self._scope["state"].get("problem")
            if problem is not None and 400 <= message["status"] < 500:
                try:
                    await self._record_refusal(self._scope, self.operation, problem)
                except Exception as unrecorded:
                    if not isinstance(unrecorded, Problem):
                        _log_failure(unrecorded, self._scope)
                    self._instead = problem_of(unrecorded)
                    return
            self._status = message["status"]
            headers = MutableHeaders(raw=message["headers"])
            policy = headers.get("Content-Security-Policy")  # a page has its own; nobody else sets one
            headers.update(SECURITY_HEADERS)
            if policy is not None:
                headers["Content-Security-Policy"] = policy
            headers.setdefault("Cache-Control", "no-store")
            if (allowance := self._scope["state"].get("allowance")) is not None:
                headers.update(allowance.headers)
            if self._scope["path"] == OPEN_TO_ALL_ORIGINS:
                headers["Access-Control-Allow-Origin"] = "*"
        elif self._bodiless:
            message = {**message, "body": b""}
        await self._send(message)

    async def refuse(self, problem: Problem) -> None:
        """Answer with a problem of this layer, unless an answer has begun."""
        if self._status:
            return
        self._scope["state"]["problem"] = problem
        await send_problem(problem, self._scope["state"]["trace_id"], self.send)

    async def finish(self) -> None:
        """Where the trail could not take a refusal, tell that instead; then write the technical log."""
        if self._instead is not None:
            problem, self._instead = self._instead, None
            await self.refuse(problem)
        caller = self._scope["state"].get("caller")
        log.info(
            "request",
            operation=self.operation,
            status=self._status,
            ms=round((time.perf_counter() - self._began) * 1000, 1),
            client=str(caller.client_id) if caller else None,
            trace=self._scope["state"]["trace_id"],
        )


def problem_of(error: Exception) -> Problem:
    """The problem that an error is, or that it is told as: a database or a key that is away, or a fault of ours."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, MissingKey):
        return errors.KeyAway()
    return errors.Unavailable() if is_passing(error) else Problem()


async def send_problem(problem: Problem, trace_id: str, send: Send) -> None:
    """Send a problem as an ASGI answer."""
    body = orjson.dumps(problem.as_json(trace_id))
    headers = {
        "Content-Type": PROBLEM_MEDIA_TYPE,
        "Content-Length": str(len(body)),
        **problem.headers,
    }
    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": problem.status, "headers": raw})
    await send({"type": "http.response.body", "body": body})


def _check(method: str, methods: Methods | None, headers: Headers) -> None:
    """Raise the problem that the contract alone can see."""
    if sum(len(name) + len(value) for name, value in headers.raw) > HEADER_LIMIT:
        raise errors.HeadersTooLarge
    if methods is None:
        raise errors.NotFound
    operation = methods.get("GET" if method == "HEAD" else method)
    if operation is None:
        raise errors.MethodNotAllowed(headers={"Allow": allowed(methods)})
    if not acceptable(", ".join(headers.getlist("accept")), operation.produces):
        raise errors.NotAcceptable
    if operation.consumes:
        content_type = headers.get("content-type", "").partition(";")[0].strip().lower()
        if content_type not in operation.consumes:
            raise errors.UnsupportedMediaType
    check_length(operation.operation_id, headers)


def _operation_id(methods: Methods | None, method: str) -> str:
    operation = (methods or {}).get("GET" if method == "HEAD" else method)
    return operation.operation_id if operation else "none"


def _trace_id(headers: Headers) -> str:
    """The trace of the caller (W3C traceparent) or a new one."""
    form = _TRACEPARENT.match(headers.get("traceparent", ""))
    return form[1] if form and form[1].strip("0") else secrets.token_hex(16)


def _log_failure(error: Exception, scope: Scope) -> None:
    frames = traceback.extract_tb(error.__traceback__)[-3:]
    places = [f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno}" for frame in frames]
    log.error("failed", error=type(error).__name__, places=places, trace=scope["state"]["trace_id"])
