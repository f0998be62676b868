"""The indexes that a person has set up for uv and pip, and their credentials for a host.

uv reads its own settings. It is told of pip's where it has none. What is fetched from a wheel's own
address is asked for with the credentials that one of these, or a netrc, has for that host. None of
them is ever written or said: :func:`bare` takes them out of what is quoted.
"""

from __future__ import annotations

import configparser
import netrc
import os
import re
import sys
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit

__all__ = ["authorization", "bare", "certificates", "for_uv", "without_credentials"]

_LISTS: Final = (
    *("UV_DEFAULT_INDEX", "UV_INDEX", "UV_INDEX_URL", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS"),
    *("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS"),
)
_PIP: Final = "pip"
_UV: Final = "uv"
_YES: Final = frozenset({"1", "true", "yes", "on"})
_UVS: Final = _LISTS[:5]
_USERINFO: Final = re.compile(r"(?<=://)[^/@\s'\"]+@")
_QUERY: Final = re.compile(r"(https?://[^\s?'\"]+)\?[^\s'\"]+")


def for_uv() -> tuple[dict[str, str], tuple[str, ...]]:
    """Return the variables that uv is to be started with beside the present ones, and options.

    They tell it of pip's indexes, where it has no settings of its own; as pip does, it then takes
    the best version of all of them.
    """
    if any(os.environ.get(name) for name in _UVS) or any(True for _ in _uv_indexes()):
        return {}, ()
    found = _pip_settings()
    said = {
        "UV_DEFAULT_INDEX": os.environ.get("PIP_INDEX_URL") or found.get("index-url", ""),
        "UV_INDEX": os.environ.get("PIP_EXTRA_INDEX_URL") or found.get("extra-index-url", ""),
        "UV_FIND_LINKS": os.environ.get("PIP_FIND_LINKS") or found.get("find-links", ""),
    }
    said["UV_INDEX"] = " ".join(said["UV_INDEX"].split())
    said["UV_FIND_LINKS"] = ",".join(said["UV_FIND_LINKS"].split())
    alone = (os.environ.get("PIP_NO_INDEX") or found.get("no-index", "")).lower() in _YES
    if said["UV_INDEX"] and not os.environ.get("UV_INDEX_STRATEGY"):
        said["UV_INDEX_STRATEGY"] = "unsafe-best-match"
    variables = {name: value for name, value in said.items() if value}
    return variables, ("--no-index",) if alone else ()


def certificates() -> str | None:
    """Return the file of certificates that a person has set up; None for the usual ones."""
    for name in ("SSL_CERT_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        if os.environ.get(name):
            return os.environ[name]
    return _pip_settings().get("cert")


def authorization(url: str) -> tuple[str, str] | None:
    """Return the user's name and password for the host of a URL; None where there are none."""
    parts = urlsplit(url)
    if parts.username or parts.password:
        return _pair(parts)
    for other in _addresses():
        index = urlsplit(other)
        if (index.username or index.password) and _host(index) == _host(parts):
            return _pair(index)
    with suppress(OSError, netrc.NetrcParseError):
        found = netrc.netrc(os.environ.get("NETRC")).authenticators(parts.hostname or "")
        if found:
            return found[0], found[2]
    return None


def without_credentials(url: str) -> str:
    """Return a URL without what may be secret in it: a name, a password, a query.

    Example:
        >>> without_credentials("https://bob:pw@host/a.whl?sig=1#x")
        'https://host/a.whl'
    """
    parts = urlsplit(url)
    place = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, place, parts.path, "", ""))


def bare(text: str) -> str:
    """Return what a tool said, without credentials.

    Example:
        >>> bare("401 for https://bob:pw@host/simple?token=1")
        '401 for https://host/simple'
    """
    text = _QUERY.sub(r"\1", _USERINFO.sub("", text))
    for secret in _secrets():
        text = text.replace(secret, "***")
    return text


def _secrets() -> Iterator[str]:
    for address in _addresses():
        password = urlsplit(address).password
        if password:
            yield from {password, unquote(password)}
    for name, value in os.environ.items():
        if name.startswith("UV_INDEX_") and name.endswith("_PASSWORD") and value:
            yield value


