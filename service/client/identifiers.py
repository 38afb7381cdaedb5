"""Who a record is about: the values that tokens are made of, and texts or days that would give somebody away.

Called by `bodies` alone. Pure; faults repeat nothing.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from service.client.tokens import Value
from service.client.values import PREFIXES, Unfit, day_of, plain_capitals, value_of_bsn, value_of_name
from service.scheme import BSN, NAME
from service.vocabulary.lists import codes

Body = dict[str, Any]

NAME_FIELDS = ("surname", "firstName", "dateOfBirth", "sex")
IDENTIFIERS = frozenset({"bsn", *NAME_FIELDS})
DAYS = frozenset({"observedFrom", "observedUntil"})


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with a record: where, and what, in a code and in words."""

    pointer: str
    code: str
    told: str

    @property
    def as_told(self) -> dict[str, str]:
        """As the register tells a fault."""
        return {"pointer": self.pointer, "code": self.code, "detail": self.told}


def values_of(person: Body, pointer: str, today: date) -> tuple[list[Value], list[Fault]]:
    """The normalised values by which a person of a record is known, that of the BSN first; and what is wrong."""
    values: list[Value] = []
    faults: list[Fault] = []
    given = {name: person[name] for name in IDENTIFIERS & person.keys() if person[name] != ""}
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


def age_band(person: Body, record: Body, today: date) -> Body:
    """The age band on the day of observation, where only the day of birth is given."""
    if "ageBand" in person or not isinstance(person.get("dateOfBirth"), str):
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


def betraying(record: Body, persons: Sequence[Body]) -> Iterator[Fault]:
    """Faults of what gives away somebody of the record: a number or name in a text, a birthday in another column."""
    words = {
        word for person in persons for name in ("surname", "firstName") for word in _words(person.get(name))
    }
    numbers = {digits for person in persons if len(digits := _digits(person.get("bsn")).lstrip("0")) > 6}
    numbers |= {form for person in persons for form in _birthday_forms(person)}
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


def _birthday_forms(person: Body) -> set[str]:
    """The figures of a birthday, in both orders, with and without the zeros of day and month."""
    written = _born_on(person)
    if written is None:
        return set()
    year, month, day = written.split("-")
    return {
        form
        for one in (month, month.lstrip("0"))
        for other in (day, day.lstrip("0"))
        for form in (year + one + other, other + one + year)
    }


def _born_on(person: Body) -> str | None:
    try:
        return day_of(str(person.get("dateOfBirth")), today=date.max).isoformat()
    except Unfit:
        return None
