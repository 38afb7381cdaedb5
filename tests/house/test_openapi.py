"""The OpenAPI document: committed as it is generated, and as the API Design Rules want it."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from service.app import api_document
from service.http import API_VERSION
from service.openapi import as_text

ROOT = Path(__file__).parents[2]
DOCUMENT = api_document()
METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
OPEN: set[str] = set()  # operations below /v1 that need no token
KEBAB = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*|\{[a-z_]+\}")
CAMEL = re.compile(r"[a-z]+([A-Z][a-z0-9]*)*")
REVEALING = re.compile(r"pseudonym|token|subject|bsn|name(?!$)|person|birth|known", re.IGNORECASE)
SCHEMAS: dict[str, Any] = DOCUMENT["components"]["schemas"]


def operations() -> Iterator[Any]:
    for path, item in DOCUMENT["paths"].items():
        for method, operation in item.items():
            assert method in METHODS
            yield pytest.param(path, method, operation, id=f"{method} {path}")


def parameters(operation: dict[str, Any], place: str) -> list[dict[str, Any]]:
    return [one for one in operation.get("parameters", []) if one["in"] == place]


def properties(schema: Any) -> Iterator[str]:
    """Every property name of a schema, however deep."""
    if isinstance(schema, dict):
        if isinstance(schema.get("properties"), dict):
            yield from schema["properties"]
        for inner in schema.values():
            yield from properties(inner)
    elif isinstance(schema, list):
        for inner in schema:
            yield from properties(inner)


OPERATIONS = list(operations())
TEXTS = {"_batch": "application/x-ndjson", "table": "text/csv"}  # by the end of the path


def test_the_committed_document_is_the_generated_one_byte_for_byte() -> None:
    assert (ROOT / "openapi/openapi.json").read_bytes() == as_text(DOCUMENT).encode()


def test_the_document_tells_who_where_and_under_which_licence() -> None:
    assert DOCUMENT["openapi"].startswith("3.1")
    info = DOCUMENT["info"]
    assert (info["version"], info["title"]) == (API_VERSION, "Signal Register")
    assert info["contact"]["url"].startswith("https://")
    assert info["license"]["identifier"] == "EUPL-1.2"
    assert DOCUMENT["servers"]
    assert all(server["url"].endswith("/v1") for server in DOCUMENT["servers"])
    assert re.fullmatch(r"\d+\.\d+\.\d+", API_VERSION)


def test_every_operation_has_a_name_of_its_own() -> None:
    names = [parameter.values[2]["operationId"] for parameter in OPERATIONS]

    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)+", name) for name in names)


@pytest.mark.parametrize(("path", "method", "operation"), OPERATIONS)
def test_an_operation_is_described_with_its_door_and_its_answers(
    path: str, method: str, operation: dict[str, Any]
) -> None:
    responses = operation["responses"]
    scopes = DOCUMENT["components"]["securitySchemes"]["clientCredentials"]["flows"]["clientCredentials"][
        "scopes"
    ]

    assert operation["summary"]
    assert operation["description"]
    assert operation["tags"]
    assert "422" not in responses
    for status, response in responses.items():
        assert "API-Version" in response["headers"], status
        if status.startswith(("4", "5")):
            assert set(response["content"]) == {"application/problem+json"}, status
    if operation["operationId"] in OPEN:
        assert "security" not in operation
    else:
        (requirement,) = operation["security"]
        assert set(requirement) == {"clientCredentials"}
        assert set(requirement["clientCredentials"]) <= set(scopes)
        assert {"400", "401", "403", "406"} <= set(responses)
    if parameters(operation, "path"):
        assert "404" in responses
    if "requestBody" in operation:
        assert {"413", "415"} <= set(responses)
        kind = TEXTS.get(path.rpartition("/")[2], "application/json")
        assert set(operation["requestBody"]["content"]) == {kind}
    if any(one["name"].lower() == "if-match" for one in parameters(operation, "header")):
        assert {"412", "428"} <= set(responses)


@pytest.mark.parametrize(("path", "method", "operation"), OPERATIONS)
def test_names_are_kebab_case_in_paths_and_camel_case_in_queries(
    path: str, method: str, operation: dict[str, Any]
) -> None:
    assert path.startswith("/")
    assert not path.startswith("/v1")
    assert not path.endswith("/")
    # Beside a resource, `_batch` and `_check` are not to be taken for the id of one.
    assert all(KEBAB.fullmatch(part.removeprefix("_")) for part in path[1:].split("/"))
    assert all(CAMEL.fullmatch(one["name"]) for one in parameters(operation, "query"))


@pytest.mark.parametrize(("path", "method", "operation"), OPERATIONS)
def test_nothing_about_a_person_stands_in_a_path_or_a_query(
    path: str, method: str, operation: dict[str, Any]
) -> None:
    told = [one["name"] for place in ("path", "query") for one in parameters(operation, place)]

    assert [name for name in told if REVEALING.search(name)] == []


def test_every_property_is_camel_case() -> None:
    wrong = {
        name
        for schema in (SCHEMAS, DOCUMENT["paths"])
        for name in properties(schema)
        if not CAMEL.fullmatch(name)
    }

    assert wrong == set()


def test_bodies_admit_no_unknown_field_and_have_limits() -> None:
    bodies = {
        operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].rsplit("/", 1)[1]
        for path, _, operation in (parameter.values for parameter in OPERATIONS)
        if "requestBody" in operation and path.rpartition("/")[2] not in TEXTS
    }
    reached, waiting = set(), list(bodies)
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting += re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(SCHEMAS[name]))
    for name in reached:
        shape, *bare = SCHEMAS[name].get("anyOf", [SCHEMAS[name]])
        assert shape["additionalProperties"] is False, name
        for field, schema in {**shape["properties"], **dict(enumerate(bare))}.items():
            for part in (schema, *schema.get("anyOf", ())):
                if part.get("type") == "array":
                    assert "maxItems" in part, f"{name}.{field}"
                if part.get("type") == "string" and "enum" not in part and "const" not in part:
                    assert {"maxLength", "format"} & set(part), f"{name}.{field}"


def test_the_idempotency_key_is_a_required_uuid() -> None:
    wanting = {
        operation["operationId"]: one
        for _, _, operation in (parameter.values for parameter in OPERATIONS)
        for one in parameters(operation, "header")
        if one["name"].lower() == "idempotency-key"
    }

    assert {"register_signal", "claim_referrals"} <= set(wanting)
    for one in wanting.values():
        assert (one["required"], one["schema"]["format"]) == (True, "uuid")


def test_every_reference_in_the_document_leads_somewhere() -> None:
    for reference in re.findall(r'"\$ref": ?"#/([^"]+)"', json.dumps(DOCUMENT)):
        found: Any = DOCUMENT
        for step in reference.split("/"):
            found = found[step]
        assert found
