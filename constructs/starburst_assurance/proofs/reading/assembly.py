"""Read a policy set out of a cloud assembly: the templates that would be deployed, nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from starburst.contract import queue_prefix
from starburst.controller.workers.queue import policy as session_queue_policy
from starburst_assurance.bootstrap.usage import usage_of
from starburst_assurance.proofs.reading.errors import ProofError, ResolveError
from starburst_assurance.proofs.reading.log_policies import KIND as LOG_POLICY
from starburst_assurance.proofs.reading.log_policies import read_log_policy
from starburst_assurance.proofs.reading.organization_policies import KINDS as OF_ORGANIZATION
from starburst_assurance.proofs.reading.organization_policies import read_organization_policy
from starburst_assurance.proofs.reading.permission_sets import with_permission_sets
from starburst_assurance.proofs.reading.policies import (
    EVERYTHING,
    Endpoint,
    Guarded,
    Policy,
    PolicySet,
    Role,
)
from starburst_assurance.proofs.reading.resolve import Physical
from starburst_assurance.proofs.reading.sharing import Sharing
from starburst_assurance.proofs.reading.stacks import Resource, Stacks, read_stacks
from starburst_assurance.templates.policy_holders import unread

__all__ = ["FOREIGN_BOUNDARY", "QUEUE_USER", "SESSION_QUEUE", "read_policy_set"]

QUEUE_USER: Final = "starburst:queueUser"
"""Stands in the session queue's policy for the analyst whose queue it is."""

FOREIGN_BOUNDARY: Final = "the organization's boundary"
"""An organization's boundary is taken as allowing everything and denying nothing.

So what is proved to be impossible is so under any boundary. What is proved to be possible is so
where the boundary allows what the roles do.
"""

SESSION_QUEUE: Final = "session-queue"
"""Kind of the queues that the controller makes; their policy is the controller's own function."""

_GUARDING: Final = {
    # type: (kind, property with the document, property with what it guards)
    "AWS::S3::BucketPolicy": ("bucket", "PolicyDocument", "Bucket"),
    "AWS::SQS::QueuePolicy": ("queue", "PolicyDocument", "Queues"),
    "AWS::SNS::TopicPolicy": ("topic", "PolicyDocument", "Topics"),
    "AWS::Backup::BackupVault": ("vault", "AccessPolicy", None),
    "AWS::KMS::Key": ("key", "KeyPolicy", None),
    "AWS::ECR::Repository": ("repository", "RepositoryPolicyText", None),
}


