"""``starburst-prove --review``: which proposals of a review may be taken, by what stands."""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import sys
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from starburst.untrusted.terminal_text import one_line
from starburst_assurance.proofs.command import tell
from starburst_assurance.proofs.deployed.run import gathered
from starburst_assurance.proofs.encoding.vocabulary import check, source
from starburst_assurance.proofs.reading.errors import ProofError
from starburst_assurance.proofs.review.judging import Judged, judge
from starburst_assurance.proofs.review.record import Review, read_review
from starburst_assurance.proofs.review.tracked import Tracked, from_aws, from_folder
from starburst_assurance.proofs.solving.prove import Verdict

__all__ = ["report", "run", "told"]

_LONGEST: Final = 1 << 14
_FOUND: Final = 1
_UNKNOWN: Final = 2
_NOT_REVIEWED: Final = "not reviewed"


def run(options: argparse.Namespace) -> int:
    """Judge and tell: 0 where all may be taken as it is, 1 where not, 2 if nothing was proved.

    A record in which no role was reviewed proves nothing.

    Args:
        options: as ``entry`` reads them.
    """
    sys.path.insert(0, os.getcwd())
    try:
        if options.report is not None and not options.report.absolute().parent.is_dir():
            raise ProofError(f"{options.report} is in no folder that is there; nothing was proved")
        review = read_review(options.review)
        if options.environment != [review.environment]:
            raise ProofError(
                f"{options.review} is of {review.environment}: name it, "
                f"--environment {review.environment}"
            )
        tracked = from_folder(options.reference) if options.reference else from_aws()
        deployed, theorems = gathered(options)
        standing = deployed.standing()
        check(standing.policy_set)
        sys.stdout.write(f"{source()}\n\n")
        verdicts, judged = judge(
            standing.policy_set,
            review.proposals,
            theorems,
            tracked=tracked,
            unread=standing.unread,
        )
        tell(standing.policy_set, theorems, verdicts)
        sys.stdout.writelines(told(review, judged, tracked))
        if options.report is not None:
            _write(options.report, report(review, judged, verdicts, tracked))
    except ProofError as error:
        sys.stderr.write(f"{error}\n")
        return _UNKNOWN
    unseen = all(verdict == _NOT_REVIEWED for verdict in review.verdicts.values())
    if unseen or any(one.answer == "unknown" for one in verdicts):
        return _UNKNOWN
    mended = any(one.withdrawn or one.back for one in judged)
    return _FOUND if mended or any(not one.holds for one in verdicts) else 0


def told(review: Review, judged: Sequence[Judged], tracked: Tracked) -> Iterable[str]:
    """Yield what an officer reads: each proposal, what came back to it, and what nobody reviewed.

    Args:
        review: the record.
        judged: its proposals.
        tracked: what was asked of the service reference.
    """
    yield f"Access review of {review.environment}, {review.quarter}, at {review.at}\n"
    yield f"by {review.by}\nSHA-256 {review.digest}\n\n"
    for one in judged:
        name = one.proposal.role.rpartition("/")[2]
        yield f"{'withdrawn' if one.withdrawn else 'proved':10}{name}\n"
        if one.withdrawn:
            yield f"{textwrap.indent(one.withdrawn, ' ' * 10)}\n"
        for action, theorem, sentence in dict.fromkeys(one.back):
            yield f"{'':10}{action} stays, for {theorem}: {sentence}\n"
    for arn, verdict in sorted(review.verdicts.items()):
        if verdict == _NOT_REVIEWED:
            yield f"{verdict:10}  {one_line(arn, most=_LONGEST)}\n"
    for why in review.unread:
        yield f"{'not read':10}  {one_line(why, most=_LONGEST)}\n"
    yield from (f"{one_line(why, most=_LONGEST)}\n" for why in tracked.unread.values())
    may = sum(not one.withdrawn for one in judged)
    yield f"\n{may} of {len(judged)} proposals may be taken\n"


def report(
    review: Review, judged: Sequence[Judged], verdicts: Sequence[Verdict], tracked: Tracked
) -> dict[str, Any]:
    """Return what was found, for whoever keeps the review: who, when, of what, and what may go.

    Args:
        review: the record.
        judged: its proposals.
        verdicts: on all theorems, with what may be taken.
        tracked: what was asked of the service reference.
    """
    return {
        "environment": review.environment,
        "quarter": review.quarter,
        "reviewed_at": review.at,
        "reviewed_by": review.by,
        "record_sha256": review.digest,
        "proved_at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "proposals": [_proposal(one) for one in judged],
        "not_reviewed": sorted(
            arn for arn, verdict in review.verdicts.items() if verdict == _NOT_REVIEWED
        ),
        "not_read": list(review.unread),
        "reference_unread": dict(sorted(tracked.unread.items())),
        "theorems": {
            one.theorem.name: one.answer for one in sorted(verdicts, key=lambda v: v.theorem.name)
        },
    }


def _proposal(judged: Judged) -> Mapping[str, Any]:
    return {
        "role": judged.proposal.role,
        "may_be_taken": not judged.withdrawn,
        "withdrawn": judged.withdrawn,
        "came_back": [
            {"action": action, "theorem": theorem, "sentence": sentence}
            for action, theorem, sentence in dict.fromkeys(judged.back)
        ],
        "policies": {} if judged.withdrawn else judged.documents,
    }


def _write(path: Path, found: Mapping[str, Any]) -> None:
    try:
        path.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise ProofError(f"{path} could not be written ({error})") from error
    sys.stdout.write(f"Wrote {path}\n")
