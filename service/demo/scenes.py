"""What happens in Helmond today, after the two council letters: the bodies that partners post in the demo.

A youth worker suspects a loverboy, a school reports pictures that were passed on, the police met a boy who
carried drugs for others. All invented: the numbers are those that Dutch test systems use (9999…), the names are
nobody's. A record has them as a partner's own system would; the body that is posted has tokens instead.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

GIRL = {"surname": "van der Voorbeeld", "firstName": "Fien", "dateOfBirth": "2012-05-17", "sex": "F"}
# What each partner knows: youth work and school a name, the police a number as well.
WHO: dict[str, dict[str, str]] = {
    "girl": GIRL,
    "pupil": {"surname": "Fictief", "firstName": "Bo", "dateOfBirth": "2013-01-09", "sex": "F"},
    "sender": {"surname": "de Verzonnen", "firstName": "Ties", "dateOfBirth": "2012-11-30", "sex": "M"},
    "courier": {
        "bsn": "999990032",
        "surname": "Bedacht",
        "firstName": "Sil",
        "dateOfBirth": "2009-08-21",
        "sex": "M",
    },
}
# The same girl, as the police have her.
GIRL_AT_THE_POLICE = {**GIRL, "bsn": "999990019", "surname": "Voorbeeld", "firstName": "F."}


@dataclass(frozen=True)
class Scene:
    """What a demo client posts, with the sentence that tells what happened; `record` still says who it is."""

    client: str
    told: str
    record: dict[str, Any]


def scenes(today: date) -> list[Scene]:
    """The posts of today, in order."""
    return [
        Scene(
            "jpt-helmond",
            "The youth prevention team follows a street group. A girl of 12–15 has new, much older friends, "
            "two phones and is collected at school. It is a suspicion, no more.",
            {
                "primaryType": "LOVERBOY",
                "observedFrom": _ago(today, 21),
                "observedUntil": _ago(today, 2),
                "municipalities": {"incident": "GM0794"},
                "settings": ["STREET", "SCHOOL"],
                "urgency": "CONCERN",
                "indicators": [
                    _seen("C02"),
                    _seen("G02"),
                    _seen("S05"),
                    {"code": "P01", "observation": "UNKNOWN"},
                ],
                "persons": [_person("girl", "VICTIM", "A12_15", "F", "GM0794")],
                "legalBasis": "JW_REPORT",
            },
        ),
        Scene(
            "school-helmond",
            "A school hears that a picture of a pupil was passed on by a boy of 12–15. Nobody was threatened.",
            {
                "primaryType": "SHAME_SEXTING",
                "observedFrom": _ago(today, 6),
                "municipalities": {"incident": "GM0794"},
                "settings": ["ONLINE", "SCHOOL"],
                "urgency": "CONCERN",
                "flag": "YELLOW",
                "indicators": [_seen("X01")],
                "persons": [
                    _person("pupil", "VICTIM", "A12_15", "F", "GM0794"),
                    _person("sender", "SUSPECT", "A12_15", "M", "GM0762"),
                ],
                "legalBasis": "JW_REPORT",
            },
        ),
        Scene(
            "police-oost-brabant",
            "The police met a boy of 16–17 with drugs that are not his. He is a suspect, and a victim as well.",
            {
                "primaryType": "CRIMINAL_EXPLOITATION",
                "observedFrom": _ago(today, 1),
                "municipalities": {"incident": "GM0794"},
                "settings": ["STREET"],
                "urgency": "STRUCTURAL",
                "indicators": [_seen("K01"), _seen("K02"), _seen("G06")],
                "persons": [
                    _person("courier", "VICTIM", "A16_17", "M", "GM0794"),
                    _person("courier", "SUSPECT", "A16_17", "M", "GM0794"),
                ],
                "legalBasis": "WPG_20",
                "source": {"reliability": "A", "information": "1"},
            },
        ),
    ]


def refused_body(today: date) -> dict[str, Any]:
    """A body with several faults at once."""
    return {
        "primaryType": "LOVERBOY",
        "observedFrom": (today + timedelta(3)).isoformat(),
        "municipalities": {"incident": "GM9999"},
        "persons": [{"pseudonym": "Sanne de Vries", "role": "VICTIM", "ageBand": "A12_15", "gender": "F"}],
    }


def _ago(today: date, days: int) -> str:
    return (today - timedelta(days)).isoformat()


def _seen(code: str) -> dict[str, str]:
    return {"code": code, "observation": "OBSERVED"}


def _person(name: str, role: str, age_band: str, gender: str, municipality: str) -> dict[str, Any]:
    return {
        **WHO[name],
        "role": role,
        "ageBand": age_band,
        "gender": gender,
        "municipality": municipality,
    }
