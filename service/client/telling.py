"""How a referral is told to somebody at a terminal, in Dutch or English. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

from service.vocabulary.lists import code_lists, label
from service.vocabulary.municipalities import municipalities

WORDS = {
    "nl": (
        "uiterlijk",
        "melder",
        "van",
        "kenmerk",
        "waarom",
        "suggestie",
        "advies",
        "persoon",
        "gezien",
        "vraag",
        "antwoord",
        "doorgezet",
        "te laat",
    ),
    "en": (
        "due by",
        "reporter",
        "from",
        "reference",
        "why",
        "suggestion",
        "advice",
        "person",
        "seen",
        "question",
        "answer",
        "forwarded",
        "overdue",
    ),
}


def referral_lines(referral: Mapping[str, Any], language: str) -> Iterator[str]:
    """A referral, line by line, with labels instead of codes."""
    due, reporter, sender, reference, why, suggestion, advice, person, seen, *later = WORDS[language]
    question, answer, forwarded, overdue = later

    def told(list_name: str, code: str | None) -> str:
        known = code is not None and code in code_lists()[list_name]
        return label(list_name, code, language) if known and code else code or ""

    signal, decision = referral.get("signal") or {}, referral.get("decision") or {}
    kind = told("signal_type", signal.get("primaryType"))
    state = "  ".join(str(referral[name]) for name in ("id", "status", "priority"))
    yield f"{state}  {due} {referral['dueOn']}  (version {referral['version']})"
    if kind:
        place = (signal.get("municipalities") or {}).get("incident")
        known = municipalities().get(place or "")
        yield f"  {kind}{f', {known.name}' if known else ''}"
    if who := referral.get("reporter"):
        whom = ", ".join(who[name] for name in ("organisation", "function", "phone") if who.get(name))
        yield f"  {reporter}: {whom}"
    if referral.get("forwardedBy"):
        yield f"  {sender}: {referral['forwardedBy']}"
    if referral.get("partnerReference"):
        yield f"  {reference}: {referral['partnerReference']}"
    if signal.get("note"):
        yield f"  “{signal['note']}”"
    for one in signal.get("persons") or []:
        parts = (
            told("person_role", one.get("role")),
            told("age_band", one.get("ageBand")),
            told("gender", one.get("gender")),
        )
        yield f"  {person}: {', '.join(filter(None, parts))}"
    for one in signal.get("indicators") or []:
        if one.get("observation") == "OBSERVED":
            yield f"  {seen}: {told('indicator', one.get('code'))}"
    if explanation := (decision.get("explanation") or {}).get(language):
        yield f"  {why}: {explanation}"
    for one in decision.get("suggestions") or []:
        target = told("referral_target", one.get("target"))
        yield f"  {suggestion}: {target}: {(one.get('why') or {}).get(language, '')}"
    for one in decision.get("advice") or []:
        yield f"  {advice}: {(one.get('text') or {}).get(language) or one.get('code')}"
    for one in referral.get("children") or []:
        state = told("referral_status", one["status"])
        yield f"  {forwarded}: {one['organisation']}: {state}"
    for one in referral.get("questions") or []:
        kind = one.get("text") or told("question_kind", one["kind"])
        yield f"  {question}: {kind}"
        if one.get("answeredAt"):
            yield f"  {answer}: {one.get('answer') or one.get('permitted')}"
    if any(one["dueOn"] == referral["dueOn"] for one in referral.get("escalations") or []):
        yield f"  {overdue}"
