"""A referral is told at a terminal in the words of a language; of what is over, nothing of its signal."""

from copy import deepcopy
from typing import Any

import pytest

from service.client.telling import WORDS, referral_lines
from service.referrals.reads import ReferralRead
from service.vocabulary.lists import codes, label

REFERRAL: dict[str, Any] = {
    "id": "0199c0de-0000-7000-8000-000000000001",
    "status": "ACCEPTED",
    "version": 3,
    "priority": "HIGH",
    "receivedAt": "2026-11-24T12:00:00Z",
    "dueOn": "2026-11-26",
    "reporter": {
        "organisation": "JPT Helmond",
        "type": "JPT",
        "function": "Jongerenwerker",
        "phone": "0492-1",
    },
    "partnerReference": "JPT-17",
    "history": [],
    "children": [],
    "questions": [],
    "escalations": [],
    "signal": {
        "primaryType": "LOVERBOY",
        "municipalities": {"incident": "GM0794"},
        "indicators": [
            {"code": "C02", "observation": "OBSERVED"},
            {"code": "S01", "observation": "NOT_OBSERVED"},
            {"code": "G01", "observation": "UNKNOWN"},
        ],
        "persons": [
            {"role": "VICTIM", "ageBand": "A12_15", "gender": "F"},
            {"role": "RECRUITER", "ageBand": "A18_22", "gender": "M"},
        ],
    },
    "decision": {
        "ruleSet": 1,
        "rule": "R1",
        "explanation": {"nl": "Minderjarig slachtoffer.", "en": "A minor as victim."},
        "suggestions": [{"target": "POLICE_AVIM", "why": {"nl": "Mensenhandel.", "en": "Trafficking."}}],
        "advice": [{"code": "CALL", "text": {"nl": "Bel eerst.", "en": "Phone first."}}],
    },
}
# What has come of it since.
LATER: dict[str, Any] = {
    "children": [
        {
            "id": "0199c0de-0000-7000-8000-000000000002",
            "organisation": "Halt Oost-Brabant",
            "type": "HALT",
            "status": "WAITING",
            "dueOn": "2026-11-30",
        }
    ],
    "questions": [
        {
            "id": "0199c0de-0000-7000-8000-000000000003",
            "kind": "INFORMATION",
            "text": "Is er nog contact?",
            "askedAt": "2026-11-24T12:00:00Z",
            "dueOn": "2026-12-01",
            "answeredAt": "2026-11-24T13:00:00Z",
            "answer": "Ja.",
        }
    ],
    "escalations": [{"at": "2026-11-27T00:00:00Z", "dueOn": "2026-11-26", "reader": "HOLDER"}],
}
TOLD = {
    "nl": [
        "0199c0de-0000-7000-8000-000000000001  ACCEPTED  HIGH  uiterlijk 2026-11-26  (version 3)",
        "  Loverboypraktijken (seksuele uitbuiting vanuit een relatie), Helmond",
        "  melder: JPT Helmond, Jongerenwerker, 0492-1",
        "  kenmerk: JPT-17",
        "  persoon: (Mogelijk) slachtoffer, 12-15 (jeugdige en vertegenwoordiger samen), Vrouw / meisje",
        "  persoon: Ronselaar, 18-22 (jongvolwassene; jeugdige tot 23), Man / jongen",
        "  gezien: Omgang met veel oudere personen",
        "  waarom: Minderjarig slachtoffer.",
        "  suggestie: Politie (mensenhandel/zeden/AVIM): Mensenhandel.",
        "  advies: Bel eerst.",
        "  doorgezet: Halt Oost-Brabant: Wacht",
        "  vraag: Is er nog contact?",
        "  antwoord: Ja.",
        "  te laat",
    ],
    "en": [
        "0199c0de-0000-7000-8000-000000000001  ACCEPTED  HIGH  due by 2026-11-26  (version 3)",
        "  Loverboy practices (sexual exploitation from within a relationship), Helmond",
        "  reporter: JPT Helmond, Jongerenwerker, 0492-1",
        "  reference: JPT-17",
        "  person: (Possible) victim, 12-15, Female",
        "  person: Recruiter or intermediary, 18-22, Male",
        "  seen: Contacts with much older persons",
        "  why: A minor as victim.",
        "  suggestion: Police trafficking or vice team: Trafficking.",
        "  advice: Phone first.",
        "  forwarded: Halt Oost-Brabant: Waiting",
        "  question: Is er nog contact?",
        "  answer: Ja.",
        "  overdue",
    ],
}
LANGUAGES = sorted(TOLD)


def as_read(**changes: Any) -> dict[str, Any]:
    """A referral as the register answers it."""
    return ReferralRead.model_validate(deepcopy(REFERRAL) | changes).model_dump(mode="json", by_alias=True)


def lines(language: str, **changes: Any) -> list[str]:
    return list(referral_lines(as_read(**changes), language))


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_referral_is_told_in_labels(language: str) -> None:
    assert lines(language, **LATER) == TOLD[language]


def test_every_language_has_every_word() -> None:
    assert WORDS.keys() == TOLD.keys()
    assert {len(set(words)) for words in WORDS.values()} == {13}


LISTS = {
    "signal_type": lambda code: {"primaryType": code},
    "person_role": lambda code: {"persons": [{"role": code}]},
    "age_band": lambda code: {"persons": [{"ageBand": code}]},
    "gender": lambda code: {"persons": [{"gender": code}]},
    "indicator": lambda code: {"indicators": [{"code": code, "observation": "OBSERVED"}]},
}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("name", "signal"), LISTS.items(), ids=LISTS.keys())
def test_every_code_has_its_label(language: str, name: str, signal: Any) -> None:
    for code in codes(name):
        told = lines(language, signal=signal(code), decision=None, partnerReference=None, reporter=None)
        assert len(told) == 2
        assert told[1].endswith(label(name, code, language))


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_code_that_is_newer_than_this_client_is_told_as_it_is(language: str) -> None:
    signal = {
        "primaryType": "NEW_TYPE",
        "municipalities": {"incident": "GM9999"},
        "persons": [{"role": "NEW_ROLE", "gender": "F"}, {}],
        "indicators": [{"code": "Z99", "observation": "OBSERVED"}],
    }
    told = "\n".join(lines(language, signal=signal))

    assert "  NEW_TYPE\n" in told
    assert f": NEW_ROLE, {label('gender', 'F', language)}\n" in told
    assert ": Z99\n" in told


@pytest.mark.parametrize("status", ["WITHDRAWN", "EXPIRED"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_of_a_referral_that_is_over_nothing_of_its_signal_is_told(language: str, status: str) -> None:
    first = TOLD[language][0].replace("ACCEPTED", status)

    assert lines(language, status=status, signal=None, decision=None) == [first, *TOLD[language][2:4]]
    bare = {"signal": None, "decision": None, "reporter": None, "partnerReference": None}
    assert lines(language, status=status, **bare) == [first]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_signal_that_is_shared_in_part_is_told_in_part(language: str) -> None:
    signal = {"primaryType": "LOVERBOY", "municipalities": {"incident": "UNKNOWN"}}
    told = lines(language, signal=signal, decision=None, reporter=None, partnerReference=None)
    assert told == [TOLD[language][0], f"  {label('signal_type', 'LOVERBOY', language)}"]


def test_advice_without_a_text_is_told_by_its_code() -> None:
    decision = REFERRAL["decision"] | {"advice": [{"code": "CALL"}], "suggestions": []}
    assert lines("nl", decision=decision)[-1] == "  advies: CALL"
