"""Ask a policy about the object, the queue and the function version that a request acts on.

Stock leaves empty parts of an object's key out of its ARN (``a//b`` is asked about as ``a/b``),
takes a queue's name from the end of the URL's query where the service takes it from the path, and
forgets a function's ``Qualifier``.
"""

from __future__ import annotations

from typing import Any

from .bodies import json_object
from .patching import Function, Patch, module, wrap

__all__ = ["PATCH"]


def _apply() -> None:
    actions = module("core.iam_actions")

    def queue(body: bytes, *, region: str, account: str) -> str:
        url = json_object(body).get("QueueUrl")
        if not isinstance(url, str) or not url:
            return ""
        owner, name = module("services.sqs")._queue_ref_from_urlish(url)
        return f"arn:aws:sqs:{region}:{owner or account}:{name}"

    def make(original: Function) -> Function:
        def extract(*args: Any, **kwargs: Any) -> Any:
            service, _, path, _, body, query, region, account = args
            if service == "s3":
                bucket, _, key = path[1:].partition("/")
                return f"arn:aws:s3:::{bucket}/{key}" if key else original(*args, **kwargs)
            if service == "sqs" and (found := queue(body, region=region, account=account)):
                return found
            found = original(*args, **kwargs)
            qualifier = actions._query_param(query, "Qualifier") if service == "lambda" else ""
            return f"{found}:{qualifier}" if qualifier else found

        return extract

    wrap(actions, "extract_resource_arn", make)


PATCH = Patch(
    name="resources",
    stock="asks about another object, queue or function version than the one that it acts on",
    apply=_apply,
)
