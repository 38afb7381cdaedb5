"""The table of attacks: who won how often, against the register and against naive variants, and how good numbers are.

Made of what tests noted. Called at the end of a run; never decides whether a test passes.
"""

import json
from collections.abc import Iterable, Sequence

from tests.attacks.quality import REFERENCE

WIDTH = 46


def table(notes: Iterable[tuple[str, object]]) -> Sequence[str]:
    """The lines of the table; none where nothing was noted."""
    found = [(name, json.loads(str(value))) for name, value in notes if name in ("attack", "quality")]
    attacks = [value for name, value in found if name == "attack"]
    qualities = [value for name, value in found if name == "quality"]
    lines = (
        [f"{'attack':{WIDTH}} {'signals':>7} {'database':10} {'register':>12} naive variants"]
        if attacks
        else []
    )
    for attack, size, engine in dict.fromkeys((one["attack"], one["size"], one["engine"]) for one in attacks):
        its = [
            one for one in attacks if (one["attack"], one["size"], one["engine"]) == (attack, size, engine)
        ]
        ours = ", ".join(_won(one) for one in its if one["against"] == "register")
        naive = ", ".join(f"{_won(one)} ({one['against']})" for one in its if one["against"] != "register")
        lines.append(f"{attack:{WIDTH}} {size:>7,} {engine:10} {ours:>12} {naive}")
    if qualities:
        lines.append(f"quality ({REFERENCE})")
    lines += [
        f"  {one['size']:>6,} {one['engine']:10} {one['period']} {one['population']:9} cells {one['cells']} %,"
        f" persons {one['persons']} %, mean error {one['mean_error']}, largest {one['largest_error']}"
        for one in qualities
    ]
    return lines


def _won(one: dict[str, object]) -> str:
    return f"{one['won']} of {one['tried']}"
