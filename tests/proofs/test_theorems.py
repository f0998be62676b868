"""Every theorem holds of what would be deployed, and says so in a way that can be trusted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

import environments
from stacks.addons.enabled import enabled
from stacks.settings import Environment
from starburst_assurance.gate.proved_before import ProvedBefore
from starburst_assurance.gate.proving import prove_environment
from starburst_assurance.proofs.encoding.decision import World
from starburst_assurance.proofs.encoding.key_layout import data_bucket, requests
from starburst_assurance.proofs.encoding.logic import Logic
from starburst_assurance.proofs.encoding.vocabulary import complaints
from starburst_assurance.proofs.mutation.mutants import mutants
from starburst_assurance.proofs.reading.policies import Condition, Policy, PolicySet, Statement
from starburst_assurance.proofs.solving import prove as prove_module
from starburst_assurance.proofs.solving.prove import prove
from starburst_assurance.proofs.solving.theorem import Claim, Theorem, never, theorem
from starburst_assurance.proofs.stages import theorems_of_addons
from starburst_assurance.proofs.theorems import ALL
from starburst_assurance.proofs.theorems.record import incidents
from tests.some import some

LOGIC = Logic()
NAMES = "workers_write_results_only"


# What each does without; test_variants proves environments that choose otherwise.
WITHOUT = {
    "local": {"identity-center", "kept-keys", "source-vpce", "trusted-networks"},
    "dev": {"identity-center", "kept-keys", "trusted-networks"},
    "prod": {"identity-center", "trusted-networks"},
    "regulated": {"identity-center", "trusted-networks"},
}


@pytest.mark.parametrize("environment", environments.ALL, ids=lambda each: each.name)
def test_every_environment_is_proved(
    policy_sets: Mapping[str, PolicySet], environment: Environment
) -> None:
    """Once for all tests: by the gate, whichever of them asks first."""
    addons = enabled(environment)
    theorems = (*ALL, *theorems_of_addons(addons))
    policy_set = policy_sets[environment.name]
    proof = prove_environment(policy_set, theorems, before=ProvedBefore(), also=addons)
    assert not proof.unproved, "\n".join(f"{one.wrong}\n{one.request}" for one in proof.unproved)
    without = WITHOUT[environment.name]
    assert set(proof.left_out) == {one.name for one in theorems if one.unless in without}
    assert proof.claimed == len(theorems) - len(proof.left_out)


def test_a_theorem_is_left_out_where_it_means_nothing(policy_sets: Mapping[str, PolicySet]) -> None:
    policy_set = policy_sets["local"]
    for item in some([item for item in ALL if item.unless in policy_set.without]):
        assert prove(item, policy_set, logic=LOGIC).answer == "left out"


def test_every_theorem_is_one_sentence_first() -> None:
    assert len({item.name for item in ALL}) == len(ALL) >= 25
    for item in ALL:
        assert item.sentence.endswith("."), item.name
        assert 30 < len(item.sentence) < 120, item.name


@theorem("test")
def analysts_read_nothing(world: World) -> Iterator[Claim]:
    """Analysts read nothing, which is wrong."""
    role = world.policy_set.role("analyst", "genomics")
    context = world.session(role, user=world.logic.name("user"))
    asked = requests(context, ["s3:GetObject"], world.logic.text("resource"))
    yield never(
        "reading", [(one, world.allowed(role, one, at=data_bucket(world))) for one in asked]
    )


def test_a_counterexample_is_a_request(policy_sets: Mapping[str, PolicySet]) -> None:
    verdict = prove(analysts_read_nothing, policy_sets["prod"])
    assert verdict.answer == "refuted"
    example = verdict.counterexample
    assert example is not None
    (user,) = example.context["aws:PrincipalTag/userName"]
    assert example.action == "s3:GetObject"
    folder = f"{data_bucket_arn(policy_sets['prod'])}/sessions/genomics/{user}/"
    assert example.resource.startswith(folder)
    text = str(example)
    assert "principal  arn:aws:iam::222233334444:role/starburst-prod-analyst-genomics" in text
    assert f"userName = {user!r}" in text
    assert "allowed by access/AnalystgenomicsAnalysis: ReadAndEraseOwnFolder" in text
    assert "foundation/Boundary: OwnObjects" in text
    assert "denied by  nothing" in text


def data_bucket_arn(policy_set: PolicySet) -> str:
    return policy_set.named["storage/Data"]


@theorem("test")
def under_an_impossible_premise(world: World) -> Iterator[Claim]:
    """Everything follows from a premise that nothing meets."""
    context = world.context()
    asked = requests(context, ["s3:GetObject"], "arn:aws:s3:::b/k")
    absurd = world.logic.every(
        (context.is_("aws:SourceVpce", "a"), context.is_("aws:SourceVpce", "b"))
    )
    yield never("nothing", [(one, world.logic.flag("anything")) for one in asked], given=[absurd])


@theorem("test")
def about_nothing(world: World) -> Iterator[Claim]:
    """A theorem that claims nothing."""
    del world
    yield from ()


@pytest.mark.parametrize("item", [under_an_impossible_premise, about_nothing])
def test_what_says_nothing_is_no_proof(policy_sets: Mapping[str, PolicySet], item: Theorem) -> None:
    verdict = prove(item, policy_sets["prod"])
    assert verdict.answer == "vacuous"
    assert not verdict.holds


def test_undecided_is_a_failure(
    policy_sets: Mapping[str, PolicySet], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prove_module, "ask", lambda *_, **__: ("unknown", None))
    verdict = prove(analysts_read_nothing, policy_sets["prod"])
    assert verdict.answer == "unknown"
    assert not verdict.holds


def test_a_question_that_takes_all_memory_is_no_answer(
    policy_sets: Mapping[str, PolicySet], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Exhausted(prove_module.cvc5.Solver):
        def checkSat(self) -> Any:
            raise MemoryError("std::bad_alloc")

    monkeypatch.setattr(prove_module.cvc5, "Solver", Exhausted)
    only = next(item for item in ALL if item.name == "nothing_under_tls_1_2")
    verdict = prove(only, policy_sets["prod"], logic=Logic())
    assert (verdict.answer, verdict.holds) == ("unknown", False)


def test_the_bucket_alone_keeps_users_apart(policy_sets: Mapping[str, PolicySet]) -> None:
    """The defect that the proofs found: without these denials an identity policy decides alone."""
    policy_set = policy_sets["prod"]
    name = policy_set.at("storage/Data").policy
    policy = policy_set.policies[name]
    kept = tuple(one for one in policy.statements if one.sid != "DenyOtherUsersObjects")
    weaker = policy_set.with_policy(Policy(name=name, statements=kept))
    item = next(item for item in ALL if item.name == "own_objects_only_whatever_identity")
    assert prove(item, weaker, logic=LOGIC).answer == "refuted"


NONE_MATCH = "s3:if-none-match"
PARTS = Condition(operator="BoolIfExists", key="s3:ObjectCreationOperation", values=("true",))


def unless(operator: str, key: str, *values: str) -> Condition:
    return Condition(operator=operator, key=key, values=values)


@pytest.mark.parametrize(
    ("sid", "change"),
    [
        ("DenySecondWrite", None),
        ("DenyCopies", None),
        ("DenyExchanges", None),
        ("DenyForms", None),
        ("DenyArchives", None),
        # As it was: any If-None-Match would do.
        ("DenySecondWrite", {"conditions": (unless("Null", NONE_MATCH, "true"), PARTS)}),
        (
            "DenySecondWrite",
            {"conditions": (unless("StringNotEquals", NONE_MATCH, "*", '"abc"'), PARTS)},
        ),
        ("DenySecondWrite", {"conditions": (unless("StringNotLike", NONE_MATCH, "*"), PARTS)}),
        (
            "DenySecondWrite",
            {
                "conditions": (
                    unless("StringNotEquals", NONE_MATCH, "*"),
                    replace(PARTS, values=("false",)),
                )
            },
        ),
        (
            "DenySecondWrite",
            {
                "conditions": (
                    unless("StringNotEquals", NONE_MATCH, "*"),
                    unless("ArnNotLike", "aws:PrincipalArn", "arn:aws:iam::*:role/restorer"),
                    PARTS,
                )
            },
        ),
        ("DenyCopies", {"principals": (("AWS", "222233334444"),)}),
        ("DenyCopies", {"resources": ("arn:aws:s3:::bucket/sessions/*/*/*/manifest.json",)}),
        ("DenyCopies", {"conditions": (unless("Null", "s3:x-amz-copy-source", "true"),)}),
    ],
)
def test_a_weaker_denial_lets_something_be_written_twice(
    policy_sets: Mapping[str, PolicySet], sid: str, change: Mapping[str, Any] | None
) -> None:
    policy_set = policy_sets["prod"]
    name = policy_set.at("storage/Data").policy
    statements = [
        replace(one, **change or {}) if one.sid == sid else one
        for one in policy_set.policies[name].statements
        if one.sid != sid or change is not None
    ]
    weaker = policy_set.with_policy(Policy(name=name, statements=tuple(statements)))
    item = next(item for item in ALL if item.name == "written_once")
    assert prove(item, weaker, logic=LOGIC).answer == "refuted"


@pytest.mark.parametrize(
    ("role", "sid", "change", "theorem"),
    [
        (
            "worker",
            "WriteResults",
            {"actions": ("s3:PutObjectTagging",)},
            "committed_results_stand",
        ),
        ("worker", "WriteResults", {"actions": ("s3:DeleteObject",)}, "committed_results_stand"),
        ("controller", "KeepRecords", {"resources": ("*",)}, "committed_results_stand"),
        ("worker", "WriteResults", {"resources": ("{session}/results/*",)}, NAMES),
        ("worker", "WriteResults", {"resources": ("{session}/results/p*",)}, NAMES),
        ("worker", "WriteLogs", {"resources": ("{session}/logs/*",)}, NAMES),
        ("worker", "WriteLogs", {"resources": ("{session}/logs/????????????/*",)}, NAMES),
    ],
)
def test_a_wider_role_changes_results_or_names_them_as_it_likes(
    policy_sets: Mapping[str, PolicySet],
    role: str,
    sid: str,
    change: Mapping[str, Any],
    theorem: str,
) -> None:
    policy_set = policy_sets["prod"]
    session = f"{data_bucket_arn(policy_set)}/sessions/genomics/*/{'?' * 20}"
    wide = {
        key: tuple(one.format(session=session) for one in value) for key, value in change.items()
    }
    [name] = {
        name
        for one in policy_set.roles_for(role)
        for name in one.policies
        if any(statement.sid == sid for statement in policy_set.policies[name].statements)
        and one.workspace in (None, "genomics")
    }
    policy = policy_set.policies[name]
    statements = tuple(replace(one, **wide) if one.sid == sid else one for one in policy.statements)
    # The boundary would hide that the policy itself is too wide.
    limits = policy_set.with_policy(Policy(name=name, statements=statements))
    bound = limits.policies["foundation/Boundary"]
    ceiling = tuple(
        replace(one, actions=("s3:*",)) if one.sid == "OwnObjects" else one
        for one in bound.statements
    )
    wider = limits.with_policy(replace(bound, statements=ceiling))
    item = next(item for item in ALL if item.name == theorem)
    assert prove(item, wider, logic=LOGIC).answer == "refuted"


def test_to_switch_inspector_on_is_for_addons_alone(policy_sets: Mapping[str, PolicySet]) -> None:
    """The kit's own boundary names nothing of what watches, be it to switch it on."""
    policy_set = policy_sets["dev"]
    boundary = policy_set.policies["foundation/Boundary"]
    wide = Statement(effect="Allow", actions=("inspector2:Enable",), resources=("*",))
    wider = policy_set.with_policy(replace(boundary, statements=(*boundary.statements, wide)))
    [item] = [item for item in ALL if item.name == "no_role_weakens_the_record"]
    assert prove(item, replace(wider, roles=wider.roles_for("worker"))).answer == "refuted"


