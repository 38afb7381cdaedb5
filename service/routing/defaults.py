"""The default rule sets that ship with the register: Helmond and the Peel, Ede, Utrecht.

They are data (`data/*.json`), loaded by demo and administrator, never put in force by themselves. Each rule
names its source in `basis`; where that says "proposal" no source was found and the municipality decides.
"""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from service.routing.rules import RuleSetContent

NAMES = ("helmond", "ede", "utrecht")


@cache
def default_rule_sets() -> Mapping[str, RuleSetContent]:
    """The default rule sets by name."""
    folder = files("service.routing").joinpath("data")
    return MappingProxyType(
        {
            name: RuleSetContent.model_validate_json(folder.joinpath(f"{name}.json").read_bytes())
            for name in NAMES
        }
    )
