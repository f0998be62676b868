"""Controls of identity: who may assume which role, and what each role may do."""

from __future__ import annotations

from typing import Final

from starburst_assurance.controls.model import Area, Control

__all__ = ["IDENTITY"]

_YOURS: Final = "how-to/do-what-stays-yours.md"

IDENTITY: Final = (
    Control(
        name="no-long-lived-keys",
        title="No credential is in the code, and nothing takes one as an argument",
        area=Area.IDENTITY,
        rows=("S1", "S3", "G2", "G3"),
        tests=(
            "tests/repository/test_secrets.py::test_no_file_holds_a_credential",
            "tests/repository/test_secrets.py::test_no_public_function_takes_aws_keys",
            "tests/cli/test_doctor.py::test_keys_in_a_file_are_found",
            "tests/cli/test_doctor.py::test_keys_in_the_environment_are_found",
        ),
    ),
    Control(
        name="people-are-federated",
        title="People come from the identity provider, or with a second factor",
        area=Area.IDENTITY,
        rows=("S2", "S4", "G1", "G14", "A21"),
        cis=("1.20",),
        theorems=(
            "people_come_from_the_identity_provider",
            "logins_are_made_for_aws",
            "users_come_with_a_second_factor",
            "the_identity_center_names_people",
            "permission_sets_only_log_in",
        ),
        tests=(
            "tests/policies/test_user_names.py"
            "::test_iam_users_need_a_second_factor_and_can_only_be_themselves",
            "tests/runtime/client/test_login.py"
            "::test_it_lasts_as_long_as_was_asked_and_stays_in_its_region",
        ),
        yours=(f"{_YOURS}#ask-for-a-second-factor",),
        kinds=("AWS::IAM::Role",),
    ),
    Control(
        name="credentials-end",
        title="A person's keys and login end by one command, which gives nobody anything",
        area=Area.IDENTITY,
        rows=("A4",),
        nist=("AC-2(13)", "IA-5"),
        theorems=("disablers_give_nobody_anything", "rotators_open_nothing"),
        tests=(
            "tests/credentials/test_disable.py"
            "::test_all_of_it_ends_twice_as_well_as_once_and_comes_back",
            "tests/credentials/test_rotate.py::test_the_data_key_is_rotated_and_no_other",
        ),
        kinds=("AWS::IAM::Role",),
    ),
    Control(
        name="names-are-plain",
        title="A user name cannot reach into another's folder, and nobody is without one",
        area=Area.IDENTITY,
        rows=("P10",),
        theorems=(
            "names_are_plain_words",
            "nobody_logs_in_without_a_name",
            "no_other_tag_comes_along",
            "only_people_bring_tags",
            "nothing_without_a_name",
        ),
        tests=(
            "tests/policies/test_user_names.py::test_anything_that_could_reach_elsewhere_is_refused",
        ),
        kinds=("AWS::IAM::Role",),
    ),
    Control(
        name="least-privilege",
        title="Every role does its duty and nothing else; each wildcard is declared, with a reason",
        area=Area.IDENTITY,
        rows=("S2", "S5", "S36"),
        fsbp=("IAM.1", "IAM.21", "IAM.2"),
        cis=("1.15",),
        nag=(
            "IAMPolicyNoStatementsWithAdminAccess",
            "IAMPolicyNoStatementsWithFullAccess",
            "IAMNoInlinePolicy",
            "IAMUserNoPolicies",
            "AwsSolutions-IAM4",
            "AwsSolutions-IAM5",
        ),
        guard=("CT.IAM.PR.4",),
        rules=("undeclared-wildcard",),
        theorems=("every_role_keeps_to_its_duty", "duties_end_where_names_end"),
        tests=("tests/policies/test_every_role.py::test_every_action_exists",),
    ),
    Control(
        name="bounded-roles",
        title="Every role carries a permissions boundary that no role can change",
        area=Area.IDENTITY,
        rows=("G1",),
        nist=("AC-6",),
        rules=("unbounded-role", "unread-policy"),
        theorems=(
            "every_role_is_bounded",
            "the_boundary_is_a_ceiling",
            "the_boundary_denies_identity_changes",
            "no_role_changes_identities",
        ),
    ),
    Control(
        name="no-confused-deputy",
        title="No AWS service acts here for another account's sake",
        area=Area.IDENTITY,
        rows=("S2", "P5"),
        nist=("AC-3", "AC-6"),
        rules=("open-deputy",),
        theorems=(
            "services_act_for_us_only",
            "service_roles_are_for_us",
            "machines_roles_are_for_their_service",
        ),
        tests=("tests/policies/test_every_role.py::test_each_accepted_service_says_why",),
    ),
    Control(
        name="own-folder",
        title="A person reaches their own folders, queue and keys, whatever identity policies say",
        area=Area.IDENTITY,
        rows=("S5", "S11", "P10"),
        nist=("AC-3", "AC-6"),
        rules=("colon-in-variable",),
        theorems=(
            "own_objects_only",
            "own_objects_only_by_identity",
            "own_objects_only_whatever_identity",
            "own_names_only",
            "own_queue_only",
            "own_keys_only",
            "people_reach_what_is_theirs",
            "no_name_is_an_area",
        ),
        tests=(
            "tests/policies/test_analyst.py::test_an_analyst_cannot",
            "tests/policies/test_areas.py::test_who_is_called_like_an_area_reaches_no_other_area",
        ),
        kinds=("AWS::IAM::ManagedPolicy", "AWS::S3::BucketPolicy"),
    ),
    Control(
        name="own-workspace",
        title="Neither people nor workers touch another workspace's objects, queues or keys",
        area=Area.IDENTITY,
        rows=("S5", "S11"),
        nist=("AC-3", "AC-4"),
        theorems=(
            "people_stay_in_their_workspace",
            "workers_stay_in_their_workspace",
            "each_area_has_its_own_writers",
            "queues_stay_in_their_workspace",
            "keys_stay_in_their_workspace",
            "logs_stay_in_their_workspace",
        ),
        tests=("tests/policies/test_worker.py::test_a_worker_cannot",),
        kinds=("AWS::IAM::ManagedPolicy", "AWS::IAM::Role"),
    ),
    Control(
        name="shared-areas",
        title="Packages and data come from whom the settings name, never from workers; homes are "
        "their users' own",
        area=Area.IDENTITY,
        rows=("S5", "S11", "P10"),
        nist=("AC-3", "AC-5", "AC-6"),
        theorems=(
            "packages_come_from_whom_the_workspace_says",
            "data_come_from_whom_the_workspace_says",
            "workers_write_neither_packages_nor_data",
            "homes_are_their_users",
            "links_lead_into_homes_where_allowed",
            "stewards_can_work",
        ),
        tests=(
            "tests/policies/test_steward.py::test_a_steward_cannot",
            "tests/stacks/test_storage.py::test_workers_write_nothing_that_others_run_or_read",
        ),
        kinds=("AWS::IAM::ManagedPolicy", "AWS::S3::BucketPolicy"),
    ),
    Control(
        name="engineers-see-no-data",
        title="The platform team's own role reads no object, session key or message; logs masked",
        area=Area.IDENTITY,
        rows=("S36",),
        nist=("AC-5",),
        theorems=(
            "engineers_see_no_data",
            "engineers_denials_stand_alone",
            "engineers_become_deployers_only",
            "engineers_can_operate",
            "lost_events_are_read_through_their_queue",
        ),
        yours=(f"{_YOURS}#narrow-what-a-deployment-may-do",),
        kinds=("AWS::IAM::ManagedPolicy",),
    ),
    Control(
        name="sessions-can-be-revoked",
        title="After a role's sessions are revoked, no earlier session can do anything",
        area=Area.IDENTITY,
        rows=("S37",),
        nist=("AC-12",),
        theorems=("revoked_sessions_are_dead", "a_revoked_user_is_out_alone"),
        tests=("tests/incident/test_revoke.py::test_what_is_put_is_what_is_proved",),
        yours=(f"{_YOURS}#be-ready-for-an-incident",),
    ),
    Control(
        name="work-can-be-contained",
        title="A user's, a workspace's or all work can be stopped and cut off, and taken back",
        area=Area.IDENTITY,
        rows=("S37", "S38"),
        nist=("IR-4", "AC-12"),
        hipaa=("164.308(a)(6)(ii)",),
        theorems=(
            "contained_work_stays_stopped",
            "contained_and_held_objects_stay",
            "revokers_only_revoke",
            "responders_read_nothing",
        ),
        tests=(
            "tests/incident/test_contain.py::test_a_workspace_is_stopped_denied_and_written_down",
            "tests/incident/test_contain.py::test_twice_is_once_and_undo_leaves_no_denial",
            "tests/incident/test_isolate.py::test_workers_are_cut_off_and_the_way_back_is_exact",
        ),
        yours=(f"{_YOURS}#be-ready-for-an-incident",),
    ),
)
"""Who may assume which role, and what each role may do."""
