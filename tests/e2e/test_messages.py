"""What stolen worker credentials can do with the messages of another user's session."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import starburst
from starburst.local import LocalEnvironment
from tests.session_internals import flush, queue_url


def square_later(task: tuple[str, int]) -> int:
    path, x = task
    while not Path(path).exists():
        time.sleep(0.02)
    return x * x


def test_a_forged_message_chooses_which_signed_chunk_runs_and_no_more(
    local_environment: LocalEnvironment, worker: Any, tmp_path: Path
) -> None:
    go = tmp_path / "go"
    with starburst.session(
        user="victim", workspace="demo", workers=1, cpu=0.25, memory=0.5
    ) as session:
        # The honest worker is busy with one chunk; the others wait for the next receiver.
        futures = session.map(square_later, [(str(go), x) for x in range(8)])
        flush(session)
        thief, url = worker("sqs"), queue_url(session)
        taken = thief.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=5)
        for message in taken["Messages"]:
            body = json.loads(message["Body"])
            pack, offset, length = body["at"]
            for at in ([pack, offset + 1, length], [pack, 10**9, length]):
                forged = json.dumps({**body, "at": at, "inline": None})
                thief.send_message(QueueUrl=url, MessageBody=forged)
            thief.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        go.touch()
        assert [future.result(timeout=60) for future in futures] == [x * x for x in range(8)]
