"""An environment may offer two architectures: a definition for each, one log, one pair of roles."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import app
from environments import DEV
from stacks.settings import Environment


def synthesized(environment: Environment, outdir: Path) -> dict[str, Mapping[str, Any]]:
    assembly = app.build([environment], outdir=str(outdir), validate=False).synth()
    return {stack.hierarchical_id: stack.template for stack in assembly.stacks_recursively}


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Mapping[str, Any]]:
    offered = replace(DEV, other_architectures=("ARM64",), image_digest="sha256:" + "ab" * 32)
    return synthesized(offered, tmp_path_factory.mktemp("both"))


def definitions(template: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        one["Properties"]["Family"]: one["Properties"]
        for one in template["Resources"].values()
        if one["Type"] == "AWS::ECS::TaskDefinition"
    }


def test_each_has_a_definition_and_all_else_is_shared(
    both: Mapping[str, Mapping[str, Any]],
) -> None:
    found = definitions(both["dev/compute"])
    assert set(found) == {"starburst-dev-sandbox", "starburst-dev-sandbox-arm64"}
    x86, arm = found["starburst-dev-sandbox"], found["starburst-dev-sandbox-arm64"]
    assert x86.pop("RuntimePlatform")["CpuArchitecture"] == "X86_64"
    assert arm.pop("RuntimePlatform")["CpuArchitecture"] == "ARM64"
    del x86["Family"], arm["Family"]
    assert x86 == arm, "same image index, roles, log, limits"


def test_the_controller_may_run_both_and_no_other(both: Mapping[str, Mapping[str, Any]]) -> None:
    policies = json.dumps(both["dev/access"])
    for family in ("starburst-dev-sandbox", "starburst-dev-sandbox-arm64"):
        assert f'task-definition/{family}"' in policies
        assert f'task-definition/{family}:*"' in policies


def test_the_runtime_document_says_so(both: Mapping[str, Mapping[str, Any]]) -> None:
    text = json.dumps(both["dev/publishing"]).replace("\\", "")
    assert '"other_architectures":["ARM64"]' in text
    assert '"architecture":"X86_64"' in text


def test_one_alone_has_one(templates: Mapping[str, Any]) -> None:
    assert set(definitions(templates["dev/compute"])) == {"starburst-dev-sandbox"}
    assert "arm64" not in json.dumps(templates["dev/access"]).replace("aarch64", "")
