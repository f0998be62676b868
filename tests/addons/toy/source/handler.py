"""What the toy does when its hour comes: it leaves a note of the event in its bucket."""

import json
import os

import boto3


def handle(event: dict, context: object) -> dict:
    """Write the event to ``notes/latest.json`` and say where it is."""
    bucket = os.environ["TOY_BUCKET"]
    note = {"word": os.environ["TOY_WORD"], "event": event}
    boto3.client("s3").put_object(Bucket=bucket, Key="notes/latest.json", Body=json.dumps(note))
    return {"bucket": bucket, "key": "notes/latest.json"}
