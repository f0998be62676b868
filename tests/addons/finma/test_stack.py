"""The backups pass all gates, their theorems hold and can fail, and off they leave no trace."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import app
from deploy.tools.idle_cost import idle_cost, templates_by_environment
from environments import REGULATED
from stacks.addons.finma import Classification, Finma
from stacks.settings import SettingsError
from starburst.pricing.prices import load
from starburst_assurance.gate.table import open_findings
from starburst_assurance.proofs.organization import prove_regions
from starburst_assurance.proofs.reading.errors import ProofError
from starburst_assurance.proofs.reading.policies import Policy, PolicySet, Statement
from starburst_assurance.proofs.solving.prove import prove
from starburst_assurance.proofs.theorems import ALL
from starburst_constructs.policies.organization_policies import WITHOUT_REGION
from tests.addons.finma.conftest import DRILLER, FINMA, LEVELS, ON
from tests.some import some

THEOREMS = {one.name: one for one in FINMA.theorems()}
CORE = {one.name: one for one in ALL}


@pytest.fixture(scope="module")
def policy_set(synthesized: tuple[Path, PolicySet]) -> PolicySet:
    return synthesized[1]


@pytest.fixture(scope="module")
def alone(policy_set: PolicySet) -> PolicySet:
    """With no role but those of AWS Backup."""
    ours = policy_set.roles_for("finma-backup", "finma-restore")
    return replace(policy_set, roles=tuple(ours))


@pytest.fixture(scope="module")
def templates(synthesized: tuple[Path, PolicySet]) -> Mapping[str, Any]:
    return {
        file.name: json.loads(file.read_text())
        for file in (synthesized[0] / f"assembly-{ON.name}").glob("*.template.json")
    }


def of_type(templates: Mapping[str, Any], kind: str) -> list[dict[str, Any]]:
    return [
        one["Properties"]
        for name, template in templates.items()
        if "finma" in name
        for one in template["Resources"].values()
        if one["Type"] == kind
    ]


def test_it_passes_every_gate(synthesized: tuple[Path, PolicySet]) -> None:
    assert open_findings(synthesized[0]) == []


@pytest.mark.parametrize("name", THEOREMS)
def test_its_own_theorems_are_proved(name: str, policy_set: PolicySet) -> None:
    assert prove(THEOREMS[name], policy_set).answer == "proved"


@pytest.mark.parametrize(
    "name",
    [
        "every_role_keeps_to_its_duty",
        "duties_end_where_names_end",
        "each_area_has_its_own_writers",
        "committed_results_stand",
        "no_role_touches_evidence",
        "no_role_changes_a_bucket",
        "every_role_is_bounded",
        "nothing_in_other_accounts",
        "services_do_their_job",
        "no_other_principal_touches_objects",
        "no_other_principal_uses_the_data_key",
    ],
)
def test_the_core_theorems_hold_of_it(name: str, alone: PolicySet, policy_set: PolicySet) -> None:
    of_data = "principal" in name
    assert prove(CORE[name], policy_set if of_data else alone).answer == "proved"


@pytest.mark.parametrize("name", ["deployers_can_deploy", "deployers_read_no_data"])
def test_who_deploys_makes_the_vault_and_opens_no_data(name: str, policy_set: PolicySet) -> None:
    assert prove(CORE[name], policy_set).answer == "proved"


def gone(_: Statement) -> Sequence[Statement]:
    return ()


def and_also(action: str) -> Any:
    def wider(one: Statement) -> Sequence[Statement]:
        return (replace(one, actions=(*one.actions, action)),)

    return wider


def anywhere(one: Statement) -> Sequence[Statement]:
    return (replace(one, resources=("*",), conditions=()),)


BACKUP, RESTORE, CAPS = "finma/BackupWork", "finma/RestoreWork", "finma/Boundary"


@pytest.mark.parametrize(
    ("theorem", "weakened", "change"),
    [
        ("backups_outlast_everybody", (("finma/Vault", "DenyDestroying"),), gone),
        ("backups_outlast_everybody", (("finma/Vault", "DenyRestoring"),), gone),
        (
            "nobody_else_reads_what_is_restored",
            (("finma/ScratchPolicy", "DenyOtherPrincipals"),),
            gone,
        ),
        (
            "nobody_else_reads_what_is_restored",
            (("finma/Key policy", "DenyOtherPrincipals"),),
            gone,
        ),
        (
            "a_backup_changes_no_data",
            ((BACKUP, "ReadObjects"), (CAPS, "Source")),
            and_also("s3:PutObject"),
        ),
        (
            "a_restore_reaches_the_scratch_bucket_alone",
            ((RESTORE, "PutObjects"), (CAPS, "Target")),
            anywhere,
        ),
    ],
)
def test_a_weaker_policy_refutes_its_theorem(
    theorem: str, weakened: tuple[tuple[str, str], ...], change: Any, policy_set: PolicySet
) -> None:
    mutant = policy_set
    for begins, sid in some(weakened):
        [name, *_] = [
            name
            for name, policy in sorted(policy_set.policies.items())
            if name.startswith(begins) and any(one.sid == sid for one in policy.statements)
        ]
        made: list[Statement] = []
        for one in mutant.policies[name].statements:
            made += change(one) if one.sid == sid else [one]
        mutant = mutant.with_policy(Policy(name=name, statements=tuple(made)))
    assert prove(THEOREMS[theorem], mutant).answer == "refuted"


@pytest.mark.parametrize(
    ("core", "unsaid"),
    [
        ("every_role_keeps_to_its_duty", {"duties": {}}),
        ("each_area_has_its_own_writers", {"data_roles": ()}),
        ("services_do_their_job", {"jobs": {}}),
    ],
)
def test_what_it_does_not_state_is_found(
    core: str, unsaid: dict[str, Any], alone: PolicySet
) -> None:
    assert prove(CORE[core], replace(alone, **unsaid)).answer == "refuted"


def test_a_role_more_that_restores_is_one_that_settings_name(policy_set: PolicySet) -> None:
    other = replace(FINMA, drillers=(f"arn:aws:iam::{ON.account}:role/other",))
    [outlast] = [one for one in other.theorems() if one.name == "backups_outlast_everybody"]
    assert prove(outlast, policy_set).answer == "refuted"


def test_the_data_bucket_is_backed_up_daily_into_a_locked_vault(
    templates: Mapping[str, Any],
) -> None:
    [vault] = of_type(templates, "AWS::Backup::BackupVault")
    assert vault["LockConfiguration"] == {"MinRetentionDays": 35}
    assert "EncryptionKeyArn" in vault
    [plan] = of_type(templates, "AWS::Backup::BackupPlan")
    [rule] = plan["BackupPlan"]["BackupPlanRule"]
    assert rule["ScheduleExpression"] == "cron(0 3 * * ? *)"
    assert rule["Lifecycle"] == {"DeleteAfterDays": 35}
    [selection] = of_type(templates, "AWS::Backup::BackupSelection")
    [resource] = selection["BackupSelection"]["Resources"]
    assert "storage" in json.dumps(resource)
    data = next(
        one["Properties"]
        for name, template in templates.items()
        if "storage" in name
        for logical, one in template["Resources"].items()
        if one["Type"] == "AWS::S3::Bucket" and logical.startswith("Data")
    )
    assert data["VersioningConfiguration"] == {"Status": "Enabled"}, "AWS Backup asks for it"


def test_what_holds_data_is_tagged_by_its_three_measures(templates: Mapping[str, Any]) -> None:
    wanted = {f"starburst-{name}": level for name, level in LEVELS.levels.items()}
    tagged = [
        logical
        for template in templates.values()
        for logical, one in template["Resources"].items()
        if wanted.items() <= _tags(one["Properties"].get("Tags", ())).items()
        or wanted.items() <= dict(one["Properties"].get("BackupVaultTags", {})).items()
    ]
    kinds = {logical.rstrip("0123456789ABCDEF") for logical in tagged}
    assert kinds == {"Data", "DataKey", "Key", "Scratch", "Vault"}


def _tags(tags: Any) -> dict[str, str]:
    return {one["Key"]: one["Value"] for one in tags} if isinstance(tags, list) else {}


def test_an_organizations_policy_keeps_to_its_regions() -> None:
    zurich: Any = SimpleNamespace(allowed_regions=("eu-central-2",))
    document = FINMA.organization_policy(zurich)
    prove_regions(document, regions=("eu-central-2",), regionless=WITHOUT_REGION)
    weaker = copy.deepcopy(document)
    weaker["Statement"][0]["NotAction"].append("s3:*")
    with pytest.raises(ProofError):
        prove_regions(weaker, regions=("eu-central-2",), regionless=WITHOUT_REGION)


def test_off_it_leaves_no_trace() -> None:
    """What an environment's templates are made of is then what it was, to the last field."""
    assert replace(ON, addons=(), data_role_arns=()) == REGULATED


