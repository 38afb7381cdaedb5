"""Writes RESULTS.md: measured figures only, each with its anchor and its command."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from tests.bench.windows import Pairs, Spread, Window

FILE = Path(__file__).with_name("RESULTS.md")


@dataclass(frozen=True)
class Row:
    """One measured figure against its target."""

    measure: str
    figure: str
    must: str
    aim: str


@dataclass(frozen=True)
class Section:
    """One measure: what was done, by which commands, with what outcome."""

    title: str
    commands: Sequence[str]
    rows: Sequence[Row]
    pairs: Pairs
    notes: Sequence[str]


def written(number: Spread, unit: str = "", digits: int = 2) -> str:
    """The median with its range."""
    low, middle, high = (f"{one:.{digits}f}" for one in (number.lowest, number.middle, number.highest))
    return f"**{middle}**{unit} ({low}–{high})"


def write_results(machine: Sequence[str], sections: Sequence[Section], quick: bool) -> None:
    lines = [
        "# Results",
        "",
        f"Written by `make bench{' QUICK=1' if quick else ''}` on {date.today().isoformat()}. Medians of windows, "
        "ranges in brackets; a ratio is taken between neighbouring windows of one run. Rates say nothing without "
        "the anchor beside them: the speed of a machine drifts.",
        "",
        *(f"- {line}" for line in machine),
    ]
    for section in sections:
        lines += ["", *_written(section)]
    FILE.write_text("\n".join(lines) + "\n")


def replace_section(machine: Sequence[str], section: Section, command: str) -> None:
    """Put one section, measured by itself, in the place of what stands there under its title, or at the end."""
    alone = f"Measured by itself: `{command}`, {date.today().isoformat()}; {'; '.join(machine)}."
    told = "\n".join(_written(replace(section, notes=[*section.notes, alone])))
    parts = FILE.read_text().removesuffix("\n").split("\n\n## ")
    kept = [part for part in parts if not part.startswith(f"{section.title}\n")]
    FILE.write_text("\n\n## ".join([*kept, told.removeprefix("## ")]) + "\n")


def _written(section: Section) -> list[str]:
    lines = [f"## {section.title}", "", *_table(section.rows), "", *_windows(section.pairs), ""]
    lines += [f"- {note}" for note in section.notes]
    return [*lines, "", "```", *section.commands, "```"]


def _table(rows: Sequence[Row]) -> list[str]:
    head = ["| measure | figure | must | aim |", "|---|---|---|---|"]
    return head + [f"| {row.measure} | {row.figure} | {row.must} | {row.aim} |" for row in rows]


def _windows(pairs: Pairs) -> list[str]:
    if not pairs.measured:
        return []
    head = [
        "| window | ours/s | anchor/s | ratio | CPU application + database, each | CPU per anchor | p50, p99 |",
        "|---|---|---|---|---|---|---|",
    ]
    return head + [
        f"| {number} | {ours.rate:.0f} | {anchor.rate:.0f} | {ours.rate / anchor.rate:.2f} "
        f"| {ours.application_ms:.2f} + {ours.database_ms:.2f} ms | {anchor.cpu_ms:.2f} ms "
        f"| {_latency(ours)} |"
        for number, (ours, anchor) in enumerate(pairs.measured, 1)
    ]


def _latency(window: Window) -> str:
    if window.median_ms is None or window.p99_ms is None:
        return "–"
    return f"{window.median_ms:.0f}, {window.p99_ms:.0f} ms"
