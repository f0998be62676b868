"""Write what each account of the organization deploys: ``deploy.credentials.identity_reader``."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from deploy.credentials.organization_policy import governance_of
from deploy.incident.command import IncidentError, conclude, find_environment, say
from stacks.addons.identity_governance.member import member_template

__all__ = ["main"]

_COMMAND = "credentials.identity_reader"


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the template for a stack set; return the process's exit code.

    Args:
        arguments: of the command line.
    """
    parser = argparse.ArgumentParser(
        prog=f"python -m deploy.{_COMMAND}",
        description="Write the template of the role by which the audit reads in each account.",
    )
    parser.add_argument("--environment", required=True, metavar="NAME")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="a file of JSON")
    words = parser.parse_args(arguments)
    return conclude(_COMMAND, lambda: _work(words))


def _work(words: argparse.Namespace) -> None:
    environment = find_environment(words.environment)
    member = governance_of(environment).member(environment)
    try:
        words.out.write_text(f"{json.dumps(member_template(member), indent=2)}\n")
    except OSError as error:
        raise IncidentError(f"{words.out} cannot be written ({error}); name another") from error
    say(
        f"Wrote {words.out}: deploy it as a stack set to every account of {member.organization}, "
        f"this one included, in {member.region} and each Region whose changes are to ring"
    )


if __name__ == "__main__":
    raise SystemExit(main())
