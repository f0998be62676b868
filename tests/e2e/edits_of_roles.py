"""Edits by hand of who may do what: roles, users, groups, and who vouches for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tests.e2e.edit import Edit, at
from tests.e2e.hands import (
    ACCOUNT,
    ANALYST,
    CONTROLLER,
    LAUNCH,
    MANAGED,
    OTHER,
    PLATFORM,
    STEWARD,
    STRANGER,
    WORKER,
    add,
    allow,
    attached,
    bounded,
    detached,
    first,
    inline,
    longer,
    new_group,
    new_openid,
    new_role,
    new_saml,
    new_user,
    rewritten,
    tagged,
    trusted,
    untagged,
)

__all__ = ["ROLES"]

iam, beside = at("iam"), at("iam", outside=True)
ADMIN: Final = f"{MANAGED}/AdministratorAccess"

ROLES: Final[Mapping[str, Edit]] = {
    "an administrator's policy for analysts": iam(
        attached(ANALYST, ADMIN),
        ANALYST,
        "AdministratorAccess",
        "no template gives it",
        refutes="data_come_from_whom_the_workspace_says",
    ),
    "reading everything for who launches": iam(
        attached(LAUNCH, f"{MANAGED}/ReadOnlyAccess"),
        LAUNCH,
        "ReadOnlyAccess",
        refutes="logs_stay_in_their_workspace",
    ),
    "another workspace's policy for analysts": iam(
        attached(ANALYST, "access/AnalystotherAreas"),
        ANALYST,
        "AnalystotherAreas",
        refutes="analysts_can_work",
    ),
    "workers may write anywhere": iam(
        inline(WORKER, allow("s3:PutObject", "arn:aws:s3:::*")),
        WORKER,
        "inline policy Quick",
        refutes="workers_write_neither_packages_nor_data",
    ),
    "analysts may write access lists": iam(
        inline(ANALYST, allow("s3:PutObjectAcl", "arn:aws:s3:::*")),
        "s3:PutObjectAcl",
        refutes="duties_end_where_names_end",
    ),
    "engineers hand on any role": iam(
        inline(PLATFORM, allow("iam:PassRole")),
        PLATFORM,
        "iam:PassRole",
        refutes="cloudformation_gets_the_endpoint_role_only",
    ),
    "the controller runs any task": iam(
        inline(CONTROLLER, allow("ecs:RunTask")),
        CONTROLLER,
        "ecs:RunTask",
        refutes="only_run_task",
    ),
    "stewards call the controller": iam(
        inline(STEWARD, allow("lambda:InvokeFunction")),
        STEWARD,
        "lambda:InvokeFunction",
        refutes="each_asks_by_their_own_door",
    ),
    "engineers read data": iam(
        inline(PLATFORM, allow(["s3:GetObject", "kms:Decrypt"])),
        PLATFORM,
        "s3:GetObject",
        refutes="lost_events_are_read_through_their_queue",
    ),
    "a denial that a role never had": iam(
        inline(CONTROLLER, {**allow("sqs:CreateQueue"), "Effect": "Deny"}),
        CONTROLLER,
        "denies sqs:CreateQueue",
        refutes="the_controller_can_work",
    ),
    "the controller without a policy": iam(
        detached(CONTROLLER, "access/ControllerFleet"),
        CONTROLLER,
        "lacks the policy",
        refutes="the_controllers_denials_stand_alone",
    ),
    "workers without a policy": iam(
        detached(WORKER, "access/WorkerdemoAreas"),
        WORKER,
        "lacks the policy",
        refutes="workers_can_work",
    ),
    "the controller without a boundary": iam(
        bounded(CONTROLLER, None),
        CONTROLLER,
        "boundary is gone",
        refutes="no_role_changes_identities",
    ),
    "workers with another boundary": iam(
        bounded(WORKER, ADMIN),
        WORKER,
        "boundary is",
        "AdministratorAccess",
        refutes="no_role_changes_identities",
    ),
    "the boundary itself opened": iam(
        rewritten("foundation/Boundary", add(allow("*"))),
        "managed policy starburst-local-boundary",
        "no template has: allows *",
        refutes="no_role_changes_identities",
    ),
    "a denial of the boundary dropped": iam(
        rewritten(
            "foundation/Boundary",
            lambda policy: policy["Statement"].remove(
                next(one for one in policy["Statement"] if one["Effect"] == "Deny")
            ),
        ),
        "starburst-local-boundary",
        "lacks the statement",
        refutes="the_boundary_denies_identity_changes",
    ),
    "another default version of a policy": iam(
        rewritten("access/AnalystdemoAnalysis", add(allow("s3:*"))),
        "AnalystdemoAnalysis",
        "allows s3:*",
        "(version v",
        refutes="data_come_from_whom_the_workspace_says",
    ),
    "an action more in a policy": iam(
        rewritten("access/WorkerdemoWork", first("Allow", Resource="*")),
        "WorkerdemoWork",
        "resources have gained *",
        refutes="workers_read_what_is_named",
    ),
    "anybody of the account becomes an analyst": iam(
        trusted(
            ANALYST,
            add(
                {
                    "Effect": "Allow",
                    "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
                    "Action": "sts:AssumeRole",
                }
            ),
        ),
        f"who may take role {ANALYST}",
        f"to arn:aws:iam::{ACCOUNT}:root",
        refutes="nobody_logs_in_without_a_name",
    ),
    "a stranger becomes a worker": iam(
        trusted(WORKER, first("Allow", Principal={"AWS": STRANGER})),
        f"who may take role {WORKER}",
        "principals have gained arn:aws:iam::999988887777:root",
        refutes="everybody_can_log_in",
    ),
    "the conditions in the trust of an analyst dropped": iam(
        trusted(ANALYST, first("Allow", Condition={})),
        f"who may take role {ANALYST}",
        "conditions have lost",
        refutes="nobody_logs_in_without_a_name",
    ),
    "the trust of an analyst emptied": iam(
        trusted(OTHER, lambda policy: policy["Statement"].pop()),
        f"take role {OTHER}",
        refutes="everybody_can_log_in",
    ),
    "any service becomes the controller": iam(
        trusted(CONTROLLER, first("Allow", Principal={"Service": "ec2.amazonaws.com"})),
        f"who may take role {CONTROLLER}",
        "gained ec2.amazonaws.com",
        refutes="machines_roles_are_for_their_service",
    ),
    "an analyst in another workspace": iam(
        tagged(ANALYST, "starburst-workspace", "other", was="demo"),
        ANALYST,
        "tag starburst-workspace is other, and should be demo",
        refutes="data_come_from_whom_the_workspace_says",
    ),
    "a name for a whole role": iam(
        tagged(ANALYST, "userName", "alice", was=None),
        "tag userName is alice",
        refutes="nothing_without_a_name",
    ),
    "a role without its purpose": iam(
        untagged(STEWARD, "starburst:role", was="steward"),
        "tag starburst:role is gone",
        refutes="everybody_can_log_in",
    ),
    "longer sessions": iam(
        longer(ANALYST, 43200, was=28800), ANALYST, "43200 seconds, and should 28800"
    ),
    "a role that looks like the kit's": iam(
        new_role("helper", like=ANALYST, statements=[allow("s3:*")]),
        "role helper",
        "has the tags of this environment's roles",
    ),
    "a role by the kit's name": iam(
        new_role("starburst-local-analyst-helper", like=None, statements=[allow("ecr:*")]),
        "role starburst-local-analyst-helper",
        "has a name of this environment's roles",
    ),
    "a role of a stranger's": beside(
        new_role("contractor", like=None, statements=[allow("*")]),
        "role/contractor could",
        "change who may use",
        "change what is allowed to role",
    ),
    "a user with a key": beside(
        new_user,
        "User arn:aws:iam::111122223333:user/eve could",
        "read messages of",
    ),
    "a user in an administrators' group": beside(new_group, "user/eve could", "change the code of"),
    "another identity provider's metadata": beside(new_saml, "saml-provider/company", "SHA-256"),
    "another address that vouches": beside(
        new_openid, "oidc-provider/token.example.com", "anybody"
    ),
}
"""By what each comes to."""
