"""The demo pack hangs together, and its faults are named."""

from typing import Any

import pytest
from pydantic import ValidationError

from service.statistics.areas import standing_alone
from service.synthesis.models import Pack
from service.synthesis.pack import faults, load_pack
from service.vocabulary.municipalities import municipalities, region_of

PACK = load_pack()
REPORTERS = {
    "jpt-helmond", "police-oost-brabant", "school-helmond", "lev-helmond",
    "jpt-ede", "police-ede", "school-ede", "jpt-utrecht", "police-utrecht", "school-utrecht",
}  # fmt: skip


RECIPIENTS = {
    f"{kind}-{place}"
    for kind, places in {
        "halt": ("oost-brabant", "gelderland-midden", "midden-nederland"),
        "veilig-thuis": ("zuidoost-brabant", "gelderland-midden", "utrecht"),
        "care-coordination": ("helmond", "gelderland-midden", "utrecht"),
        "labour-inspectorate": ("brabant-zuidoost", "gelderland-midden", "utrecht"),
        "riec": ("oost-brabant", "oost-nederland", "midden-nederland"),
    }.items()
    for place in places
}


def changed(part: str, number: int, **changes: Any) -> Pack:
    """The pack with one of its parts changed, as far as the shapes allow."""
    content = PACK.model_dump(mode="json", by_alias=True)
    content[part][number] |= changes
    return Pack.model_validate(content)


def test_the_clients_of_every_role() -> None:
    by_role: dict[str, set[str]] = {}
    for client in PACK.clients:
        by_role.setdefault(client.role, set()).add(client.name)
    local, regional = (
        ("helmond", "ede", "utrecht"),
        ("brabant-zuidoost", "gelderland-midden", "utrecht-region"),
    )
    points = {f"contact-point-{place}" for place in (*local, *regional)}
    assert by_role == {
        "reporter": REPORTERS,
        "coordinator": points,
        "recipient": RECIPIENTS,
        "analyst": {"analyst"},
        "administrator": {"administrator", "administrator-deputy"},
        "auditor": {"auditor"},
    }


def test_two_administrators_of_one_organisation() -> None:
    organisations = {client.organisation for client in PACK.clients if client.role == "administrator"}
    assert organisations == {"municipality-helmond"}


def test_a_region_in_the_file_stands_for_its_municipalities() -> None:
    (agreement,) = (one for one in PACK.agreements if "jpt-helmond" in one.parties)
    assert set(agreement.municipalities) == {one for one in municipalities() if region_of(one) == "VR22"}


def test_only_a_school_may_write_a_note() -> None:
    rules = [rule for agreement in PACK.agreements for rule in agreement.sending.items()]
    assert {type_ for type_, rule in rules if rule.note} == {"SCHOOL"}


def test_police_and_veilig_thuis_alone_grade_their_source() -> None:
    for agreement in PACK.agreements:
        graded = {type_ for type_, rule in agreement.sending.items() if "source" in rule.fields}
        handled = {type_ for type_, rule in agreement.sending.items() if "handlingCodes" in rule.fields}
        assert graded == handled
        assert graded == {"POLICE", "VEILIG_THUIS"}


def test_police_report_on_their_own_act() -> None:
    for agreement in PACK.agreements:
        bases = set(agreement.sending["POLICE"].legal_bases)
        assert bases == {"WPG_16", "WPG_18", "WPG_19", "WPG_20"}


def test_halt_hears_of_suspects_alone() -> None:
    sharing = [one for agreement in PACK.agreements for one in agreement.sharing if one.to == "HALT"]
    assert len(sharing) == 3
    assert {one.roles for one in sharing} == {("SUSPECT",)}


def test_every_municipality_is_in_one_area() -> None:
    areas = standing_alone(PACK.areas.standing_alone, PACK.areas.year)
    placed = [code for area in areas for code in area.municipalities]
    assert len(placed) == 342
    assert set(placed) == set(municipalities())
    assert all(region_of(code) == area.region for area in areas for code in area.municipalities)


def test_the_areas_where_data_is() -> None:
    codes = {area.code for area in standing_alone(PACK.areas.standing_alone, PACK.areas.year)}
    assert {"GM0794", "VR22-OTHER", "GM0228", "VR07-OTHER", "GM0344", "VR09-OTHER", "VR01"} <= codes
    assert len(codes) == 22 + 2 * 3


@pytest.mark.parametrize(
    ("part", "changes", "fault"),
    [
        ("clients", {"organisation": "nobody"}, "no organisation: nobody"),
        ("clients", {"name": "lev-helmond"}, "two clients: lev-helmond"),
        ("clients", {"municipalities": ["GM0363"]}, "works outside: jpt-helmond"),
        ("contactPoints", {"municipalities": [], "organisation": "analyst"}, "no organisation: analyst"),
        ("contactPoints", {"organisation": "regional-bureau"}, "party to no agreement: regional-bureau"),
        ("organisations", {"key": "jpt-ede"}, "two organisations: jpt-ede"),
        ("organisations", {"type": "GGD"}, "no sending rules: GGD"),
        ("organisations", {"type": "GGD"}, "sending rules for no party: JPT"),
        ("agreements", {"parties": ["jpt-ede"]}, "a party twice: jpt-ede"),
        ("agreements", {"parties": ["jpt-helmond"]}, "shares with no party: HALT"),
        ("agreements", {"municipalities": ["GM0794", "GM0363"]}, "no contact point: GM0363"),
    ],
)
def test_a_fault_is_named(part: str, changes: dict[str, Any], fault: str) -> None:
    assert any(fault in found for found in faults(changed(part, 0, **changes)))


@pytest.mark.parametrize(
    ("part", "changes"),
    [
        ("organisations", {"type": "CIRCUS"}),
        ("organisations", {"oin": "00000001234567890123456"}),
        ("clients", {"role": "owner"}),
        ("clients", {"municipalities": ["GM9999"]}),
        ("contactPoints", {"level": "NATIONAL"}),
        ("agreements", {"surprise": 1}),
    ],
)
def test_a_part_of_another_shape_is_refused(part: str, changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        changed(part, 0, **changes)
