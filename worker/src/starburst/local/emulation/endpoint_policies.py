"""Ask the policy of the VPC's endpoint too, when a worker calls a service that has one.

Stock keeps such policies and asks none. Workers alone are in the VPC, and a service without an
endpoint is reached as if there were a way.
"""

from __future__ import annotations

from typing import Any

from .patching import Function, Patch, module, wrap
from .tasks import worker_keys

__all__ = ["PATCH"]

_NAMES = {"ecr": "ecr.api"}
"""How endpoints name a service where that is not its own name."""


def _apply() -> None:
    evaluator = module("core.iam_evaluator")
    endpoints = module("services.ec2")._vpc_endpoints
    responses = module("core.responses")

    def policy_of(service: str, region: str) -> Any:
        name = f"com.amazonaws.{region}.{_NAMES.get(service, service)}"
        found = (each for each in endpoints.values() if each["ServiceName"] == name)
        return next((each.get("PolicyDocument") for each in found), None)

    def asked(key: str, action: str, region: str, **given: Any) -> Any:
        who = evaluator.resolve_principal(key, responses.get_account_id())
        context = given.get("service_context") or {}
        return evaluator.EvalContext(
            principal_arn=who.arn,
            principal_type=who.type,
            principal_account=who.account,
            action=action,
            resource_arn=given.get("resource_arn", "*"),
            region=region,
            service_context={name.lower(): value for name, value in context.items()},
            principal_keys=who.keys,
        )

    def make(original: Function) -> Function:
        def check(key: str, action: str, service: str, region: str, **given: Any) -> Any:
            denied = original(key, action, service, region, **given)
            policy = policy_of(service, region) if key in worker_keys else None
            if denied is not None or policy is None:
                return denied
            context = asked(key, action, region, **given)
            result = evaluator.evaluate_resource_policy(policy, context)
            result.principal_arn = context.principal_arn
            return None if result.decision == "Allow" else result

        return check

    wrap(evaluator, "enforce", make)


PATCH = Patch(
    name="endpoint_policies",
    stock="asks no policy of a VPC endpoint when a worker calls its service",
    apply=_apply,
)
