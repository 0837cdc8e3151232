# SPDX-License-Identifier: Apache-2.0
"""What clients did: every request, and every violation of what a careful client never does."""

import threading
import traceback

MAX_PER_KIND = 50


class Audit:
    """Violations, requests and body hashes by label. `ignored` is a set of violation kinds."""

    def __init__(self, clock):
        self.clock = clock
        self.ignored = set()
        self._lock = threading.Condition()
        self._watched = 0           # connections that may still show a violation
        self._violations = []
        self._requests = []
        self._bodies = {}           # (db, label) -> sha256 of the first complete body

    def violation(self, kind, text, record=None):
        with self._lock:
            if kind in self.ignored or sum(v["kind"] == kind for v in self._violations) >= MAX_PER_KIND:
                return
            where = {k: record[k] for k in ("id", "label", "db", "table") if record and k in record}
            self._violations.append({"kind": kind, "text": text, "at": self.clock.now(), **where})

    def crash(self, error):
        """An exception that nobody expected while a client was served."""
        where = traceback.extract_tb(error.__traceback__)[-1]
        self.violation("simulator_error", "%s at %s:%d" % (repr(error), where.filename, where.lineno))

    def watch(self, change):
        """+1 and -1 around a time in which a client may yet do what it must not."""
        with self._lock:
            self._watched += change
            self._lock.notify_all()

    def violations(self):
        with self._lock:
            self._lock.wait_for(lambda: not self._watched, 1)
            return list(self._violations)

    def clear_violations(self):
        with self._lock:
            self._violations.clear()

    def open_request(self, listener, request):
        """A new record; its owner adds to it while the request is served."""
        headers = dict(request.headers)
        if "authorization" in headers:
            user = request.credentials()
            headers["authorization"] = "user " + user[0] if user else "unreadable"
        record = {"listener": listener, "at": self.clock.now(), "method": request.method,
                  "target": request.target, "headers": headers}
        return self.add_record(record)

    def add_record(self, record):
        with self._lock:
            record["id"] = len(self._requests) + 1
            self._requests.append(record)
        return record

    def requests(self, since=0, **wanted):
        with self._lock:
            chosen = self._requests[since:]
        return [dict(r) for r in chosen if all(str(r.get(k)) == v for k, v in wanted.items())]

    def same_body(self, record, sha256):
        """Checks that a label always comes with the same bytes."""
        name = (record["db"], record["label"])
        with self._lock:
            first = self._bodies.setdefault(name, sha256)
        if first != sha256:
            self.violation("label_with_another_body", "label %s came with two different bodies" % name[1], record)

    def dump_bodies(self):
        with self._lock:
            return dict(self._bodies)

    def restore_bodies(self, bodies):
        with self._lock:
            self._bodies = dict(bodies)
