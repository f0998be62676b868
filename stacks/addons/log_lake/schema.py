"""Columns of the lake's tables and views: those of OCSF 1.1.0, in the types of Glue and of Athena.

1.1.0 is what Security Lake's second source version writes, so that what AWS publishes for it runs
here as well: https://docs.aws.amazon.com/security-lake/latest/userguide/subscriber-query-examples2.html.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

__all__ = ["LINES", "OCSF_VERSION", "PARTS", "TRAIL_FILES", "VIEWS", "WRITTEN", "as_athena"]

OCSF_VERSION: Final = "1.1.0"

Columns = Mapping[str, str]

PARTS: Final[Columns] = {"region": "string", "accountid": "string", "eventday": "string"}
"""Partitions, called as Security Lake calls them."""

_CLASS: Final[Columns] = {
    **dict.fromkeys(("activity_id", "category_uid", "class_uid", "severity_id"), "int"),
    **dict.fromkeys(("activity_name", "category_name", "class_name", "severity"), "string"),
    "type_uid": "bigint",
    "time": "bigint",
    "metadata": "struct<uid:string,version:string,profiles:array<string>,log_name:string,"
    "product:struct<name:string,vendor_name:string,feature:struct<name:string>>>",
    "cloud": "struct<provider:string,account:struct<uid:string>>",
    "unmapped": "map<string,string>",
}
"""What every event that Firehose writes has."""

_TIMES: Final[Columns] = {"start_time": "bigint", "end_time": "bigint"}
_ENDPOINT: Final = (
    "struct<ip:string,port:int,interface_uid:string,subnet_uid:string,vpc_uid:string>"
)

WRITTEN: Final[Mapping[str, Columns]] = {
    "flows": {
        **_CLASS,
        **_TIMES,
        "status": "string",
        "status_id": "int",
        "status_code": "string",
        "action_id": "int",
        "action": "string",
        "src_endpoint": _ENDPOINT,
        "dst_endpoint": _ENDPOINT,
        "connection_info": "struct<direction_id:int,direction:string,protocol_num:int,"
        "tcp_flags:int,protocol_ver_id:int>",
        "traffic": "struct<bytes:bigint,packets:bigint>",
    },
    "lines": {**_CLASS, "message": "string"},
    "tasks": {
        **_CLASS,
        **_TIMES,
        "duration": "bigint",
        "message": "string",
        "app": "struct<name:string,uid:string,vendor_name:string>",
    },
}
"""The tables that Firehose writes, as Parquet."""

_ISSUER: Final = (
    "struct<type:string,principalid:string,arn:string,accountid:string,username:string>"
)
TRAIL_FILES: Final[Columns] = {
    "eventversion": "string",
    "useridentity": "struct<type:string,principalid:string,arn:string,accountid:string,"
    "invokedby:string,accesskeyid:string,username:string,sessioncontext:struct<attributes:struct<"
    f"mfaauthenticated:string,creationdate:string>,sessionissuer:{_ISSUER}>>",
    **dict.fromkeys(
        (
            *("eventtime", "eventsource", "eventname", "awsregion", "sourceipaddress"),
            *("useragent", "errorcode", "errormessage", "requestparameters"),
            *("responseelements", "additionaleventdata", "requestid", "eventid", "readonly"),
        ),
        "string",
    ),
    "resources": "array<struct<arn:string,accountid:string,type:string>>",
    **dict.fromkeys(
        (
            *("eventtype", "apiversion", "recipientaccountid", "serviceeventdetails"),
            *("sharedeventid", "vpcendpointid", "eventcategory"),
        ),
        "string",
    ),
}
"""The trail's files, as CloudTrail writes them.

Source: https://docs.aws.amazon.com/athena/latest/ug/create-cloudtrail-table-partition-projection.html
"""

LINES: Final = (
    *("bucketowner", "bucket_name", "requestdatetime", "remoteip", "requester", "requestid"),
    *("operation", "key", "request_uri", "httpstatus", "errorcode", "bytessent", "objectsize"),
    *("totaltime", "turnaroundtime", "referrer", "useragent", "versionid", "hostid", "sigv"),
    *("ciphersuite", "authtype", "endpoint", "tlsversion", "accesspointarn", "aclrequired"),
)
"""Fields of a line of an access log, in their order.

Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/LogFormat.html
"""

_CALL: Final[Columns] = {
    **{name: kind for name, kind in _CLASS.items() if name not in ("cloud", "metadata")},
    "time_dt": "timestamp",
    "status": "string",
    "status_id": "int",
    "metadata": "struct<uid:string,version:string,profiles:array<string>,log_name:string,"
    "event_code:string,product:struct<name:string,vendor_name:string,"
    "feature:struct<name:string>>>",
    "cloud": "struct<provider:string,region:string,account:struct<uid:string>>",
    "api": "struct<operation:string,version:string,service:struct<name:string>,"
    "request:struct<uid:string,data:string>,"
    "response:struct<error:string,message:string,data:string>>",
    "actor": "struct<user:struct<type:string,uid:string,uid_alt:string,name:string,"
    "credential_uid:string,account:struct<uid:string>>,session:struct<issuer:string,"
    "is_mfa:boolean>,invoked_by:string>",
    "src_endpoint": "struct<ip:string,svc_name:string,uid:string>",
    "http_request": "struct<user_agent:string>",
    "resources": "array<struct<uid:string,type:string>>",
}
"""A call of an API, whichever log tells of it."""

VIEWS: Final[Mapping[str, Columns]] = {
    "cloudtrail": {**_CALL, **PARTS},
    "s3_access": _CALL,
    "vpc_flow": {
        **WRITTEN["flows"],
        **dict.fromkeys(("time_dt", "start_time_dt", "end_time_dt"), "timestamp"),
        **PARTS,
    },
    "worker_logs": {**WRITTEN["lines"], "time_dt": "timestamp", **PARTS},
    "sessions": {**WRITTEN["tasks"], "count": "int", "time_dt": "timestamp", **PARTS},
}
"""What people ask, by name; each of its rows is an event of OCSF, beside the partitions."""

_PLAIN: Final = {
    "string": "varchar",
    "int": "integer",
    "bigint": "bigint",
    "boolean": "boolean",
    "timestamp": "timestamp(3)",
}


def as_athena(kind: str) -> str:
    """Return a type of Glue as Athena's SQL calls it.

    Example:
        >>> as_athena("array<struct<uid:string,n:map<string,int>>>")
        'array(row("uid" varchar, "n" map(varchar, integer)))'
    """
    if kind in _PLAIN:
        return _PLAIN[kind]
    name, _, inner = kind.partition("<")
    parts = list(_split(inner[:-1]))
    if name == "struct":
        fields = (part.partition(":") for part in parts)
        return "row(" + ", ".join(f'"{one}" {as_athena(of)}' for one, _, of in fields) + ")"
    return f"{name}({', '.join(map(as_athena, parts))})"


def _split(text: str) -> Iterator[str]:
    """Yield what commas part that stand in no angle brackets."""
    depth = begin = 0
    for at, character in enumerate(text):
        depth += (character == "<") - (character == ">")
        if character == "," and not depth:
            yield text[begin:at]
            begin = at + 1
    yield text[begin:]
