"""Whether the keys stand, rotate, and say by their grants who uses them for us."""

from __future__ import annotations

import json
from typing import Final

from deploy.rehearsal.asking.check import Answer, Check
from deploy.rehearsal.asking.subject import Subject

__all__ = ["KEYS"]

_STRANGERS: Final = "DenyStrangers"


def _look(subject: Subject) -> Answer:
    kms = subject.clients("kms")
    held, failed, facts = [], [], {}
    keys = subject.resources("AWS::KMS::Key")
    for each in keys:
        state = kms.describe_key(KeyId=each.physical)["KeyMetadata"]["KeyState"]
        rotates = kms.get_key_rotation_status(KeyId=each.physical)["KeyRotationEnabled"]
        policy = json.loads(kms.get_key_policy(KeyId=each.physical, PolicyName="default")["Policy"])
        sids = [one.get("Sid", "") for one in policy["Statement"]]
        grants = [
            {
                "GranteePrincipal": grant.get("GranteePrincipal", ""),
                "Operations": grant.get("Operations", []),
            }
            for grant in kms.list_grants(KeyId=each.physical)["Grants"]
        ]
        facts[each.logical] = {
            "KeyState": state,
            "KeyRotationEnabled": rotates,
            "statements": sids,
            "grants": grants,
        }
        wrong = [] if state == "Enabled" else [f"it is {state}"]
        wrong += [] if rotates else ["it does not rotate"]
        wrong += [] if _STRANGERS in sids else [f"its policy has no {_STRANGERS}"]
        failed += [f"{each.logical}: {words}" for words in wrong]
        if not wrong:
            held.append(f"{each.logical}: enabled, rotates, {len(grants)} grants")
    if not keys:
        failed.append("the environment has no key")
    return Answer(held=tuple(held), failed=tuple(failed), facts=facts)


KEYS: Final = Check(
    name="keys",
    asks="Are the keys enabled, do they rotate, and who was granted their use?",
    why="Grants tell whether Fargate and ECR got through the key's Denies.",
    sources=(
        "https://docs.aws.amazon.com/kms/latest/APIReference/API_ListGrants.html",
        "https://docs.aws.amazon.com/kms/latest/APIReference/API_GetKeyRotationStatus.html",
    ),
    look=_look,
)
