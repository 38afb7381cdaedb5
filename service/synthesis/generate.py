"""Synthetic signals, as the demo's reporters would post them.

Decides when, and puts the regions together; `regions` decides who reports whom, `bodies` the details. Called
by the command line (`generate`), the demo and the benchmarks. The same seed gives the same signals, and the
same persons at all reporters of a region, so that posting two reporters' files gives matches. Never posts
anything.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import islice
from random import Random

from service.synthesis.bodies import Body, body_of
from service.synthesis.figures import Mix
from service.synthesis.models import Pack
from service.synthesis.regions import Region, Report, regions


@dataclass(frozen=True, slots=True)
class Generated:
    """A body for `POST /v1/signals`, the name of the pack's client that posts it, and the day."""

    client: str
    on: date
    body: Body


def generate(
    pack: Pack, count: int, seed: int, since: date, until: date, only: str | None = None
) -> Iterator[Generated]:
    """`count` signals, spread evenly over the days since..until (both included), in the order of the days.

    `only` names one reporter of the pack; LookupError for a client that is none.
    """
    days = (until - since).days + 1
    if days < 1:
        raise ValueError(f"{until} is before {since}")
    details = Random(f"details {seed} {only}")  # noqa: S311  (reproducible, nothing secret)
    for number, report in enumerate(islice(_reports(pack, seed, only), count)):
        on = since + timedelta(days=number * days // count)
        yield Generated(report.sender.name, on, body_of(report, on, details))


def ndjson(generated: Iterable[Generated]) -> Iterator[str]:
    """The bodies, one JSON object a line (without line ends)."""
    for one in generated:
        yield json.dumps(one.body, separators=(",", ":"))


def _reports(pack: Pack, seed: int, only: str | None) -> Iterator[Report]:
    found = regions(pack, seed)
    if only is None:
        return _mixed(found, Random(f"regions {seed}"))  # noqa: S311
    region = next((one for one in found if only in one.senders), None)
    if region is None:
        raise LookupError(f"no reporter {only}")
    return (report for report in region.reports() if report.sender.name == only)


def _mixed(found: list[Region], random: Random) -> Iterator[Report]:
    streams = [region.reports() for region in found]
    by_inhabitants = Mix({number: region.inhabitants for number, region in enumerate(found)})
    while True:
        yield next(streams[by_inhabitants.draw(random)])
