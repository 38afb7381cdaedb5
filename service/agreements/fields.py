"""The fields of a signal, by their names on the wire, that an agreement opens or does not.

`OptionalField`: to be sent; `SharedField`: to be shared on.
"""

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
SharedField = OptionalField | Literal["primaryType", "observedFrom", "municipalities", "persons"]
