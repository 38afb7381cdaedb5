"""Charts of the report: horizontal bars as inline SVG, drawn by pygal, of which only the shapes are kept.

Called by `tables`. Short labels stand beside their bars, long Dutch words above them and on as many lines as they
need, so that they are read whole on a phone; a number stands at the end of its bar, so that nothing depends on colour.
Never holds a script, a style, a link, an id or a number that is not written: pygal's own output has all of these (and
the day it was made), hence picking.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import wrap
from xml.etree import ElementTree

from service.report.models import Bar

WIDTH, FONT, LINE = 360, 15, 21
BESIDE, ACROSS = 14, 46  # so many letters fit beside a bar, and across the chart
LETTER, FOR_NUMBERS = 8.5, 76
SIDES = ("x", "y", "width", "height")


@dataclass(frozen=True, slots=True)
class _Labels:
    """Where labels go: into a column of some width, or on some lines above each bar."""

    column: int
    lines: int


def bar_chart(bars: Sequence[Bar], name: str) -> str | None:
    """Bars under an accessible name, in this order; None where no number is shown, for then there is nothing to see."""
    if not any(bar.value for bar in bars):
        return None
    longest = max(len(bar.label) for bar in bars)
    beside = _Labels(round(longest * LETTER) + 8, 0)
    labels = beside if longest <= BESIDE else _Labels(0, max(len(_lines(bar)) for bar in bars))
    return _picked(_drawn(bars, labels), bars, labels, name)


def _drawn(bars: Sequence[Bar], labels: _Labels) -> ElementTree.Element:
    """pygal's drawing. Above each bar it leaves as many empty ones as there are lines of a label."""
    # Imported here: it costs a tenth of a second of every start, also of those that never draw.
    import pygal

    chart = pygal.HorizontalBar(
        width=WIDTH,
        height=len(bars) * (LINE * (labels.lines + 1) + 5),
        range=(0, max(bar.value or 0 for bar in bars)),
        margin=0,
        margin_left=labels.column,
        margin_right=FOR_NUMBERS,
        show_legend=False,
        show_x_labels=False,
        show_y_labels=False,
        no_prefix=True,
        js=(),
    )
    for _ in range(labels.lines):
        chart.add("", [None] * len(bars))
    chart.add("", [bar.value or 0 for bar in reversed(bars)])
    root: ElementTree.Element = chart.render_tree()
    return root


def _picked(drawing: ElementTree.Element, bars: Sequence[Bar], labels: _Labels, name: str) -> str:
    """A drawing of our own: pygal's bars, with their labels, and what is written at their ends."""
    size = drawing.attrib["viewBox"]
    picked = ElementTree.Element(
        "svg", {"class": "chart", "viewBox": size, "role": "img", "aria-label": name}
    )
    shapes = [shape for shape in drawing.iter() if shape.get("class", "").startswith("rect ")]
    for bar, shape in zip(bars, reversed(shapes), strict=True):
        y, width, height = (float(shape.get(side, 0)) for side in SIDES[1:])
        _add_bar(picked, bar, labels, (labels.column, y, width, height))  # without pygal's margin
    return ElementTree.tostring(picked, encoding="unicode")


def _add_bar(
    picked: ElementTree.Element, bar: Bar, labels: _Labels, place: tuple[float, float, float, float]
) -> None:
    x, y, width, height = place
    middle = y + height / 2 + FONT / 3
    if bar.value:
        shape = {side: _short(at) for side, at in zip(SIDES, place, strict=True)}
        ElementTree.SubElement(picked, "rect", shape)
        _write(picked, bar.text, x + width + 8, middle, "number")
    else:
        _write(picked, bar.text, x, middle, "hidden")
    if labels.column:
        _write(picked, bar.label, 0, middle, "label")
    for above, line in enumerate(reversed(_lines(bar)) if labels.lines else ()):
        _write(picked, line, x, y - 5 - above * (LINE - 2), "label")


def _write(parent: ElementTree.Element, text: str, x: float, y: float, kind: str) -> None:
    place = {"class": kind, "x": _short(x), "y": _short(y)}
    ElementTree.SubElement(parent, "text", place).text = text


def _lines(bar: Bar) -> list[str]:
    return wrap(bar.label, ACROSS)


def _short(number: float) -> str:
    return f"{number:.1f}"
