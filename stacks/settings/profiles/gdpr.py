"""The rules of ``profile="gdpr"``: Regulation (EU) 2016/679 as far as settings hold it (A9, S35).

https://eur-lex.europa.eu/eli/reg/2016/679/oj
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from stacks.settings.identity import IdentityCenter
from stacks.settings.profiles.parts import reads_recorded, told
from stacks.settings.profiles.places import EEA_REGIONS
from stacks.settings.profiles.rule import Refusal, Rule

if TYPE_CHECKING:
    from stacks.settings.environment import Environment

__all__ = ["GDPR"]

_LISTED: Final = ", ".join(EEA_REGIONS)


def _in_the_area(environment: Environment) -> Refusal | None:
    outside = [each for each in environment.allowed_regions if each not in EEA_REGIONS]
    return Refusal("allowed_regions", outside[0], _LISTED) if outside else None


def _directory_in_the_area(environment: Environment) -> Refusal | None:
    identity = environment.identity
    if not isinstance(identity, IdentityCenter) or identity.region in EEA_REGIONS:
        return None
    return Refusal("identity.region", identity.region, _LISTED)


def _not_public(environment: Environment) -> Refusal | None:
    said = environment.data_class
    return Refusal("data_class", said, "'internal' or 'restricted'") if said == "public" else None


def _ends(environment: Environment) -> Refusal | None:
    for workspace in environment.workspaces:
        for name in ("data_days", "home_days"):
            if getattr(workspace, name) is None:
                return Refusal(f"workspace {workspace.name}: {name}", None, "a number of days")
    return None


GDPR: Final = (
    Rule(
        name="gdpr-regions",
        asked_by="GDPR, Article 44",
        why="elsewhere is a transfer out of the European Economic Area",
        broken=_in_the_area,
    ),
    Rule(
        name="gdpr-directory",
        asked_by="GDPR, Article 44",
        why="Identity Center keeps people's names in its own Region",
        broken=_directory_in_the_area,
    ),
    Rule(
        name="gdpr-data-class",
        asked_by="GDPR, Article 32",
        why="personal data are not public",
        broken=_not_public,
    ),
    Rule(
        name="gdpr-ends",
        asked_by="GDPR, Article 5(1)(e)",
        why="personal data are kept no longer than their purpose needs",
        broken=_ends,
    ),
    Rule(
        name="gdpr-reads-recorded",
        asked_by="GDPR, Articles 5(2) and 32",
        why="who read personal data can be shown",
        broken=reads_recorded,
    ),
    Rule(
        name="gdpr-alarms-told",
        asked_by="GDPR, Article 33",
        why="a breach is reported within 72 hours, so somebody hears of it at once",
        broken=told,
    ),
)
"""Where data are, then how long, then who hears of it."""
