"""The demo pack: who takes part in Helmond, Ede and Utrecht, and what they agreed.

Decides whether the pack hangs together before anybody loads it. Called by the demo, which posts its parts to
the administration, and by the generator, which keeps to its agreements. Never creates anything itself.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.resources import files
from itertools import chain

from service.synthesis.models import Pack

WORKING = ("reporter", "coordinator", "recipient")


@cache
def load_pack() -> Pack:
    """The pack of this room; a ValueError names every fault."""
    pack = Pack.model_validate_json(files("service.synthesis").joinpath("data", "pack.json").read_bytes())
    if found := faults(pack):
        raise ValueError("; ".join(found))
    return pack


def faults(pack: Pack) -> list[str]:
    """What does not fit together, in words; empty for a pack that does."""
    return sorted(chain(_names(pack), _references(pack), _rules(pack), _places(pack)))


def _names(pack: Pack) -> Iterator[str]:
    parties = (party for agreement in pack.agreements for party in agreement.parties)
    yield from _each("two organisations", _twice(one.key for one in pack.organisations))
    yield from _each("two clients", _twice(one.name for one in pack.clients))
    yield from _each("a party twice", _twice(parties))


def _references(pack: Pack) -> Iterator[str]:
    keys = {one.key for one in pack.organisations}
    parties = {party for agreement in pack.agreements for party in agreement.parties}
    points = {one.organisation for one in pack.contact_points}
    clients = {one.organisation for one in pack.clients}
    working = {one.organisation for one in pack.clients if one.role in WORKING}
    yield from _each("no organisation", (parties | points | clients) - keys)
    yield from _each("party to no agreement", (points | working) - parties)


def _rules(pack: Pack) -> Iterator[str]:
    types = {one.key: one.type for one in pack.organisations}
    for agreement in pack.agreements:
        present = {types[party] for party in agreement.parties if party in types}
        ruled = set(agreement.sending)
        yield from _each(f"{agreement.title}: no sending rules", present - ruled)
        yield from _each(f"{agreement.title}: sending rules for no party", ruled - present)
        yield from _each(
            f"{agreement.title}: shares with no party", {s.to for s in agreement.sharing} - present
        )


def _places(pack: Pack) -> Iterator[str]:
    """A client works within its agreement, and every place has a contact point that is a party."""
    for agreement in pack.agreements:
        points = (one for one in pack.contact_points if one.organisation in agreement.parties)
        clients = (one for one in pack.clients if one.organisation in agreement.parties)
        covered = {code for point in points for code in point.municipalities}
        places = set(agreement.municipalities)
        yield from _each(f"{agreement.title}: no contact point", places - covered)
        yield from _each(
            f"{agreement.title}: works outside",
            (one.name for one in clients if not places.issuperset(one.municipalities)),
        )


def _each(fault: str, names: Iterable[str]) -> list[str]:
    return [f"{fault}: {name}" for name in names]


def _twice(names: Iterable[str]) -> list[str]:
    return [name for name, times in Counter(names).items() if times > 1]
