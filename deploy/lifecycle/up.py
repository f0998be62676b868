"""Deploy an environment, and protect its stacks once they exist: ``python -m deploy.up``.

``cdk deploy`` turns termination protection on before it makes a stack for the first time. Where
that fails, what is left of the stack can then be neither made again nor deleted until somebody
lifts the protection by hand. Here protection follows the first success.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Container, Iterator, Sequence
from pathlib import Path
from typing import Final

from deploy.changing.assembly import manifests
from deploy.tools.cdk import cdk_in_terminal
from starburst.aws.calls import TROUBLE
from starburst.errors import StarburstError
from starburst.untrusted.terminal_text import one_line, tell

from .account import INTERRUPTED, Account, LifecycleError, find_environment, say, sign_in
from .assembly import judged
from .checks.groups import refuse_groups
from .checks.secrets import refuse_secrets
from .deployed import deployed, settle
from .diff import refuse

__all__ = ["deploy", "main"]

_AGAIN: Final = "Run the same command again: it goes on where it ended"


def deploy(
    account: Account, *, assembly: Path, parts: Sequence[str] = (), options: Sequence[str] = ()
) -> None:
    """Deploy stacks of an environment; those that its settings protect are protected afterwards.

    Args:
        account: where, and by which hands.
        assembly: what synthesis wrote. It is changed: a stack that does not exist yet is made
            without protection.
        parts: ids of stacks such as ``registry``; all without it.
        options: more of ``cdk deploy``.

    Raises:
        CdkFailed: a stack was not deployed. Those that were are protected.
        LifecycleError: CloudFormation would stop half-way, or take data along, and nothing was
            done; or a stack that was made could not be protected: says which.
    """
    existing = {stack.name: stack for stack in deployed(account)}
    alone = bool({"-e", "--exclusively"} & set(options))
    refuse(account, assembly, existing=existing.values(), parts=parts, alone=alone)
    made = {name for name, stack in existing.items() if not stack.never_made}
    for name, stack in existing.items():
        if stack.never_made and stack.protected:
            # Nothing was made, so nothing is lost with it; the CLI deletes it and begins again.
            _protect(account, name, on=False)
            account.say(f"stack {name} is {stack.status}: its protection is lifted to make it anew")
    wanted = set(_protected(assembly, but_only_if_in=made))
    chosen = [f"{account.environment.name}/{part}" for part in parts or ("*",)]
    try:
        account.cdk(("deploy", *chosen, "--app", str(assembly), *options))
    except BaseException as error:
        # What the CLI left behind when it ended is made all the same.
        if open_ := _protect_made(account, wanted):
            raise LifecycleError(f"{error or 'interrupted'}. Besides, {open_}") from error
        raise
    if open_ := _protect_made(account, wanted):
        raise LifecycleError(f"everything is deployed, but {open_}")


def _protect_made(account: Account, wanted: Container[str]) -> str:
    """Protect each stack that was made; return what could not be, and what to do, or nothing."""
    failed: list[str] = []
    try:
        found = deployed(account)
    except TROUBLE as error:
        return f"no stack is protected from deletion yet: {error}. {_AGAIN}"
    for stack in found:
        if stack.name not in wanted or stack.protected:
            continue
        try:
            status = settle(account, stack.name) if stack.moving else stack.status
            if _is_made(status):
                _protect(account, stack.name, on=True)
                account.say(f"stack {stack.name} is protected from deletion")
        except (LifecycleError, *TROUBLE) as error:
            failed.append(f"{stack.name} is not protected from deletion: {error}")
    return f"{'; '.join(failed)}. {_AGAIN}" if failed else ""


def _is_made(status: str) -> bool:
    return status == "CREATE_COMPLETE" or status.startswith("UPDATE_")


def _protect(account: Account, name: str, *, on: bool) -> None:
    account.client("cloudformation").update_termination_protection(
        StackName=name, EnableTerminationProtection=on
    )


def _protected(assembly: Path, *, but_only_if_in: set[str]) -> Iterator[str]:
    """Yield the names of stacks to protect, and leave that to the CLI for those that exist only."""
    for path, manifest, stacks in manifests(assembly):
        protected = [one for one in stacks if one.get("terminationProtection")]
        new = [one for one in protected if one["stackName"] not in but_only_if_in]
        yield from (one["stackName"] for one in protected)
        for properties in new:
            properties["terminationProtection"] = False
        if new:
            path.write_text(json.dumps(manifest, indent=2))


def main(arguments: Sequence[str] | None = None) -> int:
    """Deploy what is named; return the process's exit code.

    Args:
        arguments: of the command line.
    """
    parser = argparse.ArgumentParser(
        prog="python -m deploy.up",
        description="Deploy an environment; stacks of production are protected once they exist. "
        "It drops no workspace that is not retired.",
        epilog="What stands behind -- goes to cdk deploy, such as: -- --require-approval never",
    )
    parser.add_argument("--environment", required=True, metavar="NAME")
    parser.add_argument(
        "parts", nargs="*", metavar="STACK", help="such as registry (default: all of them)"
    )
    given = list(sys.argv[1:] if arguments is None else arguments)
    cut = given.index("--") if "--" in given else len(given)
    words = parser.parse_args(given[:cut])
    try:
        environment = find_environment(words.environment)
        account = Account(environment=environment, client=sign_in(environment), cdk=cdk_in_terminal)
        refuse_groups(environment, account.client)
        refuse_secrets(environment, account.client, say)
        with tempfile.TemporaryDirectory() as outdir:
            deploy(
                account,
                assembly=judged(environment, Path(outdir)),
                parts=words.parts,
                options=given[cut + 1 :],
            )
    except StarburstError as error:
        tell(one_line(error), sys.stderr)
        return 1
    except TROUBLE as error:
        tell(one_line(f"{error}. {_AGAIN}"), sys.stderr)
        return 1
    except KeyboardInterrupt:
        tell("interrupted: CloudFormation ends what it began; run it again to go on", sys.stderr)
        return INTERRUPTED
    say(f"environment {environment.name} is deployed")
    return 0
