"""Hundreds of workers, stacks that CloudFormation is still busy with, and rounds that go on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from deploy.lifecycle.account import Account, LifecycleError
from deploy.lifecycle.deployed import settle
from deploy.lifecycle.destroy import destroy
from deploy.lifecycle.sessions import end_sessions
from deploy.tools.cdk import CdkFailed
from tests.lifecycle.scene import account, assembly, delete_stacks, environment
from tests.small_aws.account import SmallAws
from tests.small_aws.ecs import TaskEcs
from tests.small_aws.order import is_effect
from tests.small_aws.s3 import VersionedS3
from tests.small_aws.stacks import StackFormation


def formation(aws: SmallAws) -> StackFormation:
    return cast("StackFormation", aws.services["cloudformation"])


def timed(aws: SmallAws, cdk: Any = None) -> tuple[Account, list[float]]:
    """Return the account, and the time that passes in its pauses alone."""
    now = [0.0]

    def pause(seconds: float) -> None:
        now[0] += seconds

    return replace(account(aws, cdk=cdk), clock=lambda: now[0], pause=pause), now


def test_hundreds_of_workers_are_described_in_batches_and_all_stop() -> None:
    aws = environment()
    ecs = cast("TaskEcs", aws.services["ecs"])
    ecs.size = 100
    for _ in range(227):
        ecs.start()
    assert end_sessions(account(aws)) == 230
    assert ecs.running == []


def test_a_stack_that_never_comes_to_an_end_is_waited_for_half_an_hour() -> None:
    aws = environment()
    formation(aws).stacks["starburst-dev-compute"].status = "UPDATE_IN_PROGRESS"
    waiting, now = timed(aws)
    with pytest.raises(LifecycleError, match="UPDATE_IN_PROGRESS for more than 30 minutes"):
        settle(waiting, "starburst-dev-compute")
    assert now == [1800.0]


@pytest.mark.parametrize("deletion", ["Retain", "RetainExceptOnCreate", "Snapshot"])
@pytest.mark.parametrize("part", ["storage", "audit"])
def test_one_stack_that_keeps_what_it_holds_refuses_all(
    part: str, deletion: str, tmp_path: Path
) -> None:
    """Whichever it is, the first or another: it was deployed as production."""
    aws = environment()
    formation(aws).stacks[f"starburst-dev-{part}"].deletion = deletion
    with pytest.raises(LifecycleError, match=f"starburst-dev-{part} was deployed as production"):
        destroy(account(aws), assembly=assembly(tmp_path))
    assert not [call for call in aws.calls if is_effect(call)]


@pytest.mark.parametrize("bucket", ["dev-data", "dev-logs"])
def test_a_bucket_that_is_gone_keeps_no_other_from_being_emptied(
    bucket: str, tmp_path: Path
) -> None:
    aws = environment()
    del cast("VersionedS3", aws.services["s3"]).buckets[bucket]
    left = destroy(account(aws), assembly=assembly(tmp_path))
    assert (left.stacks, left.buckets) == ((), ())
    assert len([call for call in aws.calls if call.service == "cdk"]) == 1


def test_a_stack_in_review_waits_for_nobody(tmp_path: Path) -> None:
    """CloudFormation made nothing of it yet, and never will by itself."""
    aws = environment()
    formation(aws).stacks["starburst-dev-compute"].status = "REVIEW_IN_PROGRESS"
    waiting, now = timed(aws)
    assert destroy(waiting, assembly=assembly(tmp_path)).stacks == ()
    assert now == [0.0]


def test_nothing_is_emptied_while_cloudformation_is_busy(tmp_path: Path) -> None:
    aws = environment()
    stack = formation(aws).stacks["starburst-dev-storage"]
    stack.status = "UPDATE_IN_PROGRESS"
    waiting, now = timed(aws)

    def pause(seconds: float) -> None:
        now[0] += seconds
        emptied = [call for call in aws.calls if is_effect(call) and call.service == "s3"]
        assert emptied == []
        stack.status = "UPDATE_COMPLETE" if now[0] >= 20 else stack.status

    left = destroy(replace(waiting, pause=pause), assembly=assembly(tmp_path))
    assert left.buckets == ()
    assert now == [20.0]


def test_a_second_round_is_about_what_is_there_by_then(tmp_path: Path) -> None:
    """The first takes one stack away, and ends while CloudFormation deletes another."""
    aws = environment()
    stacks, rounds = formation(aws).stacks, list[int]()

    def cdk(arguments: Sequence[str]) -> None:
        rounds.append(len(stacks))
        if len(rounds) == 1:
            del stacks["starburst-dev-compute"]
            stacks["starburst-dev-audit"].status = "DELETE_IN_PROGRESS"
            raise CdkFailed("cdk destroy failed")
        delete_stacks(aws, arguments)

    waiting, now = timed(aws, cdk)

    def pause(seconds: float) -> None:
        now[0] += seconds
        stacks.pop("starburst-dev-audit", None)

    # Of those that went, only protection is not lifted again: AWS refuses that.
    stacks["starburst-dev-compute"].protected = True
    left = destroy(replace(waiting, pause=pause), assembly=assembly(tmp_path))
    assert left.stacks == ()
    assert rounds == [4, 2]
    assert now == [5.0]
