"""Production with all add-ons, synthesized once; a lake and jobs, deployed once into ``local``."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
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
from stacks.addons.inspector import Inspector
from stacks.addons.job_metrics import JobMetrics
from stacks.addons.log_lake import LogLake
from stacks.addons.pci import Pci
from stacks.addons.security_hub_findings import SecurityHubFindings
from starburst.local import LocalEnvironment
from starburst_assurance.proofs.command import policy_sets_of
from starburst_assurance.proofs.reading.policies import PolicySet

CUSTODIAN = "999988887777"
READER = f"arn:aws:iam::{PROD.account}:role/security/lake"
FINANCE = f"arn:aws:iam::{PROD.account}:role/finance"
QUICKSIGHT = f"arn:aws:iam::{PROD.account}:role/service-role/aws-quicksight-service-role-v0"
RESTORER = f"arn:aws:iam::{PROD.account}:role/restorer"
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
        Inspector(),
        AccessReview(),
        SecurityHubFindings(emails=("security@example.com",), readers=(READER,)),
        GuardDuty(),
        IdentityGovernance(organization_id="o-a1b2c3d4e5", readers=(READER,)),
        Pci(),
        Finma(
            classification=Classification(
                confidentiality="high", integrity="high", availability="medium"
            ),
            rto_hours=4,
            drillers=(RESTORER,),
        ),
    ),
    data_role_arns=(f"arn:aws:iam::{PROD.account}:role/eraser", RESTORER),
    trusted_cidrs=("140.107.0.0/16",),
)
"""All that there are but ``delivery``, which stands in an account of its own."""

HOLDER = f"arn:aws:iam::{LOCAL.account}:role/holder"
HERE = replace(LOCAL, addons=(LogLake(readers=(HOLDER,)), JobMetrics(readers=(HOLDER,))))
PARTS = ("foundation", "network", "storage", "audit", "lake", "jobs")
"""What a lake stands on, and what stands on it; the log groups that it names need not be there."""

CONTROLLER = """
import json, os


def handle(event, context):
    door = context.invoked_function_arn.rpartition(":")[2]
    if door != "records" or event.get("action") != "sessions":
        return {"ok": False, "error": {"message": f"{door}: {event.get('action')}"}}
    return json.loads(os.environ["SAYS"])
"""
"""In place of the controller, whose stacks this would all take: it says what a test wants.

``tests/admin/test_records_door.py`` asks the real one.
"""


def controller_template(says: Mapping[str, Any], *, exports: Iterable[str] = ()) -> str:
    """Return the template of a controller that says so, with a topic that others import."""
    properties = {
        "FunctionName": "starburst-local-controller",
        "Runtime": "python3.12",
        "Handler": "index.handle",
        "Role": f"arn:aws:iam::{LOCAL.account}:role/starburst-local-controller",
        "Code": {"ZipFile": CONTROLLER},
        "Environment": {"Variables": {"SAYS": json.dumps(says)}},
    }
    made = {"Type": "AWS::Lambda::Function", "Properties": properties}
    topic = {"Type": "AWS::SNS::Topic"}
    outputs = {
        f"Export{number}": {"Value": {"Ref": "Alerts"}, "Export": {"Name": name}}
        for number, name in enumerate(exports)
    }
    return json.dumps({"Resources": {"Controller": made, "Alerts": topic}, "Outputs": outputs})


def imported(template: Path) -> list[str]:
    """Return what a template imports of the controller's stack."""
    found = re.findall(r'"Fn::ImportValue": "(starburst-local-control:\w+)"', template.read_text())
    return sorted(set(found))


@pytest.fixture(scope="session")
def synthesized(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, PolicySet]:
    """Where production with all add-ons was synthesized to, by every gate, and its policies."""
    outdir = tmp_path_factory.mktemp("lake")
    built = app.build([ON], outdir=str(outdir), validate=True)
    built.synth()
    [policy_set] = policy_sets_of(built, outdir)
    return outdir, policy_set


@pytest.fixture(scope="session")
def templates(synthesized: tuple[Path, PolicySet]) -> Mapping[str, Any]:
    manifest = synthesized[0] / f"assembly-{ON.name}" / "manifest.json"
    return {
        each["displayName"]: json.loads(
            (manifest.parent / each["properties"]["templateFile"]).read_text()
        )
        for each in json.loads(manifest.read_text())["artifacts"].values()
        if each["type"] == "aws:cloudformation:stack"
    }


@pytest.fixture(scope="session")
def lake_local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalEnvironment]:
    """The local environment, into which the real CLI has deployed a lake and job metrics."""
    outdir = tmp_path_factory.mktemp("assembly")
    app.build([HERE], outdir=str(outdir), validate=False).synth()
    with LocalEnvironment() as local:
        deployment = Deployment(local=local, outdir=outdir)
        deployment.bootstrap()
        formation = local.client(local.root_session(), "cloudformation")
        [jobs] = (outdir / "assembly-local").glob("*jobs*.template.json")
        formation.create_stack(
            StackName="controller",
            TemplateBody=controller_template({}, exports=imported(jobs)),
        )
        deployment.cdk(
            *("deploy", *(f"local/{part}" for part in PARTS), "--exclusively"),
            *("--app", str(outdir), "--require-approval", "never"),
            *("--method", "direct", "--concurrency", "4"),
        )
        yield local
