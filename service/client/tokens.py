"""Making tokens: values are blinded here, evaluated by the key service, finalised here.

The key service sees no value, and no value or token is written anywhere. With every batch goes a value that is
known, at a place that only we know: a service that answers with another key, or to something else, is found out
before any token of the batch is used. One that spoils only some of a batch's answers is found out by and by, not
each time: the mode of RFC 9497 that proves every answer is another (VOPRF). Called by the commands and the helper.
"""

import asyncio
import json
import secrets
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, Literal

import httpx
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from service import base64url, oprf, scheme
from service.client.connection import Connection, Refused
from service.client.state import Pinned, Pins
from service.scheme import BYTES_FORM

FIRST_PAUSE, LONGEST_PAUSE = 0.2, 5.0

Value = tuple[str, str]
Part = Annotated[str, Field(pattern=r"^[^|]+$")]


class KeyServiceAway(Exception):
    """The key service does not answer, or not yet: the values are as they were. Says what happened."""

    def __init__(self, told: str, retry_after: float = 0.0) -> None:
        super().__init__(told)
        self.retry_after = retry_after


class KeyServiceRefuses(Exception):
    """The key service does not take this client, or what it asks. Says why."""


class KeyServiceWrong(Exception):
    """The key service answers what cannot be right: no token of it may be used. Says what was wrong."""


class Parameters(BaseModel):
    """How a token is made now, as the key service publishes it; another scheme or suite is no parameters of ours."""

    model_config = ConfigDict(frozen=True, strict=True, alias_generator=to_camel)

    scheme: Literal["sr1"]
    suite: Literal["ristretto255-SHA512"]
    mode: Literal["OPRF"]
    purpose: Part
    register_name: Annotated[Part, Field(alias="register")]
    epoch: Annotated[int, Field(ge=1, le=9999)]
    check: Annotated[str, Field(pattern=f"^{BYTES_FORM}$")]
    max_elements: Annotated[int, Field(ge=2)]

    @property
    def pinned(self) -> Pinned:
        """What the service is known by."""
        return Pinned(self.purpose, self.register_name, self.epoch, self.check)

    @property
    def prefix(self) -> str:
        """What comes before kind and value."""
        return scheme.prefix(self.purpose, self.register_name, self.epoch)


