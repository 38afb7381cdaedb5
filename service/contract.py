"""The contract as a table: which path has which methods, bodies and representations.

Built once from the OpenAPI documents of the apps, so that 404, 405 with `Allow`, 406 and 415 follow from the
same document that partners read. Called by `http.py` alone.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

METHODS = ("get", "post", "put", "patch", "delete")


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation: what it is called, which content types it takes (none: no body) and gives."""

    operation_id: str
    consumes: frozenset[str]
    produces: frozenset[str]


Methods = Mapping[str, Operation]


class Contract:
    """Finds the operations of a path; exact paths by a dictionary, templates by pattern."""

    def __init__(self, documents: Iterable[tuple[str, Mapping[str, Any]]]) -> None:
        """`documents`: pairs of a path prefix (`""`, `/v1`) and the OpenAPI document below it."""
        self._exact: dict[str, Methods] = {}
        self._templates: list[tuple[re.Pattern[str], Methods]] = []
        for prefix, document in documents:
            for path, item in document.get("paths", {}).items():
                self._add(prefix + path, _methods_of(item))

    def find(self, path: str) -> Methods | None:
        """The operations of a path by upper-case method, or None for a path that does not exist."""
        found = self._exact.get(path)
        if found is not None:
            return found
        return next((methods for pattern, methods in self._templates if pattern.fullmatch(path)), None)

    def _add(self, path: str, methods: Methods) -> None:
        if "{" in path:
            pattern = "".join(
                "[^/]+" if part.startswith("{") else re.escape(part)
                for part in re.split(r"(\{[^}]+\})", path)
            )
            self._templates.append((re.compile(pattern), methods))
        else:
            self._exact[path] = methods


def allowed(methods: Methods) -> str:
    """The value of `Allow`: HEAD goes with GET."""
    names = set(methods) | ({"HEAD"} if "GET" in methods else set())
    return ", ".join(sorted(names))


def acceptable(accept: str | None, produces: frozenset[str]) -> bool:
    """Whether an Accept header leaves at least one representation (RFC 9110 section 12.5.1).

    The most specific range that names a type decides; `q=0` excludes it.
    """
    if not accept or not produces:
        return True
    ranges = [_range(part) for part in accept.split(",") if part.strip()]
    return any(_quality(kind, ranges) > 0 for kind in produces)


def preferred(accept: str | None, kinds: Sequence[str]) -> str:
    """The kind with the highest quality; the first one where the header does not tell them apart."""
    ranges = [_range(part) for part in (accept or "*/*").split(",") if part.strip()]
    return max(kinds, key=lambda kind: _quality(kind, ranges))


def _range(part: str) -> tuple[str, float]:
    name, *parameters = (piece.strip() for piece in part.split(";"))
    weight = next((text[2:] for text in parameters if text.lower().startswith("q=")), "1")
    try:
        return name.lower(), float(weight)
    except ValueError:
        return name.lower(), 1.0


def _quality(kind: str, ranges: Sequence[tuple[str, float]]) -> float:
    main = kind.split("/")[0]
    for name in (kind, f"{main}/*", "*/*"):
        weights = [weight for found, weight in ranges if found == name]
        if weights:
            return max(weights)
    return 0.0


def _methods_of(item: Mapping[str, Any]) -> Methods:
    return {
        method.upper(): Operation(
            operation_id=operation["operationId"],
            consumes=frozenset(operation.get("requestBody", {}).get("content", {})),
            produces=frozenset(
                kind
                for status, response in operation.get("responses", {}).items()
                if status.startswith("2")
                for kind in response.get("content", {})
            ),
        )
        for method, operation in item.items()
        if method in METHODS
    }
