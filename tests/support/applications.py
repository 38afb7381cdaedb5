"""Applications, made by the hundred in one process: what must be forgotten of those that have ended.

FastAPI remembers for good the functions that it was given, and with them whole applications: they pile up
in a worker, and the collector walks through them again and again. Called by whatever runs applications in
process.
"""

from fastapi.dependencies import models


def forget_applications() -> None:
    """Let FastAPI forget the functions of applications that have ended."""
    for known in vars(models).values():
        if hasattr(known, "cache_clear"):
            known.cache_clear()
