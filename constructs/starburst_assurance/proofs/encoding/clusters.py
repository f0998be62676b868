"""Which ECS cluster each workspace's workers belong into: the environment's, or one of its own."""

from __future__ import annotations

from starburst_assurance.proofs.reading.policies import PolicySet

__all__ = ["apart", "cluster_of", "clusters", "in_each_cluster"]


def apart(policy_set: PolicySet) -> tuple[str, ...]:
    """Return the workspaces that have a cluster of their own, in order."""
    known = set(policy_set.named.values())
    return tuple(each for each in policy_set.workspaces if _own(policy_set, each) in known)


def cluster_of(policy_set: PolicySet, workspace: str) -> str:
    """Return the ARN of the cluster that a workspace's workers belong into."""
    own = _own(policy_set, workspace)
    return own if workspace in apart(policy_set) else policy_set.named["compute/Cluster"]


def clusters(policy_set: PolicySet) -> tuple[str, ...]:
    """Return the ARNs of all clusters, the environment's first."""
    own = (_own(policy_set, each) for each in apart(policy_set))
    return (policy_set.named["compute/Cluster"], *own)


def in_each_cluster(policy_set: PolicySet, pattern: str) -> tuple[str, ...]:
    """Return a pattern once for each cluster's name where it says ``{cluster}``; else as it is."""
    if "{cluster}" not in pattern:
        return (pattern,)
    names = (arn.rpartition("/")[2] for arn in clusters(policy_set))
    return tuple(pattern.replace("{cluster}", name) for name in names)


def _own(policy_set: PolicySet, workspace: str) -> str:
    return f"{policy_set.named['compute/Cluster']}-{workspace}"
