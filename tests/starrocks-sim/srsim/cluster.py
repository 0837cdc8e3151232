# SPDX-License-Identifier: Apache-2.0
"""The simulated cluster: configuration, users, databases, backends, and how changes are applied."""

import collections
import json
import os
import pickle

from .audit import Audit
from .clock import Clock
from .faults import Faults
from .schema import Column, Table
from .transactions import Transactions

LIMITS = {
    "label_keep_max_num": 1000, "label_keep_max_second": 259200, "max_running_txn_num_per_db": 1000,
    "stream_load_default_timeout_second": 600, "streaming_load_max_mb": 10240,
    "streaming_load_max_batch_size_mb": 100, "primary_key_limit_size": 128, "tablet_max_versions": 1000,
    "compaction_per_second": 100, "http_max_header_size": 32768, "http_max_initial_line_length": 4096,
    "memtable_rows": 100000, "publish_delay": 0, "default_replication_num": 1,
}
# How the versions differ, as far as clients can see it.
PROFILES = {
    "v2.5": {"version": "2.5.22-b1d5ca8", "fe_errors": "rest", "plan_time": "StreamLoadPutTimeMs",
             "duplicate_label": "status", "json_compression": False, "reason": False, "fast_alter": False},
    "v3.2": {"version": "3.2.11-9cd4e7c", "fe_errors": "rest", "plan_time": "StreamLoadPlanTimeMs",
             "duplicate_label": "status", "json_compression": True, "reason": False, "fast_alter": False},
    "v3.5": {"version": "3.5.5-5a1f7c2", "fe_errors": "result", "plan_time": "StreamLoadPlanTimeMs",
             "duplicate_label": "fail", "json_compression": True, "reason": True, "fast_alter": True},
    "v4.0": {"version": "4.0.2-2e0d4b7", "fe_errors": "result", "plan_time": "StreamLoadPlanTimeMs",
             "duplicate_label": "fail", "json_compression": True, "reason": True, "fast_alter": True},
    "v4.1": {"version": "4.1.0-7f3c9aa", "fe_errors": "result", "plan_time": "StreamLoadPlanTimeMs",
             "duplicate_label": "fail", "json_compression": True, "reason": True, "fast_alter": True},
}