@pytest.mark.parametrize(("user", "session"), [("carol", True), (None, True), ("alice", False)])
def test_a_launch_denial_that_is_about_others_is_noticed(
    policy_sets: Mapping[str, PolicySet],
    monkeypatch: pytest.MonkeyPatch,
    user: str | None,
    session: bool,
) -> None:
    """About another user; about everybody's sessions; about all of hers where one was meant."""
    real = incidents.launch_denial_document

    def wrong(*place: str, **words: Any) -> dict[str, Any]:
        if words["session"] is not None:
            words |= {"user": user, "session": words["session"] if session else None}
        return real(*place, **words)

    item = next(item for item in ALL if item.name == "contained_work_stays_stopped")
    assert prove(item, policy_sets["prod"], logic=LOGIC).answer == "proved"
    monkeypatch.setattr(incidents, "launch_denial_document", wrong)
    answer = prove(item, policy_sets["prod"], logic=LOGIC).answer
    # A session's id is nobody else's, so its user beside it changes nothing.
    assert answer == ("proved" if user is None else "refuted")


KEPT = "kept_keys_end_by_break_glass_alone"


@pytest.mark.parametrize("environment", ["prod", "regulated"])
@pytest.mark.parametrize("key", ["LogsKey", "DataKey"])
def test_no_mistake_in_a_kept_keys_denials_lives(
    policy_sets: Mapping[str, PolicySet], environment: str, key: str
) -> None:
    policy_set = policy_sets[environment]
    item = next(item for item in ALL if item.name == KEPT)
    assert prove(item, policy_set, logic=LOGIC).answer == "proved"
    name = policy_set.at(f"foundation/{key}").policy
    found = [
        one
        for one in mutants(policy_set)
        if one.policy.name == name and one.what.startswith(("DenyLosing", "DenyOtherPolicies"))
    ]
    assert len(found) > 15
    for one in found:
        changed = policy_set.with_policy(one.policy)
        # A misspelled word is none that IAM knows, which is told before anything is proved.
        answer = prove(item, changed, logic=LOGIC).answer if known(one.policy) else "misspelled"
        assert answer in ("refuted", "misspelled"), str(one)


