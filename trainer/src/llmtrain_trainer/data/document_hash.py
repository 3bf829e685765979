"""The hash of a document that comes in pieces, by which copies are found and the split is chosen."""

import hashlib


class DocumentHash:
    """Hashes a document that comes in pieces, with and without the whitespace around it, in constant memory."""

    def __init__(self) -> None:
        self.size = 0
        """Bytes of the document so far."""
        self._leading = hashlib.blake2b(digest_size=16)
        self._core = hashlib.blake2b(digest_size=16)
        self._to_here = self._core.copy()
        self._started = False

    def update(self, text: str) -> None:
        """Add the next piece of the text."""
        if not self._started:
            inner = text.lstrip()
            self._leading.update(self._encode(text[: len(text) - len(inner)]))
            self._started, text = bool(inner), inner
        core = text.rstrip()
        if core:
            self._core = self._to_here  # whitespace before it is within the text after all
            self._core.update(self._encode(core))
            self._to_here = self._core.copy()
        self._to_here.update(self._encode(text[len(core) :]))

    def key(self) -> bytes:
        """Return the hash of the text without the whitespace around it."""
        return self._core.digest()

    def content(self) -> bytes:
        """Return a hash of the whole text."""
        return self._leading.digest() + self._to_here.digest()

    def _encode(self, text: str) -> bytes:
        encoded = text.encode()
        self.size += len(encoded)
        return encoded
