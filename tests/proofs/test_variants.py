"""What an adopter may choose instead of what our environments do is proved as well."""

from __future__ import annotations

from dataclasses import replace

import pytest

import app
from environments import DEV
from stacks.settings import BrokerRole, MfaUsers, Network
from starburst_constructs.proofs.assembly import read_estate
from starburst_constructs.proofs.estate import Estate
from starburst_constructs.proofs.logic import Logic
from starburst_constructs.proofs.mutants import mutants
from starburst_constructs.proofs.prove import prove
from starburst_constructs.proofs.theorem import Theorem
from starburst_constructs.proofs.theorems import ALL
from starburst_constructs.proofs.vocabulary import complaints

LOGIC = Logic()
LOGINS = [item for item in ALL if item.group == "Becoming somebody"]


@pytest.fixture(scope="module")
def chosen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Estate]:
    """An environment whose people are IAM users, and one with a broker."""
    outdir = tmp_path_factory.mktemp("variants")
    broker = BrokerRole(arn=f"arn:aws:iam::{DEV.account}:role/broker")
    variants = {"mfa": MfaUsers(account=DEV.account), "broker": broker}
    app.build(
        [
            replace(DEV, name=name, identity=identity, network=Network(cidr=f"10.{70 + at}.0.0/20"))
            for at, (name, identity) in enumerate(variants.items())
        ],
        outdir=str(outdir),
        validate=False,
    ).synth()
    return {name: read_estate(outdir, name, regions=DEV.allowed_regions) for name in variants}


@pytest.mark.parametrize("name", ["mfa", "broker"])
@pytest.mark.parametrize("item", LOGINS, ids=lambda item: item.name)
def test_every_way_to_sign_in_is_proved(
    chosen: dict[str, Estate], name: str, item: Theorem
) -> None:
    verdict = prove(item, chosen[name], logic=LOGIC)
    assert verdict.holds, verdict.counterexample or verdict.why


def test_a_mistake_in_the_trust_of_users_is_noticed(chosen: dict[str, Estate]) -> None:
    """Every mutant of what asks IAM users for a second factor and their own name."""
    estate = chosen["mfa"]
    names = {estate.role("analyst").trust, estate.role("platform").trust}
    tried = [
        one
        for one in mutants(estate)
        if one.policy.name in names
        and ("MultiFactorAuthPresent" in one.what or "StringEquals aws:RequestTag" in one.what)
        and next(complaints(one.policy), None) is None
    ]
    assert len(tried) >= 6
    alive = [
        str(one)
        for one in tried
        if all(prove(item, estate.with_policy(one.policy), logic=LOGIC).holds for item in LOGINS)
    ]
    # Null beside it already insists on the tag, and AWS answers the other for every user.
    assert [one for one in alive if "IfExists" not in one] == []
