"""One signal between its reporter and its contact point: the steps of the one, the answers of the other.

Called by the tests of questions, permissions and feedback.
"""

import uuid
from dataclasses import dataclass
from typing import Any

from service.referrals.models import Referral
from tests.support.bodies import person, signal
from tests.support.register import Register

Json = dict[str, Any]

PROBLEM = "urn:signal-register:problem:"
LOCAL, REGION, HELP, HALT = (
    "contact-point-helmond",
    "contact-point-brabant-zuidoost",
    "veilig-thuis-zuidoost-brabant",
    "halt-oost-brabant",
)
REPORTER, OTHER_REPORTER, POLICE = "jpt-helmond", "school-helmond", "police-oost-brabant"
OBSERVED = {"observedFrom": "2026-01-05", "observedUntil": "2026-01-06"}
QUESTION, ANSWER = "Is er al contact geweest met school?", "Nee, nog niet; de mentor volgt het."
INFORMATION = {"kind": "INFORMATION", "text": QUESTION}


@dataclass
class Talk:
    """A signal and its referral as it was read last, in the hands of a holder."""

    register: Register
    signal_id: str
    referral: Json
    reporter: str = REPORTER
    holder: str = LOCAL

    async def step(self, name: str, body: Any = None, *, refused: tuple[int, str] | None = None) -> Json:
        """A step of the holder, or how it is refused; what was answered."""
        answer = await self.register.step(self.referral, name, body, client=self.holder)
        if refused is not None:
            assert refusal(answer) == refused
            return dict(answer.json())
        assert answer.status_code == 200, answer.text
        self.referral = answer.json()
        return self.referral

    async def claim(self, client: str | None = None) -> Json:
        self.holder = client or self.holder
        (self.referral,) = (await self.register.claim(client=self.holder)).json()["items"]
        return self.referral

    async def accept(self) -> Json:
        await self.claim()
        return await self.step("acceptance")

    async def forward(self, to: str = HELP, *, refused: tuple[int, str] | None = None, **more: Any) -> Json:
        body = {"organisation": str(self.register.loaded.organisations[to])} | more
        return await self.step("forwarding", body, refused=refused)

    async def ask(self, **question: Any) -> Json:
        """Ask the reporter; the question as the holder reads it."""
        known = {one["id"] for one in self.referral.get("questions", [])}
        await self.step("questions", question or INFORMATION)
        (asked,) = [one for one in self.referral["questions"] if one["id"] not in known]
        return dict(asked)

    async def answer(self, question: Json, *, by: str | None = None, **answer: Any) -> Any:
        body = {"question": question["id"]} | (answer or {"text": ANSWER})
        headers = await self.register.headers(by or self.reporter)
        return await self.register.http.post(
            f"/v1/signals/{self.signal_id}/answers", json=body, headers=headers
        )

    async def read(self) -> Json:
        """The referral again, as its holder reads it now."""
        headers = await self.register.headers(self.holder)
        answer = await self.register.http.get(f"/v1/referrals/{self.referral['id']}", headers=headers)
        assert answer.status_code == 200, answer.text
        self.referral = answer.json()
        return self.referral

    async def feedback(self, by: str | None = None) -> Any:
        headers = await self.register.headers(by or self.reporter)
        return await self.register.http.get(f"/v1/signals/{self.signal_id}/feedback", headers=headers)

    async def heard(self) -> list[Json]:
        """What the reporter has heard, oldest first."""
        answer = await self.feedback()
        assert answer.status_code == 200, answer.text
        return list(answer.json()["items"])


async def talk(register: Register, reporter: str = REPORTER, **changes: Any) -> Talk:
    """A new signal, with its referral waiting."""
    posted = await register.post_signal(signal(**(OBSERVED | changes)), client=reporter)
    assert posted.status_code == 201, posted.text
    signal_id = uuid.UUID(posted.json()["id"])
    (row,) = [one for one in await register.rows(Referral) if one.signal_id == signal_id]
    return Talk(register, str(signal_id), {"id": str(row.id), "version": 1}, reporter)


async def police_talk(register: Register, *codes: str) -> Talk:
    """A signal of the police with these handling codes, accepted by the contact point."""
    persons = [person("victim"), person("suspect", role="SUSPECT", gender="M")]
    one = await talk(register, POLICE, legalBasis="WPG_20", handlingCodes=list(codes), persons=persons)
    await one.accept()
    return one


def refusal(answer: Any) -> tuple[int, str]:
    return answer.status_code, str(answer.json()["type"]).removeprefix(PROBLEM)


def faults(answer: Any) -> list[tuple[str, str]]:
    """Where something was wrong, and what, of a 400."""
    assert answer.status_code == 400, answer.text
    return [(one["pointer"], one["code"]) for one in answer.json()["errors"]]
