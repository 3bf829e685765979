"""The token of a job: it proves that a process is part of the job, or the operator.

The operator derives it from the job's uid, with a key that only the operator knows, and puts it into a Secret that the
job's pods mount as a file. `llmtrain run` draws one by chance.
"""

import hmac
import secrets
from pathlib import Path

MIN_TOKEN_LENGTH = 32
"""Shortest token that is accepted; tokens have 64 characters."""


def derive_token(key: bytes, uid: str) -> str:
    """Return the token of the job with this uid."""
    return hmac.new(key, f"llmtrain job {uid}".encode(), "sha256").hexdigest()


def new_token() -> str:
    """Return a random token, for a job without an operator."""
    return secrets.token_hex(32)


def read_token(file: Path) -> str:
    """Return the token in a file. ValueError if there is none; the message has the path and the remedy."""
    try:
        token = file.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"the token of the job can't be read: {error}") from error
    if len(token) < MIN_TOKEN_LENGTH or not token.isascii():
        raise ValueError(f"{file} holds no token of at least {MIN_TOKEN_LENGTH} ASCII characters")
    return token


def authorization(token: str) -> dict[str, str]:
    """Return the header of a request that presents the token."""
    return {"Authorization": f"Bearer {token}"}


def is_authorized(header: str | None, token: str) -> bool:
    """Return whether the header `Authorization` of a request presents the token. Takes the same time for all others."""
    presented = (header or "").encode(errors="surrogateescape")
    return hmac.compare_digest(presented, authorization(token)["Authorization"].encode())
