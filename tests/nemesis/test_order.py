"""Every rule of order is silent over a story in order, and speaks where that is broken."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.nemesis.order import tale as made_up
from tests.nemesis.order.notes import Busy, What
from tests.nemesis.order.rules import RULES, broken
from tests.nemesis.order.story import Story
from tests.nemesis.order.tale import SESSION, Change, Tale, added, both, changed, moved, without


def tell(told: Tale, *busy: Busy) -> set[str]:
    """Return the rules that a story breaks."""
    found = broken(Story([*told.values()], busy=busy))
    return {sentence.partition(":")[0] for sentence in found}


def test_a_story_in_order_breaks_no_rule() -> None:
    assert broken(Story([*made_up.tale().values()])) == []


def recorded(name: str, **fields: Any) -> Change:
    """Return what lets the controller write down something else."""

    def change(told: Tale) -> Tale:
        record = replace(told[name].record, **fields)
        return {**told, name: replace(told[name], record=record, state=record.state)}

    return change


BROKEN: list[tuple[str, Change]] = [
    ("a_message_goes_last", moved("delete", after="node")),
    ("a_message_goes_last", without("rest")),
    ("a_message_goes_last", without("node 4")),
    ("a_message_goes_last", moved("delete 3", after="cut")),
    ("what_is_handed_on_was_committed_first", moved("rest", after="through")),
    ("only_what_is_held_is_committed", changed("node 4", who="worker 4")),
    ("only_what_is_held_is_committed", added("delete", after="through", what=What.GIVEN_BACK)),
    ("a_lease_is_kept", without("keep")),
    ("a_lease_is_kept", changed("keep again", receipt="r9")),
    ("a_child_has_one_range_at_a_time", without("crash")),
    ("a_child_has_one_range_at_a_time", added("run", after="run")),
    ("a_stopping_worker_has_its_grace", changed("through", what=What.BURIED)),
    (
        "who_saw_a_crash_sees_to_its_task",
        both(
            changed("crash", task=5),
            moved("told", after="delete"),
        ),
    ),
    ("a_later_attempt_is_written_down_first", without("attempt")),
    ("a_later_attempt_is_written_down_first", moved("attempt", after="run 4")),
    ("what_took_a_worker_down_is_cut", changed("lease", count=2)),
    (
        "what_the_dead_held_comes_back_in_time",
        both(moved("ready 2", after="ready 1"), changed("lease 3", at=1000.0)),
    ),
    ("the_dead_do_nothing", changed("ready 2", who="worker 1")),
    ("a_manifest_comes_first", moved("manifest", after="start")),
    ("a_manifest_comes_first", moved("request", after="start")),
    ("a_pack_comes_before_its_messages", moved("pack", after="message")),
    ("a_cancel_is_on_the_list_first", moved("cancels", after="taken")),
    ("a_launch_is_written_down_first", recorded("intent", launch=None)),
    ("a_launch_is_written_down_first", changed("launch", key=f"{SESSION}-2-0")),
    (
        "replacements_keep_their_distance",
        both(
            recorded("fourth intent", looked=70.0),
            recorded("fourth loss", looked=68.0),
        ),
    ),
    ("refusals_keep_their_distance", changed("fourth launch", at=100.0)),
    (
        "nobody_gets_more_workers_than_asked_for",
        changed("second launch", tasks=("task 2", "task 3", "task 9")),
    ),
    ("nobody_gets_more_workers_than_asked_for", without("end 0")),
    (
        "nothing_begins_after_the_end",
        added("queue", after="invocation 9", who="invocation 9"),
    ),
    ("a_queue_outlives_its_session", moved("queue gone", after="invocation 6")),
    ("a_queue_outlives_its_session", moved("task 3 told", after="invocation 6")),
    ("an_end_is_final", recorded("filed", state="failed", reason="its queue was deleted")),
    ("a_record_replaces_what_was_read", changed("second intent", only_if="")),
    ("the_word_of_the_end_stays", without("status")),
    ("the_word_of_the_end_stays", moved("late status", after="status")),
    ("nothing_is_erased_unasked", without("wanted")),
    ("nothing_is_erased_unasked", moved("erased", after="invocation 6")),
    ("after_the_end_a_client_rests", added("second request", after="clean")),
    ("after_the_end_a_client_rests", added("message", after="clean")),
]


@pytest.mark.parametrize(("rule", "breaks"), BROKEN, ids=[rule for rule, _ in BROKEN])
def test_what_breaks_a_rule_is_found_by_that_rule_alone(rule: str, breaks: Change) -> None:
    assert tell(breaks(made_up.tale())) == {rule}


def test_every_rule_has_a_story_that_breaks_it() -> None:
    assert {rule.__name__ for rule in RULES} == {rule for rule, _ in BROKEN}


def test_who_waits_for_aws_is_excused(  # its leases are nobody's then, and others take them over
) -> None:
    told = without("keep")(made_up.tale())
    since = told["run"].at
    assert tell(told, Busy(who="worker 0", since=since, until=since + 12.0)) == set()
    assert tell(told, Busy(who="worker 1", since=since, until=since + 12.0)) == {"a_lease_is_kept"}


def test_every_rule_says_what_it_holds() -> None:
    assert all((rule.__doc__ or "").endswith(".") for rule in RULES)
