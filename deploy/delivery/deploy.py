"""Judge and deploy an environment without a question, as a pipeline does: ``make deploy ENV=prod``.

Whoever runs it needs no right but to take the four roles of the environment's bootstrap; the CDK's
command takes them. What ``python -m deploy.up`` asks the account before a change, it does not ask:
those roles read no list of stacks. Read ``make diff`` before the change is merged.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from deploy.lifecycle.account import Cdk, LifecycleError, find_environment, say
from deploy.lifecycle.assembly import judged
from deploy.tools.cdk import CdkFailed, cdk_in_terminal
from starburst.errors import StarburstError
from starburst.untrusted.terminal_text import one_line, tell

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None, *, cdk: Cdk = cdk_in_terminal) -> int:
    """Deploy all stacks of an environment; return the process's exit code.

    Args:
        arguments: of the command line.
        cdk: runs the CDK's command.
    """
    parser = argparse.ArgumentParser(prog="python -m deploy.delivery.deploy", description=__doc__)
    parser.add_argument("environment", metavar="NAME", help="of environments.py")
    words = parser.parse_args(arguments)
    try:
        environment = find_environment(words.environment)
        with tempfile.TemporaryDirectory() as outdir:
            assembly = judged(environment, Path(outdir))
            cdk(
                (
                    *("deploy", f"{environment.name}/*", "--app", str(assembly)),
                    *("--require-approval", "never", "--progress", "events", "--ci"),
                )
            )
    except (CdkFailed, LifecycleError, StarburstError) as error:
        tell(one_line(error), sys.stderr)
        return 1
    say(f"environment {environment.name} is deployed")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
