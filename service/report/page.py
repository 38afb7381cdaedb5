"""The page as bytes: material and a language become HTML, with the style in it. Called by `api`.

Decides nothing about numbers. The same material gives the same bytes, so a page that was made is kept; a release that
changes (it is published, or one before it) is other material. Only the style, a file of ours, and the charts, which
escape what they write, go into the page as they are; every text is escaped.
"""

import base64
import hashlib
from functools import cache, lru_cache

from jinja2 import Environment, FunctionLoader, StrictUndefined

from service.report import opening, words
from service.report.models import Material
from service.report.sections import sections
from service.report.tables import Reading
from service.report.words import Language, read_file
from service.statistics.definitions import CAVEATS

PAGES_KEPT = 64
HASHED = base64.b64encode(hashlib.sha256(read_file("templates/report.css").encode()).digest()).decode()
POLICY = (
    f"default-src 'none'; style-src 'sha256-{HASHED}'; base-uri 'none'; form-action 'none';"
    " frame-ancestors 'none'"
)


@lru_cache(PAGES_KEPT)
def page_of(material: Material, language: Language) -> bytes:
    """The report of a region."""
    reading = Reading(material, language)
    page = _templates().get_template("report.html")
    return page.render(
        text=reading.text,
        language=language,
        other="en" if language == "nl" else "nl",
        style=read_file("templates/report.css"),
        title=opening.title(reading),
        place=words.place(material.region, language),
        period=opening.period(reading),
        is_draft=material.release.published_at is None,
        summary=opening.summary(reading),
        tiles=opening.tiles(reading),
        denominator=opening.denominator(reading),
        caveats=[getattr(caveat, language) for caveat in CAVEATS],
        sections=sections(reading),
        definitions=opening.definitions(reading),
        facts=opening.facts(reading),
        tables=opening.tables(reading),
    ).encode()


@cache
def _templates() -> Environment:
    return Environment(
        loader=FunctionLoader(lambda name: read_file(f"templates/{name}")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
