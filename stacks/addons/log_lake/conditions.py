"""The conditions of the trail's alarms as SQL over the lake: what rang is found again, for years.

An alarm's filter is a pattern of CloudWatch Logs on an event's fields; a query asks the same of
``cloudtrail``. So neither can know of an attack that the other does not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

__all__ = ["ConditionError", "as_sql"]

_TOKEN: Final = re.compile(
    r"\s*(?:(?P<sign>&&|\|\||[()])|\$\.(?P<path>[\w.\[\]-]+) "
    r'(?P<operator>=|!=|NOT EXISTS)(?: "(?P<wanted>[^"]*)")?)'
)
_SPECIAL: Final = re.compile(r"(?P<token>\$\{Token\[[^]]+\]\})|[!%_*]")
_SIGNS: Final[Mapping[str, str]] = MappingProxyType({"&&": " AND ", "||": " OR "})

_COLUMNS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "awsRegion": "cloud.region",
        "errorCode": "api.response.error",
        "errorMessage": "api.response.message",
        "eventCategory": "metadata.product.feature.name",
        "eventName": "api.operation",
        "eventSource": "api.service.name",
        "eventType": "metadata.event_code",
        "sourceIPAddress": "coalesce(src_endpoint.ip, src_endpoint.svc_name)",
        "userIdentity.arn": "actor.user.uid",
        "userIdentity.invokedBy": "actor.invoked_by",
        "userIdentity.sessionContext.sessionIssuer.arn": "actor.session.issuer",
        "userIdentity.type": "actor.user.type",
    }
)
_DOCUMENTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "requestParameters": "api.request.data",
        "responseElements": "api.response.data",
        "serviceEventDetails": "unmapped['serviceEventDetails']",
    }
)
"""Where the rest of an event stands, as JSON."""


class ConditionError(ValueError):
    """A pattern asks for what no column holds; nothing was synthesized."""


def as_sql(pattern: str) -> str:
    """Return a pattern on fields as a condition of SQL.

    Raises:
        ConditionError: it is no such pattern, or a field has no column.

    Example:
        >>> as_sql('{ ($.eventName = "Put*") && ($.errorCode NOT EXISTS) }')
        "(api.operation LIKE 'Put%' ESCAPE '!') AND (api.response.error IS NULL)"
    """
    inner = pattern.strip()
    if not (inner.startswith("{") and inner.endswith("}")):
        raise ConditionError(f"{pattern!r:.80} is no condition on fields")
    return "".join(_parts(inner[1:-1].strip()))


def _parts(text: str) -> Iterator[str]:
    at = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise ConditionError(f"{text[at : at + 80]!r} cannot be asked in SQL")
        yield _SIGNS.get(found["sign"], found["sign"]) if found["sign"] else _term(found)
        at = found.end()


def _term(found: re.Match[str]) -> str:
    field, operator, wanted = _field(found["path"]), found["operator"], found["wanted"]
    if operator == "NOT EXISTS":
        return f"{field} IS NULL"
    if wanted is None:
        raise ConditionError(f"{found[0].strip()!r} lacks a text")
    if wanted == "*":
        return f"{field} IS {'NOT ' if operator == '=' else ''}NULL"
    text = wanted.replace("'", "''")
    # Of what is not there SQL, like CloudWatch, finds neither that it is something nor not.
    if "*" not in wanted:
        return f"{field} {'=' if operator == '=' else '<>'} '{text}'"
    like = "LIKE" if operator == "=" else "NOT LIKE"
    return f"{field} {like} '{_SPECIAL.sub(_escaped, text)}' ESCAPE '!'"


def _escaped(found: re.Match[str]) -> str:
    """Return what stands for itself in LIKE; a name that CloudFormation fills in stays as it is."""
    if found["token"]:
        return found["token"]
    return "%" if found[0] == "*" else f"!{found[0]}"


def _field(path: str) -> str:
    if path in _COLUMNS:
        return _COLUMNS[path]
    document, _, rest = path.partition(".")
    if document not in _DOCUMENTS or not rest:
        raise ConditionError(f"no column of the lake holds {path}; name one in conditions.py")
    steps = re.findall(r"[\w-]+", rest)
    inner = "".join(f"[{step}]" if step.isdigit() else f'["{step}"]' for step in steps)
    return f"json_extract_scalar({_DOCUMENTS[document]}, '${inner}')"
