"""The organization's policies for an environment's account, proved before anybody gets them."""

from __future__ import annotations

from collections.abc import Mapping
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


def proved_policies(environment: Environment, *, qualifier: str) -> Mapping[str, Any]:
    """Return the documents by name, each proved of every request that could be made.

    Args:
        environment: whose ``allowed_regions`` stay open. The role in which CloudFormation deploys
            it, and its break-glass role, alone may end the record.
        qualifier: under which CDK is bootstrapped.

    Raises:
        ProofError: a document does not do what its name says.
        PolicySizeError: a document is larger than AWS takes.
    """
    account, region = environment.account, environment.region
    deployer = f"arn:aws:iam::{account}:role/cdk-{qualifier}-cfn-exec-role-{account}-{region}"
    spared = [deployer, *filter(None, [environment.break_glass_role_arn])]
    regions = environment.allowed_regions
    pin, kept = region_pin(regions), record_kept(spared)
    prove_regions(pin, regions=regions, regionless=WITHOUT_REGION)
    prove_record(kept, ending=RECORD_ENDING, spared=spared)
    return {"region-pin": pin, "record-kept": kept}
