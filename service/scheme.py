"""How a token is written, alike at the partner, the key service and the register: `openapi/pseudonyms.md` in code.

A token is `e<epoch>.<kind>.` with the first 32 bytes of the OPRF's output over
`<scheme>|<purpose>|<register>|<epoch>|<kind>|<value>`. Pure.
"""

from service import base64url

SCHEME = "sr1"
TOKEN_BYTES = 32
# 32 bytes in base64url: 43 characters, of which the last carries only four bits.
BYTES_FORM = r"[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]"
TOKEN_FORM = rf"e[1-9][0-9]{{0,3}}\.[bn]\.{BYTES_FORM}"
BSN, NAME, CHECK = "b", "n", "check"


def prefix(purpose: str, register: str, epoch: int) -> str:
    """What comes before kind and value."""
    return f"{SCHEME}|{purpose}|{register}|{epoch}|"


def whole_input(before: str, kind: str, value: str) -> bytes:
    """What is blinded: the prefix, the kind and the normalised value."""
    return f"{before}{kind}|{value}".encode()


def shortened(output: bytes) -> str:
    """What of an output stands in a token."""
    return base64url.encode(output[:TOKEN_BYTES])


def token(epoch: int, kind: str, told: str) -> str:
    """The token of a shortened output."""
    return f"e{epoch}.{kind}.{told}"
