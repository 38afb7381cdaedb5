"""The shapes of what is tried out on a rule set: its analysis, and a simulation against another version. Pure."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import Field, StrictInt, model_validator

from service.routing.analysis import Analysis
from service.routing.decide import CompiledRule, Decision, compile_rules, decide
from service.routing.facts import Facts
from service.routing.findings import Finding, Kind
from service.routing.given import SignalFacts
from service.routing.reach import Surroundings, unreached
from service.routing.reads import Version
from service.routing.rules import Level, Priority, RuleSetContent
from service.routing.simulation import Simulation
from service.vocabulary.types import MunicipalityCode, ReferralTarget
from service.wire import Answer, Sentence, Wire, fault

MOST_SIGNALS = 1_000
MOST_GENERATED = 20_000


class FindingRead(Answer):
    """A finding; `decidedBy` is the rule that decides its example, if there is one."""

    kind: Kind
    severity: Literal["ERROR", "NOTE"]
    told: Sentence
    rules: list[str]
    municipality: MunicipalityCode | None = None
    level: Level | None = None
    target: ReferralTarget | None = None
    agreement: UUID | None = None
    until: date | None = None
    example: SignalFacts | None = None
    decided_by: str | None = None


class RuleExample(Answer):
    """A small signal that a rule decides."""

    rule: str
    signal: SignalFacts


class AnalysisRead(Answer):
    """All findings, errors first, and an example for each rule that ever decides.

    `clean`: there is no error, so that the set can be activated as far as its rules go.
    """

    clean: bool
    findings: list[FindingRead]
    examples: list[RuleExample]


class Generated(Wire):
    """Signals that nobody sent, as partners would send them; the same seed gives the same ones."""

    count: Annotated[StrictInt, Field(ge=1, le=MOST_GENERATED)] = 1_000
    seed: Annotated[StrictInt, Field(ge=0, le=2**31 - 1)] = 1


class SimulationRequest(Wire):
    """Against which version (left out: the one that it succeeds), and over which signals: given or generated ones."""

    against: Version | None = None
    signals: Annotated[list[SignalFacts] | None, Field(min_length=1, max_length=MOST_SIGNALS)] = None
    generated: Generated | None = None

    @model_validator(mode="after")
    def _one_kind_of_signals(self) -> Self:
        if (self.signals is None) == (self.generated is None):
            raise fault("one-of", "Give signals, or say how many to generate: one of the two.")
        return self


class DecisionTold(Answer):
    """What a rule decides, without its texts."""

    rule: str
    contact_point: Level
    priority: Priority
    due_working_days: int | None = None
    suggest: list[str]
    advise: list[str]


class ChangeRead(Answer):
    """A way in which decisions change; a side that is left out has no rule for these signals."""

    before: DecisionTold | None = None
    after: DecisionTold | None = None
    times: int
    examples: list[SignalFacts]


class SimulationRead(Answer):
    """How many of the signals would be decided otherwise, and in which ways, the most frequent first."""

    before: int
    after: int
    signals: int
    changed: int
    changes: list[ChangeRead]


def analysis_told(analysis: Analysis, content: RuleSetContent, around: Surroundings) -> AnalysisRead:
    """An analysis on the wire, with what cannot be reached."""
    more = unreached(content, around, analysis.examples)
    findings = sorted([*analysis.findings, *more], key=lambda finding: not finding.is_error)
    rules = compile_rules(content)
    return AnalysisRead(
        clean=not any(finding.is_error for finding in findings),
        findings=[_finding(one, rules) for one in findings],
        examples=[
            RuleExample(rule=rule, signal=SignalFacts.of(facts)) for rule, facts in analysis.examples.items()
        ],
    )


def simulation_told(simulation: Simulation, before: int, after: int) -> SimulationRead:
    """A simulation of one version against another on the wire."""
    return SimulationRead(
        before=before,
        after=after,
        signals=simulation.signals,
        changed=simulation.changed,
        changes=[
            ChangeRead(
                before=_decision(change.before),
                after=_decision(change.after),
                times=change.times,
                examples=list(map(SignalFacts.of, change.examples)),
            )
            for change in simulation.changes
        ],
    )


def _finding(finding: Finding, rules: Sequence[CompiledRule]) -> FindingRead:
    example = finding.example
    return FindingRead(
        kind=finding.kind,
        severity="ERROR" if finding.is_error else "NOTE",
        told=finding.told,
        rules=list(finding.rules),
        municipality=finding.municipality,
        level=finding.level,
        target=finding.target,
        agreement=finding.agreement,
        until=finding.until,
        example=example and SignalFacts.of(example),
        decided_by=_decider(example, rules),
    )


def _decider(example: Facts | None, rules: Sequence[CompiledRule]) -> str | None:
    if example is None:
        return None
    try:
        return decide(example, rules).rule
    except LookupError:
        return None


def _decision(decision: Decision | None) -> DecisionTold | None:
    if decision is None:
        return None
    return DecisionTold(
        rule=decision.rule,
        contact_point=decision.level,
        priority=decision.priority,
        due_working_days=decision.due_working_days,
        suggest=[one.target for one in decision.suggestions],
        advise=[one.code for one in decision.advice],
    )
