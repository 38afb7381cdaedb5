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

from service.client.tokens import BSN, NAME, Value
from service.client.values import PREFIXES, Unfit, day_of, plain_capitals, value_of_bsn, value_of_name
from service.screening.guard import screen
from service.vocabulary.lists import code_lists, codes
from service.vocabulary.municipalities import municipalities

Body = dict[str, Any]

FIELDS = frozenset(
    {"primaryType", "types", "observedFrom", "observedUntil", "municipalities", "settings", "indicators"}
    | {"urgency", "flag", "flagCriteria", "group", "source", "handlingCodes", "legalBasis", "consent"}
    | {"persons", "note", "partnerReference", "reportedBy"}
)
PERSON_FIELDS = frozenset(
    {"pseudonym", "alsoKnownAs", "role", "ageBand", "gender", "municipality", "victimStatus"}
)
NAME_FIELDS = ("surname", "firstName", "dateOfBirth", "sex")
IDENTIFIERS = frozenset({"bsn", *NAME_FIELDS})
PARTS = {
    "municipalities": frozenset({"incident"}),
    "group": frozenset({"size", "setting"}),
    "source": frozenset({"reliability", "information"}),
    "indicators": frozenset({"code", "observation"}),
}
UNKNOWN = "UNKNOWN"
OBSERVATIONS = ("OBSERVED", "NOT_OBSERVED")

_TOKEN = re.compile(r"(UNKNOWN|e[1-9][0-9]{0,3}\.[bn]\.[A-Za-z0-9_-]{43})\Z")
DAYS = frozenset({"observedFrom", "observedUntil"})
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z")
_REFERENCE = re.compile(r"(?=.*[A-Za-z])(?!.*[0-9]{8})[A-Za-z0-9./-]{3,40}\Z")


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with a record: where, and what, in a code and in words."""

    pointer: str
    code: str
    told: str


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
    persons = record.get("persons", [])
    if not isinstance(persons, list) or not all(isinstance(person, dict) for person in persons):
        raise UnfitRecord([Fault("/persons", "wrong-type", "Persons are a list of objects.")])
    faults = list(_faults_of_body(record, today))
    values: list[tuple[Value, ...]] = []
    told: list[Body] = []
    for place, person in enumerate(persons):
        pointer = f"/persons/{place}"
        faults += _faults_of_person(person, pointer)
        known, wrong = _values_of(person, pointer, today)
        faults += wrong
        values.append(tuple(known))
        open_part = {name: value for name, value in person.items() if name not in IDENTIFIERS}
        told.append(open_part | _age_band(person, record, today))
    faults += _betraying(record, persons)
    if faults:
        raise UnfitRecord(faults)
    return Prepared({**record, **({"persons": told} if told else {})}, tuple(values))


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


def _betraying(record: Body, persons: Sequence[Body]) -> Iterator[Fault]:
    """Faults of what gives away somebody of the record: a number or name in a text, a birthday in another column."""
    words = {
        word for person in persons for name in ("surname", "firstName") for word in _words(person.get(name))
    }
    numbers = {digits for person in persons if len(digits := _digits(person.get("bsn"))) > 7}
    for name in ("note", "partnerReference"):
        text = record.get(name)
        if _holds(text, words) or any(number in _digits(text) for number in numbers):
            yield Fault(
                f"/{name}", "names-a-person", "This holds a name or number of a person in the record."
            )
    born_on = [day for person in persons if (day := _born_on(person)) is not None]
    for name in sorted(DAYS & record.keys()):
        if any(str(record[name]) <= day for day in born_on):
            yield Fault(
                f"/{name}", "before-birth", "Nobody is observed before the day after birth: wrong column?"
            )


def _words(text: Any) -> set[str]:
    """The words of a name by which somebody can be recognised: no prefixes, and not the shortest."""
    found = re.findall(r"[A-Z]{3,}", plain_capitals(text)) if isinstance(text, str) else []
    return set(found) - PREFIXES


def _holds(text: Any, words: set[str]) -> bool:
    """Whether a text has one of these words, or in one without spaces, as a reference, one of the longer ones."""
    if not isinstance(text, str):
        return False
    plain = plain_capitals(text)
    if " " not in text.strip() and any(len(word) > 3 and word in plain for word in words):
        return True
    return bool(words & _words(text))


def _digits(text: Any) -> str:
    return re.sub(r"\D", "", text) if isinstance(text, str) else ""


def _born_on(person: Body) -> str | None:
    try:
        return day_of(str(person.get("dateOfBirth")), today=date.max).isoformat()
    except Unfit:
        return None


def _faults_of_person(person: Body, pointer: str) -> Iterator[Fault]:
    yield from _unknown(person, PERSON_FIELDS | IDENTIFIERS, pointer)
    for name, value in person.items():
        if name in PERSON_FIELDS - {"pseudonym", "alsoKnownAs"}:
            yield from _unplain(value, f"{pointer}/{name}", frozenset())
    others = person.get("alsoKnownAs", [])
    listed = [*(others if isinstance(others, list) else [others])]
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


def _values_of(person: Body, pointer: str, today: date) -> tuple[list[Value], list[Fault]]:
    values: list[Value] = []
    faults: list[Fault] = []
    given = {name: person[name] for name in IDENTIFIERS & person.keys() if person[name] not in (None, "")}
    if not all(isinstance(value, str) for value in given.values()):
        return [], [Fault(pointer, "wrong-type", "Numbers, names and days of a person are texts.")]
    if "bsn" in given:
        try:
            values.append((BSN, value_of_bsn(given["bsn"])))
        except Unfit as unfit:
            faults.append(Fault(f"{pointer}/bsn", unfit.code, unfit.told))
    name = [given.get(one) for one in NAME_FIELDS]
    # Part of a name beside a BSN is no fault: many systems know a birthday and no more.
    if all(name) or ("bsn" not in given and any(name)):
        missing = [one for one in NAME_FIELDS if one not in given]
        faults += [Fault(f"{pointer}/{one}", "required", "A name is made of all four.") for one in missing]
        if not missing:
            try:
                values.append((NAME, value_of_name(*(given[one] for one in NAME_FIELDS), today=today)))
            except Unfit as unfit:
                faults.append(Fault(f"{pointer}/{unfit.part}", unfit.code, unfit.told))
    if not given and IDENTIFIERS & person.keys() and "pseudonym" not in person:
        faults.append(Fault(pointer, "required", "Nothing is filled in by which a token could be made."))
    return values, faults


def _age_band(person: Body, record: Body, today: date) -> Body:
    """The age band on the day of observation, where only the day of birth is given."""
    if person.get("ageBand") is not None or not isinstance(person.get("dateOfBirth"), str):
        return {}
    try:
        born_on = day_of(person["dateOfBirth"], today=today)
        seen_on = date.fromisoformat(record["observedFrom"])
    except (Unfit, KeyError, TypeError, ValueError):
        return {}
    age = seen_on.year - born_on.year - ((seen_on.month, seen_on.day) < (born_on.month, born_on.day))
    return {"ageBand": band} if (band := _band_of(age)) else {}


def _band_of(age: int) -> str | None:
    for code in codes("age_band"):
        bounds = re.fullmatch(r"A(\d\d)_(\d\d|PLUS)", code)
        if bounds and int(bounds[1]) <= age <= (999 if bounds[2] == "PLUS" else int(bounds[2])):
            return code
    return None
