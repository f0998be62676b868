"""The link from a task to the report of its session."""

from __future__ import annotations

from typing import Any, Final

from .releases import BaseOperatorLink, XCom

__all__ = ["LINK_KEY", "SessionLink"]

LINK_KEY: Final = "starburst_link"
"""The XCom by which a task tells where its link leads."""


class SessionLink(BaseOperatorLink):
    """A button that leads to the report of the task's session, where the task was given one."""

    name = "Starburst report"

    def get_link(self, operator: Any, *, ti_key: Any) -> str | None:  # noqa: ANN401 - of either
        """Return where the report is; None where there is none, so that no button is shown.

        Airflow 3 asks the task itself once it has run; Airflow 2 asks its web server, which has the
        task's XCom alone.
        """
        link: str | None
        if hasattr(operator, "link"):
            link = operator.link
        else:
            link = XCom.get_value(key=LINK_KEY, ti_key=ti_key)
        return link
