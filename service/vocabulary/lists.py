"""The code lists, as read from `data/code_lists.csv`.

Every code carries a Dutch and an English label, the group it is counted under in statistics, its counterpart
in HTCDS 2.0 and the source of the entry. Called by every room that reads or writes a code.
"""

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType

VERSION = "2026.1"
# Whether an indicator was seen; not a list of the register's own, as it has three words.
OBSERVATIONS = ("OBSERVED", "NOT_OBSERVED", "UNKNOWN")


@dataclass(frozen=True, slots=True)
class Code:
    """One entry of a code list; empty cells of the file are `None`."""

    code: str
    label_nl: str
    label_en: str
    parent: str | None
    group: str | None
    htcds: str | None
    source: str | None


CodeList = Mapping[str, Code]


def data_rows(filename: str) -> Iterable[dict[str, str]]:
    """The rows of a CSV data file of this room, by column name."""
    text = files("service.vocabulary").joinpath("data", filename).read_text(encoding="utf-8")
    yield from csv.DictReader(io.StringIO(text, newline=""))


@cache
def code_lists() -> Mapping[str, CodeList]:
    """All code lists by name, each in the order of the file."""
    lists: dict[str, dict[str, Code]] = {}
    for row in data_rows("code_lists.csv"):
        lists.setdefault(row["list"], {})[row["code"]] = Code(
            code=row["code"],
            label_nl=row["label_nl"],
            label_en=row["label_en"],
            parent=row["parent"] or None,
            group=row["group"] or None,
            htcds=row["htcds_2_0"] or None,
            source=row["source"] or None,
        )
    return MappingProxyType({name: MappingProxyType(codes) for name, codes in lists.items()})


def codes(list_name: str) -> tuple[str, ...]:
    """The codes of one list, in order; KeyError for a list that does not exist."""
    return tuple(code_lists()[list_name])


def label(list_name: str, code: str, language: str = "en") -> str:
    """The label of a code in `nl` or `en`."""
    entry = code_lists()[list_name][code]
    return entry.label_nl if language == "nl" else entry.label_en


def group_of(list_name: str, code: str) -> str | None:
    """The group under which a code is counted (`form_group`, `age_group`, `population`…), if any."""
    return code_lists()[list_name][code].group
