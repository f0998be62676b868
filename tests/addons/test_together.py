"""All add-ons of one environment pass every gate together, and every theorem holds of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

import stacks.addons
from deploy.tools.linting import lint
from starburst_assurance.gate.table import open_findings
from starburst_assurance.proofs.reading.policies import PolicySet
from tests.addons.conftest import ON

APART: Final = frozenset({"delivery"})
"""It deploys other environments, from an account of its own; ``tests/delivery`` asks it."""


def test_none_is_left_out() -> None:
    folders = {
        path.parent.name for path in Path(stacks.addons.__path__[0]).glob("*/addon.py")
    } - APART
    assert {type(one).__module__.split(".")[2] for one in ON.addons} == folders


def test_they_pass_every_gate_together(synthesized: tuple[Path, PolicySet]) -> None:
    """Its synthesis proves each theorem too, of the core and of all of them."""
    outdir, policy_set = synthesized
    assert open_findings(outdir) == []
    assert set(policy_set.addons) == {one.name for one in ON.addons}


def test_cfn_lint_has_nothing_to_say_of_any(
    synthesized: tuple[Path, PolicySet], tmp_path: Path
) -> None:
    files = [
        file
        for file in sorted((synthesized[0] / f"assembly-{ON.name}").glob("*.template.json"))
        if any(one.name in file.name for one in ON.addons)
    ]
    assert len(files) == len(ON.addons)
    assert list(lint({ON.name: files}, region=ON.region)) == []
    group = {"Type": "AWS::Athena::WorkGroup", "Properties": {"Name": ["no", "text"]}}
    wrong = tmp_path / "wrong.template.json"
    wrong.write_text(json.dumps({"Resources": {"Group": group}}))
    assert list(lint({ON.name: [wrong]}, region=ON.region)) != []
