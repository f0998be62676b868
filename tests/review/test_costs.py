"""What a change costs at rest is told with what it is for, and nothing where that is the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import environments
from deploy.review.costs import cost_between

PROD = next(one for one in environments.ALL if one.name == "prod")


def template(**kinds: str) -> list[Mapping[str, Any]]:
    return [{"Resources": {name: {"Type": kind} for name, kind in kinds.items()}}]


def test_one_more_key_is_a_dollar_more() -> None:
    before = template(One="AWS::KMS::Key")
    after = template(One="AWS::KMS::Key", Two="AWS::KMS::Key")
    (found,) = cost_between(before, after, environment=PROD)
    assert found.sentence == (
        "At rest it costs 2.00 USD a month, 1.00 more than before: 2 KMS keys instead of 1."
    )
    (back,) = cost_between(after, before, environment=PROD)
    assert "1.00 less than before" in back.sentence


def test_what_costs_the_same_is_silent() -> None:
    before, after = template(One="AWS::KMS::Key"), template(Other="AWS::KMS::Key")
    assert list(cost_between(before, after, environment=PROD)) == []


def test_what_has_no_known_price_is_told() -> None:
    (found,) = cost_between([{"Resources": {}}], template(One="AWS::X::Y"), environment=PROD)
    assert "1 AWS::X::Y without a known price" in found.sentence
