"""Shapes of code lists and municipalities on the wire."""

from datetime import date

from service.vocabulary.lists import Code
from service.vocabulary.municipalities import LISTED_SINCE, Municipality, mergers
from service.wire import Answer, Text


class CodeRead(Answer):
    """A code with its labels; `group` is what it is counted under, `htcds` its counterpart in HTCDS 2.0."""

    code: str
    label: Text
    parent: str | None = None
    group: str | None = None
    htcds: str | None = None
    source: str | None = None


class CodeListRead(Answer):
    """A code list of a version of the vocabulary."""

    name: str
    version: str
    codes: list[CodeRead]


class CodeListNames(Answer):
    """The names of all code lists."""

    version: str
    items: list[str]


class MunicipalityRead(Answer):
    """A municipality by its CBS code, valid from a day, with its safety region and police unit."""

    code: str
    name: str
    region: str
    region_name: str
    police_unit: str
    valid_from: date
    merged_into: str | None = None
    merged_on: date | None = None
    source: str


class MunicipalityPage(Answer):
    """A page of municipalities; the Link header leads on."""

    items: list[MunicipalityRead]


def read_code(code: Code) -> CodeRead:
    return CodeRead(
        code=code.code,
        label=Text(nl=code.label_nl, en=code.label_en),
        parent=code.parent,
        group=code.group,
        htcds=code.htcds,
        source=code.source,
    )


def read_municipality(municipality: Municipality) -> MunicipalityRead:
    """A municipality as it goes over the wire."""
    merger = next((one for one in mergers() if one.municipality == municipality.code), None)
    return MunicipalityRead(
        code=municipality.code,
        name=municipality.name,
        region=municipality.region,
        region_name=municipality.region_name,
        police_unit=municipality.police_unit,
        valid_from=max(municipality.valid_from, LISTED_SINCE),
        merged_into=merger and merger.merged_into,
        merged_on=merger and merger.on,
        source=municipality.source,
    )
