"""Who there is in the local account, and how one becomes them: through roles, as in AWS."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal

import boto3
import botocore.session
from botocore.credentials import RefreshableCredentials
from botocore.exceptions import ClientError
from botocore.loaders import Loader, create_loader

from starburst.contract import USER_TAG, RuntimeDocument, runtime_parameter, unserved
from starburst.errors import LocalEnvironmentError, WorkspaceNotFound

from .emulator import ACCOUNT, ADMIN_ROLE, BROKER_ROLE
from .state import State

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_ssm import SSMClient
    from mypy_boto3_sts import STSClient
    from mypy_boto3_sts.type_defs import CredentialsTypeDef

__all__ = ["Purpose", "create_users", "person_session", "platform_session", "session"]

Purpose = Literal["analyst", "steward"]
"""Whose role a person takes on in a workspace."""

_ROOT = f"arn:aws:iam::{ACCOUNT}:root"
_ANYTHING = {"Effect": "Allow", "Action": "*", "Resource": "*"}
_LOG_IN = {
    "Effect": "Allow",
    "Action": ["sts:AssumeRole", "sts:TagSession"],
    "Resource": f"arn:aws:iam::{ACCOUNT}:role/*",
}


def create_users(iam: IAMClient) -> None:
    """Create the role that deploys and the login broker, which root alone can become."""
    for name, statement in ((ADMIN_ROLE, _ANYTHING), (BROKER_ROLE, _LOG_IN)):
        trust = {
            "Effect": "Allow",
            "Principal": {"AWS": _ROOT},
            "Action": "sts:AssumeRole",
            "Condition": {"ArnEquals": {"aws:PrincipalArn": _ROOT}},
        }
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=_document(trust))
        iam.put_role_policy(RoleName=name, PolicyName="all", PolicyDocument=_document(statement))


def platform_session(sts: STSClient, state: State) -> boto3.Session:
    """Return a session of the role that deploys."""
    role = f"arn:aws:iam::{state.account}:role/{ADMIN_ROLE}"
    return _assume(sts, role, name="platform", region=state.region)


def person_session(
    sts: STSClient,
    state: State,
    *,
    client: Callable[[boto3.Session, str], Any],
    purpose: Purpose,
    user: str,
    workspace: str,
    environment: str,
) -> boto3.Session:
    """Return a session of the workspace's analyst or steward role, tagged with the user's name.

    It is renewed for as long as the process lives, as a company's single sign-on does it.
    """
    document = _runtime_document(
        client(platform_session(sts, state), "ssm"), environment=environment
    )
    if workspace not in document.workspaces:
        raise WorkspaceNotFound(
            f"the local environment has no workspace {workspace!r}; "
            f"it has {', '.join(sorted(document.workspaces))}"
        )
    role = document.workspaces[workspace].analyst_role_arn
    if purpose == "steward":
        role = document.steward_role_arn(workspace)

    def log_in() -> dict[str, str]:
        broker = _assume(
            sts,
            f"arn:aws:iam::{state.account}:role/{BROKER_ROLE}",
            name="broker",
            region=state.region,
        )
        keys = _keys(client(broker, "sts"), role, name=user, tags={USER_TAG: user})
        return {
            "access_key": keys["AccessKeyId"],
            "secret_key": keys["SecretAccessKey"],
            "token": keys["SessionToken"],
            "expiry_time": keys["Expiration"].isoformat(),
        }

    renewed: Any = botocore.session.Session()
    renewed._credentials = RefreshableCredentials.create_from_metadata(
        log_in(), refresh_using=log_in, method="starburst-local"
    )
    return _session(renewed, state.region)


def session(key: str, secret: str, *, region: str, token: str | None = None) -> boto3.Session:
    """Return a session with these keys, whatever the machine's own configuration says.

    It reads no model of AWS's that another session of this process has read from here: to unpack
    and parse them takes longer than most of what is then asked.
    """
    core = botocore.session.Session()
    core.set_credentials(key, secret, token)
    return _session(core, region)


def _session(core: botocore.session.Session, region: str) -> boto3.Session:
    models = _models(core.get_config_variable("data_path"))
    core.register_component("data_loader", models)
    made = boto3.Session(botocore_session=core, region_name=region)
    places = models.search_paths
    places[:] = dict.fromkeys(places)  # each session adds the SDK's own
    return made


@functools.cache
def _models(places: str | None) -> Loader:
    """Return what finds AWS's models; it remembers what it has read."""
    return create_loader(places)


def _runtime_document(ssm: SSMClient, *, environment: str) -> RuntimeDocument:
    name = runtime_parameter(environment)
    try:
        text = ssm.get_parameter(Name=name)["Parameter"].get("Value", "")
    except ClientError as error:
        raise LocalEnvironmentError(
            f"the local environment has no parameter {name}: deploy into it first, "
            "with starburst.local.ensure() or `python -m deploy local up`"
        ) from error
    if (refused := unserved(text)) is not None:
        raise LocalEnvironmentError(f"{name}: {refused}")
    return RuntimeDocument.from_json(text)


def _assume(sts: STSClient, role: str, *, name: str, region: str) -> boto3.Session:
    keys = _keys(sts, role, name=name, tags={})
    return session(
        keys["AccessKeyId"],
        keys["SecretAccessKey"],
        token=keys["SessionToken"],
        region=region,
    )


def _keys(sts: STSClient, role: str, *, name: str, tags: Mapping[str, str]) -> CredentialsTypeDef:
    try:
        return sts.assume_role(
            RoleArn=role,
            RoleSessionName=name,
            Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
        )["Credentials"]
    except ClientError as error:
        raise LocalEnvironmentError(f"could not become {role} as {name!r}: {error}") from error


def _document(statement: Mapping[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})
