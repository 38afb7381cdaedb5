"""What stands on the page, part by part: the four blocks of the regional instrument, then what became of signals.

Called by `page`. Each part is a sentence in words, tables and charts; what a sentence names is sure whatever the
rounding did. Never tells a number that is not in a table of the release.
"""

from collections.abc import Sequence

from service.report import words
from service.report.figures import FURTHEST_OFF, reached, share, standing_out
from service.report.models import UNKNOWN, Bar, Block, Row, Section
from service.report.tables import Reading, by_category, drawn, listed, said
from service.statistics.context import national_figures
from service.statistics.menu import OFFENDERS, SIGNALS, VICTIMS
from service.vocabulary.lists import label

ORGANISATIONS = "organisations-by-region-and-type-of-reporter"
OUTCOMES = "signals-by-region-and-outcome"
WAITING = ("RECEIVED", "DECIDED")
FEEDBACK = "signals-by-region-and-feedback"
REPORTERS = "signals-by-region-and-type-of-reporter"
TOTALS = {
    VICTIMS.code: "victims-by-municipality-and-form",
    OFFENDERS.code: "offenders-by-municipality-and-form",
    SIGNALS.code: REPORTERS,
}
NO_CATEGORY = {"OTHER", "GUNKNOWN"}
RECENT_YEARS = 6


def sections(reading: Reading) -> tuple[Section, ...]:
    """The parts of the page that hold numbers, in order."""
    return (
        _how_many(reading),
        _what_kind(reading),
        _persons(reading, "victims"),
        _persons(reading, "offenders"),
        _course(reading),
        _reporters(reading),
        _national(reading),
    )


def _how_many(reading: Reading) -> Section:
    areas = dict(reading.material.areas)
    divided = [code for code in (VICTIMS.code, OFFENDERS.code) if areas.get(code)]
    by_area = [_by_area(reading, code, areas[code]) for code in divided]
    if not divided:
        by_area = [said(reading, "by_area", "undivided")]
    return _section(reading, "how_many", "how_many_lead", *by_area, _trend(reading))


def _by_area(reading: Reading, population: str, areas: Sequence[str]) -> Block:
    who, table = population.lower(), TOTALS[population]
    amounts = {words.place(area, reading.language): reading.amount(table, row=area) for area in areas}
    columns = ("column_area", f"column_{who}")
    return listed(reading, amounts, reading.amount(table), title=f"{who}_by_area", columns=columns)


def _trend(reading: Reading) -> Block:
    """The totals of this release and of those before it; somebody who comes back after twelve months counts in both."""
    totals = {one.period: dict(one.totals) for one in reading.material.earlier}
    if not totals:
        return said(reading, "trend", "no_trend")
    now = reading.material.release.period
    totals[now] = {population: reading.amount(table) for population, table in TOTALS.items()}
    names = {code: words.period(code, reading.language) for code in totals}
    known = {code: [its.get(population, UNKNOWN) for population in TOTALS] for code, its in totals.items()}
    if not any(amount.is_shown for amounts in known.values() for amount in amounts):
        return said(reading, "trend", "all_fewer")
    rows = [Row(names[code], tuple(map(reading.written, amounts))) for code, amounts in known.items()]
    bars = [Bar(names[code], one[0].value, reading.written(one[0])) for code, one in known.items()]
    columns = ("column_period", "column_victims", "column_offenders", "column_signals")
    return drawn(reading, "trend", columns, rows, bars, [reading.text("trend_note")])


def _what_kind(reading: Reading) -> Section:
    forms = TOTALS[VICTIMS.code]
    lead = _largest(reading, forms, "form_group", "form_stands_out") or reading.text("what_kind_lead")
    column = "column_victims"
    blocks = (
        by_category(reading, forms, "form_group", title="by_form", column=column),
        by_category(reading, "victims-by-region-and-setting", "setting", title="by_setting", column=column),
    )
    return Section("what_kind", reading.text("what_kind"), lead, blocks)


