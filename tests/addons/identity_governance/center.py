"""Organizations, Identity Center and STS on loopback: the services that the emulator lacks."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

ADA = {"UserId": "u-1", "UserName": "ada", "Emails": [{"Value": "Ada@example.com"}]}
EVIL = {"UserId": "u-2", "UserName": "=1+1", "Emails": [{"Value": "ada@EXAMPLE.com"}]}
STS = (
    '<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult>'
    "<Credentials><AccessKeyId>{account}</AccessKeyId><SecretAccessKey>s</SecretAccessKey>"
    "<SessionToken>t</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials>"
    "</AssumeRoleResult></AssumeRoleResponse>"
)
REFUSED = (
    "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>no</Message>"
    "</Error></ErrorResponse>"
)


@dataclass(kw_only=True)
class Center:
    """Two instances in an organization of three accounts, of which one refuses.

    Attributes:
        own: the account whose role reads.
        throttled: how many calls are still to be throttled, each of another kind.
        calls: what was asked.
    """

    own: str
    throttled: set[str] = field(default_factory=lambda: {"ListUsers"})
    calls: list[str] = field(default_factory=list)

    @property
    def management(self) -> str:
        return "999900001111"

    @property
    def closed(self) -> str:
        return "999900002222"

    def instances(self, account: str) -> list[Mapping[str, Any]]:
        """The organization's, and its own of an account."""
        owners = dict.fromkeys((self.management, account))
        return [
            {
                "InstanceArn": f"arn:aws:sso:::instance/ssoins-{owner}",
                "IdentityStoreId": f"d-{owner[:10]}",
                "OwnerAccountId": owner,
                "Status": "ACTIVE",
            }
            for owner in owners
        ]

    def answer(  # noqa: PLR0911 - one answer for each call
        self, call: str, account: str, body: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        """Return what a service of JSON says; two users share an address."""
        match call:
            case "DescribeOrganization":
                return {"Organization": {"MasterAccountId": self.management}}
            case "ListAccounts" if "NextToken" not in body:
                # Organizations says of itself that a page may be empty, and others follow.
                return {"Accounts": [], "NextToken": "more"}
            case "ListAccounts":
                accounts = (self.own, self.management, self.closed)
                return {"Accounts": [{"Id": one, "State": "ACTIVE"} for one in accounts]}
            case "ListInstances":
                return {"Instances": self.instances(account)}
            case "ListUsers":
                user = EVIL if body["IdentityStoreId"].endswith(self.own[:10]) else ADA
                return {"Users": [user]}
            case "ListApplications":
                return {
                    "Applications": [
                        {"ApplicationArn": f"{body['InstanceArn']}/apl-1", "Name": "wiki"}
                    ]
                }
            case "ListApplicationAssignments":
                return {
                    "ApplicationAssignments": [{"PrincipalType": "GROUP", "PrincipalId": "g-1"}]
                }
            case "ListGroups":
                return {"Groups": [{"GroupId": "g-1", "DisplayName": "team"}]}
            case "ListGroupMemberships":
                return {"GroupMemberships": [{"MemberId": {"UserId": "u-1"}}]}
            case "GetApplicationAssignmentConfiguration":
                return {"AssignmentRequired": True}
        raise AssertionError(call)


@contextmanager
def serving(center: Center) -> Iterator[str]:
    """Serve on loopback; yield the address."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            target = self.headers.get("X-Amz-Target")
            if target is None:
                account = parse_qs(body.decode())["RoleArn"][0].split(":")[4]
                let = account != center.closed
                self._send(200 if let else 403, (STS if let else REFUSED).format(account=account))
                return
            call = target.rpartition(".")[2]
            center.calls.append(call)
            if call in center.throttled:
                center.throttled.discard(call)
                self._send(400, json.dumps({"__type": "ThrottlingException", "message": "slow"}))
                return
            account = self.headers["Authorization"].partition("Credential=")[2].partition("/")[0]
            self._send(200, json.dumps(center.answer(call, account, json.loads(body))))

        def _send(self, status: int, text: str) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, format: str, *args: Any) -> None:
            del format, args

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
