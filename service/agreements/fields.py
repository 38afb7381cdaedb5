"""The fields of a signal, by their names on the wire, that an agreement opens or does not.

`OptionalField`: to be sent; `SharedField`: to be shared on. A partner's own reference stays between the partner
and its contact point.
"""

from typing import Literal

_Either = Literal[
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
OptionalField = Literal[_Either, "partnerReference"]
SharedField = Literal[_Either, "primaryType", "observedFrom", "municipalities", "persons"]
