"""The same server without its trail of reads: what recording them costs is measured against it."""

from typing import Any

from service.__main__ import main
from service.trail import Trail


async def _record_nothing(trail: Trail, rows: Any) -> None:
    """In the place of `Trail.record` and `record_all`."""


if __name__ == "__main__":
    Trail.record = _record_nothing  # type: ignore[method-assign]
    Trail.record_all = _record_nothing  # type: ignore[method-assign]
    main()
