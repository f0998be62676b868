"""Controls of the record and of cost: what is written down, who hears of it, and what ends."""

from __future__ import annotations

from typing import Final

from starburst_assurance.controls.model import Area, Control

__all__ = ["COST", "RECORD"]

_YOURS: Final = "how-to/do-what-stays-yours.md"

RECORD: Final = (
    Control(
        name="trail",
        title="A validated, encrypted trail of all Regions records every call",
        area=Area.RECORD,
        rows=("S24", "S36"),
        fsbp=("CloudTrail.1", "CloudTrail.2", "CloudTrail.4", "CloudTrail.5"),
        cis=("3.1", "3.2", "3.5"),
        nag=(
            "CloudTrailEncryptionEnabled",
            "CloudTrailLogFileValidationEnabled",
            "CloudTrailCloudWatchLogsEnabled",
        ),
        guard=("CT.CLOUDTRAIL.PR.1", "CT.CLOUDTRAIL.PR.2", "CT.CLOUDTRAIL.PR.3"),
        theorems=("no_role_weakens_the_record", "incident_records_are_written_once"),
        tests=(
            "tests/monitoring/test_trail.py::test_the_trail_covers_every_region_and_can_be_validated",
        ),
        kinds=("AWS::CloudTrail::Trail",),
    ),
    Control(
        name="data-events",
        title="Every read and write of an object in the data bucket is recorded",
        area=Area.RECORD,
        rows=("S24", "G12"),
        fsbp=("S3.22", "S3.23"),
        cis=("3.8", "3.9"),
        tests=("tests/monitoring/test_trail.py::test_every_read_and_write_of_data_is_recorded",),
        kinds=("AWS::CloudTrail::Trail",),
    ),
    Control(
        name="access-logs",
        title="Buckets log their accesses, the trail's bucket too",
        area=Area.RECORD,
        rows=("S26",),
        fsbp=("S3.9", "CloudTrail.7"),
        cis=("3.4",),
        nag=("S3BucketLoggingEnabled", "AwsSolutions-S1"),
        guard=("CT.S3.PR.2",),
    ),
    Control(
        name="logs-are-kept",
        title="Log groups are encrypted, and kept for as long as the environment says",
        area=Area.RECORD,
        rows=("S25",),
        fsbp=("CloudWatch.16", "ECS.9"),
        nag=(
            "CloudWatchLogGroupEncrypted",
            "CloudWatchLogGroupRetentionPeriod",
            "AwsSolutions-ECS7",
        ),
        guard=("CT.CLOUDWATCH.PR.2", "CT.CLOUDWATCH.PR.3", "CT.ECS.PR.5"),
        rules=("endless-log",),
        tests=(
            "tests/stacks/test_stage.py::test_every_log_group_is_encrypted_and_expires",
            "tests/settings/test_environments.py"
            "::test_logs_are_kept_for_days_that_cloudwatch_accepts_and_no_others",
        ),
    ),
    Control(
        name="logs-are-masked",
        title="Personal data and keys are masked in workers' logs",
        area=Area.RECORD,
        rows=("S25",),
        nist=("SI-19",),
        hipaa=("164.312(b)",),
        rules=("unmasked-log",),
    ),
    Control(
        name="alarms",
        title="An alarm tells when the controller fails, is throttled or loses events",
        area=Area.RECORD,
        rows=("S27",),
        nag=("CloudWatchAlarmAction",),
        guard=("CT.CLOUDWATCH.PR.1", "CT.CLOUDWATCH.PR.4"),
        tests=(
            "tests/compute/test_controller.py::test_every_alarm_is_heard",
            "tests/compute/test_controller.py::test_alerts_reach_people",
        ),
    ),
    Control(
        name="silence",
        title="Silence is a breach: an alarm tells of five minutes without a sweep, and each alarm "
        "was tried",
        area=Area.RECORD,
        rows=("S22", "S27"),
        nist=("AU-5", "SI-4"),
        tests=(
            "tests/monitoring/alarms/test_every_alarm.py"
            "::test_each_rings_at_what_it_is_for_and_at_nothing_else",
            "tests/monitoring/alarms/test_every_alarm.py::test_each_mistake_in_an_alarm_is_found",
            "tests/monitoring/alarms/test_every_alarm.py"
            "::test_each_has_a_stretch_in_which_it_must_ring",
            "tests/monitoring/alarms/test_runbook.py::test_each_alarm_has_its_place_in_the_runbook",
            "tests/controller/test_sweep_line.py::test_a_sweep_says_so_once_whatever_it_found",
        ),
        yours=("how-to/answer-an-alarm.md#what-is-proved-and-what-you-try-once",),
        kinds=("AWS::Logs::MetricFilter",),
    ),
    Control(
        name="trespasses",
        title="An alarm tells when workers start or change past the controller, or root is used",
        area=Area.RECORD,
        rows=("S12", "P18"),
        nist=("AU-6", "SI-4"),
        tests=(
            "tests/monitoring/test_controller_bypass.py::test_a_trespass_is_told",
            "tests/monitoring/test_controller_bypass.py"
            "::test_every_environment_with_a_trail_has_the_filters_and_the_alarm",
        ),
        kinds=("AWS::Logs::MetricFilter",),
    ),
    Control(
        name="weakenings",
        title="An alarm tells when the keys, trail, buckets or logs of the record are touched",
        area=Area.RECORD,
        rows=("S24",),
        nist=("AU-9", "SI-4"),
        tests=(
            "tests/monitoring/test_evidence_changes.py::test_who_weakens_the_record_is_told",
            "tests/monitoring/test_evidence_changes.py::test_every_environment_has_the_filters_and_one_alarm",
        ),
        kinds=("AWS::Logs::MetricFilter",),
    ),
    Control(
        name="openings",
        title="An alarm tells when network, roles or stacks change, by hand or by a deployment",
        area=Area.RECORD,
        rows=("A13", "S38"),
        nist=("AU-6", "CM-3", "SI-4"),
        tests=(
            "tests/monitoring/noticed/test_traces.py"
            "::test_an_attack_rings_what_it_must_and_nothing_else",
            "tests/monitoring/noticed/test_traces.py::test_a_clean_day_rings_nothing",
            "tests/monitoring/noticed/test_weakened.py"
            "::test_a_filter_that_lost_a_condition_or_all_of_them_is_noticed",
        ),
        kinds=("AWS::Logs::MetricFilter",),
        yours=("how-to/answer-an-alarm.md#deployments",),
    ),
    Control(
        name="reads-are-noticed",
        title="An alarm tells of strangers who touch data, of people elsewhere, of large downloads",
        area=Area.RECORD,
        rows=("A12", "G12"),
        nist=("AC-4", "AU-6", "SI-4"),
        tests=(
            "tests/monitoring/noticed/test_traces.py"
            "::test_an_attack_rings_what_it_must_and_nothing_else",
            "tests/monitoring/noticed/test_forwarding.py"
            "::test_the_blocks_outside_some_networks_are_all_others",
        ),
        kinds=("AWS::CloudWatch::InsightRule",),
    ),
    Control(
        name="failed-logins",
        title="An alarm tells of failed logins of all kinds, and of requests refused in a row",
        area=Area.RECORD,
        rows=("A6", "S27"),
        nist=("AC-7", "AU-6"),
        tests=(
            "tests/monitoring/noticed/test_traces.py"
            "::test_an_attack_rings_what_it_must_and_nothing_else",
            "tests/monitoring/noticed/test_traces.py"
            "::test_a_storm_of_refusals_rings_and_some_do_not",
        ),
        kinds=("AWS::Logs::MetricFilter",),
    ),
    Control(
        name="security-contact",
        title="Alarms of theft and change reach a contact of their own, and none is lost",
        area=Area.RECORD,
        rows=("A5",),
        nist=("IR-6",),
        tests=(
            "tests/compute/test_controller.py"
            "::test_security_hears_what_is_theirs_and_no_alarm_is_lost",
            "tests/monitoring/alarms/test_runbook.py::test_each_alarm_has_its_place_in_the_runbook",
        ),
        kinds=("AWS::SNS::Topic",),
    ),
    Control(
        name="tampering",
        title="An alarm tells when a worker or the controller refuses what failed verification",
        area=Area.RECORD,
        rows=("S27",),
        nist=("AU-6", "SI-7"),
        tests=(
            "tests/attacks/test_tampering.py"
            "::test_what_a_worker_refuses_rings_and_its_ordinary_work_does_not",
            "tests/monitoring/test_tampering.py::test_every_log_is_watched_and_the_alarm_is_heard",
        ),
    ),
    Control(
        name="saved-queries",
        title="An investigation starts with saved queries over trail and workers' logs",
        area=Area.RECORD,
        rows=("A3", "S27", "S37"),
        nist=("AU-6",),
        tests=(
            "tests/monitoring/test_trail.py::test_an_investigation_starts_with_saved_queries",
            "tests/incident/test_events.py::test_every_saved_query_is_asked_and_waited_for",
            "tests/incident/test_actor.py::test_four_questions_are_asked_of_one_actor",
            "tests/incident/test_access_logs.py::test_what_was_downloaded_by_whom_and_from_where",
        ),
        kinds=("AWS::Logs::QueryDefinition",),
    ),
    Control(
        name="account-alarms",
        title="Alarms on changes in the account at large: the security team's, over its own trail",
        area=Area.RECORD,
        rows=("S27",),
        cis=tuple(f"4.{number}" for number in range(1, 17)),
        yours=(f"{_YOURS}#watch-the-account",),
    ),
)
"""What is written down, and who hears of it."""

