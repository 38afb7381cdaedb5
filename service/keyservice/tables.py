"""Every table of the key service's own database; for its migrations and tests.

Those of access and of the trail are the register's, without what points to organisations, which it does not have.
"""

from sqlalchemy import MetaData
from sqlmodel import SQLModel

from service.access.models import Client, ClientKey, ClientSecret, RevokedToken, UsedAssertion
from service.keyservice.models import EvaluationQuota
from service.trail import AuditEntry

METADATA = MetaData(naming_convention=SQLModel.metadata.naming_convention)
for _model in (Client, ClientKey, ClientSecret, RevokedToken, UsedAssertion, AuditEntry, EvaluationQuota):
    _model.__table__.to_metadata(METADATA)
_client = METADATA.tables["client"]
for _constraint in tuple(_client.foreign_key_constraints):
    _client.constraints.discard(_constraint)
    for _key in _constraint.elements:
        _key.parent.foreign_keys.discard(_key)
        _client.foreign_keys.discard(_key)
