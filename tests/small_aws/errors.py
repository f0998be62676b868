"""How each service of AWS words an error on the wire, read by botocore's own parsers."""

from __future__ import annotations

import functools
import json
from typing import Any, Final

import botocore.session
from botocore.exceptions import ClientError
from botocore.model import ServiceModel
from botocore.parsers import create_parser

__all__ = ["AwsError", "client_error", "denial", "throttling"]

_DENIED: Final = {
    "ec2": ("UnauthorizedOperation", 403),
    "s3": ("AccessDenied", 403),
    **dict.fromkeys(("autoscaling", "cloudformation", "iam", "sts"), ("AccessDenied", 403)),
    "lambda": ("AccessDeniedException", 403),
}
_THROTTLED: Final = {
    "ec2": ("RequestLimitExceeded", 503),
    "lambda": ("TooManyRequestsException", 429),
    "s3": ("SlowDown", 503),
    **dict.fromkeys(("autoscaling", "cloudformation", "iam", "sts"), ("Throttling", 400)),
}
"""Codes where a service has its own; the services of JSON share theirs."""


class AwsError(Exception):
    """What a service answers instead of a result."""

    def __init__(self, code: str, said: str, status: int = 400) -> None:
        super().__init__(f"{code}: {said}")
        self.code, self.said, self.status = code, said, status


def denial(service: str, operation: str) -> AwsError:
    """Return what IAM makes the service say to a caller without the permission."""
    code, status = _DENIED.get(service, ("AccessDeniedException", 400))
    return AwsError(code, f"User is not authorized to perform: {service}:{operation}", status)


def throttling(service: str) -> AwsError:
    """Return what the service says when it is asked too often."""
    code, status = _THROTTLED.get(service, ("ThrottlingException", 400))
    return AwsError(code, "Rate exceeded", status)


def client_error(client: Any, service: str, operation: str, error: AwsError) -> ClientError:
    """Return an error as the client of this service raises it."""
    model = _model(service)
    status, body, headers = error.status, *_wire(model.resolved_protocol, error)
    shape: Any = model.operation_model(operation).output_shape
    answer = {"status_code": status, "body": body.encode(), "headers": headers}
    parsed: Any = create_parser(model.resolved_protocol).parse(answer, shape)
    kind: type[ClientError] = client.exceptions.from_code(parsed["Error"]["Code"])
    return kind(parsed, operation)


@functools.cache
def _model(service: str) -> ServiceModel:
    return botocore.session.get_session().get_service_model(service)


def _wire(protocol: str, error: AwsError) -> tuple[str, dict[str, str]]:
    inner = f"<Code>{error.code}</Code><Message>{error.said}</Message>"
    if protocol == "rest-xml":
        return f"<Error>{inner}<RequestId>1</RequestId></Error>", {"x-amz-request-id": "1"}
    if protocol == "query":
        kind = f"<Error><Type>Sender</Type>{inner}</Error>"
        return f"<ErrorResponse>{kind}<RequestId>1</RequestId></ErrorResponse>", {}
    if protocol == "ec2":
        kind = f"<Errors><Error>{inner}</Error></Errors>"
        return f"<Response>{kind}<RequestID>1</RequestID></Response>", {}
    headers = {"x-amzn-requestid": "1", "x-amzn-errortype": error.code}
    return json.dumps({"__type": error.code, "message": error.said}), headers
