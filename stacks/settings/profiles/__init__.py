"""Profiles: named rules that refuse settings which contradict PCI DSS, FINMA 2023/1 or the GDPR.

A profile is no certification. It holds what settings can hold; the rest is said to be yours.
"""

from stacks.settings.profiles.apart import check_apart
from stacks.settings.profiles.known import (
    PROFILES,
    Profile,
    ProfileName,
    ProfileNames,
    check_profiles,
    profiles_of,
)
from stacks.settings.profiles.processing import Activity, Processing, check_processing
from stacks.settings.profiles.rule import Refusal, Rule
from stacks.settings.profiles.taken import risks_of_profiles

__all__ = [
    "PROFILES",
    "Activity",
    "Processing",
    "Profile",
    "ProfileName",
    "ProfileNames",
    "Refusal",
    "Rule",
    "check_apart",
    "check_processing",
    "check_profiles",
    "profiles_of",
    "risks_of_profiles",
]
