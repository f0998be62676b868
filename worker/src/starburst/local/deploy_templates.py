"""Deploy the stacks that this package carries, through CloudFormation, without Node or the CDK."""

from __future__ import annotations

import io
import json
import time
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

from starburst.controller import CODE, LEFT_OUT
from starburst.errors import LocalEnvironmentError

from .emulator import ACCOUNT, REGION

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient

    from .environment import LocalEnvironment

__all__ = ["CONTROLLER_KEY", "INDEX", "controller_zip", "deploy_templates", "templates_folder"]

CONTROLLER_KEY: Final = "controller.zip"
"""Where the carried templates expect the controller's code."""

INDEX: Final = "index.json"
"""Names the stacks and their templates, in the order of deployment."""

_ASSETS: Final = f"cdk-hnb659fds-assets-{ACCOUNT}-{REGION}"
_PACKAGE = Path(__file__).resolve().parent.parent
_CARRIED = (".py", ".json")
# Zip files know no time before this; a fixed one makes the zip a function of its content.
_ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)
_STACK_SECONDS = 60.0
_LOOK_SECONDS = 0.02


def templates_folder() -> Path:
    """Return the folder of the carried templates."""
    return Path(__file__).resolve().parent / "templates"


def controller_zip() -> bytes:
    """Return the controller function's code: this installation's, the same bytes every time."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(_PACKAGE.rglob("*")):
            relative = path.relative_to(_PACKAGE)
            if path.suffix in _CARRIED and _is_controllers(relative):
                entry = zipfile.ZipInfo(f"{_PACKAGE.name}/{relative.as_posix()}", _ZIP_EPOCH)
                entry.external_attr = 0o644 << 16
                entry.compress_type = zipfile.ZIP_DEFLATED
                archive.writestr(entry, path.read_bytes())
    return buffer.getvalue()


def _is_controllers(path: Path) -> bool:
    left_out = any(path.is_relative_to(name) for name in LEFT_OUT)
    return path.parts[0] in CODE and not left_out


def deploy_templates(local: LocalEnvironment) -> None:
    """Create every carried stack in an environment that has none, as the platform's role.

    Raises:
        LocalEnvironmentError: a stack failed; the message has CloudFormation's reasons.
    """
    session = local.platform_session()
    s3 = local.client(session, "s3")
    location = {"LocationConstraint": REGION}
    s3.create_bucket(Bucket=_ASSETS, CreateBucketConfiguration=location)
    s3.put_object(Bucket=_ASSETS, Key=CONTROLLER_KEY, Body=controller_zip())
    formation = local.client(session, "cloudformation")
    for entry in _index():
        template = json.loads((templates_folder() / entry["template"]).read_text())
        # CloudFormation takes a template of more than 51,200 bytes from S3 only.
        s3.put_object(Bucket=_ASSETS, Key=entry["template"], Body=json.dumps(template).encode())
        formation.create_stack(
            StackName=entry["stack"],
            TemplateURL=f"{local.endpoint}/{_ASSETS}/{entry['template']}",
            Capabilities=["CAPABILITY_NAMED_IAM"],
        )
        _wait(formation, entry["stack"])


def _index() -> list[Mapping[str, str]]:
    try:
        found: list[Mapping[str, str]] = json.loads((templates_folder() / INDEX).read_text())
    except FileNotFoundError as error:
        raise LocalEnvironmentError(
            "this installation carries no templates of the local environment: "
            "install a built wheel, or run `make templates` in the repository"
        ) from error
    return found


def _wait(formation: CloudFormationClient, stack: str) -> None:
    give_up = time.monotonic() + _STACK_SECONDS
    while time.monotonic() < give_up:
        try:
            state = formation.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"]
        except ClientError as error:
            raise LocalEnvironmentError(f"stack {stack} disappeared: {error}") from error
        if state == "CREATE_COMPLETE":
            return
        if not state.endswith("_IN_PROGRESS"):
            raise LocalEnvironmentError(f"stack {stack} is {state}: {_reasons(formation, stack)}")
        time.sleep(_LOOK_SECONDS)
    raise LocalEnvironmentError(f"stack {stack} was not created within {_STACK_SECONDS:g} s")


def _reasons(formation: CloudFormationClient, stack: str) -> str:
    events = formation.describe_stack_events(StackName=stack)["StackEvents"]
    return "; ".join(
        f"{event.get('LogicalResourceId')}: {event['ResourceStatusReason']}"
        for event in reversed(events)
        if event.get("ResourceStatus", "").endswith("FAILED") and "ResourceStatusReason" in event
    )
