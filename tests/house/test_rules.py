"""The rules of the house, read from the source: who commits, who knows the framework, how long things are."""

import ast
import asyncio
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from service.database import Database
from service.referrals.models import Referral
from service.signals.models import Signal
from tests.support.bodies import signal
from tests.support.register import Register

PROJECT = Path(__file__).parents[2]
SERVICE = PROJECT / "service"
MODULES = sorted(SERVICE.rglob("*.py"))
DOORS = {
    "app.py",
    "client/listening.py",
    "doors.py",
    "open_doors.py",
    "http.py",
    "keyservice/app.py",
    "openapi.py",
    "operations.py",
    "problems.py",
    "serving.py",
    "shell.py",
    "sizes.py",
    "answers.py",
}
LONGEST_FILE = 250
LONGEST_ROUTE = 8
METHODS = {"get", "post", "put", "patch", "delete", "head"}


def name(module: Path) -> str:
    return str(module.relative_to(SERVICE))


def parsed(module: Path) -> ast.Module:
    return ast.parse(module.read_text(encoding="utf-8"), filename=str(module))


each_module = pytest.mark.parametrize("module", MODULES, ids=name)


def imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def calls_of(tree: ast.AST, method: str) -> list[int]:
    """The lines on which a method of this name is called."""
    return [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == method
    ]


def is_route(node: ast.AST) -> bool:
    return isinstance(node, ast.AsyncFunctionDef | ast.FunctionDef) and any(
        isinstance(decorator, ast.Call)
        and isinstance(decorator.func, ast.Attribute)
        and decorator.func.attr in METHODS
        for decorator in node.decorator_list
    )


def routes() -> list[Any]:
    return [
        pytest.param(node, id=f"{name(module)}:{node.name}")  # type: ignore[attr-defined]
        for module in MODULES
        for node in ast.walk(parsed(module))
        if is_route(node)
    ]


def without_docstring(body: list[ast.stmt]) -> list[ast.stmt]:
    first = body[0]
    documented = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    return body[1:] if documented else body


def test_the_rules_have_something_to_look_at() -> None:
    assert len(MODULES) > 60
    assert len(routes()) > 12
    assert any(calls_of(parsed(module), "commit") for module in MODULES)


@each_module
def test_only_the_database_commits(module: Path) -> None:
    if name(module) != "database.py":
        assert calls_of(parsed(module), "commit") == []


@each_module
def test_the_web_framework_stays_at_the_doors(module: Path) -> None:
    if name(module) in DOORS or module.name.endswith("api.py"):
        return
    framework = {one for one in imported(parsed(module)) if one.split(".")[0] in ("fastapi", "starlette")}
    assert framework == set()


@each_module
def test_a_module_says_what_it_keeps_or_decides(module: Path) -> None:
    assert ast.get_docstring(parsed(module))


@each_module
def test_a_file_is_not_too_long(module: Path) -> None:
    assert len(module.read_text(encoding="utf-8").splitlines()) <= LONGEST_FILE


@pytest.mark.parametrize("room", sorted({m.parent for m in MODULES} - {SERVICE}), ids=name)
def test_a_room_has_its_guide(room: Path) -> None:
    guide = ast.get_docstring(parsed(room / "__init__.py"))
    assert guide
    assert len(guide.split()) >= 20


@pytest.mark.parametrize("route", routes())
def test_a_route_body_is_short_and_catches_nothing(route: Any) -> None:
    body = without_docstring(route.body)
    lines = {line for part in body for line in range(part.lineno, (part.end_lineno or part.lineno) + 1)}
    tries = [node for part in body for node in ast.walk(part) if isinstance(node, ast.Try)]
    assert tries == []
    assert len(lines) <= LONGEST_ROUTE


class Observer:
    """An ASGI application around ours that looks at the database when an answer begins to leave."""

    def __init__(self, app: Any, database: Database, row: Any, count: int) -> None:
        self.app, self.database, self.row, self.count = app, database, row, count
        self.answers = 0
        self.seen: list[bool] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async def observed(message: Any) -> None:
            if message["type"] == "http.response.start" and message["status"] < 300:
                async with self.database.reading() as session:
                    found = (await session.execute(self.row)).all()
                self.answers += 1
                self.seen.append(len(found) == self.count)
            await send(message)

        await self.app(scope, receive, observed)


def observe(register: Register, database: Database, row: Any, count: int = 1) -> Observer:
    transport: Any = register.http._transport
    transport.app = Observer(register.app, database, row, count)
    return transport.app  # type: ignore[no-any-return]


async def test_the_commit_happens_before_the_answer(register: Register, database_url: str) -> None:
    elsewhere = Database(database_url, pool_size=1)
    for client in ("jpt-helmond", "contact-point-helmond"):
        await register.token(client)

    watch = observe(register, elsewhere, select(Signal.id))
    assert (await register.post_signal(signal())).status_code == 201
    assert (watch.answers, watch.seen) == (1, [True])

    watch = observe(register, elsewhere, select(Referral.id).where(Referral.status == "CLAIMED"))
    (referral,) = (await register.claim()).json()["items"]
    assert (watch.answers, watch.seen) == (1, [True])

    recipient = {"organisation": str(register.loaded.organisations["veilig-thuis-zuidoost-brabant"])}
    for step, body, status in (
        ("acceptance", None, "ACCEPTED"),
        ("forwarding", recipient, "FORWARDED"),
    ):
        watch = observe(register, elsewhere, select(Referral.id).where(Referral.status == status))
        referral = (await register.step(referral, step, body)).json()
        assert (watch.answers, watch.seen) == (1, [True]), step
    await elsewhere.close()


async def test_a_refused_post_leaves_nothing(register: Register) -> None:
    watch = observe(register, register.database, select(Signal.id), 0)
    await register.token("jpt-helmond")
    answers = await asyncio.gather(
        register.post_signal(signal(primaryType="NOT_A_TYPE")),
        register.post_signal(signal(), key="not-a-key"),
        register.post_signal(signal(handlingCodes=["H1"]), key=str(uuid.uuid4())),
    )
    assert [answer.status_code for answer in answers] == [400, 400, 409]
    assert watch.seen == [True]  # the token's
    assert await register.rows(Signal) == []
