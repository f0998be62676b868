"""Where the local environment pretends to be, and which emulator it is built on."""

from __future__ import annotations

from typing import Final

__all__ = [
    "ACCOUNT",
    "ADMIN_ROLE",
    "BROKER_ROLE",
    "EMULATOR_VERSION",
    "ENVIRONMENT",
    "GAPS",
    "OWN_SERVICE",
    "REGION",
    "STATE_VARIABLE",
]

ENVIRONMENT: Final = "local"
ACCOUNT: Final = "111122223333"
REGION: Final = "eu-west-1"

EMULATOR_VERSION: Final = "1.5.33"
"""The patches wrap private names of exactly this release of ministack."""

BROKER_ROLE: Final = "starburst-login-broker"
"""Stands for a company's login broker: it alone may become an analyst, with their ``userName``."""

ADMIN_ROLE: Final = "starburst-local-admin"
"""What deploys. A role and not root, so that IAM is in force for the deployment too."""

OWN_SERVICE: Final = "starburst"
"""What root signs for when it asks the server about itself."""

STATE_VARIABLE: Final = "STARBURST_LOCAL_STATE"
"""Names the state file of a running local environment that other processes share."""

GAPS: Final[dict[str, str]] = {
    "source-vpce": (
        "aws:SourceVpce is never present: the bucket policy goes without the statement that "
        "requires our VPC endpoint."
    ),
    "default-security-group": (
        "There is no State Manager, so the VPC's default security group keeps its rules."
    ),
    "query-definitions": "Logs Insights has no saved queries.",
    "registry-scanning": "Images are not scanned continuously.",
    "services": (
        "It answers for the services and operations that Starburst uses, in the form that AWS's "
        "SDKs give them; every other request is refused, whichever key signs it."
    ),
    "network": (
        "Workers are local processes: VPC, security groups and endpoints are recorded, but nothing "
        "routes through them. An endpoint's policy is asked where a worker calls its service."
    ),
    "image": (
        "The worker image is not run: the task's command runs under this Python interpreter "
        "and user, with this installation's packages, on a writable file system."
    ),
    "memory": "A worker's cpu, memory and disk size are recorded but not enforced.",
    "architecture": "Workers have this machine's architecture, and call it x86_64.",
    "encryption": (
        "S3, SQS, SNS, ECR, disks and log groups do not call KMS for server-side encryption, so a "
        "missing key permission for them shows in AWS only; direct KMS calls are enforced."
    ),
    "kms-tamper": (
        "The emulator's KMS does not authenticate its ciphertext; our sealed envelope is real."
    ),
    "iam-proof": (
        "IAM here has no SCPs and does not check the execution roles of AWS services; "
        "it shows how policies behave and proves nothing."
    ),
    "deliveries": (
        "EventBridge delivers at the first try, or never; CloudWatch publishes to a topic without "
        "asking its policy."
    ),
    "retention": (
        "Nothing expires: lifecycle rules, the retention of logs and images and the rotation of "
        "keys are recorded."
    ),
    "data-protection": "Log groups mask nothing of what workers print.",
    "metric-filters": (
        "No metric comes of a log line, so alarms on metric filters stay quiet, on their silence "
        "too; alarms on the controller's own metrics do not."
    ),
    "container-insights": "There is no Container Insights: workers leave no metrics.",
    "spot": "Spot and mixed capacity are accepted; nothing lacks, nothing is taken away.",
    "audit": (
        "CloudTrail, flow logs, access logs and budgets are recorded; no log file or alert is "
        "delivered."
    ),
    "lambda-python": "The controller runs under this interpreter, not under Lambda's on arm64.",
}
"""What the emulator cannot do: ``Environment.without`` names some of these keys."""
