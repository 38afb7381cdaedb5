"""Bodies that the demo agreements accept, to be changed by tests."""

import base64
import hashlib
from typing import Any

CONTACT_POINT = {
    "level": "LOCAL",
    "municipalities": ["GM0794"],
    "function": "Aandachtsfunctionaris",
    "deputyFunction": "Plaatsvervanger",
    "phone": "0492-000009",
    "hours": "ma-vr 09:00-17:00",
    "validFrom": "2026-01-01",
}


def token(name: str, kind: str = "b") -> str:
    """A token of the right form; the same name gives the same token."""
    digest = hashlib.sha256(f"{kind}{name}".encode()).digest()
    return f"e1.{kind}.{base64.urlsafe_b64encode(digest).decode().rstrip('=')}"


def person(name: str = "one", **changes: Any) -> dict[str, Any]:
    """A girl of 12–15 as victim, living in Helmond."""
    return {
        "pseudonym": token(name),
        "role": "VICTIM",
        "ageBand": "A12_15",
        "gender": "F",
        "municipality": "GM0794",
    } | changes


def signal(**changes: Any) -> dict[str, Any]:
    """A signal of a JPT about a loverboy in Helmond."""
    return {
        "primaryType": "LOVERBOY",
        "types": ["LOVERBOY", "SHAME_SEXTING"],
        "observedFrom": "2026-11-01",
        "observedUntil": "2026-11-14",
        "municipalities": {"incident": "GM0794"},
        "settings": ["SCHOOL", "ONLINE"],
        "urgency": "CONCERN",
        "flag": "RED",
        "indicators": [
            {"code": "C02", "observation": "OBSERVED"},
            {"code": "G01", "observation": "UNKNOWN"},
        ],
        "persons": [person()],
        "legalBasis": "JW_REPORT",
        "consent": "NOT_REQUIRED",
    } | changes
