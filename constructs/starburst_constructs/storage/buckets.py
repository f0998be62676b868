"""Buckets that refuse every caller what the design forbids (S6 to S11, S26)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

import aws_cdk as cdk
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from starburst.contract import CONTROL_PREFIX, USER_TAG, WORKSPACE_TAG
from starburst.contract.areas import DATA, HOME, PACKAGES, SESSIONS
from starburst_constructs.naming import ROLE_TAG
from starburst_constructs.placement import Placement
from starburst_constructs.storage.private_bucket import ABANDONED_UPLOAD_DAYS, PrivateBucket
from starburst_constructs.storage.retention import CONTROL_DAYS
from starburst_constructs.storage.touching import ERASING

__all__ = [
    "WRITE_ONCE",
    "DataBucket",
    "Encryption",
    "LogBucket",
]

Encryption = Literal["kms", "kms:dsse"]

_SESSION: Final = SESSIONS.prefix(*"***")
WRITE_ONCE: Final = (
    f"{_SESSION}results/*",
    f"{_SESSION}logs/*",
    f"{_SESSION}manifest.json",
    f"{PACKAGES.prefix()}*",
)
"""Keys of which only the first write ever counts. A user may be called ``results``, or ``logs``."""

SIGNATURE_SECONDS: Final = 900
"""How long a signed address of an object works, whatever it says itself (G11)."""

_WORKSPACE: Final = f"${{aws:PrincipalTag/{WORKSPACE_TAG}}}"
_SHARED: Final = (PACKAGES.prefix(_WORKSPACE), DATA.prefix(_WORKSPACE))
"""What all of a workspace reach."""

_ALGORITHM: Final = {"kms": "aws:kms", "kms:dsse": "aws:kms:dsse"}


class LogBucket(PrivateBucket):
    """Takes S3 server access logs (S26).

    Its encryption is SSE-S3 because log delivery supports no other; it has no Object Lock default
    retention because delivery would then fail. The trail is the authoritative record.

    Args:
        scope: parent construct.
        construct_id: its id there.
        placement: of the environment.
        days: logs are kept so long.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        placement: Placement,
        days: int,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            placement=placement,
            encryption=s3.BucketEncryption.S3_MANAGED,
            lifecycle_rules=[
                s3.LifecycleRule(
                    id="expire",
                    expiration=cdk.Duration.days(days),
                    noncurrent_version_expiration=cdk.Duration.days(1),
                    abort_incomplete_multipart_upload_after=cdk.Duration.days(
                        ABANDONED_UPLOAD_DAYS
                    ),
                )
            ],
        )