@dataclass
class Tokens:
    """Makes tokens through one connection to a key service; remembers those of this run, in memory alone.

    `patience`: seconds for which it waits, while the key service is away or a quota is passed, before it gives up.
    """

    connection: Connection
    pins: Pins
    patience: float = 0.0
    _parameters: Parameters | None = None
    _made: dict[Value, str] = field(default_factory=dict, repr=False)

    async def make(self, values: Iterable[Value]) -> Mapping[Value, str]:
        """The token of each (kind, normalised value); raises `KeyServiceAway`, `KeyServiceWrong`.

        What was made before an error is kept: `of` tells it.
        """
        wanted = list(dict.fromkeys(values))
        until, pause = time.monotonic() + self.patience, FIRST_PAUSE
        while missing := [value for value in wanted if value not in self._made]:
            try:
                await self._make_some(missing)
                until, pause = time.monotonic() + self.patience, FIRST_PAUSE
            except KeyServiceAway as away:
                wait = max(pause, away.retry_after)
                if time.monotonic() + wait > until:
                    raise
                await asyncio.sleep(wait)
                pause = min(2 * pause, LONGEST_PAUSE)
        return {value: self._made[value] for value in wanted}

    def of(self, values: Iterable[Value]) -> Mapping[Value, str]:
        """The tokens of those values that have one already."""
        return {value: self._made[value] for value in values if value in self._made}

    @property
    def made_for(self) -> int | None:
        """The epoch of the tokens that are made; None where there are none."""
        return self._parameters.epoch if self._parameters and self._made else None

    @property
    def service(self) -> str:
        """By what address the key service is known."""
        return str(self.connection.http.base_url)

    def anew(self) -> "Tokens":
        """The same, without what was made: for another request, which may come after another epoch has begun."""
        return replace(self, _made={})

    async def epoch(self) -> int:
        """The epoch that tokens are made for; raises as `make`."""
        return (await self._current()).epoch

    async def _make_some(self, missing: Sequence[Value]) -> None:
        """As many as one evaluation takes."""
        parameters = await self._current()
        try:
            made = await self._evaluated(parameters, missing[: parameters.max_elements - 1])
        except Refused as refused:
            if refused.status != 409:
                raise _away(refused) from None
            await self._follow(parameters.epoch)
            return
        if self._parameters == parameters:  # else another request has met a new epoch meanwhile
            self._made |= made

    async def _follow(self, left: int) -> None:
        """Another epoch is in use: what was made in this run is of the old one."""
        self._parameters, self._made = None, {}
        if (await self._current()).epoch <= left:
            self._parameters = None
            raise KeyServiceAway("it is changing to another epoch")

    async def _current(self) -> Parameters:
        if self._parameters is None:
            try:
                told = await self.connection.get("/v1/parameters")
            except Refused as refused:
                raise _away(refused) from None
            except (httpx.HTTPError, ValueError) as error:
                raise KeyServiceAway(type(error).__name__) from None
            parameters = _read_parameters(told)
            if objection := self.pins.objection(self.service, parameters.pinned):
                raise KeyServiceWrong(objection)
            self._parameters = parameters
        return self._parameters

    async def _evaluated(self, parameters: Parameters, values: Sequence[Value]) -> dict[Value, str]:
        """Tokens of as many values as fit beside the check."""
        inputs = [scheme.whole_input(parameters.prefix, kind, value) for kind, value in values]
        place = secrets.randbelow(len(inputs) + 1)
        inputs.insert(place, scheme.whole_input(parameters.prefix, scheme.CHECK, ""))
        blinded = [oprf.blind(one) for one in inputs]
        asked = {"epoch": parameters.epoch, "elements": [base64url.encode(element) for _, element in blinded]}
        try:
            answer = await self.connection.call("POST", "/v1/evaluations", json=asked)
        except (httpx.HTTPError, json.JSONDecodeError, UnicodeDecodeError) as error:
            raise KeyServiceAway(type(error).__name__) from None
        elements = _read_elements(answer, parameters.epoch, len(inputs))
        outputs = [
            scheme.shortened(_finalised(value, scalar, element))
            for value, (scalar, _), element in zip(inputs, blinded, elements, strict=True)
        ]
        if outputs.pop(place) != parameters.check:
            raise KeyServiceWrong("its answer does not fit its check")
        self.pins.pin(self.service, parameters.pinned)
        return {
            (kind, value): scheme.token(parameters.epoch, kind, output)
            for (kind, value), output in zip(values, outputs, strict=True)
        }


def _read_parameters(told: Any) -> Parameters:
    try:
        return Parameters.model_validate(told)
    except ValidationError:
        raise KeyServiceWrong("its parameters cannot be read, or are of another scheme") from None


def _read_elements(answer: Any, epoch: int, count: int) -> list[bytes]:
    try:
        elements = [base64url.decode(element) for element in answer["elements"]]
        answered = answer["epoch"]
    except (KeyError, TypeError, ValueError):
        raise KeyServiceWrong("its answer cannot be read") from None
    if answered != epoch or len(elements) != count:
        raise KeyServiceWrong("its answer is for something else")
    return elements


def _finalised(value: bytes, scalar: bytes, element: bytes) -> bytes:
    try:
        return oprf.finalise(value, scalar, element)
    except oprf.NoElement:
        raise KeyServiceWrong("its answer holds what is no element") from None


def _away(refused: Refused) -> Exception:
    """What a refusal means: another time, or not at all."""
    if refused.passes:
        return KeyServiceAway(str(refused), refused.retry_after)
    return KeyServiceRefuses(str(refused))
