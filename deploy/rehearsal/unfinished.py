"""What a first day has deployed and not yet destroyed, in a file: a crash loses nothing."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from deploy.rehearsal.account import Refused

__all__ = ["Unfinished"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unfinished:
    """One throw-away environment that may be there.

    Attributes:
        environment: the chosen one's name.
        name: its own.
        account, region: where it is.
        workers: that it has room for.
    """

    environment: str
    name: str
    account: str
    region: str
    workers: int

    @staticmethod
    def path(folder: Path, environment: str) -> Path:
        """Return the file for a chosen environment: one first day at a time."""
        return folder / f"{environment}-unfinished.json"

    @classmethod
    def read(cls, folder: Path, environment: str) -> Self | None:
        """Return what an earlier first day left; None for nothing.

        Raises:
            Refused: the file cannot be read.
        """
        path = cls.path(folder, environment)
        try:
            return cls(**json.loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return None
        except (OSError, TypeError, ValueError) as error:
            raise Refused(
                f"{path} cannot be read ({error}), and it names an environment that may still "
                "cost money. Name that one: --destroy-only --name NAME"
            ) from error

    def write(self, folder: Path) -> None:
        """Write it down, over its own earlier word."""
        folder.mkdir(parents=True, exist_ok=True)
        path = self.path(folder, self.environment)
        beside = path.with_suffix(".new")
        beside.write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf-8")
        beside.replace(path)

    def remove(self, folder: Path) -> None:
        """Forget it: all of it is gone."""
        self.path(folder, self.environment).unlink(missing_ok=True)
