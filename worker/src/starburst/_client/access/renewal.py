"""A login that is read anew: the person's profile once more, when AWS calls what it held expired.

boto3 reads the keys of a profile once. Tools that log in by SAML write new keys into the same
profile, and a program that began with the old ones would never see them.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

import boto3
import botocore.session
from botocore.exceptions import BotoCoreError, ClientError

from starburst.aws.calls import EXPIRED

if TYPE_CHECKING:
    from botocore.credentials import Credentials, ReadOnlyCredentials

__all__ = ["Login", "renewing_session"]

_FRESH_SECONDS: Final = 1.0
"""Threads that are refused at once read the profile once."""

_TRIES: Final = 3

Load = Callable[[], "Credentials | None"]


def renewing_session(profile: str | None, region: str | None) -> boto3.session.Session:
    """Return a session of boto3's whose clients read the person's login again when it has ended.

    Args:
        profile: its name; None for what the environment says.
        region: likewise.
    """

    def load() -> Credentials | None:
        return boto3.session.Session(profile_name=profile).get_credentials()

    core = botocore.session.Session()
    core.register_component("credential_provider", _Provider(core, load))
    return boto3.session.Session(botocore_session=core, profile_name=profile, region_name=region)


class _Provider:
    """Stands where botocore looks for credentials."""

    def __init__(self, core: botocore.session.Session, load: Load) -> None:
        self._core = core
        self._load = load

    def load_credentials(self) -> Login | None:
        """Return the login, or None where there is none."""
        found = self._load()
        if found is None:
            return None
        login = Login(found, load=self._load)
        again: Any = login.after_answer  # its type says that no handler answers, but these do
        self._core.register("needs-retry", again)
        return login


class Login:
    """Credentials, as botocore's signers ask for them.

    Args:
        held: what was read.
        load: reads it again.
        clock: seconds that never go back.
    """

    def __init__(
        self, held: Credentials, *, load: Load, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._held = held
        self._load = load
        self._clock = clock
        self._read = float("-inf")
        self._changed = False
        self._lock = threading.Lock()

    def get_frozen_credentials(self) -> ReadOnlyCredentials:
        """Return keys to sign with; those of a role may have to be fetched with a newer login."""
        try:
            return self._held.get_frozen_credentials()
        except (BotoCoreError, ClientError):
            if not self.renew():
                raise
            return self._held.get_frozen_credentials()

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever else botocore asks of it
        if name == "_held":  # of a copy that is not made yet
            raise AttributeError(name)
        return getattr(self._held, name)

    def after_answer(
        self, *, response: tuple[Any, Mapping[str, Any]] | None, attempts: int, **_: Any
    ) -> float | None:
        """Have botocore send a request again, signed anew, where AWS calls its login expired."""
        if response is None or attempts > _TRIES:
            return None
        code = response[1].get("Error", {}).get("Code", "")
        return 0.0 if code in EXPIRED and self.renew() else None

    def renew(self) -> bool:
        """Read the login again; whether there is another one."""
        with self._lock:
            if self._clock() - self._read < _FRESH_SECONDS:
                return self._changed
            old, self._changed = _key(self._held), False
            try:
                found = self._load()
            # Its file is being written, or the process that gives keys prints none at this moment.
            except (BotoCoreError, ClientError, OSError, ValueError):
                found = None
            if found is not None and _key(found) not in (None, old):
                self._held, self._changed = found, True
            self._read = self._clock()
            return self._changed


def _key(held: Credentials) -> tuple[str | None, str | None] | None:
    """Return what tells a login from the next; None where it cannot be used."""
    try:
        keys = held.get_frozen_credentials()
    except (BotoCoreError, ClientError):
        return None
    return keys.access_key, keys.token