def _persons(reading: Reading, who: str) -> Section:
    ages, genders = f"{who}-by-municipality-and-age", f"{who}-by-municipality-and-gender"
    title, column = f"{who}_by", f"column_{who}"
    largest = _largest(reading, ages, "age_group", "age_stands_out")
    blocks = (
        by_category(reading, genders, "gender_group", title=f"{title}_gender", column=column, in_order=True),
        by_category(reading, ages, "age_group", title=f"{title}_age", column=column, in_order=True),
    )
    lead = " ".join(filter(None, (reading.text(f"{who}_lead"), largest)))
    return Section(who, reading.text(who), lead, blocks)


def _largest(reading: Reading, table: str, code_list: str, text: str) -> str | None:
    """A sentence about the category that stands out, if one does and the total is told."""
    amounts, total = reading.categories(table, code_list), reading.amount(table)
    code = standing_out(amounts)
    if code is None or code in NO_CATEGORY or not total.is_shown:
        return None
    return reading.text(
        text,
        name=words.within_a_sentence(label(code_list, code, reading.language)),
        amount=words.spoken(amounts[code], reading.language),
        total=reading.written(total),
    )


def _course(reading: Reading) -> Section:
    """How far signals came, what they led to, and whether the reporter heard of it."""
    heard = share(reading.amount(FEEDBACK, "WITHIN"), reading.amount(FEEDBACK))
    lead = reading.text("course_lead") if heard is None else reading.text("feedback_share", share=heard)
    column = "column_signals"
    blocks = (
        _funnel(reading),
        by_category(reading, OUTCOMES, "outcome_group", title="outcomes", column=column),
        by_category(reading, FEEDBACK, "feedback_term", title="feedback", column=column, in_order=True),
    )
    return Section("course", reading.text("course"), lead, blocks)


def _funnel(reading: Reading) -> Block:
    """How many signals were decided and closed, by those that were not, and how many led to help."""
    total = reading.amount(OUTCOMES)
    if total.status in ("<10", "unknown"):
        return said(reading, "funnel", "all_fewer" if reading.has(OUTCOMES) else "not_released")
    so_far = reached(total, [reading.amount(OUTCOMES, step) for step in WAITING])
    told = [*so_far, reading.amount(OUTCOMES, "HELP")]
    names = [reading.text(f"step_{step}") for step in ("RECEIVED", "DECIDED", "CLOSED", "HELPED")]
    off = [FURTHEST_OFF * parts for parts in (1, 2, 3, 1)]
    rows = [
        Row(name, (reading.written(far), reading.text("off", most=most) if far.is_shown else "–"))
        for name, far, most in zip(names, told, off, strict=True)
    ]
    bars = [Bar(name, far.value, reading.written(far)) for name, far in zip(names, told, strict=True)]
    columns = ("column_step", "column_reached", "column_off")
    return drawn(reading, "funnel", columns, rows, bars, [reading.text("funnel_note")])


def _reporters(reading: Reading) -> Section:
    blocks = [
        by_category(reading, REPORTERS, "org_type", title="by_reporter", column="column_signals"),
    ]
    if reading.has(ORGANISATIONS):
        column = "column_organisations"
        blocks.append(by_category(reading, ORGANISATIONS, "org_type", title="by_organisation", column=column))
    else:
        blocks.append(said(reading, "by_organisation", "organisations_unknown"))
    return _section(reading, "reporters", "reporters_lead", *blocks)


def _national(reading: Reading) -> Section:
    """Published figures of the whole country, as context only."""
    figures = {(one.measure, one.year): one for one in national_figures()}
    single = sorted(year for measure, year in figures if measure == "victims_total" and year.isdigit())
    rows, bars = [], []
    for year in single[-RECENT_YEARS:]:
        total, minors = figures["victims_total", year], figures.get(("victims_minors", year))
        shown = words.number(int(total.value), reading.language)
        under_18 = words.number(int(minors.value), reading.language) if minors else reading.text("unknown")
        sources = "; ".join([total.source, *([minors.source] if minors else [])])
        rows.append(Row(year, (shown, under_18, "; ".join(dict.fromkeys(sources.split("; "))))))
        bars.append(Bar(year, int(total.value), shown))
    columns = ("column_year", "column_national", "column_minors", "column_source")
    return _section(
        reading, "national", "national_lead", drawn(reading, "national_table", columns, rows, bars)
    )


def _section(reading: Reading, name: str, lead: str, *blocks: Block) -> Section:
    return Section(name, reading.text(name), reading.text(lead), blocks)
