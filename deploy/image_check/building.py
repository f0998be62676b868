"""The image, built as worker/Dockerfile says: a base from Debian's packages, a push and a pull."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from deploy.image_check.programs import CheckError, run
from deploy.tools.image import WORKER

__all__ = ["BASE_PACKAGES", "Store", "build", "lay_base", "pull", "push"]

SUITE: Final = "bookworm"
"""Debian 12, whose Python is 3.11."""

BASE_PACKAGES: Final = ("ca-certificates", "libstdc++6", "python3", "python3-venv")
"""What the image needs of its base beyond Debian's essential packages."""

_BASE: Final = "localhost/starburst-base:1"
_IMAGE: Final = "localhost/starburst-worker:1"
_CONTAINERFILE: Final = """
FROM scratch
ADD base.tar /
RUN ln -s python3 /usr/bin/python
CMD ["python3"]
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Store:
    """Where images are: a folder of this check's own, by copies, which every file system can hold.

    Attributes:
        folder: of all that it keeps.
    """

    folder: Path

    def buildah(self, *arguments: str) -> str:
        """Run buildah on this store and return what it printed."""
        own = ("--storage-driver", "vfs")
        places = ("--root", str(self.folder / "images"), "--runroot", str(self.folder / "run"))
        return run("buildah", *own, *places, *arguments)


def lay_base(folder: Path) -> Path:
    """Return a folder to build the base from; its packages are fetched where they are not there."""
    named = folder / "base.packages"
    wanted = " ".join((SUITE, *BASE_PACKAGES))
    archive = folder / "base.tar"
    if not archive.exists() or not named.exists() or named.read_text() != wanted:
        new = folder / "base.new.tar"
        new.unlink(missing_ok=True)
        chosen = f"--include={','.join(BASE_PACKAGES)}"
        run("mmdebstrap", "--quiet", "--variant=essential", chosen, SUITE, str(new))
        new.rename(archive)
        named.write_text(wanted)
    (folder / "Containerfile").write_text(_CONTAINERFILE)
    return folder


def build(store: Store, base: Path, arguments: Mapping[str, str]) -> str:
    """Build base and image; return the image's name in the store.

    Args:
        store: where both go.
        base: what ``lay_base`` returned.
        arguments: of the image's build, such as ``DATA_LOCK``.
    """
    how = ("bud", "--isolation", "chroot", "--format", "oci", "--timestamp", "0")
    store.buildah(*how, "--tag", _BASE, str(base))
    given = {**arguments, "BASE": _BASE}
    told = [word for name, value in given.items() for word in ("--build-arg", f"{name}={value}")]
    store.buildah(*how, "--tag", _IMAGE, *told, *_certificates(store.folder), str(WORKER))
    return _IMAGE


def push(store: Store, image: str, repository: str) -> None:
    """Push an image to a registry of this machine, by the API that ECR has as well."""
    store.buildah("push", "--tls-verify=false", "--creds", "AWS:x", image, f"docker://{repository}")


def pull(store: Store, repository: str, digest: str) -> tuple[Path, Mapping[str, Any]]:
    """Return the root file system of an image as the registry has it, and its configuration.

    Raises:
        CheckError: the registry gives something else.
    """
    name = f"{repository.rpartition(':')[0]}@{digest}"
    access = ("--tls-verify=false", "--creds", "AWS:x")
    pulled = store.buildah("pull", *access, f"docker://{name}").strip().splitlines()[-1]
    container = store.buildah("from", "--pull-never", pulled).strip()
    root = Path(store.buildah("mount", container).strip())
    document = json.loads(store.buildah("inspect", "--type", "image", pulled))
    if document.get("FromImageDigest") != digest:
        raise CheckError(f"{name} is pulled as {document.get('FromImageDigest')}")
    # Of its own: what crun makes in it, such as an empty /proc, is not the image's.
    copied = store.folder / "rootfs"
    shutil.rmtree(copied, ignore_errors=True)
    run("cp", "-a", "--reflink=auto", str(root), str(copied))
    return copied, document["OCIv1"]["config"]


def _certificates(folder: Path) -> list[str]:
    """Let pip, while the image is built, trust what this machine trusts; nothing of it stays."""
    bundle = next(
        (os.environ[name] for name in ("PIP_CERT", "SSL_CERT_FILE") if os.environ.get(name)), None
    )
    if bundle is None:
        return []
    inside = "/etc/ssl/machine.crt"
    settings = folder / "pip.conf"
    settings.write_text(f"[global]\ncert = {inside}\n")
    return ["--volume", f"{settings}:/etc/pip.conf:ro", "--volume", f"{bundle}:{inside}:ro"]
