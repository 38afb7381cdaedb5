"""Shapes of the guidance: as it is kept in `data/guidance.json`, and as it is told."""

from typing import Annotated, Any, Literal

from pydantic import Field

from service.routing.rules import Level, Priority
from service.vocabulary.lists import codes
from service.vocabulary.types import IndicatorCode, MunicipalityCode, OneOf, OrganisationType, SignalType
from service.wire import Answer, Text, Wire

NOT_REGISTRABLE = (*codes("not_registrable"), "GREEN")
GuidanceType = Annotated[str, OneOf((*codes("signal_type"), *NOT_REGISTRABLE))]


class Advice(Wire):
    """A sentence for everybody, or for organisations of some types; `source` is a key of the sources."""

    text: Text
    source: str
    organisation_types: list[OrganisationType] = []


class AdviceLists(Wire):
    """What to keep in mind, to do and to leave."""

    keep_in_mind: list[Advice]
    dos: list[Advice]
    donts: list[Advice]


class Form(AdviceLists):
    """Signal types with the same advice; indicators in order of importance."""

    types: list[SignalType]
    summary: Text
    indicators: list[IndicatorCode]
    programmes: list[str]

    @property
    def codes(self) -> list[str]:
        return self.types


class NoSignal(Wire):
    """What is no signal, and what to do instead."""

    code: Annotated[str, OneOf(NOT_REGISTRABLE)]
    summary: Text
    instead_of_a_signal: list[Advice]
    programmes: list[str]

    @property
    def codes(self) -> list[str]:
        return [self.code]


class Programme(Wire):
    """Something that can be offered: to everybody (BROAD), to those at risk (SELECTIVE), or to one person."""

    code: str
    name: Text
    audience: Text
    level: Literal["BROAD", "SELECTIVE", "INDIVIDUAL"]
    by: list[OrganisationType]
    about: Text
    source: str


class Content(Wire):
    """The whole file."""

    version: str
    sources: dict[str, str]
    general: AdviceLists
    forms: list[Form]
    not_registrable: list[NoSignal]
    programmes: list[Programme]


class Labelled(Answer):
    code: str
    label: Text


class Cluster(Labelled):
    """Indicators that belong together."""

    indicators: list[Labelled]


class Told(Answer):
    """A sentence and the key of its source."""

    text: Text
    source: str


class RouteStep(Answer):
    """A rule that may decide about such a signal; the first that fits does."""

    rule: str
    why: Text
    contact_point: Level
    priority: Priority
    due_working_days: int | None = Field(None, description="Without it the term of the agreement holds.")
    suggestions: list[dict[str, Any]]
    advice: list[dict[str, Any]]


class RoutePoint(Answer):
    """Whom to phone."""

    organisation: str
    function: str
    phone: str
    hours: str


class Route(Answer):
    """The way of a signal for a municipality by the rules that are active."""

    municipality: MunicipalityCode
    rule_set: int
    contact_point: RoutePoint | None = None
    steps: list[RouteStep]


class Guidance(Answer):
    """What to look for, do and leave, the route that a signal takes, and what can be offered."""

    version: str
    type: GuidanceType
    label: Text
    organisation_type: OrganisationType
    registrable: bool
    summary: Text
    clusters: list[Cluster]
    keep_in_mind: list[Told]
    dos: list[Told]
    donts: list[Told]
    instead_of_a_signal: list[Told]
    route: Route | None = None
    programmes: list[Programme]
    sources: dict[str, str]
