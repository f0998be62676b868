"""Our rules: what neither cdk-nag nor Control Tower sees. Each file forbids one thing."""

from __future__ import annotations

from typing import Final

from starburst_assurance.rules.colon_in_variable import COLON_IN_VARIABLE
from starburst_assurance.rules.endless_log import ENDLESS_LOG
from starburst_assurance.rules.loose_container import LOOSE_CONTAINER
from starburst_assurance.rules.mistaken_log_arn import MISTAKEN_LOG_ARN
from starburst_assurance.rules.open_deputy import OPEN_DEPUTY
from starburst_assurance.rules.open_egress import OPEN_EGRESS
from starburst_assurance.rules.open_endpoint import OPEN_ENDPOINT
from starburst_assurance.rules.open_perimeter import OPEN_PERIMETER
from starburst_assurance.rules.open_shell import OPEN_SHELL
from starburst_assurance.rules.public_address import PUBLIC_ADDRESS
from starburst_assurance.rules.rule import Result, Rule, Verdict
from starburst_assurance.rules.second_write import SECOND_WRITE
from starburst_assurance.rules.stuck_name import STUCK_NAME
from starburst_assurance.rules.too_large import TOO_LARGE
from starburst_assurance.rules.unbounded_role import UNBOUNDED_ROLE
from starburst_assurance.rules.undeclared_wildcard import undeclared_wildcard, unused_wildcards
from starburst_assurance.rules.unkeyed_scratch import UNKEYED_SCRATCH
from starburst_assurance.rules.unmasked_log import UNMASKED_LOG
from starburst_assurance.rules.unpinned_image import UNPINNED_IMAGE
from starburst_assurance.rules.unread_policy import UNREAD_POLICY
from starburst_assurance.rules.unstated_removal import UNSTATED_REMOVAL
from starburst_assurance.rules.way_out import WAY_OUT
from starburst_assurance.rules.weak_tls import WEAK_TLS

__all__ = ["RULES", "Result", "Rule", "Verdict", "undeclared_wildcard", "unused_wildcards"]

RULES: Final = (
    COLON_IN_VARIABLE,
    ENDLESS_LOG,
    LOOSE_CONTAINER,
    MISTAKEN_LOG_ARN,
    OPEN_DEPUTY,
    OPEN_EGRESS,
    OPEN_ENDPOINT,
    OPEN_PERIMETER,
    OPEN_SHELL,
    PUBLIC_ADDRESS,
    SECOND_WRITE,
    STUCK_NAME,
    TOO_LARGE,
    UNBOUNDED_ROLE,
    UNKEYED_SCRATCH,
    UNMASKED_LOG,
    UNPINNED_IMAGE,
    UNREAD_POLICY,
    UNSTATED_REMOVAL,
    WAY_OUT,
    WEAK_TLS,
)
"""Those that need no declaration; ``undeclared_wildcard`` is made for each environment."""