COST: Final = (
    Control(
        name="budgets",
        title="Each workspace has a budget that tells people at 50, 80 and 100 %, and counts",
        area=Area.COST,
        rows=("S19",),
        tests=(
            "tests/monitoring/test_budgets.py::test_each_workspace_has_its_budget",
            "tests/cli/test_doctor.py::test_a_budget_that_counts_nothing_is_told",
        ),
        yours=(f"{_YOURS}#have-budgets-count",),
        kinds=("AWS::Budgets::Budget",),
    ),
    Control(
        name="budgets-freeze",
        title="A spent budget lets no new session start, where the environment says so",
        area=Area.COST,
        rows=("A1", "S19"),
        theorems=("services_do_their_job", "services_can_deliver"),
        tests=(
            "tests/monitoring/test_budgets.py"
            "::test_a_spent_budget_freezes_where_the_environment_says_so",
            "tests/proofs/test_doors.py::test_only_our_budgets_freeze_and_only_by_their_topic",
            "tests/controller/totals/test_officers.py"
            "::test_a_budget_that_is_spent_freezes_its_workspace_until_the_month_ends",
        ),
    ),
    Control(
        name="worker-cap",
        title="One session has at most 500 workers, and no more than its workspace's limits",
        area=Area.COST,
        rows=("S20",),
        nist=("SC-6",),
        tests=(
            "tests/controller/test_limits.py"
            "::test_500_workers_hold_even_where_the_document_allows_more",
            "tests/controller/test_limits.py::test_each_limit_refuses_by_itself",
        ),
    ),
    Control(
        name="totals",
        title="All sessions of a person, a workspace, an environment stay within totals",
        area=Area.COST,
        rows=("A1", "S20"),
        nist=("SC-6",),
        tests=(
            "tests/settings/test_totals.py"
            "::test_totals_that_cannot_be_meant_are_refused_in_one_sentence",
            "tests/settings/test_totals.py"
            "::test_what_follows_lets_any_session_within_its_limits_start",
            "tests/compute/test_runtime_document.py::test_a_client_can_read_what_is_published",
            "tests/controller/totals/test_start.py::test_each_total_of_each_scope_is_held",
            "tests/controller/totals/test_fifty_at_once.py"
            "::test_no_total_is_exceeded_at_any_moment",
            "tests/controller/totals/test_interleavings.py::test_no_total_is_exceeded",
        ),
        yours=(f"{_YOURS}#cap-the-account",),
    ),
    Control(
        name="officers-freeze",
        title="Officers alone freeze and thaw new sessions, by a door of their own",
        area=Area.COST,
        rows=("A1",),
        theorems=("each_asks_by_their_own_door", "officers_freeze_and_nothing_else"),
        tests=(
            "tests/spending/test_freeze.py::test_a_workspace_is_frozen_told_recorded_and_thawed",
            "tests/proofs/test_doors.py::test_an_officer_who_may_invoke_anything_else_is_noticed",
            "tests/controller/totals/test_officers.py::test_only_officers_freeze",
            "tests/e2e/test_officers.py::test_an_officer_freezes_and_thaws_and_nobody_else_does",
        ),
    ),
    Control(
        name="officers-oversee",
        title="Officers see and stop all sessions, and nothing that is in them",
        area=Area.COST,
        rows=("A2", "S21", "S37"),
        theorems=("each_asks_by_their_own_door", "officers_freeze_and_nothing_else"),
        tests=(
            "tests/controller/totals/test_overseeing.py"
            "::test_what_is_told_is_nothing_that_an_analyst_wrote",
            "tests/controller/totals/test_overseeing.py"
            "::test_only_officers_see_and_stop_sessions_of_others",
            "tests/admin/test_report.py::test_each_analyst_is_a_row_with_hours_and_cost",
        ),
    ),
    Control(
        name="audited",
        title="What is deployed is held against its code, and who looks reads no data",
        area=Area.RECORD,
        rows=("A2", "A10", "A27"),
        theorems=("responders_read_nothing",),
        tests=(
            "tests/audit/test_findings_of_access.py::test_what_is_spoiled_is_found_alone",
            "tests/audit/test_findings_of_upkeep.py::test_what_is_spoiled_is_found_alone",
            "tests/audit/test_findings_in_an_existing_vpc.py::test_what_is_open_there_is_found_alone",
            "tests/audit/test_clean.py::test_an_environment_as_its_code_has_it_has_no_finding",
            "tests/audit/test_command.py::test_a_call_that_is_denied_is_told_and_never_passed_over",
            "tests/admin/test_ages.py::test_each_kind_is_told_and_due_from_its_own_day_on",
            "tests/controller/test_sweep_line.py"
            "::test_sweeps_of_a_months_first_day_are_counted_apart",
        ),
    ),
    Control(
        name="sessions-end",
        title="Sessions end by deadline, by idleness and by age, client or no client",
        area=Area.COST,
        rows=("S21", "S22"),
        nist=("AC-12",),
        theorems=("only_the_controller_says_how_a_session_stands",),
        tests=(
            "tests/controller/test_lifecycle.py::test_the_deadline_ends_a_session_that_nobody_watches",
            "tests/controller/test_lifecycle.py::test_no_session_outlives_the_environments_days",
            "tests/controller/test_sweep.py::test_tasks_of_unknown_and_ended_sessions_are_stopped",
            "tests/runtime/worker/virtual/test_self_end.py"
            "::test_an_idle_worker_ends_itself_soon_after_its_sessions_deadline",
            "tests/nemesis/test_processes.py"
            "::test_without_any_controller_a_worker_whose_clock_is_wrong_ends_when_its_session_has",
        ),
    ),
    Control(
        name="cost-estimate",
        title="What a session will cost is said before it starts, and correctly",
        area=Area.COST,
        rows=("S23",),
        tests=("tests/pricing/test_prices.py::test_the_guides_example_costs_39_50_not_19_84",),
    ),
)
"""What it may cost, and when it ends."""
