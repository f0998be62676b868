"""Whether the local environment is installed."""

from __future__ import annotations

from starburst.errors import LocalEnvironmentError

from .finding import Finding
from .fixes import INSTALL_LOCAL

__all__ = ["look_at_local_extra"]


def look_at_local_extra() -> Finding:
    """Look for the emulator that the local environment is built on; nothing is started."""
    from starburst.local.emulator import check_version  # noqa: PLC0415 - slow to import

    try:
        check_version()
    except LocalEnvironmentError as error:
        return Finding(False, str(error).partition(". ")[0], INSTALL_LOCAL, "local")
    return Finding(True, "the local environment is installed", check="local")
