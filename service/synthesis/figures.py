"""The published figures of `data/*.csv`, each row with its source, and shares to draw by.

Keeps the files as they were copied: a figure is looked up, never typed. Called by `calibration` and by
whoever draws by a share. Never decides what a figure stands for.
"""

import csv
from bisect import bisect
from collections.abc import Collection, Hashable, Mapping
from functools import cache
from importlib.resources import files
from itertools import accumulate
from random import Random
from typing import Generic, TypeVar

T = TypeVar("T", bound=Hashable)


class Mix(Generic[T]):
    """Values with shares that add up to one, drawn by a single random number."""

    def __init__(self, weights: Mapping[T, float]) -> None:
        total = sum(weights.values())
        self.shares = {value: weight / total for value, weight in weights.items() if weight > 0}
        self._values = tuple(self.shares)
        self._limits = tuple(accumulate(self.shares.values()))

    def draw(self, random: Random) -> T:
        return self._values[bisect(self._limits, random.random(), hi=len(self._values) - 1)]

    def only(self, allowed: Collection[T]) -> "Mix[T]":
        """The same proportions among the allowed values; ValueError if none is left."""
        left = {value: share for value, share in self.shares.items() if value in allowed}
        if not left:
            raise ValueError(f"none of {list(self.shares)} is allowed")
        return Mix(left)


@cache
def figures(file: str) -> tuple[dict[str, str], ...]:
    """The rows of a file, by column name."""
    text = files("service.synthesis").joinpath("data", f"{file}.csv").read_text(encoding="utf-8")
    return tuple(csv.DictReader(text.splitlines()))


def figure(file: str, column: str = "value", **where: str) -> float:
    """The one published figure whose row reads as asked; LookupError unless there is exactly one."""
    found = [row[column] for row in figures(file) if all(row[name] == value for name, value in where.items())]
    if len(found) != 1:
        raise LookupError(f"{len(found)} rows of {file} with {where}")
    return float(found[0])
