"""Controls of data: buckets, keys, and what travels between client and workers."""

from __future__ import annotations

from typing import Final

from starburst_assurance.controls.model import Area, Control

__all__ = ["DATA"]

_YOURS: Final = "how-to/do-what-stays-yours.md"

DATA: Final = (
    Control(
        name="no-public-bucket",
        title="All four Block Public Access settings are on for every bucket",
        area=Area.DATA,
        rows=("S8",),
        fsbp=("S3.1", "S3.2", "S3.3", "S3.8"),
        cis=("2.1.4",),
        nag=(
            "S3BucketLevelPublicAccessProhibited",
            "S3BucketPublicReadProhibited",
            "S3BucketPublicWriteProhibited",
            "AwsSolutions-S2",
            "AwsSolutions-S5",
        ),
        guard=("CT.S3.PR.1",),
        yours=(f"{_YOURS}#switch-on-what-belongs-to-the-account",),
    ),
    Control(
        name="tls-only",
        title="No bucket, queue or topic answers without TLS, and no bucket below TLS 1.2",
        area=Area.DATA,
        rows=("S10", "G8", "G10"),
        fsbp=("S3.5",),
        cis=("2.1.1",),
        nag=(
            "S3BucketSSLRequestsOnly",
            "AwsSolutions-S10",
            "AwsSolutions-SQS4",
            "AwsSolutions-SNS3",
        ),
        guard=("CT.S3.PR.8",),
        rules=("weak-tls",),
        theorems=("nothing_in_the_clear", "nothing_under_tls_1_2"),
    ),
    Control(
        name="encrypted-with-our-key",
        title="Objects are encrypted with the environment's key, and uploads under another refused",
        area=Area.DATA,
        rows=("S6", "S9"),
        fsbp=("S3.17",),
        nag=("S3DefaultEncryptionKMS",),
        guard=("CT.S3.PR.10",),
        theorems=("only_our_key",),
        tests=(
            "tests/stacks/test_storage.py::test_uploads_under_any_other_encryption_are_refused",
            "tests/stacks/test_storage.py::test_the_data_bucket_encrypts_with_the_data_key",
        ),
    ),
    Control(
        name="versions",
        title="Buckets keep versions, and old ones expire",
        area=Area.DATA,
        rows=("S7",),
        fsbp=("S3.10", "S3.13", "S3.14"),
        nag=("S3BucketVersioningEnabled",),
        guard=("CT.S3.PR.3", "CT.S3.PR.6", "CT.S3.PR.11"),
        tests=(
            "tests/stacks/test_storage.py"
            "::test_sessions_expire_and_the_controllers_open_records_do_not",
        ),
    ),
    Control(
        name="owner-enforced",
        title="No access control list counts: the bucket's owner owns every object",
        area=Area.DATA,
        rows=("S8",),
        fsbp=("S3.12",),
        guard=("CT.S3.PR.5",),
    ),
    Control(
        name="evidence-is-locked",
        title="Production's trail files are locked until their last day",
        area=Area.DATA,
        rows=("S24", "S26"),
        fsbp=("S3.15",),
        guard=("CT.S3.PR.9",),
        theorems=("no_role_touches_evidence",),
        tests=(
            "tests/monitoring/test_trail.py"
            "::test_files_are_locked_in_production_and_expire_after_the_lock",
        ),
    ),
    Control(
        name="evidence-can-be-held",
        title="Any session's objects can be put on legal hold, which no role here can lift",
        area=Area.DATA,
        rows=("S37", "S38"),
        nist=("AU-9", "IR-4"),
        theorems=("no_role_changes_a_bucket",),
        tests=(
            "tests/stacks/test_storage.py"
            "::test_evidence_can_be_held_and_nothing_is_retained_by_itself",
            "tests/incident/test_versions.py::test_every_version_is_held_and_freed",
        ),
    ),
    Control(
        name="written-once",
        title="No result and no manifest is ever overwritten",
        area=Area.DATA,
        rows=("S7",),
        nist=("SI-7", "AU-9"),
        hipaa=("164.312(c)(1)",),
        rules=("second-write",),
        theorems=("written_once", "no_forged_answers", "workers_write_results_only"),
    ),
    Control(
        name="data-perimeter",
        title="Nobody outside the account, or the organization, reaches any resource",
        area=Area.DATA,
        rows=("S11",),
        fsbp=("S3.6", "SNS.4", "KMS.5", "Lambda.1"),
        nag=("AwsSolutions-ECR1", "LambdaFunctionPublicAccessProhibited"),
        guard=("CT.LAMBDA.PR.2",),
        rules=("open-perimeter",),
        theorems=("nobody_from_outside", "buckets_refuse_strangers", "nothing_in_other_accounts"),
    ),
    Control(
        name="named-principals",
        title="Only the kit's roles and those that settings name touch data; no administrator does",
        area=Area.DATA,
        rows=("A7", "S11"),
        nist=("AC-3", "AC-6"),
        hipaa=("164.312(a)(1)",),
        theorems=(
            "no_other_principal_touches_objects",
            "no_other_principal_uses_the_data_key",
            "nobody_is_locked_out",
            "services_and_images_are_spared",
        ),
        tests=(
            "tests/stacks/test_storage.py::test_each_role_that_touches_data_is_named_in_full",
            "tests/e2e/test_touching.py::test_an_administrator_touches_no_object",
        ),
        kinds=("AWS::S3::BucketPolicy", "AWS::KMS::Key"),
    ),
    Control(
        name="signed-addresses",
        title="A signed address of an object is of no use after fifteen minutes",
        area=Area.DATA,
        rows=("G11",),
        nist=("AC-3", "SC-23"),
        theorems=("signed_addresses_die",),
        tests=("tests/stacks/test_storage.py::test_signed_addresses_work_for_minutes",),
        kinds=("AWS::S3::BucketPolicy",),
    ),
    Control(
        name="replicas",
        title="A second copy in another Region: decided against, for erasure's sake",
        area=Area.DATA,
        rows=("S35",),
        fsbp=("S3.7",),
        nag=("S3BucketReplicationEnabled",),
    ),
    Control(
        name="bucket-events",
        title="An event for each object: decided against; the trail records reads and writes",
        area=Area.DATA,
        fsbp=("S3.11",),
        guard=("CT.S3.PR.4",),
    ),
    Control(
        name="mfa-delete",
        title="MFA delete: S3 refuses it beside lifecycle rules; Object Lock stands in its place",
        area=Area.DATA,
        rows=("G14",),
        fsbp=("S3.20",),
        cis=("2.1.2",),
        yours=(f"{_YOURS}#switch-on-what-belongs-to-the-account",),
        kinds=("AWS::S3::Bucket",),
    ),
    Control(
        name="allowed-regions",
        title="No role does anything in a Region where data may not be",
        area=Area.DATA,
        rows=("S35",),
        nist=("SA-9(5)",),
        theorems=("only_allowed_regions",),
        tests=(
            "tests/compliance/test_organization_policies.py"
            "::test_every_other_region_is_denied_and_these_are_not",
        ),
    ),
    Control(
        name="keys-rotate",
        title="Keys rotate each year, take thirty days to go, and no role administers them",
        area=Area.DATA,
        rows=("S6", "P13", "G13"),
        fsbp=("KMS.1", "KMS.2", "KMS.3", "KMS.4"),
        cis=("3.6",),
        nag=("KMSBackingKeyRotationEnabled", "AwsSolutions-KMS5"),
        guard=("CT.KMS.PR.1",),
        theorems=(
            "no_role_administers_keys",
            "no_grants_by_people",
            "keys_refuse_strangers",
            "keys_spare_services",
            "administrators_keep_the_keys",
            "kept_keys_end_by_break_glass_alone",
        ),
        tests=(
            "tests/stacks/test_foundation.py::test_keys_rotate_and_take_thirty_days_to_go",
            "tests/attacks/test_kept_evidence.py"
            "::test_no_stack_operation_schedules_the_deletion_of_a_kept_key",
        ),
        yours=(f"{_YOURS}#know-what-fips-mode-covers",),
    ),
    Control(
        name="sealed-in-transit",
        title="Tasks and results travel sealed with the session's key; nothing unverified is read",
        area=Area.DATA,
        rows=("S30",),
        nist=("SC-8(1)", "SC-12", "SC-28"),
        hipaa=("164.312(e)(2)(ii)",),
        theorems=("session_keys_are_for_sessions", "workers_cannot_sign"),
        tests=(
            "tests/protocol/test_session_key.py::test_creation_is_two_calls_with_two_purposes",
            "tests/protocol/test_session_key.py::test_what_kms_refuses_is_typed_and_fails_closed",
            "tests/protocol/test_attacks.py::test_no_structured_mutation_reaches_a_parser",
        ),
    ),
    Control(
        name="results-are-data",
        title="A result cannot run code unless the analyst asks and the workspace allows it",
        area=Area.DATA,
        rows=("S30", "G15"),
        nist=("SI-10", "SC-18"),
        tests=(
            "tests/codec/test_malicious.py::test_no_result_executes",
            "tests/codec/test_malicious.py::test_pickle_is_never_loaded_unless_asked_for",
        ),
    ),
    Control(
        name="erasure",
        title="A session's data is erased in every version on request, and expires by itself",
        area=Area.DATA,
        rows=("S29", "S35"),
        nist=("SI-12",),
        theorems=("analysts_can_work",),
        tests=(
            "tests/runtime/client/test_burst.py::test_cleanup_with_force_leaves_no_version_of_any_object",
            "tests/incident/test_versions.py::test_all_versions_are_erased_with_a_receipt",
            "tests/incident/test_versions.py::test_an_active_session_or_a_hold_keeps_everything",
        ),
    ),
    Control(
        name="only-needed-data",
        title="A large payload is warned about; whether data outlive their stack is stated",
        area=Area.DATA,
        rows=("S28",),
        nist=("CP-9",),
        rules=("unstated-removal",),
        tests=("tests/functions/test_payload.py::test_large_payloads_warn_and_name_the_cause",),
    ),
)
"""What is stored, under which key, and who can read it."""
