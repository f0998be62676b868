"""Production with all add-ons, synthesized once, and LOCAL with all that deploy, deployed once."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

import app
from deploy.tools.local import Deployment
from environments import LOCAL, PROD
from stacks.addons.access_review import AccessReview
from stacks.addons.finma import Classification, Finma
from stacks.addons.guardduty import GuardDuty
from stacks.addons.identity_governance import IdentityGovernance
from stacks.addons.inspector import FindingWaiver, Inspector
from stacks.addons.job_metrics import JobMetrics
from stacks.addons.log_lake import LogLake
from stacks.addons.pci import Pci
from stacks.addons.security_hub_findings import SecurityHubFindings
from stacks.settings import Environment
from starburst.local import LocalEnvironment
from starburst_assurance.proofs.encoding.logic import Logic
from starburst_assurance.proofs.reading.policies import PolicySet
from starburst_assurance.proofs.stages import policy_set_of
from starburst_constructs.naming import deployer_arn
from tests.addons.toy.addon import Toy

CUSTODIAN = "999988887777"
READER = f"arn:aws:iam::{PROD.account}:role/security/lake"
FINANCE = f"arn:aws:iam::{PROD.account}:role/finance"
QUICKSIGHT = f"arn:aws:iam::{PROD.account}:role/service-role/aws-quicksight-service-role-v0"
RESTORER = f"arn:aws:iam::{PROD.account}:role/restorer"
ORGANIZATION = "o-a1b2c3d4e5"
LEVELS = Classification(confidentiality="high", integrity="high", availability="medium")
ON = replace(
    PROD,
    addons=(
        LogLake(readers=(READER,), custodian_account=CUSTODIAN),
        JobMetrics(
            readers=(FINANCE, QUICKSIGHT),
            alarm_on="session_usd",
            alarm_from=50,
            bill="billing.cur2",
            quicksight_owner=f"arn:aws:quicksight:us-east-1:{PROD.account}:group/default/finance",
        ),
        Inspector(
            accepted=(
                FindingWaiver(
                    finding="CVE-2026-1234",
                    reason="Nothing here opens a socket.",
                    expires=date(2027, 1, 31),
                ),
            )
        ),
        AccessReview(internal=True),
        SecurityHubFindings(emails=("security@example.com",), readers=(READER,), link_minutes=30),
        GuardDuty(),
        IdentityGovernance(
            organization_id=ORGANIZATION,
            readers=(READER,),
            allowed_accounts=("444455556666", "555566667777"),
            policy_targets=("r-ab12",),
        ),
        Pci(),
        Finma(classification=LEVELS, rto_hours=4, drillers=(RESTORER,)),
        Toy(),
    ),
    data_role_arns=(f"arn:aws:iam::{PROD.account}:role/eraser", RESTORER),
    trusted_cidrs=("140.107.0.0/16",),
)
"""All that there are but ``delivery``, which stands in an account of its own; and the toy."""

HOLDER = f"arn:aws:iam::{LOCAL.account}:role/holder"
HERE = replace(
    LOCAL,
    addons=(
        LogLake(readers=(HOLDER,)),
        JobMetrics(readers=(HOLDER,)),
        Inspector(),
        AccessReview(external=False, unused=False, after_days=90),
        SecurityHubFindings(emails=("security@example.com",), readers=(HOLDER,), link_minutes=15),
        GuardDuty(detector_id="0" * 32),
        IdentityGovernance(
            organization_id=ORGANIZATION, readers=(HOLDER,), allowed_accounts=("444455556666",)
        ),
        Finma(classification=LEVELS, rto_hours=4, drillers=(HOLDER,), lock="compliance"),
        Toy(word="here"),
    ),
)
"""All that the emulator can have; of ``finma`` it lacks a part, so a test of its own deploys it."""


def addon_of(environment: Environment, name: str) -> Any:
    """Return the add-on of that name."""
    return next(one for one in environment.addons if one.name == name)


@contextmanager
def by_one(folder: pytest.TempPathFactory, name: str) -> Iterator[Path]:
    """Give a folder that all processes of a run share to one of them at a time."""
    shared = folder.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    with (shared / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield shared / name


@pytest.fixture(scope="session")
def outdir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where production with all add-ons was synthesized to, by every gate."""
    with by_one(tmp_path_factory, "addons") as outdir:
        if not (outdir / "judged").exists():
            app.build([ON], outdir=str(outdir), validate=True).synth()
            (outdir / "judged").touch()
    return outdir


@pytest.fixture(scope="session")
def policy_set(outdir: Path) -> PolicySet:
    """What production with all add-ons lets whom do."""
    deployer = deployer_arn(account=ON.account, region=ON.region, qualifier="hnb659fds")
    return policy_set_of(ON, outdir, addons=ON.addons, deployer=deployer)


@pytest.fixture(scope="session")
def logic() -> Logic:
    """In which mutants are asked: what one shares with another is answered once."""
    return Logic()


@pytest.fixture(scope="session")
def templates(outdir: Path) -> Mapping[str, Any]:
    """Templates of production with all add-ons by ``prod/<stack>``; do not change them."""
    return templates_of(outdir, ON)


def templates_of(outdir: Path, environment: Environment) -> Mapping[str, Any]:
    """Return what an environment's stacks are made of, by ``<environment>/<stack>``."""
    manifest = outdir / f"assembly-{environment.name}" / "manifest.json"
    return {
        each["displayName"]: json.loads(
            (manifest.parent / each["properties"]["templateFile"]).read_text()
        )
        for each in json.loads(manifest.read_text())["artifacts"].values()
        if each["type"] == "aws:cloudformation:stack"
    }


def with_one(templates: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return production's templates as they are with no stack of an add-on but that one's."""
    others = {f"{ON.name}/{one.name}" for one in ON.addons if one.name != name}
    return {stack: each for stack, each in templates.items() if stack not in others}


@pytest.fixture(scope="session")
def here(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where LOCAL with all add-ons that the emulator can have was synthesized to."""
    with by_one(tmp_path_factory, "here") as outdir:
        if not (outdir / "manifest.json").exists():
            app.build([HERE], outdir=str(outdir), validate=False).synth()
    return outdir


@pytest.fixture(scope="session")
def addons_local(here: Path) -> Iterator[LocalEnvironment]:
    """The local environment, into which the real CLI has deployed all of it but ``finma``."""
    stacks = [one for one in templates_of(here, HERE) if one != f"{HERE.name}/finma"]
    with LocalEnvironment() as local:
        deployment = Deployment(local=local, outdir=here)
        deployment.bootstrap()
        deployment.cdk(
            *("deploy", *stacks, "--exclusively", "--app", str(here)),
            *("--require-approval", "never", "--method", "direct", "--concurrency", "4"),
        )
        yield local
