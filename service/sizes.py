"""How large a body may be: 64 KB, but for the operations named here. Called by the HTTP layer and by batches."""

from starlette.datastructures import Headers
from starlette.types import Message, Receive

from service.errors import TooLarge

BODY_LIMIT = 64 * 1024
BATCH_LIMIT = 8 * 1024 * 1024
RULES_LIMIT = 512 * 1024
BODY_LIMITS = {
    "register_signals": BATCH_LIMIT,
    "draft_rule_set": RULES_LIMIT,
    "change_rule_set": RULES_LIMIT,
    "check_rule_set": RULES_LIMIT,
    "simulate_rule_set": RULES_LIMIT,
    "draft_rule_set_from_table": RULES_LIMIT,
    "change_rule_set_by_table": RULES_LIMIT,
}
TOLD = {
    BATCH_LIMIT: "A batch is at most 8 MB.",
    RULES_LIMIT: "A rule set, or a simulation, is at most 512 KB.",
}


def check_length(operation: str, headers: Headers) -> None:
    """Raise `TooLarge` where a body says that it is, or does not say how large in digits."""
    length, limit = headers.get("content-length", "0"), limit_of(operation)
    if not length.isdecimal() or int(length) > limit:
        raise TooLarge(TOLD.get(limit))


def limited(receive: Receive, operation: str) -> Receive:
    """Count a body that does not tell its length, and stop at the limit."""
    received, limit = 0, limit_of(operation)

    async def receive_so_much() -> Message:
        nonlocal received
        message = await receive()
        if message["type"] == "http.request":
            received += len(message.get("body", b""))
            if received > limit:
                raise TooLarge(TOLD.get(limit))
        return message

    return receive_so_much


def limit_of(operation: str) -> int:
    """The most octets that the body of an operation may have."""
    return BODY_LIMITS.get(operation, BODY_LIMIT)
