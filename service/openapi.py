"""The OpenAPI document as partners read it.

FastAPI's own is patched once: no 422 (ours is 400), `API-Version` on every answer, the problem answers of each
operation, contact, licence and server. The committed `openapi/openapi.json` equals it byte for byte.
"""

import json
from typing import Any

from fastapi import FastAPI

from service.http import API_VERSION, PROBLEM_MEDIA_TYPE

PROBLEM_SCHEMA: dict[str, Any] = {
    "type": "object",
    "title": "Problem",
    "description": "Problem details (RFC 9457). `type` ends in a stable slug; values sent are never repeated.",
    "required": ["type", "title", "status", "detail", "traceId"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "traceId": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "code", "detail"],
                "properties": {
                    "pointer": {"type": "string"},
                    "code": {"type": "string"},
                    "detail": {"type": "string"},
                },
            },
        },
    },
}
ALWAYS = {
    "400": "Not right",
    "401": "No valid token",
    "403": "Not allowed",
    "406": "Not acceptable",
    "429": "Too many requests in this minute",
    "431": "Headers too large",
    "500": "A fault of ours",
    "503": "The database is away, or too much is waiting; nothing was stored",
}
WAITING = {"429", "503"}
ETAG_PATTERN = '^"[1-9][0-9]{0,8}"$'
WITH_PATH = {"404": "Not there, or not yours"}
WITH_BODY = {"413": "Too large", "415": "Another content type"}
WITH_CHANGE = {"409": "Not possible as things are"}
WITH_FENCE = {"412": "Stale", "428": "If-Match missing"}


def describe(api: FastAPI, *, title: str, description: str) -> None:
    """Give the app its document."""
    api.title, api.description = title, description
    api.contact = {"name": "Signal Register", "url": "https://signal-register.example"}
    api.license_info = {"name": "EUPL-1.2", "identifier": "EUPL-1.2"}
    api.servers = [{"url": "/v1"}]
    generate = api.openapi

    def openapi() -> dict[str, Any]:
        if api.openapi_schema is None:
            api.openapi_schema = _patched(generate())
        return api.openapi_schema

    api.openapi = openapi  # type: ignore[method-assign]


def as_text(document: dict[str, Any]) -> str:
    """The document as it is committed."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _patched(document: dict[str, Any]) -> dict[str, Any]:
    schemas = document["components"]["schemas"]
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    schemas["Problem"] = PROBLEM_SCHEMA
    document["components"]["headers"] = {
        "API-Version": {
            "description": "Version of this API.",
            "schema": {"type": "string", "example": API_VERSION},
        },
        "RateLimit-Policy": {
            "description": "How many requests (q) a client may make in so many seconds (w), by class.",
            "schema": {"type": "string", "example": '"writing";q=1200;w=60'},
        },
        "RateLimit": {
            "description": "How many are left (r), and the seconds (t) until it begins anew.",
            "schema": {"type": "string", "example": '"writing";r=1199;t=60'},
        },
        "Retry-After": {
            "description": "Seconds to wait.",
            "schema": {"type": "integer", "minimum": 1},
        },
    }
    for path, item in document["paths"].items():
        for method, operation in item.items():
            _patch_operation(path, method, operation)
    return document


def _patch_operation(path: str, method: str, operation: dict[str, Any]) -> None:
    responses = operation["responses"]
    responses.pop("422", None)
    for parameter in operation.get("parameters", []):
        if parameter["name"].lower() == "if-match":  # its absence is a 428 of ours, not a fault in a list
            parameter |= {"required": True, "schema": {"type": "string", "pattern": ETAG_PATTERN}}
    wanted = dict(ALWAYS)
    names = {parameter["name"].lower() for parameter in operation.get("parameters", [])}
    if "{" in path:
        wanted |= WITH_PATH
    if "requestBody" in operation:
        wanted |= WITH_BODY
    if method in ("post", "put"):
        wanted |= WITH_CHANGE
    if "if-match" in names:
        wanted |= WITH_FENCE
    problem = {PROBLEM_MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for status, text in wanted.items():
        responses.setdefault(status, {"description": text, "content": problem})
    for status, response in responses.items():
        told = ["API-Version", "RateLimit-Policy", "RateLimit"] + ["Retry-After"] * (status in WAITING)
        response.setdefault("headers", {}).update(
            {name: {"$ref": f"#/components/headers/{name}"} for name in told}
        )
