"""What goes with what: the details that make a synthetic signal believable.

Keeps which indicators, settings, roles and further types fit a type. Published figures say nothing about
these, so all of them are choices, made for a demo that a professional recognises. Called by the generator.
Never says how often a type occurs.
"""

from functools import cache

from service.synthesis.figures import Mix
from service.vocabulary.lists import code_lists, group_of

# Indicator clusters by form group.
CLUSTERS = {
    "SEXUAL": ("CONTACTS", "MONEY_GOODS_PHONE", "SEXUAL_ONLINE", "BEHAVIOUR", "SCHOOL", "VULNERABILITY"),
    "CRIMINAL": ("CRIMINAL", "MONEY_GOODS_PHONE", "CONTACTS", "SCHOOL", "BEHAVIOUR", "VULNERABILITY"),
    "LABOUR": ("LABOUR", "VULNERABILITY"),
    "ONLINE_IMAGE": ("SEXUAL_ONLINE", "PHYSICAL_MENTAL", "SCHOOL"),
    "TRANSGRESSIVE": ("SEXUAL_ONLINE", "PHYSICAL_MENTAL", "BEHAVIOUR"),
    "OTHER": ("BEHAVIOUR", "CONTACTS", "PHYSICAL_MENTAL", "VULNERABILITY"),
}
# The indicator without which a reporter would hardly think of this type.
TELLING = {
    "LOVERBOY": "C02",
    "JUVENILE_PROSTITUTION": "X03",
    "CRIMINAL_EXPLOITATION": "K03",
    "LABOUR_EXPLOITATION": "L03",
    "SHAME_SEXTING": "X01",
    "SEXTORTION": "X02",
    "SEXUAL_VIOLENCE": "X05",
    "SEXUALLY_TRANSGRESSIVE": "X06",
    "RECRUITMENT": "C01",
}
SETTINGS = {
    "SEXUAL": Mix(
        {"ONLINE": 30, "HOTEL": 18, "STREET": 14, "SCHOOL": 12, "CARE_FACILITY": 8}
        | {"HOME_PROSTITUTION": 8, "NIGHTLIFE": 6, "ESCORT": 4}
    ),
    "CRIMINAL": Mix({"STREET": 50, "SCHOOL": 22, "ONLINE": 20, "CARE_FACILITY": 5, "ASYLUM": 3}),
    "LABOUR": Mix({"WORKPLACE": 60, "WORKER_HOUSING": 30, "MASSAGE": 6, "HOME": 4}),
    "ONLINE_IMAGE": Mix({"ONLINE": 75, "SCHOOL": 25}),
    "TRANSGRESSIVE": Mix({"SCHOOL": 28, "HOME": 24, "STREET": 18, "NIGHTLIFE": 14, "SPORT": 10, "ONLINE": 6}),
    "OTHER": Mix({"STREET": 35, "ONLINE": 25, "SCHOOL": 20, "HOME": 10, "UNKNOWN": 10}),
}
GROUP_SETTINGS = Mix({"STREET": 70, "SCHOOL": 20, "NIGHTLIFE": 10})
# Further types that are seen together with a form group; none of them is of that group itself.
COMPANIONS = {
    "SEXUAL": ("SHAME_SEXTING", "SEXTORTION", "CRIMINAL_EXPLOITATION"),
    "CRIMINAL": ("RECRUITMENT", "SEXUAL_EXPLOITATION", "LABOUR_EXPLOITATION"),
    "LABOUR": ("CRIMINAL_EXPLOITATION", "SEXUAL_EXPLOITATION"),
    "ONLINE_IMAGE": ("SEXUALLY_TRANSGRESSIVE", "LOVERBOY"),
    "TRANSGRESSIVE": ("ONLINE_SEXUAL_ABUSE", "SHAME_SEXTING"),
    "OTHER": ("CRIMINAL_EXPLOITATION", "SEXUALLY_TRANSGRESSIVE"),
}

