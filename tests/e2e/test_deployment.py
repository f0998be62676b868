"""The real CDK deploys every stack, finds nothing to change, and takes it all away again."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path

import boto3
import pytest
from botocore.exceptions import ClientError

import app
import starburst
from deploy.bootstrap.command import bootstrap_of
from deploy.lifecycle.deployed import deployed
from deploy.lifecycle.destroy import destroy
from deploy.lifecycle.local import account_of
from deploy.tools import local as local_tool
from deploy.tools.local import Deployment
from environments import LOCAL
from stacks.settings import Secret
from starburst.local import LocalEnvironment
from starburst.local.deploy_templates import INDEX, templates_folder
from starburst.local.emulator import ADMIN_ROLE
from starburst_assurance.bootstrap.documents import deployer_of
from starburst_assurance.bootstrap.usage import usage_of
from starburst_constructs.naming import boundary_arn
from tests.e2e.conftest import Deployed
from tests.e2e.on_workers import told


def test_a_deployment_differs_in_nothing_from_its_stacks(deployment: Deployment) -> None:
    differs, text = deployment.diff()
    assert not differs, text


def test_it_was_made_by_a_role_and_not_by_root(just_deployed: Deployed) -> None:
    counts = just_deployed.asked
    assert counts[ADMIN_ROLE]["sts:AssumeRole"] > 0
    # Root made the first roles and became the platform's; it deployed nothing.
    assert {action.partition(":")[0] for action in counts["root"]} <= {"iam", "sts"}


def test_a_bootstrap_without_an_administrator_takes_the_place_of_the_cdks(
    deployment: Deployment, tmp_path: Path
) -> None:
    """The first of the last: what changes and destroys the stacks after it has these roles.

    IAM of the emulator holds the deploying role to its policy; CloudFormation there asks nothing
    of the role that it works in.
    """
    local = deployment.local
    usage = usage_of(
        json.loads(path.read_text())
        for path in templates_folder().glob("*.json")
        if path.name != INDEX
    )
    deployer = deployer_of(
        usage,
        environment=LOCAL.name,
        account=local.account,
        region=local.region,
        qualifier="hnb659fds",
        boundary=boundary_arn(LOCAL.name, account=local.account),
    )
    made = bootstrap_of(usage, deployer)
    made.write(tmp_path)
    *making, bootstrapping = (line.split() for line in made.commands(tmp_path))
    iam = local.client(local.root_session(), "iam")
    for words in making:
        document = Path(words[-1].removeprefix("file://")).read_text()
        iam.create_policy(
            PolicyName=words[words.index("--policy-name") + 1], PolicyDocument=document
        )

    deployment.cdk(*bootstrapping[2:], "--force")

    attached = iam.list_attached_role_policies(RoleName=deployer.arn.rpartition("/")[2])
    names = {one["PolicyName"] for one in attached["AttachedPolicies"]}
    assert names == {deployer.policy_name(number + 1) for number in range(len(made.policies))}
    role = deployer.arn.replace("cfn-exec-role", "deploy-role")
    sts = local.client(local.root_session(), "sts")
    keys = sts.assume_role(RoleArn=role, RoleSessionName="deploying")["Credentials"]
    session = boto3.Session(
        keys["AccessKeyId"],
        keys["SecretAccessKey"],
        keys["SessionToken"],
        region_name=local.region,
    )
    stacks = local.client(session, "cloudformation")
    assert stacks.describe_stacks(StackName="starburst-local-storage")["Stacks"]
    with pytest.raises(ClientError, match="not authorized to perform: cloudformation:Describe"):
        stacks.describe_stacks(StackName="starburst-prod-storage")


TOKEN = "hunter22-of-the-portal"


def test_changed_settings_are_taken_in_place(
    deployment: Deployment, local_environment: LocalEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last but one: the workspaces of others stay, with what is in them."""
    manager = local_environment.client(local_environment.root_session(), "secretsmanager")
    arn = manager.create_secret(Name="portal", SecretString=json.dumps({"token": TOKEN}))["ARN"]
    secret = Secret(variable="PORTAL_TOKEN", arn=arn, json_key="token")
    third = replace(LOCAL.workspaces[0], name="third", secrets=(secret,))
    changed = replace(LOCAL, log_retention_days=14, workspaces=(*LOCAL.workspaces, third))

    def synthesize(outdir: Path, *, like: str | None) -> None:
        app.build([changed], outdir=str(outdir), validate=False).synth()

    monkeypatch.setattr(local_tool, "synthesize", synthesize)
    kept = starburst.connect("local", "demo")
    starburst.home.put(b"kept", "before", environment=kept)

    found = deployment.redeploy()

    assert any("[+] AWS::IAM::Role" in line and "third" in line for line in found)
    assert not [line for line in found if line.endswith("replace")]
    assert deployment.redeploy() == []
    key = f"home/demo/{kept.user}/before"
    found_again = kept.s3.get_object(Bucket=kept.document.bucket, Key=key)
    assert found_again["Body"].read() == b"kept"
    here = starburst.connect("local", "third")
    assert here.document.bucket == kept.document.bucket
    with starburst.session(environment=here, workers=1, cpu=0.25, memory=0.5) as session:
        assert session.submit(told).result() == TOKEN
        printed = [str(line) for line in session.logs()]
    assert printed == ["the token is [secret]"]
    # The definition, which many may describe, has the ARN alone; other workspaces have not even it.
    ecs = local_environment.client(local_environment.root_session(), "ecs")
    for workspace, count in (("third", 1), ("demo", 0)):
        family = f"starburst-local-{workspace}"
        described = ecs.describe_task_definition(taskDefinition=family)["taskDefinition"]
        [container] = described["containerDefinitions"]
        assert len(container.get("secrets", [])) == count
        assert TOKEN not in json.dumps(described, default=str)


def test_what_was_deployed_and_used_can_be_destroyed(
    deployment: Deployment, local_environment: LocalEnvironment
) -> None:
    """The last of its folder (``conftest.py``): what others use is gone afterwards."""
    local, said = local_environment, list[str]()
    account = replace(account_of(deployment), say=said.append)
    before = deployed(account)
    buckets = {name for stack in before for name in stack.of_type("AWS::S3::Bucket")}
    (repository,) = (name for stack in before for name in stack.of_type("AWS::ECR::Repository"))
    account.client("ecr").put_image(
        repositoryName=repository, imageManifest="{}", imageTag="release-1"
    )
    held = account.client("cloudformation")
    held.update_termination_protection(
        StackName="starburst-local-storage", EnableTerminationProtection=True
    )
    session = starburst.session(workers=2, cpu=0.25, memory=0.5)
    session.submit(pow, 2, 3)
    while len(local.worker_processes()) < 2:
        time.sleep(0.05)

    left = destroy(account, assembly=deployment.outdir)

    names = {stack["StackName"] for stack in held.describe_stacks()["Stacks"]}
    assert "CDKToolkit" in names
    assert not [name for name in names if name.startswith("starburst-local-")]
    assert not local.worker_processes()
    assert (left.stacks, left.buckets, left.log_groups) == ((), (), ())
    assert len(left.keys) == 2
    assert all("is deleted on" in line for line in left.keys)
    assert (
        buckets & {one["Name"] for one in account.client("s3").list_buckets()["Buckets"]} == set()
    )
    assert not account.client("sqs").list_queues(QueueNamePrefix="starburst-local-")["QueueUrls"]
    assert any("answers nobody any more" in line for line in said)
    assert "2 workers were running and have stopped" in said
    # A second run finds nothing to do, and says so.
    assert destroy(account, assembly=deployment.outdir).stacks == ()
