"""The record of processing says what settings say, and calls yours what they do not."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from deploy.compliance import policies
from deploy.compliance.command import main, write
from deploy.compliance.page import record_csv, record_page
from deploy.compliance.record import YOURS, Entry, record
from environments import ALL, DEV, PROD
from stacks.addons.pci import Pci
from stacks.settings import (
    Activity,
    Audit,
    BrokerRole,
    Environment,
    IdentityCenter,
    MfaUsers,
    Network,
    Processing,
    Reads,
    Storage,
    WorkspaceGroups,
)
from starburst_assurance.controls import CONTROLS
from starburst_constructs.policies.organization_policies import region_pin
from tests.some import some

ROOT = Path(__file__).resolve().parents[2]

STUDY = Activity(
    workspace="genomics",
    purpose="Which variants go with early disease.",
    subjects=("patients", "their parents"),
    data=("genotypes",),
    recipients=("the registry of the country",),
    transfers=("Iceland: standard contractual clauses",),
)
SAID = Processing(
    controller="Example Trust",
    contact="privacy@example.org",
    representative="Example GmbH, Berlin",
    protection_officer="M. Roe, dpo@example.org",
    activities=(STUDY,),
)
WITH = replace(PROD, processing=SAID)
CENTER = IdentityCenter(
    instance_arn="arn:aws:sso:::instance/ssoins-0123456789abcdef",
    account="999900001111",
    region="eu-west-1",
    groups=tuple(
        WorkspaceGroups(workspace=each.name, analysts=f"{'a' * 8}-1111-1111-1111-{'c' * 12}")
        for each in PROD.workspaces
    ),
)
THEIRS = Reads(objects="arn:aws:s3:::theirs/*", owner="other", account="777788889999")


def found(environment: Environment, asks: str, *, workspace: str = "") -> list[Entry]:
    return [
        each for each in record(environment) if (each.asks, each.workspace) == (asks, workspace)
    ]


def says(environment: Environment) -> str:
    return "\n".join(each.says for each in record(environment) if each.by != YOURS)


def first(**changes: Any) -> dict[str, Any]:
    [one, *others] = PROD.workspaces
    return {"workspaces": (replace(one, **changes), *others)}


FROM_SETTINGS: dict[str, tuple[dict[str, Any], str]] = {
    "days of sessions": ({"storage": Storage(session_days=77)}, "77 days, and 7 more as older"),
    "older versions": ({"storage": Storage(noncurrent_days=78)}, "30 days, and 78 more as older"),
    "packages": ({"storage": Storage(packages_days=79)}, "79 days after the last session"),
    "access logs": ({"storage": Storage(access_log_days=555)}, "555 days"),
    "logs": ({"log_retention_days": 731}, "731 days"),
    "the trail": ({"audit": Audit(log_days=999)}, "999 days, locked until then"),
    "data": (first(data_days=321), "321 days"),
    "homes": (first(home_days=123), "123 days"),
    "two layers": ({"storage": Storage(encryption="kms:dsse")}, "(kms:dsse)"),
    "a way out": ({"network": Network(egress="nat", zones=3)}, "through NAT gateways"),
    "places": ({"allowed_regions": ("eu-west-1",)}, "may be in eu-west-1, all in the European"),
    "a place abroad": (
        {"allowed_regions": ("eu-west-1", "eu-west-2")},
        "eu-west-2: outside the European Economic Area",
    ),
    "a broker": ({"identity": BrokerRole(arn=f"arn:aws:iam::{PROD.account}:role/b")}, "role/b,"),
    "users": ({"identity": MfaUsers(account=PROD.account)}, "with a second factor"),
    "a directory": ({"identity": CENTER}, "Identity Center in eu-west-1"),
    "who hears": ({"security_emails": ("s@example.org",)}, "change reach s@example.org"),
    "a controller": ({"processing": SAID}, "Example Trust"),
    "an officer": ({"processing": SAID}, "M. Roe, dpo@example.org"),
    "a representative": ({"processing": SAID}, "Example GmbH, Berlin"),
    "a purpose": ({"processing": SAID}, STUDY.purpose),
    "people": ({"processing": SAID}, "patients; their parents"),
    "recipients": ({"processing": SAID}, "the registry of the country"),
    "transfers": ({"processing": SAID}, "Iceland: standard contractual clauses"),
    "reads of public data that others own": (
        {**first(reads=(THEIRS,)), "data_class": "internal"},
        "account 777788889999, which sees the names",
    ),
}


@pytest.mark.parametrize("what", FROM_SETTINGS)
def test_what_a_setting_says_is_in_the_record_and_not_without_it(what: str) -> None:
    changes, said = FROM_SETTINGS[what]
    assert said in says(replace(PROD, **changes))
    assert said not in says(PROD)


def test_every_measure_names_controls_that_exist() -> None:
    known = {each.name for each in CONTROLS}
    measures = found(PROD, "security measure")
    assert all(each.controls for each in some(measures))
    assert {name for each in record(WITH) for name in each.controls} <= known
    nat = replace(PROD, network=Network(egress="nat", zones=3))
    assert "no-internet" not in {name for each in record(nat) for name in each.controls}


def test_what_nobody_said_is_yours() -> None:
    yours = {(each.workspace, each.asks) for each in record(PROD) if each.by == YOURS}
    assert {("", "controller and contact"), ("genomics", "purpose"), ("genomics", "homes")} <= yours
    left = {(each.workspace, each.asks) for each in record(WITH) if each.by == YOURS}
    assert yours - left == {
        ("", "controller and contact"),
        ("genomics", "purpose"),
        ("genomics", "whose data, and which"),
    }
    assert ("markets", "purpose") in left, "another workspace's activity is not its own"
    organizations = replace(PROD, audit=Audit(trail=False))
    assert [each.by for each in found(organizations, "trail")] == [YOURS]
    addon = replace(PROD, addons=(Pci(detector="elsewhere"),))
    assert [each.by for each in found(addon, "add-on pci")] == [YOURS]


def test_rights_of_people_name_commands_and_pages_that_exist() -> None:
    [erasure] = found(PROD, "erasure, with a receipt")
    assert "deploy.erase" in erasure.says
    assert (ROOT / "deploy/erase.py").is_file()
    assert (ROOT / "deploy/retire/__main__.py").is_file()
    assert (ROOT / erasure.says.partition("(")[2].rstrip(")")).is_file()


def test_as_rows_no_cell_is_a_formula_and_nothing_is_lost() -> None:
    name = "=HYPERLINK(\"http://a.example\"), 'b'; c"
    hostile = replace(PROD, processing=replace(SAID, controller=name))
    rows = list(csv.DictReader(record_csv(record(hostile)).splitlines()))
    assert [row["says"] for row in rows if row["asks"] == "controller"] == [f"'{name}"]
    assert len(rows) == len(record(hostile))
    assert {row["by"] for row in rows} == {"settings", "the kit", YOURS}


def test_as_a_page_no_text_is_markup_or_ends_its_cell() -> None:
    name = "A | B <script> [c](http://d.example) `e`"
    hostile = replace(PROD, processing=replace(SAID, controller=name))
    page = record_page(record(hostile), environment="prod", account=PROD.account)
    [line] = [each for each in page.splitlines() if "script" in each]
    assert line.replace("\\|", "").count("|") == len(("", *"abcde"))
    assert "\\<script> \\[c](http" in line
    left = sum(each.by == YOURS for each in record(hostile))
    assert f"{left} of {len(record(hostile))} entries are yours" in page
    assert "## Workspace markets" in page


def test_the_command_writes_all_of_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--environment", "prod", "--into", str(tmp_path)]) == 0
    written = {each.name for each in (tmp_path / "prod").iterdir()}
    assert written == {
        *("processing.csv", "processing.md", "record-kept.json", "region-pin.json"),
    }
    assert "11 entries of the record are yours" in capsys.readouterr().out


def test_with_the_profile_pci_the_matrix_comes_along(tmp_path: Path) -> None:
    from tests.settings.test_profiles import PCI  # noqa: PLC0415 - a settings test's environment

    write(PCI, tmp_path, qualifier="hnb659fds")
    assert (tmp_path / "pci.csv").read_text() == (ROOT / "docs/compliance/pci.csv").read_text()


def test_a_policy_that_is_not_proved_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(policies, "region_pin", lambda names: region_pin([*names, "us-east-1"]))
    assert main(["--environment", "prod", "--into", str(tmp_path)]) == 1
    assert "Nothing was written: the organization's policy is refuted" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_with_another_trail_than_the_kits_nobody_is_said_to_record_reads() -> None:
    theirs = replace(PROD, audit=Audit(trail=False))
    assert "who read which object is recorded" in says(PROD)
    assert "who read which object" not in says(theirs)
    [left] = found(theirs, "record of who read which object")
    assert left.by == YOURS


def test_neighbours_of_the_account_go_on_under_its_policies(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An organization's policy binds the account, and so whatever else is in it."""
    second = replace(
        PROD,
        name="second",
        region="eu-central-1",
        allowed_regions=("eu-central-1",),
        network=replace(PROD.network, cidr="10.99.0.0/20"),
    )
    words = ["--environment", "prod", "--into", str(tmp_path)]
    assert main(words, known=[PROD, second, DEV]) == 0
    assert f"Account {PROD.account} has second as well" in capsys.readouterr().out
    pin, kept = (
        json.loads((tmp_path / "prod" / f"{name}.json").read_text())["Statement"][0]["Condition"]
        for name in ("region-pin", "record-kept")
    )
    regions = pin["StringNotEquals"]["aws:RequestedRegion"]
    assert regions == list(dict.fromkeys([*PROD.allowed_regions, "eu-central-1"]))
    spared = kept["ArnNotLike"]["aws:PrincipalArn"]
    deployers = [one.rpartition(f"-{PROD.account}-")[2] for one in spared if "cfn-exec" in one]
    assert deployers == [PROD.region, second.region]
    assert not [one for one in spared if DEV.account in one]


def test_a_folder_that_takes_no_files_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "taken").write_text("")
    assert main(["--environment", "prod", "--into", str(tmp_path / "taken")]) == 1
    said = capsys.readouterr().err
    assert "Not all was written" in said
    assert "taken" in said


@pytest.mark.parametrize("qualifier", ["", "a*", "a/b", "hnb659fds-and-more", "é"], ids=ascii)
def test_a_qualifier_that_cdk_would_not_take_names_no_role(qualifier: str, tmp_path: Path) -> None:
    with pytest.raises(SystemExit):
        main(["--environment", "prod", "--into", str(tmp_path), "--qualifier", qualifier])
    assert list(tmp_path.iterdir()) == []


def test_an_environment_that_is_not_there_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--environment", "staging"])
    assert ", ".join(each.name for each in ALL) in capsys.readouterr().err
