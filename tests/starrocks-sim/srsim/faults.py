# SPDX-License-Identifier: Apache-2.0
"""Faults that a test asks for: which request they strike, how often, and with what parameters.

A fault is {"fault": NAME, "count": 1, "skip": 0, "match": {"label": REGEX, "table": "db.t", "op": …},
"probability": 1, "for": seconds} plus parameters of its own; README.md lists the names. `count` 0 is
without end, `skip` lets that many matching requests pass first.
"""

import random
import re
import threading

NAMES = {
    "fe_drop", "fe_delay", "fe_redirect", "fe_http", "fe_failed", "fe_unauthorized", "state_answer",
    "be_drop_header", "be_100", "be_reset_body", "be_reset_after_body", "be_slow", "be_fail", "be_reject_row",
    "error_url", "be_commit_drop", "be_late_commit", "publish_timeout", "label_exists", "be_commit_unknown",
    "be_slow_answer", "be_counters", "be_reply_shape", "be_http", "be_keepalive_close",
    "mysql_error", "mysql_drop", "alter_slow", "alter_cancel",
}


class Fault:
    def __init__(self, number, config, now):
        self.number, self.config = number, config
        self.name = config["fault"]
        self.left = config.get("count", 1) or None
        self.skip = config.get("skip", 0)
        self.until = now + config["for"] if "for" in config else None
        if self.until is not None and "count" not in config:
            self.left = None
        self.hits = 0

    def get(self, name, default=None):
        return self.config.get(name, default)

    def matches(self, context):
        match = dict(self.config.get("match", {}))
        if self.name in ("be_fail", "be_http"):
            match["when"] = self.config.get("when", "end")
        for name, wanted in match.items():
            value = context.get(name)
            if name == "label":
                if value is None or not re.search(wanted, value):
                    return False
            elif value != wanted:
                return False
        return True

    def describe(self):
        return {"id": self.number, "left": self.left, "hits": self.hits, **self.config}


class Faults:
    def __init__(self, clock):
        self._clock = clock
        self._random = random.Random(1)
        self._lock = threading.Lock()
        self._faults = []
        self._number = 0

    def seed(self, seed):
        """Makes the probabilities repeatable (as far as the order of requests is)."""
        self._random.seed(seed)

    def add(self, config):
        if config.get("fault") not in NAMES:
            raise ValueError("unknown fault: %r" % config.get("fault"))
        with self._lock:
            self._number += 1
            self._faults.append(Fault(self._number, config, self._clock.now()))
            return self._number

    def clear(self, number=None):
        with self._lock:
            self._faults = [f for f in self._faults if number is not None and f.number != number]

    def describe(self):
        with self._lock:
            return [f.describe() for f in self._faults]

    def take(self, name, context):
        """The fault of this name that strikes now, or None; it counts as used."""
        with self._lock:
            for fault in self._faults:
                if fault.name != name or fault.left == 0 or not fault.matches(context):
                    continue
                if fault.until is not None and self._clock.now() > fault.until:
                    continue
                if fault.skip > 0:
                    fault.skip -= 1
                    continue
                if self._random.random() >= fault.config.get("probability", 1):
                    continue
                if fault.left is not None:
                    fault.left -= 1
                fault.hits += 1
                context.setdefault("faults", []).append(name)
                return fault
        return None
