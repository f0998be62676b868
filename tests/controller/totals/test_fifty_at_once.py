"""Fifty starts at one instant never take more than there is; ``make nemesis`` plays more seeds."""

from __future__ import annotations

import logging

import pytest

from tests.controller.totals.fifty import fifty


@pytest.mark.parametrize(("deaths", "faults"), [(0, 0), (15, 0), (5, 15)])
def test_no_total_is_exceeded_at_any_moment(
    caplog: pytest.LogCaptureFixture, deaths: int, faults: int
) -> None:
    caplog.set_level(logging.CRITICAL, logger="starburst")
    played = [fifty(seed, deaths=deaths, faults=faults) for seed in range(5)]
    assert [one.wrong for one in played] == [[]] * 5
    assert all(one.granted for one in played)
    assert sum(one.refused for one in played) > 50, "there is far less room than is asked for"
    assert any(one.died for one in played) == (deaths > 0)
    assert any(one.failed for one in played) == (faults > 0)
