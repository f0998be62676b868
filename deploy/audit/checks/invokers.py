"""Whether anybody else than its code says may invoke a function, or one of its aliases.

IAM lets who is named in a function's own policy invoke it, whatever their identity policies say. A
policy belongs to a function or to one of its aliases, and an alias is a door of the controller.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from botocore.exceptions import ClientError

from deploy.audit.subject import Check, Finding, Subject, limits_of
from starburst.aws.calls import code_of

__all__ = ["INVOKERS"]

_NO_POLICY: Final = "ResourceNotFoundException"
_SOURCE: Final = "aws:sourcearn"
_QUALIFIED: Final = 8
"""Parts of a function's ARN that names an alias."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Allowed:
    """One permission that the code gives.

    Attributes:
        principal, action: who may do what.
        function: its name; None where the code alone does not tell.
        alias: of it; "" for none.
        source: whose events these are; None where the code alone does not tell.
    """

    principal: str
    action: str
    function: str | None
    alias: str
    source: str | None


def _look(subject: Subject) -> Iterator[Finding]:
    client = subject.client("lambda")
    allowed = [*_allowed(subject)]
    for one, _ in subject.of_kind("AWS::Lambda::Function"):
        pages = client.get_paginator("list_aliases").paginate(FunctionName=one.physical)
        aliases = [each["Name"] for page in pages for each in page["Aliases"]]
        seen: list[Mapping[str, Any]] = []
        for alias in (*aliases, ""):
            for statement in _statements(client, one.physical, alias):
                if statement in seen:
                    continue
                seen.append(statement)
                if not any(
                    each.function in (None, one.physical)
                    and (each.function is None or each.alias == alias)
                    and _is(each, statement, account=subject.environment.account)
                    for each in allowed
                ):
                    yield Finding(
                        resource=f"function {':'.join(filter(None, (one.physical, alias)))}",
                        what=f"may be invoked by {_who(statement)}, which its code does not say",
                        why="who invokes it has it act in its role",
                        do=f"remove the statement {statement.get('Sid', '')}, and see in the trail "
                        "who added it",
                    )


def _statements(client: Any, function: str, alias: str) -> list[Mapping[str, Any]]:  # noqa: ANN401 - any client of boto3
    asked = {"FunctionName": function, **({"Qualifier": alias} if alias else {})}
    try:
        policy = json.loads(client.get_policy(**asked)["Policy"])
    except ClientError as error:
        if code_of(error) != _NO_POLICY:
            raise
        return []
    return [one for one in policy["Statement"] if one["Effect"] == "Allow"]


def _is(allowed: _Allowed, statement: Mapping[str, Any], *, account: str) -> bool:
    """Return whether a statement is a permission of the code's, for events of this account."""
    if (statement.get("Principal"), statement.get("Action")) != (
        {"Service": allowed.principal} if "." in allowed.principal else {"AWS": allowed.principal},
        allowed.action,
    ):
        return False
    limits = limits_of(statement.get("Condition", {}))
    if not limits:
        return False
    if allowed.source is None:
        return True
    return all(
        arn.split(":")[4] in ("", account)
        and (arn == allowed.source or arn.endswith((f"/{allowed.source}", f":{allowed.source}")))
        for arn in limits.get(_SOURCE, ("::::",))
    )


def _who(statement: Mapping[str, Any]) -> str:
    principal = statement.get("Principal", "somebody")
    if isinstance(principal, Mapping):
        principal = ", ".join(str(one) for one in principal.values())
    sources = limits_of(statement.get("Condition", {})).get(_SOURCE, ())
    told = "everybody" if principal == "*" else str(principal)
    return f"{told} for {', '.join(sources)}" if sources else told


def _allowed(subject: Subject) -> Iterator[_Allowed]:
    physical = {(one.stack, one.logical): one.physical for one in subject.resources}
    for stack, template in subject.expected.items():
        made = template.get("Resources", {})
        for one in made.values():
            if one["Type"] != "AWS::Lambda::Permission":
                continue
            properties = one["Properties"]
            function, alias = properties["FunctionName"], ""
            if made.get(_logical(function), {}).get("Type") == "AWS::Lambda::Alias":
                of_alias = made[_logical(function)]["Properties"]
                function, alias = of_alias["FunctionName"], of_alias["Name"]
            if isinstance(function, str) and function.startswith("arn:"):
                parts = function.split(":")
                function, alias = parts[6], parts[7] if len(parts) == _QUALIFIED else ""
            source = properties.get("SourceArn")
            yield _Allowed(
                principal=str(properties["Principal"]),
                action=str(properties["Action"]),
                function=_named(function, physical, stack),
                alias=alias,
                source=_named(source, physical, stack),
            )


def _named(value: object, physical: Mapping[tuple[str, str], str], stack: str) -> str | None:
    """Return how AWS calls what a template names; None where that takes more than its stack."""
    return value if isinstance(value, str) else physical.get((stack, _logical(value)))


def _logical(value: object) -> str:
    """Return what of the same template is referred to."""
    match value:
        case {"Ref": str(name)} | {"Fn::GetAtt": [str(name), _]}:
            return name
        case _:
            return ""


INVOKERS: Final = Check(name="invokers", look=_look)
"""Whether a function's own policy, or an alias', lets in others than its code does."""
