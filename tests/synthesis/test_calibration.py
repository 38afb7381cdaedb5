"""Twenty thousand signals come near the published figures, which are typed here once more, by hand."""

from collections import Counter
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

from service.synthesis.calibration import reporter_shares, topics
from service.synthesis.figures import Mix, figure
from service.synthesis.generate import Generated, generate
from service.synthesis.pack import load_pack
from service.vocabulary.lists import codes, group_of

PACK = load_pack()
TYPE_OF = {client.name: PACK.organisation(client.organisation).type for client in PACK.clients}
CONCERNS = {"JUVENILE_PROSTITUTION", "SEXUALLY_TRANSGRESSIVE", "SEXUAL_VIOLENCE"}
SEXUAL = {"SEXUAL_EXPLOITATION", "LOVERBOY", "JUVENILE_PROSTITUTION"}
LABOUR = {"LABOUR_EXPLOITATION", "FORCED_SERVICE", "FORCED_BEGGING"}
CRIMINAL = {"CRIMINAL_EXPLOITATION", "RECRUITMENT"}
ONLINE = {"SHAME_SEXTING", "SEXTORTION", "ONLINE_SEXUAL_ABUSE"}
EXPLOITATION = {
    one for one in codes("signal_type") if group_of("signal_type", one) != "TRANSGRESSIVE"
} - ONLINE
ADULT = {"A23_29", "A30_44", "A45_PLUS"}


@pytest.fixture(scope="module")
def signals() -> list[Generated]:
    return list(generate(PACK, 20_000, 11, date(2026, 1, 1), date(2026, 12, 31)))


def victims(signals: list[Generated]) -> Iterator[tuple[Generated, dict[str, Any]]]:
    """Signal and person for every victim or person at risk with a pseudonym."""
    for one in signals:
        for person in one.body["persons"]:
            if person["role"] in ("VICTIM", "AT_RISK") and person["pseudonym"] != "UNKNOWN":
                yield one, person


def reports(signals: list[Generated], concerns: bool) -> tuple[int, int]:
    """Reports about victims, and how many of those victims were reported before."""
    seen: set[str] = set()
    count = again = 0
    for one, person in victims(signals):
        if (one.body["primaryType"] in CONCERNS) == concerns:
            count += 1
            again += person["pseudonym"] in seen
        seen.add(person["pseudonym"])
    return count, again


def test_police_send_31_percent(signals: list[Generated]) -> None:
    sent = Counter(TYPE_OF[one.client] for one in signals)
    assert sent["POLICE"] / len(signals) == pytest.approx(0.31, abs=0.015)


def test_reporters_send_in_proportion_to_inhabitants(signals: list[Generated]) -> None:
    sent = Counter(one.client for one in signals)
    assert sent["police-utrecht"] / sent["police-ede"] == pytest.approx(361_699 / 119_986, rel=0.15)


@pytest.mark.parametrize(
    ("among", "share"),
    [(SEXUAL, 231 / 377), (LABOUR, 18 / 377), (CRIMINAL, 83 / 377), ({"SEXTORTION"}, None)],
)
def test_forms_of_the_young(signals: list[Generated], among: set[str], share: float | None) -> None:
    kind, expected = (EXPLOITATION, share) if share is not None else (ONLINE, 5005 / 2 / 7727)
    found = [
        one.body["primaryType"]
        for one in signals
        if one.body["persons"] and one.body["persons"][0]["ageBand"] not in ADULT | {"UNKNOWN"}
    ]
    of_kind = [one for one in found if one in kind]
    assert sum(one in among for one in of_kind) / len(of_kind) == pytest.approx(expected, abs=0.025)


def test_forms_of_adults(signals: list[Generated]) -> None:
    found = [
        one.body["primaryType"]
        for one in signals
        if one.body["persons"] and one.body["persons"][0]["ageBand"] in ADULT
    ]
    assert sum(one in SEXUAL for one in found) / len(found) == pytest.approx(408 / 1049, abs=0.03)
    assert sum(one in LABOUR for one in found) / len(found) == pytest.approx(449 / 1049, abs=0.03)


