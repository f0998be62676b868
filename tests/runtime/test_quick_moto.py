"""The mock of AWS answers each request whole, as AWS does."""

from __future__ import annotations

import threading
from typing import Any

import moto.sqs.models
import pytest

from tests.quick_moto import quick_aws, quick_client


def test_a_message_is_received_by_one_of_two_who_ask_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    received: list[str] = []
    others: list[threading.Thread] = []
    mark = moto.sqs.models.Message.mark_received
    with quick_aws():
        sqs = quick_client("sqs", "eu-west-1")
        url = sqs.create_queue(QueueName="one")["QueueUrl"]
        sqs.send_message(QueueUrl=url, MessageBody="once")

        def ask() -> None:
            answer = sqs.receive_message(QueueUrl=url, VisibilityTimeout=600)
            received.extend(each["Body"] for each in answer.get("Messages", ()))

        def mark_late(message: Any, *given: Any, **named: Any) -> None:
            if not others:
                others.append(threading.Thread(target=ask))
                others[0].start()
                others[0].join(0.3)  # it has come to the queue, unless it has to wait for its turn
            mark(message, *given, **named)

        monkeypatch.setattr(moto.sqs.models.Message, "mark_received", mark_late)
        ask()
        others[0].join()
    assert received == ["once"]
