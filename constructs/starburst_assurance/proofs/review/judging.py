"""Each proposal judged: by itself, then all theorems with what is left; what breaks one comes back.

Where a theorem no longer holds, its counterexample names a request that must be possible. If its
action is one that a proposal drops, it comes back to that role, with the theorem's sentence, and
the theorem is asked again. What cannot be mended so is withdrawn.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from starburst_assurance.proofs.comparison.atoms import atoms, speaks_of
from starburst_assurance.proofs.encoding.logic import Logic
from starburst_assurance.proofs.encoding.vocabulary import complaints
from starburst_assurance.proofs.reading.policies import Policy, PolicySet, Role
from starburst_assurance.proofs.review.claims import changed_actions, claims_about
from starburst_assurance.proofs.review.record import Change, Proposal
from starburst_assurance.proofs.solving.prove import Verdict, prove
from starburst_assurance.proofs.solving.theorem import Theorem

__all__ = ["Judged", "judge"]


@dataclass(kw_only=True, slots=True)
class Judged:
    """What became of one proposal.

    Attributes:
        proposal: as the record has it.
        documents: by the policy's name, what may be taken in its place; None for nothing of it.
        withdrawn: why nothing of it may be taken; empty where it may.
        back: actions that came back, each with the theorem that needs it and its sentence.
    """

    proposal: Proposal
    documents: dict[str, Mapping[str, Any] | None] = field(default_factory=dict)
    withdrawn: str = ""
    back: list[tuple[str, str, str]] = field(default_factory=list)


def judge(
    policy_set: PolicySet,
    proposals: Sequence[Proposal],
    theorems: Sequence[Theorem],
    *,
    tracked: Callable[[str], bool],
    unread: Mapping[str, str] | None = None,
    logic: Logic | None = None,
) -> tuple[list[Verdict], list[Judged]]:
    """Return what is proved with all that may be taken, and what became of each proposal.

    Args:
        policy_set: as it stands.
        proposals: of a review.
        theorems: that must hold.
        tracked: whether IAM tracks an action.
        unread: policies of ``policy_set`` that nobody could read, with the reason.
        logic: in which to ask; a new one without it.
    """
    shared, missing = logic or Logic(), unread or {}
    found = [
        _alone(policy_set, one, tracked=tracked, unread=missing, logic=shared) for one in proposals
    ]
    asked = [
        (_held(policy_set, found, item, logic=shared, unread=missing), _stamp(found))
        for item in theorems
    ]
    for one in (each for each in found if each.back and not each.withdrawn):
        after = _with(policy_set, [one])
        if not changed_actions(policy_set, after, one.proposal.role):
            one.withdrawn = "all of it came back"
    final = _stamp(found)
    taken = _with(policy_set, [one for one in found if not one.withdrawn])
    # What came back after a theorem was asked is wider than what it was asked of.
    verdicts = [
        verdict if stamp == final else _asked(verdict.theorem, taken, shared, missing)
        for verdict, stamp in asked
    ]
    return verdicts, found


def _stamp(found: Sequence[Judged]) -> list[tuple[bool, int]]:
    return [(bool(one.withdrawn), len(one.back)) for one in found]


def _alone(
    policy_set: PolicySet,
    proposal: Proposal,
    *,
    tracked: Callable[[str], bool],
    unread: Mapping[str, str],
    logic: Logic,
) -> Judged:
    """Judge a proposal by itself."""
    judged = Judged(
        proposal=proposal, documents={one.name: one.proposed for one in proposal.changes}
    )
    judged.withdrawn = _mistaken(policy_set, proposal, unread)
    if judged.withdrawn:
        return judged
    after = _with(policy_set, [judged])
    if not changed_actions(policy_set, after, proposal.role):
        judged.withdrawn = "it changes nothing"
        return judged
    for item in claims_about(policy_set, proposal.role, used=proposal.used, tracked=tracked):
        verdict = prove(item, after, logic=logic)
        if not verdict.holds:
            why = verdict.counterexample or verdict.why
            judged.withdrawn = f"{item.sentence}\n{item.name} is {verdict.answer}:\n{why}"
            break
    return judged


def _mistaken(policy_set: PolicySet, proposal: Proposal, unread: Mapping[str, str]) -> str:
    """Return why a proposal is not about what stands; empty where it is."""
    role = next((one for one in policy_set.roles if one.arn == proposal.role), None)
    if role is None:
        return f"{proposal.role} is none of the environment's roles"
    return next(
        filter(None, (_wrong(policy_set, role, one, unread) for one in proposal.changes)), ""
    )


def _wrong(policy_set: PolicySet, role: Role, change: Change, unread: Mapping[str, str]) -> str:
    """Return what is wrong with one policy of a proposal; empty where nothing is."""
    name = _named(policy_set, role, change)
    if name is None:
        return f"{change.name} is none of the role's policies: review it anew"
    if name in unread:
        return f"it rests on {name}: {unread[name]}"
    try:
        today = Policy.parse(name, change.today)
        proposed = Policy.parse(name, change.proposed or {"Statement": []})
    except (LookupError, TypeError, AttributeError) as error:
        return f"{change.name} is proposed as what is no policy ({error})"
    if atoms([today]) != atoms([policy_set.policies[name]]):
        return f"{change.name} was changed since it was reviewed: review it anew"
    wrong = next(complaints(proposed), None)
    return f"IAM would not understand it: {wrong}" if wrong is not None else ""


def _held(
    policy_set: PolicySet,
    found: Sequence[Judged],
    item: Theorem,
    *,
    logic: Logic,
    unread: Mapping[str, str],
) -> Verdict:
    """Return a theorem's verdict once every proposal that it does not bear has been mended."""
    while True:
        open_ones = [one for one in found if not one.withdrawn]
        verdict = _asked(item, _with(policy_set, open_ones), logic, unread)
        if verdict.holds or not open_ones:
            return verdict
        if not _mended(policy_set, open_ones, item, verdict):
            before = _asked(item, policy_set, logic, unread)
            if not before.holds:
                # Nothing that is proposed is to blame: it does not hold of what stands either.
                return before
            for one in open_ones:
                said = verdict.counterexample or verdict.why
                one.withdrawn = f"{item.sentence}\n{item.name} is {verdict.answer} with it:\n{said}"


