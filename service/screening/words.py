"""The word lists of the guard, read once: given names, places, and other words written with a capital."""

from importlib.resources import files

_AMBIGUOUS = " ~"


def _lines(name: str) -> list[str]:
    text = files("service.screening").joinpath("data", name).read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def words(name: str) -> frozenset[str]:
    """The words of a list in `data/`."""
    return frozenset(_lines(name))


_given = _lines("given_names.txt")

# Names that are no word of Dutch or English: a name wherever it stands, in capitals or not.
SURE_NAMES = frozenset(line for line in _given if not line.endswith(_AMBIGUOUS)) | words("more_names.txt")
# The others, as roos, mark or april: a name with a capital in the middle of a sentence.
AMBIGUOUS_NAMES = (
    frozenset(line.removesuffix(_AMBIGUOUS) for line in _given if line.endswith(_AMBIGUOUS)) - SURE_NAMES
)
# What may have a capital in the middle of a sentence without being a person's name.
KNOWN_CAPITALS = words("places.txt") | words("capitals.txt")
# Names of more than one word that are nobody's.
PHRASES = tuple(_lines("phrases.txt"))
