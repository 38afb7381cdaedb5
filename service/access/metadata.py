"""What a client library needs to find its way: authorization server metadata (RFC 8414). Pure."""

from typing import Any

from service.access.keys import ALGORITHMS
from service.access.roles import ALL_SCOPES
from service.access.tokens import Issuer

TOKEN_PATH, REVOCATION_PATH, JWKS_PATH = "/oauth/token", "/oauth/revoke", "/oauth/jwks.json"  # noqa: S105
WAYS = ("client_secret_basic", "client_secret_post", "private_key_jwt")


def server_metadata(issuer: Issuer) -> dict[str, Any]:
    """The document of an issuer."""
    by_client = {"auth_methods_supported": WAYS, "auth_signing_alg_values_supported": ALGORITHMS}
    return {
        "issuer": issuer.name,
        "token_endpoint": issuer.name + TOKEN_PATH,
        "revocation_endpoint": issuer.name + REVOCATION_PATH,
        "jwks_uri": issuer.name + JWKS_PATH,
        "scopes_supported": ALL_SCOPES,
        "response_types_supported": [],  # required, and nobody is sent to a page here
        "grant_types_supported": ["client_credentials"],
        **{f"token_endpoint_{what}": values for what, values in by_client.items()},
        **{f"revocation_endpoint_{what}": values for what, values in by_client.items()},
        "protected_resources": [issuer.audience],
    }
