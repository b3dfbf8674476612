"""One transaction's statements on a thread of their own, so that the database works while the next are prepared."""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

from orchard.runtime.database import Tx

P = ParamSpec("P")
T = TypeVar("T")
# Prepared statements that may wait in memory.
_AHEAD = 4


class Pipeline:
    """Acts on a transaction in the order given. Nobody else may use the transaction until the pipeline is left.

    Leaving it waits for everything and raises the first error; after an error nothing more is sent.
    """

    def __init__(self, tx: Tx) -> None:
        self._tx = tx
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="pipeline")
        self._pending: deque[Future[Any]] = deque()
        self._failed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                self._wait(0)
        finally:
            self._failed = True
            self._pool.shutdown(wait=True, cancel_futures=True)

    def later(self, act: Callable[Concatenate[Tx, P], T], *args: P.args, **kwargs: P.kwargs) -> "Future[T]":
        """Run `act(tx, ...)` behind everything given before. Raises the first error of what was given before."""
        future = self._pool.submit(self._run, lambda: act(self._tx, *args, **kwargs))
        self._pending.append(future)
        self._wait(_AHEAD)
        return future

    def now(self, act: Callable[Concatenate[Tx, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `act(tx, ...)` and wait for its answer."""
        future = self.later(act, *args, **kwargs)
        self._wait(0)
        return future.result()

    def _wait(self, ahead: int) -> None:
        while len(self._pending) > ahead:
            self._pending.popleft().result()

    def _run(self, act: Callable[[], T]) -> T:
        if self._failed:
            raise RuntimeError("an earlier statement failed")
        try:
            return act()
        except BaseException:
            self._failed = True
            raise
