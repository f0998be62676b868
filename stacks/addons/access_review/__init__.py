"""The access review: who may do what, each quarter held against what IAM has on record (P17)."""

from stacks.addons.access_review.addon import AccessReview

__all__ = ["AccessReview"]
