"""Secrets for analysts' code as settings, policies and proofs speak of them."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["NamedSecret"]


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class NamedSecret:
    """A secret of AWS Secrets Manager, and the variable in which workers find it.

    Attributes:
        variable: of a worker's environment.
        arn: of the secret, with its six random characters.
        json_key: which value of a secret that holds JSON; empty for all of its text.
        key_arn: of the customer managed key that encrypts it; empty for the account's
            ``aws/secretsmanager``.

    Example:
        >>> arn = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:portal-a1B2c3"
        >>> NamedSecret(variable="TOKEN", arn=arn, json_key="token").value_from
        'arn:aws:secretsmanager:eu-west-1:111122223333:secret:portal-a1B2c3:token::'
    """

    variable: str
    arn: str
    json_key: str = ""
    key_arn: str = ""

    @property
    def value_from(self) -> str:
        """What ECS calls it: version and stage stay empty, so a task gets the current one.

        https://docs.aws.amazon.com/AmazonECS/latest/developerguide/secrets-envvar-secrets-manager.html
        """
        return f"{self.arn}:{self.json_key}::" if self.json_key else self.arn
