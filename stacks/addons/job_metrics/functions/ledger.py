"""The ledger in DynamoDB: each worker and session once, and which hours are to be written anew.

A row is keyed by its hour and its name, and written on the condition that it is not there or that
what is there is older. So an event that comes twice, or late, changes nothing. An hour is marked
after its rows are in; who writes the hour's file takes the mark away only if nobody has set it
again, so that no row is left out.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from botocore.exceptions import ClientError

__all__ = ["Ledger", "Mark"]

_REFUSED: Final = "ConditionalCheckFailedException"
_MARKS: Final = "hours to write"
_STATE: Final = "state"

Row = dict[str, Any]
Outcome = Literal["new", "newer", "known"]


@dataclass(frozen=True, kw_only=True)
class Mark:
    """An hour of a table that is to be written anew.

    Attributes:
        table: of the lake.
        hour: such as ``2026-11-30T22``.
        stamp: of who set it last.
    """

    table: str
    hour: str
    stamp: str


class Ledger:
    """The rows of one environment.

    Args:
        client: of DynamoDB.
        table: its name.
        days: that a row is kept, at least; DynamoDB deletes it some time after.
    """

    def __init__(self, client: Any, table: str, *, days: int) -> None:  # noqa: ANN401 - boto3's
        self._client, self._table, self._seconds = client, table, days * 86_400

    def enter(self, table: str, hour: str, name: str, *, version: int, row: Row) -> Outcome:
        """Enter a row once.

        Args:
            table: of the lake.
            hour: that it counts for.
            name: by which it is known: a task's ARN, or a session's id.
            version: of what is told; an older one changes nothing.
            row: its columns.

        Returns:
            Whether it was new, newer than what was there, or known.
        """
        item = {
            "pk": {"S": f"{table}#{hour}"},
            "sk": {"S": name},
            "version": {"N": str(version)},
            "row": {"S": json.dumps(row, separators=(",", ":"))},
            "expires": {"N": str(int(time.time()) + self._seconds)},
        }
        try:
            answer = self._client.put_item(
                TableName=self._table,
                Item=item,
                ConditionExpression="attribute_not_exists(pk) OR version < :version",
                ExpressionAttributeValues={":version": item["version"]},
                ReturnValues="ALL_OLD",
            )
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") != _REFUSED:
                raise
            return "known"
        return "newer" if answer.get("Attributes") else "new"

    def mark(self, table: str, hour: str) -> None:
        """Have an hour written anew; after its rows are in, never before."""
        stamp = f"{time.time_ns()}-{uuid.uuid4().hex}"
        self._put(_MARKS, f"{table}#{hour}", {"stamp": stamp})

    def marks(self) -> Iterator[Mark]:
        """Yield the hours that are to be written, the earliest of each table first."""
        for item in self._query(_MARKS):
            table, _, hour = item["sk"]["S"].partition("#")
            yield Mark(table=table, hour=hour, stamp=json.loads(item["row"]["S"])["stamp"])

    def settle(self, mark: Mark) -> None:
        """Take a mark away, unless it was set again meanwhile."""
        try:
            self._client.delete_item(
                TableName=self._table,
                Key={"pk": {"S": _MARKS}, "sk": {"S": f"{mark.table}#{mark.hour}"}},
                ConditionExpression="#row = :row",
                ExpressionAttributeNames={"#row": "row"},
                ExpressionAttributeValues={":row": {"S": json.dumps({"stamp": mark.stamp})}},
            )
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") != _REFUSED:
                raise

    def rows(self, table: str, hour: str) -> Iterator[Row]:
        """Yield the rows of an hour, a page at a time, as they are when it is read."""
        for item in self._query(f"{table}#{hour}"):
            yield json.loads(item["row"]["S"])

    def recall(self, name: str) -> Mapping[str, Any]:
        """Return what was remembered under a name; nothing where there was none."""
        found = self._client.get_item(
            TableName=self._table,
            Key={"pk": {"S": _STATE}, "sk": {"S": name}},
            ConsistentRead=True,
        ).get("Item")
        remembered: Mapping[str, Any] = json.loads(found["row"]["S"]) if found else {}
        return remembered

    def remember(self, name: str, what: Mapping[str, Any]) -> None:
        """Remember something beside the rows."""
        self._put(_STATE, name, what)

    def _put(self, key: str, name: str, what: Mapping[str, Any]) -> None:
        row = {"S": json.dumps(what)}
        item = {"pk": {"S": key}, "sk": {"S": name}, "row": row}
        self._client.put_item(TableName=self._table, Item=item)

    def _query(self, key: str) -> Iterator[Mapping[str, Any]]:
        more: dict[str, Any] = {}
        while True:
            page = self._client.query(
                TableName=self._table,
                KeyConditionExpression="pk = :key",
                ExpressionAttributeValues={":key": {"S": key}},
                ConsistentRead=True,
                **more,
            )
            yield from page["Items"]
            if "LastEvaluatedKey" not in page:
                return
            more = {"ExclusiveStartKey": page["LastEvaluatedKey"]}
