"""What an adopter may choose instead of what our environments do is proved as well."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from environments import DEV
from stacks.addons.enabled import enabled
from starburst_assurance.bootstrap.documents import deployer_of
from starburst_assurance.gate.proved_before import ProvedBefore
from starburst_assurance.gate.proving import Proof, prove_environment
from starburst_assurance.proofs.encoding.logic import Logic
from starburst_assurance.proofs.encoding.vocabulary import complaints
from starburst_assurance.proofs.mutation.mutants import mutants
from starburst_assurance.proofs.reading.assembly import FOREIGN_BOUNDARY, read_policy_set
from starburst_assurance.proofs.reading.errors import ResolveError
from starburst_assurance.proofs.reading.policies import EVERYTHING, PolicySet
from starburst_assurance.proofs.solving.prove import prove
from starburst_assurance.proofs.stages import theorems_of_addons
from starburst_assurance.proofs.theorems import ALL
from tests.bootstrap.taking import refused
from tests.some import some
from tests.variants import BOUNDARY, VARIANTS

LOGIC = Logic()
PERIMETER = (
    "buckets_refuse_strangers",
    "nothing_leaves_through_an_endpoint",
    "endpoints_refuse_strangers",
    "endpoints_can_open",
    "stolen_credentials_do_nothing_elsewhere",
    "stolen_worker_credentials_are_worthless",
    "only_our_endpoints_in_our_vpc",
    "analysts_can_work",
    "workers_can_work",
    "the_controller_can_work",
    "tasks_can_start",
    "administrators_keep_the_keys",
)
"""What an organization, or another's endpoints, would make false of a prover that forgot them."""

NAMED_LIKE_AREAS = (
    "each_area_has_its_own_writers",
    "people_reach_what_is_theirs",
    "no_name_is_an_area",
    "own_objects_only",
    "people_stay_in_their_workspace",
    "workers_stay_in_their_workspace",
    "analysts_can_work",
    "workers_can_work",
    "the_controller_can_work",
    "the_controller_reads_no_data",
)

LOGINS = [item for item in ALL if item.group == "Assuming a role"]


@pytest.fixture(scope="module")
def chosen(variants: Mapping[str, PolicySet]) -> Mapping[str, PolicySet]:
    """An organization of IAM users, a broker in another's VPC, a FIPS office with hosts, …."""
    return variants


@pytest.fixture(scope="module")
def proofs(chosen: Mapping[str, PolicySet]) -> Mapping[str, Proof]:
    """All theorems of each, once for all tests: by the gate, whichever of them asks first."""
    found: dict[str, Proof] = {}
    for variant in VARIANTS:
        addons = enabled(variant)
        theorems = (*ALL, *theorems_of_addons(addons))
        found[variant.name] = prove_environment(
            chosen[variant.name], theorems, before=ProvedBefore(), also=addons
        )
    return found


@pytest.mark.parametrize("name", [variant.name for variant in VARIANTS])
def test_every_theorem_holds_of_every_variant(proofs: Mapping[str, Proof], name: str) -> None:
    proof = proofs[name]
    assert not proof.unproved, "\n".join(f"{one.wrong}\n{one.request}" for one in proof.unproved)


@pytest.mark.parametrize("name", [variant.name for variant in VARIANTS])
def test_iam_takes_what_deploys_every_variant(chosen: Mapping[str, PolicySet], name: str) -> None:
    policy_set = chosen[name]
    deployer = deployer_of(
        policy_set.usage,
        environment=name,
        account=policy_set.account,
        region=policy_set.region,
        qualifier=policy_set.qualifier,
        boundary=BOUNDARY,
    )
    assert not list(refused(policy_set.usage, deployer))


@pytest.mark.parametrize(
    ("broken", "by"),
    [
        ("logins_are_made_for_aws", {"audience": "https://signin.example.org/saml"}),
        ("everybody_can_log_in", {"audience": "https://signin.example.org/saml"}),
        ("engineers_can_operate", {"qualifier": "hnb659fds"}),
    ],
)
def test_another_address_or_bootstrap_than_the_environments_is_noticed(
    chosen: Mapping[str, PolicySet], broken: str, by: dict[str, Any]
) -> None:
    policy_set = replace(chosen["spot"], **by)
    assert dict(verdicts(policy_set, broken)) == {broken: "refuted"}


