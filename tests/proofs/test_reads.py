"""Workers read what settings name of other buckets: proved, and every slip in it is noticed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

import app
from environments import DEV
from stacks.settings import Network, Reads, Workspace
from starburst_assurance.proofs.command import policy_sets_of
from starburst_assurance.proofs.encoding.logic import Logic
from starburst_assurance.proofs.encoding.vocabulary import complaints
from starburst_assurance.proofs.mutation.mutants import mutants
from starburst_assurance.proofs.reading.policies import PolicySet, Statement
from starburst_assurance.proofs.solving.prove import prove
from starburst_assurance.proofs.theorems import ALL

LOGIC = Logic()
ACCOUNT, STRANGER = DEV.account, "777788889999"
ORGANIZATION = "o-a1b2c3d4e5"

OWN = ("arn:aws:s3:::atlas/panel/*",)
SHARED = Reads(
    objects="arn:aws:s3:::shared/x/y/*",
    owner="organization",
    key_arn="arn:aws:kms:eu-west-1:999900001111:key/0b",
)
THEIRS = Reads(
    objects="arn:aws:s3:::registry/c/*",
    owner="other",
    account=STRANGER,
    key_arn=f"arn:aws:kms:eu-west-1:{STRANGER}:key/0c",
)
OTHERS = (Reads(objects="arn:aws:s3:::weather/*", owner="other", account=STRANGER),)

NOTICING = (
    "workers_read_what_is_named",
    "nothing_in_other_accounts",
    "nothing_leaves_through_an_endpoint",
    "endpoints_refuse_strangers",
    "the_boundary_is_a_ceiling",
)
"""Theorems that slips in it break, the quickest first."""

THEOREMS = (
    *NOTICING,
    "workers_stay_in_their_workspace",
    "workers_only_read_write_and_wait",
    "every_role_keeps_to_its_duty",
)
KNOWN = {item.name: item for item in ALL}
WORDS = ("NamedObjects", "ReadsOfOthers", "KeysOfOthers")
"""What the statements are called that the settings write."""


SANDBOX: Workspace = DEV.workspaces[0]


@pytest.fixture(scope="module")
def chosen(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, PolicySet]:
    """An account of its own, one of an organization, and one with clients in its VPC."""
    folder = tmp_path_factory.mktemp("reads")
    environments = (
        replace(
            DEV,
            name="alone",
            network=Network(cidr="10.70.0.0/20"),
            workspaces=(
                replace(SANDBOX, reads=(*OWN, THEIRS)),
                replace(SANDBOX, name="weather", reads=OTHERS),
                replace(SANDBOX, name="plain"),
            ),
        ),
        replace(
            DEV,
            name="member",
            network=Network(cidr="10.71.0.0/20"),
            workspaces=(replace(SANDBOX, reads=(*OWN, SHARED, THEIRS)),),
            organization_id=ORGANIZATION,
            shared=None,
        ),
        replace(
            DEV,
            name="clients",
            network=Network(cidr="10.72.0.0/20", client_groups=("sg-0a1b2c3d",)),
            trusted_cidrs=("140.107.0.0/16",),
            shared=None,
        ),
    )
    built = app.build(environments, outdir=str(folder), validate=False)
    built.synth()
    return {one.name: one for one in policy_sets_of(built, folder)}


@pytest.mark.parametrize("name", ["alone", "member"])
def test_they_read_it_and_nothing_else(chosen: Mapping[str, PolicySet], name: str) -> None:
    for theorem in THEOREMS:
        verdict = prove(KNOWN[theorem], chosen[name], logic=LOGIC)
        assert verdict.answer == "proved", (theorem, verdict.counterexample or verdict.why)


def holds(policy_set: PolicySet, names: Sequence[str]) -> bool:
    return all(prove(KNOWN[name], policy_set, logic=LOGIC).holds for name in names)


def test_every_slip_in_what_they_read_is_noticed(chosen: Mapping[str, PolicySet]) -> None:
    policy_set = chosen["member"]
    assert holds(policy_set, NOTICING)
    tried = [
        one
        for one in mutants(policy_set)
        if any(word in one.what for word in WORDS) and next(complaints(one.policy), None) is None
    ]
    assert len(tried) > 100
    alive = [one for one in tried if holds(policy_set.with_policy(one.policy), NOTICING)]
    assert list(map(str, alive)) == []


@pytest.mark.parametrize(
    ("action", "resource", "keys"),
    [
        ("s3:GetObject", "arn:aws:s3:::weather/*", {}),
        ("s3:GetObject", "arn:aws:s3:::atlas/*", {"aws:ResourceAccount": ACCOUNT}),
        ("s3:GetObject", "arn:aws:s3:::atlas/panel/*", {}),
        ("s3:GetObjectVersion", "arn:aws:s3:::atlas/panel/*", {"aws:ResourceAccount": ACCOUNT}),
        ("s3:ListBucket", "arn:aws:s3:::atlas", {"aws:ResourceAccount": ACCOUNT}),
        ("kms:Decrypt", THEIRS.key_arn, {}),
        ("kms:Decrypt", f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/0d", {}),
    ],
    ids=str,
)
def test_whatever_else_a_policy_let_them_read_is_noticed(
    chosen: Mapping[str, PolicySet], action: str, resource: str, keys: dict[str, str]
) -> None:
    """Another workspace's, more than is named, of whatever owner, with a key used directly."""
    policy_set = chosen["alone"]
    [name] = [one for one in policy_set.role("worker", "sandbox").policies if "Reads" in one]
    policy = policy_set.policies[name]
    document = {
        "Statement": {
            "Effect": "Allow",
            "Action": action,
            "Resource": resource,
            "Condition": {"StringEquals": keys} if keys else {},
        }
    }
    [more] = type(policy).parse("more", document).statements
    assert isinstance(more, Statement)
    slipped = policy_set.with_policy(replace(policy, statements=(*policy.statements, more)))
    theorem = KNOWN["workers_read_what_is_named"]
    assert prove(theorem, slipped, logic=LOGIC).answer == "refuted"


CLIENTS = (
    "analysts_can_work",
    "people_come_from_trusted_networks",
    "analysts_can_work_from_each_trusted_network",
    "nothing_leaves_through_an_endpoint",
    "endpoints_refuse_strangers",
    "endpoints_can_open",
)


def test_clients_in_the_vpc_can_work_and_nothing_else_leaves(
    chosen: Mapping[str, PolicySet],
) -> None:
    policy_set = chosen["clients"]
    assert "lambda" in {one.service for one in policy_set.endpoints}
    assert policy_set.trusted_vpcs == (policy_set.vpc,)
    for name in CLIENTS:
        verdict = prove(KNOWN[name], policy_set, logic=LOGIC)
        assert verdict.answer == "proved", (name, verdict.counterexample or verdict.why)


def test_a_slip_in_the_controllers_endpoint_is_noticed(chosen: Mapping[str, PolicySet]) -> None:
    policy_set = chosen["clients"]
    tried = [one for one in mutants(policy_set) if one.policy.name == "endpoint lambda"]
    known = [one for one in tried if next(complaints(one.policy), None) is None]
    assert len(known) >= 5
    alive = [one for one in known if holds(policy_set.with_policy(one.policy), CLIENTS[::-1])]
    assert list(map(str, alive)) == []
