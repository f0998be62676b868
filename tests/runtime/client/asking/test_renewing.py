"""A login by itself: what counts as a new one, and how often it is looked for."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.credentials import Credentials

from starburst._client.access.renewal import Login

EXPIRED: Any = (None, {"Error": {"Code": "ExpiredToken"}})


class Profile:
    """Keys as they are read, one after the other, the last again and again; and a clock."""

    def __init__(self, *keys: Credentials) -> None:
        self.keys = list(keys)
        self.reads = 0
        self.now = 100.0
        self.login = Login(self.load(), load=self.load, clock=lambda: self.now)

    def load(self) -> Credentials:
        self.reads += 1
        return self.keys.pop(0) if len(self.keys) > 1 else self.keys[0]


@pytest.mark.parametrize(
    ("key", "token", "new"), [("A", "1", False), ("A", "2", True), ("B", "1", True)]
)
def test_another_key_or_another_token_is_a_new_login(key: str, token: str, new: bool) -> None:
    profile = Profile(Credentials("A", "s", "1"), Credentials(key, "s", token))
    assert profile.login.renew() is new
    assert profile.login.get_frozen_credentials().token == token


@pytest.mark.parametrize("token", ["1", "2"])
def test_threads_that_are_refused_at_once_read_the_profile_once(token: str) -> None:
    profile = Profile(Credentials("A", "s", "1"), Credentials("A", "s", token))
    for _ in range(3):
        assert profile.login.renew() is (token == "2")
    assert profile.reads == 1 + 1
    profile.now += 1
    assert not profile.login.renew(), "it is that login already"
    assert profile.reads == 1 + 2


def test_a_request_is_signed_anew_a_few_times_and_no_more() -> None:
    """A profile whose keys all have expired, and are other ones at each look."""
    profile = Profile(*(Credentials(str(n), "s", "t") for n in range(20)))
    sent = []
    for attempts in range(1, 10):
        profile.now += 2
        sent.append(profile.login.after_answer(response=EXPIRED, attempts=attempts))
    assert sent == [0.0] * 3 + [None] * 6
    other: Any = (None, {"Error": {"Code": "AccessDenied"}})
    assert profile.login.after_answer(response=other, attempts=1) is None
    assert profile.login.after_answer(response=None, attempts=1) is None
