"""In FIPS mode every call goes to a FIPS host, and every host that is called can be reached."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import botocore.session
import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import BotoCoreError, ClientError

import app
from environments import DEV
from stacks.settings import Network
from stacks.settings.zones import FIPS_REGIONS
from starburst._client.access.connection import connect
from starburst.aws.calls import client_config

CALLS: dict[str, Callable[[Any], object]] = {
    "ecs": lambda ecs: ecs.list_tasks(cluster="c"),
    "kms": lambda kms: kms.decrypt(CiphertextBlob=b"a"),
    "lambda": lambda functions: functions.invoke(FunctionName="f"),
    "s3": lambda s3: s3.get_object(Bucket="b-1", Key="k"),
    "sqs": lambda sqs: sqs.receive_message(QueueUrl="https://sqs.us-west-2.amazonaws.com/1/q"),
    "ssm": lambda ssm: ssm.get_parameter(Name="p"),
    "sts": lambda sts: sts.get_caller_identity(),
}
OF_WORKERS = ("kms", "s3", "sqs")
OF_THE_CONTROLLER = ("ecs", "s3", "sqs", "ssm")
Body = dict[str, Any]


@pytest.fixture(scope="module", params=["always", "while_bursting"])
def resources(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> list[Body]:
    """All resources of an environment in FIPS mode."""
    outdir = tmp_path_factory.mktemp("fips")
    environment = replace(
        DEV,
        name="fips",
        region="us-west-2",
        allowed_regions=("us-west-2",),
        network=Network(endpoints=request.param),
        fips=True,
    )
    app.build([environment], outdir=str(outdir), validate=False).synth()
    files = Path(outdir, "assembly-fips").glob("*.template.json")
    templates = [json.loads(file.read_text()) for file in files]
    return [body for template in templates for body in template["Resources"].values()]


def of_kind(resources: list[Body], kind: str) -> Iterator[Body]:
    return (body["Properties"] for body in resources if body["Type"] == kind)


def call(aws: boto3.session.Session, service: str) -> str:
    """Return the host that a call goes to; nothing leaves the process."""
    hosts: list[str] = []

    def refuse(request: AWSPreparedRequest, **_: object) -> AWSResponse:
        hosts.append(str(urlsplit(request.url).hostname))
        return AWSResponse(request.url, 400, HTTPHeaders(), None)

    make: Any = aws.client  # boto3 overloads it by literals
    client = make(service, config=client_config())
    client.meta.events.register("before-send", refuse)
    with pytest.raises((BotoCoreError, ClientError, AttributeError)):
        CALLS[service](client)
    return hosts[0].removeprefix("b-1.")


def session(monkeypatch: pytest.MonkeyPatch, variables: Mapping[str, Any]) -> boto3.session.Session:
    for name, value in variables.items():
        if name.startswith("AWS_"):
            monkeypatch.setenv(name, value)
    return boto3.session.Session("a", "b", region_name="us-west-2")


def reachable(resources: list[Body]) -> set[str]:
    """Return the names that the VPC's endpoints answer to."""
    found = set()
    for endpoint in of_kind(resources, "AWS::EC2::VPCEndpoint"):
        service = endpoint["ServiceName"]
        if endpoint["VpcEndpointType"] == "Interface":
            assert endpoint["PrivateDnsEnabled"] is True
            found.add(f"{service.removeprefix('com.amazonaws.us-west-2.')}.us-west-2.amazonaws.com")
    # The gateway takes what goes to S3's addresses, whatever they were called by.
    return found | {"s3-fips.us-west-2.amazonaws.com"}


def test_workers_call_fips_hosts_that_the_vpc_has(
    resources: list[Body], monkeypatch: pytest.MonkeyPatch
) -> None:
    [task] = of_kind(resources, "AWS::ECS::TaskDefinition")
    [container] = task["ContainerDefinitions"]
    aws = session(monkeypatch, {one["Name"]: one["Value"] for one in container["Environment"]})
    hosts = {call(aws, service) for service in OF_WORKERS}
    assert hosts == {f"{service}-fips.us-west-2.amazonaws.com" for service in OF_WORKERS}
    assert hosts <= reachable(resources)


