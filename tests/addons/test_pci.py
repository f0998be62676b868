"""The add-on ``pci``: its stack, the gates, what it leaves alone, and tables that must end."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import boto3
import pytest
from aws_cdk import aws_dynamodb as dynamodb
from moto import mock_aws

import app
from environments import DEV, PROD
from stacks.addons.pci import Pci
from stacks.addons.pci.tables import RowsEnd
from stacks.settings import AcceptedRisk, Processing, SettingsError
from tests.some import some

if TYPE_CHECKING:
    from aws_cdk.cx_api import CloudAssembly

ON = replace(
    PROD,
    profile="pci",
    processing=Processing(controller="Example Trust", contact="privacy@example.org"),
    accepted_risks=(
        AcceptedRisk(risk="second-factor-elsewhere", reason="The directory asks always; M. Roe."),
    ),
    addons=(Pci(detector="elsewhere"),),
)
"""Production with the whole profile, of which nothing but the add-on is deployed."""


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where an environment with all of the profile was synthesized to."""
    outdir = tmp_path_factory.mktemp("pci")
    app.build([ON], outdir=str(outdir), validate=False).synth()
    return outdir / "assembly-prod"


def resources(stage: Path) -> dict[str, Any]:
    [file] = stage.glob("*pci*.template.json")
    found = json.loads(file.read_text())["Resources"]
    return {each["Type"]: each for each in found.values()}


def test_the_standard_waits_for_the_hub_and_both_stay(stage: Path) -> None:
    found = resources(stage)
    hub, standard = found["AWS::SecurityHub::Hub"], found["AWS::SecurityHub::Standard"]
    assert len(found) == len((hub, standard))
    assert hub["Properties"]["EnableDefaultStandards"] is False
    assert standard["DependsOn"] == ["Hub"]
    arn = f"arn:aws:securityhub:{PROD.region}::standards/pci-dss/v/4.0.1"
    assert standard["Properties"]["StandardsArn"] == arn
    assert {each["DeletionPolicy"] for each in (hub, standard)} == {"Retain"}


def test_its_stack_is_the_one_that_every_gate_judged(stage: Path, outdir: Path) -> None:
    [file] = stage.glob("*pci*.template.json")
    assert file.read_bytes() == (outdir / stage.name / file.name).read_bytes()


def test_profile_and_addon_leave_every_other_template_as_it_is(
    stage: Path, assembly: CloudAssembly
) -> None:
    """So that all that is proved of them stays proved; and off it leaves no trace."""
    for file in some(Path(assembly.directory).glob("assembly-prod/*.template.json")):
        assert (stage / file.name).read_bytes() == file.read_bytes(), file.name
    assert not list(Path(assembly.directory).glob("assembly-*/*pci*"))


def test_what_it_switches_on_is_what_security_hub_takes(stage: Path) -> None:
    """Moto, in the place of CloudFormation's handler: it knows the calls, and no standard."""
    properties = resources(stage)["AWS::SecurityHub::Hub"]["Properties"]
    with mock_aws():
        client = boto3.client("securityhub", region_name=PROD.region)
        client.enable_security_hub(
            EnableDefaultStandards=properties["EnableDefaultStandards"],
            ControlFindingGenerator=properties["ControlFindingGenerator"],
        )
        hub = client.describe_hub()
    assert hub["ControlFindingGenerator"] == "SECURITY_CONTROL"


def test_the_gap_that_is_told_of_local_is_still_one(stage: Path) -> None:
    known = import_module("ministack.services.cloudformation.provisioners")._RESOURCE_HANDLERS
    assert "AWS::S3::Bucket" in known
    assert not set(resources(stage)) & set(known)
    [told] = Pci().local_gaps()
    assert all(kind in told for kind in resources(stage))


def test_where_the_organization_has_all_of_it_there_is_no_stack() -> None:
    stage = cdk.Stage(cdk.App(), "dev")
    Pci(detector="elsewhere", security_hub="elsewhere").build(stage)
    assert [each.node.id for each in stage.node.children] == []


def test_somebody_has_the_detector() -> None:
    with pytest.raises(SettingsError) as refused:
        replace(DEV, addons=(Pci(),))
    assert str(refused.value) == (
        "environment dev: addons is ('pci',); allowed: also the add-on 'guardduty', or "
        "Pci(detector='elsewhere') where the organization has the account's detector (PCI DSS "
        "4.0.1, 11.5.1)."
    )


@pytest.mark.parametrize("changes", [{"security_hub": "on"}, {"detector": "none"}], ids=str)
def test_words_that_mean_nothing_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match="allowed: "):
        Pci(**changes)


KEY = {"partition_key": dynamodb.Attribute(name="job", type=dynamodb.AttributeType.STRING)}


def look(*, by: str | None, kind: type[Any] = dynamodb.Table) -> None:
    """Synthesize one table below an environment that has the add-on."""
    built = cdk.App()
    stage = cdk.Stage(built, "prod")
    stack = cdk.Stack(stage, "jobs", env=cdk.Environment(region="eu-west-1"))
    kind(stack, "Ledger", **KEY, time_to_live_attribute=by)
    cdk.Aspects.of(stage).add(RowsEnd())
    built.synth()


@pytest.mark.parametrize("kind", [dynamodb.Table, dynamodb.TableV2], ids=["table", "global table"])
def test_a_table_that_keeps_its_rows_for_ever_is_refused(kind: type[Any]) -> None:
    look(by="ends", kind=kind)
    with pytest.raises(RuntimeError, match="prod/jobs/Ledger/Resource keeps its rows for ever"):
        look(by=None, kind=kind)
