"""The shared words: complete, labelled in two languages, and open to every client."""

from collections import Counter
from collections.abc import AsyncIterator

import pytest

from service.paging import encode_cursor
from service.vocabulary.api import AnyCaller
from service.vocabulary.lists import VERSION, code_lists, codes, group_of, label
from service.vocabulary.municipalities import municipalities, region_of
from tests.support.register import Register, Templates, in_process

CLIENTS = ("jpt-helmond", "contact-point-helmond", "halt-oost-brabant", "analyst", "administrator", "auditor")
COUNTED_UNDER = {
    "signal_type": "form_group",
    "age_band": "age_group",
    "gender": "gender_group",
    "person_role": "population",
}


@pytest.fixture(scope="module")
async def register(templates: Templates, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Register]:
    """On SQLite alone: this room knows no database."""
    with templates.copy("sqlite") as url:
        folder = tmp_path_factory.mktemp("vocabulary")
        async with in_process(url, templates.loaded["sqlite"], folder) as running:
            yield running


def test_the_door_asks_for_a_token_and_no_scope() -> None:
    assert AnyCaller.__metadata__[0].scopes == []


@pytest.mark.parametrize("name", code_lists())
def test_every_code_has_labels_in_both_languages_and_a_source(name: str) -> None:
    for code in code_lists()[name].values():
        assert code.label_nl.strip() == code.label_nl != ""
        assert code.label_en.strip() == code.label_en != ""
        assert len(code.code) <= 30


def test_parents_are_codes_of_the_same_or_a_cluster_list() -> None:
    known = {code for name in code_lists() for code in codes(name)}
    parents = {
        code.parent
        for name in code_lists()
        for code in code_lists()[name].values()
        if code.parent is not None
    }

    assert parents <= known


@pytest.mark.parametrize(("name", "groups"), COUNTED_UNDER.items(), ids=COUNTED_UNDER.keys())
def test_every_code_that_is_counted_has_a_group_that_exists(name: str, groups: str) -> None:
    found = {group_of(name, code) for code in codes(name)}

    assert found - {None} == {group for group in codes(groups) if group in found}
    if name != "person_role":
        assert None not in found


def test_labels_come_in_the_language_that_was_asked() -> None:
    assert label("signal_type", "SEXUAL_EXPLOITATION", "nl") == "Seksuele uitbuiting"
    assert label("signal_type", "SEXUAL_EXPLOITATION") == "Sexual exploitation"
    with pytest.raises(KeyError):
        label("signal_type", "NONE")
    with pytest.raises(KeyError):
        codes("none")


def test_there_are_342_municipalities_in_25_regions() -> None:
    regions = Counter(municipality.region for municipality in municipalities().values())

    assert (len(municipalities()), len(regions)) == (342, 25)
    assert all(municipality.inhabitants > 0 for municipality in municipalities().values())
    assert (region_of("GM0794"), region_of("GM0228"), region_of("GM0344")) == ("VR22", "VR07", "VR09")
    with pytest.raises(KeyError):
        region_of("GM9999")


@pytest.mark.parametrize("client", CLIENTS)
async def test_every_client_reads_the_lists(register: Register, client: str) -> None:
    answer = await register.http.get("/v1/code-lists", headers=await register.headers(client))

    assert answer.status_code == 200
    assert answer.json() == {"version": VERSION, "items": list(code_lists())}


@pytest.mark.parametrize("name", code_lists())
async def test_a_code_list_reads_as_its_file_says(register: Register, name: str) -> None:
    answer = await register.http.get(f"/v1/code-lists/{name}", headers=await register.headers("jpt-helmond"))

    body = answer.json()
    assert (answer.status_code, body["name"], body["version"]) == (200, name, VERSION)
    assert [code["code"] for code in body["codes"]] == list(codes(name))
    for told, code in zip(body["codes"], code_lists()[name].values(), strict=True):
        whole = {
            "code": code.code,
            "label": {"nl": code.label_nl, "en": code.label_en},
            "parent": code.parent,
            "group": code.group,
            "htcds": code.htcds,
            "source": code.source,
        }
        assert told == {field: value for field, value in whole.items() if value is not None}


@pytest.mark.parametrize("name", ["none", "signal-type", "SIGNAL_TYPE", "%00", "..%5c", "123456782"])
async def test_a_list_that_does_not_exist_is_404(register: Register, name: str) -> None:
    answer = await register.http.get(f"/v1/code-lists/{name}", headers=await register.headers("jpt-helmond"))

    assert (answer.status_code, answer.json()["type"]) == (404, "urn:signal-register:problem:not-found")
    assert "123456782" not in answer.text


@pytest.mark.parametrize("query", ["", "?limit=200", "?limit=100", "?limit=171", "?limit=1&cursor=R00wNzY1"])
async def test_the_links_lead_through_every_municipality_once(register: Register, query: str) -> None:
    headers = await register.headers("jpt-helmond")
    expected = list(municipalities())
    if "cursor" in query:  # behind the one of the cursor, one by one
        expected = expected[expected.index("GM0765") + 1 :][:3]
    found: list[str] = []
    following: str | None = f"/v1/municipalities{query}"
    while following is not None and len(found) < len(expected):
        answer = await register.http.get(following, headers=headers)
        assert answer.status_code == 200
        assert set(answer.json()) == {"items"}
        found += [item["code"] for item in answer.json()["items"]]
        following = answer.links.get("next", {}).get("url")

    assert found == expected
    if "cursor" not in query:
        assert following is None


async def test_a_municipality_is_told_with_its_region_and_police_unit(register: Register) -> None:
    everything = list(municipalities())
    query = {"cursor": encode_cursor(everything[everything.index("GM0794") - 1]), "limit": "1"}
    headers = await register.headers("jpt-helmond")
    answer = await register.http.get("/v1/municipalities", params=query, headers=headers)

    (helmond,) = answer.json()["items"]
    assert helmond == {
        "code": "GM0794",
        "name": "Helmond",
        "region": "VR22",
        "regionName": "Brabant-Zuidoost",
        "policeUnit": "Oost-Brabant",
        "validFrom": "2023-01-01",
        "source": municipalities()["GM0794"].source,
    }


async def test_the_list_of_municipalities_says_no_total_and_needs_a_token(register: Register) -> None:
    answer = await register.http.get("/v1/municipalities")

    assert answer.status_code == 401
