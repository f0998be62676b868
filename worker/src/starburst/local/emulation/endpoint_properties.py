"""Tell of a VPC endpoint its policy, its private DNS and its security groups; stock keeps quiet."""

from __future__ import annotations

import json
from typing import Any
from xml.sax.saxutils import escape

from .patching import Function, Patch, module, wrap

__all__ = ["PATCH"]


def _apply() -> None:
    ec2 = module("services.ec2")

    def make(original: Function) -> Function:
        def fields(endpoint: dict[str, Any], tag: str = "item") -> str:
            text: str = original(endpoint, tag)
            return text.removesuffix(f"</{tag}>") + _more(endpoint) + f"</{tag}>"

        return fields

    wrap(ec2, "_vpce_fields_xml", make)


def _more(endpoint: dict[str, Any]) -> str:
    policy = endpoint.get("PolicyDocument")
    text = policy if isinstance(policy, str) else json.dumps(policy)
    private = str(endpoint.get("PrivateDnsEnabled", False)).lower()
    groups = "".join(
        f"<item><groupId>{escape(each)}</groupId></item>"
        for each in endpoint.get("SecurityGroupIds", ())
    )
    document = f"<policyDocument>{escape(text)}</policyDocument>" if policy else ""
    return (
        f"{document}<privateDnsEnabled>{private}</privateDnsEnabled><groupSet>{groups}</groupSet>"
    )


PATCH = Patch(
    name="endpoint_properties",
    stock="does not tell an endpoint's policy, private DNS and security groups",
    apply=_apply,
)
