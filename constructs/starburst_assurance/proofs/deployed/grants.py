"""Grants of keys, as the statements of a key's policy that they amount to."""

from __future__ import annotations

from collections.abc import Sequence

from starburst_assurance.proofs.deployed.reading.account import Document, Grant

__all__ = ["with_grants"]


def with_grants(policy: Document, grants: Sequence[Grant]) -> Document:
    """Return a key's policy with each grant to a principal as the statement that it amounts to.

    Grants of services are left out: IAM has no name for whom they let in.
    """
    own = policy["Statement"]
    more = [
        {
            "Sid": f"Grant{one.identifier[:8]}",
            "Effect": "Allow",
            # Whatever the boundary of its grantee says, so not by its name.
            "Principal": "*",
            "Action": [f"kms:{operation}" for operation in one.operations],
            "Resource": "*",
            "Condition": {
                "ArnEquals": {"aws:PrincipalArn": one.grantee},
                **(
                    {
                        "StringEquals": {
                            f"kms:EncryptionContext:{key}": value
                            for key, value in one.context.items()
                        }
                    }
                    if one.context
                    else {}
                ),
            },
        }
        for one in grants
        if not one.of_service
    ]
    return {**policy, "Statement": [*(own if isinstance(own, list) else [own]), *more]}
