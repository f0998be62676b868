"""What an organization's policy denies, asked of every request before anybody attaches it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from starburst_assurance.proofs.encoding.encode import says
from starburst_assurance.proofs.encoding.logic import Formula, Logic
from starburst_assurance.proofs.encoding.request import Context, Request
from starburst_assurance.proofs.encoding.vocabulary import complaints, representatives
from starburst_assurance.proofs.reading.errors import ProofError, VocabularyError
from starburst_assurance.proofs.reading.policies import Policy
from starburst_assurance.proofs.solving.prove import ask

__all__ = ["prove_record", "prove_regions"]

SECONDS = 30.0
"""For one question; what takes longer counts as not proved."""


def prove_regions(
    document: Mapping[str, Any], *, regions: Sequence[str], regionless: Sequence[str]
) -> int:
    """Prove that a policy denies all Regions but some, and nothing in those.

    Args:
        document: of the policy, which may say more than this.
        regions: where requests must stay possible, as far as this policy goes.
        regionless: patterns of actions that it leaves alone everywhere.

    Returns:
        How many kinds of actions were asked about; each stands for all that it treats alike.

    Raises:
        ProofError: it leaves a Region open, or closes one that is meant.
    """
    policy = _read("region_pin", document)
    logic = Logic()
    asked = representatives([policy])
    for action in asked:
        region = logic.text("region")
        context = Context(logic)
        context.put("aws:RequestedRegion", region)
        denied = says(logic, policy, "Deny", Request(context=context, action=action, resource="*"))
        within = logic.some(logic.same(region, one) for one in regions)
        if not _matches(action, regionless):
            open_elsewhere = logic.every((logic.no(within), logic.no(denied)))
            _refute(logic, open_elsewhere, f"{action} stays possible outside {', '.join(regions)}")
        # What ends the record is denied everywhere by another statement, and asked elsewhere.
        pinned = [one for one in policy.statements if one.not_actions]
        only_pin = Policy(name=policy.name, statements=tuple(pinned), version=policy.version)
        closed = says(
            logic, only_pin, "Deny", Request(context=context, action=action, resource="*")
        )
        _refute(logic, logic.every((within, closed)), f"{action} is denied in an allowed Region")
    return len(asked)


def prove_record(
    document: Mapping[str, Any], *, ending: Sequence[str], spared: Sequence[str]
) -> int:
    """Prove that nobody but some roles ends the record, whatever else they may do.

    Args:
        document: of the policy, which may say more than this.
        ending: actions by which a record ends.
        spared: ARNs of the roles that may.

    Returns:
        How many actions were asked about.

    Raises:
        ProofError: another role may end it.
    """
    policy = _read("record_kept", document)
    logic = Logic()
    for action in ending:
        who = logic.text("who")
        context = Context(logic)
        context.put("aws:PrincipalArn", who)
        denied = says(logic, policy, "Deny", Request(context=context, action=action, resource="*"))
        another = logic.every(logic.no(logic.same(who, one)) for one in spared)
        named = (logic.no(denied), another)
        _refute(logic, logic.every(named), f"a role that nobody named may call {action}")
    return len(ending)


def _read(name: str, document: Mapping[str, Any]) -> Policy:
    policy = Policy.parse(name, document)
    unknown = list(complaints(policy))
    if unknown:
        raise VocabularyError("AWS would not understand: " + "; ".join(unknown))
    return policy


def _matches(action: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(action.lower(), pattern.lower()) for pattern in patterns)


def _refute(logic: Logic, formula: Formula, what: str) -> None:
    answer, _ = ask(logic, formula, SECONDS)
    if answer != "unsat":
        word = "refuted" if answer == "sat" else "not decided"
        raise ProofError(f"the organization's policy is {word}: {what}; it is not to be attached")
