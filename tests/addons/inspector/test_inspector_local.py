"""The gate in the local environment: a finding keeps sessions from starting, a waiver lets them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import starburst
from stacks.addons.inspector import FindingWaiver
from starburst.contract.image_gate import ImageGateDocument, image_gate_parameter
from starburst.local import LocalEnvironment
from starburst.local.emulator import STATE_VARIABLE
from tests.addons.conftest import HERE, templates_of
from tests.addons.inspector.findings import finding, told

STACK = "starburst-local-inspector"
CVE = "CVE-2026-1234"
WAIVER = FindingWaiver(
    finding=CVE,
    reason="Nothing here opens a connection by SSH.",
    expires=(datetime.now(UTC) + timedelta(days=30)).date(),
)


class Scene:
    """A deployed environment, and who works in it."""

    def __init__(self, local: LocalEnvironment, template: dict[str, Any]) -> None:
        session = local.root_session()
        self.template = template
        self._functions = local.client(session, "lambda")
        self._s3 = local.client(session, "s3")
        self._formation = local.client(session, "cloudformation")
        ecs = local.client(session, "ecs")
        defined = ecs.describe_task_definition(taskDefinition="starburst-local-demo")
        image = defined["taskDefinition"]["containerDefinitions"][0]["image"]
        name, self.digest = image.split("/", 1)[1].split("@")
        place = f"{local.region}:{local.account}"
        self.repository = f"arn:aws:ecr:{place}:repository/{name}"
        found = self._formation.describe_stack_resources(StackName=STACK)["StackResources"]
        self.made = {one["LogicalResourceId"]: one for one in found}

    def find(self, vulnerability: str, **fields: Any) -> dict[str, Any]:
        """Have the function called as a rule does for Inspector; users may send no such event."""
        said = finding(vulnerability, digest=self.digest, repository=self.repository, **fields)
        answer = self._functions.invoke(FunctionName=STACK, Payload=json.dumps(told(said)).encode())
        result = json.loads(answer["Payload"].read())
        assert "FunctionError" not in answer, result
        return result

    def waive(self, *waivers: FindingWaiver) -> None:
        """Deploy the stack with other waivers."""
        published = ImageGateDocument(
            bucket=self.bucket, waivers=tuple(one.published() for one in waivers)
        )
        template = json.loads(json.dumps(self.template))
        [document] = [
            one for one in template["Resources"].values() if one["Type"] == "AWS::SSM::Parameter"
        ]
        document["Properties"]["Value"] = published.to_json()
        for name in ("Parameters", "Rules"):
            template.pop(name, None)
        self._formation.update_stack(
            StackName=STACK,
            TemplateBody=json.dumps(template),
            Capabilities=["CAPABILITY_NAMED_IAM"],
        )
        self._formation.get_waiter("stack_update_complete").wait(
            StackName=STACK, WaiterConfig={"Delay": 1, "MaxAttempts": 60}
        )

    @property
    def bucket(self) -> str:
        return next(
            one["PhysicalResourceId"]
            for one in self.made.values()
            if one["ResourceType"] == "AWS::S3::Bucket"
        )

    def record(self) -> dict[str, Any]:
        key = f"images/{self.digest.removeprefix('sha256:')}.json"
        return json.loads(self._s3.get_object(Bucket=self.bucket, Key=key)["Body"].read())


@pytest.fixture(scope="module")
def scene(
    addons_local: LocalEnvironment, here: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Scene]:
    state = tmp_path_factory.mktemp("inspector") / "state.json"
    addons_local.write_state(state)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(STATE_VARIABLE, str(state))
        yield Scene(addons_local, templates_of(here, HERE)["local/inspector"])


def test_a_finding_refuses_a_session_and_a_waiver_accepts_it_until_its_last_day(
    scene: Scene,
) -> None:
    assert scene.find(CVE) == {"opened": 1}
    assert scene.find(CVE) == {"opened": 0}
    assert len(scene.record()["findings"]) == 1
    with pytest.raises(starburst.ImageRefused, match=rf"CRITICAL {CVE} in libssh2 1\.4\.3") as said:
        starburst.session(workers=1)
    assert scene.digest in str(said.value)
    scene.waive(WAIVER)
    with pytest.warns(UserWarning, match="has not compared its record with Inspector yet"):
        assert starburst.map(abs, [-9], workers=1) == [9]
    scene.find("CVE-2026-2", severity="HIGH")
    with pytest.raises(starburst.ImageRefused, match="HIGH CVE-2026-2"):
        starburst.session(workers=1)
    yesterday = (datetime.now(UTC) - timedelta(days=1)).date()
    scene.waive(replace(WAIVER, expires=yesterday))
    with pytest.raises(starburst.ImageRefused, match=f"its waiver expired on {yesterday}"):
        starburst.session(workers=1)


def test_all_but_inspector_itself_is_made(scene: Scene) -> None:
    kinds = Counter(one["ResourceType"] for one in scene.made.values())
    assert kinds["AWS::Events::Rule"] == 3
    assert kinds["AWS::CloudWatch::Alarm"] == 3
    assert "Custom::StarburstInspector" not in kinds
    # The account's other findings are its owner's to hear, and this environment owns nothing.
    [found] = [
        one["Properties"]["EventPattern"]
        for one in scene.template["Resources"].values()
        if "Inspector2 Finding" in json.dumps(one.get("Properties", {}).get("EventPattern", {}))
    ]
    assert "prefix" in json.dumps(found["resources"])
    parameters = {one["PhysicalResourceId"] for one in scene.made.values()}
    assert image_gate_parameter("local") in parameters
