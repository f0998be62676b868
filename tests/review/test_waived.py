"""A waiver that comes, goes or changes is told once, with all that it covers."""

from __future__ import annotations

from deploy.review.waived import waivers_between

ONE = ["CT.S3.PR.4", "storage/Data", "Why it may.", "platform team", "2027-11-30"]
TWO = ["CT.S3.PR.9", "storage/Data", "Why it may.", "platform team", "2027-11-30"]


def said(before: list[list[str]], after: list[list[str]]) -> list[str]:
    return [one.sentence for one in waivers_between({"prod": before}, {"prod": after})]


def test_a_new_waiver_is_told_with_its_reason_owner_and_last_day() -> None:
    assert said([], [ONE, TWO]) == [
        "Newly waived until 2027-11-30 by platform team: CT.S3.PR.4 at storage/Data, CT.S3.PR.9 at "
        "storage/Data. Reason: Why it may."
    ]


def test_a_waiver_that_is_gone_is_told() -> None:
    assert said([ONE], []) == ["Waived no more: CT.S3.PR.4 at storage/Data."]


def test_a_waiver_that_lasts_longer_is_told() -> None:
    longer = [*ONE[:4], "2028-01-31"]
    assert said([ONE], [longer]) == [
        "A waiver changed, last day 2028-01-31 instead of 2027-11-30: CT.S3.PR.4 at storage/Data."
    ]


def test_the_same_waivers_in_another_order_are_silent() -> None:
    assert said([ONE, TWO], [TWO, ONE]) == []


def test_waivers_that_nobody_could_read_are_not_taken_for_none() -> None:
    (found,) = waivers_between(None, {"prod": []})
    assert "could not be read" in found.sentence
