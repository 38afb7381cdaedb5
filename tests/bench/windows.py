"""Windows of measurement: ours and the anchor's in turn, and what they say together.

A machine's speed drifts by factors, so a ratio is taken between neighbours; the first pair warms up and is
thrown away.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True)
class Window:
    """What was done in some seconds, and the CPU seconds of the application and of the database for it."""

    done: int
    seconds: float
    application_cpu: float
    database_cpu: float
    median_ms: float | None = None
    p99_ms: float | None = None

    @property
    def rate(self) -> float:
        return self.done / self.seconds

    @property
    def application_ms(self) -> float:
        """CPU per request in the application."""
        return self.application_cpu * 1000 / self.done

    @property
    def database_ms(self) -> float:
        return self.database_cpu * 1000 / self.done

    @property
    def cpu_ms(self) -> float:
        return self.application_ms + self.database_ms


@dataclass(frozen=True, slots=True)
class Spread:
    """The middle, the lowest and the highest of some numbers."""

    middle: float
    lowest: float
    highest: float


def spread(numbers: Sequence[float]) -> Spread:
    return Spread(median(numbers), min(numbers), max(numbers))


@dataclass(frozen=True)
class Pairs:
    """The windows of one measure, ours and the anchor's by turns; `warm_up` pairs count for the books only."""

    ours: Sequence[Window]
    anchors: Sequence[Window]
    warm_up: int = 1

    @property
    def measured(self) -> Sequence[tuple[Window, Window]]:
        return list(zip(self.ours, self.anchors, strict=True))[self.warm_up :]

    def rate_ratio(self) -> Spread:
        return spread([ours.rate / anchor.rate for ours, anchor in self.measured])

    def cpu_ratio(self) -> Spread:
        return spread([ours.cpu_ms / anchor.cpu_ms for ours, anchor in self.measured])

    def of_ours(self, figure: Callable[[Window], float]) -> Spread:
        return spread([figure(ours) for ours, _ in self.measured])

    def of_anchors(self, figure: Callable[[Window], float]) -> Spread:
        return spread([figure(anchor) for _, anchor in self.measured])

    def total(self) -> tuple[int, int]:
        """How much was done in all windows, the warm-up included: what the database must hold."""
        return sum(window.done for window in self.ours), sum(window.done for window in self.anchors)


def interleaved(
    ours: Callable[[], Window], anchor: Callable[[], Window], settle: Callable[[], None], windows: int
) -> Pairs:
    """A warm-up pair and so many pairs after it; `settle` tidies up before each window, outside the measure."""
    our_windows, anchor_windows = [], []
    for number in range(windows + 1):
        settle()
        our_windows.append(ours())
        settle()
        anchor_windows.append(anchor())
        a, b = our_windows[-1], anchor_windows[-1]
        print(
            f"  {number or 'warm-up'}: ratio of rates {a.rate / b.rate:.2f} ({a.rate:.0f}/s : {b.rate:.0f}/s), "
            f"CPU {a.cpu_ms:.2f} ms : {b.cpu_ms:.2f} ms",
            flush=True,
        )
    return Pairs(our_windows, anchor_windows)
