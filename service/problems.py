"""How a problem raised in a room, or by the framework, becomes an answer.

Installed on both apps by `app.py`. Also gives routes their strict reading of JSON: UTF-8 only, no NaN, no
endless nesting.
"""

import json
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Any

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.datastructures import QueryParams
from starlette.exceptions import HTTPException

from service import errors
from service.errors import Problem, faults_of, is_harmless
from service.http import PROBLEM_MEDIA_TYPE, problem_of
from service.open_doors import let_in

BY_STATUS: dict[int, type[Problem]] = {404: errors.NotFound, 405: errors.MethodNotAllowed}


class JsonRequest(Request):
    """A request whose body is read by a strict parser."""

    async def json(self) -> Any:
        try:
            return orjson.loads(await self.body())
        except orjson.JSONDecodeError as error:
            raise json.JSONDecodeError("broken", "", error.pos) from None


class JsonRoute(APIRoute):
    """A route that reads JSON and queries strictly; every router of the rooms uses it."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_strictly(request: Request) -> Response:
            if request.scope["query_string"]:
                _refuse_repeated(request.query_params)
            return await handle(JsonRequest(request.scope, request.receive))

        return handle_strictly


def _refuse_repeated(query: QueryParams) -> None:
    """Nothing here takes a parameter twice, and the framework would quietly take the last."""
    if len(query.multi_items()) == len(query):
        return
    names = Counter(name for name, _ in query.multi_items())
    text = "A parameter is there once at most."
    raise RequestValidationError(
        [
            {
                "type": "register.twice",
                "loc": ("query", name) if is_harmless(name) else ("query",),
                "msg": text,
            }
            for name, times in names.items()
            if times > 1
        ]
    )


def answer(request: Request, problem: Problem) -> Response:
    """The answer that tells a problem; `http.py` sees it and records the refusal."""
    request.state.problem = problem
    return Response(
        orjson.dumps(problem.as_json(request.state.trace_id)),
        status_code=problem.status,
        headers=problem.headers,
        media_type=getattr(problem, "media_type", PROBLEM_MEDIA_TYPE),
    )


def install_problem_handlers(app: FastAPI) -> None:
    """Make every error of the app a problem."""
    app.add_exception_handler(Problem, _on_problem)  # type: ignore[arg-type]
    app.add_exception_handler(RequestValidationError, _on_invalid)  # type: ignore[arg-type]
    app.add_exception_handler(HTTPException, _on_http_exception)  # type: ignore[arg-type]
    app.add_exception_handler(Exception, _on_unexpected)


async def _on_problem(request: Request, problem: Problem) -> Response:
    return answer(request, problem)


async def _on_invalid(request: Request, error: RequestValidationError) -> Response:
    """Faults as a 400; who is nobody learns only that (a broken body is seen before the door)."""
    try:
        if request.scope["path"].startswith("/v1/") and not request.scope["path"].endswith("openapi.json"):
            await let_in(request)
    except Problem as unknown:
        return answer(request, unknown)
    return answer(request, errors.Invalid(errors=faults_of(error.errors())))


async def _on_http_exception(request: Request, error: HTTPException) -> Response:
    if isinstance(error.__cause__, Problem):
        return answer(request, error.__cause__)
    return answer(request, BY_STATUS.get(error.status_code, errors.Invalid)())


async def _on_unexpected(request: Request, error: Exception) -> Response:
    """An error that no room expected; `http.py` logs it, for it is raised again after this."""
    return answer(request, problem_of(error))
