"""Which types of organisation can be the target that a rule suggests. Pure.

Targets that are not here (a help line, a local team, prevention) are outside the register.
"""

from collections.abc import Mapping

TYPES_OF_TARGET: Mapping[str, frozenset[str]] = {
    "CONTACT_POINT": frozenset({"CONTACT_POINT"}),
    "VEILIG_THUIS": frozenset({"VEILIG_THUIS"}),
    "POLICE_AVIM": frozenset({"POLICE"}),
    "HALT": frozenset({"HALT"}),
    "ZVH_CASE": frozenset({"ZVH"}),
    "ZORGCOORDINATOR": frozenset({"ZORGCOORDINATOR", "COMENSHA"}),
    "NLA": frozenset({"NLA"}),
    "RIEC": frozenset({"RIEC"}),
}
