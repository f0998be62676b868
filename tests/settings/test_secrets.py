"""Secrets of workspaces: what is refused, before anything is synthesized."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from environments import DEV, PROD
from stacks.settings import Environment, Secret, SettingsError

WHERE = f"arn:aws:secretsmanager:{PROD.region}:{PROD.account}:secret"
TOKEN = Secret(variable="PORTAL_TOKEN", arn=f"{WHERE}:portal-a1B2c3")
KEY = f"arn:aws:kms:{PROD.region}:{PROD.account}:key/0a1b2c3d"


def starting(secrets: Any) -> Environment:
    """Return PROD with a workspace whose workers start with secrets."""
    workspace = replace(PROD.workspaces[0], secrets=secrets)
    return replace(PROD, workspaces=(workspace, *PROD.workspaces[1:]))


def secret(**changes: Any) -> Secret:
    return replace(TOKEN, **changes)


_ELSEWHERE = TOKEN.arn.replace(PROD.region, "eu-central-1")
_TAKEN = "names that do not begin with AWS_, ECS_, FARGATE_, LD_, PYTHON, STARBURST_"

SECRETS: dict[str, tuple[Callable[..., object], dict[str, Any], str]] = {
    "a value": (
        secret,
        {"arn": "hunter22"},
        "secrets: arn is 'hunter22'; allowed: arn:aws:secretsmanager:<region>:<account>:secret:",
    ),
    "an ARN without its end": (secret, {"arn": f"{WHERE}:portal"}, "six characters"),
    "an ARN with a key": (secret, {"arn": f"{TOKEN.arn}:token::"}, "secrets: arn is"),
    "a pattern of secrets": (secret, {"arn": f"{WHERE}:*"}, "secrets: arn is"),
    "a parameter for a secret": (
        secret,
        {"arn": f"arn:aws:ssm:{PROD.region}:{PROD.account}:parameter/portal"},
        "secrets: arn is",
    ),
    "no name of a variable": (secret, {"variable": "2FA"}, "variable is '2FA'; allowed: a letter"),
    "a long name of a variable": (secret, {"variable": "A" * 65}, "up to 63"),
    "a variable of the kit": (secret, {"variable": "STARBURST_BUCKET"}, _TAKEN),
    "a variable of AWS": (secret, {"variable": "AWS_SECRET_ACCESS_KEY"}, _TAKEN),
    "a variable of ECS": (secret, {"variable": "ECS_AGENT_URI"}, _TAKEN),
    "a variable of the loader": (secret, {"variable": "LD_PRELOAD"}, _TAKEN),
    "a variable of Python": (secret, {"variable": "PYTHONPATH"}, _TAKEN),
    **{
        f"a variable by which AWS is reached, {name}": (secret, {"variable": name}, _TAKEN)
        for name in ("https_proxy", "NO_PROXY", "REQUESTS_CA_BUNDLE", "SSL_CERT_DIR")
    },
    "a variable in use": (secret, {"variable": "Home"}, "a worker is told other things by these"),
    "a version of a secret": (
        secret,
        {"json_key": "token:AWSPREVIOUS"},
        "secrets: json_key is 'token:AWSPREVIOUS'; allowed: 1 to 128",
    ),
    "a secret's key by alias": (
        secret,
        {"key_arn": "alias/aws/secretsmanager"},
        "secrets: key_arn is",
    ),
    "a secret that is no tuple": (starting, {"secrets": TOKEN}, "a tuple"),
    "a text for a secret": (starting, {"secrets": (TOKEN.arn,)}, "genomics: secrets is"),
    "a secret that is none": (
        Secret,
        {"variable": "A", "arn": TOKEN.arn, "json_key": 5},
        "json_key is 5",
    ),
    "a variable twice": (starting, {"secrets": (TOKEN, TOKEN)}, "each value once"),
    "too many secrets": (
        starting,
        {"secrets": tuple(secret(variable=f"TOKEN_{n}") for n in range(21))},
        "number of secrets of workspace genomics is 21; allowed: a whole number, 0 to 20.",
    ),
    "one secret under two keys": (
        starting,
        {"secrets": (TOKEN, secret(variable="B", key_arn=KEY))},
        "a secret is encrypted under one key",
    ),
    "a secret of another Region": (
        starting,
        {"secrets": (secret(arn=_ELSEWHERE),)},
        f"workspace genomics: secrets: arn is 'arn:aws:secretsmanager:eu-central-1:{PROD.account}",
    ),
    "a secret of another account": (
        starting,
        {"secrets": (secret(arn=TOKEN.arn.replace(PROD.account, DEV.account)),)},
        f"allowed: one of account {PROD.account} in {PROD.region}",
    ),
    "a secret's key of another Region": (
        starting,
        {"secrets": (secret(key_arn=KEY.replace(PROD.region, "eu-central-1")),)},
        "workspace genomics: secrets: key_arn is",
    ),
}


@pytest.mark.parametrize("case", SECRETS)
def test_what_names_no_secret_of_the_environment_is_refused(case: str) -> None:
    build, changes, sentence = SECRETS[case]
    with pytest.raises(SettingsError) as refusal:
        build(**changes)
    assert sentence in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_several_variables_may_take_a_key_each_of_one_secret() -> None:
    secrets = tuple(replace(TOKEN, variable=name, json_key=name) for name in ("login", "password"))
    named = starting(secrets).workspaces[0].named_secrets
    assert [one.value_from for one in named] == [
        f"{TOKEN.arn}:login::",
        f"{TOKEN.arn}:password::",
    ]
    assert starting(secrets).has_secrets
    assert not PROD.has_secrets
