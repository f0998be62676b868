"""What IAM and KMS hold: roles with their boundaries, policies and keys."""

from __future__ import annotations

from tests.local.parity.reading import Held, Properties, Services, document, reads, tags

__all__: list[str] = []


@reads("AWS::IAM::Role")
def role(aws: Services, ref: str, _asked: Properties) -> Held:
    found = aws["iam"].get_role(RoleName=ref)["Role"]
    attached = aws["iam"].list_attached_role_policies(RoleName=ref)["AttachedPolicies"]
    inline = aws["iam"].list_role_policies(RoleName=ref)["PolicyNames"]
    return {
        "AssumeRolePolicyDocument": document(found["AssumeRolePolicyDocument"]),
        "Description": found.get("Description", ""),
        "ManagedPolicyArns": [each["PolicyArn"] for each in attached],
        "MaxSessionDuration": found["MaxSessionDuration"],
        "Path": found["Path"],
        "PermissionsBoundary": found.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn"),
        "Policies": [
            {
                "PolicyName": name,
                "PolicyDocument": document(
                    aws["iam"].get_role_policy(RoleName=ref, PolicyName=name)["PolicyDocument"]
                ),
            }
            for name in inline
        ],
        "RoleName": found["RoleName"],
        "Tags": tags(aws["iam"].list_role_tags(RoleName=ref)["Tags"]),
    }


@reads("AWS::IAM::ManagedPolicy")
def managed_policy(aws: Services, ref: str, _asked: Properties) -> Held:
    found = aws["iam"].get_policy(PolicyArn=ref)["Policy"]
    version = aws["iam"].get_policy_version(PolicyArn=ref, VersionId=found["DefaultVersionId"])
    attached = aws["iam"].list_entities_for_policy(PolicyArn=ref, EntityFilter="Role")
    return {
        "Description": found.get("Description", ""),
        "ManagedPolicyName": found["PolicyName"],
        "Path": found["Path"],
        "PolicyDocument": document(version["PolicyVersion"]["Document"]),
        "Roles": [each["RoleName"] for each in attached["PolicyRoles"]],
    }


@reads("AWS::KMS::Key")
def key(aws: Services, ref: str, _asked: Properties) -> Held:
    kms = aws["kms"]
    found = kms.describe_key(KeyId=ref)["KeyMetadata"]
    rotation = kms.get_key_rotation_status(KeyId=ref)
    return {
        "Description": found["Description"],
        "Enabled": found["Enabled"],
        "EnableKeyRotation": rotation["KeyRotationEnabled"],
        "KeyPolicy": document(kms.get_key_policy(KeyId=ref)["Policy"]),
        "KeySpec": found["KeySpec"],
        "KeyUsage": found["KeyUsage"],
        "MultiRegion": found["MultiRegion"],
        "RotationPeriodInDays": rotation.get("RotationPeriodInDays"),
        "Tags": tags(kms.list_resource_tags(KeyId=ref)["Tags"]),
    }
