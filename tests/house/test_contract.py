"""The contract as a table: which paths and methods there are, and what an Accept header leaves."""

import pytest

from service.contract import Contract, acceptable, allowed, preferred

JSON, CSV = "application/json", "text/csv"


def operation(name: str) -> dict[str, object]:
    return {
        "operationId": name,
        "responses": {
            "200": {"content": {JSON: {}}},
            "201": {"content": {CSV: {}}},
            "400": {"content": {"application/problem+json": {}}},
        },
    }


CONTRACT = Contract(
    [
        ("", {"paths": {"/health": {"get": operation("health"), "parameters": []}}}),
        (
            "/v1",
            {
                "paths": {
                    "/things": {
                        "get": operation("list"),
                        "post": operation("add") | {"requestBody": {"content": {JSON: {}}}},
                    },
                    "/things/{id}": {"get": operation("one"), "delete": operation("remove")},
                    "/things/first": {"put": operation("first")},
                    "/things/{id}/parts.{name}": {"get": operation("part")},
                }
            },
        ),
        ("/none", {}),
    ]
)

PATHS = {
    "/health": {"GET"},
    "/v1/things": {"GET", "POST"},
    "/v1/things/7": {"GET", "DELETE"},
    "/v1/things/first": {"PUT"},
    "/v1/things/7/parts.a": {"GET"},
    "/v1/things/7/partsxa": None,
    "/v1/things/": None,
    "/v1/things/7/": None,
    "/v1/things/7/8": None,
    "/v1/health": None,
    "/things": None,
    "//v1/things": None,
    "/V1/things": None,
    "/v1/things/7\n": {"GET", "DELETE"},  # an id as good as any other: the room will not know it
    "": None,
}


@pytest.mark.parametrize(("path", "methods"), PATHS.items(), ids=PATHS.keys())
def test_a_path_has_its_methods_or_does_not_exist(path: str, methods: set[str] | None) -> None:
    found = CONTRACT.find(path)

    assert (found if found is None else set(found)) == methods


def test_an_operation_knows_what_it_takes_and_gives() -> None:
    methods = CONTRACT.find("/v1/things")
    assert methods is not None

    assert (methods["POST"].consumes, methods["GET"].consumes) == ({JSON}, frozenset())
    assert methods["GET"].produces == {JSON, CSV}  # problems aside
    assert methods["GET"].operation_id == "list"
    assert allowed(methods) == "GET, HEAD, POST"


ACCEPTS = {
    "nothing said": (None, True),
    "an empty header": ("", True),
    "everything": ("*/*", True),
    "json": (JSON, True),
    "json in capitals": ("Application/JSON", True),
    "any application": ("application/*", True),
    "json with parameters": (f"{JSON};version=1;q=0.5", True),
    "text, or everything a little": ("text/html, */*;q=0.1", True),
    "html": ("text/html", False),
    "any image": ("image/*", False),
    "json not at all": (f"{JSON};q=0", False),
    "everything but json": (f"*/*, {JSON};q=0", False),
    "everything but applications": ("*/*, application/*;q=0", False),
    "no application but json": (f"application/*;q=0, {JSON}", True),
    "nothing": ("*/*;q=0", False),
    "a weight that is none": (f"{JSON};q=much", True),
    "json's problem form": ("application/problem+json", False),
}


@pytest.mark.parametrize(("accept", "expected"), ACCEPTS.values(), ids=ACCEPTS.keys())
def test_an_accept_header_leaves_json_or_not(accept: str | None, expected: bool) -> None:
    assert acceptable(accept, frozenset({JSON})) is expected


def test_an_operation_without_a_representation_accepts_everything() -> None:
    assert acceptable("image/png", frozenset())


PREFERENCES = {
    None: JSON,
    "": JSON,
    "*/*": JSON,
    CSV: CSV,
    f"{CSV}, {JSON}": JSON,
    f"{CSV}, {JSON};q=0.9": CSV,
    f"{CSV};q=0.1, {JSON}": JSON,
    "text/*": CSV,
    f"text/*;q=0.2, {CSV};q=0.1, {JSON};q=0.15": JSON,
}


@pytest.mark.parametrize(("accept", "kind"), PREFERENCES.items(), ids=map(str, PREFERENCES))
def test_the_highest_weight_is_preferred_and_the_first_where_none_is(accept: str | None, kind: str) -> None:
    assert preferred(accept, (JSON, CSV)) == kind
