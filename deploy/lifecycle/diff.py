"""What deploying would do to what is deployed, and whether it may: ``python -m deploy.diff``."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from deploy.changing.changes import Change, Template, changes
from deploy.changing.stops import Stop, stops
from deploy.tools.cdk import cdk_in_terminal
from starburst.aws.calls import TROUBLE
from starburst.errors import StarburstError
from starburst.untrusted.terminal_text import one_line, tell

from .account import Account, LifecycleError, find_environment, say, sign_in
from .assembly import described, judged
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
    """

    changes: Sequence[Change]
    stops: Sequence[Stop]
    left: Sequence[str]

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
        for stop in self.stops:
            yield f"refused: {stop.sentence}. {stop.way}"
        if not (self.changes or self.left):
            yield "nothing would change"


def compare(
    account: Account,
    assembly: Path,
    *,
    existing: Iterable[DeployedStack],
    parts: Collection[str] = (),
    alone: bool = False,
) -> Comparison:
    """Compare what is deployed with what a deployment would take.

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
    return _between(before, after, known, prefix=account.prefix)


def refuse(
    account: Account,
    assembly: Path,
    *,
    existing: Iterable[DeployedStack],
    parts: Collection[str] = (),
    alone: bool = False,
) -> None:
    """Refuse a deployment that CloudFormation would stop half-way on, or that takes data along.

    Args:
        account: where it is deployed.
        assembly: what synthesis wrote.
        existing: what is deployed.
        parts: ids of the stacks to deploy; all without it.
        alone: without those that they stand on.

    Raises:
        LifecycleError: says where, and the way round; nothing was done.
    """
    found = compare(account, assembly, existing=existing, parts=parts, alone=alone).stops
    if found:
        more = f" ({len(found) - 1} more: python -m deploy.diff)" if len(found) > 1 else ""
        raise LifecycleError(f"{found[0].sentence}; nothing was done{more}. {found[0].way}")


def _between(
    before: Mapping[str, Template],
    after: Mapping[str, Template],
    known: Mapping[str, Template],
    *,
    prefix: str,
) -> Comparison:
    return Comparison(
        changes=changes(before, after),
        stops=stops(before, after, prefix=prefix, known=known),
        left=sorted(before.keys() - known.keys()),
    )


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
