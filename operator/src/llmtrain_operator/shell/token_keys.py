"""The keys from which the operator derives the tokens of jobs. The Helm chart mounts them from a Secret.

To rotate the key, the present one becomes the previous one: coordinators that run keep their tokens.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from llmtrain_api.job_token import derive_token

KEY, PREVIOUS_KEY = "key", "previous-key"
"""Files in the directory of the keys."""
MIN_KEY_BYTES = 32


class KeyMissingError(Exception):
    """There is no key, or one that is too short to be secret."""


@dataclass(frozen=True, kw_only=True)
class TokenKeys:
    """The key of new tokens, and the one before, which is empty if there is none."""

    newest: bytes = field(repr=False)
    previous: bytes = field(default=b"", repr=False)

    @classmethod
    def read(cls, directory: Path) -> Self:
        """Return the keys in a directory; KeyMissingError if there is none."""
        previous = directory / PREVIOUS_KEY
        return cls(newest=read_key(directory / KEY), previous=read_key(previous) if previous.exists() else b"")

    def token(self, uid: str) -> str:
        """Return the token of a new coordinator of the job with this uid."""
        return derive_token(self.newest, uid)

    def tokens(self, uid: str) -> tuple[str, ...]:
        """Return the tokens that a running coordinator of the job can have, the newest first."""
        return tuple(derive_token(key, uid) for key in (self.newest, self.previous) if key)


def read_key(file: Path) -> bytes:
    """Return the key in a file."""
    try:
        key = file.read_bytes().strip()
    except OSError as error:
        raise KeyMissingError(
            f"the key of the jobs' tokens can't be read: {error}; the Helm chart mounts it"
        ) from error
    if len(key) < MIN_KEY_BYTES:
        raise KeyMissingError(
            f"the key of the jobs' tokens in {file} has fewer than {MIN_KEY_BYTES} bytes; put random ones into its Secret"
        )
    return key
