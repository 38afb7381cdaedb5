"""The sealed tables, and the labels of their keys. Backups of the rest of the data leave the sealed ones out."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Column, LargeBinary
from sqlmodel import Field, SQLModel

from service.columns import Moment


class SealingKey(SQLModel, table=True):
    """A pair of keys by its label, without the keys: when it was made, came into use, and was deleted.

    What is sealed from now on is sealed under the label that came into use last.
    """

    __tablename__ = "sealing_key"

    label: str = Field(primary_key=True, max_length=20)
    made_at: datetime = Field(sa_column=Column(Moment, nullable=False))
    used_from: datetime | None = Field(sa_column=Column(Moment))
    deleted_at: datetime | None = Field(sa_column=Column(Moment))


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


class SealedQuestion(SQLModel, table=True):
    """Per question about a signal: what was asked and answered in words, encrypted."""

    __tablename__ = "sealed_question"

    question_id: UUID = Field(primary_key=True, foreign_key="question.id")
    signal_id: UUID = Field(index=True)
    key_label: str = Field(max_length=20)
    question: bytes | None = Field(sa_column=Column(LargeBinary))
    answer: bytes | None = Field(sa_column=Column(LargeBinary))
