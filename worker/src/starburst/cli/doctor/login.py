"""What can be known of a login without asking AWS: its profile, Region, endpoints and end."""

from __future__ import annotations

import datetime as dt
import difflib
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from starburst.untrusted.terminal_text import one_line

from .finding import Finding
from .fixes import log_in

__all__ = ["look_at_login"]

_ENDPOINT: Final = "AWS_ENDPOINT_URL"
_IGNORED: Final = "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"
_EXPIRES: Final = "AWS_CREDENTIAL_EXPIRATION"
_HERE: Final = ("localhost", "127.0.0.1", "::1")
_SIGN_ONS: Final = "~/.aws/sso/cache"
"""Where every tool of AWS's keeps them, and no variable moves that."""

_SOON: Final = dt.timedelta(minutes=10)


def look_at_login(
    profile: str | None, *, now: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC)
) -> Iterator[Finding]:
    """Look at a login for AWS; nobody is asked.

    Args:
        profile: its name; None for what AWS_PROFILE says.
        now: the clock.
    """
    import botocore.session  # noqa: PLC0415 - slow to import
    from botocore.exceptions import BotoCoreError, ProfileNotFound  # noqa: PLC0415 - likewise

    session = botocore.session.Session(profile=profile)
    try:
        scoped = session.get_scoped_config()
    except ProfileNotFound:
        yield _no_profile(session)
        return
    except BotoCoreError as error:
        yield Finding(
            False,
            f"AWS's files cannot be read: {one_line(error)}",
            "put that file right, or move it away and run: aws configure sso",
            "login",
        )
        return
    yield _region(session)
    yield from _endpoints(scoped)
    login = _sso(scoped, session, now()) if _is_of_profile(profile) else _passing(now())
    if login is not None:
        yield login


def _no_profile(session: Any) -> Finding:  # noqa: ANN401 - botocore has no types here
    names = sorted(session.available_profiles)
    known = ", ".join(names) if names else "none"
    return Finding(
        False,
        f"there is no AWS profile {one_line(session.profile)!r}; this computer has {known}",
        f"aws configure sso --profile {one_line(session.profile)}, or name one of those with "
        "--profile or AWS_PROFILE",
        "login",
    )


def _region(session: Any) -> Finding:  # noqa: ANN401 - botocore has no types here
    from starburst._client.access.connection import region  # noqa: PLC0415 - slow to import

    name = region() or session.get_config_variable("region")
    if not name:
        return Finding(
            False,
            "no AWS Region is set, so no environment can be looked up",
            "export AWS_REGION=REGION, the one that your environment is in",
            "region",
        )
    known = [
        each
        for partition in session.get_available_partitions()
        for each in session.get_available_regions("ssm", partition)
    ]
    if name in known:
        return Finding(True, f"Region {name}", check="region")
    close = difflib.get_close_matches(name, known, n=1)
    meant = f"export AWS_REGION={close[0]}, if you mean that" if close else "set AWS_REGION"
    return Finding(
        False,
        f"AWS has no Region {one_line(name)!r} that this boto3 knows",
        f"{meant}; of a newer one, pip install -U boto3",
        "region",
    )


def _endpoints(scoped: Mapping[str, Any]) -> Iterator[Finding]:
    """Tell where calls go that do not go to AWS's usual addresses."""
    if os.environ.get(_IGNORED, "").lower() == "true":
        return
    found = {name: url for name, url in os.environ.items() if name.startswith(_ENDPOINT) and url}
    in_profile = scoped.get("endpoint_url")
    if isinstance(in_profile, str) and _ENDPOINT not in found:
        found["endpoint_url of the profile"] = in_profile
    for name, url in sorted(found.items()):
        fix = f"unset {name}" if name.startswith(_ENDPOINT) else "take it out of AWS's config file"
        place = urlsplit(url)
        if place.hostname in _HERE:
            text = f"{name} sends calls to {one_line(url)}, which is this computer and not AWS"
        elif place.scheme != "https":
            text = f"{name} sends calls to {one_line(url)}, where nothing is encrypted on its way"
        else:
            text, fix = f"calls go to {one_line(url)}, as {name} says", ""
        yield Finding(not fix, text, fix, "endpoint")


def _is_of_profile(profile: str | None) -> bool:
    """Whether boto3 takes the profile's login: keys of the environment are before an unnamed's."""
    return profile is not None or "AWS_ACCESS_KEY_ID" not in os.environ


def _passing(now: dt.datetime) -> Finding | None:
    """Judge keys of the environment by the end that tools write beside them."""
    with suppress(ValueError):
        end = dt.datetime.fromisoformat(os.environ.get(_EXPIRES, ""))
        fix = "get new ones as you got these, or unset AWS_ACCESS_KEY_ID and use a profile"
        return _ends("the keys of the environment", end, now, fix=fix)
    return None


def _sso(scoped: Mapping[str, Any], session: Any, now: dt.datetime) -> Finding | None:  # noqa: ANN401 - botocore has no types here
    """Judge a single sign-on by what `aws sso login` has kept."""
    from botocore.exceptions import SSOError  # noqa: PLC0415 - slow to import
    from botocore.utils import JSONFileCache, SSOTokenLoader  # noqa: PLC0415 - likewise

    name, url = scoped.get("sso_session"), scoped.get("sso_start_url")
    if name is not None:
        url = session.full_config.get("sso_sessions", {}).get(name, {}).get("sso_start_url", url)
    if url is None:
        return None
    again = log_in(session.profile)
    try:
        token = SSOTokenLoader(JSONFileCache(str(Path(_SIGN_ONS).expanduser())))(
            url, session_name=name
        )
        end = dt.datetime.fromisoformat(token["expiresAt"].replace("UTC", "+00:00"))
    except (SSOError, KeyError, ValueError):
        return Finding(False, "nobody is logged in to single sign-on", again, "login")
    if end <= now and token.get("refreshToken"):
        return Finding(True, "the single sign-on renews itself", check="login")
    return _ends("the single sign-on", end, now, fix=again)


def _ends(what: str, end: dt.datetime, now: dt.datetime, *, fix: str) -> Finding:
    if end.tzinfo is None:
        end = end.replace(tzinfo=dt.UTC)
    at = end.astimezone().strftime("%Y-%m-%d %H:%M")
    if end <= now:
        return Finding(False, f"{what} ended at {at}", fix, "login")
    if end - now < _SOON:
        minutes = (end - now).total_seconds() / 60
        return Finding(False, f"{what} will end in {minutes:.0f} minutes", fix, "login")
    return Finding(True, f"{what} will do until {at}", check="login")
