"""All environments pass the gate, from plain Python and from the CDK CLI, without an account."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from environments import ALL
from starburst_assurance.proofs import theorems

ROOT = Path(__file__).resolve().parents[2]
CLI = ROOT / "node_modules" / ".bin" / "cdk"
ONLY_DEV = '{"environments": "dev"}'


def offline() -> dict[str, str]:
    """An environment without AWS settings, in which the CDK's own validator runs."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AWS_", "CDK_", "PYTEST_", "JSII_"))
    }
    nowhere = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
    return {**kept, **nowhere, "AWS_EC2_METADATA_DISABLED": "true"}


def run(*command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - our own app
        command,
        cwd=ROOT,
        env={**offline(), **variables},
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )


def test_every_environment_passes_the_gate_without_credentials(tmp_path: Path) -> None:
    through_cli = (str(CLI), "synth", "--quiet", "--no-notices", "--output", str(tmp_path))
    command = through_cli if CLI.exists() else (sys.executable, "app.py")
    # No stack is selected, so the CLI itself would show no warning.
    done = run(*command, CDK_OUTDIR=str(tmp_path))
    assert done.returncode == 0, done.stderr
    names = {path.name for path in tmp_path.glob("assembly-*")}
    assert names == {f"assembly-{environment.name}" for environment in ALL}
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert not manifest.get("missing"), "synthesis asked for a look-up"
    for name in ("prod", "regulated"):
        assert f"Warning: environment {name}: stolen credentials of an analyst" in done.stderr
    assert "environment dev: " not in done.stderr, "its data are not restricted"
    for name in names:
        told = re.search(rf"proved (now|before): {name[9:]} \((\d+) theorems, (\d+) ", done.stderr)
        assert told, done.stderr
        assert int(told[2]) + int(told[3]) == len(theorems.ALL), "not all of them were asked"
    report = json.loads((tmp_path / "validation-report.json").read_text())
    judged = {each["pluginName"]: each for each in report["pluginReports"]}
    packs = {"AwsSolutions", "ControlTower", "HIPAA.Security", "NIST.800.53.R5", "PCI.DSS.321"}
    # A judge that found nothing at all, as our own rules, is not in the CDK's report.
    assert packs <= set(judged)
    for name, each in judged.items():
        errors = [found for found in each["violations"] if found["severity"] in ("error", "fatal")]
        assert errors == [], name


def test_an_unknown_environment_is_named(tmp_path: Path) -> None:
    done = run(
        sys.executable,
        "app.py",
        CDK_OUTDIR=str(tmp_path),
        CDK_CONTEXT_JSON='{"environments": "dev,staging"}',
    )
    assert done.returncode != 0
    assert "'staging'; allowed: dev, local, prod, regulated" in done.stderr


# jsii reads CDK_VALIDATION when aws_cdk is imported. An app that imports it before `main` takes the
# variable back does without the CDK's own validator, which is most of a synthesis.
START = f"""
import sys
sys.path.insert(0, {str(ROOT)!r})
import app
app.use_bundled_node()
"""

# What is asked below is the app and its gate. A bucket and a role give them enough to refuse, and
# whole environments take most of a synthesis.
SMALL = """
import aws_cdk as cdk
from stacks import stage, waivers

class Small(cdk.Stage):
    def __init__(self, scope, environment):
        where = cdk.Environment(account=environment.account, region=environment.region)
        super().__init__(scope, environment.name, env=where)
        self.environment, self.addons = environment, ()
        self.storage = cdk.Stack(self, "storage")
        self.data = cdk.aws_s3.Bucket(self.storage, "Data")
        readers = cdk.aws_iam.AccountPrincipal(environment.account)
        self.data.grant_read(cdk.aws_iam.Role(self.storage, "Reader", assumed_by=readers))

stage.EnvironmentStage = Small
waivers.waivers = lambda environment, *, addons: ()
"""


@pytest.fixture
def beside(tmp_path: Path) -> Path:
    """A folder for an app; one that imports `small` there is over small environments."""
    (tmp_path / "small.py").write_text(SMALL)
    return tmp_path