def read_policy_set(
    assembly: Path | str,
    environment: str,
    *,
    regions: Sequence[str] = (),
    without: Sequence[str] = (),
    s3_endpoint: str | None = None,
    organization: str | None = None,
    boundary: str | None = None,
    fips: bool = False,
    trusted_cidrs: Sequence[str] = (),
    trusted_vpcs: Sequence[str] = (),
    sharing: Mapping[str, Sharing] | None = None,
    deployer: str | None = None,
    break_glass: str | None = None,
    data_roles: Sequence[str] = (),
    identity_center: bool = False,
    physical: Physical | None = None,
) -> PolicySet:
    """Return the policy set of one environment of a synthesized app.

    Args:
        assembly: the directory that synthesis wrote.
        environment: name of the stage.
        regions: where data may be; the stacks' own Region without it.
        without: what the environment leaves out.
        s3_endpoint: id of the gateway endpoint, where the VPC had it already.
        organization: id of the organization, where the perimeter is as wide.
        boundary: ARN of an organization's boundary that roles carry instead of the kit's.
        fips: whether endpoints have FIPS names.
        trusted_cidrs: public addresses from which alone analysts work; none for any.
        trusted_vpcs: VPCs through whose endpoints they work as well.
        sharing: by workspace, what its settings leave to whom; as settings are by themselves
            where it is not named.
        deployer: ARN of the role in which CloudFormation deploys, where keys are kept; None where
            they go with their stack.
        break_glass: ARN of the role that alone may end a kept key.
        data_roles: ARNs of roles that settings let to data, beside that one and the kit's.
        identity_center: whether people come by permission sets of IAM Identity Center.
        physical: how AWS calls what is deployed; names are made up without it.

    Raises:
        ProofError: there is no such environment, a token in it cannot be resolved, or it
            grants access by what is not read here.
    """
    stacks = read_stacks(assembly, environment, physical=physical)
    reader = _Reader(stacks, foreign_boundary=boundary)
    reader.refuse_unread()
    policy_set = reader.policy_set(environment, regions=regions or (stacks.resolver.region,))
    if identity_center:
        policy_set = with_permission_sets(policy_set)
    own = {endpoint.service: endpoint.identifier for endpoint in policy_set.endpoints}
    return replace(
        policy_set,
        without=(
            *without,
            *(() if trusted_cidrs else ("trusted-networks",)),
            *(() if deployer else ("kept-keys",)),
            *(() if "audit/Files" in policy_set.named else ("own-trail",)),
            *(() if identity_center else ("identity-center",)),
            *(("kit-boundary",) if FOREIGN_BOUNDARY in policy_set.policies else ()),
        ),
        s3_endpoint=own.get("s3") or s3_endpoint or policy_set.s3_endpoint,
        organization=organization,
        fips=fips,
        trusted_cidrs=tuple(trusted_cidrs),
        trusted_vpcs=tuple(trusted_vpcs),
        sharing={name: (sharing or {}).get(name, Sharing()) for name in policy_set.workspaces},
        qualifier=stacks.qualifier or policy_set.qualifier,
        deployer=deployer,
        break_glass=break_glass,
        data_roles=tuple(data_roles),
        usage=usage_of(stacks.resolver.templates.values()),
    )


