"""Failures at the token endpoint, counted per client and address, and per address.

After so many failures within a minute the door stays shut until the minute is over, before any work is done.
Counted by the name that was shown, whether a client has it or not, and together with the address, so that
nobody can lock a partner out from elsewhere. Each process counts for itself: secrets have 256 bits, so this
only keeps noise away.
"""

from cachetools import TTLCache

SECONDS = 60
PER_CLIENT_AND_ADDRESS = 10
PER_ADDRESS = 100
REMEMBERED = 10_000


class Throttle:
    """The failures of the past minute."""

    def __init__(self) -> None:
        self._by_client: TTLCache[tuple[str, str], int] = TTLCache(REMEMBERED, SECONDS)
        self._by_address: TTLCache[str, int] = TTLCache(REMEMBERED, SECONDS)

    def is_shut(self, name: str, address: str) -> bool:
        """Whether this client, or anybody, has to wait at this address."""
        return (
            self._by_client.get((name, address), 0) >= PER_CLIENT_AND_ADDRESS
            or self._by_address.get(address, 0) >= PER_ADDRESS
        )

    def failed(self, name: str, address: str) -> None:
        """Count one more failure; the minute begins anew."""
        self._by_client[name, address] = self._by_client.get((name, address), 0) + 1
        self._by_address[address] = self._by_address.get(address, 0) + 1
