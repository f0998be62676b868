"""Objects of other buckets as settings, policies and proofs speak of them."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["NamedObjects"]


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class NamedObjects:
    """Objects of one bucket that is not the kit's, and whose it is.

    Attributes:
        objects: ``arn:aws:s3:::<bucket>/<prefix>/*``.
        account: of the bucket; empty where any account of ``organization`` will do.
        organization: ``o-…``; empty where ``account`` says it.
        key_arn: of the KMS key that encrypts them; empty for S3's own.

    Example:
        >>> named = NamedObjects(objects="arn:aws:s3:::atlas/panel/*", account="444455556666")
        >>> named.bucket, named.prefix
        ('arn:aws:s3:::atlas', 'panel/')
    """

    objects: str
    account: str = ""
    organization: str = ""
    key_arn: str = ""

    @property
    def bucket(self) -> str:
        """ARN of the bucket."""
        return self.objects.partition("/")[0]

    @property
    def prefix(self) -> str:
        """What the names of the objects begin with; empty for the whole bucket."""
        return self.objects.partition("/")[2].removesuffix("*")

    @property
    def owner(self) -> tuple[str, str]:
        """The condition key that says whose a bucket is, and its value.

        A bucket's ARN has no account: who lets a bucket go lets its name go as well.
        """
        if self.organization:
            return "aws:ResourceOrgID", self.organization
        return "aws:ResourceAccount", self.account
