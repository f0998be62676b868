"""What a workspace's settings leave to whom, beside sessions; no policy is asked for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["Sharing"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sharing:
    """Who writes packages and data of a workspace, and whether links lead into homes.

    Attributes:
        packages: purposes of the roles that put wheels there.
        data: purposes of those that write data.
        links: whether a signed address may read what is in a home.
    """

    packages: tuple[str, ...] = ()
    data: tuple[str, ...] = ("steward",)
    links: bool = False

    @classmethod
    def of(cls, workspace: Any) -> Sharing:
        """Return what settings say.

        Example:
            >>> from types import SimpleNamespace
            >>> Sharing.of(
            ...     SimpleNamespace(packages="allowed", data_writers="analysts", home_links=False)
            ... )
            Sharing(packages=('steward',), data=('analyst', 'steward'), links=False)
        """
        wheels = {"image": (), "allowed": ("steward",), "any": ("analyst", "steward")}
        data = {"steward": ("steward",), "analysts": ("analyst", "steward")}
        return cls(
            packages=wheels[workspace.packages],
            data=data[workspace.data_writers],
            links=workspace.home_links,
        )
