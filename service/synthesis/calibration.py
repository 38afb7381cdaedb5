"""How often: the shares that synthetic signals are drawn by.

Keeps the weights that follow from the published figures; where no figure exists, a constant says so. Called
by the generator. Never decides about one signal: it only says how many of a thousand.
"""

from collections.abc import Collection, Iterator
from functools import cache
from typing import NamedTuple

from service.synthesis.figures import Mix, figure
from service.vocabulary.lists import group_of


def _victims(year: str, category: str = "all", measure: str = "victims_total") -> float:
    return figure("comensha_counts", year=year, measure=measure, category=category)


def _form(year: str, category: str) -> float:
    return _victims(year, category, "minors_by_form" if "-" in year else "victims_by_form")


def _related(system: str, measure: str, year: str) -> float:
    return figure("related_counts", system=system, measure=measure, year=year)


def _police(column: str, year: str) -> float:
    return figure("comensha_reporters", column, year=year, reporter_type="police")


def _reports_per_victim(year: str) -> float:
    return _police("value", year) / (_police("share_percent", year) / 100) / _victims(year)


# Who reports. CoMensha does not tell youth work, schools and welfare apart: the split among them is a guess.
POLICE_SHARE = _police("share_percent", "2024") / 100
YOUTH_SIDE = {"JPT": 0.50, "SCHOOL": 0.35, "LEV": 0.15}
OTHER_REPORTER = 0.10

# Who is reported again. Veilig Thuis publishes its own share for the concerns that it hears of.
CONCERNS = ("JUVENILE_PROSTITUTION", "SEXUALLY_TRANSGRESSIVE", "SEXUAL_VIOLENCE")
REPORTS_PER_VICTIM = (_reports_per_victim("2023") + _reports_per_victim("2024")) / 2
RE_REPORTED = 1 - 1 / REPORTS_PER_VICTIM
_RE_REPORTS = "share of reports that are re-reports (hermelding)"
CONCERN_RE_REPORTED = _related("Veilig Thuis", _RE_REPORTS, "2022H1") / 100
# 432 of the 8,234 victims on the lists of 2010-2015 are on two or three of them (Silverman 2019, table 2).
# Typed here because the published table comes under a licence that this project does not ship.
KNOWN_TO_TWO_TYPES = 432 / 8234

# What is reported. How a register for the young divides over these three kinds is published nowhere.
KINDS = {
    "POLICE": {"EXPLOITATION": 0.65, "ONLINE_IMAGE": 0.20, "TRANSGRESSIVE": 0.15},
    "SCHOOL": {"EXPLOITATION": 0.30, "ONLINE_IMAGE": 0.40, "TRANSGRESSIVE": 0.30},
}
ANY_KIND = {"EXPLOITATION": 0.50, "ONLINE_IMAGE": 0.25, "TRANSGRESSIVE": 0.25}
# The young by the minors of five years, since one year is too few; adults by the last year with every form.
FORMS_OF_YOUNG = {
    form: _form("2019-2023", form.lower()) for form in ("SEXUAL", "LABOUR", "CRIMINAL", "UNKNOWN")
}
FORMS_OF_ADULTS = {
    "SEXUAL": _form("2020", "sexual"),
    "LABOUR": _form("2020", "labour_incl_criminal") - _form("2020", "criminal"),
    "CRIMINAL": _form("2020", "criminal"),
    "UNKNOWN": _form("2020", "unknown"),
}
# More than one form for one victim: the forms of 2020 add up to more than its victims.
SEVERAL_FORMS = (sum(FORMS_OF_ADULTS.values()) - _victims("2020")) / _victims("2020")
# Helpwanted says that sextortion doubled in 2023, so half of it falls in the year with a total.
_SEXTORTION = (
    _related("Helpwanted/Offlimits", "sextortion advice requests", "2023")
    / 2
    / _related("Helpwanted/Offlimits", "advice requests", "2022")
)


def _met(measure: str) -> dict[str, float]:
    return {
        who: _related("Seed 002", f"{who} 18-24 {measure} in past year", "2022") for who in ("women", "men")
    }


_TRANSGRESSED = _met("who met sexually transgressive behaviour")
_VIOLATED = _met("physical sexual violence")
_VIOLENCE = sum(_VIOLATED.values()) / sum(_TRANSGRESSED.values())
# Within a form no count tells the types apart, but for the two ratios above.
TYPES = {
    "SEXUAL": {"SEXUAL_EXPLOITATION": 0.35, "LOVERBOY": 0.40, "JUVENILE_PROSTITUTION": 0.25},
    "LABOUR": {"LABOUR_EXPLOITATION": 0.80, "FORCED_SERVICE": 0.12, "FORCED_BEGGING": 0.08},
    "CRIMINAL": {"CRIMINAL_EXPLOITATION": 0.75, "RECRUITMENT": 0.25},
    "UNKNOWN": {"UNKNOWN": 0.90, "OTHER": 0.09, "ORGAN_REMOVAL": 0.01},
    "ONLINE_IMAGE": {
        "SEXTORTION": _SEXTORTION,
        "SHAME_SEXTING": (1 - _SEXTORTION) * 0.6,
        "ONLINE_SEXUAL_ABUSE": (1 - _SEXTORTION) * 0.4,
    },
    "TRANSGRESSIVE": {"SEXUAL_VIOLENCE": _VIOLENCE, "SEXUALLY_TRANSGRESSIVE": 1 - _VIOLENCE},
}

