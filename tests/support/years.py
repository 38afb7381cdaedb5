"""A register whose receipts are in any year that a test says, and its releases."""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from service import clock
from service.demo.loading import Loaded
from tests.support.bodies import person, signal
from tests.support.register import Register, in_process

FORM, AGE = "victims-by-municipality-and-form", "victims-by-municipality-and-age"
RELEASES = "/v1/statistics/releases"


@dataclass
class Years:
    """A register whose receipts are in any year that a test says."""

    register: Register
    moment: Path

    def stand_at(self, day: str) -> None:
        self.moment.write_text(f"{day}T10:00:00Z")

    async def post(
        self,
        day: str,
        count: int,
        *,
        client: str = "jpt-helmond",
        known_as: str | None = None,
        **changes: Any,
    ) -> None:
        """Signals of a day, each about a person of its own; `known_as` numbers them by a name."""
        self.stand_at(day)
        for number in range(count):
            name = f"{known_as or uuid.uuid4()}{number}"
            body = signal(
                observedFrom=day,
                observedUntil=None,
                persons=[person(name, ageBand=("A12_15", "A16_17")[number % 2], **changes)],
            )
            del body["observedUntil"]
            body["legalBasis"] = "WPG_20" if client.startswith("police") else "JW_REPORT"
            answer = await self.register.post_signal(body, client=client)
            assert answer.status_code == 201, answer.text

    async def compiled(self, period: str, day: str) -> Any:
        self.stand_at(day)
        return await self.register.released(period)

    async def table(self, release: str, name: str = AGE, **chosen: str) -> dict[tuple[str, str], Any]:
        answer = await self.register.http.get(
            f"/v1/statistics/releases/{release}/tables/{name}",
            params=chosen,
            headers=await self.register.headers("administrator"),
        )
        assert answer.status_code == 200, answer.text
        dimension = "age" if name == AGE else "form"
        return {(cell["area"], cell[dimension]): cell["value"] for cell in answer.json()["cells"]}

    async def get(self, path: str, *, client: str | None = "administrator", **more: Any) -> httpx.Response:
        """Ask with the token of a client, or with none."""
        headers = await self.register.headers(client) if client else {}
        return await self.register.http.get(path, headers=headers | more.pop("headers", {}), **more)

    async def published(self, period: str, day: str) -> str:
        """The id of a release that is compiled on a day and published by somebody else."""
        release = await self.compiled(period, day)
        assert release.status_code == 200, release.text
        headers = await self.register.headers("administrator-deputy") | {"Actor": "staff.two"}
        path = f"{RELEASES}/{release.json()['id']}/publication"
        answer = await self.register.http.post(path, headers=headers)
        assert answer.status_code == 200, answer.text
        return str(release.json()["id"])


@asynccontextmanager
async def standing_in_years(url: str, loaded: Loaded, folder: Path, **more: Any) -> AsyncIterator[Years]:
    """A register whose clock the test moves."""
    moment = folder / "moment"
    moment.write_text("2025-12-01T10:00:00Z")
    try:
        async with in_process(url, loaded, folder, clock_file=moment, **more) as running:
            yield Years(running, moment)
    finally:
        clock.follow(None)
