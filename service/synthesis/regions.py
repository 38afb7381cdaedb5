"""Who reports whom: one endless stream of reports for each region.

Decides reporter, topic and persons, which all reporters of a region share; the details of a body come later,
so that a stream can be read for one reporter without changing it. Called by `generate`. Never knows a date.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from service.synthesis import calibration
from service.synthesis import coherence as fits
from service.synthesis.calibration import Topic
from service.synthesis.figures import Mix
from service.synthesis.models import Agreement, Client, Pack
from service.synthesis.persons import Acquaintance, Person, pseudonym
from service.vocabulary.lists import codes, group_of
from service.vocabulary.municipalities import municipalities

REQUIRED = ("primaryType", "observedFrom", "municipalities", "persons")
REQUIRED_OF_PERSON = ("pseudonym", "role", "ageBand", "gender")
# Young people move: some live outside the reporters' territory, of some nobody knows where. No figure.
LIVES_ELSEWHERE = 0.08
LIVES_UNKNOWN = 0.04


class Sender:
    """A reporter of the pack, with the shares that its agreement leaves open."""

    def __init__(self, client: Client, type_: str, agreement: Agreement) -> None:
        rule = agreement.sending[type_]
        self.name = client.name
        self.type = type_
        self.types = rule.types
        self.roles = rule.roles
        self.fields = frozenset(
            (*rule.fields, *REQUIRED, *REQUIRED_OF_PERSON, *(["note"] if rule.note else []))
        )
        self.places = by_inhabitants(client.municipalities)
        every = calibration.topics(type_)
        self.topics = every.only([topic for topic in every.shares if topic.type in rule.types])
        self.first_roles = {one: fits.first_roles(one).only(rule.roles) for one in rule.types}
        self.further_roles = fits.FURTHER_ROLES.only(rule.roles)
        bases = fits.LEGAL_BASES.only(rule.legal_bases)
        self.legal_bases = {band: bases.only(fits.legal_bases(band)) for band in (*codes("age_band"), None)}


@dataclass(frozen=True, slots=True)
class Report:
    """Somebody's wish to report: by whom, about what, and about whom in which role."""

    sender: Sender
    type: str
    persons: list[tuple[str, Person]]


def regions(pack: Pack, seed: int) -> list["Region"]:
    """The regions of the pack, one for each agreement with reporters."""
    found = [Region(pack, agreement, seed) for agreement in pack.agreements]
    return [region for region in found if region.senders]


def by_inhabitants(places: tuple[str, ...]) -> Mix[str]:
    """Municipalities, each in proportion to its inhabitants."""
    return Mix({code: municipalities()[code].inhabitants for code in places})


class Region:
    """The reporters of one agreement and the persons they meet."""

    def __init__(self, pack: Pack, agreement: Agreement, seed: int) -> None:
        self._seed = seed
        self._title = agreement.title
        self._random = Random(f"{agreement.title} {seed}")  # noqa: S311  (reproducible, nothing secret)
        clients = [c for c in pack.clients if c.role == "reporter" and c.organisation in agreement.parties]
        types = {client.name: pack.organisation(client.organisation).type for client in clients}
        self.senders = {c.name: Sender(c, types[c.name], agreement) for c in clients}
        local = {code: None for client in clients for code in client.municipalities}
        self.inhabitants = sum(municipalities()[code].inhabitants for code in local)
        self._homes = _homes(tuple(local), agreement.municipalities)
        self._acquaintances = {p: Acquaintance(self._random) for p in fits.NAMELESS}
        self._number = 0

    def reports(self) -> Iterator[Report]:
        """Reports without end, by all reporters of the region."""
        senders = list(self.senders.values())
        shares = calibration.reporter_shares([sender.type for sender in senders])
        alike = {s.name: sum(other.type == s.type for other in senders) for s in senders}
        by_share = Mix({sender: shares[sender.type] / alike[sender.name] for sender in senders})
        while True:
            sender = by_share.draw(self._random)
            topic = sender.topics.draw(self._random)
            yield Report(sender, topic.type, self._persons(sender, topic))

    def _persons(self, sender: Sender, topic: Topic) -> list[tuple[str, Person]]:
        size = fits.PERSONS.draw(self._random)
        if size == 0:
            return []
        role = sender.first_roles[topic.type].draw(self._random)
        persons = [(role, self._person(sender, topic, role))]
        if topic.type == "CRIMINAL_EXPLOITATION" and role == "VICTIM" and "SUSPECT" in sender.roles:
            persons += self._as_suspect(persons[0][1])
        for _ in range(len(persons), size):
            role = sender.further_roles.draw(self._random)
            person = self._person(sender, self._beside(topic, role), role)
            if role not in dict(persons) and person not in dict(persons).values():
                persons.append((role, person))
        return persons

    def _as_suspect(self, victim: Person) -> list[tuple[str, Person]]:
        also = victim.pseudonym != "UNKNOWN" and self._random.random() < fits.ALSO_SUSPECT
        return [("SUSPECT", victim)] if also else []

    def _beside(self, topic: Topic, role: str) -> Topic:
        """The topic at a further person's age: offenders are of all ages, the others like the first."""
        if group_of("person_role", role) != "OFFENDERS":
            return topic
        return Topic(topic.type, calibration.AGES_OF_OFFENDERS.draw(self._random))

    def _person(self, sender: Sender, topic: Topic, role: str) -> Person:
        population = group_of("person_role", role)
        if self._random.random() < fits.NAMELESS[population]:
            return self._nameless(topic, role)
        return self._acquaintances[population].met(
            sender.type,
            among=(fits.form_group(topic.type), topic.age),
            again=calibration.re_reported(topic.type),
            newcomer=lambda: self._newcomer(topic, role),
        )

    def _newcomer(self, topic: Topic, role: str) -> Person:
        self._number += 1
        number = f"{self._title}|{self._number}"
        return Person(
            pseudonym=pseudonym("b", self._seed, number),
            by_name=pseudonym("n", self._seed, number),
            age_band=calibration.AGE_BANDS[topic.age].draw(self._random),
            gender=calibration.genders(topic.type, role).draw(self._random),
            residence=self._homes.draw(self._random),
        )

    def _nameless(self, topic: Topic, role: str) -> Person:
        band = calibration.AGE_BANDS[topic.age].draw(self._random)
        unseen = self._random.random() < fits.AGE_UNSEEN
        gender = calibration.genders(topic.type, role).draw(self._random)
        return Person("UNKNOWN", "UNKNOWN", "UNKNOWN" if unseen else band, gender, "UNKNOWN")


def _homes(local: tuple[str, ...], covered: tuple[str, ...]) -> Mix[str]:
    around = tuple(code for code in covered if code not in local)
    homes = {code: (1 - LIVES_ELSEWHERE) * share for code, share in by_inhabitants(local).shares.items()}
    homes |= {code: LIVES_ELSEWHERE * share for code, share in by_inhabitants(around).shares.items()}
    return Mix(homes | {"UNKNOWN": LIVES_UNKNOWN})
