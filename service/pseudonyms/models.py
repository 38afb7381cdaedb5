"""The two sealed tables. Backups of the rest of the data leave them out."""

from uuid import UUID

from sqlalchemy import Column, LargeBinary
from sqlmodel import Field, SQLModel

import service.columns  # noqa: F401  (the naming convention comes before the first table)


class SealedSignal(SQLModel, table=True):
    """Per signal that has one: its note and the partner's own reference, encrypted."""

    __tablename__ = "sealed_signal"

    signal_id: UUID = Field(primary_key=True, foreign_key="signal.id")
    key_label: str = Field(max_length=20)
    note: bytes | None = Field(sa_column=Column(LargeBinary))
    partner_reference: bytes | None = Field(sa_column=Column(LargeBinary))


class SealedPerson(SQLModel, table=True):
    """Per person and token: the subject and the encrypted token. `position` 0 is the pseudonym itself."""

    __tablename__ = "sealed_person"

    person_id: UUID = Field(primary_key=True, foreign_key="signal_person.id")
    position: int = Field(primary_key=True)
    signal_id: UUID
    kind: str = Field(max_length=1)
    key_label: str = Field(max_length=20)
    subject: bytes = Field(sa_column=Column(LargeBinary(32), nullable=False, index=True))
    token: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