class DataBucket(PrivateBucket):
    """Holds sessions, and what a workspace keeps beside them: packages, data, homes.

    People and workers reach their own part of each area only.

    Args:
        scope: parent construct.
        construct_id: its id there.
        placement: of the environment.
        key: the only key that objects may be encrypted with.
        refused: conditions of callers that touch no object, by what a Deny of each is called.
        encryption: ``kms`` or ``kms:dsse``.
        access_logs: where server access logs go.
        session_days: sessions' objects expire after so long.
        noncurrent_days: overwritten and deleted versions are kept so long.
        packages_days: wheels expire after so long.
        kept: days by prefix, of what else expires.
        worker_endpoint: S3 endpoint through which alone workers reach the bucket; None for none.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        placement: Placement,
        key: kms.Key,
        refused: Mapping[str, dict[str, dict[str, Any]]],
        encryption: Encryption,
        access_logs: LogBucket,
        session_days: int,
        noncurrent_days: int,
        packages_days: int,
        kept: Mapping[str, int],
        worker_endpoint: str | None,
    ) -> None:
        layered = encryption == "kms:dsse"
        super().__init__(
            scope,
            construct_id,
            placement=placement,
            encryption=s3.BucketEncryption.DSSE if layered else s3.BucketEncryption.KMS,
            encryption_key=key,
            # Two-layer encryption has no bucket keys.
            bucket_key_enabled=not layered,
            blocked_encryption_types=[s3.BlockedEncryptionType.SSE_C],
            # No retention: sessions must be erasable. But evidence can be put on legal hold (S37).
            object_lock_enabled=True,
            server_access_logs_bucket=access_logs,
            server_access_logs_prefix="data/",
            lifecycle_rules=[
                *_lifecycle(session_days, noncurrent_days),
                *_expiring({PACKAGES.prefix(): packages_days, **kept}),
            ],
        )
        self._only_our_principals(refused, kept=placement.retain)
        self._only_our_encryption(key, _ALGORITHM[encryption])
        self._write_once()
        self._signatures_age()
        self._people_in_their_folders()
        self._stewards_at_their_shelves()
        self._workers_in_their_workspace()
        if worker_endpoint is not None:
            self._workers_through(worker_endpoint)

    def _only_our_principals(
        self, refused: Mapping[str, dict[str, dict[str, Any]]], *, kept: bool
    ) -> None:
        """Refuse objects to all others; what is done to the bucket itself stays as it was (A7).

        So nobody is locked out of its policy, and CloudFormation changes and deletes it. A test
        environment is emptied by whoever destroys it.
        """
        for name, conditions in refused.items():
            self.deny(
                name,
                actions=["s3:*"] if kept else (),
                not_actions=() if kept else ERASING,
                resources=[self.arn_for_objects("*")],
                conditions=conditions,
            )

    def _only_our_encryption(self, key: kms.Key, algorithm: str) -> None:
        """Four denies (S9): a PUT without headers gets the bucket's default, others must be it."""
        header = "s3:x-amz-server-side-encryption"
        key_id = f"{header}-aws-kms-key-id"
        put = {"actions": ["s3:PutObject"], "resources": [self.arn_for_objects("*")]}
        self.deny(
            "OtherAlgorithm",
            conditions={"Null": {header: "false"}, "StringNotEquals": {header: algorithm}},
            **put,
        )
        self.deny(
            "AwsManagedKey",
            conditions={"StringEquals": {header: algorithm}, "Null": {key_id: "true"}},
            **put,
        )
        self.deny(
            "OtherKey",
            conditions={"Null": {key_id: "false"}, "StringNotEquals": {key_id: key.key_arn}},
            **put,
        )
        self.deny(
            "CustomerProvidedKey",
            conditions={"Null": {f"{header}-customer-algorithm": "false"}},
            **put,
        )

    def _write_once(self) -> None:
        """Deny every write there but one that says ``If-None-Match: *``; parts of an upload cannot.

        A negated operator holds where the key is absent as well, so one statement refuses both no
        condition and another one; with ``IfExists`` it would say the same. S3 gives the value as
        it was sent. Copies may say it too (since 2025), and it is no worker's work to copy; S3
        does not say what ``If-Match`` beside it means, nor whether a form's upload heeds it. So
        all three are refused whatever they say. What is put into an archive stands there, and
        nobody can read it for hours: that is refused as well.

        https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes-enforce.html
        https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html
        """
        there = {
            "actions": ["s3:PutObject"],
            "resources": [self.arn_for_objects(pattern) for pattern in WRITE_ONCE],
        }
        self.deny(
            "SecondWrite",
            conditions={
                "StringNotEquals": {"s3:if-none-match": "*"},
                "BoolIfExists": {"s3:ObjectCreationOperation": "true"},
            },
            **there,
        )
        self.deny("Copies", conditions={"Null": {"s3:x-amz-copy-source": "false"}}, **there)
        self.deny("Exchanges", conditions={"Null": {"s3:if-match": "false"}}, **there)
        self.deny("Forms", conditions={"StringEquals": {"s3:authType": "POST"}}, **there)
        kind = "s3:x-amz-storage-class"
        self.deny(
            "Archives",
            conditions={"StringNotEquals": {kind: "STANDARD"}, "Null": {kind: "false"}},
            **there,
        )

    def _signatures_age(self) -> None:
        """A presigned URL serves any holder, so it must not last as long as a session.

        Calls that are signed in a header say nothing of their age: S3 takes them for minutes only.
        """
        self.deny(
            "OldSignatures",
            actions=["s3:*"],
            resources=[self.bucket_arn, self.arn_for_objects("*")],
            conditions={"NumericGreaterThan": {"s3:signatureAge": SIGNATURE_SECONDS * 1000}},
        )

    def _people_in_their_folders(self) -> None:
        """Keep people apart even where an identity policy is too wide."""
        user = f"aws:PrincipalTag/{USER_TAG}"
        own = f"${{{user}}}"
        folders = [
            f"{prefix}*"
            for prefix in (
                SESSIONS.prefix(_WORKSPACE, own),
                HOME.prefix(_WORKSPACE, own),
                *_SHARED,
            )
        ]
        self._only_below(folders, to="OtherUsers", conditions={"Null": {user: "false"}})

    def _stewards_at_their_shelves(self) -> None:
        """A steward has a name, as an analyst has; no session and no home is theirs."""
        shared = [f"{prefix}*" for prefix in _SHARED]
        self._only_below(shared, to="OtherAreasToStewards", conditions=_role("steward"))

    def _only_below(
        self, folders: list[str], *, to: str, conditions: dict[str, dict[str, str]]
    ) -> None:
        self.deny(
            f"{to}Objects",
            actions=["s3:*"],
            not_resources=[self.bucket_arn, *map(self.arn_for_objects, folders)],
            conditions={**conditions},
        )
        self.deny(
            f"{to}Names",
            actions=["s3:ListBucket", "s3:ListBucketMultipartUploads", "s3:ListBucketVersions"],
            resources=[self.bucket_arn],
            conditions={**conditions, "StringNotLike": {"s3:prefix": folders}},
        )

    def _workers_in_their_workspace(self) -> None:
        """Keep workers apart as well, and from writing what others run or read."""
        worker, data = _role("worker"), f"{DATA.prefix(_WORKSPACE)}*"
        self.deny(
            "OtherWorkspacesToWorkers",
            actions=["s3:*"],
            not_resources=[
                self.bucket_arn,
                self.arn_for_objects(f"{SESSIONS.prefix(_WORKSPACE)}*"),
                *(self.arn_for_objects(f"{prefix}*") for prefix in _SHARED),
            ],
            conditions={**worker},
        )
        self.deny(
            "AllButReadingToWorkers",
            not_actions=["s3:GetObject"],
            resources=[self.arn_for_objects(f"{one.prefix()}*") for one in (PACKAGES, DATA)],
            conditions={**worker},
        )
        self.deny(
            "TheBucketToWorkers",
            not_actions=["s3:ListBucket"],
            resources=[self.bucket_arn],
            conditions={**worker},
        )
        self.deny(
            "OtherNamesToWorkers",
            actions=["s3:ListBucket"],
            resources=[self.bucket_arn],
            conditions={**worker, "StringNotLike": {"s3:prefix": data}},
        )

    def _workers_through(self, endpoint: str) -> None:
        self.deny(
            "WorkersOutsideEndpoint",
            actions=["s3:*"],
            resources=[self.bucket_arn, self.arn_for_objects("*")],
            conditions={
                **_role("worker"),
                "StringNotEquals": {"aws:SourceVpce": endpoint},
                "BoolIfExists": {"aws:ViaAWSService": "false"},
            },
        )


