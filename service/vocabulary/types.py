"""Types of the wire whose values are codes: a `str` that pydantic holds to a closed list.

The OpenAPI document shows each as an enumeration. Used by the models of every room.
"""

from typing import Annotated

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from service.vocabulary.lists import OBSERVATIONS, codes
from service.vocabulary.municipalities import municipalities


class OneOf:
    """Annotation that limits a string to given values (checked by pydantic's own literal schema)."""

    def __init__(self, values: tuple[str, ...]) -> None:
        self.values = values

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.literal_schema(list(self.values))


SignalType = Annotated[str, OneOf(codes("signal_type"))]
Setting = Annotated[str, OneOf(codes("setting"))]
IndicatorCode = Annotated[str, OneOf(codes("indicator"))]
Observation = Annotated[str, OneOf(OBSERVATIONS)]
PersonRole = Annotated[str, OneOf(codes("person_role"))]
VictimStatus = Annotated[str, OneOf(codes("victim_status"))]
AgeBand = Annotated[str, OneOf(codes("age_band"))]
Gender = Annotated[str, OneOf(codes("gender"))]
SeverityFlag = Annotated[str, OneOf(codes("severity_flag"))]
FlagCriterion = Annotated[str, OneOf(codes("flag_criterion"))]
Urgency = Annotated[str, OneOf(codes("urgency"))]
SourceReliability = Annotated[str, OneOf(codes("source_reliability"))]
InformationReliability = Annotated[str, OneOf(codes("info_reliability"))]
HandlingCode = Annotated[str, OneOf(codes("handling_code"))]
LegalBasis = Annotated[str, OneOf(codes("legal_basis"))]
Consent = Annotated[str, OneOf(codes("consent_status"))]
OrganisationType = Annotated[str, OneOf(codes("org_type"))]
ReferralTarget = Annotated[str, OneOf(codes("referral_target"))]
ReferralOutcome = Annotated[str, OneOf(codes("referral_outcome"))]
ReturnReason = Annotated[str, OneOf(codes("return_reason"))]
QuestionKind = Annotated[str, OneOf(codes("question_kind"))]
FeedbackCode = Annotated[str, OneOf(codes("feedback_code"))]
SignalStatus = Annotated[str, OneOf(codes("signal_status"))]
ReferralStatus = Annotated[str, OneOf(codes("referral_status"))]
MunicipalityCode = Annotated[str, OneOf(tuple(municipalities()))]
MunicipalityOrUnknown = Annotated[str, OneOf((*municipalities(), "UNKNOWN"))]