@pytest.fixture
def refused(beside: Path) -> tuple[str, str]:
    """Our app over environments that the gate has something to say of."""
    script = beside / "refused.py"
    script.write_text(f"{START}import small\nsys.exit(app.main())\n")
    return sys.executable, str(script)


def test_plain_python_fails_on_a_finding(refused: tuple[str, str], tmp_path: Path) -> None:
    done = run(
        *refused,
        CDK_OUTDIR=str(tmp_path),
        CDK_CONTEXT_JSON=ONLY_DEV,
        CDK_VALIDATION="false",
    )
    assert done.returncode != 0
    assert "How to fix it" in done.stderr
    assert "starburst-undeclared-wildcard" in done.stderr
    assert "dev/storage/Data/Resource" in done.stderr
    assert "CT.S3.PR.9" in done.stderr


@pytest.mark.skipif(not CLI.exists(), reason="the CDK CLI is not installed: npm ci")
def test_no_switch_of_the_cli_lets_a_finding_pass(refused: tuple[str, str], tmp_path: Path) -> None:
    switches = [
        "--ignore-errors",
        "--no-path-metadata",
        "--no-asset-metadata",
        "--context=environments=dev",
        "--context=@aws-cdk/core:validateAgainstDefaultRules=false",
        "--context=@aws-cdk/core:failSynthOnValidationErrors=false",
    ]
    out = tmp_path / "out"
    # No stack is selected: then the CLI itself reads no report of a stack inside a stage.
    command = ("synth", "--quiet", "--no-notices", "--output", str(out))
    done = run(str(CLI), *command, *switches, "--app", " ".join(refused), CDK_VALIDATION="false")
    assert done.returncode != 0
    assert "findings without a waiver" in done.stderr
    assert "dev/storage/Data/Resource" in done.stderr
    assert "prod/" not in done.stderr, "the context selects"
    assert "CT.S3.PR.9" in done.stderr
    assert not (out / "manifest.json").exists(), "a refused synthesis can be deployed"
    again = run(str(CLI), "deploy", "dev/registry", "--no-notices", "--app", str(out))
    assert again.returncode != 0
    assert "manifest.json" in again.stderr


def test_neither_variable_nor_context_turns_the_cdks_own_validator_off(beside: Path) -> None:
    script = beside / "wrong.py"
    script.write_text(
        f"{START}"
        "honest = app.build\n"
        "def build(**named):\n"
        "    import small\n"
        "    built = honest(**named, validate=False)  # by our gate, which is another matter\n"
        "    data = built.node.find_child('local').data\n"
        "    data.node.default_child.add_property_override('Nonsense', 1)\n"
        "    return built\n"
        "app.build = build\n"
        "sys.exit(app.main())\n"
    )
    context = {"environments": "local", "@aws-cdk/core:validateAgainstDefaultRules": False}
    done = run(
        sys.executable,
        str(script),
        CDK_OUTDIR=str(beside / "out"),
        CDK_VALIDATION="false",
        CDK_CONTEXT_JSON=json.dumps(context),
    )
    assert done.returncode != 0
    assert "Nonsense" in done.stderr


def test_a_judge_that_stops_is_a_finding(beside: Path) -> None:
    script = beside / "stopped.py"
    script.write_text(
        f"{START}import small\n"
        "from starburst_assurance.packs import control_tower\n"
        "def stop(self, gated, files):\n"
        "    raise control_tower.GuardError('no binary for this machine')\n"
        "control_tower.ControlTower.findings = stop\n"
        "sys.exit(app.main())\n"
    )
    # As the CLI calls it: there the CDK itself goes on.
    quiet = {"@aws-cdk/core:failSynthOnValidationErrors": False, "environments": "dev"}
    done = run(
        sys.executable,
        str(script),
        CDK_OUTDIR=str(beside / "out"),
        CDK_CONTEXT_JSON=json.dumps(quiet),
        CDK_VALIDATION="false",
    )
    assert done.returncode != 0
    assert "no binary for this machine" in " ".join(done.stderr.split())
