"""A vault of backups for tests, since no emulator keeps one: it restores into moto's S3."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

__all__ = ["Vault"]

KEY = "arn:aws:kms:eu-central-1:333344445555:key/vault"


@dataclass(kw_only=True)
class Vault:
    """A client of AWS Backup, as far as the drill asks it.

    Attributes:
        s3: where it restores to.
        content: bytes of the newest backup, by key; None for a vault without one.
        begun: of that backup.
        ended: of it.
        states: what a restore says of itself, each time that it is asked.
        started: what jobs were asked for.
        going: restore jobs of others, as AWS lists them.
        tampers: changes what comes back.
    """

    s3: Any
    content: Mapping[str, bytes] | None
    begun: datetime
    ended: datetime
    states: list[str] = field(default_factory=lambda: ["PENDING", "RUNNING", "COMPLETED"])
    started: list[dict[str, Any]] = field(default_factory=list)
    going: list[dict[str, str]] = field(default_factory=list)
    tampers: Callable[[str, bytes], bytes | None] = lambda _key, body: body

    def get_paginator(self, name: str) -> Any:
        return {
            "list_recovery_points_by_backup_vault": _Pages(self._points),
            "list_restore_jobs": _Pages(self._jobs),
        }[name]

    def _jobs(self, **asked: str) -> Iterator[dict[str, Any]]:
        assert asked["ByResourceType"] == "S3"
        yield {"RestoreJobs": []}
        yield {"RestoreJobs": [one for one in self.going if one["Status"] == asked["ByStatus"]]}

    def _points(self, **asked: str) -> Iterator[dict[str, Any]]:
        assert asked["BackupVaultName"] == "starburst-regulated-finma"
        point = {
            "RecoveryPointArn": "arn:aws:backup:eu-central-1:333344445555:recovery-point:new",
            "ResourceArn": asked["ByResourceArn"],
            "Status": "COMPLETED",
            "CreationDate": self.begun,
            "CompletionDate": self.ended,
            "BackupSizeInBytes": 1,
        }
        begun = {"Status": "PARTIAL", "CreationDate": self.ended, "RecoveryPointArn": "cut"}
        yield {"RecoveryPoints": [begun]}
        yield {"RecoveryPoints": [] if self.content is None else [point]}

    def describe_backup_vault(self, **asked: str) -> dict[str, str]:
        assert asked == {"BackupVaultName": "starburst-regulated-finma"}
        return {"EncryptionKeyArn": KEY}

    def start_restore_job(self, **asked: Any) -> dict[str, str]:
        self.started.append(asked)
        for key, body in (self.content or {}).items():
            back = self.tampers(key, body)
            bucket = asked["Metadata"]["DestinationBucketName"]
            there = self.s3.list_objects_v2(Bucket=bucket, Prefix=key).get("Contents", [])
            # As AWS Backup: what is there already stays.
            if back is not None and key not in {one["Key"] for one in there}:
                self.s3.put_object(Bucket=bucket, Key=key, Body=back)
        return {"RestoreJobId": "job"}

    def describe_restore_job(self, **asked: str) -> dict[str, str]:
        assert asked == {"RestoreJobId": "job"}
        status = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        return {"Status": status, "StatusMessage": "the role may not"}


@dataclass(frozen=True)
class _Pages:
    paginate: Callable[..., Iterator[dict[str, Any]]]
