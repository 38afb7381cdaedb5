"""How the demo prints: for somebody at a town hall, with labels instead of codes."""

from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.panel import Panel
from rich.table import Table

from service.vocabulary.lists import label
from service.vocabulary.municipalities import municipalities

NOT_SHOWN = {"<10": "< 10", "withheld": "·"}


class Screen:
    """A console with the few shapes that the demo needs."""

    def __init__(self) -> None:
        self.console = Console(highlight=False, width=None if Console().is_terminal else 110)

    def chapter(self, title: str, text: str) -> None:
        self.console.print()
        self.console.rule(f"[bold]{title}")
        self.console.print(text)

    def say(self, text: str) -> None:
        self.console.print(text)

    def address(self, address: str) -> None:
        """A line that is not broken, for it is clicked on or copied."""
        self.console.print(f"  {address}", soft_wrap=True, highlight=False)

    def receipt(self, sender: str, told: str, receipt: dict[str, Any]) -> None:
        """What a partner gets back."""
        referral, decision = receipt["referral"], receipt["decision"]
        point = referral["contactPoint"]
        lines = [
            told,
            "",
            f"[bold]Goes to[/]   {point['organisation']}: {point['function']}, phone {point['phone']}",
            f"[bold]Due[/]       {referral['dueOn']}, priority {referral['priority'].lower()}",
            f"[bold]Because[/]   {decision['explanation']['en']} (rule {decision['rule']})",
        ]
        lines += [f"[bold]Advice[/]    {advice['text']['en']}" for advice in decision["advice"]]
        self.console.print(Panel("\n".join(lines), title=sender, title_align="left"))

    def sides(self, steps: Sequence[tuple[str, str, str]]) -> None:
        """A step a row: what the partner has or sends, and what the key service sees of it."""
        table = Table("", show_lines=True)
        for side in ("at the partner", "at the key service"):
            table.add_column(side, overflow="fold")
        for step in steps:
            table.add_row(*step)
        self.console.print(table)

    def opened(self, sending: dict[str, Any]) -> None:
        """What a client may send, as /v1/me tells it."""
        table = Table("what it may send", "codes", title="GET /v1/me")
        for name, codes in sending.items():
            table.add_row(name, ", ".join(codes) if isinstance(codes, list) else str(codes).lower())
        self.console.print(table)

    def faults(self, problem: dict[str, Any]) -> None:
        """What a wrong body gets back."""
        table = Table("where", "what is wrong", title=f"{problem['status']}: {problem['title']}")
        for fault in problem["errors"]:
            table.add_row(fault["pointer"] or "(the whole)", fault["detail"])
        self.console.print(table)

    def batch(self, answers: Sequence[dict[str, Any]]) -> None:
        """What the lines of a batch get back."""
        table = Table("line", "answer", title="POST /v1/signals/_batch: a bad line spoils no good one")
        for answer in answers:
            faults = answer.get("problem", {}).get("errors", [])
            told = "; ".join(f"{one['pointer']} {one['detail']}" for one in faults)
            due = answer.get("receipt", {}).get("referral", {}).get("dueOn")
            table.add_row(
                str(answer["line"]), f"registered, due {due}" if due else f"{answer['status']}: {told}"
            )
        self.console.print(table)

    def findings(self, findings: Sequence[dict[str, Any]]) -> None:
        """What the analysis of a rule set says: its errors, and a few of its notes."""
        table = Table("", "finding", "a signal that shows it", title="GET /v1/rule-sets/{version}/analysis")
        errors = [one for one in findings if one["severity"] == "ERROR"]
        for finding in [*errors, *findings[len(errors) :][:2]]:
            table.add_row(
                finding["severity"].lower(), finding["told"]["en"], _signal_words(finding.get("example"))
            )
        self.console.print(table)

    def simulated(self, simulation: dict[str, Any]) -> None:
        """How many decisions a draft changes, and in which ways."""
        table = Table(
            "now",
            "then",
            "times",
            title=f"{simulation['changed']} of {simulation['signals']} generated signals",
        )
        for change in simulation["changes"]:
            table.add_row(
                _decision_words(change["before"]), _decision_words(change["after"]), str(change["times"])
            )
        self.console.print(table)

    def figures(self, title: str, figures: dict[str, int]) -> None:
        """Figures by their names, in one row."""
        table = Table(*figures, title=title)
        table.add_row(*(str(figure) for figure in figures.values()))
        self.console.print(table)

    def heard(self, feedback: Sequence[dict[str, Any]]) -> None:
        """What a reporter has heard about a signal."""
        table = Table("when", "what", title="GET /v1/signals/{id}/feedback")
        for one in feedback:
            kind = one.get("organisationType")
            told = label("feedback_code", one["code"])
            table.add_row(one["at"], f"{told}: {label('org_type', kind)}" if kind else told)
        self.console.print(table)

    def queue(self, title: str, referrals: Sequence[dict[str, Any]]) -> None:
        """A queue, most urgent first."""
        table = Table(
            "priority", "due", "what", "who", "reported by", "suggested", title=title, show_lines=True
        )
        for referral in referrals:
            suggestions = referral.get("decision", {}).get("suggestions", [])
            table.add_row(
                referral["priority"].lower(),
                referral["dueOn"],
                label("signal_type", referral["signal"]["primaryType"]),
                "\n".join(person_words(person) for person in referral["signal"].get("persons", []))
                or "group",
                "\n".join(referral["reporter"][name] for name in ("organisation", "function", "phone")),
                "\n".join(label("referral_target", one["target"]) for one in suggestions),
            )
        self.console.print(table)

    def told(self, title: str, signal: dict[str, Any]) -> None:
        """Exactly what a recipient is told, field by field."""
        table = Table("field", "value", title=title)
        for name, value in signal.items():
            if name == "persons":
                value = "; ".join(person_words(person) for person in value)
            table.add_row(name, ", ".join(value) if isinstance(value, list) else str(value))
        self.console.print(table)

    def released(
        self, title: str, rows: Sequence[tuple[str, Sequence[dict[str, Any]]]], head: Sequence[str]
    ) -> None:
        """Rows of a released table."""
        table = Table("", *head, title=title)
        for name, cells in rows:
            table.add_row(name, *(_number(cell) for cell in cells))
        self.console.print(table)


def person_words(person: dict[str, Any]) -> str:
    """A person in words: role, gender, age band, municipality."""
    place = municipalities().get(person.get("municipality", ""))
    words = [
        label("person_role", person["role"]).replace("(Possible)", "Possible"),
        label("gender", person["gender"]).lower(),
        label("age_band", person["ageBand"]),
    ]
    return ", ".join([*words, place.name] if place else words)


def _signal_words(signal: dict[str, Any] | None) -> str:
    if signal is None:
        return "–"
    types = [label("signal_type", one) for one in signal["types"]]
    marks = [f"{name} {signal[name].lower()}" for name in ("urgency", "flag") if name in signal]
    return "; ".join([*types, *marks, *(person_words(person) for person in signal["persons"])])


def _decision_words(decision: dict[str, Any]) -> str:
    targets = ", ".join(label("referral_target", one) for one in decision["suggest"])
    return f"{decision['rule']}: {decision['priority'].lower()}; {targets}"


def _number(cell: dict[str, Any]) -> str:
    return str(cell["value"]) if cell["value"] is not None else NOT_SHOWN[cell["status"]]
