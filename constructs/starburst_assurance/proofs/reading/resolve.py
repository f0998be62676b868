"""Make a synthesized template concrete: every token becomes the value it would have in AWS.

Names that CloudFormation would generate are derived from stack and logical id, so that the same
templates always give the same ARNs; of what is deployed they are those that it has generated.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any, Final, cast

from starburst_assurance.proofs.reading.errors import ResolveError

__all__ = ["Physical", "Resolver", "Template"]

Template = Mapping[str, Any]
Physical = Mapping[tuple[str, str], str]
"""How AWS calls a resource that is deployed, by its stack and its name in the template."""

_HEX: Final = {
    "AWS::EC2::SecurityGroup": "sg",
    "AWS::EC2::Subnet": "subnet",
    "AWS::EC2::VPC": "vpc",
    "AWS::EC2::VPCEndpoint": "vpce",
}
_IN_ARN: Final = {
    "AWS::EC2::SecurityGroup": "security-group",
    "AWS::EC2::Subnet": "subnet",
    "AWS::EC2::VPC": "vpc",
}
"""What has an id, and an ARN that ends with it."""
_NAMED: Final = {
    # type: (property with the name, ARN of the resource, what Ref gives)
    "AWS::Backup::BackupVault": ("BackupVaultName", "backup:{r}:{a}:backup-vault:{n}", "name"),
    "AWS::ECR::Repository": ("RepositoryName", "ecr:{r}:{a}:repository/{n}", "name"),
    "AWS::ECS::Cluster": ("ClusterName", "ecs:{r}:{a}:cluster/{n}", "name"),
    "AWS::ECS::TaskDefinition": ("Family", "ecs:{r}:{a}:task-definition/{n}:1", "arn"),
    "AWS::Events::Rule": ("Name", "events:{r}:{a}:rule/{n}", "name"),
    "AWS::IAM::ManagedPolicy": ("ManagedPolicyName", "iam::{a}:policy/{n}", "arn"),
    "AWS::IAM::Role": ("RoleName", "iam::{a}:role/{n}", "name"),
    "AWS::Lambda::Function": ("FunctionName", "lambda:{r}:{a}:function:{n}", "name"),
    "AWS::Logs::LogGroup": ("LogGroupName", "logs:{r}:{a}:log-group:{n}:*", "name"),
    "AWS::S3::Bucket": ("BucketName", "s3:::{n}", "name"),
    "AWS::SNS::Topic": ("TopicName", "sns:{r}:{a}:{n}", "arn"),
    "AWS::SQS::Queue": ("QueueName", "sqs:{r}:{a}:{n}", "url"),
}
_ALIAS: Final = "AWS::Lambda::Alias"
_VARIABLE: Final = re.compile(r"\$\{([^!}][^}]*)\}")


class Resolver:
    """Resolves the tokens of one environment's stacks.

    Args:
        templates: template by stack name, as CloudFormation will know it.
        account: twelve digits.
        region: of the stacks.
        physical: how AWS calls what is deployed; the rest is given a name.

    Example:
        >>> bucket = {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "mine"}}
        >>> resolver = Resolver({"one": {"Resources": {"B": bucket}}}, "111122223333", "eu-west-1")
        >>> resolver.value("one", {"Fn::Join": ["", [{"Fn::GetAtt": ["B", "Arn"]}, "/*"]]})
        'arn:aws:s3:::mine/*'
    """

    def __init__(
        self,
        templates: Mapping[str, Template],
        account: str,
        region: str,
        *,
        physical: Physical | None = None,
    ) -> None:
        self.templates = dict(templates)
        self.physical = dict(physical or {})
        self.account = account
        self.region = region
        self._exports: dict[Any, tuple[str, Any]] = {}
        for stack, template in self.templates.items():
            for output in template.get("Outputs", {}).values():
                if "Export" in output:
                    name = self.value(stack, output["Export"]["Name"])
                    self._exports[name] = (stack, output["Value"])

    def value(self, stack: str, token: Any) -> Any:
        """Return ``token`` of a stack's template with everything in it resolved.

        Raises:
            ResolveError: it refers to something that is not there, or by an unknown function.
        """
        if isinstance(token, list):
            values = [self.value(stack, item) for item in cast(list[Any], token)]
            return [value for value in values if value is not None]
        if not isinstance(token, dict):
            return token
        mapping = cast(dict[str, Any], token)
        if len(mapping) == 1:
            ((function, argument),) = mapping.items()
            if function == "Ref" or function.startswith("Fn::"):
                return self._call(stack, function, argument)
        resolved = {key: self.value(stack, item) for key, item in mapping.items()}
        return {key: item for key, item in resolved.items() if item is not None}

    def arn(self, stack: str, logical_id: str) -> str:
        """Return the ARN of a resource."""
        return str(self._attribute(stack, logical_id, "Arn"))

    def reference(self, stack: str, logical_id: str) -> str:
        """Return what ``Ref`` gives for a resource."""
        return str(self._ref(stack, logical_id))

    def _call(self, stack: str, function: str, argument: Any) -> Any:  # noqa: PLR0911 - a table
        match function:
            case "Ref":
                return self._ref(stack, argument)
            case "Fn::GetAtt":
                parts = argument.split(".", 1) if isinstance(argument, str) else argument
                return self._attribute(stack, parts[0], parts[1])
            case "Fn::Join":
                return argument[0].join(str(part) for part in self.value(stack, argument[1]))
            case "Fn::Sub":
                return self._substitute(stack, argument)
            case "Fn::Select":
                return self.value(stack, argument[1])[int(argument[0])]
            case "Fn::Split":
                return self.value(stack, argument[1]).split(argument[0])
            case "Fn::ImportValue":
                name = self.value(stack, argument)
                if name not in self._exports:
                    raise ResolveError(f"{stack} imports {name}, which no stack exports")
                return self.value(*self._exports[name])
            case "Fn::GetStackOutput":
                source = self.value(stack, argument)
                other = source["StackName"]
                try:
                    output = self.templates[other]["Outputs"][source["OutputName"]]
                except KeyError:
                    raise ResolveError(f"{stack} reads an output that {other} lacks") from None
                return self.value(other, output["Value"])
            case "Fn::GetAZs":
                return [f"{self.region}{letter}" for letter in "abc"]
            case _:
                raise ResolveError(f"{stack} uses {function}, which proofs cannot resolve")

    def _substitute(self, stack: str, argument: Any) -> str:
        text, local = (argument, {}) if isinstance(argument, str) else argument

        def replace(found: re.Match[str]) -> str:
            name = found[1]
            if name in local:
                return str(self.value(stack, local[name]))
            if "." in name:
                return str(self._call(stack, "Fn::GetAtt", name))
            return str(self._ref(stack, name))

        return _VARIABLE.sub(replace, text).replace("${!", "${")

    def _resource(self, stack: str, logical_id: str) -> Mapping[str, Any]:
        try:
            return self.templates[stack]["Resources"][logical_id]
        except KeyError:
            raise ResolveError(f"{stack} refers to {logical_id}, which it lacks") from None

    def _name(self, stack: str, logical_id: str) -> str:
        resource = self._resource(stack, logical_id)
        known = self.physical.get((stack, logical_id))
        if known is not None:
            return _last(known)
        named = _NAMED.get(resource["Type"])
        explicit = resource.get("Properties", {}).get(named[0]) if named else None
        if explicit is not None:
            return str(self.value(stack, explicit))
        name = f"{stack}-{logical_id}"
        return (
            name.lower()
            if resource["Type"] in ("AWS::S3::Bucket", "AWS::ECR::Repository")
            else name
        )

    def _ref(self, stack: str, name: str) -> Any:
        pseudo = {
            "AWS::AccountId": self.account,
            "AWS::NoValue": None,
            "AWS::Partition": "aws",
            "AWS::Region": self.region,
            "AWS::StackName": stack,
            "AWS::URLSuffix": "amazonaws.com",
        }
        if name in pseudo:
            return pseudo[name]
        parameter = self.templates[stack].get("Parameters", {}).get(name)
        if parameter is not None:
            return parameter.get("Default", name)
        kind = self._resource(stack, name)["Type"]
        if kind in _NAMED:
            what = _NAMED[kind][2]
            if what == "url":
                own = self._name(stack, name)
                return f"https://sqs.{self.region}.amazonaws.com/{self.account}/{own}"
            return self._name(stack, name) if what == "name" else self.arn(stack, name)
        if kind == _ALIAS:
            return self.arn(stack, name)
        return self._identifier(stack, name, kind)

    def _identifier(self, stack: str, logical_id: str, kind: str) -> str:
        known = self._deployed(stack, logical_id)
        if known is not None:
            return known
        digest = hashlib.sha256(f"{stack}/{logical_id}".encode()).hexdigest()
        if kind == "AWS::KMS::Key":
            return "-".join((digest[:8], digest[8:12], digest[12:16], digest[16:20], digest[20:32]))
        return f"{_HEX.get(kind, logical_id)}-{digest[:17]}"

    def _deployed(self, stack: str, logical_id: str) -> str | None:
        """Return the id of a resource, or of what came with it, as AWS has given it."""
        own, _, attribute = logical_id.partition(".")
        known = self.physical.get((stack, own), "")
        itself = {"sg-": "GroupId", "vpc-": "VpcId"}.get(known[: known.find("-") + 1])
        return (
            known if known and attribute in ("", itself) else self.physical.get((stack, logical_id))
        )

    def _attribute(  # noqa: PLR0911 - a table
        self, stack: str, logical_id: str, attribute: str
    ) -> str:
        kind = self._resource(stack, logical_id)["Type"]
        place = {"a": self.account, "r": self.region}
        known = self.physical.get((stack, logical_id), "")
        if attribute in ("Arn", "AliasArn") and known.startswith("arn:"):
            return known
        if attribute in ("Arn", "AliasArn") and kind == _ALIAS:
            own = self.value(stack, self._resource(stack, logical_id)["Properties"])
            function = f"arn:aws:lambda:{self.region}:{self.account}:function:{own['FunctionName']}"
            return f"{function}:{own['Name']}"
        if attribute == "Arn" and kind in _NAMED:
            return "arn:aws:" + _NAMED[kind][1].format(**place, n=self._name(stack, logical_id))
        if attribute == "Arn" and kind == "AWS::KMS::Key":
            key = self._identifier(stack, logical_id, kind)
            return f"arn:aws:kms:{self.region}:{self.account}:key/{key}"
        if attribute == "Arn" and kind in _IN_ARN:
            group = kind == "AWS::EC2::SecurityGroup"
            own = self._attribute(stack, logical_id, "GroupId") if group else None
            identifier = own or self._identifier(stack, logical_id, kind)
            return f"arn:aws:ec2:{self.region}:{self.account}:{_IN_ARN[kind]}/{identifier}"
        if attribute.endswith("Name"):
            return self._name(stack, logical_id)
        if attribute in ("GroupId", "VpcId", "DefaultSecurityGroup"):
            return self._identifier(stack, f"{logical_id}.{attribute}", "AWS::EC2::SecurityGroup")
        service = kind.split("::")[1].lower()
        return f"arn:aws:{service}:{self.region}:{self.account}:{stack}-{logical_id}-{attribute}"


def _last(physical: str) -> str:
    """Return the name in an id: all of it, or what ends a queue's address or an ARN."""
    if physical.startswith("https://"):
        return physical.rpartition("/")[2]
    return (
        physical.rpartition(":")[2].rpartition("/")[2] if physical.startswith("arn:") else physical
    )
