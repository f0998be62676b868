"""Forbids a log group's ARN in the form that its place does not take: with ``:*`` or without.

CloudFormation's ``Arn`` of a log group ends in ``:*``, as IAM's policies need it. EC2 takes that in
a flow log and then delivers nothing; no encryption context has it. Sources:
https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_LogGroup.html,
https://github.com/awsdocs/aws-cloudformation-user-guide/pull/306,
https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_Target.html,
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from starburst_assurance.rules.rule import Rule
from starburst_assurance.templates.statements import Statement, listed
from starburst_assurance.templates.template import Resource, Template

__all__ = ["MISTAKEN_LOG_ARN"]

_GROUP: Final = ":log-group:"
_ALL: Final = ":*"
_CONTEXT: Final = "kms:encryptioncontext:aws:logs:arn"
_TAGGING: Final = frozenset({"logs:listtagsforresource", "logs:tagresource", "logs:untagresource"})
"""The actions that IAM asks for without the ``:*``."""

_CHOICES: Final = frozenset({"Fn::If", "Fn::Select"})
"""What takes one value of several; any of them must be right."""

_PART: Final = re.compile(r"\$\{([^!}][^}]*)\}")

_PLACES: Final = {
    ("AWS::CloudTrail::Trail", "CloudWatchLogsLogGroupArn"): True,
    ("AWS::EC2::FlowLog", "LogDestination"): False,
    ("AWS::Events::Rule", "Targets"): False,
}
"""Properties that take a log group's ARN, and whether with ``:*``."""


def _judge(resource: Resource, template: Template) -> Iterator[str] | None:
    found = list(_found(resource, template))
    return (problem for problem in found if problem) if found else None


def _found(resource: Resource, template: Template) -> Iterator[str]:
    """Yield, for each use of a log group's ARN, what is wrong with it; nothing for a good one."""
    for name, value in resource.properties.items():
        for held in _held(value):
            if _is_statement(held):
                yield from _in_statement(held, template)
                continue
            text = _spelled(held, template)
            if _GROUP in text:
                yield _wrong(text, name, with_all=_PLACES.get((resource.kind, name)))


def _held(value: object) -> Iterator[Any]:
    """Yield the statements, and the values outside of statements, in a property."""
    if isinstance(value, list):
        for inner in value:
            yield from _held(inner)
    elif isinstance(value, Mapping) and not _is_statement(value) and not _is_intrinsic(value):
        for inner in value.values():
            yield from _held(inner)
    elif isinstance(value, Mapping) and value.keys() & _CHOICES:
        for inner in next(iter(value.values()))[1:]:
            yield from _held(inner)
    elif isinstance(value, str) and value.startswith('{"'):
        # CloudWatch Logs takes its policy as text.
        yield from _held(json.loads(value))
    else:
        yield value


def _is_statement(value: object) -> bool:
    return isinstance(value, Mapping) and "Effect" in value


def _is_intrinsic(value: Mapping[str, Any]) -> bool:
    return len(value) == 1 and next(iter(value)).startswith(("Fn::", "Ref"))


def _in_statement(statement: Statement, template: Template) -> Iterator[str]:
    actions = {str(action).lower() for action in listed(statement.get("Action"))}
    sid = statement.get("Sid", "a statement")
    for key in ("Resource", "NotResource"):
        for value in _held(statement.get(key)):
            text = _spelled(value, template)
            if _GROUP in text:
                yield _wrong(text, sid, with_all=not (actions and actions <= _TAGGING))
    for block in statement.get("Condition", {}).values():
        for key, values in block.items():
            for value in _held(values):
                text = _spelled(value, template)
                if _GROUP in text:
                    yield _wrong(text, key, with_all=False if key.lower() == _CONTEXT else None)


def _wrong(text: str, where: str, *, with_all: bool | None) -> str:
    """Return what is wrong with an ARN in its place; nothing where it is right."""
    group = text.partition(_GROUP)[2]
    whole = group == "*"
    ends = group.endswith(_ALL) or ":log-stream:" in group
    if with_all is None:
        return f"{where} has {text}, and nobody has read whether it takes one, or in which form"
    if _ALL in group.removesuffix(_ALL):
        return f"{where} has {text}: what follows the :* is in no log group's name"
    if with_all and not (whole or ends):
        return f"{where} has {text} without the :* that IAM and CloudTrail look for"
    if not with_all and ends:
        return f"{where} has {text} with a :* that is in no log group's name"
    return ""


def _spelled(value: object, template: Template) -> str:
    """Spell a value, and the ARN of a log group with what CloudFormation puts at its end."""
    if isinstance(value, Mapping) and len(value) == 1:
        [(name, inner)] = value.items()
        if name == "Fn::Join":
            return str(inner[0]).join(_spelled(part, template) for part in inner[1])
        if name == "Fn::Sub":
            return _substituted(inner, template)
        group = template.referred(value)
        if name == "Fn::GetAtt" and group is not None and group.kind == "AWS::Logs::LogGroup":
            attribute = inner.partition(".")[2] if isinstance(inner, str) else inner[1]
            return f"arn:aws:logs{_GROUP}{group.path}{_ALL}" if attribute == "Arn" else ""
    return template.text(value)


def _substituted(inner: Any, template: Template) -> str:  # noqa: ANN401 - as the template has it
    text, parts = (inner, {}) if isinstance(inner, str) else inner

    def spelled(found: re.Match[str]) -> str:
        name = found[1]
        how = {"Fn::GetAtt" if "." in name else "Ref": name}
        return _spelled(parts.get(name, how), template)

    return _PART.sub(spelled, str(text))


MISTAKEN_LOG_ARN: Final = Rule(
    name="mistaken-log-arn",
    controls=("FSBP EC2.6", "NIST AU-12", "CIS 3.7"),
    kinds=(),
    fix=(
        "Name the log group where a name will do. In a policy end its ARN with :*; in an "
        "encryption context and a flow log's destination do not."
    ),
    judge=_judge,
)
