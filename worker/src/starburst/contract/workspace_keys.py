"""The S3 keys of what a workspace keeps beside its sessions: packages, data, and homes."""

from __future__ import annotations

from dataclasses import dataclass

from .areas import DATA, HOME, PACKAGES

__all__ = ["WorkspaceKeys"]


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkspaceKeys:
    """S3 keys of one workspace, outside of sessions.

    Example:
        >>> keys = WorkspaceKeys(workspace="genomics")
        >>> keys.data, keys.home("alice")
        ('data/genomics/', 'home/genomics/alice/')
        >>> keys.package("0" * 64, 1)[-12:]
        '000000000.01'
    """

    workspace: str

    @property
    def packages(self) -> str:
        """Prefix of wheels."""
        return PACKAGES.prefix(self.workspace)

    def package(self, sha256: str, copy: int = 0) -> str:
        """Return the key of a wheel: its hash, and which copy of it.

        Keys here are written once, and S3 counts an object's age from its writing. So a wheel that
        is about to expire, and is wanted for longer, is written once more under the next number.
        """
        return f"{self.packages}{sha256}.{copy:02d}"

    @property
    def data(self) -> str:
        """Prefix of the workspace's data."""
        return DATA.prefix(self.workspace)

    def home(self, user: str) -> str:
        """Return the prefix of a user's own folder."""
        return HOME.prefix(self.workspace, user)
