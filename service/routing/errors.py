"""Problems of rule sets."""

from service.errors import Problem


class SamePerson(Problem):
    status, slug, title = 409, "same-person", "Drafting and activating take two people"
    explanation = "Somebody who wrote nothing of this draft activates it."


class AuthorUnknown(Problem):
    status, slug, title = 409, "author-unknown", "Nobody knows who wrote this draft"
    explanation = "Change it once, so that it has an author; somebody else activates it then."


class NotADraft(Problem):
    status, slug, title = 409, "not-a-draft", "Only a draft can be changed or activated"
    explanation = "What was activated or thrown away never changes: draft another version."


class NotActivated(Problem):
    status, slug, title = 409, "not-activated", "This was never activated"
    explanation = "Nothing succeeds a draft: change the draft itself, or draft another."


class AlreadyRetired(Problem):
    status, slug, title = 409, "retired", "This version was retired"
    explanation = "A version that was retired stays so. Draft a new one."


class BeginsInThePast(Problem):
    status, slug, title = 409, "begins-in-the-past", "It would hold from before now"
    explanation = (
        "What was received until now was decided by other rules: let it hold from now or later on. "
        "Leave `activeFrom` out for now."
    )


class NotSucceeded(Problem):
    status, slug, title = 409, "not-succeeded", "What it succeeds does not hold there at that moment"
    explanation = "`succeeds` names versions from which it takes none of its municipalities at that moment."


class MunicipalityTaken(Problem):
    status, slug, title = 409, "municipality-taken", "Another rule set holds there"
    explanation = (
        "Only one rule set holds in a municipality at a moment. The municipalities are listed under errors; "
        "name in `succeeds` the versions whose place this one takes, and retire what is planned for later."
    )


class FaultyRules(Problem):
    status, slug, title = 409, "faulty-rules", "The analysis found errors"
    explanation = (
        "Every error is listed under errors; the analysis has an example of each. Nothing was changed."
    )


class RulesNeeded(Problem):
    status, slug, title = 409, "still-needed", "A municipality would be without rules"
    explanation = "Working agreements cover what is listed under errors: activate a version that succeeds it."
