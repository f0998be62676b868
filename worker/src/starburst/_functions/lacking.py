"""What is said where a worker has no such module: which package brings it, and what to do."""

from __future__ import annotations

import importlib.util
from contextlib import suppress
from typing import Final

__all__ = ["hint", "lacking"]

_OTHERWISE: Final = {
    "Bio": "biopython",
    "OpenSSL": "pyopenssl",
    "PIL": "pillow",
    "attr": "attrs",
    "bs4": "beautifulsoup4",
    "cv2": "opencv-python-headless",
    "dateutil": "python-dateutil",
    "docx": "python-docx",
    "dotenv": "python-dotenv",
    "fitz": "pymupdf",
    "jwt": "pyjwt",
    "psycopg2": "psycopg2-binary",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "umap": "umap-learn",
    "yaml": "pyyaml",
}
"""Packages that are not called as what they bring; a worker that lacks one cannot look it up."""


def lacking(error: ImportError) -> str:
    """Return what became of an import, and what to do about it."""
    top = (error.name or "").partition(".")[0]
    if not (top and isinstance(error, ModuleNotFoundError)):
        return (
            f"{error}. It may have another version of a package than you: have yours travel with "
            "packages="
        )
    return (
        f"it has no module {top!r} ({error}). Have the package {_package(top)!r} travel with "
        "packages=, or import it inside the function where it is optional"
    )


def hint(error: BaseException) -> None:
    """Note on the exception of a task that it lacks a package, where that is so."""
    if not isinstance(error, ModuleNotFoundError) or not error.name:
        return
    top = error.name.partition(".")[0]
    with suppress(Exception):  # a finder, or an exception, of the user's own may raise anything
        if importlib.util.find_spec(top) is None:
            error.add_note(f"This worker has no package {_package(top)!r}: name it in packages=.")


def _package(top: str) -> str:
    return _OTHERWISE.get(top, top)