class Cluster:
    def __init__(self):
        self.clock = Clock()
        self.audit = Audit(self.clock)
        self.faults = Faults(self.clock)
        self.limits = dict(LIMITS)
        self.profile_name, self.profile = "v3.5", dict(PROFILES["v3.5"])
        self.storage = "shared_nothing"
        self.users = {"root": {"password": ""}}
        self.databases = {}         # name -> {table name: Table}
        self.db_ids = {}
        self.transactions = Transactions(self)
        self.lock = self.transactions.changed   # one lock for metadata and transactions
        self.frontends, self.backends, self.alive = {}, [], []
        self.starts = collections.Counter()     # of each backend
        self._next_backend = 0
        self.error_logs = {}
        self.jobs = 20000           # number of the last schema change job

    # -- configuration -------------------------------------------------------

    def configure(self, config):
        """Merges a configuration (see README.md) into the present one."""
        with self.lock:
            if "profile" in config:
                self.profile_name, self.profile = config["profile"], dict(PROFILES[config["profile"]])
            for name in ("duplicate_label", "fe_errors"):
                if name in config:
                    self.profile[name] = config[name]
            unknown = set(config.get("limits", {})) - set(LIMITS)
            if unknown:
                raise ValueError("unknown limits: %s" % sorted(unknown))
            self.limits.update(config.get("limits", {}))
            self.storage = config.get("storage", self.storage)
            if "seed" in config:
                self.faults.seed(config["seed"])
            self.audit.ignored = set(config.get("ignore_violations", self.audit.ignored))
            for name, user in config.get("users", {}).items():
                self.users[name] = user if isinstance(user, dict) else {"password": user}
            for db, tables in config.get("databases", {}).items():
                self.create_database(db)
                for name, table in tables.items():
                    self.create_table(db, name, table)

    @property
    def server_version(self):
        """What the MySQL port calls itself."""
        return "5.1.0" if self.profile_name == "v2.5" else "8.0.33"

    def create_database(self, db):
        with self.lock:
            self.databases.setdefault(db, {})
            self.db_ids.setdefault(db, 10000 + len(self.db_ids))

    def create_table(self, db, name, config):
        keys = config.get("keys")
        columns = [Column.from_config(dict(c, key=c["name"] in keys) if keys else c) for c in config["columns"]]
        with self.lock:
            self.create_database(db)
            self.databases[db][name] = Table(db, name, config.get("model", "PK"), columns)

    def db_id(self, db):
        return self.db_ids.get(db, -1)

    def table(self, db, name):
        return self.databases.get(db, {}).get(name)

    # -- access --------------------------------------------------------------

    def authenticate(self, credentials):
        """The user's name; None if unknown or with a wrong password."""
        if credentials is None or credentials[0] not in self.users:
            return None
        return credentials[0] if self.users[credentials[0]].get("password", "") == credentials[1] else None

    def may_insert(self, user, db, table):
        grants = self.users[user].get("grants", ["*.*"])
        return any(g in ("*.*", db + ".*", "%s.%s" % (db, table)) for g in grants)

    # -- nodes ---------------------------------------------------------------

    def choose_backend(self):
        """The index of the next living backend, or None."""
        with self.lock:
            living = [i for i, alive in enumerate(self.alive) if alive]
            if not living:
                return None
            self._next_backend += 1
            return living[self._next_backend % len(living)]

    def backend_down(self, index):
        self.alive[index] = False
        self.backends[index].stop()
        self.transactions.abort_of_backend(index)

    def backend_up(self, index):
        self.backends[index].start()
        self.alive[index] = True

    def backend_restart(self, index):
        """So fast that the FE does not notice: connections and load contexts are lost, transactions are not."""
        self.starts[index] += 1
        self.backends[index].stop()
        self.backends[index].start()

    def frontend_down(self):
        for listener in self.frontends.values():
            listener.stop()
        self.transactions.forget_running()

    def frontend_up(self):
        for listener in self.frontends.values():
            listener.start()

    # -- data ----------------------------------------------------------------

    def too_many_versions(self, table):
        """The server's complaint if the table has too many versions now, else None. Compacts first."""
        with self.lock:
            now, limit = self.clock.now(), self.limits["tablet_max_versions"]
            compacted = int((now - table.compacted_at) * self.limits["compaction_per_second"])
            if compacted:
                table.pending_versions = max(0, table.pending_versions - compacted)
                table.compacted_at = now
            if table.pending_versions < limit:
                return None
            return ("Failed to load data into tablet %d, because of too many versions, current/limit: %d/%d. You can "
                    "reduce the loading job concurrency, or increase loading data batch size. If you are loading "
                    "data with Routine Load, you can increase FE configs routine_load_task_consume_second and "
                    "max_routine_load_batch_size," % (self.db_id(table.db) + 7, table.pending_versions, limit))

    def apply(self, table, changes):
        """Makes a committed load visible. Called with the lock held."""
        table.version += 1
        table.pending_versions += 1
        if not table.keyed:
            table.rows.extend(changes)
            return
        if self.storage == "shared_data":
            changes = self._deletes_last(changes)
        rows = table.rows
        for key, row in changes:
            if row is None:
                rows.pop(key, None)
            else:
                rows[key] = row

    def _deletes_last(self, changes):
        """Shared-data tables apply all deletes of a load after all its upserts; only within one memtable
        does the last change of a key win."""
        size = self.limits["memtable_rows"]
        upserts, deletes = [], []
        for start in range(0, len(changes), size):
            for key, row in dict(changes[start:start + size]).items():
                (deletes if row is None else upserts).append((key, row))
        return upserts + deletes

    def dump(self, table):
        """The rows as sorted JSON lines."""
        with self.lock:
            names, rows = [c.name for c in table.columns], table.all_rows()
        lines = []
        for row in rows:
            cells = (v.hex() if type(v) is bytes else v for v in row)
            lines.append(json.dumps(dict(zip(names, cells)), ensure_ascii=False) + "\n")
        lines.sort()
        return "".join(lines).encode("utf-8")

    # -- keeping state over a restart of the simulator -----------------------

    STATE = ("limits", "profile_name", "profile", "storage", "users", "databases", "db_ids")
    TRANSACTION_STATE = ("by_label", "finished", "history", "last_id")

    def save(self, path):
        with self.lock:
            state = {name: getattr(self, name) for name in self.STATE}
            state["bodies"] = self.audit.dump_bodies()
            txns = self.transactions
            state["transactions"] = {name: getattr(txns, name) for name in self.TRANSACTION_STATE}
            data = pickle.dumps(state)
        with open(path + ".tmp", "wb") as out:
            out.write(data)
        os.replace(path + ".tmp", path)

    def restore(self, path):
        """The state of an earlier run; like an FE restart, running transactions are lost."""
        with open(path, "rb") as source:
            state = pickle.load(source)
        for name in self.STATE:
            setattr(self, name, state[name])
        for name in self.TRANSACTION_STATE:
            setattr(self.transactions, name, state["transactions"][name])
        self.audit.restore_bodies(state["bodies"])
        self.transactions.forget_running()
        for tables in self.databases.values():
            for table in tables.values():
                for txn in list(table.publish_queue):
                    self.transactions.publish(txn)
