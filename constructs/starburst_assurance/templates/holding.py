"""What is lost with a resource that a deployment replaces or removes: one list, with the reasons.

The rule on removal, the refusals of ``deploy.up`` and the review of a commit read it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

__all__ = ["HELD", "LOSSES", "STATEFUL", "Held"]

Held = Literal["data", "messages", "place", "subscribers"]

LOSSES: Final[Mapping[Held, str]] = {
    "data": "no deployment brings back what it holds",
    "messages": "the messages that wait in it are lost",
    "place": "all that stands in it has to move",
    "subscribers": "everybody who hears of it has to confirm anew",
}
"""What its replacement costs."""

_DATA: Final = (
    "AWS::Athena::WorkGroup",
    "AWS::Backup::BackupVault",
    "AWS::Cassandra::Table",
    "AWS::CloudFormation::Stack",
    "AWS::CloudTrail::EventDataStore",
    "AWS::Cognito::UserPool",
    "AWS::DocDB::DBCluster",
    "AWS::DocDB::DBInstance",
    "AWS::DynamoDB::GlobalTable",
    "AWS::DynamoDB::Table",
    "AWS::EC2::Volume",
    "AWS::ECR::Repository",
    "AWS::EFS::FileSystem",
    "AWS::EMR::Cluster",
    "AWS::ElastiCache::CacheCluster",
    "AWS::ElastiCache::ReplicationGroup",
    "AWS::Elasticsearch::Domain",
    "AWS::FSx::FileSystem",
    "AWS::Glue::Database",
    "AWS::Glue::Table",
    "AWS::KMS::Key",
    "AWS::KMS::ReplicaKey",
    "AWS::Kinesis::Stream",
    "AWS::Logs::LogGroup",
    "AWS::MSK::Cluster",
    "AWS::MemoryDB::Cluster",
    "AWS::Neptune::DBCluster",
    "AWS::Neptune::DBInstance",
    "AWS::OpenSearchServerless::Collection",
    "AWS::OpenSearchService::Domain",
    "AWS::Organizations::Account",
    "AWS::QLDB::Ledger",
    "AWS::RDS::DBCluster",
    "AWS::RDS::DBInstance",
    "AWS::Redshift::Cluster",
    "AWS::RedshiftServerless::Namespace",
    "AWS::S3::Bucket",
    "AWS::S3Express::DirectoryBucket",
    "AWS::S3Tables::Table",
    "AWS::S3Tables::TableBucket",
    "AWS::SDB::Domain",
    "AWS::SecretsManager::Secret",
    "AWS::Timestream::Database",
    "AWS::Timestream::Table",
)

HELD: Final[Mapping[str, Held]] = {
    **dict.fromkeys(_DATA, "data"),
    "AWS::SQS::Queue": "messages",
    "AWS::EC2::Subnet": "place",
    "AWS::EC2::VPC": "place",
    "AWS::SNS::Topic": "subscribers",
}
"""What a resource holds, by its type; others hold nothing that a template does not say."""

STATEFUL: Final = tuple(kind for kind, held in HELD.items() if held in ("data", "messages"))
"""Types that hold what cannot be synthesized again."""