@pytest.mark.parametrize("environment", ["prod", "dev"])
def test_no_mistake_in_what_a_key_says_to_strangers_lives(
    policy_sets: Mapping[str, PolicySet], environment: str
) -> None:
    policy_set = policy_sets[environment]
    two = [item for item in ALL if item.name in ("keys_refuse_strangers", "keys_spare_services")]
    assert [prove(item, policy_set, logic=LOGIC).answer for item in two] == ["proved", "proved"]
    name = policy_set.at("foundation/DataKey").policy
    found = [
        one
        for one in mutants(policy_set)
        # Without its StringNotEquals it refuses ourselves, which stops all work.
        if one.policy.name == name
        and one.what.startswith("DenyStrangers")
        and "StringNotEquals aws:PrincipalAccount dropped" not in one.what
    ]
    assert {one.what for one in found} > {
        "DenyStrangers: dropped",
        "DenyStrangers: Null aws:PrincipalAccount dropped",
        "DenyStrangers: Null aws:PrincipalAccount flipped",
        "DenyStrangers: BoolIfExists aws:PrincipalIsAWSService dropped",
    }
    for one in found:
        changed = policy_set.with_policy(one.policy)
        answers = {prove(item, changed, logic=LOGIC).answer for item in two if known(one.policy)}
        assert "refuted" in answers or not known(one.policy), str(one)