# How old. Police meet victims of every age; youth work those of the chat of Fier and CKM, of whom two thirds
# were minors (source text of `related_counts.csv`); a secondary school has few pupils over 18.
_MINOR = _victims("2023", "under_18", "victims_minors") / _victims("2023")
_YOUNG = _victims("2023", "18_22", "victims_age") / _victims("2023")
AGES_AT_POLICE = {"MINOR": _MINOR, "YOUNG": _YOUNG, "ADULT": 1 - _MINOR - _YOUNG}
AGES_AT_SCHOOL = {"MINOR": 0.95, "YOUNG": 0.05}
AGES_AT_YOUTH_WORK = {"MINOR": 2 / 3, "YOUNG": 1 / 3}
AGES_AMONG_PEERS = {"MINOR": 0.85, "YOUNG": 0.15}
AGES_OF_OFFENDERS = Mix({"MINOR": 0.25, "YOUNG": 0.35, "ADULT": 0.40})
# Shares within an age group: published only as extremes, so a plausible fall to both sides.
AGE_BANDS = {
    "MINOR": Mix({"A00_11": 0.03, "A12_15": 0.42, "A16_17": 0.55}),
    "YOUNG": Mix({"A18_22": 1.0}),
    "ADULT": Mix({"A23_29": 0.45, "A30_44": 0.40, "A45_PLUS": 0.15}),
}

# Women among the victims: known for all forms together, and nearly all in the sexual one (no share found);
# the others follow. Financial sextortion hits mostly boys, other images girls; offenders are mostly male.
_FEMALE_SEXUAL = 0.93
_FEMALE_OTHERWISE = (
    _victims("2020", "female", "victims_by_gender") - _FEMALE_SEXUAL * _form("2020", "sexual")
) / (_victims("2020") - _form("2020", "sexual"))
_FEMALE = {
    **dict.fromkeys(TYPES["SEXUAL"], _FEMALE_SEXUAL),
    **dict.fromkeys(TYPES["ONLINE_IMAGE"], 0.75),
    "SEXTORTION": 0.30,
    "SEXUALLY_TRANSGRESSIVE": _TRANSGRESSED["women"] / sum(_TRANSGRESSED.values()),
    "SEXUAL_VIOLENCE": _VIOLATED["women"] / sum(_VIOLATED.values()),
}
FEMALE_OFFENDERS = 0.20
UNKNOWN_GENDER = _victims("2017", "unknown", "gender_share") / 100
OTHER_GENDERS = {"TF": 0.004, "TM": 0.003, "X": 0.003}


class Topic(NamedTuple):
    """What a signal is about: its primary type, and the age group of the first person."""

    type: str
    age: str


def reporter_shares(types: Collection[str]) -> dict[str, float]:
    """The share of each of these reporter types: police as published, the others divide the rest."""
    weights = {one: YOUTH_SIDE.get(one, OTHER_REPORTER) for one in types if one != "POLICE"}
    rest = {one: (1 - POLICE_SHARE) * weight / sum(weights.values()) for one, weight in weights.items()}
    return rest | ({"POLICE": POLICE_SHARE} if "POLICE" in types else {})


@cache
def topics(reporter: str) -> Mix[Topic]:
    """What a reporter type reports about, all steps from kind to type multiplied out."""
    weights: dict[Topic, float] = {}
    for kind, kind_share in KINDS.get(reporter, ANY_KIND).items():
        for age, age_share in _ages(reporter, kind).items():
            for type_, type_share in _types(kind, age):
                topic = Topic(type_, age)
                weights[topic] = weights.get(topic, 0) + kind_share * age_share * type_share
    return Mix(weights)


def _ages(reporter: str, kind: str) -> dict[str, float]:
    if reporter == "SCHOOL":
        return AGES_AT_SCHOOL
    if kind != "EXPLOITATION":
        return AGES_AMONG_PEERS
    return AGES_AT_POLICE if reporter == "POLICE" else AGES_AT_YOUTH_WORK


def _types(kind: str, age: str) -> Iterator[tuple[str, float]]:
    exploitation = FORMS_OF_ADULTS if age == "ADULT" else FORMS_OF_YOUNG
    forms = exploitation if kind == "EXPLOITATION" else {kind: 1.0}
    for form, share in Mix(forms).shares.items():
        yield from ((type_, share * of_form) for type_, of_form in TYPES[form].items())


def re_reported(type_: str) -> float:
    """The share of persons in signals of this type who were reported before."""
    return CONCERN_RE_REPORTED if type_ in CONCERNS else RE_REPORTED


@cache
def genders(type_: str, role: str) -> Mix[str]:
    """The genders of persons in this role in signals of this type."""
    offender = group_of("person_role", role) == "OFFENDERS"
    female = FEMALE_OFFENDERS if offender else _FEMALE.get(type_, _FEMALE_OTHERWISE)
    rest = 1 - UNKNOWN_GENDER - sum(OTHER_GENDERS.values())
    return Mix({"F": rest * female, "M": rest * (1 - female), "UNKNOWN": UNKNOWN_GENDER, **OTHER_GENDERS})
