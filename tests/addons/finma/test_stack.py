"""What the backups are deployed as; their theorems can fail, and wrong settings are refused."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from deploy.tools.idle_cost import idle_cost
from stacks.addons.finma import Classification, Finma
from stacks.addons.finma.stack import lock_of
from stacks.settings import SettingsError
from starburst.pricing.prices import load
from starburst_assurance.proofs.encoding.logic import Logic
from starburst_assurance.proofs.reading.policies import PolicySet, Statement
from starburst_assurance.proofs.solving.prove import prove
from starburst_assurance.proofs.theorems import ALL
from tests.addons.conftest import HERE, LEVELS, ON, RESTORER, addon_of, templates_of
from tests.addons.mutants import Change, also, changed, gone
from tests.some import some

FINMA = addon_of(ON, "finma")
THEOREMS = {one.name: one for one in FINMA.theorems()}
CORE = {one.name: one for one in ALL}


@pytest.fixture(scope="module")
def alone(policy_set: PolicySet) -> PolicySet:
    """With no role but those of AWS Backup."""
    ours = policy_set.roles_for("finma-backup", "finma-restore")
    return replace(policy_set, roles=tuple(ours))


def of_type(templates: Mapping[str, Any], kind: str) -> list[dict[str, Any]]:
    return [
        one["Properties"]
        for name, template in templates.items()
        if name.endswith("/finma")
        for one in template["Resources"].values()
        if one["Type"] == kind
    ]


def everywhere(one: Statement) -> Sequence[Statement]:
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
            also("s3:PutObject"),
        ),
        (
            "a_restore_reaches_the_scratch_bucket_alone",
            ((RESTORE, "PutObjects"), (CAPS, "Target")),
            everywhere,
        ),
    ],
)
def test_a_weaker_policy_refutes_its_theorem(
    theorem: str,
    weakened: tuple[tuple[str, str], ...],
    change: Change,
    policy_set: PolicySet,
    logic: Logic,
) -> None:
    mutant = policy_set
    for policy, statement in some(weakened):
        mutant = changed(mutant, policy, statement, change)
    assert prove(THEOREMS[theorem], mutant, logic=logic).answer == "refuted"


@pytest.mark.parametrize(
    ("core", "unsaid"),
    [
        ("every_role_keeps_to_its_duty", {"duties": {}}),
        ("each_area_has_its_own_writers", {"data_roles": ()}),
    ],
)
def test_what_it_does_not_state_is_found(
    core: str, unsaid: dict[str, Any], alone: PolicySet, logic: Logic
) -> None:
    assert prove(CORE[core], replace(alone, **unsaid), logic=logic).answer == "refuted"


def test_a_role_more_that_restores_is_one_that_settings_name(
    policy_set: PolicySet, logic: Logic
) -> None:
    other = replace(FINMA, drillers=(f"arn:aws:iam::{ON.account}:role/other",))
    [outlast] = [one for one in other.theorems() if one.name == "backups_outlast_everybody"]
    assert prove(outlast, policy_set, logic=logic).answer == "refuted"


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
        if name.endswith("/storage")
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


def test_no_policy_for_an_account_is_made_of_one_environment() -> None:
    """It would shut the others of the account out: ``deploy.compliance`` writes one of all."""
    assert not [name for name in dir(FINMA) if "policy" in name]


GOOD: dict[str, Any] = {"classification": LEVELS, "rto_hours": 4, "drillers": (RESTORER,)}


@pytest.mark.parametrize(
    "bad",
    [
        {"classification": "high"},
        {"rto_hours": 0},
        {"rto_hours": 721},
        {"rpo_hours": 12},
        {"rpo_hours": 30},
        {"rpo_hours": 180},
        {"drillers": ()},
        {"drillers": ("restorer",)},
        {"drillers": (RESTORER, RESTORER)},
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


def test_the_lock_is_a_choice(here: Path) -> None:
    [vault] = of_type(templates_of(here, HERE), "AWS::Backup::BackupVault")
    assert addon_of(HERE, "finma").lock == "compliance"
    assert vault["LockConfiguration"] == {"ChangeableForDays": 3, "MinRetentionDays": 35}
    assert lock_of(replace(FINMA, lock="none")) is None


def test_its_bill_has_a_price_for_every_type(templates: Mapping[str, Any]) -> None:
    prices = load(ON.region)
    own = templates[f"{ON.name}/finma"]
    bill = idle_cost([own], prices, own=FINMA.prices())
    assert bill.not_priced == ()
    # The vault's key and two alarms.
    assert bill.usd == (prices.key_month or 0) + 2 * (prices.alarm_month or 0)
