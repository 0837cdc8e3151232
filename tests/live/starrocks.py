# SPDX-License-Identifier: Apache-2.0
"""Starts the StarRocks simulator for a test and talks to its control port.

    with StarRocks() as starrocks:
        starrocks.create_table("shop", "orders", [("id", "BIGINT"), ("note", "VARCHAR(80)")], keys=["id"])
        run("cdc-load", "--url", starrocks.url, "-u", starrocks.user, …)
        rows = starrocks.dump("shop", "orders")
        starrocks.assert_clean()
"""

import json
import os
import subprocess
import sys
import unittest
import urllib.error
import urllib.request

PROGRAM = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "starrocks-sim", "starrocks-sim")


class StarRocks:
    """One simulated cluster with its own process and ports; user `root`, password empty unless configured."""

    user, password = "root", ""

    def __init__(self, config=None, backends=1, state=None, ports=None):
        """config: as the simulator's JSON file. state: a file that keeps the content over stop() and start()."""
        self._config, self._backends, self._state = config or {}, backends, state
        self._process, self.ports = None, ports
        self.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    # -- the process -----------------------------------------------------------

    def start(self):
        command = [sys.executable, PROGRAM, "--backends", str(self._backends)]
        if self._state:
            command += ["--state", self._state]
        if self.ports:
            command += ["--ports", json.dumps(self.ports)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("starrocks-sim did not start, status %s" % self._process.wait(10))
        self.ports = json.loads(line)
        if self._config:
            self.configure(**self._config)

    def stop(self):
        """Ends the simulator, which saves its state if it was given a file for it."""
        if self._process and self._process.poll() is None:
            self._process.stdin.close()
            try:
                self._process.wait(20)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait(10)
        if self._process:
            self._process.stdout.close()
        self._process = None

    def restart(self):
        """A new process on the same ports (and with the same content, if there is a state file)."""
        self.stop()
        self.start()

    @property
    def url(self):
        return "http://127.0.0.1:%d" % self.ports["fe"]

    @property
    def follower_url(self):
        return "http://127.0.0.1:%d" % self.ports["fe_follower"]

    @property
    def query_url(self):
        return "mysql://127.0.0.1:%d" % self.ports["mysql"]

    def backend_address(self, index=0):
        return "127.0.0.1:%d" % self.ports["be"][index]

    @property
    def stranger_address(self):
        return "127.0.0.1:%d" % self.ports["stranger"]

    # -- the control port --------------------------------------------------------

    def _call(self, method, path, value=None):
        body = None if value is None else json.dumps(value).encode()
        request = urllib.request.Request("http://127.0.0.1:%d/_sim/%s" % (self.ports["admin"], path), body,
                                         method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.read()
        except urllib.error.HTTPError as error:
            raise RuntimeError("%s %s: %s" % (method, path, error.read().decode())) from None

    def _get(self, path):
        return json.loads(self._call("GET", path))

    def _post(self, path, **value):
        return json.loads(self._call("POST", path, value))

    def configure(self, **config):
        return self._post("config", **config)

    def create_table(self, db, name, columns, keys=None, model="PK"):
        """columns: (name, type) pairs, or dicts as in the configuration; keys: names of the key columns."""
        columns = [c if isinstance(c, dict) else {"name": c[0], "type": c[1]} for c in columns]
        return self._post("table", db=db, name=name, columns=columns, keys=keys, model=model)

    def sql(self, text, database=None):
        """Runs a statement as root; returns the rows. The MySQL port gives the same answers."""
        return self._post("sql", sql=text, database=database)["rows"]

    def drop_table(self, db, name):
        return self._post("drop", db=db, name=name)

    def alter(self, db, name, **change):
        """add={"name": …, "type": …} or drop="name", at once."""
        return self._post("alter", db=db, name=name, **change)

    def dump(self, db, table):
        """The rows as dicts, in the order of their JSON text."""
        return [json.loads(line) for line in self.dump_text(db, table).splitlines()]

    def dump_text(self, db, table):
        return self._call("GET", "table/%s/%s" % (db, table)).decode()

    def fault(self, name, **config):
        """E.g. fault("be_commit_drop", count=2, match={"table": "shop.orders"}); returns its id."""
        return self._post("fault", fault=name, **config)["id"]

    def faults(self):
        return self._get("faults")

    def clear_faults(self):
        self._call("DELETE", "faults")

    def action(self, name, be=0):
        """fe_restart, fe_down, fe_up, be_restart, be_down, be_up"""
        return self._post("action", action=name, be=be)

    def evict(self, db, label):
        return self._post("evict", db=db, label=label)

    def advance_clock(self, seconds):
        return self._post("clock", advance=seconds)

    def requests(self, **wanted):
        query = "&".join("%s=%s" % item for item in wanted.items())
        return self._get("requests" + ("?" + query if query else ""))

    def loads(self):
        """The committed loads, in commit order."""
        return self._get("loads")

    def transactions(self):
        return self._get("transactions")

    def tables(self):
        return self._get("tables")

    def violations(self):
        return self._get("violations")

    def clear_violations(self):
        self._call("DELETE", "violations")

    def assert_clean(self):
        """Fails if a client did anything that a careful one never does."""
        found = self.violations()
        assert not found, "StarRocks saw violations:\n" + "\n".join(
            "  %(kind)s: %(text)s" % v + " (label %s)" % v.get("label") for v in found)


class StarRocksTest(unittest.TestCase):
    """A simulator for each class, a fresh table shop.orders and no faults or violations for each test."""

    backends = 1
    model = "PK"

    @classmethod
    def setUpClass(cls):
        cls.sim = StarRocks(backends=cls.backends)

    @classmethod
    def tearDownClass(cls):
        cls.sim.stop()

    def setUp(self):
        self.sim.create_table("shop", "orders", self.target_columns, ["id"], self.model)
        self.sim.clear_faults()
        self.sim.clear_violations()
        self.sim.configure(profile="v3.5", storage="shared_nothing")
