"""At the end: whether the database holds exactly what was acknowledged, no more and no less."""

from collections.abc import Callable
from typing import Any

from tests.bench.typical import TABLES, Typical

# Tables of which each signal has one row.
ONE_EACH = ("submission", "signal", "decision", "referral")


def check_books(
    fetch: Callable[[str], list[dict[str, Any]]], typical: Typical, posted: int, anchored: int
) -> list[str]:
    """Count everything; the lines for the results. Raises AssertionError with the counts that do not add up."""
    held = {table.name: _count(fetch, f'SELECT count(*) AS n FROM "{table.name}"') for table in TABLES}
    held["audit_entry"] = _count(fetch, "SELECT count(*) AS n FROM audit_entry WHERE act = 'signal.register'")
    expected = dict.fromkeys((*ONE_EACH, "audit_entry"), posted + anchored)
    expected["event"] = 2 * (posted + anchored)
    for name, each in (("signal_person", typical.persons), ("sealed_person", typical.sealed)):
        posted_rows = _count(
            fetch,
            f"SELECT count(*) AS n FROM {name} JOIN signal ON signal.id = {name}.signal_id "
            "JOIN submission ON submission.signal_id = signal.id WHERE submission.client_id IN "
            "(SELECT id FROM client)",
        )
        expected[name] = posted_rows + each * anchored
    own = "SELECT count(*) AS n FROM {} WHERE client_id IN (SELECT id FROM client)"
    told = {name: _count(fetch, own.format(name)) for name in ("submission", "signal")}
    wrong = {name: (expected[name], held[name]) for name in expected if expected[name] != held[name]}
    wrong |= {f"{name} posted": (posted, count) for name, count in told.items() if count != posted}
    assert not wrong, f"expected and held: {wrong}"
    return [
        f"{posted:,} answers with 201 and {anchored:,} transactions of the anchor (sample and warm-up included): "
        "each has its submission, signal, decision, referral, audit entry and two events; "
        f"{posted:,} signals and submissions carry the posting client."
    ]


def _count(fetch: Callable[[str], list[dict[str, Any]]], query: str) -> int:
    return int(fetch(query)[0]["n"])
