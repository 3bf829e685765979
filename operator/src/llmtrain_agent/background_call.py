"""Runs a blocking call in a background thread: a source that never answers delays nothing and holds one thread."""

import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import Generic, TypeVar

Result = TypeVar("Result")


class BackgroundCall(Generic[Result]):
    """A function that is called again only after its previous call has returned. Not thread-safe."""

    def __init__(self, function: Callable[[], Result], timeout_seconds: float) -> None:
        self._function, self._timeout_seconds = function, timeout_seconds
        self._pending: Future[Result] | None = None

    def __call__(self) -> Result:
        """Return the result of a new call, or of the previous one if that has not been returned yet.

        Raises what the function raises, or TimeoutError (an OSError) after `timeout_seconds`.
        """
        if self._pending is None:
            self._pending = Future()
            threading.Thread(target=self._run, args=(self._pending,), daemon=True).start()
        if not wait([self._pending], self._timeout_seconds).done:
            raise TimeoutError(f"no answer within {self._timeout_seconds:g} s")
        done, self._pending = self._pending, None
        return done.result()

    def _run(self, pending: "Future[Result]") -> None:
        try:
            pending.set_result(self._function())
        except BaseException as error:
            pending.set_exception(error)
