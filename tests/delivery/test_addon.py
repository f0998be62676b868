"""A delivery passes every gate, keeps to its duties, and leaves no trace where it is off."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import app
from deploy.bootstrap.command import bootstrap_of
from deploy.tools.idle_cost import idle_cost, templates_by_environment
from deploy.tools.linting import lint
from environments import DEV, PROD
from stacks.addons.delivery import Delivery, GitHub, Target
from stacks.foundation import FoundationStack
from stacks.settings import SettingsError
from starburst.pricing.prices import load
from starburst_assurance.bootstrap.documents import deployer_of
from starburst_assurance.gate.table import open_findings
from starburst_assurance.proofs.command import policy_sets_of
from starburst_assurance.proofs.encoding.vocabulary import check
from starburst_assurance.proofs.solving.prove import prove
from starburst_assurance.proofs.theorems import ALL
from tests.delivery.scene import CONNECTION, DELIVERY, GITHUB, ON, PROVIDER
from tests.some import some

if TYPE_CHECKING:
    from aws_cdk.cx_api import CloudAssembly

    from starburst_assurance.proofs.reading.policies import PolicySet

THEOREMS = {each.name: each for each in ALL}
PARTS = ("review", "tests", "suite", "gate", "image", "deploy-dev", "deploy-prod")


@pytest.fixture(scope="module")
def outdir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("delivery")


@pytest.fixture(scope="module")
def policy_set(outdir: Path) -> PolicySet:
    """The delivery switched on by one line, synthesized with every gate."""
    built = app.build([ON], outdir=str(outdir))
    built.synth()
    [found] = policy_sets_of(built, outdir)
    return found


@pytest.fixture(scope="module")
def resources(policy_set: PolicySet, outdir: Path) -> dict[str, dict[str, Any]]:
    del policy_set
    [file] = outdir.glob("assembly-dev/*delivery*.template.json")
    return json.loads(file.read_text())["Resources"]


@pytest.fixture(scope="module")
def projects(resources: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    found = [
        one["Properties"] for one in resources.values() if one["Type"] == "AWS::CodeBuild::Project"
    ]
    return {one["Name"].removeprefix("starburst-dev-delivery-"): one for one in found}


@pytest.fixture(scope="module")
def its_own(policy_set: PolicySet) -> PolicySet:
    """With no roles but the delivery's, of which alone something is asked."""
    roles = [one for one in policy_set.roles if str(one.purpose).startswith("delivery-")]
    return replace(policy_set, roles=tuple(some(roles)))


def test_it_passes_every_gate(policy_set: PolicySet, outdir: Path) -> None:
    assert policy_set.named["delivery/Artifacts"]
    assert open_findings(outdir) == []
    check(policy_set)


@pytest.mark.parametrize(
    "name",
    [
        "every_role_keeps_to_its_duty",
        "duties_end_where_names_end",
        "no_role_touches_evidence",
        "services_do_their_job",
        "the_boundary_is_a_ceiling",
        "nothing_in_other_accounts",
        "only_people_bring_tags",
        "everybody_can_log_in",
        "deployers_make_no_role_without_the_boundary",
        "deployers_can_deploy",
    ],
)
def test_the_core_theorems_hold_of_it(name: str, its_own: PolicySet) -> None:
    assert prove(THEOREMS[name], its_own).answer == "proved"


@pytest.mark.parametrize("theorem", DELIVERY.theorems(), ids=lambda one: one.name)
def test_its_own_theorems_are_proved(theorem: Any, policy_set: PolicySet) -> None:
    assert prove(theorem, policy_set).answer == "proved"


def test_cloudformations_linter_finds_nothing(resources: object, outdir: Path) -> None:
    del resources
    files = sorted(outdir.glob("assembly-dev/*delivery*.template.json"))
    assert list(lint({"dev": some(files)}, region=DEV.region)) == []


def test_its_roles_have_a_boundary_that_no_other_role_has(its_own: PolicySet) -> None:
    assert {one.boundary for one in its_own.roles} == {"delivery/Boundary"}


@pytest.mark.parametrize("purpose", ["delivery-review", "delivery-deploy-dev"])
def test_a_duty_that_it_does_not_state_is_found(purpose: str, its_own: PolicySet) -> None:
    unstated = {**its_own.duties, purpose: its_own.duties[purpose][:-1]}
    alone = replace(its_own, roles=its_own.roles_for(purpose), duties=unstated)
    assert prove(THEOREMS["every_role_keeps_to_its_duty"], alone).answer == "refuted"


def chain(policy_set: PolicySet) -> str:
    """Return the chain that leads too far; empty where none does."""
    verdict = prove(THEOREMS["no_chain_leads_beyond_the_duty"], policy_set)
    assert verdict.answer in ("proved", "refuted")
    return verdict.counterexample.about if verdict.counterexample else ""


