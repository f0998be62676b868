"""What the judges need beyond the kit's own dependencies, and the sentence where it is missing."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from types import MappingProxyType
from typing import Final

__all__ = ["EXTRA", "JUDGES", "MissingJudgeError", "require_judges"]

EXTRA: Final = "assurance"
"""The extra of the kit that brings all of them."""

JUDGES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "cdk-nag": "cdk_nag",
        "cdklabs-cdk-validator-cfnguard": "cdklabs.cdk_validator_cfnguard",
        "cfn-lint": "cfnlint",
        "cvc5": "cvc5",
        "policy-sentry": "policy_sentry",
    }
)
"""The module of each distribution in the extra."""


class MissingJudgeError(RuntimeError):
    """Something that judges is not installed, so nothing may pass."""


def require_judges() -> None:
    """Return where every judge can run; nothing is imported for it.

    Raises:
        MissingJudgeError: a distribution of the extra is missing; says which, and how to get it.
    """
    missing = [name for name, module in JUDGES.items() if not _installed(module)]
    if missing:
        raise MissingJudgeError(
            f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'} not installed, and "
            "nothing may pass unjudged: install the kit with its judges, "
            f"pip install 'starburst-kit[{EXTRA}]', or in a checkout pip install -r "
            "requirements.txt"
        )


def _installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # the package that it would be in
        return False