@pytest.mark.parametrize("name", ["mfa", "broker", "office"])
def test_the_perimeter_is_proved_as_wide_as_it_is(proofs: Mapping[str, Proof], name: str) -> None:
    left_out = {*proofs[name].left_out} & {*PERIMETER}
    others = {"nothing_leaves_through_an_endpoint", "endpoints_refuse_strangers"}
    expected = {"mfa": {"only_our_endpoints_in_our_vpc"}, "office": set()}
    assert left_out == expected.get(name, others | {"endpoints_can_open"})


@pytest.mark.parametrize("service", ["ecs-agent", "ecs"])
def test_an_open_endpoint_is_noticed_but_where_none_takes_a_policy(
    chosen: Mapping[str, PolicySet], service: str
) -> None:
    policy_set = chosen["office"]
    [policy] = [one.policy for one in policy_set.endpoints if one.service == service]
    open_to_all = policy_set.with_policy(replace(EVERYTHING, name=policy))
    answers = {
        prove(item, open_to_all, logic=LOGIC).answer
        for item in ALL
        if item.name in ("nothing_leaves_through_an_endpoint", "endpoints_refuse_strangers")
    }
    assert answers == {"proved" if service == "ecs-agent" else "refuted"}


def test_workspaces_may_be_called_like_areas(
    chosen: Mapping[str, PolicySet], proofs: Mapping[str, Proof]
) -> None:
    assert {"sessions", "packages", "data", "home"} < set(chosen["broker"].workspaces)
    named = {item.name for item in ALL}
    assert {*NAMED_LIKE_AREAS} <= named - {*proofs["broker"].left_out}
    assert not proofs["broker"].unproved


def test_a_mistake_in_the_trust_of_users_is_noticed(chosen: Mapping[str, PolicySet]) -> None:
    """Every mutant of what asks IAM users for a second factor and their own name."""
    policy_set = chosen["mfa"]
    names = {policy_set.role("analyst").trust, policy_set.role("platform").trust}
    tried = [
        one
        for one in mutants(policy_set)
        if one.policy.name in names
        and ("MultiFactorAuthPresent" in one.what or "StringEquals aws:RequestTag" in one.what)
        and next(complaints(one.policy), None) is None
    ]
    assert len(tried) >= 6
    alive = [
        str(one)
        for one in tried
        if all(
            prove(item, policy_set.with_policy(one.policy), logic=LOGIC).holds for item in LOGINS
        )
    ]
    # Null beside it already insists on the tag, and AWS answers the other for every user.
    assert [one for one in alive if "IfExists" not in one] == []


def test_a_mistake_in_the_trust_of_permission_sets_is_noticed(
    chosen: Mapping[str, PolicySet],
) -> None:
    """Every mutant of what ties a person to the permission set and the name that they came by."""
    policy_set = chosen["center"]
    roles = [policy_set.role(kind, "sandbox") for kind in ("analyst", "steward")]
    names = {role.trust for role in roles} | {
        policy_set.permission_sets[role.arn] for role in roles
    }
    tried = [
        one
        for one in mutants(policy_set)
        if one.policy.name in names
        and (
            "PrincipalArn" in one.what
            or "StringEquals aws:RequestTag" in one.what
            or one.what.startswith("BecomeIt")
        )
        and next(complaints(one.policy), None) is None
    ]
    assert len(tried) >= 12
    alive = [
        str(one)
        for one in tried
        if all(
            prove(item, policy_set.with_policy(one.policy), logic=LOGIC).holds for item in LOGINS
        )
    ]
    # Every signed call has an ARN, and Null beside it insists on the tag.
    assert [one for one in alive if "IfExists" not in one] == []


LOG_POLICIES = ("control/ElsewhereAdmitted", "control/ForwardedAdmitted")
LOG_READERS = (
    "nobody_from_outside",
    "services_act_for_us_only",
    "services_do_their_job",
)


def test_who_writes_into_forwarded_logs_is_proved(chosen: Mapping[str, PolicySet]) -> None:
    policy_set = chosen["office"]
    assert {item.policy for item in policy_set.kind("log-group")} == {*LOG_POLICIES}
    names = (*LOG_READERS, "services_can_deliver")
    assert dict(verdicts(policy_set, *names)) == dict.fromkeys(names, "proved")


