# SPDX-License-Identifier: Apache-2.0
"""Labels and load transactions as the FE keeps them.

PREPARE -> COMMITTED -> VISIBLE, PREPARE -> ABORTED. At most one transaction of a label is not ABORTED.
Finished ones are forgotten by age and by number; a forgotten label is UNKNOWN and may be used again.
"""

import re
import threading

LABEL = re.compile(r"[-\w]{1,128}", re.ASCII)
FINISHED = ("VISIBLE", "ABORTED")


class LabelExists(Exception):
    def __init__(self, txn):
        super().__init__("Label [%s] has already been used." % txn.label)
        self.existing = "RUNNING" if txn.state == "PREPARE" else "FINISHED"


class Refused(Exception):
    """begin, commit or cancel is refused; the text is the server's."""


class Txn:
    def __init__(self, number, db, table, label, backend, begun, timeout):
        self.id, self.db, self.table, self.label, self.backend = number, db, table, label, backend
        self.begun, self.timeout = begun, timeout
        self.state, self.reason = "PREPARE", ""
        self.finished = self.committed = None
        self.changes = []
        self.facts = {}             # what /_sim/loads tells: rows, sha256, …
        self.may_publish = False

    def describe(self):
        return {"txn": self.id, "db": self.db, "table": self.table, "label": self.label, "state": self.state,
                "reason": self.reason, "begun": self.begun, "committed": self.committed, **self.facts}


class Transactions:
    """All public methods may be called from any thread; `changed` is notified at each state change."""

    def __init__(self, cluster):
        self.cluster = cluster
        self.changed = threading.Condition(threading.RLock())
        self.by_label = {}          # (db, label) -> transactions, oldest first
        self.finished = {}          # db -> finished transactions, in order of finishing
        self.history = []           # facts of every committed load, never forgotten
        self.last_id = 1000

    # -- begin, commit, abort ------------------------------------------------

    def begin(self, db, table, label, timeout, backend):
        limits = self.cluster.limits
        with self.changed:
            if not LABEL.fullmatch(label):
                raise Refused("Label format error. regex: ^[-\\w]{1,128}$, label: " + label)
            self.evict()
            for txn in self.by_label.get((db, label), ()):
                if txn.state != "ABORTED":
                    raise LabelExists(txn)
            running = len(self.running(db))
            if running >= limits["max_running_txn_num_per_db"]:
                raise Refused("current running txns on db %d is %d, larger than limit %d"
                              % (self.cluster.db_id(db), running, limits["max_running_txn_num_per_db"]))
            self.last_id += 1
            txn = Txn(self.last_id, db, table, label, backend, self.cluster.clock.now(), timeout)
            self.by_label.setdefault((db, label), []).append(txn)
        self.cluster.clock.after(timeout, lambda: self.abort(txn, "timeout by txn manager"))
        return txn

    def running(self, db):
        return [t for (d, _), txns in self.by_label.items() if d == db for t in txns[-1:] if t.state == "PREPARE"]

    def commit(self, txn, changes, facts):
        """PREPARE -> COMMITTED; the changes become visible by publish()."""
        with self.changed:
            if txn.state != "PREPARE" or self.by_label.get((txn.db, txn.label), [None])[-1] is not txn:
                state = txn.state if txn.state != "PREPARE" else "UNKNOWN"
                raise Refused("transaction not found: %d" % txn.id if state == "UNKNOWN" else
                              "transaction is already %s: %s" % (state.lower(), txn.reason))
            table = self.cluster.table(txn.db, txn.table)
            if table is None:
                self.abort(txn, "table not found")
                raise Refused("table not found: " + txn.table)
            txn.state, txn.committed = "COMMITTED", self.cluster.clock.now()
            txn.changes, txn.facts = changes, dict(facts)
            table.publish_queue.append(txn)
            self.history.append(txn)
            self.changed.notify_all()

    def publish(self, txn):
        """COMMITTED -> VISIBLE, as soon as all earlier commits of the table are visible."""
        with self.changed:
            txn.may_publish = True
            table = self.cluster.table(txn.db, txn.table)
            while table and table.publish_queue and table.publish_queue[0].may_publish:
                ready = table.publish_queue.pop(0)
                self.cluster.apply(table, ready.changes)
                ready.changes = []
                ready.facts["version"] = table.version
                self._finish(ready, "VISIBLE")

    def abort(self, txn, reason):
        """Only PREPARE can be aborted; returns whether it was."""
        with self.changed:
            if txn.state != "PREPARE":
                return False
            txn.reason = reason
            self._finish(txn, "ABORTED")
            return True

    def _finish(self, txn, state):
        txn.state, txn.finished = state, self.cluster.clock.now()
        self.finished.setdefault(txn.db, []).append(txn)
        self.evict()
        self.changed.notify_all()

    def wait_visible(self, txn, seconds):
        """Waits for VISIBLE up to real seconds; returns whether it came."""
        with self.changed:
            return self.changed.wait_for(lambda: txn.state == "VISIBLE", seconds)

    # -- labels --------------------------------------------------------------

    def label_state(self, db, label):
        """(state, reason) of the newest transaction of the label."""
        with self.changed:
            self.evict()
            txns = self.by_label.get((db, label))
            return (txns[-1].state, txns[-1].reason) if txns else ("UNKNOWN", "")

    def cancel(self, db, label):
        with self.changed:
            txns = self.by_label.get((db, label))
            if not txns:
                raise Refused("transaction not found, label=" + label)
            if not self.abort(txns[-1], "user cancel"):
                raise Refused("running transaction not found, label=" + label)

    def evict(self):
        """Forgets finished transactions, first in first out, over label_keep_max_num or _second."""
        limits, now = self.cluster.limits, self.cluster.clock.now()
        for finished in self.finished.values():
            surplus = len(finished) - limits["label_keep_max_num"]
            while finished and (surplus > 0 or now - finished[0].finished > limits["label_keep_max_second"]):
                self.forget(finished.pop(0))
                surplus -= 1

    def evict_label(self, db, label):
        with self.changed:
            for txn in list(self.by_label.get((db, label), ())):
                if txn.state in FINISHED:
                    self.finished[db].remove(txn)
                    self.forget(txn)

    def forget(self, txn):
        name = (txn.db, txn.label)
        self.by_label[name].remove(txn)
        if not self.by_label[name]:
            del self.by_label[name]

    # -- nodes ---------------------------------------------------------------

    def forget_running(self):
        """An FE restart: what was only prepared is not in its log."""
        with self.changed:
            for txn in [t for txns in self.by_label.values() for t in txns if t.state == "PREPARE"]:
                self.forget(txn)
                txn.reason = "FE restarted"
            self.changed.notify_all()

    def abort_of_backend(self, backend):
        with self.changed:
            for txn in [t for txns in self.by_label.values() for t in txns]:
                if txn.backend == backend:
                    self.abort(txn, "coordinate BE is down")

    def describe(self, db=None):
        with self.changed:
            return [t.describe() for txns in self.by_label.values() for t in txns if db in (None, t.db)]

    def loads(self):
        with self.changed:
            return [t.describe() for t in self.history]
