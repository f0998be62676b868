"""The templates that the wheel carries are those of the stacks, and they deploy without the CDK."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from deploy.tools.templates import carried_files
from environments import LOCAL
from stacks.settings import BrokerRole
from starburst.controller import CODE
from starburst.errors import LocalEnvironmentError, WorkspaceNotFound
from starburst.local import LocalEnvironment, deploy_templates
from starburst.local import emulator as place
from tests.local.scene import denied

if TYPE_CHECKING:
    from aws_cdk.cx_api import CloudAssembly


def test_they_are_in_step_with_the_stacks(assembly: CloudAssembly) -> None:
    folder = deploy_templates.templates_folder()
    carried = {path.name: path.read_text() for path in folder.glob("*.json")}
    fresh = carried_files(Path(assembly.directory))
    assert carried.keys() == fresh.keys(), "run `make templates`"
    for name, text in fresh.items():
        assert json.loads(carried[name]) == json.loads(text), f"{name}: run `make templates`"


def test_they_are_the_same_place_as_local() -> None:
    assert (
        LOCAL.name,
        LOCAL.account,
        LOCAL.region,
    ) == (place.ENVIRONMENT, place.ACCOUNT, place.REGION)
    broker = f"arn:aws:iam::{place.ACCOUNT}:role/{place.BROKER_ROLE}"
    assert LOCAL.identity == BrokerRole(arn=broker)
    assert set(LOCAL.without) <= place.GAPS.keys()


def test_the_controllers_zip_is_the_same_every_time() -> None:
    first = deploy_templates.controller_zip()
    assert first == deploy_templates.controller_zip()
    names = zipfile.ZipFile(BytesIO(first)).namelist()
    assert "starburst/controller/handler.py" in names
    assert "starburst/pricing/prices.json" in names
    assert {name.split("/")[1] for name in names} == set(CODE)
    assert not [name for name in names if "sealed" in name or name.endswith(".pyc")]


def test_an_analyst_can_do_their_own_and_nothing_else(deployed: LocalEnvironment) -> None:
    alice = deployed.analyst_session(user="alice", workspace="demo")
    buckets = deployed.client(deployed.platform_session(), "s3").list_buckets()["Buckets"]
    bucket = next(b["Name"] for b in buckets if "storage-data" in b["Name"])
    s3 = deployed.client(alice, "s3")
    sid = "a" * 20
    own, bobs = (f"sessions/demo/{user}/{sid}/inputs/x" for user in ("alice", "bob"))
    assert not denied(s3.put_object, Bucket=bucket, Key=own, Body=b"x")
    assert denied(s3.put_object, Bucket=bucket, Key=bobs, Body=b"x")
    assert denied(s3.get_object, Bucket=bucket, Key=own.replace("demo", "other", 1))
    assert denied(s3.put_object, Bucket=bucket, Key=own.replace("inputs", "results"), Body=b"x")
    ecs, sqs = (deployed.client(alice, service) for service in ("ecs", "sqs"))
    assert denied(ecs.run_task, cluster="x", taskDefinition="starburst-local-demo")
    assert denied(sqs.create_queue, QueueName="starburst-local-demo-x")


def test_the_platform_session_does_not_become_an_analyst(deployed: LocalEnvironment) -> None:
    sts = deployed.client(deployed.platform_session(), "sts")
    role = f"arn:aws:iam::{place.ACCOUNT}:role/starburst-local-analyst-demo"
    assert denied(sts.assume_role, RoleArn=role, RoleSessionName="me")


def test_an_unknown_workspace_is_named(deployed: LocalEnvironment) -> None:
    with pytest.raises(WorkspaceNotFound, match="it has demo, other"):
        deployed.analyst_session(user="alice", workspace="nowhere")


def test_nothing_deployed_is_said(emulator: LocalEnvironment) -> None:
    with pytest.raises(LocalEnvironmentError, match="deploy into it first"):
        emulator.analyst_session(user="alice", workspace="demo")


def test_a_failed_stack_gives_its_reason(
    emulator: LocalEnvironment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    template = {
        "Resources": {
            "Rule": {
                "Type": "AWS::EC2::SecurityGroupIngress",
                "Properties": {"GroupId": "sg-none", "IpProtocol": "tcp"},
            }
        }
    }
    (tmp_path / "index.json").write_text(json.dumps([{"stack": "bad", "template": "bad.json"}]))
    (tmp_path / "bad.json").write_text(json.dumps(template))
    monkeypatch.setattr(deploy_templates, "templates_folder", lambda: tmp_path)
    with pytest.raises(LocalEnvironmentError, match=r"Rule: .*'sg-none' does not exist"):
        deploy_templates.deploy_templates(emulator)


def test_ensure_gives_one_per_process_and_ends_with_it() -> None:
    program = (
        "from starburst.local import ensure\n"
        "local = ensure()\n"
        "assert ensure() is local\n"
        "session = local.analyst_session(user='alice', workspace='other')\n"
        "print(local.client(session, 'sts').get_caller_identity()['Arn'])\n"
        "print(local._server.folder)\n"
    )
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        # Nothing but Python: no Node, no CDK, no repository.
        env={"PATH": "/nowhere", "HOME": "/nowhere"},
        cwd="/",
    )
    arn, folder = done.stdout.split()
    assert arn.endswith(":assumed-role/starburst-local-analyst-other/alice")
    assert not Path(folder).exists()
