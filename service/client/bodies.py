"""From a partner's record to the body that is posted: identifiers become tokens, and nothing else goes out.

A record is the body of a signal whose persons carry `bsn`, or `surname`, `firstName`, `dateOfBirth` and `sex`, or
both, instead of tokens. Only fields that the register knows leave, and only in their form: a column in the wrong
place must not send a number or a name. Pure. Faults have a pointer and a code, and repeat nothing.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any

from service.client.identifiers import DAYS, IDENTIFIERS, Body, Fault, age_band, betraying, values_of
from service.client.tokens import Value
from service.scheme import TOKEN_FORM
from service.screening.guard import screen
from service.screening.reference import REFERENCE_FORM
from service.vocabulary.lists import OBSERVATIONS, code_lists
from service.vocabulary.municipalities import municipalities

FIELDS = frozenset(
    {"primaryType", "types", "observedFrom", "observedUntil", "municipalities", "settings", "indicators"}
    | {"urgency", "flag", "flagCriteria", "group", "source", "handlingCodes", "legalBasis", "consent"}
    | {"persons", "note", "partnerReference", "reportedBy"}
)
PERSON_FIELDS = frozenset(
    {"pseudonym", "alsoKnownAs", "role", "ageBand", "gender", "municipality", "victimStatus"}
)
PARTS = {
    "municipalities": frozenset({"incident"}),
    "group": frozenset({"size", "setting"}),
    "source": frozenset({"reliability", "information"}),
    "indicators": frozenset({"code", "observation"}),
}
UNKNOWN = "UNKNOWN"

_TOKEN = re.compile(rf"({UNKNOWN}|{TOKEN_FORM})\Z")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z")
_REFERENCE = re.compile(rf"{REFERENCE_FORM}\Z")


class UnfitRecord(Exception):
    """A record that cannot be posted; `faults` has everything that was found."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__(f"{len(faults)} faults")
        self.faults = tuple(faults)


@dataclass(frozen=True, slots=True)
class Prepared:
    """A record that can be posted once its values have tokens: for each person, the values it is known by."""

    body: Body
    values: tuple[tuple[Value, ...], ...]

    @property
    def all_values(self) -> list[Value]:
        """The values of all persons."""
        return [value for values in self.values for value in values]

    def with_tokens(self, tokens: Mapping[Value, str]) -> Body:
        """The body to be posted."""
        persons = [
            {**person, **_known_by([tokens[value] for value in values])} if values else person
            for person, values in zip(self.body.get("persons", ()), self.values, strict=True)
        ]
        return {**self.body, **({"persons": persons} if persons else {})}


def prepare(record: Any, *, today: date) -> Prepared:
    """What can be posted of a record; raises `UnfitRecord`."""
    if not isinstance(record, dict):
        raise UnfitRecord([Fault("", "wrong-type", "A signal is a JSON object.")])
    record = _filled_in(record)
    persons = record.get("persons", [])
    if not isinstance(persons, list) or not all(isinstance(person, dict) for person in persons):
        raise UnfitRecord([Fault("/persons", "wrong-type", "Persons are a list of objects.")])
    persons = [_filled_in(person) for person in persons]
    faults = list(_faults_of_body(record, today))
    values: list[tuple[Value, ...]] = []
    told: list[Body] = []
    for place, person in enumerate(persons):
        pointer = f"/persons/{place}"
        faults += _faults_of_person(person, pointer)
        known, wrong = values_of(person, pointer, today)
        faults += wrong
        values.append(tuple(known))
        open_part = {name: value for name, value in person.items() if name not in IDENTIFIERS}
        told.append(open_part | age_band(person, record, today))
    faults += betraying(record, persons)
    if faults:
        raise UnfitRecord(faults)
    return Prepared({**record, **({"persons": told} if told else {})}, tuple(values))


def _filled_in(given: Body) -> Body:
    """Without nulls: many systems write one for every field that is not filled in."""
    return {name: value for name, value in given.items() if value is not None}


