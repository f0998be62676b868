"""What stands otherwise than templates have it, in sentences: no theorem notices all of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from starburst_assurance.proofs.deployed.difference import Difference
from starburst_assurance.proofs.deployed.reading.account import Account
from starburst_assurance.proofs.deployed.reading.survey import Layout
from starburst_assurance.proofs.deployed.session_queues import session_queues
from starburst_assurance.proofs.deployed.settings import changed_settings
from starburst_assurance.proofs.deployed.standing import Standing, permission_set_role
from starburst_assurance.proofs.deployed.statements import differing, told
from starburst_assurance.proofs.reading.assembly import FOREIGN_BOUNDARY, SESSION_QUEUE
from starburst_assurance.proofs.reading.policies import Guarded, Policy, PolicySet, Role

__all__ = ["differences"]


def differences(
    expected: PolicySet, standing: Standing, account: Account, layout: Layout
) -> Iterator[Difference]:
    """Yield each difference between what synthesis says and what stands.

    Args:
        expected: of the synthesis, with the names that AWS has given.
        standing: what stands, for the solver.
        account: what was read.
        layout: the stacks.
    """
    yield from _stacks(account, layout)
    telling = _Telling(expected, standing.policy_set, standing, account)
    yield from telling.roles()
    yield from telling.managed()
    yield from telling.resources()
    yield from telling.endpoints()
    yield from telling.permission_sets()
    yield from changed_settings(account, layout)
    for name in standing.older:
        yield Difference(
            subject=name,
            what="it is of an older version of IAM's language, in which ${…} is no variable; it is "
            "proved as if it were of 2012-10-17",
        )


def _stacks(account: Account, layout: Layout) -> Iterator[Difference]:
    for stack, template in layout.stacks.resolver.templates.items():
        at_times = all("Condition" in one for one in template["Resources"].values())
        if stack not in account.stacks and not at_times:
            yield Difference(subject=f"stack {stack}", what="it is not deployed")


@dataclass(frozen=True, slots=True)
class _Telling:
    expected: PolicySet
    standing: PolicySet
    read: Standing
    account: Account

    def roles(self) -> Iterator[Difference]:
        there = {role.arn: role for role in self.standing.roles}
        for role in self.expected.roles:
            subject = f"role {role.name}"
            if role.arn not in self.account.principals:
                yield Difference(subject=subject, what="it is not there")
                continue
            yield from self._role(subject, role, there[role.arn])
        yield from self._look_alikes()

    def _role(self, subject: str, was: Role, now: Role) -> Iterator[Difference]:
        yield from self._document(f"who may take {subject}", was.trust, now.trust)
        yield from _mapped(subject, "tag", was.tags, now.tags)
        limit = self.expected.called.get(was.boundary or "", "")
        limits = self.standing.called.get(now.boundary or "", now.boundary or "")
        if limit != limits:
            yield Difference(
                subject=subject,
                what=f"its permissions boundary is {limits or 'gone'}, and should be "
                f"{limit or 'none'}",
            )
        old = {self.expected.called[name]: name for name in was.policies}
        new = {self.standing.called[name]: name for name in now.policies}
        for called in new.keys() - old.keys():
            policy = self.standing.policies[new[called]]
            kind = "managed" if called.startswith("arn:") else "inline"
            yield Difference(
                subject=subject,
                what=f"it has the {kind} policy {called}, which no template gives it: "
                f"{_all_of(policy)}",
            )
        for called in old.keys() - new.keys():
            yield Difference(subject=subject, what=f"it lacks the policy {called}")
        for called in old.keys() & new.keys():
            if not called.startswith("arn:"):
                yield from self._document(
                    f"inline policy {called} of {subject}", old[called], new[called]
                )

    def _look_alikes(self) -> Iterator[Difference]:
        known = {role.arn for role in self.expected.roles}
        name = self.expected.name
        purposes = sorted({role.purpose for role in self.expected.roles if role.purpose})
        prefixes = tuple(f"starburst-{name}-{purpose}" for purpose in purposes)
        for one in self.account.principals.values():
            if one.arn in known or one.kind != "role":
                continue
            tagged = one.tags.get("starburst:environment") == name and "starburst:role" in one.tags
            if tagged or one.name.startswith(prefixes):
                how = "has the tags" if tagged else "has a name"
                yield Difference(
                    subject=f"role {one.name}",
                    what=f"it {how} of this environment's roles, and no template has it",
                )

    def managed(self) -> Iterator[Difference]:
        for name, called in self.expected.called.items():
            if not called.startswith("arn:") or name == FOREIGN_BOUNDARY:
                continue
            found = self.account.managed.get(called)
            subject = f"managed policy {called.partition(':policy/')[2]}"
            if found is None:
                if name not in self.read.unread:
                    yield Difference(subject=subject, what="it is not there")
                continue
            now = Policy.parse(name, found.document)
            for what in differing(self.expected.policies[name], now):
                yield Difference(subject=subject, what=f"{what} (version {found.version})")

    def resources(self) -> Iterator[Difference]:
        old = {item.arn: item for item in self.expected.guarded if item.kind != SESSION_QUEUE}
        new = {item.arn: item for item in self.standing.guarded if item.kind != SESSION_QUEUE}
        for arn, was in old.items():
            if arn in self.account.keys and new[arn].policy not in self.read.unread:
                # Its grants, which count as statements for the solver, are told as what they are.
                own = Policy.parse("", self.account.keys[arn].policy)
                for what in differing(self.expected.policies[was.policy], own):
                    yield Difference(subject=f"policy of {self._label(was)}", what=what)
                continue
            yield from self._document(f"policy of {self._label(was)}", was.policy, new[arn].policy)
        for arn in new.keys() - old.keys():
            item = new[arn]
            if item.policy in self.read.unread:
                continue
            logs = item.kind == "log-group"
            yield Difference(
                subject=item.policy if logs else f"policy of {self._label(item)}",
                what=f"no template has it: {_all_of(self.standing.policies[item.policy])}",
            )
        yield from self._session_queues()

    def _session_queues(self) -> Iterator[Difference]:
        own = {
            item.workspace: self.expected.policies[item.policy]
            for item in self.expected.guarded
            if item.kind == SESSION_QUEUE
        }
        for arn, (workspace, document) in session_queues(self.expected, self.account):
            now = Policy.parse("", document or {"Statement": []})
            for what in differing(own[workspace], now):
                yield Difference(subject=f"policy of the session's queue {arn}", what=what)

    def endpoints(self) -> Iterator[Difference]:
        there = {one.identifier: one for one in self.standing.endpoints}
        for was in self.expected.endpoints:
            subject = f"endpoint {was.identifier} of {was.service}"
            if was.service in self.read.closed or was.policy in self.read.unread:
                continue
            if was.identifier not in self.account.gateways:
                yield Difference(subject=subject, what="it is not there")
                continue
            yield from self._document(
                f"policy of {subject}", was.policy, there[was.identifier].policy
            )
        known = {one.identifier for one in self.expected.endpoints}
        for one in self.standing.endpoints:
            if one.identifier not in known:
                yield Difference(
                    subject=f"endpoint {one.identifier} of {one.service}",
                    what=f"no template has it: {_all_of(self.standing.policies[one.policy])}",
                )

    def permission_sets(self) -> Iterator[Difference]:
        for arn, name in self.expected.permission_sets.items():
            if permission_set_role(self.expected, self.account, arn) is not None:
                yield from self._document(name, name, self.standing.permission_sets[arn])

    def _document(self, subject: str, was: str, now: str) -> Iterator[Difference]:
        if now in self.read.unread:
            return
        for what in differing(self.expected.policies[was], self.standing.policies[now]):
            yield Difference(subject=subject, what=what)

    def _label(self, item: Guarded) -> str:
        for name, arn in self.expected.named.items():
            if arn == item.arn:
                return f"{item.kind} {name} ({arn.rpartition(':')[2]})"
        return f"{item.kind} {item.arn}"


def _mapped(
    subject: str, label: str, was: Mapping[str, str], now: Mapping[str, str]
) -> Iterator[Difference]:
    for key in sorted(was.keys() | now.keys()):
        if was.get(key) != now.get(key):
            said = f"is {now[key]}" if key in now else "is gone"
            should = f"should be {was[key]}" if key in was else "no template has it"
            yield Difference(subject=subject, what=f"its {label} {key} {said}, and {should}")


def _all_of(policy: Policy) -> str:
    return "; ".join(map(told, policy.statements)) or "it says nothing"
