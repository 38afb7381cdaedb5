"""Problems of working agreements."""

from service.errors import Problem


class SamePerson(Problem):
    status, slug, title = 409, "same-person", "Drafting and activating take two people"
    explanation = "Somebody who wrote nothing of this draft activates it."


class NotADraft(Problem):
    status, slug, title = 409, "not-a-draft", "Only a draft can be changed or activated"
    explanation = "A version that was in force never changes: draft one that succeeds it."


class AlreadyEnded(Problem):
    status, slug, title = 409, "ended", "This version has ended"
    explanation = "A version that has ended stays so. Draft a new one."


class BeginsInThePast(Problem):
    status, slug, title = 409, "begins-in-the-past", "It would begin before today"
    explanation = "What was sent until now fell under other agreements: let the draft begin today or later."


class Succeeded(Problem):
    status, slug, title = 409, "succeeded", "What it succeeds is not in force any more"
    explanation = (
        "Another version has taken its place, or it has ended: draft one that succeeds the present one."
    )


class OverlappingAgreements(Problem):
    status, slug, title = (
        409,
        "overlapping-agreements",
        "A party takes part in another agreement at that time",
    )
    explanation = (
        "Nobody could say under which of the two a signal falls. The parties are listed under errors."
    )


class PartyMissing(Problem):
    status, slug, title = 409, "party-missing", "A party is no organisation in force"
    explanation = "Every party must be an organisation that has not ended. They are listed under errors."


class NobodyServes(Problem):
    status, slug, title = 409, "no-contact-point", "A municipality would have no contact point"
    explanation = (
        "On its first day a party must be the contact point of each municipality listed under errors."
    )
