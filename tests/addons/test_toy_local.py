"""The toy in the local environment: its stack is deployed, its event comes, its note is read."""

from __future__ import annotations

import json

from starburst.local import LocalEnvironment

STACK = "starburst-local-toy"


def test_its_function_does_its_work_on_its_event(addons_local: LocalEnvironment) -> None:
    root = addons_local.root_session()
    answer = addons_local.client(root, "lambda").invoke(
        FunctionName=STACK, Payload=json.dumps({"toy": "hour"}).encode()
    )
    said = json.loads(answer["Payload"].read())
    assert "FunctionError" not in answer, said
    note = addons_local.client(root, "s3").get_object(Bucket=said["bucket"], Key=said["key"])
    assert json.loads(note["Body"].read()) == {"word": "here", "event": {"toy": "hour"}}
