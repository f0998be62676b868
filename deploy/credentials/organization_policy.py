"""Print the policy for instances of Identity Center: ``deploy.credentials.organization_policy``.

For whoever administers the organization's policies, where the environment's account may not attach
one. With ``--check`` it says whether a policy in a file is one that Organizations takes.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from deploy.incident.command import IncidentError, conclude, find_environment, say, shown
from stacks.addons.identity_governance import IdentityGovernance
from stacks.addons.identity_governance.instances_policy import instances_policy
from stacks.addons.identity_governance.policy_form import PolicyFormError, read_policy

if TYPE_CHECKING:
    from stacks.settings import Environment

__all__ = ["governance_of", "main"]

_COMMAND = "credentials.organization_policy"


def governance_of(environment: Environment) -> IdentityGovernance:
    """Return the identity governance of an environment.

    Raises:
        IncidentError: it has none.
    """
    for addon in environment.addons:
        if isinstance(addon, IdentityGovernance):
            return addon
    raise IncidentError(
        f"environment {environment.name} governs no identities, so there is nothing to write; add "
        "IdentityGovernance(…) to its addons first"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the policy, or check one; return the process's exit code.

    Args:
        arguments: of the command line.
    """
    parser = argparse.ArgumentParser(
        prog=f"python -m deploy.{_COMMAND}",
        description="Print the service control policy for instances of Identity Center.",
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--environment", metavar="NAME", help="whose settings say who may")
    what.add_argument("--check", type=Path, metavar="FILE", help="only check a policy's form")
    words = parser.parse_args(arguments)
    return conclude(_COMMAND, lambda: _work(words))


def _work(words: argparse.Namespace) -> None:
    if words.check is not None:
        _check(words.check)
        return
    environment = find_environment(words.environment)
    shown(instances_policy(governance_of(environment).allowed_accounts))


def _check(path: Path) -> None:
    try:
        read_policy(path.read_text())
    except (OSError, UnicodeDecodeError) as error:
        raise IncidentError(f"{path} cannot be read ({error}); name another file") from error
    except PolicyFormError as error:
        raise IncidentError(f"{path}: {error}") from error
    say(f"{path} has the form of a policy; what it means is proved of the add-on's own alone")


if __name__ == "__main__":
    raise SystemExit(main())
