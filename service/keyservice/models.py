"""Shapes of the key service: what is evaluated, and the table of quotas.

Its tables have metadata of their own, and come beside those of `access` and of the trail in its own database.
"""

import re
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, BeforeValidator, Field
from sqlalchemy import Column, MetaData
from sqlmodel import Field as TableField
from sqlmodel import SQLModel

from service import base64url, oprf
from service.columns import Moment
from service.scheme import BYTES_FORM
from service.wire import Answer, Instant, Wire, fault

MAX_ELEMENTS = 50


def _decoded(value: object) -> bytes:
    if not isinstance(value, str) or re.fullmatch(BYTES_FORM, value) is None:
        raise fault("wrong-form", "An element is 32 bytes: 43 characters of base64url.")
    return base64url.decode(value)


def _an_element(encoded: bytes) -> bytes:
    if not oprf.is_element(encoded):
        raise fault("no-element", "Not the encoding of an element of ristretto255, or the identity.")
    return encoded


EncodedElement = Annotated[str, Field(pattern=f"^{BYTES_FORM}$", max_length=43)]
Element = Annotated[
    bytes,
    BeforeValidator(_decoded, json_schema_input_type=EncodedElement),
    AfterValidator(_an_element),
]


class EvaluationQuota(SQLModel, table=True):
    """What a client has used of a minute or of a day (UTC), which began at `began_at`."""

    __tablename__ = "evaluation_quota"
    metadata = MetaData(naming_convention=SQLModel.metadata.naming_convention)

    client_id: UUID = TableField(primary_key=True)
    span: str = TableField(primary_key=True, max_length=6)
    began_at: datetime = TableField(sa_column=Column(Moment, nullable=False))
    used: int


class EvaluationRequest(Wire):
    """Blinded elements, made for one epoch."""

    epoch: Annotated[int, Field(ge=1, le=9999)]
    elements: Annotated[list[Element], Field(min_length=1, max_length=MAX_ELEMENTS)]


class Evaluation(Answer):
    """The evaluated elements, in the order of the request."""

    epoch: int
    elements: list[EncodedElement]


class Parameters(Answer):
    """How a token is made now: `e<epoch>.<kind>.` and the first 32 bytes of the output, in base64url.

    The input is `<scheme>|<purpose>|<register>|<epoch>|<kind>|<value>`. `check` is what comes out for kind `check`
    and an empty value: a client that blinds it among its own values sees whether it is answered with this key.
    """

    scheme: Literal["sr1"] = "sr1"
    suite: str = oprf.SUITE
    mode: Literal["OPRF"] = "OPRF"
    purpose: str
    register_name: Annotated[str, Field(alias="register")]
    epoch: int
    check: str
    max_elements: int = MAX_ELEMENTS


class PartnerRead(Answer):
    """A client of the key service; `organisation` is the id of the partner in the register."""

    id: UUID
    organisation: UUID
    name: str
    created_at: Instant
    ended_at: Instant | None = None
