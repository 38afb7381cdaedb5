"""The technical log: JSON lines of an allow-list of fields, apart from the audit trail.

Never a body, a token, a pseudonym, a query string or a validated value; ids of signals at most.
"""

import logging
import sys
from typing import Any

import orjson
import structlog


def _as_json(event: Any, **_: Any) -> str:
    return orjson.dumps(event).decode()


def configure_logs(level: str) -> None:
    """Write our events as JSON to stderr from `level` on, and keep other libraries to warnings."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(serializer=_as_json),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, force=True)
