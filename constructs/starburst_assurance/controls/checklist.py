"""The security guide's 18-item checklist (S39), each item answered by controls."""

from __future__ import annotations

from typing import Final

from starburst_assurance.controls.model import Item

__all__ = ["CHECKLIST"]

_ITEMS: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    (
        "Use IAM roles instead of long-term credentials",
        ("no-long-lived-keys", "people-are-federated"),
    ),
    ("Enable S3 bucket encryption (SSE-S3 or SSE-KMS)", ("encrypted-with-our-key",)),
    ("Enable S3 versioning", ("versions",)),
    ("Block public access to S3 bucket", ("no-public-bucket",)),
    ("Use private subnets for sensitive workloads", ("no-internet",)),
    ("Configure VPC endpoints for AWS services", ("endpoints",)),
    ("Create security group with minimal permissions", ("closed-groups", "default-group")),
    ("Enable CloudTrail in all regions", ("trail", "data-events")),
    ("Enable CloudWatch Logs with appropriate retention", ("logs-are-kept",)),
    ("Set up AWS Budget alerts", ("budgets",)),
    ("Limit maximum workers to prevent runaway costs", ("worker-cap", "totals")),
    ("Enable ECR image scanning", ("scanned-image",)),
    ("Implement image lifecycle policies", ("pinned-image",)),
    ("Document data classification and handling", ("classification",)),
    ("Train team on security best practices", ("training",)),
    ("Establish incident response procedures", ("incident-response",)),
    ("Review IAM policies quarterly", ("access-review",)),
    ("Test backup and recovery procedures", ("restore-test",)),
)

CHECKLIST: Final = tuple(
    Item(number=number, text=text, controls=controls)
    for number, (text, controls) in enumerate(_ITEMS, start=1)
)
"""In the guide's order and words."""
