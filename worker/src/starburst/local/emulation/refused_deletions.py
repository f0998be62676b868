"""Keep a stack's bucket that holds objects, and its cluster that runs tasks, as AWS does.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteBucket.html (all versions must be deleted)
https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeleteCluster.html
(``ClusterContainsTasksException``)
"""

from __future__ import annotations

from typing import Any

from .patching import Patch, module

__all__ = ["PATCH"]


def _apply() -> None:
    handlers = module("services.cloudformation.provisioners")._RESOURCE_HANDLERS
    s3, ecs = module("services.s3"), module("services.ecs")
    bucket, cluster = handlers["AWS::S3::Bucket"], handlers["AWS::ECS::Cluster"]
    drop_bucket, drop_cluster = bucket["delete"], cluster["delete"]

    def delete_bucket(name: str, properties: dict[str, Any]) -> None:
        found = s3._buckets.get(name)
        if found is not None and (found["objects"] or s3._bucket_has_versions(name)):
            raise RuntimeError(
                "The bucket you tried to delete is not empty. You must delete all versions in the "
                "bucket. (Service: S3, Status Code: 409)"
            )
        drop_bucket(name, properties)

    def delete_cluster(name: str, properties: dict[str, Any]) -> None:
        if any(_runs(task, name) for task in ecs._tasks.values()):
            raise RuntimeError(
                "The Cluster cannot be deleted while Tasks are active. (Service: AmazonECS; "
                "Status Code: 400; Error Code: ClusterContainsTasksException)"
            )
        drop_cluster(name, properties)

    bucket["delete"], cluster["delete"] = delete_bucket, delete_cluster


def _runs(task: dict[str, Any], cluster: str) -> bool:
    name = cluster.rpartition("/")[2]
    theirs = str(task.get("clusterArn", "")).rpartition("/")[2] == name
    return theirs and task.get("lastStatus") != "STOPPED"


PATCH = Patch(
    name="refused_deletions",
    stock="deletes a bucket with its objects, and a cluster with its tasks, when their stack goes",
    apply=_apply,
)