GOOD: dict[str, Any] = {"classification": LEVELS, "rto_hours": 4, "drillers": (DRILLER,)}


@pytest.mark.parametrize(
    "bad",
    [
        {"classification": "high"},
        {"rto_hours": 0},
        {"rto_hours": 721},
        {"drillers": ()},
        {"drillers": ("restorer",)},
        {"drillers": (DRILLER, DRILLER)},
        {"keep_days": 0},
        {"schedule": "daily"},
        {"schedule": "cron(0 3 * * * *)"},
        {"lock": "forever"},
    ],
)
def test_a_bad_setting_is_refused_by_name(bad: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match=rf"finma\.{next(iter(bad))}"):
        Finma(**{**GOOD, **bad})


def test_a_level_that_nobody_knows_is_refused() -> None:
    wrong: Any = "severe"
    with pytest.raises(SettingsError, match=r"finma\.classification\.integrity"):
        Classification(confidentiality="high", integrity=wrong, availability="low")


def test_an_environment_that_contradicts_it_is_refused() -> None:
    with pytest.raises(SettingsError, match="data_role_arns"):
        replace(ON, data_role_arns=())
    low = replace(FINMA, classification=replace(LEVELS, confidentiality="low"))
    with pytest.raises(SettingsError, match=r"classification\.confidentiality"):
        replace(ON, addons=(low,))


@pytest.mark.parametrize(
    ("lock", "said"),
    [("none", None), ("compliance", {"ChangeableForDays": 3, "MinRetentionDays": 35})],
)
def test_the_lock_is_a_choice(lock: Any, said: Any, tmp_path: Path) -> None:
    on = replace(ON, addons=(replace(FINMA, lock=lock),))
    app.build([on], outdir=str(tmp_path), validate=False).synth()
    [file] = tmp_path.glob("assembly-*/*finma*.template.json")
    [vault] = of_type({file.name: json.loads(file.read_text())}, "AWS::Backup::BackupVault")
    assert vault.get("LockConfiguration") == said


def test_its_bill_has_a_price_for_every_type(
    synthesized: tuple[Path, PolicySet], templates: Mapping[str, Any]
) -> None:
    [(_, found)] = templates_by_environment(synthesized[0]).items()
    prices = load(ON.region)
    assert idle_cost(found, prices, own=FINMA.prices()).not_priced == ()
    [own] = [template for name, template in templates.items() if "finma" in name]
    assert idle_cost([own], prices, own=FINMA.prices()).usd == prices.key_month
