"""Where the local environment pretends to be, and which emulator it is built on."""

from __future__ import annotations

import importlib.metadata
from typing import Final

from starburst.errors import LocalEnvironmentError

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
    "STRICT_VARIABLE",
    "check_version",
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

STRICT_VARIABLE: Final = "STARBURST_LOCAL_STRICT"
"""1 for an environment whose workers see what AWS's would; 0 for one that is not, and that does not
say so."""

GAPS: Final[dict[str, str]] = {
    # What an analyst meets.
    "end": (
        "What it holds ends with it: sessions, results, what tasks printed, the files of the "
        "workspace and of homes."
    ),
    "pace": (
        "Workers start at once (Fargate's take 60 to 90 s), AWS answers at once, and no account "
        "has a quota; --unkind is as slow, busy and late as AWS documents itself to be."
    ),
    "fleet": "All workers share this machine's cores: more of them do not make it faster.",
    "spot": "Spot and mixed capacity are accepted; nothing lacks, nothing is taken away.",
    "memory": (
        "A worker's cpu and disk size are recorded but not enforced, and its memory only where the "
        "environment is strict: a full disk shows in AWS, at scratch_gb."
    ),
    "image": (
        "The worker image is not run: the task's command runs under this Python interpreter "
        "and user, on this machine's file system, with this installation's packages; where it is "
        "strict, with those of them alone that an image has."
    ),
    "architecture": "Workers have this machine's architecture, and call it x86_64.",
    "login": "Nobody logs in: there is no company login, no SSO and no MFA.",
    "bill": "Costs are counted at AWS's list prices; nobody is billed.",
    "console": "There is no AWS console, so links into it are refused or lead nowhere.",
    "airflow": "Airflow writes its reports to a path, not to S3, where its links would lead.",
    # What a platform team and its officers meet.
    "services": (
        "It answers for the services and operations that Starburst uses, in the form that AWS's "
        "SDKs give them; every other request is refused, whichever key signs it."
    ),
    "network": (
        "Workers are local processes: VPC, security groups and endpoints are recorded, but nothing "
        "routes through them. An endpoint's policy is asked where a worker calls its service."
    ),
    "source-vpce": (
        "aws:SourceVpce is never present: the bucket policy goes without the statement that "
        "requires our VPC endpoint."
    ),
    "default-security-group": (
        "There is no State Manager, so the VPC's default security group keeps its rules."
    ),
    "lambda-python": "The controller runs under this interpreter, not under Lambda's on arm64.",
    "iam-proof": (
        "IAM here has no SCPs and does not check the execution roles of AWS services; "
        "it shows how policies behave and proves nothing."
    ),
    "encryption": (
        "S3, SQS, SNS, ECR, disks and log groups do not call KMS for server-side encryption, so a "
        "missing key permission for them shows in AWS only; direct KMS calls are enforced."
    ),
    "kms-tamper": (
        "The emulator's KMS does not authenticate its ciphertext; our sealed envelope is real."
    ),
    "data-protection": ("CloudWatch's log groups keep what workers write, and mask nothing of it."),
    "query-definitions": "Logs Insights has no saved queries.",
    "metric-filters": (
        "No metric comes of a log line, so alarms on metric filters stay quiet, on their silence "
        "too; alarms on the controller's own metrics do not."
    ),
    "container-insights": "There is no Container Insights: workers leave no metrics.",
    "audit": (
        "CloudTrail, flow logs, access logs and budgets are recorded; no log file or alert is "
        "delivered."
    ),
    "deliveries": (
        "EventBridge delivers at the first try, or never; CloudWatch publishes to a topic without "
        "asking its policy."
    ),
    "retention": (
        "Nothing expires: lifecycle rules, the retention of logs and images and the rotation of "
        "keys are recorded."
    ),
    "registry-scanning": "Images are not scanned continuously.",
}
"""What the emulator cannot do, in the order in which people meet it: analysts first.

``Environment.without`` names some of these keys."""


def check_version() -> None:
    """Refuse an emulator whose private names the patches do not know.

    Raises:
        LocalEnvironmentError: ministack is missing or has another version.
    """
    try:
        found = importlib.metadata.version("ministack")
    except importlib.metadata.PackageNotFoundError:
        found = ""
    if found == EMULATOR_VERSION:
        return
    if found:
        why = (
            f"ministack {found} is installed; the local environment needs exactly "
            f"{EMULATOR_VERSION}, because it patches that release"
        )
    else:
        why = "the local environment is not installed here, only what bursts in AWS"
    raise LocalEnvironmentError(
        f"{why}. Install it with: pip install 'starburst[local]' (in a checkout: pip install "
        "'./worker[local]'). To burst in AWS, name an environment there: environment=, -e or "
        "STARBURST_ENVIRONMENT"
    )
