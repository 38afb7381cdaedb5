"""The body of a synthetic signal, as posted to `POST /v1/signals`.

Decides the details of a report: days, places, indicators, urgency, flag, grounds; and leaves out what the
sender's agreement does not open. Called by `generate`. A note is one of a few fixed sentences, a partner
reference a made-up case number: nothing in them is about anybody.
"""

from datetime import date, timedelta
from random import Random
from typing import Any

from service.synthesis import coherence as fits
from service.synthesis.calibration import SEVERAL_FORMS
from service.synthesis.persons import Person
from service.synthesis.regions import Report, Sender
from service.vocabulary.lists import codes

Body = dict[str, Any]

FLAG_CRITERIA = codes("flag_criterion")
WITH_A_NOTE = 0.25
WITH_A_REFERENCE = 0.6
NOTES = (
    "Zegt zelf dat er niets aan de hand is; wil er niet over praten.",
    "De klas praat erover, vrienden maken zich zorgen.",
    "Ouders zijn op de hoogte en werken mee.",
    "Sinds een week ander gedrag: stil, moe, telefoon altijd in de hand.",
    "Wordt na school opgewacht, steeds door anderen.",
    "Graag eerst bellen voordat er contact met het gezin is.",
)
LONGEST_AGO = 180
USUALLY_AGO = 21


def body_of(report: Report, on: date, random: Random) -> Body:
    """The body for a report made on a day; nothing in it was observed after that day."""
    group = fits.form_group(report.type)
    settings = sorted({fits.SETTINGS[group].draw(random) for _ in range(random.choice((1, 1, 2)))})
    body: Body = {
        "primaryType": report.type,
        "types": _types(report, group, random),
        **_days(on, random),
        "municipalities": {"incident": _incident(report.sender, settings, random)},
        "settings": settings,
        "indicators": _indicators(report, random),
        "urgency": fits.URGENCY.draw(random),
        **_flag(group, random),
        "persons": [_person(role, person, report.sender, random) for role, person in report.persons],
        "group": _street_group(report, group, random),
        **_grounds(report, random),
        **_police(random),
        **_in_own_words(report, on, random),
    }
    return _open(body, report.sender)


def _open(full: Body, sender: Sender) -> Body:
    """What the agreement opens, without the fields that have no value."""
    return {name: value for name, value in full.items() if value is not None and name in sender.fields}


def _types(report: Report, group: str, random: Random) -> list[str]:
    companions = [one for one in fits.COMPANIONS[group] if one in report.sender.types]
    further = companions and random.random() < SEVERAL_FORMS
    return [report.type, random.choice(companions)] if further else [report.type]


def _days(on: date, random: Random) -> Body:
    ago = min(LONGEST_AGO, int(random.expovariate(1 / USUALLY_AGO)))
    first = on - timedelta(days=ago)
    last = first + timedelta(days=random.randint(0, ago))
    return {
        "observedFrom": first.isoformat(),
        "observedUntil": last.isoformat() if random.random() < 0.4 else None,
    }


def _incident(sender: Sender, settings: list[str], random: Random) -> str:
    nowhere = "ONLINE" in settings and random.random() < 0.3
    return "UNKNOWN" if nowhere else sender.places.draw(random)


def _indicators(report: Report, random: Random) -> list[Body] | None:
    fewest = 0 if "settings" in report.sender.fields else 1
    seen = dict.fromkeys(random.sample(fits.indicators_of(report.type), random.randint(fewest, 4)))
    if report.type in fits.TELLING and random.random() < 0.7:
        seen[fits.TELLING[report.type]] = None
    return [{"code": one, "observation": fits.OBSERVATIONS.draw(random)} for one in sorted(seen)] or None


def _flag(group: str, random: Random) -> Body:
    flag = fits.FLAGS.get(group, fits.NO_SEXUAL_BEHAVIOUR).draw(random)
    criteria = flag != "NA" and random.random() < 0.4
    return {
        "flag": flag if criteria or random.random() < 0.8 else None,
        "flagCriteria": random.sample(FLAG_CRITERIA, random.randint(1, 3)) if criteria else None,
    }


def _person(role: str, person: Person, sender: Sender, random: Random) -> Body:
    both = person.pseudonym != "UNKNOWN" and random.random() < fits.ALSO_BY_NAME
    status = fits.VICTIM_STATUS.get(role)
    body = {
        "pseudonym": person.pseudonym,
        "alsoKnownAs": [person.by_name] if both else None,
        "role": role,
        "ageBand": person.age_band,
        "gender": person.gender,
        "municipality": person.residence if random.random() < 0.9 else None,
        "victimStatus": status.draw(random) if status and random.random() < 0.5 else None,
    }
    return _open(body, sender)


def _street_group(report: Report, group: str, random: Random) -> Body | None:
    if report.persons or group == "ONLINE_IMAGE" or random.random() > fits.STREET_GROUP:
        return None
    return {"size": random.randint(3, 12), "setting": fits.GROUP_SETTINGS.draw(random)}


def _grounds(report: Report, random: Random) -> Body:
    band = report.persons[0][1].age_band if report.persons else None
    basis = report.sender.legal_bases[band].draw(random)
    given = "GIVEN_REPRESENTATIVE" if band in fits.BY_REPRESENTATIVE else "GIVEN_SELF"
    return {
        "legalBasis": basis,
        "consent": given if basis == "CONSENT" else fits.CONSENT_OTHERWISE.draw(random),
    }


def _in_own_words(report: Report, on: date, random: Random) -> Body:
    case = f"{report.sender.type}-{on.year}-{random.randint(1, 9999):04d}"
    return {
        "note": random.choice(NOTES) if random.random() < WITH_A_NOTE else None,
        "partnerReference": case if random.random() < WITH_A_REFERENCE else None,
    }


def _police(random: Random) -> Body:
    source = {"reliability": fits.RELIABILITY.draw(random), "information": fits.INFORMATION.draw(random)}
    return {"source": source, "handlingCodes": list(fits.HANDLING.draw(random))}