def test_who_deploys_makes_what_the_addon_declares_and_nothing_else(policy_set: PolicySet) -> None:
    assert chain(policy_set) == ""
    usage = policy_set.usage
    another = replace(usage, boundaries=(*usage.boundaries, "another"))
    assert chain(replace(policy_set, usage=another)).endswith("makes a role without the boundary")
    undeclared = replace(policy_set, takers={}, roles=policy_set.roles_for("platform"))
    assert chain(undeclared).endswith("makes somebody new")


def test_githubs_tokens_and_what_they_reach_are_as_declared(policy_set: PolicySet) -> None:
    """No role is taken, and none is reached, of which the add-on does not say so."""
    role = "delivery-github-dev"
    becomes = f"somebody of an identity provider becomes starburst-dev-{role}"
    [taker] = policy_set.takers[role]
    for wrong in (
        replace(taker, who=PROVIDER.replace("githubusercontent", "example")),
        replace(taker, actions=("sts:AssumeRole",)),
        *(replace(taker, said={**taker.said, key: "other"}) for key in some(taker.said)),
    ):
        assert chain(replace(policy_set, takers={**policy_set.takers, role: (wrong,)})) == becomes
    for one in (role, "delivery-deploy-dev"):
        duties = {**policy_set.duties, one: ()}
        said = chain(replace(policy_set, duties=duties))
        assert said.startswith(f"starburst-dev-{one} becomes cdk-hnb659fds-")


def test_a_delivery_of_another_target_is_another_theorem(its_own: PolicySet) -> None:
    """As if its roles were to deploy elsewhere than they do."""
    elsewhere = replace(DELIVERY, targets=(Target.of(DEV), replace(Target.of(PROD), qualifier="x")))
    verdicts = {one.name: prove(one, its_own).answer for one in elsewhere.theorems()}
    assert verdicts["deliveries_take_four_roles_each"] == "refuted"


def test_each_build_has_a_project_a_log_and_the_reports_that_its_buildspec_names(
    projects: dict[str, dict[str, Any]], resources: dict[str, dict[str, Any]]
) -> None:
    assert set(projects) == set(PARTS)
    groups = {
        one["Properties"]["Name"]
        for one in resources.values()
        if one["Type"] == "AWS::CodeBuild::ReportGroup"
    }
    named: set[str] = set()
    for part, project in projects.items():
        assert project["LogsConfig"]["CloudWatchLogs"]["Status"] == "ENABLED"
        spec = project["Source"]["BuildSpec"]
        if "reports:" in spec:
            tail = spec.partition("\nreports:\n")[2].splitlines()
            names = [line.strip(" :") for line in tail if line[:3].strip() and line[0] == " "]
            named |= {f"starburst-dev-delivery-{part}-{name}" for name in names}
    assert named == groups


def test_quick_tests_take_the_lambda_compute_and_none_of_what_it_lacks(
    projects: dict[str, dict[str, Any]],
) -> None:
    tests = projects["tests"]
    environment = tests["Environment"]
    assert environment["Type"] == "ARM_LAMBDA_CONTAINER"
    assert environment["ComputeType"] == "BUILD_LAMBDA_10GB"
    assert environment["PrivilegedMode"] is False
    assert not {"TimeoutInMinutes", "QueuedTimeoutInMinutes", "Cache", "VpcConfig"} & set(tests)
    limits = {name: one.get("TimeoutInMinutes") for name, one in projects.items()}
    assert limits == dict.fromkeys(PARTS, 60) | {"tests": None}


def test_docker_runs_in_the_image_build_alone(projects: dict[str, dict[str, Any]]) -> None:
    privileged = {name for name, one in projects.items() if one["Environment"]["PrivilegedMode"]}
    assert privileged == {"image"}


def test_forks_wait_for_a_maintainer_and_nothing_else_is_started_by_a_webhook(
    projects: dict[str, dict[str, Any]],
) -> None:
    started = {name: one["Triggers"] for name, one in projects.items() if "Triggers" in one}
    assert set(started) == {"review", "tests", "suite"}
    for triggers in started.values():
        policy = triggers["PullRequestBuildPolicy"]
        assert policy["RequiresCommentApproval"] == "FORK_PULL_REQUESTS"
        [[event, base]] = triggers["FilterGroups"]
        assert event["Pattern"].startswith("PULL_REQUEST_")
        assert base == {"Type": "BASE_REF", "Pattern": "^refs/heads/main$"}


def test_a_person_approves_before_what_asks_for_it_is_deployed(
    resources: dict[str, dict[str, Any]],
) -> None:
    [pipeline] = [
        one["Properties"]
        for one in resources.values()
        if one["Type"] == "AWS::CodePipeline::Pipeline"
    ]
    order = {
        stage["Name"]: [
            each["Name"] for each in sorted(stage["Actions"], key=lambda each: each["RunOrder"])
        ]
        for stage in pipeline["Stages"]
    }
    assert order == {
        "Source": ["Fetch"],
        "Gate": ["Judge"],
        "dev": ["Deploy"],
        "prod": ["Approve", "Deploy"],
    }