class _Reader:
    """Reads typed policies from resolved resources."""

    def __init__(self, stacks: Stacks, *, foreign_boundary: str | None) -> None:
        self._stacks = stacks
        self._resolver = stacks.resolver
        self._policies: dict[str, Policy] = {}
        self._by_arn: dict[str, str] = {}
        self._inline: dict[str, str] = {}
        if foreign_boundary is not None:
            self._policies[FOREIGN_BOUNDARY] = replace(EVERYTHING, name=FOREIGN_BOUNDARY)
            self._by_arn[foreign_boundary] = FOREIGN_BOUNDARY

    def refuse_unread(self) -> None:
        """Refuse templates of which only a part would be proved."""
        for stack, logical_id, kind, properties in self._resources():
            for what in unread(kind, properties) or ():
                raise ProofError(f"{stack}, {logical_id}: {what}; nothing is proved of it")

    def policy_set(
        self,
        environment: str,
        *,
        regions: Sequence[str],
    ) -> PolicySet:
        named = {
            self._label(stack, logical_id): self._resolver.arn(stack, logical_id)
            for stack, logical_id, _, _ in self._resources()
        }
        named.update(self._default_groups())
        for stack, logical_id, kind, properties in self._resources(*OF_ORGANIZATION):
            label, own = self._label(stack, logical_id), self._resolver.value(stack, properties)
            if (policy := read_organization_policy(label, kind, own)) is not None:
                self._keep(policy)
        roles = self._roles()
        return PolicySet(
            name=environment,
            account=self._resolver.account,
            region=self._resolver.region,
            regions=tuple(regions),
            roles=roles,
            guarded=(
                *self._guarded(),
                *self._functions(),
                *self._log_groups(),
                *self._session_queues(environment, roles),
            ),
            endpoints=tuple(self._endpoints()),
            policies=self._policies,
            called={**{name: arn for arn, name in self._by_arn.items()}, **self._inline},
            named=named,
            vpc=self._vpc(),
        )

    def _resources(self, *kinds: str) -> Iterator[Resource]:
        return self._stacks.resources(*kinds)

    def _label(self, stack: str, logical_id: str) -> str:
        return self._stacks.label(stack, logical_id)

    def _add(self, name: str, document: Mapping[str, Any]) -> str:
        return self._keep(Policy.parse(name, document))

    def _keep(self, policy: Policy) -> str:
        if policy.name in self._policies:
            raise ResolveError(f"two policies would be called {policy.name}")
        self._policies[policy.name] = policy
        return policy.name

    def _roles(self) -> tuple[Role, ...]:
        attached: dict[str, list[str]] = {}
        for stack, logical_id, _, properties in self._resources("AWS::IAM::ManagedPolicy"):
            document = self._resolver.value(stack, properties["PolicyDocument"])
            name = self._add(self._label(stack, logical_id), document)
            self._by_arn[self._resolver.arn(stack, logical_id)] = name
            for role in self._resolver.value(stack, properties.get("Roles", [])):
                attached.setdefault(role, []).append(name)
        for stack, logical_id, _, properties in self._resources("AWS::IAM::Policy"):
            document = self._resolver.value(stack, properties["PolicyDocument"])
            name = self._add(self._label(stack, logical_id), document)
            self._inline[name] = self._resolver.value(stack, properties["PolicyName"])
            for role in self._resolver.value(stack, properties.get("Roles", [])):
                attached.setdefault(role, []).append(name)
        return tuple(
            self._role(stack, logical_id, attached, self._resolver.value(stack, properties))
            for stack, logical_id, _, properties in self._resources("AWS::IAM::Role")
        )

    def _role(
        self,
        stack: str,
        logical_id: str,
        attached: Mapping[str, Sequence[str]],
        properties: Mapping[str, Any],
    ) -> Role:
        label = self._label(stack, logical_id)
        arn = self._resolver.arn(stack, logical_id)
        policies = [self._known(label, one) for one in properties.get("ManagedPolicyArns", [])]
        policies += attached.get(arn.rpartition("/")[2], [])
        for inline in properties.get("Policies", []):
            name = self._add(f"{label} {inline['PolicyName']}", inline["PolicyDocument"])
            self._inline[name] = inline["PolicyName"]
            policies.append(name)
        boundary = properties.get("PermissionsBoundary")
        return Role(
            arn=arn,
            tags={tag["Key"]: tag["Value"] for tag in properties.get("Tags", [])},
            trust=self._add(f"{label} trust", properties["AssumeRolePolicyDocument"]),
            policies=tuple(dict.fromkeys(policies)),
            boundary=self._known(label, boundary) if boundary else None,
        )

    def _known(self, label: str, arn: str) -> str:
        if arn not in self._by_arn:
            raise ResolveError(f"{label} has the policy {arn}, which no stack of ours defines")
        return self._by_arn[arn]

    def _guarded(self) -> Iterator[Guarded]:
        for stack, logical_id, kind, properties in self._resources(*_GUARDING):
            what, document, target = _GUARDING[kind]
            if document not in properties:
                continue
            label = self._label(stack, logical_id)
            own = None if target is None else self._resolver.value(stack, properties[target])
            arns = (
                [self._resolver.arn(stack, logical_id)]
                if own is None
                else [self._arn_of(what, one) for one in (own if isinstance(own, list) else [own])]
            )
            text = self._resolver.value(stack, properties[document])
            policy = self._add(label if target else f"{label} policy", text)
            for arn in arns:
                yield Guarded(kind=what, arn=arn, policy=policy)

    def _arn_of(self, kind: str, reference: str) -> str:
        if kind == "bucket":
            return f"arn:aws:s3:::{reference}"
        if kind == "queue":
            name = reference.rpartition("/")[2]
            return f"arn:aws:sqs:{self._resolver.region}:{self._resolver.account}:{name}"
        return reference

    def _functions(self) -> Iterator[Guarded]:
        statements: dict[str, list[Mapping[str, Any]]] = {}
        for stack, _, _, properties in self._resources("AWS::Lambda::Permission"):
            own = self._resolver.value(stack, properties)
            principal = own["Principal"]
            condition: dict[str, Any] = {}
            if "SourceArn" in own:
                condition["ArnLike"] = {"aws:SourceArn": own["SourceArn"]}
            if "SourceAccount" in own:
                condition["StringEquals"] = {"aws:SourceAccount": own["SourceAccount"]}
            kind = "Service" if principal.endswith(".amazonaws.com") else "AWS"
            statements.setdefault(own["FunctionName"], []).append(
                {
                    "Effect": "Allow",
                    "Principal": {kind: principal},
                    "Action": own["Action"],
                    "Resource": own["FunctionName"],
                    "Condition": condition,
                }
            )
        for arn, found in statements.items():
            policy = self._add(f"permissions of {arn.rpartition(':')[2]}", {"Statement": found})
            yield Guarded(kind="function", arn=arn, policy=policy)

    def _log_groups(self) -> Iterator[Guarded]:
        for stack, logical_id, _, properties in self._resources(LOG_POLICY):
            label = self._label(stack, logical_id)
            policy, arn = read_log_policy(label, self._resolver.value(stack, properties))
            yield Guarded(kind="log-group", arn=arn, policy=self._keep(policy))

    def _vpc(self) -> str:
        # Where a VPC's owner brings the workers' group along, what else is ours in it tells.
        for kind, ours in (
            ("AWS::EC2::SecurityGroup", ("network/Workers", "network/Controller")),
            ("AWS::EC2::VPCEndpoint", ("network/EndpointsS3",)),
        ):
            for stack, logical_id, _, properties in self._resources(kind):
                if self._label(stack, logical_id) in ours:
                    return str(self._resolver.value(stack, properties["VpcId"]))
        return ""

    def _endpoints(self) -> Iterator[Endpoint]:
        for stack, logical_id, _, properties in self._resources("AWS::EC2::VPCEndpoint"):
            service = self._resolver.value(stack, properties["ServiceName"])
            short = service.removeprefix(f"com.amazonaws.{self._resolver.region}.")
            open_to_all = {
                "Statement": {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}
            }
            document = properties.get("PolicyDocument", open_to_all)
            yield Endpoint(
                service=short,
                identifier=self._resolver.reference(stack, logical_id),
                policy=self._add(f"endpoint {short}", self._resolver.value(stack, document)),
            )

    def _default_groups(self) -> Iterator[tuple[str, str]]:
        """Yield the security group that each VPC has from the start, which no template declares."""
        place = f"{self._resolver.region}:{self._resolver.account}"
        for stack, logical_id, _, _ in self._resources("AWS::EC2::VPC"):
            token = {"Fn::GetAtt": [logical_id, "DefaultSecurityGroup"]}
            group = self._resolver.value(stack, token)
            label = f"{self._label(stack, logical_id)} default group"
            yield label, f"arn:aws:ec2:{place}:security-group/{group}"

    def _session_queues(self, environment: str, roles: Sequence[Role]) -> Iterator[Guarded]:
        controller = next((role.arn for role in roles if role.purpose == "controller"), "")
        for role in roles:
            if role.purpose != "worker" or role.workspace is None:
                continue
            name = queue_prefix(environment, role.workspace) + "?" * 20
            arn = f"arn:aws:sqs:{self._resolver.region}:{self._resolver.account}:{name}"
            document = session_queue_policy(
                queue_arn=arn,
                user=f"${{{QUEUE_USER}}}",
                worker_role_arn=role.arn,
                controller_role_arn=controller,
            )
            yield Guarded(
                kind=SESSION_QUEUE,
                arn=arn,
                policy=self._add(f"session queue of {role.workspace}", document),
                workspace=role.workspace,
            )