def test_the_controller_calls_hosts_that_it_can_reach(
    resources: list[Body], monkeypatch: pytest.MonkeyPatch
) -> None:
    [function] = of_kind(resources, "AWS::Lambda::Function")
    aws = session(monkeypatch, function["Environment"]["Variables"])
    hosts = {service: call(aws, service) for service in OF_THE_CONTROLLER}
    plain = {name for name, host in hosts.items() if "-fips." not in host}
    if "VpcConfig" in function:
        # AWS sells no endpoint with ECS's FIPS name: what goes there is names, never data.
        assert plain == {"ecs"}
        assert set(hosts.values()) <= reachable(resources)
    else:
        assert plain == set()


def test_clients_learn_it_from_the_runtime_document(
    resources: list[Body], monkeypatch: pytest.MonkeyPatch
) -> None:
    parameters = {one["Name"]: one for one in of_kind(resources, "AWS::SSM::Parameter")}
    whole = parameters["/starburst/fips/runtime"]["Value"]["Fn::Join"][1]
    document = "".join(part if isinstance(part, str) else "token" for part in whole)
    hosts: list[str] = []

    class Words:
        def __init__(self, text: str) -> None:
            self.text = text

        def stream(self, *_: object, **__: object) -> Iterator[bytes]:
            yield self.text.encode()

    def answer(request: AWSPreparedRequest, **_: object) -> AWSResponse:
        host = str(urlsplit(request.url).hostname)
        hosts.append(host)
        if host.startswith("ssm"):
            body = json.dumps({"Parameter": {"Value": document}})
        elif host.startswith("sts"):
            arn = "arn:aws:sts::444455556666:assumed-role/a/alice"
            body = (
                "<GetCallerIdentityResponse><GetCallerIdentityResult>"
                f"<Arn>{arn}</Arn></GetCallerIdentityResult></GetCallerIdentityResponse>"
            )
        else:
            return AWSResponse(request.url, 400, HTTPHeaders(), Words("{}"))
        return AWSResponse(request.url, 200, HTTPHeaders(), Words(body))

    aws = session(monkeypatch, {})
    register: Any = aws.events.register
    register("before-send", answer)
    connection = connect("fips", aws=aws)
    for name, client in (
        ("kms", connection.kms),
        ("lambda", connection.functions),
        ("s3", connection.s3),
        ("sqs", connection.sqs),
    ):
        with pytest.raises(ClientError):
            CALLS[name](client)
    first, *others = dict.fromkeys(host.removeprefix("b-1.") for host in hosts)
    assert first == "ssm.us-west-2.amazonaws.com"
    called = ("sts", "kms", "lambda", "s3", "sqs")
    assert others == [f"{name}-fips.us-west-2.amazonaws.com" for name in called]
    # The one call before is the person's own to move.
    hosts.clear()
    monkeypatch.setenv("AWS_USE_FIPS_ENDPOINT", "true")
    connect("fips", aws=aws)
    assert hosts[0] == "ssm-fips.us-west-2.amazonaws.com"


def test_the_regions_are_those_of_which_aws_says_so() -> None:
    [partition] = [
        one
        for one in botocore.session.get_session().get_data("endpoints")["partitions"]
        if one["partition"] == "aws"
    ]
    found: list[set[str]] = []
    for service in CALLS:
        endpoints = partition["services"][service]["endpoints"]
        found.append(
            {
                region
                for region, endpoint in endpoints.items()
                if any("fips" in one["tags"] for one in endpoint.get("variants", ()))
            }
        )
    assert set.intersection(*found) == set(FIPS_REGIONS)
