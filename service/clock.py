"""The one clock.

Keeps what time it is. `now` is the real time and serves tokens, leases and the trail; `receipt_moment` is the
time put on a signal and may be moved by a file in the demo, so that a past period can be filled through the
same intake. Decision modules never call this room: they are given moments and days.
"""

from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

LOCAL = ZoneInfo("Europe/Amsterdam")

_receipt_file: Path | None = None


def now() -> datetime:
    """The present moment, UTC."""
    return datetime.now(UTC)


def follow(file: Path | None) -> None:
    """Let receipts follow the moment in `file` (None: the real clock). Called once, by `app.create_app`."""
    global _receipt_file
    _receipt_file = file


def receipt_moment() -> datetime:
    """The moment at which a signal counts as received, UTC; the real time where the file is gone."""
    if _receipt_file is None:
        return now()
    try:
        moment = _receipt_file.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        return now()
    return datetime.fromisoformat(moment).astimezone(UTC)


def local_day(moment: datetime) -> date:
    """The Dutch calendar day of a moment: terms and periods are days in the Netherlands."""
    return moment.astimezone(LOCAL).date()
