"""Asks in a thread of its own: whoever doesn't answer holds nobody up, and ties up one thread at most."""

import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import Generic, TypeVar

Answer = TypeVar("Answer")


class BackgroundCall(Generic[Answer]):
    """A question that is asked again only when its last answer came, however late. Not for several threads at once."""

    def __init__(self, ask: Callable[[], Answer], seconds: float) -> None:
        self._ask, self._seconds = ask, seconds
        self._pending: Future[Answer] | None = None

    def __call__(self) -> Answer:
        """Return the answer. Raises what the question raises, or TimeoutError (an OSError) after `seconds`."""
        if self._pending is None:
            self._pending = Future()
            threading.Thread(target=self._settle, args=(self._pending,), daemon=True).start()
        if not wait([self._pending], self._seconds).done:
            raise TimeoutError(f"no answer within {self._seconds:g} s")
        answered, self._pending = self._pending, None
        return answered.result()

    def _settle(self, pending: "Future[Answer]") -> None:
        try:
            pending.set_result(self._ask())
        except BaseException as error:
            pending.set_exception(error)