def _host(parts: SplitResult) -> tuple[str | None, int | None, str]:
    return parts.hostname, parts.port, parts.scheme


def _pair(parts: SplitResult) -> tuple[str, str]:
    return unquote(parts.username or ""), unquote(parts.password or "")


def _addresses() -> Iterator[str]:
    """Yield the indexes of uv and of pip, with the credentials that are set up for them."""
    for name in _LISTS:
        for each in re.split(r"[\s,]+", os.environ.get(name, "")):
            label, equals, address = each.partition("=")
            named = equals and "://" not in label
            yield _with_variables(label, address) if named else each
    for label, address in _uv_indexes():
        yield _with_variables(label, address)
    settings = _pip_settings()
    for name in ("index-url", "extra-index-url", "find-links"):
        yield from settings.get(name, "").split()


def _with_variables(label: str, address: str) -> str:
    """Return an index's address with what uv's variables say of its credentials."""
    key = re.sub(r"[^A-Za-z0-9]", "_", label).upper()
    user = os.environ.get(f"UV_INDEX_{key}_USERNAME", "")
    password = os.environ.get(f"UV_INDEX_{key}_PASSWORD", "")
    if not label or not (user or password):
        return address
    parts = urlsplit(address)
    place = f"{user}:{password}@{parts.netloc.rpartition('@')[2]}"
    return urlunsplit((parts.scheme, place, parts.path, "", ""))


def _uv_indexes() -> Iterator[tuple[str, str]]:
    """Yield names and addresses of the indexes that uv's settings and a project's name."""
    home = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    named = os.environ.get("UV_CONFIG_FILE")
    places = [Path(named)] if named else [home / "uv/uv.toml", Path("/etc/uv/uv.toml")]
    for place in places:
        yield from _indexes_in(_toml(place))
    for folder in (Path.cwd(), *Path.cwd().parents):
        if (folder / "uv.toml").is_file():
            yield from _indexes_in(_toml(folder / "uv.toml"))
            return
        if (folder / "pyproject.toml").is_file():
            tools = _toml(folder / "pyproject.toml").get("tool", {})
            yield from _indexes_in(tools.get(_UV, {}) if isinstance(tools, dict) else {})
            return


def _indexes_in(settings: Any) -> Iterator[tuple[str, str]]:  # noqa: ANN401 - of a file
    if not isinstance(settings, Mapping):
        return
    listed = settings.get("index", ())
    for each in listed if isinstance(listed, list) else ():
        if isinstance(each, Mapping) and isinstance(each.get("url"), str):
            yield str(each.get("name", "")), each["url"]
    for table in (settings, settings.get(_PIP, {})):
        for name in ("index-url", "extra-index-url", "find-links"):
            said = table.get(name, ())
            for each in [said] if isinstance(said, str) else said:
                yield "", str(each)


def _pip_settings() -> Mapping[str, str]:
    """Return what pip's files say in ``[global]`` and ``[download]``, the nearest last."""
    found: dict[str, str] = {}
    for place in _pip_files():
        config = configparser.RawConfigParser()
        with suppress(configparser.Error, OSError, UnicodeDecodeError):
            config.read(place, encoding="utf-8")
        for section in ("global", "install", "download"):
            if config.has_section(section):
                found |= {name.replace("_", "-"): value for name, value in config.items(section)}
    return found


def _pip_files() -> Iterator[Path]:
    yield Path("/etc/pip.conf")
    home = Path.home()
    yield home / ".pip/pip.conf"
    yield home / "Library/Application Support/pip/pip.conf"
    yield Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config") / "pip/pip.conf"
    if os.environ.get("APPDATA"):
        yield Path(os.environ["APPDATA"]) / "pip/pip.ini"
    yield Path(sys.prefix) / "pip.conf"
    if os.environ.get("PIP_CONFIG_FILE"):
        yield Path(os.environ["PIP_CONFIG_FILE"])


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
