"""Which events of Identity Center ring: by their source, for other services use the same names.

Amazon Connect has a ``CreateInstance`` as well. The names of the public APIs are those of
https://docs.aws.amazon.com/singlesignon/latest/userguide/sso-info-in-cloudtrail.html, which lists
them with ``sso.amazonaws.com`` and ``identitystore.amazonaws.com``. Of devices it says that console
calls may come from ``sso-directory.amazonaws.com`` and refers to the Service Authorization
Reference, from whose list of ``sso-directory`` and ``sso`` these are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

__all__ = ["PATTERNS", "RINGS", "TOLD", "condition"]

INSTANCES: Final = ("CreateInstance", "DeleteInstance", "UpdateInstance")
ASSIGNMENTS: Final = (
    *("CreateApplication", "CreateApplicationAssignment", "DeleteApplication"),
    *("DeleteApplicationAssignment", "PutApplicationAssignmentConfiguration", "UpdateApplication"),
    *("CreateAccountAssignment", "DeleteAccountAssignment"),
)
SECOND_FACTORS: Final = ("PutMfaDeviceManagementForDirectory",)
DEVICES: Final = (
    *("CompleteVirtualMfaDeviceRegistration", "CompleteWebAuthnDeviceRegistration"),
    *("DeleteMfaDeviceForUser", "UpdateMfaDeviceForUser"),
)

RINGS: Final[Mapping[str, Sequence[tuple[str, Sequence[str]]]]] = MappingProxyType(
    {
        "IdentityInstances": (("sso", INSTANCES),),
        "IdentityAssignments": (("sso", ASSIGNMENTS),),
        "SecondFactors": (("sso", SECOND_FACTORS), ("sso-directory", DEVICES)),
    }
)
"""By alarm: sources, and the calls that ring it, refused ones too."""

TOLD: Final[Mapping[str, str]] = MappingProxyType(
    {
        "IdentityInstances": "Somebody made, changed or removed an instance of Identity Center, or "
        "tried to",
        "IdentityAssignments": "Somebody changed who may use an application or an account by "
        "Identity Center, or tried to",
        "SecondFactors": "Somebody registered or removed a device for a second factor, or changed "
        "whether one is asked for",
    }
)
"""What each alarm says."""


def _pattern(source: str, names: Sequence[str]) -> Mapping[str, Any]:
    return {
        "source": [f"aws.{source}"],
        "detail-type": ["AWS API Call via CloudTrail"],
        "detail": {"eventSource": [f"{source}.amazonaws.com"], "eventName": list(names)},
    }


PATTERNS: Final[Mapping[str, Mapping[str, Any]]] = MappingProxyType(
    {
        f"{alarm}{number or ''}": _pattern(source, names)
        for alarm, calls in RINGS.items()
        for number, (source, names) in enumerate(calls)
    }
)
"""EventBridge's patterns, by rule."""


def condition(alarm: str) -> str:
    """Return the metric filter that counts an alarm's events in what EventBridge passes on."""
    either = []
    for source, names in RINGS[alarm]:
        of = f'($.detail.eventSource = "{source}.amazonaws.com")'
        called = " || ".join(f'($.detail.eventName = "{name}")' for name in names)
        either.append(f"({of} && ({called}))")
    return f"{{ {' || '.join(either)} }}"
