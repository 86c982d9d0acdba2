"""How a training is asked to stop: signals, and the exception that ends it."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from metasolve.errors import MetasolveError

#: Batch systems announce the end of a job with SIGTERM or, where asked to, SIGUSR1.
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1)


class InterruptedTraining(MetasolveError):  # noqa: N818 - a stop is not an error
    """Training was stopped by a signal; nothing it measured is lost.

    Attributes
    ----------
    by : the signal, 0 on ranks that were stopped with another that got one.
    """

    by: int = 0


@contextmanager
def stop_on_signal(stop: Callable[[], None]) -> Iterator[None]:
    """Call `stop` on the first of `SIGNALS` and put it into an `InterruptedTraining` raised inside.

    A second one raises KeyboardInterrupt at once. In threads other than the main one, where no
    handler can be set, signals do what they did before.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    arrived: list[int] = []

    def note(number: int, _: FrameType | None) -> None:
        if arrived:  # asked twice: now
            raise KeyboardInterrupt
        arrived.append(number)
        stop()

    before = {number: signal.signal(number, note) for number in SIGNALS}
    try:
        yield
    except InterruptedTraining as stopped:
        stopped.by = arrived[0] if arrived else 0
        raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
