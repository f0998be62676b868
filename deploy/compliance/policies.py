"""The organization's policies for an environment's account, proved before anybody gets them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from starburst_assurance.proofs.organization import prove_record, prove_regions
from starburst_constructs.policies.organization_policies import (
    RECORD_ENDING,
    WITHOUT_REGION,
    record_kept,
    region_pin,
)

if TYPE_CHECKING:
    from stacks.settings import Environment

__all__ = ["proved_policies"]


def proved_policies(environments: Sequence[Environment], *, qualifier: str) -> Mapping[str, Any]:
    """Return the documents by name, each proved of every request that could be made.

    Args:
        environments: all of one account, which such a policy binds as a whole. What is in
            ``allowed_regions`` of any of them stays open. The roles in which CloudFormation
            deploys them, and their break-glass roles, alone may end the record.
        qualifier: under which CDK is bootstrapped.

    Raises:
        ProofError: a document does not do what its name says.
        PolicySizeError: a document is larger than AWS takes.
    """
    deployers = [
        f"arn:aws:iam::{one.account}:role/cdk-{qualifier}-cfn-exec-role-{one.account}-{one.region}"
        for one in environments
    ]
    broken = filter(None, [one.break_glass_role_arn for one in environments])
    spared = list(dict.fromkeys([*deployers, *broken]))
    regions = list(dict.fromkeys(each for one in environments for each in one.allowed_regions))
    pin, kept = region_pin(regions), record_kept(spared)
    prove_regions(pin, regions=regions, regionless=WITHOUT_REGION)
    prove_record(kept, ending=RECORD_ENDING, spared=spared)
    return {"region-pin": pin, "record-kept": kept}