def test_six_percent_of_the_victims_of_exploitation_that_police_meet_are_minors(
    signals: list[Generated],
) -> None:
    bands = [
        one.body["persons"][0]["ageBand"]
        for one in signals
        if TYPE_OF[one.client] == "POLICE"
        and one.body["primaryType"] in EXPLOITATION
        and one.body["persons"]
        and one.body["persons"][0]["ageBand"] != "UNKNOWN"
    ]
    counts = Counter(str(group_of("age_band", band)) for band in bands)
    assert (counts["G12_15"] + counts["G16_17"]) / len(bands) == pytest.approx(52 / 868, abs=0.02)
    assert counts["G18_22"] / len(bands) == pytest.approx(130 / 868, abs=0.025)


def test_schools_see_the_young(signals: list[Generated]) -> None:
    schools = [one for one in signals if TYPE_OF[one.client] == "SCHOOL" and one.body["persons"]]
    assert not {one.body["persons"][0]["ageBand"] for one in schools} & ADULT


@pytest.mark.parametrize(
    ("among", "female"),
    [
        ({"SEXUALLY_TRANSGRESSIVE"}, 52 / 67),
        ({"SEXUAL_VIOLENCE"}, 21 / 25),
        (LABOUR | CRIMINAL, (547 - 0.93 * 408) / (984 - 408)),
    ],
)
def test_women_among_the_victims(signals: list[Generated], among: set[str], female: float) -> None:
    genders = Counter(p["gender"] for one, p in victims(signals) if one.body["primaryType"] in among)
    assert genders["F"] / (genders["F"] + genders["M"]) == pytest.approx(female, abs=0.04)


def test_reports_per_victim(signals: list[Generated]) -> None:
    count, again = reports(signals, concerns=False)
    assert 1.12 <= count / (count - again) <= 1.20


def test_thirty_eight_percent_of_concerns_are_re_reports(signals: list[Generated]) -> None:
    count, again = reports(signals, concerns=True)
    assert again / count == pytest.approx(0.38, abs=0.025)


def test_five_percent_are_known_to_two_types_of_reporter(signals: list[Generated]) -> None:
    known: dict[str, set[str]] = {}
    for one, person in victims(signals):
        known.setdefault(person["pseudonym"], set()).add(TYPE_OF[one.client])
    assert sum(len(types) > 1 for types in known.values()) / len(known) == pytest.approx(0.052, abs=0.006)


def test_several_forms_in_one_signal(signals: list[Generated]) -> None:
    several = sum(len(one.body["types"]) > 1 for one in signals)
    assert several / len(signals) == pytest.approx((1049 - 984) / 984, abs=0.012)


def test_nobody_is_twice_in_a_signal_but_as_victim_and_suspect(signals: list[Generated]) -> None:
    twice = set()
    for one in signals:
        roles: dict[str, tuple[str, ...]] = {}
        for person in one.body["persons"]:
            roles[person["pseudonym"]] = (*roles.get(person["pseudonym"], ()), person["role"])
        twice |= {many for name, many in roles.items() if name != "UNKNOWN" and len(many) > 1}
    assert twice == {("VICTIM", "SUSPECT")}


def test_shares_add_up() -> None:
    assert sum(reporter_shares(["POLICE", "JPT", "GGD"]).values()) == pytest.approx(1)
    assert sum(topics("POLICE").shares.values()) == pytest.approx(1)


def test_a_figure_is_one_row() -> None:
    assert figure("comensha_counts", year="2024", measure="victims_total") == 944
    with pytest.raises(LookupError):
        figure("comensha_counts", year="2024")


def test_a_mix_keeps_its_proportions_among_the_allowed() -> None:
    assert Mix({"A": 6, "B": 3, "C": 1}).only(["A", "B"]).shares == pytest.approx({"A": 2 / 3, "B": 1 / 3})
    with pytest.raises(ValueError, match="allowed"):
        Mix({"A": 1}).only(["B"])