@pytest.mark.parametrize("name", LOG_POLICIES)
def test_a_mistake_in_who_writes_into_forwarded_logs_is_noticed(
    chosen: Mapping[str, PolicySet], name: str
) -> None:
    policy_set = chosen["office"]
    logs = replace(
        policy_set, guarded=(policy_set.at("storage/Data"), *policy_set.kind("log-group"))
    )
    tried = [
        one
        for one in mutants(policy_set)
        if one.policy.name == name and next(complaints(one.policy), None) is None
    ]
    assert len(tried) >= 12
    alive = [
        one.what
        for one in tried
        if {
            *dict(verdicts(logs.with_policy(one.policy), *LOG_READERS)).values(),
            *dict(verdicts(policy_set.with_policy(one.policy), "services_can_deliver")).values(),
        }
        == {"proved"}
    ]
    assert alive == []


def test_a_broker_of_analysts_is_no_engineer(chosen: Mapping[str, PolicySet]) -> None:
    policy_set = chosen["broker"]
    for purpose, who in (("analyst", "broker"), ("steward", "broker"), ("platform", "operators")):
        for role in some(policy_set.roles_for(purpose)):
            [statement] = policy_set.policies[role.trust].statements
            assert statement.principals == (("AWS", f"arn:aws:iam::{DEV.account}:role/{who}"),)


def test_any_boundary_of_an_organization_will_do(chosen: Mapping[str, PolicySet]) -> None:
    """It is read as allowing everything, so only what rests on the kit's own is not claimed."""
    policy_set = chosen["mfa"]
    assert {role.boundary for role in policy_set.roles} == {FOREIGN_BOUNDARY}
    assert "kit-boundary" in policy_set.without
    told = {item.name for item in ALL if item.unless == "kit-boundary"}
    assert len(told) == 14
    assert set(dict(verdicts(policy_set, *told)).values()) == {"left out"}
    names = ("every_role_keeps_to_its_duty", "own_objects_only", "only_the_controller_starts")
    assert dict(verdicts(policy_set, *names)) == dict.fromkeys(names, "proved")


def test_a_boundary_that_nobody_declared_is_refused(
    chosen: Mapping[str, PolicySet], variants_assembly: Path
) -> None:
    """A slip in one role's boundary must not make theorems disappear."""
    with pytest.raises(ResolveError, match="organization-boundary, which no stack of ours defines"):
        read_policy_set(variants_assembly, "mfa")


FENCE = ("people_come_from_trusted_networks", "analysts_can_work_from_each_trusted_network")


def verdicts(policy_set: PolicySet, *names: str) -> Iterator[tuple[str, str]]:
    """Yield the answer of each theorem of these names, with what refutes it."""
    for item in ALL:
        if item.name in names:
            verdict = prove(item, policy_set, logic=LOGIC)
            yield item.name, verdict.answer


def test_analysts_work_from_trusted_networks_only(chosen: Mapping[str, PolicySet]) -> None:
    names = (*FENCE, "analysts_can_work", "engineers_can_operate", "every_role_keeps_to_its_duty")
    assert dict(verdicts(chosen["office"], *names)) == dict.fromkeys(names, "proved")


def test_a_mistake_in_the_fence_is_noticed(chosen: Mapping[str, PolicySet]) -> None:
    """Every mutant of what keeps people's credentials inside."""
    policy_set = chosen["office"]
    names = policy_set.role("analyst").policies
    tried = [
        one
        for one in mutants(policy_set)
        if one.policy.name in names
        and "NothingFromElsewhere" in one.what
        and next(complaints(one.policy), None) is None
    ]
    assert len(tried) >= 10
    alive = [
        one.what
        for one in tried
        if all(
            answer == "proved"
            for _, answer in verdicts(
                policy_set.with_policy(one.policy), *FENCE, "analysts_can_work"
            )
        )
    ]
    # A negated operator holds where its key is absent, with IfExists and without.
    same = [what for what in alive if what.endswith("without IfExists") and "Not" in what]
    assert alive == same
