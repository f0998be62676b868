"""An organization's policies do what they say for every request, and mutants of them do not."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable
from typing import Any

import botocore.session
import pytest

from starburst_assurance.proofs.organization import prove_record, prove_regions
from starburst_assurance.proofs.reading.errors import ProofError
from starburst_constructs.policies.organization_policies import (
    LARGEST_POLICY,
    WITHOUT_REGION,
    PolicySizeError,
    compact,
    joined,
    record_kept,
    region_pin,
)
from starburst_constructs.policies.organization_policies.record_kept import RECORD_ENDING
from tests.some import some

ZURICH = ("eu-central-2",)
EUROPE = ("eu-central-1", "eu-central-2")
DEPLOYER = "arn:aws:iam::222233334444:role/cdk-hnb659fds-cfn-exec-role-222233334444-eu-central-2"
Document = dict[str, Any]


@pytest.mark.parametrize("regions", [ZURICH, EUROPE], ids=["one", "two"])
def test_every_other_region_is_denied_and_these_are_not(regions: tuple[str, ...]) -> None:
    asked = prove_regions(region_pin(regions), regions=regions, regionless=WITHOUT_REGION)
    assert asked > len(WITHOUT_REGION), "one kind for each exception, and one for all the rest"


def weakened(change: Callable[[Document], object]) -> Document:
    document = copy.deepcopy(region_pin(ZURICH))
    change(document["Statement"][0])
    return document


MUTANTS: dict[str, Callable[[Document], object]] = {
    "another Region": lambda one: one.update(
        Condition={"StringNotEquals": {"aws:RequestedRegion": [*ZURICH, "us-east-1"]}}
    ),
    "an exception that holds data": lambda one: one["NotAction"].append("s3:*"),
    "the seed's own exception of keys": lambda one: one["NotAction"].append("kms:*"),
    "the condition turned": lambda one: one.update(
        Condition={"StringEquals": {"aws:RequestedRegion": list(ZURICH)}}
    ),
    "a word that no request has to have": lambda one: one.update(
        Condition={
            "Null": {"aws:SourceVpc": "false"},
            "StringNotEquals": {"aws:RequestedRegion": list(ZURICH)},
        }
    ),
    "no condition, so that nothing works": lambda one: one.pop("Condition"),
    "an action that AWS does not know": lambda one: one["NotAction"].append("budget:*"),
}


@pytest.mark.parametrize("change", MUTANTS.values(), ids=MUTANTS)
def test_a_mutant_of_the_pin_is_refused(change: Callable[[Document], object]) -> None:
    with pytest.raises(ProofError):
        prove_regions(weakened(change), regions=ZURICH, regionless=WITHOUT_REGION)


def test_no_region_at_all_is_refused() -> None:
    with pytest.raises(ValueError, match="name one or more"):
        region_pin(())


def test_nobody_but_who_is_spared_ends_the_record() -> None:
    assert prove_record(record_kept(), ending=RECORD_ENDING, spared=())
    kept = joined(region_pin(ZURICH), record_kept([DEPLOYER]))
    assert prove_record(kept, ending=RECORD_ENDING, spared=[DEPLOYER]) == len(RECORD_ENDING)
    assert prove_regions(kept, regions=ZURICH, regionless=WITHOUT_REGION)


@pytest.mark.parametrize(
    "document",
    [
        record_kept([DEPLOYER, "arn:aws:iam::222233334444:role/anybody"]),
        {**record_kept(), "Statement": [{**record_kept()["Statement"][0], "Action": "config:*"}]},
    ],
    ids=["another role", "fewer actions"],
)
def test_a_mutant_of_the_record_is_refused(document: Document) -> None:
    with pytest.raises(ProofError, match="not to be attached"):
        prove_record(document, ending=RECORD_ENDING, spared=[DEPLOYER])


@pytest.mark.parametrize("service", ["guardduty", "securityhub"])
def test_no_older_name_of_a_call_ends_the_record(service: str) -> None:
    """AWS kept the calls that it renamed, and a control is disabled by either of two."""
    kept = {one.partition(":")[2] for one in RECORD_ENDING if one.startswith(f"{service}:")}
    known = set(botocore.session.get_session().get_service_model(service).operation_names)
    form = "DisassociateFrom.*Account|(Batch)?UpdateStandardsControl(Associations)?"
    alike = {one for one in known if re.fullmatch(form, one)}
    assert set(some(alike)) <= kept


@pytest.mark.parametrize("every", ["*", "arn:aws:iam::222233334444:role/*", "arn:aws:iam::*"])
def test_sparing_everybody_is_refused(every: str) -> None:
    with pytest.raises(ValueError, match="spares every role"):
        record_kept([every])


def test_all_of_it_fits_where_aws_attaches_it_and_more_is_refused() -> None:
    document = joined(region_pin(EUROPE), record_kept([DEPLOYER]))
    assert json.loads(compact(document)) == document
    assert len(compact(document)) <= LARGEST_POLICY
    many = [f"eu-central-{number}" for number in range(400)]
    with pytest.raises(PolicySizeError, match="5,120"):
        region_pin(many)
