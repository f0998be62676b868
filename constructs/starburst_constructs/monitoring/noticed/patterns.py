"""Conditions on events of a trail, as metric filters of CloudWatch Logs write them.

Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html.
"""

from __future__ import annotations

from typing import Final

__all__ = [
    "CALLER",
    "MOST_CHARACTERS",
    "every",
    "in_detail",
    "is_not",
    "is_text",
    "missing",
    "named",
    "of_service",
    "pattern",
    "some",
    "some_name",
]

MOST_CHARACTERS: Final = 1024
"""Of a pattern; CloudWatch Logs takes no longer one."""

CALLER: Final = "userIdentity.sessionContext.sessionIssuer.arn"
"""The role in whose session a call was made."""


def is_text(path: str, value: str) -> str:
    """Return that a field has a value, in which ``*`` is any text.

    Example:
        >>> is_text("eventName", "Put*")
        '($.eventName = "Put*")'
    """
    return f'($.{path} = "{value}")'


def is_not(path: str, value: str) -> str:
    """Return that a field is there and has another value."""
    return f'($.{path} != "{value}")'


def some_name(path: str) -> str:
    """Return that a field has any value at all."""
    return is_text(path, "*")


def missing(path: str) -> str:
    """Return that a field is not there."""
    return f"($.{path} NOT EXISTS)"


def of_service(name: str) -> str:
    """Return that a call was made to a service, such as ``ec2``."""
    return is_text("eventSource", f"{name}.amazonaws.com")


def named(*names: str) -> str:
    """Return that a call has one of some names."""
    return some(*(is_text("eventName", name) for name in names))


def some(*terms: str) -> str:
    """Return that one term holds or several."""
    return terms[0] if len(terms) == 1 else f"({' || '.join(terms)})"


def every(*terms: str) -> str:
    """Return that all terms hold."""
    return " && ".join(terms)


def pattern(*terms: str) -> str:
    """Return the pattern of a filter that counts events of which all terms hold."""
    return f"{{ {every(*terms)} }}"


def in_detail(condition: str) -> str:
    """Return a pattern for events as EventBridge wraps them: the trail's event is in ``detail``.

    Example:
        >>> in_detail('{ ($.eventName = "StopLogging") }')
        '{ ($.detail.eventName = "StopLogging") }'
    """
    return condition.replace("($.", "($.detail.")
