"""What each role of a client may do, as scopes. A client gets a subset, a token again a subset of that."""

from collections.abc import Mapping
from typing import Literal

Role = Literal["reporter", "coordinator", "recipient", "analyst", "administrator", "auditor"]

ROLE_SCOPES: Mapping[str, frozenset[str]] = {
    "reporter": frozenset({"signals:write", "signals:read", "events:read"}),
    # A contact point enters what was phoned in, on behalf of the organisation that phoned.
    "coordinator": frozenset(
        {"referrals:read", "referrals:work", "signals:write", "signals:read", "events:read", "rules:read"}
    ),
    "recipient": frozenset({"referrals:read", "referrals:work", "events:read"}),
    "analyst": frozenset({"statistics:read"}),
    "administrator": frozenset(
        {
            "statistics:read",
            "statistics:compile",
            "organisations:read",
            "organisations:write",
            "clients:read",
            "clients:write",
            "agreements:read",
            "agreements:write",
            "rules:read",
            "rules:write",
            "referrals:place",
        }
    ),
    "auditor": frozenset(
        {"statistics:read", "organisations:read", "clients:read", "agreements:read", "rules:read"}
    ),
}
# The key service's own role: not one of the register, which gives none of its scopes away.
PARTNER = "partner"
PARTNER_SCOPES = frozenset({"evaluations:write"})
SCOPES_OF: Mapping[str, frozenset[str]] = {**ROLE_SCOPES, PARTNER: PARTNER_SCOPES}

ALL_SCOPES = tuple(sorted(frozenset().union(*ROLE_SCOPES.values())))


def narrowed(granted: frozenset[str], asked: str | None) -> frozenset[str] | None:
    """The scopes of a token: what was asked (space-separated; not asked: all) if all of it is granted.

    None when nothing was named, or something that the client may not have (RFC 6749 section 3.3).
    """
    if asked is None or asked == "":
        return granted
    wanted = frozenset(asked.split())
    return wanted if wanted and wanted <= granted else None
