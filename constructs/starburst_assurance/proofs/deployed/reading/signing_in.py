"""The credentials of whoever asks: the shell's, or the emulator's for the local environment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import boto3

from starburst.aws.calls import TROUBLE, client_config, words_of
from starburst.errors import StarburstError
from starburst.local import current
from starburst.local.emulator import ENVIRONMENT, STATE_VARIABLE
from starburst_assurance.proofs.reading.errors import ProofError

if TYPE_CHECKING:
    from starburst_assurance.proofs.deployed.reading.asking import Clients

__all__ = ["sign_in"]


def sign_in(environment: str, *, account: str, region: str) -> Clients:
    """Return a maker of clients, whose credentials are of the environment's account.

    Args:
        environment: its name.
        account: that it is in.
        region: that it is in.

    Raises:
        ProofError: there are no credentials, or they are another account's.
    """
    if environment == ENVIRONMENT:
        return _emulator()
    session = boto3.Session(region_name=region)
    # boto3 overloads client by literals; any service's will do here.
    make: Any = session.client
    try:
        found = make("sts", config=client_config()).get_caller_identity()["Account"]
    except TROUBLE as error:
        raise ProofError(
            f"AWS does not say whose the credentials are ({words_of(error)}), so nothing was read: "
            "sign in, or name a profile: AWS_PROFILE=…"
        ) from error
    if found != account:
        raise ProofError(
            f"the credentials are of account {found}, {environment} is in {account}; nothing was "
            "read. Sign in to that account, or name its profile: AWS_PROFILE=…"
        )
    return lambda service: make(service, config=client_config())


def _emulator() -> Clients:
    try:
        local = current()
    except StarburstError as error:
        raise ProofError(str(error)) from error
    if local is None:
        raise ProofError(
            f"no local environment runs for this process, so nothing was read: start one with "
            f"`python -m deploy local up`, and set {STATE_VARIABLE} as it says"
        )
    session = local.platform_session()
    return lambda service: local.client(session, service)
