"""The policy set of what stands: the expected one with each policy as AWS returned it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from starburst_assurance.proofs.deployed.grants import with_grants
from starburst_assurance.proofs.deployed.reading.account import Account, Document, Principal
from starburst_assurance.proofs.deployed.session_queues import session_queues
from starburst_assurance.proofs.encoding.patterns import glob
from starburst_assurance.proofs.reading.assembly import FOREIGN_BOUNDARY, SESSION_QUEUE
from starburst_assurance.proofs.reading.policies import (
    Endpoint,
    Guarded,
    Policy,
    PolicySet,
    Role,
)
from starburst_constructs.identity.identity_center import permission_set_name

__all__ = ["Standing", "permission_set_role", "stand"]

_CURRENT: Final = "2012-10-17"
_POLICIES: Final = frozenset(
    {
        *("s3:GetBucketPolicy", "kms:GetKeyPolicy", "kms:ListGrants", "sqs:GetQueueAttributes"),
        *("sns:GetTopicAttributes", "ecr:GetRepositoryPolicy", "lambda:GetPolicy"),
        *("lambda:ListAliases", "lambda:ListVersionsByFunction"),
    }
)
"""Calls without whose answer a resource's policy is not known."""

_NOBODY: Final = Policy(name="", statements=())


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What stands, for the solver.

    Attributes:
        policy_set: the same names as the expected one, with what AWS returned.
        unread: policies that could not be read, by name, with the reason; the template's stand in.
        older: policies that are not of the version in which ``${…}`` is a variable.
        closed: services whose endpoints stand at times only, and do not now.
    """

    policy_set: PolicySet
    unread: Mapping[str, str]
    older: tuple[str, ...]
    closed: tuple[str, ...]


def stand(
    expected: PolicySet, account: Account, *, at_times: frozenset[str] = frozenset()
) -> Standing:
    """Return the policy set of what stands.

    What does not stand allows nothing: a role that is gone is taken by nobody, and a bucket whose
    policy is gone has one without statements.

    Args:
        expected: of the synthesis, with the names that AWS has given.
        account: what was read.
        at_times: ids of endpoints that stand only while sessions run, as ``expected`` has them.
    """
    return _Builder(expected, account, at_times).standing()


@dataclass(slots=True)
class _Builder:
    expected: PolicySet
    account: Account
    at_times: frozenset[str]
    policies: dict[str, Policy] = field(default_factory=dict)
    called: dict[str, str] = field(default_factory=dict)
    unread: dict[str, str] = field(default_factory=dict)
    older: list[str] = field(default_factory=list)
    closed: list[str] = field(default_factory=list)

    def standing(self) -> Standing:
        roles = tuple(map(self._role, self.expected.roles))
        guarded = (*self._guarded(), *self._session_queues(), *self._more_functions())
        endpoints = (*self._endpoints(), *self._more_endpoints())
        guarded = (*guarded, *self._logs())
        sets = {arn: self._permission_set(arn) for arn in self.expected.permission_sets}
        policy_set = replace(
            self.expected,
            roles=roles,
            guarded=guarded,
            endpoints=endpoints,
            policies=self.policies,
            called=self.called,
            permission_sets=sets,
        )
        return Standing(
            policy_set=policy_set,
            unread=self.unread,
            older=tuple(dict.fromkeys(self.older)),
            closed=tuple(self.closed),
        )

    def _keep(self, name: str, document: Document | None, *, called: str = "") -> str:
        """Keep a policy under a name; under another where the name has another one already."""
        policy = _NOBODY if document is None else Policy.parse(name, document)
        policy = replace(policy, name=name)
        if self.policies.setdefault(name, policy) != policy:
            return self._keep(f"{name} (another)", document, called=called)
        if called:
            self.called[name] = called
        if (
            document
            and document.get("Version", _CURRENT) != _CURRENT
            and "${" in json.dumps(document)
        ):
            self.older.append(name)
        return name

    def _as_expected(self, name: str) -> str:
        self.policies[name] = self.expected.policies[name]
        if name in self.expected.called:
            self.called[name] = self.expected.called[name]
        return name

    def _note(self, name: str, arn: str) -> None:
        """Note that a policy could not be read where a call for it was not answered."""
        last = arn.partition(":repository/")[2] or arn.rpartition(":")[2]
        for one in self.account.unread:
            if one.call in _POLICIES and one.what in (arn, last):
                self._unknown(name, str(one))

    def _note_all(self, name: str, call: str) -> None:
        for one in self.account.unread:
            if one.call == call:
                self._unknown(name, str(one))

    def _unknown(self, name: str, why: str) -> None:
        """Let the template's policy stand in for one that is not known, and say so."""
        self.unread[name] = why
        self.policies[name] = self.expected.policies.get(name, self.policies[name])

    def _role(self, role: Role) -> Role:
        found = self.account.principals.get(role.arn)
        if found is None:
            name = self._keep(role.trust, None)
            return replace(role, trust=name, policies=())
        mine = {
            self.expected.called[name]: name
            for name in role.policies
            if not self.expected.called[name].startswith("arn:")
        }
        inline = [
            self._keep(mine.get(name, f"{name} of role {role.name}"), document, called=name)
            for name, document in found.inline.items()
        ]
        attached = [self._managed(arn, role.name) for arn in found.attached]
        return replace(
            role,
            tags=found.tags,
            trust=self._keep(role.trust, found.trust),
            policies=tuple(dict.fromkeys((*attached, *inline))),
            boundary=self._managed(found.boundary, role.name) if found.boundary else None,
        )

    def _managed(self, arn: str, of: str) -> str:
        names = {called: name for name, called in self.expected.called.items()}
        name = names.get(arn, f"managed policy {arn}")
        if name == FOREIGN_BOUNDARY:
            return self._as_expected(name)
        found = self.account.managed.get(arn)
        if found is None:
            kept = (
                self._as_expected(name)
                if name in self.expected.policies
                else self._keep(name, None)
            )
            self.unread[kept] = f"{arn} of {of} was not answered, so it is not known"
            return kept
        return self._keep(name, found.document, called=arn)

    def _guarded(self) -> Iterator[Guarded]:
        for item in self.expected.guarded:
            if item.kind in (SESSION_QUEUE, "log-group"):
                continue
            name = self._keep(item.policy, self._document(item))
            self._note(name, item.arn)
            yield replace(item, policy=name)
        known = {item.arn for item in self.expected.guarded}
        for kind, policies in (
            ("queue", self.account.queues),
            ("topic", self.account.topics),
            ("repository", self.account.repositories),
            ("bucket", {f"arn:aws:s3:::{n}": b.policy for n, b in self.account.buckets.items()}),
        ):
            for arn, document in policies.items():
                if arn not in known and arn in self.expected.named.values():
                    yield from self._unexpected(kind, arn, document)

    def _document(self, item: Guarded) -> Document | None:
        account = self.account
        match item.kind:
            case "bucket":
                bucket = account.buckets.get(item.arn.rpartition(":")[2])
                return bucket.policy if bucket else None
            case "key":
                key = account.keys.get(item.arn)
                return with_grants(key.policy, key.grants) if key else None
            case "queue":
                return account.queues.get(item.arn)
            case "topic":
                return account.topics.get(item.arn)
            case "repository":
                return account.repositories.get(item.arn)
            case _:
                return next(
                    (
                        function.policies[item.arn]
                        for function in account.functions.values()
                        if item.arn in function.policies
                    ),
                    None,
                )

    def _unexpected(self, kind: str, arn: str, document: Document | None) -> Iterator[Guarded]:
        """Yield a resource for which templates have no policy, where it has one, or it may."""
        name = self._keep(f"policy of {arn}", document)
        self._note(name, arn)
        if document is not None or name in self.unread:
            yield Guarded(kind=kind, arn=arn, policy=name)

    def _more_functions(self) -> Iterator[Guarded]:
        known = {item.arn for item in self.expected.guarded}
        for own, function in self.account.functions.items():
            refused = {
                one.what for one in self.account.unread if f"{one.what}:".startswith(f"{own}:")
            }
            for arn in dict.fromkeys((*function.policies, *sorted(refused))):
                if arn not in known:
                    yield from self._unexpected("function", arn, function.policies.get(arn))

    def _session_queues(self) -> Iterator[Guarded]:
        found = dict(session_queues(self.expected, self.account))
        for item in self.expected.guarded:
            if item.kind != SESSION_QUEUE:
                continue
            yield replace(item, policy=self._as_expected(item.policy))
            for arn, (workspace, document) in found.items():
                policy = Policy.parse(f"queue {arn}", document or {"Statement": []})
                own = replace(policy, name=item.policy)
                if workspace == item.workspace and own != self.expected.policies[item.policy]:
                    name = self._keep(f"policy of {arn}", document)
                    yield replace(item, policy=name)

    def _endpoints(self) -> Iterator[Endpoint]:
        for endpoint in self.expected.endpoints:
            found = self.account.gateways.get(endpoint.identifier)
            if found is None and endpoint.identifier in self.at_times:
                self.closed.append(endpoint.service)
                yield replace(endpoint, policy=self._as_expected(endpoint.policy))
                continue
            name = self._keep(endpoint.policy, found.policy if found else None)
            self._note_all(name, "ec2:DescribeVpcEndpoints")
            yield replace(endpoint, policy=name)

    def _more_endpoints(self) -> Iterator[Endpoint]:
        known = {endpoint.identifier for endpoint in self.expected.endpoints}
        ours = {endpoint.service for endpoint in self.expected.endpoints}
        for identifier, found in self.account.gateways.items():
            # In a VPC that was there before, the others' endpoints are theirs.
            if identifier in known or "own-endpoints" in self.expected.without:
                continue
            service = found.service.partition(f".{self.expected.region}.")[2] or found.service
            name = self._keep(f"endpoint {identifier} of {service}", found.policy)
            if service in ours or found.vpc == self.expected.vpc:
                yield Endpoint(service=service, identifier=identifier, policy=name)

    def _logs(self) -> Iterator[Guarded]:
        rest = dict(self.account.logs)
        for item in self.expected.guarded:
            if item.kind != "log-group":
                continue
            found = next((name for name, text in rest.items() if _speaks_of(text, item.arn)), None)
            document = rest.pop(found) if found is not None else None
            name = self._keep(item.policy, document)
            self._note_all(name, "logs:DescribeResourcePolicies")
            yield replace(item, policy=name)
        groups = [
            arn.removesuffix(":*")
            for arn in self.expected.named.values()
            if arn.startswith("arn:aws:logs:")
        ]
        for name, document in rest.items():
            policy = Policy.parse(name, document)
            reached = {
                pattern
                for statement in policy.statements
                for pattern in statement.resources
                if any(_reaches(pattern, group) for group in groups)
            }
            if reached:
                kept = self._keep(f"policy {name} of CloudWatch Logs", document)
                for pattern in sorted(reached):
                    yield Guarded(kind="log-group", arn=pattern, policy=kept)

    def _permission_set(self, arn: str) -> str:
        name = self.expected.permission_sets[arn]
        found = permission_set_role(self.expected, self.account, arn)
        if found is None:
            return self._as_expected(name)
        statements: list[Any] = []
        for document in (
            *found.inline.values(),
            *(
                self.account.managed[one].document
                for one in found.attached
                if one in self.account.managed
            ),
        ):
            own = document["Statement"]
            statements += own if isinstance(own, list) else [own]
        return self._keep(name, {"Version": _CURRENT, "Statement": statements})


def permission_set_role(expected: PolicySet, account: Account, arn: str) -> Principal | None:
    """Return the role that IAM Identity Center has made of the permission set that leads to one.

    Args:
        expected: of the synthesis.
        account: what was read.
        arn: of the kit's role.
    """
    role = next(one for one in expected.roles if one.arn == arn)
    name = permission_set_name(expected.name, role.purpose or "", role.workspace)
    pattern = glob(f"AWSReservedSSO_{name}_{'?' * 16}".lower())
    for one in account.principals.values():
        if "/aws-reserved/sso.amazonaws.com/" in one.arn and pattern.fullmatch(one.name.lower()):
            return one
    return None


def _speaks_of(document: Document, arn: str) -> bool:
    policy = Policy.parse("", document)
    return any(arn in statement.resources for statement in policy.statements)


def _reaches(pattern: str, group: str) -> bool:
    """Return whether a pattern of resources matches a log group, or something in it."""
    matches = glob(pattern.lower()).fullmatch
    return any(matches(f"{group.lower()}{end}") for end in ("", ":*", ":log-stream:a"))
