"""Bugs of order and time, planted in the product: each is found in a small run made for it.

Each of these runs is played without a bug too: then no rule is broken.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from starburst._client import mapping, opening, session
from starburst._client.tasks.dispatch import Dispatcher
from starburst.controller import launches, lifecycle, plan, status
from starburst.controller.actions import Actions
from starburst.controller.state.documents import Documents
from starburst.controller.workers import launching
from starburst.worker.child.range_run import RangeRun
from starburst.worker.leases.commits import Commits
from starburst.worker.leases.lease import Leases
from starburst.worker.ranges import Ranges
from starburst.worker.stopping import Stop
from starburst.worker.supervisor import Supervisor

from . import plays
from .planting import Bug

BUGS: Final[tuple[tuple[str, plays.Play, Bug], ...]] = (
    (
        "a_message_goes_last",
        plays.leaves_a_rest,
        Bug(
            Commits,
            "_finish",
            "self._hand_on(lease, rest)\n    self._leases.done(lease)",
            "self._leases.done(lease)\n    self._hand_on(lease, rest)",
        ),
    ),
    (
        "a_message_goes_last",
        plays.is_refused_a_commit,
        Bug(
            Leases,
            "release",
            "self.hand_on([lease.message])\n    self._delete(lease.receipt)",
            "self._delete(lease.receipt)\n    self.hand_on([lease.message])",
        ),
    ),
    (
        "a_message_goes_last",
        plays.hands_on_early,
        Bug(
            Commits,
            "_commit_early",
            "self._hand_on(lease, standing.children[1:])",
            "self._finish(lease, standing.children[1:])",
        ),
    ),
    (
        "what_is_handed_on_was_committed_first",
        plays.hands_on_early,
        Bug(
            Commits,
            "_commit_early",
            "standing = self._write(lease, node)",
            "self._hand_on(lease, node.children[1:]); standing = self._write(lease, node)",
        ),
    ),
    (
        "what_is_handed_on_was_committed_first",
        plays.leaves_a_rest,
        Bug(
            Commits,
            "commit",
            "standing = self._write(lease, node)",
            "self._hand_on(lease, node.children); standing = self._write(lease, node)",
        ),
    ),
    (
        "only_what_is_held_is_committed",
        plays.leaves_a_rest,
        Bug(
            Commits,
            "commit",
            "standing = self._write(lease, node)",
            "self._leases.give_back(lease); standing = self._write(lease, node)",
        ),
    ),
    (
        "a_lease_is_kept",
        plays.outlasts_its_lease,
        Bug(
            Leases,
            "keep",
            "self._timings.heartbeat_seconds",
            "2 * self._timings.lease_seconds",
        ),
    ),
    (
        "a_lease_is_kept",
        plays.outlasts_its_lease,
        Bug(Leases, "keep", "self._timings.heartbeat_seconds", "self._timings.lease_seconds / 2"),
    ),
    (
        "a_child_has_one_range_at_a_time",
        plays.two_have_one_range,
        Bug(
            Supervisor,
            "work",
            "except Overtaken:\n            self.child.end()",
            "except Overtaken:\n            pass",
        ),
    ),
    (
        "a_stopping_worker_has_its_grace",
        plays.is_told_to_stop,
        Bug(Stop, "ask", " + self._grace_seconds", ""),
    ),
    (
        "who_saw_a_crash_sees_to_its_task",
        plays.crashes_late,
        Bug(RangeRun, "_is_spent", "(*self._crashes, *self._timed_out)", "()"),
    ),
    (
        "a_later_attempt_is_written_down_first",
        plays.two_have_one_task,
        Bug(Ranges, "_is_spent", "lease.deliveries > 1 or most == 1", "most == 1"),
    ),
    (
        "what_took_a_worker_down_is_cut",
        plays.two_have_one_range,
        Bug(Ranges, "run", "if lease.deliveries > 1 and not alone", "if False"),
    ),
    (
        "a_manifest_comes_first",
        plays.outlasts_its_lease,
        Bug(
            opening,
            "open_core",
            """    _store(connection, keys, manifest)""",
            """    try:
        Control(connection, keys).start()
    except StarburstError:
        pass
    _store(connection, keys, manifest)""",
        ),
    ),
    (
        "a_pack_comes_before_its_messages",
        plays.outlasts_its_lease,
        Bug(
            Dispatcher,
            "_send",
            "self._store_patiently(",
            "self.queue(messages); self._store_patiently(",
        ),
    ),
    (
        "a_cancel_is_on_the_list_first",
        plays.cancels,
        Bug(session.Session, "cancel", "    core.cancels.flush()\n", ""),
    ),
    (
        "a_launch_is_written_down_first",
        plays.outlasts_its_lease,
        Bug(
            launching,
            "launch",
            "wave=intent.wave,",
            "wave=intent.wave + 1,",
        ),
    ),
    (
        "replacements_keep_their_distance",
        plays.loses_worker_after_worker,
        Bug(
            lifecycle,
            "decide",
            "looked=now)",
            "looked=now, setbacks=(before.setbacks + 1) * (settled.lost > before.lost))",
        ),
    ),
    (
        "replacements_keep_their_distance",
        plays.loses_worker_after_worker,
        Bug(plan, "_calmed", "quiet and now > record.not_before", "now > before.not_before"),
    ),
    (
        "replacements_keep_their_distance",
        plays.loses_worker_after_worker,
        Bug(plan, "_pause", "setbacks - 2, 10", "0, 10"),
    ),
    (
        "refusals_keep_their_distance",
        plays.finds_no_room,
        Bug(launches, "refused", "max(record.not_before, now + pause(refusals))", "now"),
    ),
    (
        "nobody_gets_more_workers_than_asked_for",
        plays.loses_one_of_two,
        Bug(plan, "_launching", "demand(record, depth)) - staying", "demand(record, depth))"),
    ),
    (
        "a_queue_outlives_its_session",
        plays.outlasts_its_lease,
        Bug(
            Actions,
            "_stop",
            "    saved = self.life.records.update(",
            """    self.life.delete_queue(self.life.records.active(keys.session).record)
    saved = self.life.records.update(""",
        ),
    ),
    (
        "a_record_replaces_what_was_read",
        plays.outlasts_its_lease,
        Bug(Documents, "write", 'else {"IfMatch": replaces}', "else {}"),
    ),
    (
        "the_word_of_the_end_stays",
        plays.ends_within_a_look,
        Bug(status, "publish", "if not record.final", "if record.final"),
    ),
    (
        "nothing_is_erased_unasked",
        plays.maps_in_vain,
        Bug(
            mapping,
            "end_after",
            "core.clean_up_or_warn(force=False)",
            "core.clean_up_or_warn(force=True)",
        ),
    ),
    (
        "what_the_dead_held_comes_back_in_time",
        plays.dies_in_the_midst,
        Bug(Leases, "receive", "self._timings.lease_seconds", "2 * self._timings.lease_seconds"),
    ),
)


@pytest.mark.parametrize(
    ("rule", "play", "bug"), BUGS, ids=lambda one: getattr(one, "function", "")
)
def test_a_bug_of_order_or_time_breaks_its_rule(
    rule: str, play: plays.Play, bug: Bug, tmp_path: Path
) -> None:
    with bug.planted():
        wrong = play(tmp_path)
    assert rule in {sentence.partition(":")[0] for sentence in wrong}, wrong


@pytest.mark.parametrize("play", plays.PLAYS, ids=lambda play: play.__name__)
def test_nothing_is_wrong_where_no_bug_is(play: plays.Play, tmp_path: Path) -> None:
    assert play(tmp_path) == []
