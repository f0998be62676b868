"""Switches Amazon Inspector on for the account, for a custom resource of CloudFormation.

Enable adds to what is on and takes nothing away, so that it is safe to repeat. It takes effect
later, so this waits until Inspector says so. Where the stack goes, Inspector stays as it is: others
of the account may have had it on before, and nobody here can tell.
"""

from __future__ import annotations

import json
import os
import ssl
import sys
import time
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

__all__ = ["Enabler", "NotEnabled", "handle"]

_PAUSE_SECONDS: Final = 5
_STATES: Final[Mapping[str, str]] = {
    "EC2": "ec2",
    "ECR": "ecr",
    "LAMBDA": "lambda",
    "LAMBDA_CODE": "lambdaCode",
}
_MOST_CHARACTERS: Final = 1_000
"""Of a reason: CloudFormation takes an answer of 4 kB at most."""

Answer = dict[str, Any]


class NotEnabled(RuntimeError):
    """Inspector is not on for all that was asked for; says for what, and what to do."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Enabler:
    """What turns Inspector on in one account and Region.

    Attributes:
        inspector: a client of Inspector.
        clock: seconds since 1970.
        pause: waits so many seconds.
    """

    inspector: Any
    clock: Callable[[], float] = time.time
    pause: Callable[[float], None] = time.sleep

    def enable(self, account: str, types: Sequence[str], *, until: float) -> list[str]:
        """Have some types of resources scanned; return those that were not before.

        Args:
            account: twelve digits.
            types: ``EC2``, ``ECR``, ``LAMBDA``, ``LAMBDA_CODE``.
            until: it waits no longer, in seconds since 1970.

        Raises:
            NotEnabled: AWS refuses, or is not done by then.
        """
        unknown = sorted({*types} - {*_STATES})
        if unknown or not types:
            raise NotEnabled(f"Inspector scans {', '.join(_STATES)}, and not {unknown}")
        lacking = self._lacking(account, types)
        if not lacking:
            return []
        answer = self.inspector.enable(accountIds=[account], resourceTypes=lacking)
        for one in answer.get("failedAccounts", []):
            # Somebody else may have asked for the same a moment ago.
            if one["errorCode"] not in ("ALREADY_ENABLED", "ENABLE_IN_PROGRESS"):
                raise NotEnabled(
                    f"Inspector refuses {', '.join(lacking)} of account {account}: "
                    f"{one['errorCode']}, {one['errorMessage']}"
                )
        left = lacking
        while left:
            if self.clock() >= until:
                raise NotEnabled(
                    f"Inspector is not on for {', '.join(left)} of account {account} yet: deploy "
                    "again, which waits anew"
                )
            self.pause(_PAUSE_SECONDS)
            left = self._lacking(account, lacking)
        return lacking

    def _lacking(self, account: str, types: Sequence[str]) -> list[str]:
        answer = self.inspector.batch_get_account_status(accountIds=[account])
        for failed in answer.get("failedAccounts", []):
            raise NotEnabled(
                f"Inspector does not say what is on in account {account}: {failed['errorCode']}, "
                f"{failed['errorMessage']}"
            )
        states = answer["accounts"][0]["resourceState"]
        return [one for one in types if states.get(_STATES[one], {}).get("status") != "ENABLED"]


def answered(event: Mapping[str, Any], enabler: Enabler, *, until: float) -> Answer:
    """Do what CloudFormation asks, and return what it is to hear; nothing is raised.

    Args:
        event: of a custom resource; ``Account`` and ``Types`` are its properties.
        enabler: what does it.
        until: when the function must have answered.
    """
    asked = event.get("ResourceProperties", {})
    account = str(asked.get("Account", ""))
    said: Answer = {
        "Status": "SUCCESS",
        "PhysicalResourceId": event.get("PhysicalResourceId") or f"inspector-of-{account}",
        "StackId": event.get("StackId"),
        "RequestId": event.get("RequestId"),
        "LogicalResourceId": event.get("LogicalResourceId"),
    }
    if event.get("RequestType") == "Delete":
        return {**said, "Reason": "Inspector stays on: others of the account may rely on it"}
    try:
        added = enabler.enable(account, list(asked.get("Types", [])), until=until)
    except (BotoCoreError, ClientError, LookupError, NotEnabled) as error:
        reason = f"{error}. {_hint(error)}"
        return {**said, "Status": "FAILED", "Reason": reason[:_MOST_CHARACTERS]}
    return {**said, "Data": {"Added": ",".join(added)}}


def handle(event: Mapping[str, Any], context: Any) -> Answer:  # noqa: ANN401 - Lambda's
    """Answer CloudFormation, by the address that it gave."""
    until = time.time() + context.get_remaining_time_in_millis() / 1000 - 4 * _PAUSE_SECONDS
    patient = Config(retries={"mode": "standard", "max_attempts": 5}, connect_timeout=5)
    enabler = Enabler(inspector=boto3.client("inspector2", config=patient))
    said = answered(event, enabler, until=until)
    sys.stdout.write(f"{json.dumps(said, sort_keys=True)}\n")
    request = urllib.request.Request(  # noqa: S310 - CloudFormation's own, signed
        event["ResponseURL"], data=json.dumps(said).encode(), method="PUT"
    )
    # What S3 signed has no content type, and urllib would send one.
    request.add_header("Content-Type", "")
    trusted = ssl.create_default_context(cafile=os.environ.get("AWS_CA_BUNDLE"))
    with urllib.request.urlopen(  # noqa: S310 - likewise
        request, timeout=_PAUSE_SECONDS, context=trusted
    ) as answer:
        answer.read()
    return said


def _hint(error: Exception) -> str:
    code = error.response.get("Error", {}).get("Code") if isinstance(error, ClientError) else ""
    if code == "AccessDeniedException":
        return (
            "Inspector needs its own role: aws iam create-service-linked-role --aws-service-name "
            "inspector2.amazonaws.com, once in the account"
        )
    return "The function's log has more"
