"""``starburst-prove --deployed``: prove of what stands, and name what stands otherwise."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import textwrap
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from starburst.untrusted.terminal_text import one_line
from starburst_assurance.proofs.command import policy_sets_of, synthesized, tell, theorems_of
from starburst_assurance.proofs.comparison.against import warnings_aside
from starburst_assurance.proofs.deployed.differences import differences
from starburst_assurance.proofs.deployed.others import Other, others
from starburst_assurance.proofs.deployed.reading.account import Account
from starburst_assurance.proofs.deployed.reading.asking import Asking, Clients
from starburst_assurance.proofs.deployed.reading.signing_in import sign_in
from starburst_assurance.proofs.deployed.reading.survey import Layout, read_account, read_physical
from starburst_assurance.proofs.deployed.standing import Standing, stand
from starburst_assurance.proofs.encoding.logic import Logic
from starburst_assurance.proofs.encoding.vocabulary import check, source
from starburst_assurance.proofs.reading.errors import ProofError
from starburst_assurance.proofs.reading.policies import PolicySet
from starburst_assurance.proofs.reading.resolve import Physical
from starburst_assurance.proofs.reading.stacks import read_stacks
from starburst_assurance.proofs.solving.prove import Verdict, prove
from starburst_assurance.proofs.solving.theorem import Theorem
from starburst_assurance.proofs.theorems import theorems_in

__all__ = ["Deployed", "gathered", "judged", "outside", "read", "run"]

_WIDTH: Final = 98
_LONGEST: Final = 1 << 14
"""Of a sentence, in characters."""

_FOUND: Final = 1
_UNKNOWN: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployed:
    """One environment as it stands.

    Attributes:
        expected: what synthesis says, with the names that AWS has given.
        layout: its stacks.
        account: what was read.
        at_times: ids of endpoints that stand only while sessions run.
    """

    expected: PolicySet
    layout: Layout
    account: Account
    at_times: frozenset[str]

    def standing(self) -> Standing:
        """Return what stands, for the solver."""
        return stand(self.expected, self.account, at_times=self.at_times)


def run(options: argparse.Namespace) -> int:
    """Read, prove and tell; return 0 where all is as it should be, 1 where not, 2 if unknown.

    Args:
        options: as ``entry`` reads them.
    """
    sys.path.insert(0, os.getcwd())
    try:
        deployed, theorems = gathered(options)
        return _tell(deployed, theorems, options.known)
    except ProofError as error:
        sys.stderr.write(f"{error}\n")
        return _UNKNOWN


def gathered(options: argparse.Namespace) -> tuple[Deployed, list[Theorem]]:
    """Return the one environment that is named as it stands, and the theorems that are asked.

    Args:
        options: as ``entry`` reads them.

    Raises:
        ProofError: none or several are named, or it cannot be read at all.
    """
    chosen = options.environment or []
    if len(chosen) != 1:
        raise ProofError("--deployed reads one account: name one environment, --environment …")
    with tempfile.TemporaryDirectory() as folder:
        with warnings_aside():
            app = synthesized(options.app, Path(folder), wanted=chosen)
        place = app.node.find_child(chosen[0]).environment
        clients = sign_in(chosen[0], account=place.account, region=place.region)

        def expect(physical: Physical) -> PolicySet:
            return next(policy_sets_of(app, folder, only=chosen, physical=physical))

        deployed = read(Path(folder), chosen[0], clients, expect=expect)
        theorems = [
            one
            for one in (*theorems_in(options.theorems), *theorems_of(app, chosen[0]))
            if options.only in one.name
        ]
    if not theorems:
        raise ProofError(f"no theorem has {options.only!r} in its name; nothing was proved")
    return deployed, theorems


def read(
    assembly: Path,
    environment: str,
    clients: Clients,
    *,
    expect: Callable[[Physical], PolicySet],
) -> Deployed:
    """Return one environment as it stands in its account.

    Args:
        assembly: where it was synthesized to.
        environment: its name.
        clients: of whoever asks.
        expect: returns what synthesis says, with the names that AWS has given.

    Raises:
        ProofError: nothing is deployed, or the account does not say who is in it.
    """
    asking = Asking(clients=clients)
    physical, there = read_physical(asking, read_stacks(assembly, environment))
    stacks = read_stacks(assembly, environment, physical=physical)
    layout = Layout(environment=environment, stacks=stacks)
    resolver = stacks.resolver
    at_times = frozenset(
        resolver.reference(stack, logical)
        for stack, template in resolver.templates.items()
        for logical, resource in template["Resources"].items()
        if resource["Type"] == "AWS::EC2::VPCEndpoint" and "Condition" in resource
    )
    account = read_account(asking, layout, stacks=there)
    return Deployed(expected=expect(physical), layout=layout, account=account, at_times=at_times)


def judged(standing: Standing, theorems: Sequence[Theorem]) -> Iterator[Verdict]:
    """Yield a verdict on each theorem; what rests on a policy that was not read is unknown."""
    logic = Logic()
    for one in theorems:
        try:
            verdict = prove(one, standing.policy_set, logic=logic)
        except LookupError as error:
            # A role without its tags is none that a theorem finds.
            why = f"it speaks of what does not stand so: {error}"
            yield Verdict(theorem=one, answer="unknown", seconds=0.0, claims=0, why=why)
            continue
        missing = sorted(verdict.rests_on & standing.unread.keys())
        if verdict.answer == "proved" and missing:
            why = f"it rests on {missing[0]}: {standing.unread[missing[0]]}"
            yield replace(verdict, answer="unknown", why=why)
        else:
            yield verdict


def outside(deployed: Deployed, found: Sequence[Other]) -> Iterator[str]:
    """Yield in sentences what no template says: others in the account, who vouches for people.

    Args:
        deployed: the environment.
        found: the others who could touch it.
    """
    yield from map(str, found)
    account = deployed.account
    for arn, what in sorted(account.providers.items()):
        yield f"Identity provider {arn} has {what}."
    for arn, key in account.keys.items():
        for one in key.grants:
            if one.of_service:
                yield (
                    f"Key {arn} has a grant to {one.grantee}, which may "
                    f"{', '.join(one.operations)}."
                )


def _tell(deployed: Deployed, theorems: Sequence[Theorem], known: Path | None) -> int:
    expected, account = deployed.expected, deployed.account
    standing = deployed.standing()
    differing = list(differences(expected, standing, account, deployed.layout))
    _list("Stands otherwise than the code has it", map(str, differing))
    others_there = list(others(standing.policy_set, account))
    beyond = [one_line(one, most=_LONGEST) for one in outside(deployed, others_there)]
    new = _unlike(beyond, known)
    _list("In this account beside the code", beyond, lines=True)
    _list(f"Not as {known} has it", new, lines=True)
    _list("Not read", map(_whole, map(str, account.unread)))
    if standing.closed:
        services = ", ".join(sorted(standing.closed))
        _list("Endpoints that stand only while sessions run, and do not now", [f"{services}."])
    sys.stdout.write(f"{source()}\n\n")
    check(standing.policy_set)
    verdicts = tell(standing.policy_set, theorems, judged(standing, theorems))
    undecided = any(one.undecided for one in others_there)
    if account.unread or undecided or any(one.answer == "unknown" for one in verdicts):
        return _UNKNOWN
    refuted = any(not one.holds for one in verdicts)
    return _FOUND if differing or new or refuted else 0


def _unlike(beyond: Sequence[str], known: Path | None) -> list[str]:
    """Return what a file of sentences does not have, or has and is not so."""
    if known is None:
        return []
    try:
        lines = [line.strip() for line in known.read_text(encoding="utf-8").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise ProofError(f"{known} cannot be read ({error}); nothing was proved") from error
    said = [line.removeprefix("- ") for line in lines if line and not line.startswith("#")]
    new = [f"New: {one}" for one in beyond if one not in said]
    return [*new, *(f"No longer so: {one}" for one in said if one not in beyond)]


def _whole(text: str) -> str:
    return f"{text}."


def _list(title: str, sentences: Iterable[str], *, lines: bool = False) -> None:
    """Print sentences below a title, if any; one a line where somebody may copy them."""
    # Names, tags and policies are whatever somebody wrote into them.
    found = [one_line(one, most=_LONGEST) for one in sentences]
    if not found:
        return
    sys.stdout.write(f"{title}\n\n")
    for one in found:
        wrapped = textwrap.wrap(
            f"- {one}",
            _WIDTH,
            initial_indent="  ",
            subsequent_indent="    ",
            break_long_words=False,
            break_on_hyphens=False,
        )
        sys.stdout.write("\n".join([f"  - {one}"] if lines else wrapped) + "\n")
    sys.stdout.write("\n")
