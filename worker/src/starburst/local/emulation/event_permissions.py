"""Ask the policy of a function, queue or topic before EventBridge delivers an event to it.

Stock delivers to whatever a rule names. Who is asked, and for what, is in
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html
"""

from __future__ import annotations

from typing import Any

from .patching import Function, Patch, module, wrap

__all__ = ["PATCH"]

_SERVICE = "events.amazonaws.com"
_ACTIONS = {
    "lambda": ("lambda:InvokeFunction", "lambda_svc", "function_policy_for_arn"),
    "sns": ("sns:Publish", "sns", "topic_policy_for_arn"),
    "sqs": ("sqs:SendMessage", "sqs", "queue_policy_for_arn"),
}
"""What EventBridge does to a target, and which function of the emulator finds the policy."""


def _apply() -> None:
    evaluator = module("core.iam_evaluator")
    responses = module("core.responses")

    def allowed(arn: str, rule: str) -> bool:
        kind = arn.split(":")[2] if arn.count(":") > 2 else ""  # noqa: PLR2004 - arn:aws:<service>
        if kind not in _ACTIONS:
            return True
        action, service, finder = _ACTIONS[kind]
        found = getattr(module(f"services.{service}"), finder)(arn)
        asked = evaluator.EvalContext(
            principal_arn="*",
            principal_type="Service",
            principal_account="",
            action=action,
            resource_arn=arn,
            region=responses.get_region(),
            secure_transport=True,
            service_context={
                "aws:sourcearn": rule,
                "aws:sourceaccount": responses.get_account_id(),
            },
        )
        policy = found[0] if found else None
        decision = evaluator.evaluate_resource_policy(policy, asked, service=_SERVICE).decision
        return bool(decision == "Allow")

    def make(original: Function) -> Function:
        def invoke(target: dict[str, Any], event: Any, rule: dict[str, Any], *more: Any) -> None:
            if allowed(str(target.get("Arn", "")), str(rule.get("Arn", ""))):
                original(target, event, rule, *more)

        return invoke

    wrap(module("services.eventbridge"), "_invoke_target", make)


PATCH = Patch(
    name="event_permissions",
    stock="lets EventBridge deliver to a function, queue or topic whose policy does not allow it",
    apply=_apply,
)