def _role(purpose: str) -> dict[str, dict[str, str]]:
    """Return the condition that a role of this purpose asks."""
    return {"StringEquals": {f"aws:PrincipalTag/{ROLE_TAG}": purpose}}


def _expiring(days: Mapping[str, int]) -> list[s3.LifecycleRule]:
    return [
        s3.LifecycleRule(
            id=prefix.strip("/").replace("/", "-"),
            prefix=prefix,
            expiration=cdk.Duration.days(count),
        )
        for prefix, count in days.items()
    ]


def _lifecycle(session_days: int, noncurrent_days: int) -> list[s3.LifecycleRule]:
    """Return the rules: old versions end everywhere, records and sessions after their time."""
    return [
        s3.LifecycleRule(
            id="versions",
            noncurrent_version_expiration=cdk.Duration.days(noncurrent_days),
            expired_object_delete_marker=True,
            abort_incomplete_multipart_upload_after=cdk.Duration.days(ABANDONED_UPLOAD_DAYS),
        ),
        s3.LifecycleRule(
            id="control",
            prefix=f"{CONTROL_PREFIX}ended/",
            expiration=cdk.Duration.days(CONTROL_DAYS),
        ),
        s3.LifecycleRule(
            id="sessions",
            prefix=SESSIONS.prefix(),
            expiration=cdk.Duration.days(session_days),
        ),
    ]
