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
    "partnerReference",
]
# A partner's own reference stays between the partner and its contact point.
SharedField = Literal[
    "primaryType",
    "types",
    "observedFrom",
    "observedUntil",
    "municipalities",
    "settings",
    "indicators",
    "urgency",
    "flag",
    "flagCriteria",
    "group",
    "persons",
    "alsoKnownAs",
    "municipality",
    "victimStatus",
    "source",
    "handlingCodes",
    "legalBasis",
    "consent",
]
