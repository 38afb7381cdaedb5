"""Whether what is in force can still reach those whom it sends signals to, and whom it suggests.

A set is looked at when it is activated, and what it needs cannot be ended. But a contact point's last day comes, and
an agreement is succeeded by one without a party: a job looks every hour, and fails, so that health and metrics show
it, for as long as something is amiss.
"""

import structlog

from service import clock
from service.database import Database
from service.routing.queries import contents_at
from service.routing.reach import unreached
from service.routing.surroundings import surroundings_on

log = structlog.get_logger()


class RulesInTrouble(Exception):
    """A rule set that is in force sends signals to, or suggests, what is not there."""


async def watch_rules(database: Database) -> None:
    """Look at every rule set that holds now; raises `RulesInTrouble` after logging what is amiss."""
    now = clock.receipt_moment()
    day = clock.local_day(now)
    async with database.reading() as session:
        contents = await contents_at(session, now)
        around = await surroundings_on(session, day)
    found = [
        (version, finding)
        for version, content in contents
        for finding in unreached(content, around)
        if finding.is_error
    ]
    for version, finding in found:
        log.warning("rules.in_trouble", rule_set=version, finding=finding.kind, told=finding.told.en)
    if found:
        raise RulesInTrouble
