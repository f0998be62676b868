"""Where a drill is played: the local environment, its bucket, and the officers with their roles."""

from __future__ import annotations

import argparse
import functools
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import boto3
from botocore.exceptions import ClientError

from deploy.drill.terminal import Officer, Terminal
from deploy.incident.command import Clients, IncidentError, Scope, runtime
from deploy.incident.contain import permission
from deploy.incident.events import trail_group
from environments import LOCAL
from starburst.aws.calls import code_of
from starburst.local import LocalEnvironment, roles
from starburst_constructs.policies.incident_response import restorer_document, watcher_document

__all__ = ["WORKSPACE", "Stage", "set_up", "static"]

WORKSPACE: Final = "demo"
_OWN: Final = "own"
_NO_RESOURCE: Final = ("ec2:", "logs:")
"""Of actions for which the emulator asks a policy about no resource and no tag."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """What a drill has at hand.

    Attributes:
        local: the deployed environment.
        root: clients that IAM does not bind: what is seen with them is so, whoever may see it.
        bucket: of the data.
        responder: contains, isolates and holds.
        restorer: brings objects back.
        watcher: asks for events.
        terminal: where they type.
    """

    local: LocalEnvironment
    root: Clients
    bucket: str
    responder: Officer
    restorer: Officer
    watcher: Officer
    terminal: Terminal

    def scope(self, user: str | None) -> Scope:
        """Return what a command is about that names the workspace, and a user or nobody."""
        return Scope(environment=LOCAL, workspaces=(WORKSPACE,), user=user)


@contextmanager
def set_up(local: LocalEnvironment, terminal: Terminal) -> Iterator[Stage]:
    """Give officers their roles for as long as a drill lasts.

    Args:
        local: a deployed environment.
        terminal: where the officers type.

    Raises:
        IncidentError: there is a role of such a name: another drill runs.
    """
    root = _root(local)
    about = Scope(environment=LOCAL, workspaces=(WORKSPACE,))
    document = runtime(LOCAL, root)
    everything = argparse.Namespace(isolate=True, hold=True)
    policies = {
        # The first two bear names that LOCAL lets to data; nobody else's may touch an object (A7).
        "holder": permission(everything, about, root),
        "restorer": restorer_document(
            LOCAL.name,
            about.prefixes,
            bucket=document.bucket,
            key_arn=document.key_arn,
            placement=about.placement,
        ),
        "watcher": watcher_document(
            LOCAL.name,
            about.workspaces,
            trail_log_group=trail_group(about, root),
            placement=about.placement,
        ),
    }
    made: dict[str, Officer] = {}
    try:
        for role, policy in policies.items():
            made[role] = _officer(local, root, role, _for_the_emulator(policy))
        yield Stage(
            local=local,
            root=root,
            bucket=document.bucket,
            responder=made["holder"],
            restorer=made["restorer"],
            watcher=made["watcher"],
            terminal=terminal,
        )
    finally:
        iam = root("iam")
        for role in made:
            iam.delete_role_policy(RoleName=role, PolicyName=_OWN)
            iam.delete_role(RoleName=role)


def _for_the_emulator(policy: Mapping[str, Any]) -> dict[str, Any]:
    """Return a policy whose rights are on all that EC2 has, and all logs: no resource is told."""
    statements = [
        {**each, "Resource": ["*"], "Condition": {}}
        if all(action.startswith(_NO_RESOURCE) for action in each["Action"])
        else each
        for each in policy["Statement"]
    ]
    return {**policy, "Statement": statements}


def static(keys: Mapping[str, str], region: str) -> boto3.Session:
    """Return a session of keys as a thief has them: nobody renews it.

    Args:
        keys: by the names of the variables that hold them.
        region: of the calls.
    """
    return roles.session(
        keys["AWS_ACCESS_KEY_ID"],
        keys["AWS_SECRET_ACCESS_KEY"],
        region=region,
        token=keys["AWS_SESSION_TOKEN"],
    )


def _root(local: LocalEnvironment) -> Clients:
    session = local.root_session()
    return functools.cache(lambda service: local.client(session, service))


def _officer(
    local: LocalEnvironment, root: Clients, role: str, policy: Mapping[str, Any]
) -> Officer:
    trust = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{local.account}:root"},
        "Action": "sts:AssumeRole",
    }
    iam = root("iam")
    try:
        arn = iam.create_role(
            RoleName=role,
            AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": trust}),
        )["Role"]["Arn"]
    except ClientError as error:
        if code_of(error) != "EntityAlreadyExists":
            raise
        raise IncidentError(
            f"there is a role {role} already: another drill runs in this environment, or was "
            "killed. Wait for its end, or start the environment anew"
        ) from error
    iam.put_role_policy(RoleName=role, PolicyName=_OWN, PolicyDocument=json.dumps(policy))
    given = root("sts").assume_role(RoleArn=arn, RoleSessionName="drill")["Credentials"]
    keys = {
        "AWS_ACCESS_KEY_ID": given["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": given["SecretAccessKey"],
        "AWS_SESSION_TOKEN": given["SessionToken"],
    }
    session = static(keys, local.region)
    return Officer(
        role=role,
        session=session,
        clients=functools.cache(lambda service: local.client(session, service)),
    )
