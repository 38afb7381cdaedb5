"""What each role of a client may do, as scopes. A client gets a subset, a token again a subset of that."""

from collections.abc import Mapping

ROLE_SCOPES: Mapping[str, frozenset[str]] = {
    "reporter": frozenset({"signals:write", "signals:read"}),
    "coordinator": frozenset({"referrals:read", "referrals:work"}),
    "recipient": frozenset({"referrals:read", "referrals:work"}),
    "analyst": frozenset({"statistics:read"}),
    "administrator": frozenset({"statistics:read", "statistics:compile"}),
    "auditor": frozenset({"statistics:read"}),
}


def narrowed(granted: frozenset[str], asked: str | None) -> frozenset[str] | None:
    """The scopes of a token: what was asked (space-separated; nothing: all) if all of it is granted.

    None when something was asked that the client may not have (RFC 6749 section 3.3).
    """
    if not asked:
        return granted
    wanted = frozenset(asked.split())
    return wanted if wanted <= granted else None
