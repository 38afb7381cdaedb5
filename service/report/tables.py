"""One table of the page, with its chart, from the cells of a release. Called by `sections`.

Decides how rows are ordered and which are joined: a long list names those that are shown and puts all others in
one row. Bars and rows come from the same amounts, so that a chart holds nothing that its table does not show.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from service.report import words
from service.report.charts import bar_chart
from service.report.figures import ranked, share
from service.report.models import UNKNOWN, Amount, Bar, Block, Material, Row
from service.report.words import Language
from service.statistics.grid import TOTAL
from service.vocabulary.lists import codes, label

LONG = 8


@dataclass(frozen=True)
class Reading:
    """The material of a page, read in a language."""

    material: Material
    language: Language

    @cached_property
    def amounts(self) -> Mapping[tuple[str, str, str], Amount]:
        """The numbers by table, row and column."""
        return {(c.table, c.row, c.column): Amount(c.value, c.status) for c in self.material.cells}

    def text(self, name: str, /, **values: object) -> str:
        """A text of the page."""
        text = words.texts(self.language)[name]
        return text.format(**values) if values else text

    def amount(self, table: str, column: str = TOTAL, row: str | None = None) -> Amount:
        """A number of the region, or of another row; unknown where the release does not have it."""
        return self.amounts.get((table, row or self.material.region, column), UNKNOWN)

    def has(self, table: str) -> bool:
        """Whether the release has this table."""
        return self.amount(table) is not UNKNOWN

    def categories(self, table: str, code_list: str) -> dict[str, Amount]:
        """The numbers of a region by category, in the order of the list."""
        return {code: self.amount(table, code) for code in codes(code_list)}

    def written(self, amount: Amount) -> str:
        """An amount as it stands in a table."""
        return words.written(amount, self.language)

    def share(self, part: Amount, whole: Amount) -> str | None:
        """A share as it stands in a table, where it may be told."""
        percent = share(part, whole)
        return None if percent is None else self.text("percent", share=percent)


def by_category(
    reading: Reading, table: str, code_list: str, *, title: str, column: str, in_order: bool = False
) -> Block:
    """The region by category, largest first, or in the order of the list where that has a meaning."""
    if not reading.has(table):
        return said(reading, title, "not_released")
    amounts = reading.categories(table, code_list)
    order = list(amounts) if in_order else ranked(amounts)
    names = {code: label(code_list, code, reading.language) for code in order}
    return listed(
        reading,
        {names[code]: amounts[code] for code in order},
        reading.amount(table),
        title=title,
        columns=(f"column_{code_list}", column),
    )


def listed(
    reading: Reading, amounts: Mapping[str, Amount], total: Amount, *, title: str, columns: tuple[str, str]
) -> Block:
    """Amounts by name with their total, their shares where these may be told, and a chart.

    A sentence where the total is under 10, for then every part of it is.
    """
    if total.status == "<10":
        return said(reading, title, "all_fewer")
    alone = [name for name, amount in amounts.items() if len(amounts) <= LONG or amount.is_shown]
    with_shares = any(reading.share(amount, total) for amount in amounts.values())
    rows = [_row(reading, name, amounts[name], total, with_shares=with_shares) for name in alone]
    rest = [amount for name, amount in amounts.items() if name not in alone]
    rows += _rest(reading, rest, 1 + with_shares, others=bool(alone))
    rows.append(Row(reading.text("total"), (reading.written(total), *([""] * with_shares)), "total"))
    heads = (*columns, "column_share")[: 2 + with_shares]
    bars = [Bar(name, amounts[name].value, reading.written(amounts[name])) for name in alone]
    return drawn(reading, title, heads, rows, bars)


def drawn(
    reading: Reading,
    title: str,
    columns: Sequence[str],
    rows: Sequence[Row],
    bars: Sequence[Bar],
    notes: Sequence[str] = (),
) -> Block:
    """A block with a chart; a sentence says it where nothing can be drawn."""
    title = reading.text(title)
    chart = bar_chart(bars, reading.text("chart", title=title))
    missing = () if chart else (reading.text("not_drawn"),)
    return Block(title, tuple(map(reading.text, columns)), tuple(rows), chart, (*missing, *notes))


def said(reading: Reading, title: str, sentence: str) -> Block:
    """A sentence in the place of a table."""
    return Block(reading.text(title), (), (), None, (reading.text(sentence),))


def _row(reading: Reading, name: str, amount: Amount, total: Amount, *, with_shares: bool) -> Row:
    share_of = (reading.share(amount, total) or "–",) if with_shares else ()
    return Row(name, (reading.written(amount), *share_of))


def _rest(reading: Reading, hidden: Iterable[Amount], columns: int, *, others: bool) -> list[Row]:
    """The hidden ones of a long list, in one row for each reason; `others`: there are some that are shown."""
    fewer = "rest_fewer" if others else "rest_all"
    reasons = dict.fromkeys(amount.status for amount in hidden)
    names = {status: fewer if status == "<10" else "rest_withheld" for status in reasons}
    return [
        Row(reading.text(name), (reading.written(Amount(None, status)), *([""] * (columns - 1))), "rest")
        for status, name in names.items()
    ]
