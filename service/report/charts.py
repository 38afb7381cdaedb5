"""Charts of the report: horizontal bars as inline SVG, drawn by pygal, of which only the shapes are kept.

Called by `sections`. The label of a bar stands above it, so that long Dutch words are read whole on a phone; its
number stands at its end, so that nothing depends on colour. Never holds a script, a style, a link, an id or a
number that is not written: pygal's own output has all of these (and the day it was made), hence picking.
"""

from collections.abc import Sequence
from textwrap import wrap
from xml.etree import ElementTree

from service.report.models import Bar

WIDTH, FONT = 360, 15
LINE, LETTERS = 21, 40
FOR_NUMBERS = 72


def bar_chart(bars: Sequence[Bar], name: str) -> str | None:
    """Bars under an accessible name, in this order; None where no number is shown, for then there is nothing to see."""
    if not any(bar.value for bar in bars):
        return None
    return _picked(_drawn(bars), bars, name)


def _drawn(bars: Sequence[Bar]) -> ElementTree.Element:
    """pygal's drawing. Above each bar it leaves as many empty ones as the longest label has lines."""
    # Imported here: it costs a tenth of a second of every start, also of those that never draw.
    import pygal

    lines = max(len(_lines(bar)) for bar in bars)
    chart = pygal.HorizontalBar(
        width=WIDTH,
        height=len(bars) * LINE * (lines + 1),
        range=(0, max(bar.value or 0 for bar in bars)),
        margin=0,
        margin_right=FOR_NUMBERS,
        show_legend=False,
        show_x_labels=False,
        show_y_labels=False,
        print_values=True,
        print_labels=True,
        print_values_position="top",
        no_prefix=True,
        js=(),
    )
    for _ in range(lines):
        chart.add("", [None] * len(bars))
    chart.add("", [{"value": bar.value or 0, "label": bar.label} for bar in reversed(bars)])
    root: ElementTree.Element = chart.render_tree()
    return root


def _picked(drawing: ElementTree.Element, bars: Sequence[Bar], name: str) -> str:
    """A drawing of our own from pygal's shapes and places: bars, their labels and what is written at their ends."""
    height = drawing.attrib["viewBox"].split()[-1]
    picked = ElementTree.Element(
        "svg", {"class": "chart", "viewBox": f"0 0 {WIDTH} {height}", "role": "img", "aria-label": name}
    )
    shapes = [node for node in drawing.iter() if node.get("class", "").startswith("rect ")]
    for bar, shape in zip(reversed(bars), shapes, strict=True):
        left, top, width, height_of_bar = (float(shape.get(side, 0)) for side in _SIDES)
        if bar.value:
            ElementTree.SubElement(picked, "rect", {side: _short(shape.get(side)) for side in _SIDES})
        middle = top + height_of_bar / 2 + FONT / 3
        end = left + width + 8 if bar.value else left
        _write(picked, bar.text, end, middle, "number" if bar.value else "hidden")
        lines = _lines(bar)
        for number, line in enumerate(lines, 1 - len(lines)):
            _write(picked, line, left, top + number * (LINE - 2) - 5, "label")
    return ElementTree.tostring(picked, encoding="unicode")


_SIDES = ("x", "y", "width", "height")


def _write(parent: ElementTree.Element, text: str, x: float, y: float, kind: str) -> None:
    place = {"class": kind, "x": _short(x), "y": _short(y)}
    ElementTree.SubElement(parent, "text", place).text = text


def _lines(bar: Bar) -> list[str]:
    return wrap(bar.label, LETTERS) or [""]


def _short(number: float | str | None) -> str:
    return f"{float(number or 0):.1f}"
