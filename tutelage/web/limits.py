"""Rate limits: a token bucket for each person or address."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

MOST_BUCKETS = 10_000  # beyond it, full ones are forgotten


class Limiter:
    """At most `rate` requests a second in the long run, `burst` at once. Safe between threads."""

    def __init__(
        self, rate: float, burst: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.rate, self.burst, self.clock = rate, burst, clock
        self._left: dict[str, tuple[float, float]] = {}  # key: (tokens left, when)
        self._lock = threading.Lock()

    def wait_s(self, key: str) -> float:
        """0 where the request may go on now (it then counts); else the seconds until it may."""
        now = self.clock()
        with self._lock:
            left, when = self._left.get(key, (self.burst, now))
            left = min(self.burst, left + (now - when) * self.rate)
            if left < 1:
                return (1 - left) / self.rate
            self._left[key] = (left - 1, now)
            if len(self._left) > MOST_BUCKETS:
                full = self.burst / self.rate  # seconds after which a bucket is full again
                self._left = {k: kept for k, kept in self._left.items() if now - kept[1] < full}
        return 0.0
