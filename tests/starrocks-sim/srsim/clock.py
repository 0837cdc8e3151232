# SPDX-License-Identifier: Apache-2.0
"""Simulated time: the real clock plus an offset that only grows, and the tasks that wait for it."""

import heapq
import itertools
import threading
import time


class Clock:
    """now() is in seconds since the epoch. Tasks run in a thread of the clock, or inside advance()."""

    def __init__(self):
        self._offset = 0.0
        self._tasks = []
        self._serial = itertools.count()
        self._changed = threading.Condition()
        threading.Thread(target=self._run, daemon=True).start()

    def now(self):
        return time.time() + self._offset

    @property
    def offset(self):
        return self._offset

    def advance(self, seconds):
        """Moves time forward; every task that became due has run when this returns."""
        with self._changed:
            self._offset += seconds
            self._changed.notify_all()
        self._run_due()

    def after(self, seconds, task):
        """Calls task() once, `seconds` of simulated time from now."""
        with self._changed:
            heapq.heappush(self._tasks, (self.now() + seconds, next(self._serial), task))
            self._changed.notify_all()

    def sleep(self, seconds):
        """Blocks the calling thread for simulated seconds; advance() wakes it early."""
        until = self.now() + seconds
        with self._changed:
            while (left := until - self.now()) > 0:
                self._changed.wait(left)

    def _run_due(self):
        while True:
            with self._changed:
                if not self._tasks or self._tasks[0][0] > self.now():
                    return
                task = heapq.heappop(self._tasks)[2]
            task()

    def _run(self):
        while True:
            with self._changed:
                wait = self._tasks[0][0] - self.now() if self._tasks else None
                if wait is None or wait > 0:
                    self._changed.wait(wait)
            self._run_due()
