"""The command ``python -m deploy.evidence.sign FOLDER --with KEY``."""

from __future__ import annotations

import argparse
import getpass
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3

from deploy.evidence.signing import SIGNATURE, SigningError, sign
from starburst.aws.calls import TROUBLE, client_config
from starburst.untrusted.terminal_text import one_line, tell

__all__ = ["main"]


def main(
    arguments: list[str] | None = None,
    *,
    kms: Callable[[str], Any] | None = None,
    passphrase: Callable[[], str] | None = None,
) -> int:
    """Sign; return 1 where nothing was signed.

    Args:
        arguments: of the command line.
        kms: makes the client of a Region, from the shell's credentials without it.
        passphrase: asks for the key's, at the terminal without it.
    """
    parser = argparse.ArgumentParser(prog="python -m deploy.evidence.sign", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument(
        "--with",
        dest="key",
        required=True,
        metavar="KEY",
        help="ARN of an asymmetric KMS key, or a file with a private key",
    )
    words = parser.parse_args(arguments)
    try:
        mark = sign(
            words.folder,
            words.key,
            kms=kms or _kms,
            passphrase=passphrase or (lambda: getpass.getpass("Passphrase of the key: ")),
        )
    except SigningError as error:
        tell(one_line(f"Nothing was signed. {error}"), sys.stderr)
        return 1
    except TROUBLE as error:
        what = "It takes kms:GetPublicKey and kms:Sign on the key; then run it again"
        tell(one_line(f"Nothing was signed. {error}. {what}"), sys.stderr)
        return 1
    for line in (
        f"Signed {words.folder / SIGNATURE} with {mark}",
        "Tell who gets the folder this fingerprint by another way. They check all of it with",
        f"  python -m deploy.evidence.verify {words.folder} --fingerprint {mark}",
    ):
        tell(one_line(line), sys.stdout)
    return 0


def _kms(region: str) -> Any:  # noqa: ANN401 - a client
    return boto3.client("kms", region_name=region, config=client_config())


if __name__ == "__main__":
    sys.exit(main())
