"""The doors of those who keep the register running: how its jobs go, and figures for a monitoring system.

No figure counts persons or signals, and none is by organisation.
"""

import secrets

from fastapi import APIRouter, Request, Response
from prometheus_client import CollectorRegistry, Gauge, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from service import clock, errors
from service.errors import NotFound, Problem, Unauthenticated
from service.jobs import troubled
from service.leases import JobState, job_states

METRICS = CONTENT_TYPE_LATEST.partition(";")[0]


class JobsInTrouble(Problem):
    status, slug, title = 503, "jobs-in-trouble", "A job does not go as it should"
    explanation = "Some work waits: see the technical log of the process that runs the jobs."


def operations() -> APIRouter:
    """The doors, to stand beside `/v1`."""
    router = APIRouter(tags=["operations"], redirect_slashes=False)
    router.add_api_route("/health/jobs", get_job_health, operation_id="get_job_health")
    router.add_api_route(
        "/metrics",
        get_metrics,
        operation_id="get_metrics",
        response_class=Response,
        responses={200: {"content": {METRICS: {"schema": {"type": "string"}}}}},
    )
    return router


async def get_job_health(request: Request) -> dict[str, str]:
    """Every job did its work lately, in whatever process it runs; else the problem names those that did not."""
    found = troubled(await _states(request), clock.now(), request.app.state.every_job)
    if found:
        told = ", ".join(f"{name} is {trouble}" for name, trouble in sorted(found.items()))
        raise JobsInTrouble(f"{JobsInTrouble.explanation} {told}.")
    return {"status": "working"}


async def get_metrics(request: Request) -> Response:
    """Figures in the text format of Prometheus; with the token of `SIGNAL_METRICS_TOKEN`, and only where one is set."""
    token = request.app.state.settings.metrics_token
    if token is None:
        raise NotFound
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not secrets.compare_digest(given.encode(), token.encode()):
        raise Unauthenticated(
            "Send the token of SIGNAL_METRICS_TOKEN.", headers={"WWW-Authenticate": "Bearer"}
        )
    return Response(generate_latest(_registry(await _states(request))), media_type=CONTENT_TYPE_LATEST)


async def _states(request: Request) -> list[JobState]:
    try:
        async with request.app.state.database.reading() as session:
            return list(await job_states(session))
    except Exception:
        raise errors.Unavailable from None


def _registry(states: list[JobState]) -> CollectorRegistry:
    registry = CollectorRegistry()
    done = Gauge(
        "signal_job_done_timestamp_seconds", "When a job last did all it had to.", ["job"], registry=registry
    )
    failures = Gauge("signal_job_failures", "How often a job failed since then.", ["job"], registry=registry)
    for state in states:
        failures.labels(state.name).set(state.failures)
        if state.done_at is not None:
            done.labels(state.name).set(state.done_at.timestamp())
    return registry
