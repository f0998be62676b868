"""Tiny wheels, and a session of moto's that names them: there is no index and no network here."""

from __future__ import annotations

import hashlib
import io
import platform
import sys
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from starburst._protocol.manifest import Manifest
from starburst._protocol.packages import PackageList, Wheel, package_list_key
from starburst._protocol.sealed.session_key import SessionKey
from starburst.contract import SessionKeys
from starburst.worker.objects.reading import Reader
from starburst.worker.packages.fetching import Wheels
from starburst.worker.packages.unpacked import Unpacked
from starburst.worker.settings.timings import Timings
from tests.manifests import a_manifest
from tests.runtime.fleet import BUCKET, QUICK

__all__ = ["WORKSPACE", "a_list", "a_wheel", "named", "packed", "put", "unpacked"]

WORKSPACE = "study"
KEYS = SessionKeys(workspace=WORKSPACE, user="alice", session="s" * 20)
ARCHITECTURE = "ARM64" if platform.machine() in ("arm64", "aarch64") else "X86_64"


def packed(files: Mapping[str | zipfile.ZipInfo, str | bytes]) -> bytes:
    """Return a zip file, whatever its names are."""
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return whole.getvalue()


def a_wheel(
    name: str,
    files: Mapping[str | zipfile.ZipInfo, str | bytes] | None = None,
    *,
    version: str = "1.2.3",
    body: bytes | None = None,
) -> tuple[Wheel, bytes]:
    """Return a wheel as a list names it, and what it holds: its metadata, and these files."""
    info = f"{name}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    if body is None:
        body = packed({**(files or {}), f"{info}/METADATA": metadata})
    described = Wheel(
        name=name,
        version=version,
        filename=f"{name}-{version}-py3-none-any.whl",
        sha256=hashlib.sha256(body).hexdigest(),
        size=len(body),
    )
    return described, body


def a_list(*wheels: Wheel, **changes: Any) -> PackageList:
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    words: Any = {"python": python, "architecture": ARCHITECTURE, "wheels": wheels, **changes}
    return PackageList(**words)


def put(s3: Any, *wheels: tuple[Wheel, bytes]) -> list[Wheel]:
    """Put wheels where a workspace has them."""
    for wheel, body in wheels:
        s3.put_object(Bucket=BUCKET, Key=wheel.key(WORKSPACE), Body=body)
    return [wheel for wheel, _ in wheels]


def unpacked(
    s3: Any, listed: PackageList, *, digest: str | None = None, timings: Timings = QUICK
) -> Unpacked:
    """Store a session's list, and return what a worker makes of it: nothing yet."""
    manifest = a_manifest(
        **{name: getattr(KEYS, name) for name in ("workspace", "user", "session")},
        packages=listed.digest if digest is None else digest,
    )
    s3.put_object(Bucket=BUCKET, Key=KEYS.manifest, Body=manifest.to_json())
    s3.put_object(Bucket=BUCKET, Key=package_list_key(KEYS), Body=listed.to_json())
    reader = Reader(s3, BUCKET, keys=KEYS, timings=timings)
    return Unpacked(Wheels(reader, manifest, timings=timings), manifest)


def named(s3: Any, listed: PackageList, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have sessions that are opened now name a list, whatever their client would send."""
    sign = SessionKey.sign

    def signed(key: SessionKey, manifest: Manifest) -> Manifest:
        place = package_list_key(manifest.keys)
        s3.put_object(Bucket=BUCKET, Key=place, Body=listed.to_json())
        return sign(key, replace(manifest, packages=listed.digest))

    monkeypatch.setattr(SessionKey, "sign", signed)
