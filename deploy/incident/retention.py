"""Denials that keep objects from being erased: who is kept, and what puts them there (S37)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from deploy.incident.command import Clients, IncidentError, Scope
from deploy.incident.revoke import Change
from starburst_constructs.naming import role_name
from starburst_constructs.policies.incident_response import LAUNCH_POLICY_PREFIX
from starburst_constructs.policies.incident_statements import WRITERS
from starburst_constructs.policies.retention import Keeping, Why

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient

__all__ = ["keep", "kept", "refuse_kept"]


def keep(about: Scope, why: Why) -> list[Change]:
    """Return the denials that keep their objects: on the roles that write in their workspaces."""
    return [
        Change(
            role=role_name(about.environment.name, purpose, workspace),
            policy=keeping.policy_name,
            document=keeping.document,
        )
        for workspace in about.workspaces
        for keeping in (
            Keeping(why=why, workspace=workspace, user=about.user, session=about.session),
        )
        for purpose in WRITERS
    ]


def kept(about: Scope, clients: Clients, where: Sequence[str]) -> list[tuple[Keeping, str]]:
    """Return what is kept below prefixes, each with the role whose policy says so."""
    iam, environment = clients("iam"), about.environment.name
    found: list[tuple[Keeping, str]] = []
    for workspace in about.workspaces:
        role = role_name(environment, "analyst", workspace)
        found += [(one, role) for name in _policies(iam, role) if (one := Keeping.parse(name))]
    role = role_name(environment, "controller")
    # An earlier release contained by this alone.
    for name in _policies(iam, role):
        prefix, _, names = name.partition("-")
        if prefix == LAUNCH_POLICY_PREFIX:
            workspace, user, session = [*names.split("-"), None, None][:3]
            keeping = Keeping(
                why="contained", workspace=workspace or "", user=user, session=session
            )
            found.append((keeping, role))
    return [
        (keeping, role)
        for keeping, role in found
        if any(keeping.concerns(prefix) for prefix in where)
    ]


def refuse_kept(about: Scope, clients: Clients, where: Sequence[str]) -> None:
    """Refuse to erase what belongs to a user who is contained or held."""
    for keeping, role in kept(about, clients, where):
        command = "contain" if keeping.why == "contained" else "hold"
        names = f" --user {keeping.user}" if keeping.user else ""
        names += f" --session {keeping.session}" if keeping.session else ""
        raise IncidentError(
            f"{keeping.prefixes[0]} is {keeping.why} (a policy of role {role} says so), so nothing "
            "was erased: it may be evidence. Ask who answers the incident; when they agree, "
            f"python -m deploy.{command} --environment {about.environment.name} "
            f"--workspace {keeping.workspace}{names} --undo --apply takes it back"
        )


def _policies(iam: IAMClient, role: str) -> list[str]:
    pages = iam.get_paginator("list_role_policies").paginate(RoleName=role)
    try:
        return [name for page in pages for name in page["PolicyNames"]]
    except iam.exceptions.NoSuchEntityException as error:
        raise IncidentError(
            f"there is no role {role} in this account, so nobody can tell who is contained; "
            "nothing was done. Check that the credentials are of the environment's account"
        ) from error
