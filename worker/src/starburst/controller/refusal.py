"""What an AWS error says: its code and its words."""

from __future__ import annotations

from botocore.exceptions import BotoCoreError, ClientError

__all__ = ["code", "words"]


def code(error: ClientError | BotoCoreError) -> str:
    """Return AWS's error code; empty for an error that AWS never sent."""
    if isinstance(error, ClientError):
        return error.response.get("Error", {}).get("Code", "")
    return ""


def words(error: ClientError | BotoCoreError) -> str:
    """Return the error as people read it, its code first."""
    if isinstance(error, ClientError):
        return f"{code(error)}: {error.response.get('Error', {}).get('Message', '')}"
    return str(error)
