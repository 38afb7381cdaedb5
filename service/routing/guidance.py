"""Guidance for professionals who wonder: what to look for, do and leave, and which way a signal takes.

Pure: the content is data (`data/guidance.json`, own wording, each sentence with its source), the route follows
from the active rules. It knows forms of exploitation, never a signal.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from importlib.resources import files

from service.routing.choices import Choice, MultiChoice
from service.routing.guidance_models import (
    Advice,
    AdviceLists,
    Cluster,
    Content,
    Form,
    Guidance,
    Labelled,
    NoSignal,
    Route,
    RouteStep,
    Told,
)
from service.routing.rules import Rule
from service.vocabulary.lists import code_lists
from service.wire import Text


@cache
def content() -> Content:
    """The file, read and checked once."""
    return Content.model_validate_json(
        files("service.routing").joinpath("data", "guidance.json").read_bytes()
    )


def guidance_for(type: str, organisation_type: str, route: Route | None) -> Guidance:
    """What there is to say to an organisation of a type about a form, or about what is no signal."""
    told = content()
    every: list[Form | NoSignal] = [*told.forms, *told.not_registrable]
    about = next(one for one in every if type in one.codes)
    lists = [told.general, about] if isinstance(about, Form) else []
    keep_in_mind, dos, donts = (
        list(_for(organisation_type, (one for each in lists for one in getattr(each, name))))
        for name in AdviceLists.model_fields
    )
    instead = list(_for(organisation_type, about.instead_of_a_signal if isinstance(about, NoSignal) else ()))
    programmes = [one for one in told.programmes if one.code in about.programmes]
    sources = {one.source for one in (*keep_in_mind, *dos, *donts, *instead)} | {
        one.source for one in programmes
    }
    return Guidance(
        version=told.version,
        type=type,
        label=_label("severity_flag" if type == "GREEN" else _list_of(type), type),
        organisation_type=organisation_type,
        registrable=isinstance(about, Form),
        summary=about.summary,
        clusters=_clusters(about.indicators if isinstance(about, Form) else ()),
        keep_in_mind=keep_in_mind,
        dos=dos,
        donts=donts,
        instead_of_a_signal=instead,
        route=route,
        programmes=programmes,
        sources={key: name for key, name in told.sources.items() if key in sources},
    )


def steps_for(type: str, organisation_type: str, rules: Sequence[Rule]) -> list[RouteStep]:
    """The rules that may decide about a signal of this one type, in order, up to one that always does."""
    steps = []
    for rule in rules:
        when = rule.when
        known = ((when.types, type), (when.primary_type, type), (when.reporter_type, organisation_type))
        if all(choice is None or _holds(choice, code) for choice, code in known):
            steps.append(_step(rule))
            if not any(
                (when.settings, when.indicators, when.urgency, when.flag, when.flag_criteria, when.person)
            ):
                break
    return steps


def _holds(choice: Choice[str], code: str) -> bool:
    """Whether a condition holds where the fact has this value alone."""
    return (
        (choice.any_of is None or code in choice.any_of)
        and (choice.none_of is None or code not in choice.none_of)
        and (not isinstance(choice, MultiChoice) or choice.all_of is None or set(choice.all_of) == {code})
    )


def _step(rule: Rule) -> RouteStep:
    return RouteStep(
        rule=rule.name,
        why=rule.why,
        contact_point=rule.then.contact_point,
        priority=rule.then.priority,
        due_working_days=rule.then.due_working_days,
        suggestions=[one.model_dump(by_alias=True) for one in rule.then.suggest],
        advice=[one.model_dump(by_alias=True) for one in rule.then.advise],
    )


def _for(organisation_type: str, advice: Iterable[Advice]) -> Iterator[Told]:
    for one in advice:
        if not one.organisation_types or organisation_type in one.organisation_types:
            yield Told(text=one.text, source=one.source)


def _clusters(indicators: Sequence[str]) -> list[Cluster]:
    """Indicators under their clusters, both in the order of the code lists."""
    known = code_lists()["indicator"]
    clusters = dict.fromkeys(code.group for code in known.values() if code.code in indicators)
    return [
        Cluster(
            code=cluster or "",
            label=_label("indicator_cluster", cluster or ""),
            indicators=[
                Labelled(code=code.code, label=_label("indicator", code.code))
                for code in known.values()
                if code.group == cluster and code.code in indicators
            ],
        )
        for cluster in clusters
    ]


def _list_of(type: str) -> str:
    return "signal_type" if type in code_lists()["signal_type"] else "not_registrable"


def _label(code_list: str, code: str) -> Text:
    labelled = code_lists()[code_list][code]
    return Text(nl=labelled.label_nl, en=labelled.label_en)
