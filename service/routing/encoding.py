"""Rules as a Boolean formula over every signal that there can be. Pure.

One variable says that a code is there, or a kind of person; one more for each rule says that it matches. What solves
the formula is a signal, and what has no solution never happens. Called by the analysis.
"""

from collections.abc import Iterable, Sequence
from threading import Timer
from time import monotonic
from types import TracebackType
from typing import Self

from pysat.card import CardEnc, EncType
from pysat.formula import IDPool
from pysat.solvers import Solver

from service.routing.choices import ABSENT
from service.routing.decide import Clause, CompiledRule
from service.routing.facts import Atoms, Facts, PersonFacts
from service.routing.space import Space

SOLVER = "glucose4"  # tries the negative first: its solutions are small signals


class OutOfTime(Exception):
    """It took longer than was allowed."""


class Encoding:
    """The signals of a space, and the literals of rules over them; a context, for the solver is freed by hand."""

    def __init__(self, space: Space, rules: Sequence[CompiledRule], *, seconds: float) -> None:
        """`seconds`: after which every question, the one at work too, ends with `OutOfTime`."""
        self._space = space
        self._names = IDPool()
        self._solver = Solver(name=SOLVER)
        self._ends = monotonic() + seconds
        self._timer = Timer(max(seconds, 0), self._solver.interrupt)  # for the question that is at work then
        self._timer.daemon = True
        self._timer.start()
        self._never: int = self._names.id("never")
        self._solver.add_clause([-self._never])
        self._atoms = self._signals()
        self._persons = {person: self._names.id(person) for person in space.persons}
        self._at_most(list(self._persons.values()), space.most_persons)
        self.matches = [self._rule(rule) for rule in rules]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        self._timer.join()  # or it would interrupt a solver that is gone
        self._solver.delete()

    def example(self, *literals: int) -> Facts | None:
        """A signal for which all of these literals are true; None where there is none. Raises `OutOfTime`."""
        if monotonic() > self._ends:
            raise OutOfTime
        # Without `expect_interrupt` the solver keeps the interpreter to itself for as long as it takes.
        solved = self._solver.solve_limited(assumptions=literals, expect_interrupt=True)
        if solved is None:
            raise OutOfTime
        if not solved:
            return None
        true = {literal for literal in self._solver.get_model() or () if literal > 0}
        return self._facts(true)

    def culprits(self) -> set[int]:
        """Of the literals of the last call that had no example, some that cannot be true together."""
        return set(self._solver.get_core() or ())

    def _signals(self) -> dict[str, int]:
        space = self._space
        single: dict[str, Sequence[str | None]] = {
            "primary_type": space.types,
            "urgency": space.urgencies,
            "flag": space.flags,
            "reporter_type": space.reporter_types,
        }
        several = {
            "types": space.types,
            "settings": space.settings,
            "indicators": space.indicators,
            "flag_criteria": space.flag_criteria,
        }
        atoms = [f"{fact}={code or ABSENT}" for fact, codes in (single | several).items() for code in codes]
        variables = {atom: self._names.id(atom) for atom in atoms}
        for fact, codes in single.items():
            its = [variables[f"{fact}={code or ABSENT}"] for code in codes]
            self._solver.add_clause(its)
            self._at_most(its, 1)
        for code in space.types:
            self._solver.add_clause([-variables[f"primary_type={code}"], variables[f"types={code}"]])
        return variables

    def _at_most(self, literals: list[int], bound: int) -> None:
        if len(literals) > bound:
            few = CardEnc.atmost(literals, bound, vpool=self._names, encoding=EncType.seqcounter)
            for clause in few.clauses:
                self._solver.add_clause(clause)

    def _rule(self, rule: CompiledRule) -> int:
        """A literal that is true of exactly the signals that the rule matches."""
        parts = self._parts(rule.signal)
        if rule.person is not None:
            meant = [self._persons[one] for one in self._space.persons if rule.person.holds(one.atoms())]
            parts.append(self._any(meant))
        return self._all(parts)

    def _parts(self, clause: Clause) -> list[int]:
        return [
            *(self._any(map(self._atom, choice)) for choice in clause.any_of),
            *map(self._atom, clause.all_of),
            *(-self._atom(atom) for atom in clause.none_of),
        ]

    def _atom(self, atom: str) -> int:
        """The literal of an atom; one that no signal has is never true."""
        return self._atoms.get(atom, self._never)

    def _any(self, literals: Iterable[int]) -> int:
        return -self._all([-literal for literal in literals])

    def _all(self, literals: Sequence[int]) -> int:
        both: int = self._names.id(("all", *sorted(literals)))
        for literal in literals:
            self._solver.add_clause([-both, literal])
        self._solver.add_clause([both, *(-literal for literal in literals)])
        return both

    def _facts(self, true: set[int]) -> Facts:
        space = self._space

        def chosen(fact: str, codes: Iterable[str | None]) -> list[str | None]:
            return [code for code in codes if self._atoms[f"{fact}={code or ABSENT}"] in true]

        def several(fact: str, codes: Iterable[str]) -> Atoms:
            return frozenset(code for code in chosen(fact, codes) if code is not None)

        (primary_type,) = several("primary_type", space.types)
        (reporter_type,) = several("reporter_type", space.reporter_types)
        (urgency,), (flag,) = chosen("urgency", space.urgencies), chosen("flag", space.flags)
        persons: tuple[PersonFacts, ...] = tuple(
            person for person, variable in self._persons.items() if variable in true
        )
        return Facts(
            primary_type=primary_type,
            types=several("types", space.types),
            settings=several("settings", space.settings),
            indicators=several("indicators", space.indicators),
            urgency=urgency,
            flag=flag,
            flag_criteria=several("flag_criteria", space.flag_criteria),
            reporter_type=reporter_type,
            persons=persons,
            group=False,
        )
