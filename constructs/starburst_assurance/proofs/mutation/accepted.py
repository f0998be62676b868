"""Mutants that no theorem notices, each with the reason why none has to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from starburst_assurance.proofs.encoding.patterns import glob

__all__ = ["ACCEPTED", "AcceptedMutant", "reason_for"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptedMutant:
    """A kind of mutant that may live.

    Attributes:
        policy: pattern of policies' names.
        what: patterns of what was changed.
        reason: why the change is harmless, or changes nothing.
    """

    policy: str
    what: tuple[str, ...]
    reason: str


ACCEPTED: Final[tuple[AcceptedMutant, ...]] = (
    AcceptedMutant(
        policy="*Policy",
        what=("*NumericLessThan s3:TlsVersion with IfExists",),
        reason="S3 says the version of TLS with every request; IfExists could only refuse more.",
    ),
    AcceptedMutant(
        policy="storage/DataPolicy",
        what=("DenyWorkersOutsideEndpoint: BoolIfExists aws:ViaAWSService dropped",),
        reason="No AWS service reads the bucket for a worker today; without this it would refuse "
        "more.",
    ),
    AcceptedMutant(
        policy="storage/DataPolicy",
        what=("DenyArchives: StringNotEquals s3:x-amz-storage-class dropped",),
        reason="Nothing of ours names a storage class; without this a write that names STANDARD "
        "would be refused as well.",
    ),
    AcceptedMutant(
        policy="access/ControllerFunction",
        what=(
            "NothingFromOutside: BoolIfExists aws:ViaAWSService dropped",
            "NoQueuesFromOutside: BoolIfExists aws:ViaAWSService dropped",
        ),
        reason="No AWS service calls S3, SQS, ECS or Parameter Store for the controller today; "
        "without this it would refuse more.",
    ),
    AcceptedMutant(
        policy="foundation/LogsKey policy",
        what=("DenyGrantsOutsideAwsServices: BoolIfExists aws:PrincipalIsAWSService dropped",),
        reason="No AWS service may make a grant on this key; the exception is for the data key's, "
        "and both keys are made alike.",
    ),
)
"""What ``make mutants`` accepts; anything else that lives is a missing theorem."""


def reason_for(policy: str, what: str) -> str | None:
    """Return why a mutant may live, None where it may not.

    Args:
        policy: name of the policy.
        what: was changed in it.
    """
    for accepted in ACCEPTED:
        if glob(accepted.policy).fullmatch(policy) and any(
            glob(pattern).fullmatch(what) for pattern in accepted.what
        ):
            return accepted.reason
    return None
