"""The bar of the guard, on sentences that it was not made for and on those that it learnt from."""

import pytest

from tests.screening.measure import CLEAN, measure, sentences


@pytest.mark.parametrize("name", ["measured", "learnt"])
def test_it_finds_enough_and_refuses_little_else(name: str) -> None:
    told = measure(sentences(name))
    assert told.of_kind[CLEAN] >= 400
    assert len(told.of_kind) == 12
    assert told.found >= 0.85
    assert told.false <= 0.03
