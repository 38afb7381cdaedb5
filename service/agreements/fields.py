"""The optional fields of a signal, by their names on the wire: an agreement opens each of them, or does not."""

from typing import Literal

OptionalField = Literal[
    "types",
    "settings",
    "indicators",
    "urgency",
    "flag",
    "flagCriteria",
    "observedUntil",
    "group",
    "alsoKnownAs",
    "municipality",
    "victimStatus",
    "source",
    "handlingCodes",
    "legalBasis",
    "consent",
]
