"""Whether the environment's keys stand and rotate."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from deploy.audit.subject import Check, Finding, Subject

__all__ = ["KEYS"]


def _look(subject: Subject) -> Iterator[Finding]:
    kms = subject.client("kms")
    for one, _ in subject.of_kind("AWS::KMS::Key"):
        state = kms.describe_key(KeyId=one.physical)["KeyMetadata"]["KeyState"]
        if state != "Enabled":
            yield Finding(
                resource=f"key {one.physical} ({one.logical})",
                what=f"is {state}",
                why="nothing that it encrypts can be read, and in the end never again",
                do="cancel its deletion and enable it, once it is known who did this",
            )
            continue
        if not kms.get_key_rotation_status(KeyId=one.physical)["KeyRotationEnabled"]:
            yield Finding(
                resource=f"key {one.physical} ({one.logical})",
                what="does not rotate",
                why="one piece of key material encrypts more each year",
                do="enable its rotation again",
            )


KEYS: Final = Check(name="keys", look=_look, items=(2,))
