"""The record of a review as values: what each role used, and what would be left of its policies."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from starburst_assurance.proofs.reading.errors import ProofError

__all__ = ["Change", "Proposal", "Review", "read_review"]

_KIND: Final = "starburst access review"
_SCHEMA: Final = 1
_PROPOSED: Final = "narrower"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One policy of a role, as it is and as it would be.

    Attributes:
        name: ARN of a managed policy, or the name of one that stands in its role.
        today: the document that the job read.
        proposed: without what was not used; None where nothing would be left.
    """

    name: str
    today: Mapping[str, Any]
    proposed: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What is proposed of one role.

    Attributes:
        role: its ARN.
        used: actions that are on record, in small letters.
        changes: policies that would change.
    """

    role: str
    used: frozenset[str]
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """A record.

    Attributes:
        environment: whose roles were reviewed.
        quarter: such as ``2026-Q4``.
        at: when, as the job wrote it.
        by: ARN of who reviewed.
        digest: SHA-256 of the file, in hex.
        verdicts: what the job said of each role, by ARN.
        proposals: those that change something.
        unread: sentences of the job on what it could not read at all.
    """

    environment: str
    quarter: str
    at: str
    by: str
    digest: str
    verdicts: Mapping[str, str]
    proposals: tuple[Proposal, ...]
    unread: tuple[str, ...] = ()


def read_review(path: Path) -> Review:
    """Return the record that a file holds.

    Raises:
        ProofError: it cannot be read, or is none; nothing was proved.
    """
    try:
        content = path.read_bytes()
        said = json.loads(content)
        if said["kind"] != _KIND or said["schema"] != _SCHEMA:
            raise ValueError(f"it is {said['kind']!r} of schema {said['schema']!r}")
        return Review(
            environment=str(said["environment"]),
            quarter=str(said["quarter"]),
            at=str(said["at"]),
            by=str(said["by"]),
            digest=hashlib.sha256(content).hexdigest(),
            verdicts={str(role["arn"]): str(role["verdict"]) for role in said["roles"]},
            proposals=_proposals(said["roles"]),
            unread=tuple(str(each) for each in said["unread"]),
        )
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise ProofError(
            f"{path} is no record of an access review ({error}), so nothing was proved: take "
            "review.json from the bucket of the records"
        ) from error


def _proposals(roles: Sequence[Mapping[str, Any]]) -> tuple[Proposal, ...]:
    return tuple(
        Proposal(
            role=role["arn"],
            used=frozenset(name.lower() for name in role["used"]),
            changes=tuple(
                Change(name=each["name"], today=each["today"], proposed=each["proposed"])
                for each in role["policies"]
                if each["today"] != each["proposed"]
            ),
        )
        for role in roles
        if role["verdict"] == _PROPOSED
    )