def test_its_bootstrap_is_derived_and_lends_both_boundaries(
    policy_set: PolicySet, tmp_path: Path
) -> None:
    """The add-on is deployed by less than an administrator, as all else is."""
    del tmp_path
    deployer = deployer_of(
        policy_set.usage,
        environment="dev",
        account=DEV.account,
        region=DEV.region,
        qualifier=policy_set.qualifier,
        boundary=FoundationStack.boundary_arn(DEV),
    )
    assert [one.rpartition("/")[2] for one in deployer.boundaries] == [
        "starburst-dev-boundary",
        "starburst-dev-boundary-delivery",
    ]
    made = bootstrap_of(policy_set.usage, deployer)
    whole = {
        statement["Sid"]
        for one in made.policies
        for statement in one["Statement"]
        if statement["Resource"] == ["*"]
        and any(action.startswith("code") for action in statement["Action"])
    }
    assert whole == set()


def test_it_costs_one_key_at_rest(
    policy_set: PolicySet, outdir: Path, assembly: CloudAssembly
) -> None:
    del policy_set
    prices = load(DEV.region)
    bills = [
        idle_cost(templates_by_environment(each)["dev", DEV.region], prices, own=DELIVERY.prices())
        for each in (outdir, Path(assembly.directory))
    ]
    assert [one.not_priced for one in bills] == [(), ()]
    assert bills[0].usd - bills[1].usd == pytest.approx(prices.key_month)


def test_it_goes_away_without_a_trace(assembly: CloudAssembly, tmp_path: Path) -> None:
    off = app.build([replace(ON, addons=())], outdir=str(tmp_path), validate=False)
    off.synth()
    for file in some(Path(assembly.directory).glob("assembly-dev/*.template.json")):
        assert (tmp_path / "assembly-dev" / file.name).read_bytes() == file.read_bytes()
    assert not list(tmp_path.glob("assembly-dev/*delivery*"))


def test_on_it_changes_no_stack_but_its_own(
    assembly: CloudAssembly, policy_set: PolicySet, outdir: Path
) -> None:
    """Its roles have a boundary of their own, so that nobody else's is widened."""
    del policy_set
    for name in ("foundation", "access", "control"):
        [off] = Path(assembly.directory).glob(f"assembly-dev/*dev{name}*.template.json")
        assert (outdir / "assembly-dev" / off.name).read_bytes() == off.read_bytes()


def test_logins_alone_make_no_build_and_no_key(tmp_path: Path) -> None:
    only = Delivery(github=GITHUB, targets=(Target.of(DEV),), makes_provider=False)
    app.build([replace(DEV, addons=(only,))], outdir=str(tmp_path), validate=False).synth()
    [file] = tmp_path.glob("assembly-dev/*delivery*.template.json")
    kinds = {one["Type"] for one in json.loads(file.read_text())["Resources"].values()}
    assert kinds == {"AWS::IAM::ManagedPolicy", "AWS::IAM::Role"}


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ({"targets": ()}, "number of delivery.targets"),
        ({"targets": (Target.of(DEV), Target.of(DEV))}, "each value once"),
        ({"logins": False, "connection_arn": None, "image_base": None}, "nothing would deploy"),
        ({"connection_arn": None}, "CodeBuild builds it"),
        ({"image_base": "python:3.11-slim"}, "sha256:<64 hex>"),
    ],
)
def test_a_bad_setting_is_refused_by_name(bad: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        replace(DELIVERY, **bad)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("owner", "exa*"),
        ("name", "environments/*"),
        ("name", "*"),
        ("owner_id", "example"),
        ("repository_id", "*"),
        ("repository_id", "012"),
        ("branch", "release/*"),
        ("branch", ""),
    ],
)
def test_a_repository_by_a_pattern_is_refused(field: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"delivery.github.{field}"):
        replace(GITHUB, **{field: value})


@pytest.mark.parametrize("field", ["account", "region", "qualifier"])
def test_a_target_that_is_nowhere_is_refused(field: str) -> None:
    with pytest.raises(SettingsError, match=f"delivery target dev: {field}"):
        replace(Target.of(DEV), **{field: "no*"})


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ({"connection_arn": CONNECTION.replace(DEV.account, PROD.account)}, "connection_arn"),
        ({"connection_arn": CONNECTION.replace("codeconnections", "codestar-connections")}, "arn"),
        ({"targets": (replace(Target.of(DEV), account=PROD.account),)}, "which are its own"),
    ],
)
def test_what_does_not_fit_the_environment_is_refused(bad: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        replace(DEV, addons=(replace(DELIVERY, **bad),))


def test_a_repository_of_before_has_its_names_alone_in_the_subject() -> None:
    before = replace(GITHUB, immutable_subject=False)
    assert isinstance(before, GitHub)
    assert before.subject("prod") == "repo:example/environments:environment:prod"
    assert GITHUB.subject("prod") == "repo:example@12/environments@34:environment:prod"
