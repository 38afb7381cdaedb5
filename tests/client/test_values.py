"""The published vectors hold: for values, for tokens, and as a supplier reads them from the page."""

import json
import re
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service import oprf
from service.base64url import encode
from service.client.values import PREFIXES, Unfit, value_of_bsn, value_of_name
from tests.support.register import ROOT

TODAY = date(2026, 11, 25)
VECTORS: dict[str, Any] = json.loads((ROOT / "openapi/pseudonym-vectors.json").read_text(encoding="utf-8"))
PAGE = (ROOT / "openapi/pseudonyms.md").read_text(encoding="utf-8")


def value_of(written: dict[str, str]) -> str:
    if "bsn" in written:
        return value_of_bsn(written["bsn"])
    name = (written[field] for field in ("surname", "firstName", "dateOfBirth", "sex"))
    return value_of_name(*name, today=TODAY)


@pytest.mark.parametrize("vector", VECTORS["values"], ids=lambda one: "-".join(one["written"].values()))
def test_a_value_comes_out_as_published(vector: dict[str, Any]) -> None:
    if "value" in vector:
        assert value_of(vector["written"]) == vector["value"]
    else:
        with pytest.raises(Unfit) as unfit:
            value_of(vector["written"])
        assert unfit.value.code == vector["refused"]
        assert not any(len(one) > 3 and one in unfit.value.told for one in vector["written"].values())


@pytest.mark.parametrize("vector", VECTORS["tokens"], ids=lambda one: one["input"])
def test_a_token_comes_out_as_published_step_by_step(vector: dict[str, Any]) -> None:
    key = oprf.derive_key(bytes.fromhex(VECTORS["key"]["seed"]), VECTORS["key"]["info"].encode())
    value, blind = vector["input"].encode(), bytes.fromhex(vector["blind"])
    element = oprf.blind_with(blind, value)
    evaluated = oprf.evaluate(key, element)
    output = oprf.finalise(value, blind, evaluated)

    assert key.hex() == VECTORS["key"]["privateKey"]
    assert (encode(element), encode(evaluated)) == (vector["blindedElement"], vector["evaluatedElement"])
    assert output.hex() == vector["output"]
    kind = vector["input"].split("|")[4]
    told = encode(output[:32])
    assert vector.get("token", told) == (told if kind == "check" else f"e1.{kind}.{told}")
    assert vector.get("check", told) == told


def test_the_page_names_the_prefixes_that_are_dropped() -> None:
    (listed,) = re.findall(r"\*\*Prefixes\*\* are: ([A-Z\s]+)\.", PAGE)

    assert set(listed.split()) == PREFIXES


def or_code(make: Callable[[], str]) -> str:
    """The value, or the code of what refuses it."""
    try:
        return make()
    except Unfit as unfit:
        return unfit.code


NAMES = st.text(alphabet=st.characters(codec="utf-8"), max_size=30)


@given(NAMES, NAMES)
def test_any_name_gives_four_letters_and_an_initial_or_is_refused(surname: str, first_name: str) -> None:
    value = or_code(lambda: value_of_name(surname, first_name, "2010-03-14", "F", today=TODAY))
    assert re.fullmatch(r"[A-Z]{1,4}\|[A-Z]\|2010-03-14\|F|no-letters", value)


@given(st.text(max_size=14))
def test_any_text_is_a_bsn_or_refused(written: str) -> None:
    value = or_code(lambda: value_of_bsn(written))
    if value in ("wrong-form", "eleven-test"):
        return
    assert re.fullmatch(r"[0-9]{9}", value)
    assert (
        sum(weight * int(digit) for weight, digit in zip((9, 8, 7, 6, 5, 4, 3, 2, -1), value, strict=True))
        % 11
        == 0
    )