def _known_by(tokens: Sequence[str]) -> Body:
    """The first is the pseudonym: that of the BSN where there is one."""
    first, *others = tokens
    return {"pseudonym": first, **({"alsoKnownAs": others} if others else {})}


def _faults_of_body(record: Body, today: date) -> Iterator[Fault]:
    yield from _unknown(record, FIELDS, "")
    for name, value in record.items():
        if name in ("persons", "note", "partnerReference", "reportedBy") or name not in FIELDS:
            continue
        yield from _unplain(value, f"/{name}", PARTS.get(name, frozenset()))
    note, reference, reporter = (record.get(name) for name in ("note", "partnerReference", "reportedBy"))
    if note is not None:
        kinds = screen(note, today) if isinstance(note, str) else ["no-text"]
        for kind in kinds:
            yield Fault("/note", f"note.{kind}", "The note may identify somebody: say it in other words.")
    if reference is not None and not (isinstance(reference, str) and _REFERENCE.match(reference)):
        told = "3–40 of letters, figures and -./, with a letter and no eight figures in a row."
        yield Fault("/partnerReference", "wrong-form", told)
    if reporter is not None and not (isinstance(reporter, str) and _UUID.match(reporter)):
        yield Fault("/reportedBy", "wrong-form", "The id of an organisation.")


def _faults_of_person(person: Body, pointer: str) -> Iterator[Fault]:
    yield from _unknown(person, PERSON_FIELDS | IDENTIFIERS, pointer)
    for name, value in person.items():
        if name in PERSON_FIELDS - {"pseudonym", "alsoKnownAs"}:
            yield from _unplain(value, f"{pointer}/{name}", frozenset())
    others = person.get("alsoKnownAs", [])
    listed = others if isinstance(others, list) else [others]
    for name, tokens in (("pseudonym", [person.get("pseudonym", UNKNOWN)]), ("alsoKnownAs", listed)):
        if not all(isinstance(token, str) and _TOKEN.match(token) for token in tokens):
            yield Fault(f"{pointer}/{name}", "wrong-form", "A token, as the key service makes it.")
        if name in person and IDENTIFIERS & person.keys():
            yield Fault(f"{pointer}/{name}", "not-both", "Either a token, or that of which one is made.")
    if "pseudonym" not in person and not IDENTIFIERS & person.keys():
        told = "A BSN, or a name with date of birth and sex, or UNKNOWN as pseudonym."
        yield Fault(pointer, "required", told)


def _unknown(given: Body, known: frozenset[str], pointer: str) -> Iterator[Fault]:
    if given.keys() - known:
        yield Fault(pointer or "/", "unknown-field", "There is a field that the register does not know.")


def _unplain(value: Any, pointer: str, parts: frozenset[str]) -> Iterator[Fault]:
    """Faults of what is neither a code nor a day nor a small number, however deep: only those leave."""
    if isinstance(value, dict):
        yield from _unknown(value, parts, pointer)
        for name, one in value.items():
            if name in parts:
                yield from _unplain(one, f"{pointer}/{name}", frozenset())
    elif isinstance(value, list):
        for place, one in enumerate(value):
            yield from _unplain(one, f"{pointer}/{place}", parts)
    elif isinstance(value, str):
        if pointer[1:] in DAYS:
            if not _DAY.match(value):
                yield Fault(pointer, "wrong-form", "A day is written as YYYY-MM-DD.")
        elif value not in _all_codes():
            yield Fault(pointer, "unknown-code", "Not a code that this client knows; see /v1/code-lists.")
    elif value is not None and not (pointer == "/group/size" and type(value) is int and 0 <= value <= 999):
        yield Fault(pointer, "wrong-type", "Not the type that the register takes here.")


@cache
def _all_codes() -> frozenset[str]:
    """Every code of every list: whatever else stands in a field may be a number or a name of a person."""
    listed = (code for entries in code_lists().values() for code in entries)
    return frozenset({UNKNOWN, *OBSERVATIONS, *listed, *municipalities()})
