"""The toy in the local environment: its stack deploys, its event arrives, its note can be read."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import replace
from pathlib import Path

import app
from environments import LOCAL
from starburst.local import LocalEnvironment
from tests.addons.toy.addon import Toy

STACK = "starburst-local-toy"
SOURCE = Path(__file__).with_name("toy") / "source"


def test_its_function_does_its_work_on_its_event(
    deployed: LocalEnvironment, tmp_path: Path
) -> None:
    app.build(
        [replace(LOCAL, addons=(Toy(word="here"),))], outdir=str(tmp_path), validate=False
    ).synth()
    stage = tmp_path / "assembly-local"
    [assets] = stage.glob("*toy*.assets.json")
    [code] = [
        each
        for each in json.loads(assets.read_text())["files"].values()
        if each["source"]["packaging"] == "zip"
    ]
    [place] = code["destinations"].values()
    session = deployed.platform_session()
    s3 = deployed.client(session, "s3")
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w") as archive:
        for file in sorted((stage / code["source"]["path"]).rglob("*.py")):
            archive.write(file, file.relative_to(stage / code["source"]["path"]).as_posix())
    bucket = place["bucketName"].replace("${AWS::AccountId}", deployed.account)
    bucket = bucket.replace("${AWS::Region}", deployed.region)
    s3.put_object(Bucket=bucket, Key=place["objectKey"], Body=zipped.getvalue())
    [file] = stage.glob("*toy*.template.json")
    template = json.loads(file.read_text())
    template.pop("Rules", None)
    template.pop("Parameters", None)
    formation = deployed.client(session, "cloudformation")
    formation.create_stack(
        StackName=STACK,
        TemplateBody=json.dumps(template),
        Capabilities=["CAPABILITY_NAMED_IAM"],
    )
    try:
        formation.get_waiter("stack_create_complete").wait(
            StackName=STACK, WaiterConfig={"Delay": 1, "MaxAttempts": 60}
        )
        root = deployed.root_session()
        answer = deployed.client(root, "lambda").invoke(
            FunctionName=STACK, Payload=json.dumps({"toy": "hour"}).encode()
        )
        said = json.loads(answer["Payload"].read())
        assert "FunctionError" not in answer, said
        note = deployed.client(root, "s3").get_object(Bucket=said["bucket"], Key=said["key"])
        assert json.loads(note["Body"].read()) == {"word": "here", "event": {"toy": "hour"}}
    finally:
        s3.delete_object(Bucket=bucket, Key=place["objectKey"])
        formation.delete_stack(StackName=STACK)
