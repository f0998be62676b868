"""Write what its account deploys: ``python -m deploy.credentials.identity_center``."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deploy.incident.command import IncidentError, find_environment
from stacks.settings import IdentityCenter
from starburst.untrusted.terminal_text import one_line, tell

if TYPE_CHECKING:
    from stacks.settings import Environment

__all__ = ["main", "template_of"]


def template_of(environment: Environment, center: IdentityCenter) -> dict[str, Any]:
    """Return the template of an environment's permission sets.

    Args:
        environment: its settings.
        center: its identity.
    """
    import aws_cdk as cdk  # noqa: PLC0415 - takes seconds, and a refusal needs none of it

    from deploy.credentials.permission_sets import IdentityCenterStack  # noqa: PLC0415

    app = cdk.App(analytics_reporting=False)
    stack = IdentityCenterStack(app, "identity-center", environment=environment, center=center)
    template: dict[str, Any] = app.synth().get_stack_artifact(stack.artifact_id).template
    return template


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the template; return the process's exit code.

    Args:
        arguments: of the command line.
    """
    parser = argparse.ArgumentParser(
        prog="python -m deploy.credentials.identity_center",
        description="Write the CloudFormation template of an environment's permission sets.",
    )
    parser.add_argument("--environment", required=True, metavar="NAME")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="a file of JSON")
    words = parser.parse_args(arguments)
    try:
        environment = find_environment(words.environment)
    except IncidentError as error:
        tell(one_line(error), sys.stderr)
        return 2
    center = environment.identity
    if not isinstance(center, IdentityCenter):
        tell(
            one_line(
                f"environment {environment.name} signs people in by a {type(center).__name__}, so "
                "there is no permission set to write; set identity=IdentityCenter(…) first"
            ),
            sys.stderr,
        )
        return 2
    import app  # noqa: PLC0415 - chooses the Node that jsii starts

    app.use_bundled_node()
    words.out.write_text(f"{json.dumps(template_of(environment, center), indent=2)}\n")
    told = (
        f"Wrote {words.out}: deploy it as starburst-{environment.name}-identity-center in account "
        f"{center.account}, {center.region}, once the environment's own stacks are there"
    )
    tell(one_line(told), sys.stdout)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