TOUCHING = (
    "no_other_principal_touches_objects",
    "no_other_principal_uses_the_data_key",
    "nobody_is_locked_out",
    "services_and_images_are_spared",
    "keys_spare_services",
)


@pytest.mark.parametrize("at", ["storage/Data", "foundation/DataKey"])
def test_no_mistake_in_who_touches_data_lives(
    policy_sets: Mapping[str, PolicySet], at: str
) -> None:
    policy_set = policy_sets["dev"]
    items = [item for item in ALL if item.name in TOUCHING]
    assert [prove(item, policy_set, logic=LOGIC).answer for item in items] == ["proved"] * 5
    name = policy_set.at(at).policy
    found = [
        one
        for one in mutants(policy_set)
        if one.policy.name == name
        and one.what.startswith("DenyOtherPrincipals")
        # Whether the kit's own roles do their work, the theorems of availability say.
        and "role/starburst-" not in one.what
        and "ArnNotEquals aws:PrincipalArn dropped" not in one.what
        and known(one.policy)
    ]
    assert len(found) >= 6
    for one in found:
        changed = policy_set.with_policy(one.policy)
        assert any(prove(item, changed, logic=LOGIC).answer == "refuted" for item in items), str(
            one
        )


def known(policy: Policy) -> bool:
    """Return whether IAM knows all words of a policy."""
    return not list(complaints(policy))


def test_where_keys_are_not_kept_it_is_said(policy_sets: Mapping[str, PolicySet]) -> None:
    item = next(item for item in ALL if item.name == KEPT)
    assert prove(item, policy_sets["dev"], logic=LOGIC).answer == "left out"
