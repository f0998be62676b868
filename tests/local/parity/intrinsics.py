"""Resolve a template's intrinsic functions against what was deployed, apart from the emulator."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from starburst.local.emulator import ACCOUNT, REGION

__all__ = ["Resolver", "Template", "resources_of"]

Template = Mapping[str, Any]

PSEUDO = {
    "AWS::AccountId": ACCOUNT,
    "AWS::Partition": "aws",
    "AWS::Region": REGION,
    "AWS::URLSuffix": "amazonaws.com",
}

# What Fn::GetAtt returns, by AWS's forms of ARNs and from the Ref alone.
PLACE = f"{REGION}:{ACCOUNT}"
ATTRIBUTES: Mapping[tuple[str, str], Callable[[str], str]] = {
    ("AWS::EC2::SecurityGroup", "GroupId"): lambda ref: ref,
    ("AWS::ECR::Repository", "Arn"): lambda ref: f"arn:aws:ecr:{PLACE}:repository/{ref}",
    ("AWS::ECS::Cluster", "Arn"): lambda ref: f"arn:aws:ecs:{PLACE}:cluster/{ref}",
    ("AWS::Events::Rule", "Arn"): lambda ref: f"arn:aws:events:{PLACE}:rule/{ref}",
    ("AWS::IAM::Role", "Arn"): lambda ref: f"arn:aws:iam::{ACCOUNT}:role/{ref}",
    ("AWS::KMS::Key", "Arn"): lambda ref: f"arn:aws:kms:{PLACE}:key/{ref}",
    ("AWS::Lambda::Function", "Arn"): lambda ref: f"arn:aws:lambda:{PLACE}:function:{ref}",
    ("AWS::Logs::LogGroup", "Arn"): lambda ref: f"arn:aws:logs:{PLACE}:log-group:{ref}:*",
    ("AWS::S3::Bucket", "Arn"): lambda ref: f"arn:aws:s3:::{ref}",
    ("AWS::SNS::Topic", "TopicArn"): lambda ref: ref,
    ("AWS::SNS::Topic", "TopicName"): lambda ref: ref.rpartition(":")[2],
    ("AWS::SQS::Queue", "Arn"): lambda ref: f"arn:aws:sqs:{PLACE}:{ref.rpartition('/')[2]}",
    ("AWS::SQS::Queue", "QueueName"): lambda ref: ref.rpartition("/")[2],
}


def resources_of(template: Template) -> Mapping[str, Mapping[str, Any]]:
    found: Mapping[str, Mapping[str, Any]] = template["Resources"]
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolver:
    """One stack's template, and what it refers to.

    Attributes:
        template: as it was synthesized.
        refs: physical ids by logical id.
        exports: of all stacks, by name.
        zones: of the Region.
    """

    template: Template
    refs: Mapping[str, str]
    exports: Mapping[str, str]
    zones: tuple[str, ...]

    def resolve(self, value: Any) -> Any:
        """Return a value without intrinsic functions; an unknown one is an error."""
        if isinstance(value, list):
            return [self.resolve(each) for each in value]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            ((name, given),) = value.items()
            if name == "Ref":
                return PSEUDO[given] if given in PSEUDO else self.refs[given]
            if name.startswith("Fn::"):
                return self._call(name, given)
        return {key: self.resolve(each) for key, each in value.items()}

    def _call(self, name: str, given: Any) -> Any:
        match name, self.resolve(given):
            case "Fn::GetAtt", [logical, attribute]:
                kind = resources_of(self.template)[logical]["Type"]
                return ATTRIBUTES[kind, attribute](self.refs[logical])
            case "Fn::Join", [separator, parts]:
                return str(separator).join(map(str, parts))
            case "Fn::Select", [index, parts]:
                return parts[int(index)]
            case "Fn::Split", [separator, text]:
                return str(text).split(separator)
            case "Fn::ImportValue", export:
                return self.exports[export]
            case "Fn::GetAZs", _:
                return list(self.zones)
        raise LookupError(f"the comparison cannot resolve {name}: teach it to {__name__}")