# Shame-sexting and transgressive behaviour are often reported about the young person who did it.
FIRST_ROLES = {
    "SHAME_SEXTING": Mix({"VICTIM": 50, "SUSPECT": 50}),
    "SEXUALLY_TRANSGRESSIVE": Mix({"VICTIM": 60, "SUSPECT": 30, "AT_RISK": 10}),
}
ANY_FIRST_ROLE = Mix({"VICTIM": 62, "AT_RISK": 26, "SUSPECT": 7, "RECRUITER": 2, "UNKNOWN": 3})
FURTHER_ROLES = Mix({"SUSPECT": 50, "RECRUITER": 16, "VICTIM": 14, "FACILITATOR": 8, "BYSTANDER": 12})
# Criminal exploitation: found as an offender, seen as a victim; both roles in one signal.
ALSO_SUSPECT = 0.15
PERSONS = Mix({0: 0.08, 1: 0.66, 2: 0.20, 3: 0.06})
STREET_GROUP = 0.5
# No number known: a first name on the street is commoner for those who exploit.
NAMELESS = {"VICTIMS": 0.06, "OFFENDERS": 0.45, None: 0.80}
AGE_UNSEEN = 0.3
ALSO_BY_NAME = 0.3

FLAGS = {
    "SEXUAL": Mix({"YELLOW": 10, "RED": 60, "BLACK": 30}),
    "ONLINE_IMAGE": Mix({"YELLOW": 25, "RED": 60, "BLACK": 15}),
    "TRANSGRESSIVE": Mix({"YELLOW": 45, "RED": 45, "BLACK": 10}),
}
NO_SEXUAL_BEHAVIOUR = Mix({"NA": 1})
URGENCY = Mix({"ACUTE": 4, "STRUCTURAL": 20, "CONCERN": 62, "INFO": 14})
OBSERVATIONS = Mix({"OBSERVED": 80, "UNKNOWN": 12, "NOT_OBSERVED": 8})
VICTIM_STATUS = {"VICTIM": Mix({"POSSIBLE": 75, "ACTUAL": 25}), "AT_RISK": Mix({"POSSIBLE": 70, "NOT": 30})}
RELIABILITY = Mix({"A": 20, "B": 45, "C": 5, "X": 30})
INFORMATION = Mix({"1": 15, "2": 30, "3": 25, "4": 30})
HANDLING = Mix({("H0",): 82, ("H0", "H1"): 12, ("H2",): 6})
# Youth work and police never draw from the same ones: their agreement opens either the first or the second.
LEGAL_BASES = Mix(
    {"JW_REPORT": 60, "CONSENT": 25, "VITAL_OR_LEGIT": 15, "WGS": 40, "WMO_VT": 60}
    | {"WPG_20": 70, "WPG_16": 10, "WPG_18": 12, "WPG_19": 8}
)
CONSENT_OTHERWISE = Mix({"NOT_REQUIRED": 85, "NOT_ASKED_SAFETY": 11, "REFUSED": 4})
BY_REPRESENTATIVE = ("A00_11", "A12_15")


def form_group(type_: str) -> str:
    """The form group that a type is counted under."""
    return group_of("signal_type", type_) or "OTHER"


@cache
def indicators_of(type_: str) -> tuple[str, ...]:
    """The indicators of the clusters that fit a type."""
    clusters = CLUSTERS[form_group(type_)]
    return tuple(code for code, entry in code_lists()["indicator"].items() if entry.group in clusters)


def first_roles(type_: str) -> Mix[str]:
    """The roles of the person that a signal of this type is about."""
    return FIRST_ROLES.get(type_, ANY_FIRST_ROLE)


def legal_bases(age_band: str | None) -> list[str]:
    """The grounds that fit this age: nobody consents for a person of whom not even the age is known."""
    unfit = ("CONSENT",) if age_band in (None, "UNKNOWN") else ()
    return [basis for basis in LEGAL_BASES.shares if basis not in unfit]
