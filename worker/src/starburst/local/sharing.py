"""One local environment for several processes: start it, find it, and pass it on."""

from __future__ import annotations

import atexit
import contextlib
import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from starburst.errors import LocalEnvironmentError

from .deploy_templates import deploy_templates
from .emulator import STATE_VARIABLE, STRICT_VARIABLE
from .environment import LocalEnvironment, started
from .server import read_json
from .state import State

__all__ = ["attach", "current", "endpoint", "ensure", "share"]

_ANSWER_SECONDS = 10.0


def current() -> LocalEnvironment | None:
    """Return the running environment that ``STARBURST_LOCAL_STATE`` names; None if it is unset.

    Raises:
        LocalEnvironmentError: the variable is set, and nothing runs there.
    """
    name = os.environ.get(STATE_VARIABLE)
    return attach(Path(name)) if name else None


def attach(path: Path) -> LocalEnvironment:
    """Return the running environment that wrote a state file.

    Raises:
        LocalEnvironmentError: there is no such file, or nothing runs there.
    """
    state = State.read(path)
    try:
        read_json(
            f"{state.endpoint}/_starburst/ready",
            ca_bundle=state.ca_bundle,
            timeout=_ANSWER_SECONDS,
        )
    except (OSError, ValueError) as error:
        raise LocalEnvironmentError(
            f"the local environment of {path} does not answer ({error}): start it again, "
            f"or unset {STATE_VARIABLE} to get one of your own"
        ) from error
    return LocalEnvironment.of(state)


def endpoint() -> str:
    """Return the URL of the local environment that runs for this process.

    It is the one that ``STARBURST_LOCAL_STATE`` names, as within ``starburst local -- CMD``, and
    otherwise the one that this process started last. Nothing is started.

    Raises:
        LocalEnvironmentError: there is none; the message says how to get one.

    Example::

        from starburst.local import endpoint, ensure

        ensure()
        print(endpoint())  # https://127.0.0.1:40123
    """
    shared = current()
    if shared is not None:
        return shared.endpoint
    own = started()
    if not own:
        raise LocalEnvironmentError(
            "no local environment runs for this process: start one with starburst.local.ensure(), "
            "or run the command within one, with: starburst local -- COMMAND"
        )
    return own[-1].endpoint


_lock = threading.Lock()
_own: list[LocalEnvironment] = []


def ensure(*, unkind: int | None = None, strict: bool | None = None) -> LocalEnvironment:
    """Return a deployed local environment: the shared one, or one of this process.

    The shared one is named by ``STARBURST_LOCAL_STATE``. One of this process is started at the
    first call, gets the stacks that this package carries, and stops when the process ends.

    Args:
        unkind: a seed: what is started here is then as unkind as AWS documents itself to be.
        strict: have workers see what AWS's would: the packages of an image and those that travel,
            and the memory that they have. None for what ``STARBURST_LOCAL_STRICT`` says: 1 for yes.

    Raises:
        LocalEnvironmentError: it did not start or deploy, or one that is not strict runs already.
    """
    wanted = os.environ.get(STRICT_VARIABLE) == "1" if strict is None else strict
    shared = current()
    if shared is not None:
        return _agreed(shared, wanted)
    with _lock:
        if not _own:
            local = LocalEnvironment(unkind=unkind, strict=wanted)
            local.start()
            try:
                deploy_templates(local)
                local.begin_unkindness()
            except BaseException:
                local.stop()
                raise
            _own.append(local)
            atexit.register(_stop_own)
        return _agreed(_own[0], wanted)


def _agreed(running: LocalEnvironment, strict: bool) -> LocalEnvironment:
    """Refuse one that shows what AWS would not where the opposite was asked for."""
    if strict and not running.strict:
        raise LocalEnvironmentError(
            "the local environment that runs for this process is not strict: end it and start it "
            "with `starburst local --strict`, or ask for strict=True before anything else starts it"
        )
    return running


def _stop_own() -> None:
    with _lock, contextlib.suppress(LocalEnvironmentError):
        while _own:
            _own.pop().stop()


@contextmanager
def share(local: LocalEnvironment | None = None) -> Iterator[dict[str, str]]:
    """Yield the variables that let other processes of this user find a local environment.

    Args:
        local: a deployed environment; the one of :func:`ensure` by default.

    Example::

        with share() as variables:
            subprocess.run(["python", "analysis.py"], env={**os.environ, **variables})
    """
    shared = ensure() if local is None else local
    with tempfile.TemporaryDirectory(prefix="starburst-") as folder:
        path = Path(folder) / "state.json"
        shared.write_state(path)
        yield {STATE_VARIABLE: str(path)}
