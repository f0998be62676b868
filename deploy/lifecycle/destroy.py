"""Destroy a test environment with all it holds: ``python -m deploy.destroy``.

Sessions are ended first, then what writes is silenced, then buckets are emptied; the CDK CLI then
destroys the stacks in their order. Each step is safe to repeat, so after a failure the same command
goes on. Production is refused, by its settings and by what is deployed.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from deploy.changing.assembly import manifests
from deploy.tools.cdk import CdkFailed, cdk_in_terminal
from starburst.aws.calls import TROUBLE
from starburst.errors import StarburstError
from starburst.untrusted.terminal_text import one_line, tell

from .account import INTERRUPTED, Account, LifecycleError, find_environment, say, sign_in
from .deployed import DeployedStack, deployed, kept_on_deletion, settle
from .emptying import empty_buckets, end_writers
from .instances import release_instances
from .remains import Remains, look_for_remains
from .sessions import end_sessions, running

if TYPE_CHECKING:
    from stacks.settings import Environment

__all__ = ["destroy", "main", "synthesized"]

_ROUNDS: Final = 3
"""A log file that arrives late keeps its bucket, so a stack that stayed is tried again."""


def destroy(account: Account, *, assembly: Path) -> Remains:
    """Destroy an environment and return what is left of it.

    Args:
        account: where, and by which hands. They are an administrator's: the kit's own roles may
            neither read nor delete data.
        assembly: what synthesis of the environment wrote, for the CDK CLI.

    Raises:
        LifecycleError: it is production, or something keeps it from going: says what.
        CdkFailed: a stack could not be destroyed.
    """
    found = before = list(_of(assembly, refuse_production(account)))
    for last in (attempt == _ROUNDS for attempt in range(1, _ROUNDS + 1)):
        if stopped := end_sessions(account):
            account.say(f"{stopped} workers were running and have stopped")
        for stack in found:
            if stack.moving:
                settle(account, stack.name)
        end_writers(account, found)
        release_instances(account, found)
        empty_buckets(account, found)
        _unprotect(account, found)
        try:
            account.cdk(
                (
                    *("destroy", f"{account.environment.name}/*", "--app", str(assembly)),
                    *("--force", "--concurrency", "4"),
                )
            )
            break
        except CdkFailed as error:
            if last:
                raise
            account.say(f"not all stacks went ({_reason(error)}); trying again")
            found = list(_of(assembly, deployed(account)))
    left = look_for_remains(account, before)
    if left.stacks:
        return left
    for group in left.made_again:
        # Its name is fixed, so it would stop the next deployment. One with a key was the kit's:
        # production of the same name may have kept it.
        account.client("logs").delete_log_group(logGroupName=group)
        account.say(f"log group {group} was made again by a late line, and is deleted")
    kept = tuple(group for group in left.log_groups if group not in left.made_again)
    return replace(left, log_groups=kept, made_again=())


def _of(assembly: Path, stacks: Sequence[DeployedStack]) -> Iterator[DeployedStack]:
    """Yield the stacks that the CLI will destroy; one that no settings have keeps what it holds."""
    named = {stack["stackName"] for _, _, stacks in manifests(assembly) for stack in stacks}
    yield from (stack for stack in stacks if stack.name in named)


def refuse_production(account: Account) -> list[DeployedStack]:
    """Return the stacks of a test environment.

    Raises:
        LifecycleError: settings, or what is deployed, say that it is production.
    """
    _refuse_settings(account.environment)
    found = deployed(account)
    for stack in found:
        for name in kept_on_deletion(account, stack):
            raise LifecycleError(
                f"stack {stack.name} was deployed as production: it keeps {name}. The settings say "
                "purpose='test', and were not deployed since. Nothing was done; if it is a test "
                "environment now, deploy it first"
            )
    return found


def _refuse_settings(environment: Environment) -> None:
    if environment.production:
        raise LifecycleError(
            f"environment {environment.name} is production, which this command never destroys: its "
            "data are to outlive it. README.md says how it is taken down by hand"
        )


def _unprotect(account: Account, stacks: Sequence[DeployedStack]) -> None:
    for stack in stacks:
        if stack.protected:
            account.client("cloudformation").update_termination_protection(
                StackName=stack.name, EnableTerminationProtection=False
            )
            account.say(f"stack {stack.name} is protected from deletion no longer")


def _reason(error: CdkFailed) -> str:
    lines = [line for line in str(error).splitlines() if line.strip()]
    return one_line(lines[-1].strip(), most=200)


def synthesized(environment: Environment, outdir: Path) -> Path:
    """Synthesize an environment without its judges, who have no say in its end."""
    import app  # noqa: PLC0415 - chooses the Node that jsii starts

    app.build([environment], outdir=str(outdir), validate=False).synth()
    return outdir


def main(
    arguments: Sequence[str] | None = None,
    *,
    ask: Callable[[str], str] = input,
    hands: Callable[[Environment], Account] | None = None,
) -> int:
    """Destroy what is named, once its name was typed; return the process's exit code.

    Args:
        arguments: of the command line.
        ask: prints a question and returns what was typed.
        hands: acts on an environment's account; the shell's credentials without it.
    """
    parser = argparse.ArgumentParser(
        prog="python -m deploy.destroy",
        description="Destroy a test environment with all it holds.",
        epilog="It takes an administrator's credentials, and asks for the environment's name.",
    )
    parser.add_argument("--environment", required=True, metavar="NAME")
    words = parser.parse_args(arguments)
    try:
        environment = find_environment(words.environment)
        _refuse_settings(environment)
        account = (hands or _by_shell)(environment)
        _confirm(account, ask)
        with tempfile.TemporaryDirectory() as outdir:
            left = destroy(account, assembly=synthesized(environment, Path(outdir)))
    except StarburstError as error:
        tell(one_line(error), sys.stderr)
        return 1
    except TROUBLE as error:
        ending = (
            f"{error}. {words.environment} is not destroyed: run the same command again to go on"
        )
        tell(one_line(ending), sys.stderr)
        return 1
    except KeyboardInterrupt:
        tell("interrupted: what went so far is gone; run it again to go on", sys.stderr)
        return INTERRUPTED
    say(f"environment {environment.name} is destroyed")
    for line in left.lines:
        say(line)
    return 0


def _by_shell(environment: Environment) -> Account:
    return Account(environment=environment, client=sign_in(environment), cdk=cdk_in_terminal)


def _confirm(account: Account, ask: Callable[[str], str]) -> None:
    """Show what goes, and have the name typed."""
    stacks = refuse_production(account)
    environment = account.environment
    say(
        f"environment {environment.name}, account {environment.account}, {environment.region}: "
        f"{len(stacks)} stacks go, with all they hold"
    )
    for stack in stacks:
        for bucket in stack.of_type("AWS::S3::Bucket"):
            say(f"- bucket {bucket} and every object in it")
        for repository in stack.of_type("AWS::ECR::Repository"):
            say(f"- repository {repository} and every image in it")
        for key in stack.of_type("AWS::KMS::Key"):
            say(f"- key {key}, with what is encrypted by it")
    say(f"- {len(running(account))} workers that run now")
    try:
        typed = ask(f"Type the environment's name, {environment.name}, to destroy it: ")
    except EOFError:
        typed = ""
    if typed.strip() != environment.name:
        raise LifecycleError(f"{typed.strip()!r} was typed, so nothing was done")
