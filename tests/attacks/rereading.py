"""Attack 7: reading a release again after signals came late or were withdrawn, corrected and erased.

Keeps what was read: every document in every format, with what a cache needs to ask again. Any difference tells of the
persons whose signals changed in between, and so does an answer other than "unchanged" to a cache. Never asks for more
than a reader of statistics may.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select

from service.pseudonyms.models import SealedPerson
from service.signals.models import SignalPerson
from tests.attacks.reading import RELEASES, WHOLE, Release, read, table_path
from tests.attacks.truth import Posted
from tests.attacks.world import World
from tests.support.bodies import token


@dataclass(frozen=True)
class Read:
    """A document as it was read, and its tag for a cache."""

    body: bytes
    tag: str | None


Library = Mapping[tuple[str, str], Read]


async def library(world: World, releases: Sequence[Release]) -> Library:
    """Everything that was released, the newest release in every format, whole and in parts."""
    found = {}
    for path, accept in _documents(releases):
        answer = await read(world.register, path, Accept=accept)
        assert answer.status_code == 200, answer.text
        found[path, accept] = Read(answer.content, answer.headers.get("ETag"))
    return found


async def differences(world: World, before: Library) -> list[tuple[str, str]]:
    """The documents that are not the same any more, or of which a cache hears that they are not."""
    changed = []
    for (path, accept), known in before.items():
        again = await read(world.register, path, Accept=accept)
        same = again.content == known.body and again.headers.get("ETag") == known.tag
        if known.tag is not None:
            cached = await read(world.register, path, Accept=accept, If_None_Match=known.tag)
            same = same and cached.status_code == 304 and cached.content == b""
        if not same:
            changed.append((path, accept))
    return changed


def tag_of(body: bytes) -> str:
    """The tag that follows from what is read: it cannot tell more."""
    return f'"{hashlib.sha256(body).hexdigest()[:32]}"'


def _documents(releases: Sequence[Release]) -> Iterable[tuple[str, str]]:
    yield RELEASES, "application/json"
    for release in releases:
        yield f"{RELEASES}/{release.id}", "application/json"
        for table in release.tables:
            path = table_path(release.id, table.name)
            yield path, "application/json"
            if release is releases[-1]:
                yield path, "text/csv"
                yield f"{path}?{table.dimensions[0]}={WHOLE}", "application/json"


async def unsettle(world: World, own: Sequence[Posted], client: str, day: str) -> None:
    """Withdraw, correct and erase signals of a client that were counted, and post others late."""
    third = len(own) // 3
    withdrawn, corrected, erased = own[:third], own[third : 2 * third], own[2 * third :]
    world.stand_at(day)
    for one in withdrawn:
        await _change(world, one, client, "withdrawal", {"reason": "NOT_A_SIGNAL"})
    for one in corrected:
        persons = [who | {"ageBand": "A18_22", "gender": "M"} for who in one.body["persons"]]
        await _change(world, one, client, "corrections", {**one.body, "persons": persons})
    await _erase(world, erased)
    await world.post(client, day, [_about_others(one, f"late {n}") for n, one in enumerate(own)])


def _about_others(one: Posted, name: str) -> dict[str, Any]:
    """The same signal about persons whom nobody knows yet."""
    persons = [who | {"pseudonym": token(f"{name} {n}")} for n, who in enumerate(one.body["persons"])]
    for who in persons:
        who.pop("alsoKnownAs", None)
    return {**one.body, "persons": persons}


async def _change(world: World, one: Posted, client: str, step: str, body: Any) -> None:
    headers = await world.register.headers(client, if_match='"1"')
    answer = await world.register.http.post(f"/v1/signals/{one.id}/{step}", json=body, headers=headers)
    assert answer.status_code in (200, 201), answer.text


async def _erase(world: World, erased: Sequence[Posted]) -> None:
    """As retention does: the persons of a signal and their seals are gone."""
    people: Any = SignalPerson
    sealed: Any = SealedPerson
    ids = [UUID(one.id) for one in erased]
    async with world.register.database.writing() as session:
        gone = (await session.scalars(select(people.id).where(people.signal_id.in_(ids)))).all()
        await session.execute(delete(sealed).where(sealed.person_id.in_(gone)))
        await session.execute(delete(people).where(people.id.in_(gone)))
    assert gone
