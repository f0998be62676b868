"""What officers' commands ask first: parameters, the trail, the controller, and who they are."""

from __future__ import annotations

from typing import Any

from tests.incident.environments import AUDIT, DOCUMENT, LOGS_KEY

__all__ = ["ControllerLambda", "OneTrail", "OurParameters", "SomebodySts"]

ARN = "arn:aws:sts::222233334444:assumed-role/security/ada"


class OurParameters:
    def get_parameter(self, *, Name: str) -> dict[str, Any]:
        assert Name == "/starburst/prod/runtime"
        return {"Parameter": {"Value": DOCUMENT.to_json()}}


class OneTrail:
    def get_trail(self, *, Name: str) -> dict[str, Any]:
        assert Name == "starburst-prod"
        return {"Trail": {"S3BucketName": AUDIT, "KmsKeyId": LOGS_KEY}}


class SomebodySts:
    def get_caller_identity(self) -> dict[str, Any]:
        return {"Account": "222233334444", "Arn": ARN}


class ControllerLambda:
    def __init__(self, **variables: str) -> None:
        self.variables = variables

    def get_function_configuration(self, *, FunctionName: str) -> dict[str, Any]:
        assert FunctionName == "starburst-prod-controller"
        return {"Environment": {"Variables": self.variables}}