def _asked(
    item: Theorem, policy_set: PolicySet, logic: Logic, unread: Mapping[str, str]
) -> Verdict:
    try:
        verdict = prove(item, policy_set, logic=logic)
    except LookupError as error:
        why = f"it speaks of what does not stand so: {error}"
        return Verdict(theorem=item, answer="unknown", seconds=0.0, claims=0, why=why)
    missing = sorted(verdict.rests_on & unread.keys())
    if verdict.answer == "proved" and missing:
        return replace(
            verdict, answer="unknown", why=f"it rests on {missing[0]}: {unread[missing[0]]}"
        )
    return verdict


def _mended(
    policy_set: PolicySet, open_ones: Sequence[Judged], item: Theorem, verdict: Verdict
) -> bool:
    """Give the action of a counterexample back to who lost it; return whether somebody had."""
    example = verdict.counterexample
    if example is None:
        return False
    caller = example.said("aws:principalarn")
    mine = [one for one in open_ones if one.proposal.role in caller] if caller else open_ones
    mended = False
    for one in mine:
        for change in one.proposal.changes:
            document = one.documents[change.name]
            lost = _lost(policy_set, one.proposal.role, change, document, example.action)
            if lost:
                rest = list(_listed(document["Statement"])) if document is not None else []
                one.documents[change.name] = {**change.today, "Statement": [*rest, *lost]}
                one.back.append((example.action, item.name, item.sentence))
                mended = True
    return mended


def _lost(
    policy_set: PolicySet,
    role: str,
    change: Change,
    document: Mapping[str, Any] | None,
    action: str,
) -> list[dict[str, Any]]:
    """Return today's statements about one action, where a document has not all of them."""
    held = next(one for one in policy_set.roles if one.arn == role)
    name = _named(policy_set, held, change) or change.name
    today = _listed(change.today["Statement"])
    wanted = [
        # Without its Sid, which the rest of the statement keeps: IAM takes none twice.
        {**{key: value for key, value in raw.items() if key != "Sid"}, "Action": [action]}
        for raw, read in zip(today, Policy.parse(name, change.today).statements, strict=True)
        if read.effect == "Allow" and read.actions and speaks_of([read], action)
    ]
    have = Policy.parse(name, document or {"Statement": []}).statements
    speaking = [one for one in have if one.effect == "Allow" and speaks_of([one], action)]
    return wanted if len(speaking) < len(wanted) else []


def _with(policy_set: PolicySet, open_ones: Sequence[Judged]) -> PolicySet:
    """Return the policy set with what is proposed."""
    for one in open_ones:
        role = next(each for each in policy_set.roles if each.arn == one.proposal.role)
        for change in one.proposal.changes:
            name = _named(policy_set, role, change)
            assert name is not None  # noqa: S101 - told before
            document = one.documents[change.name] or {"Statement": []}
            policy_set = policy_set.with_policy(Policy.parse(name, document))
    return policy_set


def _named(policy_set: PolicySet, role: Role, change: Change) -> str | None:
    return next(
        (name for name in role.policies if policy_set.called.get(name) == change.name), None
    )


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
