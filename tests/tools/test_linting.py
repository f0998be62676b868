"""cfn-lint finds nothing in any environment, and what it finds elsewhere is a finding."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from deploy.tools import linting
from environments import DEV, PROD
from starburst_assurance.waivers import Waiver, WaiverError

if TYPE_CHECKING:
    from aws_cdk.cx_api import CloudAssembly

TODAY = date(2026, 11, 22)
WAIVER = Waiver(
    rules=("cfn-lint-W3005",),
    resources=("dev/Topic",),
    reason="A template that this test breaks on purpose.",
    owner="tests",
    expires=TODAY,
)


def test_no_environment_has_a_finding(
    assembly: CloudAssembly, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(linting, "ASSEMBLY", Path(assembly.directory))
    assert linting.main() == 0, capsys.readouterr().err


def test_a_warning_fails_until_a_waiver_covers_it_that_nothing_else_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    topic = {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": {"Ref": "Name"}}}
    name = {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": "x"}}
    template = {"Resources": {"Topic": {**topic, "DependsOn": "Name"}, "Name": name}}
    file = tmp_path / "assembly-dev" / "one.template.json"
    file.parent.mkdir()
    file.write_text(json.dumps(template))
    found = list(linting.lint({"dev": [file]}, region=DEV.region))
    assert {each.rule for each in found} == {"cfn-lint-W3005"}

    monkeypatch.setattr(linting, "ASSEMBLY", tmp_path)
    monkeypatch.setattr(linting, "ALL", (DEV,))
    monkeypatch.setattr(linting, "lint", lambda *_, **__: iter(found))
    assert linting.main(today=TODAY) == 1
    assert "cfn-lint-W3005" in capsys.readouterr().err
    assert linting.main(today=TODAY, waivers=[WAIVER]) == 0
    needed = replace(WAIVER, resources=("dev/Topic", "dev/Name"))
    assert linting.main(today=TODAY, waivers=[needed]) == 1
    assert "no finding needs" in " ".join(capsys.readouterr().err.split())
    with pytest.raises(WaiverError, match="expired"):
        linting.main(today=date(2026, 11, 23), waivers=[WAIVER])


def test_a_type_that_the_region_lacks_is_told_without_a_list_of_all(tmp_path: Path) -> None:
    data = {"LaunchTemplateData": {"InstanceType": "c7i.2xlrge"}}
    group = {"Type": "AWS::EC2::LaunchTemplate", "Properties": data}
    file = tmp_path / "one.template.json"
    file.write_text(json.dumps({"Resources": {"Template": group}}))
    [found] = linting.lint({"dev": [file]}, region=DEV.region)
    assert found.wrong.startswith(
        "'c7i.2xlrge' is none of those that are allowed, such as c7i.2xlarge, "
    )
    assert len(found.wrong) < 200


def test_an_environment_that_was_not_synthesized_is_no_success(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(linting, "ASSEMBLY", tmp_path)
    monkeypatch.setattr(linting, "ALL", (PROD,))
    assert linting.main(today=TODAY) == 1
    assert "prod is not in" in capsys.readouterr().err
