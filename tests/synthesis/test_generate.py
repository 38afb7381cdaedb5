"""Synthetic signals keep to the wire, to the agreements and to themselves."""

import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator
from datetime import date
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, ConfigDict, Field

from service.screening.guard import screen
from service.synthesis.generate import Generated, generate, ndjson
from service.synthesis.pack import load_pack
from service.vocabulary import types as codes

PACK = load_pack()
SINCE, UNTIL = date(2026, 1, 1), date(2026, 10, 31)
Pseudonym = Annotated[str, Field(pattern=r"^(UNKNOWN|e1\.[bn]\.[A-Za-z0-9_-]{43})$")]
SOME = 5_000


class Shape(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Indicator(Shape):
    code: codes.IndicatorCode
    observation: codes.Observation


class Person(Shape):
    pseudonym: Pseudonym
    alsoKnownAs: list[Pseudonym] = Field(default=[], max_length=3)
    role: codes.PersonRole
    ageBand: codes.AgeBand
    gender: codes.Gender
    municipality: codes.MunicipalityOrUnknown | None = None
    victimStatus: codes.VictimStatus | None = None


class Group(Shape):
    size: int = Field(ge=2, le=50)
    setting: codes.Setting


class Source(Shape):
    reliability: codes.SourceReliability
    information: codes.InformationReliability


class Incident(Shape):
    incident: codes.MunicipalityOrUnknown


class Body(Shape):
    primaryType: codes.SignalType
    types: list[codes.SignalType]
    observedFrom: date
    observedUntil: date | None = None
    municipalities: Incident
    settings: list[codes.Setting] = []
    indicators: list[Indicator] = []
    urgency: codes.Urgency
    flag: codes.SeverityFlag | None = None
    flagCriteria: list[codes.FlagCriterion] = []
    persons: list[Person] = Field(max_length=3)
    group: Group | None = None
    legalBasis: codes.LegalBasis
    consent: codes.Consent
    source: Source | None = None
    handlingCodes: list[codes.HandlingCode] = []
    partnerReference: str | None = Field(None, pattern=r"^[A-Z_]{2,20}-20\d\d-\d{4}$")
    note: str | None = Field(None, max_length=280)


@pytest.fixture(scope="module")
def signals() -> list[Generated]:
    return list(generate(PACK, SOME, 7, SINCE, UNTIL))


@pytest.fixture(scope="module")
def bodies(signals: list[Generated]) -> list[Body]:
    return [Body.model_validate(one.body) for one in signals]


def lists_of(body: Body) -> Iterator[list[Any]]:
    yield from (body.types, body.settings, body.flagCriteria, body.handlingCodes)
    yield [one.code for one in body.indicators]
    yield [one.role for one in body.persons]


def test_the_same_seed_gives_the_same_signals() -> None:
    assert list(generate(PACK, 300, 1, SINCE, UNTIL)) == list(generate(PACK, 300, 1, SINCE, UNTIL))


def test_another_seed_gives_other_signals_and_persons() -> None:
    one, other = (list(generate(PACK, 300, seed, SINCE, UNTIL)) for seed in (1, 2))
    known = [{p["pseudonym"] for g in many for p in g.body["persons"]} - {"UNKNOWN"} for many in (one, other)]
    assert one != other
    assert not known[0] & known[1]


def test_days_are_in_order_and_within_bounds(signals: list[Generated]) -> None:
    days = [one.on for one in signals]
    assert len(days) == SOME
    assert days == sorted(days)
    assert (days[0], days[-1]) == (SINCE, UNTIL)


def test_nothing_was_observed_after_the_day_of_the_report(
    signals: list[Generated], bodies: list[Body]
) -> None:
    for one, body in zip(signals, bodies, strict=True):
        assert body.observedFrom <= (body.observedUntil or body.observedFrom) <= one.on


def test_types_include_the_primary_one(bodies: list[Body]) -> None:
    assert all(body.primaryType in body.types for body in bodies)
    assert any(len(body.types) > 1 for body in bodies)


def test_no_list_says_a_thing_twice(bodies: list[Body]) -> None:
    assert all(len(values) == len(set(values)) for body in bodies for values in lists_of(body))


def test_something_was_seen_somewhere(bodies: list[Body]) -> None:
    assert all(body.indicators or body.settings for body in bodies)
    assert any(not body.indicators for body in bodies)


def test_a_group_stands_instead_of_persons(bodies: list[Body]) -> None:
    assert any(body.group for body in bodies)
    assert not any(body.group and body.persons for body in bodies)


def test_no_flag_is_green(bodies: list[Body]) -> None:
    assert {body.flag for body in bodies} == {None, "NA", "YELLOW", "RED", "BLACK"}


def test_a_victim_status_belongs_to_a_victim(bodies: list[Body]) -> None:
    stated = {person.role for body in bodies for person in body.persons if person.victimStatus}
    assert stated == {"VICTIM", "AT_RISK"}


def test_an_online_incident_may_be_nowhere(bodies: list[Body]) -> None:
    nowhere = [body for body in bodies if body.municipalities.incident == "UNKNOWN"]
    assert nowhere
    assert all("ONLINE" in body.settings for body in nowhere)


def test_pseudonyms_are_canonical(bodies: list[Body]) -> None:
    persons = [person for body in bodies for person in body.persons]
    tokens = [token for one in persons for token in (one.pseudonym, *one.alsoKnownAs) if token != "UNKNOWN"]
    for token in tokens:
        _, kind, text = token.split(".")
        value = urlsafe_b64decode(f"{text}=")
        assert urlsafe_b64encode(value).rstrip(b"=").decode() == text
        assert len(value) == 32
        assert kind in "bn"
    assert {person.pseudonym[:5] for person in persons} == {"e1.b.", "UNKNO"}
    assert {other[:5] for person in persons for other in person.alsoKnownAs} == {"e1.n."}


def test_a_person_is_the_same_at_every_reporter(bodies: list[Body]) -> None:
    faces: dict[str, set[tuple[str, str]]] = {}
    homes: dict[str, set[str]] = {}
    names: dict[str, set[str]] = {}
    for person in (person for body in bodies for person in body.persons if person.pseudonym != "UNKNOWN"):
        faces.setdefault(person.pseudonym, set()).add((person.ageBand, person.gender))
        homes.setdefault(person.pseudonym, set()).update(filter(None, [person.municipality]))
        names.setdefault(person.pseudonym, set()).update(person.alsoKnownAs)
    assert all(len(known) == 1 for known in faces.values())
    assert all(len(known) <= 1 for known in (*homes.values(), *names.values()))


def test_every_body_is_open_to_its_client(signals: list[Generated]) -> None:
    clients = {client.name: client for client in PACK.clients}
    for one in signals:
        client = clients[one.client]
        rule = PACK.agreement_of(client.organisation).sending[PACK.organisation(client.organisation).type]
        persons = one.body["persons"]
        named = {name for part in (one.body, *persons) for name in part}
        required = {"primaryType", "observedFrom", "municipalities", "persons"} | (
            {"note"} if rule.note else set()
        )
        assert client.role == "reporter"
        assert named <= {*rule.fields, *required, "pseudonym", "role", "ageBand", "gender"}
        assert {*one.body["types"]} <= {*rule.types}
        assert {person["role"] for person in persons} <= {*rule.roles}
        assert one.body["legalBasis"] in rule.legal_bases
        assert one.body["municipalities"]["incident"] in (*client.municipalities, "UNKNOWN")


def test_a_note_names_nobody(bodies: list[Body]) -> None:
    notes = {body.note for body in bodies if body.note}
    assert notes
    assert all(screen(note, UNTIL) == () for note in notes)


def test_an_agreement_that_opens_less_leaves_less() -> None:
    content = PACK.model_dump(mode="json", by_alias=True)
    narrow = {
        "types": ["LOVERBOY", "SHAME_SEXTING"],
        "roles": ["VICTIM", "SUSPECT"],
        "legalBases": ["CONSENT", "JW_REPORT"],
        "fields": ["indicators", "legalBasis", "consent"],
    }
    content["agreements"][0]["sending"]["JPT"] |= narrow
    less = type(PACK).model_validate(content)
    for one in generate(less, 300, 1, SINCE, UNTIL, only="jpt-helmond"):
        assert one.body["primaryType"] in narrow["types"]
        assert {person["role"] for person in one.body["persons"]} <= {"VICTIM", "SUSPECT"}
        assert one.body["indicators"]
        assert not {"settings", "urgency", "flag", "types", "group"} & set(one.body)


def test_consent_fits_ground_and_age(bodies: list[Body]) -> None:
    for body in bodies:
        band = body.persons[0].ageBand if body.persons else None
        given = {"A00_11": "GIVEN_REPRESENTATIVE", "A12_15": "GIVEN_REPRESENTATIVE"}
        if body.legalBasis == "CONSENT":
            assert band not in (None, "UNKNOWN")
            assert body.consent == given.get(str(band), "GIVEN_SELF")
        if body.legalBasis == "JW_REPORT":
            assert band not in ("A23_29", "A30_44", "A45_PLUS")


def test_one_reporter_meets_the_same_persons_as_in_the_mix() -> None:
    mixed = [one for one in generate(PACK, 2_000, 3, SINCE, UNTIL) if one.client == "jpt-ede"]
    alone = list(generate(PACK, len(mixed), 3, SINCE, UNTIL, only="jpt-ede"))
    met = [[[p["pseudonym"] for p in one.body["persons"]] for one in many] for many in (mixed, alone)]
    assert {one.client for one in alone} == {"jpt-ede"}
    assert len(mixed) > 50
    assert met[0] == met[1]


@pytest.mark.parametrize("name", ["halt-oost-brabant", "contact-point-ede", "analyst", "nobody"])
def test_only_reporters_report(name: str) -> None:
    with pytest.raises(LookupError):
        next(generate(PACK, 1, 1, SINCE, UNTIL, only=name))


def test_days_the_wrong_way_round_are_refused() -> None:
    with pytest.raises(ValueError, match="before"):
        next(generate(PACK, 1, 1, UNTIL, SINCE))


def test_ndjson_is_one_body_a_line(signals: list[Generated]) -> None:
    lines = list(ndjson(signals[:50]))
    assert [json.loads(line) for line in lines] == [one.body for one in signals[:50]]
    assert not any(re.search(r"[\r\n]", line) for line in lines)
