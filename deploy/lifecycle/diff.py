"""What deploying would do to what is deployed, and whether it may: ``python -m deploy.diff``."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from deploy.changing.assembly import described
from deploy.changing.changes import Change, changes
from deploy.changing.stops import Stop, stops
from deploy.tools.cdk import cdk_in_terminal
from starburst.aws.calls import TROUBLE
from starburst.errors import StarburstError
from starburst.untrusted.terminal_text import one_line, tell

from .account import Account, LifecycleError, find_environment, say, sign_in
from .assembly import judged
from .checks.dropped import what_goes
from .checks.moving import what_moves
from .deployed import DeployedStack, deployed, template_of

__all__ = ["Comparison", "compare", "main", "refuse"]

_VERBS: Final = {
    "adds": "adds",
    "changes": "changes in place",
    "removes": "removes",
    "replaces": "replaces",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What is deployed beside what would be.

    Attributes:
        changes: what becomes of each resource.
        stops: for what nothing may be deployed.
        left: stacks that are deployed and that nothing describes any more.
        going: retired workspaces that the settings no longer have.
    """

    changes: Sequence[Change]
    stops: Sequence[Stop]
    left: Sequence[str]
    going: Sequence[str] = ()

    def lines(self) -> Iterator[str]:
        """Yield it in sentences."""
        counts = Counter((one.stack, one.word) for one in self.changes)
        for stack, word in sorted(counts):
            yield f"{stack} {_VERBS[word]} {counts[stack, word]} of its resources"
        for one in self.changes:
            if one.word == "replaces" or (one.word == "removes" and one.stateful):
                why = f", for its {', '.join(one.for_)}" if one.for_ else ""
                yield f"{one.stack} {_VERBS[one.word]} {one.name} ({one.kind}){why}"
        for stack in self.left:
            yield (
                f"{stack} is described no more; it stays as it is, and is paid for, until "
                "somebody deletes it"
            )
        for name in self.going:
            yield f"workspace {name} is retired, and goes"
        for stop in self.stops:
            yield f"refused: {stop.sentence}. {stop.way}"
        if not (self.changes or self.left or self.going or self.stops):
            yield "nothing would change"


def compare(
    account: Account,
    assembly: Path,
    *,
    existing: Iterable[DeployedStack],
    parts: Collection[str] = (),
    alone: bool = False,
) -> Comparison:
    """Compare what is deployed with what a deployment would take, workspaces and all.

    Every command that deploys or says what a deployment would do comes by here.

    Args:
        account: where it is deployed.
        assembly: what synthesis wrote.
        existing: what is deployed.
        parts: ids of the stacks to deploy; all without it.
        alone: without those that they stand on.
    """
    name = account.environment.name
    before = {
        stack.name: template_of(account, stack.name) for stack in existing if not stack.never_made
    }
    after = described(assembly, name, parts=parts, alone=alone)
    known = described(assembly, name)
    going, unretired = what_goes(account.environment, account.client)
    return Comparison(
        changes=changes(before, after),
        stops=[
            *unretired,
            *what_moves(account.environment, account.client, before=before, after=after),
            *stops(before, after, prefix=account.prefix, known=known),
        ],
        left=sorted(before.keys() - known.keys()),
        going=going,
    )


def refuse(
    account: Account,
    assembly: Path,
    *,
    existing: Iterable[DeployedStack],
    parts: Collection[str] = (),
    alone: bool = False,
) -> None:
    """Refuse a deployment that CloudFormation would stop half-way on, or that takes data along.

    What it may take, retired workspaces, is told.

    Args:
        account: where it is deployed.
        assembly: what synthesis wrote.
        existing: what is deployed.
        parts: ids of the stacks to deploy; all without it.
        alone: without those that they stand on.

    Raises:
        LifecycleError: says where, and the way round; nothing was done.
    """
    compared = compare(account, assembly, existing=existing, parts=parts, alone=alone)
    found = compared.stops
    if not found:
        for name in compared.going:
            account.say(f"workspace {name} is retired, and goes")
    else:
        more = f" ({len(found) - 1} more: python -m deploy.diff)" if len(found) > 1 else ""
        raise LifecycleError(f"{found[0].sentence}; nothing was done{more}. {found[0].way}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Print what would change; return 1 where it is refused.

    Args:
        arguments: of the command line.
    """
    parser = argparse.ArgumentParser(
        prog="python -m deploy.diff",
        description="What a deployment would do to what is deployed; 1 where it is refused.",
    )
    parser.add_argument("--environment", required=True, metavar="NAME")
    parser.add_argument(
        "parts", nargs="*", metavar="STACK", help="such as registry (default: all of them)"
    )
    words = parser.parse_args(arguments)
    try:
        environment = find_environment(words.environment)
        account = Account(environment=environment, client=sign_in(environment), cdk=cdk_in_terminal)
        with tempfile.TemporaryDirectory() as outdir:
            found = compare(
                account,
                judged(environment, Path(outdir)),
                existing=deployed(account),
                parts=words.parts,
            )
    except StarburstError as error:
        tell(one_line(error), sys.stderr)
        return 1
    except TROUBLE as error:
        tell(one_line(f"{error}. Nothing was compared; run the same command again"), sys.stderr)
        return 1
    for line in found.lines():
        say(line)
    return 1 if found.stops else 0
