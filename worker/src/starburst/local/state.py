"""The file by which other processes of the same user find a running local environment."""

from __future__ import annotations

import json
import os
import stat
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

from starburst.errors import LocalEnvironmentError

from .emulator import STATE_VARIABLE

__all__ = ["State"]


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """Where a local environment is, and the key that is root there.

    Attributes:
        endpoint: ``https://127.0.0.1:<port>``.
        ca_bundle: file to verify its certificate with.
        region: its one region.
        account: its one account.
        root_key: root's access key id.
        root_secret: its secret; who has it owns the environment.
        owner: process that runs it, and stops it when it ends.
        strict: whether its workers see only what AWS's would.
    """

    endpoint: str
    ca_bundle: str
    region: str
    account: str
    root_key: str
    root_secret: str
    owner: int
    strict: bool = False

    def write(self, path: Path) -> None:
        """Write it so that nobody else can read it, and never half of it."""
        path.parent.mkdir(parents=True, exist_ok=True)
        # In a folder that others write to, a name that they could foresee could be their link.
        descriptor, scratch = tempfile.mkstemp(prefix=f"{path.name}.", dir=path.parent)
        try:
            with os.fdopen(descriptor, "w") as file:
                json.dump(asdict(self), file, indent=2)
            Path(scratch).replace(path)
        except BaseException:
            Path(scratch).unlink(missing_ok=True)
            raise

    @classmethod
    def read(cls, path: Path) -> State:
        """Read it.

        Raises:
            LocalEnvironmentError: there is no such file, it holds something else, or others could
                have written it: they would be the environment then.
        """
        try:
            with path.open() as file:
                found = os.fstat(file.fileno())
                if found.st_uid != os.geteuid() or stat.S_IMODE(found.st_mode) & 0o077:
                    raise LocalEnvironmentError(
                        f"{path} is not this user's alone: start a local environment of your own, "
                        "whose state file nobody else can read or write"
                    )
                return cls(**json.load(file))
        except FileNotFoundError as error:
            raise LocalEnvironmentError(
                f"there is no local environment: {path} does not exist. Start the one that "
                f"writes it, or unset {STATE_VARIABLE} to get one of your own"
            ) from error
        except (OSError, TypeError, ValueError) as error:
            raise LocalEnvironmentError(
                f"{path} is no state file of a local environment: {error}"
            ) from error
