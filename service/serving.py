"""Serving with uvicorn: one process, no access log of its own (ours has no paths), no `server` header."""

import gc

import uvicorn

from service.app import create_app
from service.settings import Settings


def serve_forever(settings: Settings, host: str, port: int) -> None:
    """Serve until a signal ends it; what was acknowledged is durable, what waits is committed first."""
    app = create_app(settings)
    # What start-up made stays for good: without this the collector walks it again and again under load.
    gc.collect()
    gc.freeze()
    uvicorn.run(
        app,
        host=host,
        port=port,
        access_log=False,
        server_header=False,
        forwarded_allow_ips=settings.trusted_proxies,
        log_level="warning",
        timeout_graceful_shutdown=10,
    )
