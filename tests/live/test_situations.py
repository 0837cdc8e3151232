#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The six situations in which a stream of after-images alone leaves a wrong table, each from a real MySQL through
cdc-tail and cdc-load to StarRocks. What must be there is what SELECT says."""

import json
import os
import pathlib
import subprocess
import tempfile
import time
import unittest

from load import BIN
from sandbox import Server
from starrocks import StarRocks

DEADLINE = 60
ITEMS = [("id", "INT"), ("v", "VARCHAR(80)")]


class Situation(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.sim = cls.enterClassContext(StarRocks())
        cls.server = cls.enterClassContext(Server.start("situations", options=["--binlog-row-metadata=FULL"]))

    def setUp(self):
        self.directory = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory(prefix="cdc-situation-")))
        self.server.sql("DROP DATABASE IF EXISTS shop; RESET BINARY LOGS AND GTIDS; CREATE DATABASE shop")
        self.sim.configure(storage="shared_nothing")
        self.told = len(self.sim.loads())

    def tearDown(self):
        self.sim.assert_clean()

    def table(self, name, definition, columns=ITEMS, keys=("id",), model="PK"):
        self.server.sql(f"CREATE TABLE shop.{name} ({definition})")
        self.sim.create_table("shop", name, columns, list(keys), model)

    def sql(self, *statements):
        """In one transaction."""
        self.server.sql("USE shop; START TRANSACTION; " + "; ".join(statements) + "; COMMIT")

    def tail(self, *arguments, server=None):
        """The stream from the checkpoint to the server's end, as bytes."""
        server = server or self.server
        done = subprocess.run(
            [BIN / "cdc-tail", "--no-defaults", f"--socket={server.socket}", "--user=root", "-t", "shop.*", "--stop-mode=latest",
             "--startup-mode=earliest", "--checkpoint", self.directory / "ckpt", *arguments],
            capture_output=True, timeout=DEADLINE, check=False)  # fmt: skip
        self.assertEqual(done.returncode, 0, done.stderr.decode())
        return done.stdout

    def load(self, stream, *arguments, status=0):
        done = subprocess.run(
            [BIN / "cdc-load", "--no-defaults", "--url", self.sim.url, "-u", "root", "--query-url=none",
             "--checkpoint", self.directory / "ckpt", *arguments],
            input=stream, capture_output=True, timeout=DEADLINE, check=False)  # fmt: skip
        self.assertEqual(done.returncode, status, done.stderr.decode())
        return done.stderr.decode()

    def carry(self, *arguments, server=None):
        return self.load(self.tail(*arguments, server=server))

    def loads(self):
        """Rows of each load committed in this test."""
        return [load["rows"] for load in self.sim.loads()[self.told :]]

    def executed(self):
        return json.loads((self.directory / "ckpt").read_text())["gtid_set"]

    def equal(self, name="items", columns=ITEMS, server=None):
        names = [column for column, _ in columns]
        source = (server or self.server).sql(f"SELECT {', '.join(names)} FROM shop.{name}")
        self.assertGreater(len(source), 0)
        self.assertEqual(sorted("\t".join(str(row[c]) for c in names) for row in self.sim.dump("shop", name)), sorted(source))

    def test_1_an_update_that_changes_nothing_kept(self):
        self.table("items", "id INT PRIMARY KEY, v VARCHAR(20), seen INT")
        self.sql("INSERT INTO items VALUES (1, 'a', 0), (2, 'b', 0)")
        self.carry("--exclude-column=shop.items.seen")
        self.sql("UPDATE items SET seen = seen + 1")
        self.carry("--exclude-column=shop.items.seen")
        self.assertEqual(self.loads(), [2])  # and the checkpoint moves nevertheless
        self.assertEqual(self.executed(), self.server.gtid_executed())
        self.sql("UPDATE items SET seen = seen + 1, v = IF(id = 2, 'new', v)")
        self.carry("--exclude-column=shop.items.seen")
        self.assertEqual(self.loads(), [2, 1])
        self.equal()

    def test_2_changes_of_keys(self):
        pairs = [("a", "INT"), ("b", "VARCHAR(80)"), ("v", "INT")]
        self.table("pairs", "b VARCHAR(20), a INT, v INT, PRIMARY KEY (a, b)", pairs, ("a", "b"))
        self.table("items", "id INT PRIMARY KEY, v VARCHAR(20)")
        self.sql("INSERT INTO items VALUES (1, 'one'), (2, 'two'), (3, 'three')",
                 "INSERT INTO pairs VALUES ('x', 1, 1), ('y', 1, 2), ('x', 2, 3)")  # fmt: skip
        self.carry()
        swap = "UPDATE {0} SET {1} = -1 WHERE {1} = 1; UPDATE {0} SET {1} = 1 WHERE {1} = 2; UPDATE {0} SET {1} = 2 WHERE {1} = -1"
        for changes in (["UPDATE items SET id = 9 WHERE id = 3"], [swap.format("items", "id")], [swap.format("pairs", "a")],
                        ["UPDATE pairs SET b = UPPER(b) WHERE a = 1"], ["UPDATE pairs SET b = 'z', a = 7 WHERE v = 1"],
                        ["UPDATE items SET id = id + 1 ORDER BY id DESC", "UPDATE items SET id = id - 1 ORDER BY id"]):  # fmt: skip
            self.sql(*changes)
            self.carry()
            self.equal()
            self.equal("pairs", pairs)

    def test_3_a_table_without_key(self):
        for change in ("UPDATE log SET id = 3, v = 'c' WHERE id = 1", "DELETE FROM log WHERE id = 2"):
            with self.subTest(change):
                self.setUp()
                self.refused(change)

    def refused(self, change):
        self.table("items", "id INT PRIMARY KEY, v VARCHAR(20)")
        self.table("log", "id INT, v VARCHAR(20)", model="DUP")
        self.sql("INSERT INTO log VALUES (1, 'a'), (1, 'a'), (2, 'b')", "INSERT INTO items VALUES (1, 'one')")
        self.sql("INSERT INTO log VALUES (1, 'a')")
        self.carry()
        self.equal("log")
        before = self.loads()
        self.sql("INSERT INTO items VALUES (5, 'not without the rest')", "INSERT INTO log VALUES (9, 'nor this')", change)
        stream = self.tail()
        rows = [json.loads(line) for line in stream.splitlines()]
        rows = [r for r in rows if r.get("table") == "log" and r["kind"] in ("-U", "+U", "-D")]
        identity = [(r["gtid"], r["seq"], r["kind"]) for r in rows]
        self.assertEqual(len(identity), len(set(identity)))  # equal rows, told apart
        self.assertIn("no primary key", self.load(stream, status=69))
        self.assertEqual(self.loads(), before)
        self.assertEqual(len(self.sim.dump("shop", "items")), 1)
        self.assertEqual(len(self.sim.dump("shop", "log")), 4)

    def test_4_everything_told_twice(self):
        self.table("items", "id INT PRIMARY KEY, v VARCHAR(20)")
        self.table("log", "id INT, v VARCHAR(20)", model="DUP")
        for i in range(1, 6):
            self.sql(f"INSERT INTO items VALUES ({i}, 'x'), ({10 + i}, 'y')", f"INSERT INTO log VALUES ({i}, 'x'), ({i}, 'x')",
                     f"UPDATE items SET id = {20 + i}, v = 'z' WHERE id = {10 + i}", f"DELETE FROM items WHERE id = {i - 1}")  # fmt: skip
        stream = self.tail()
        self.load(b"".join(line + b"\n" + line + b"\n" for line in stream.splitlines()))
        self.equal()
        self.equal("log")
        before = self.loads()
        self.load(stream)
        self.load(stream + stream)
        self.assertEqual(self.loads(), before)

    def test_5_a_replica_with_holes(self):
        self.table("items", "id INT PRIMARY KEY, v VARCHAR(20)")
        self.table("log", "id INT, v VARCHAR(20)", model="DUP")
        options = ["--binlog-row-metadata=FULL", "--replica-parallel-workers=4", "--replica-preserve-commit-order=OFF"]
        self.sql("INSERT INTO items VALUES (1, 'one'), (2, 'two')")
        with Server.start("holes", replica_of=self.server, options=options) as replica:
            self.wait(replica, self.server.gtid_executed())
            # A transaction of the replica's own, prepared and abandoned, holds a row.
            replica.sql("SET GLOBAL super_read_only = OFF, read_only = OFF; SET sql_log_bin = 0; XA START 'held'; "
                        "UPDATE shop.items SET v = 'held' WHERE id = 1; XA END 'held'; XA PREPARE 'held'")  # fmt: skip
            # Nothing of them in tables without key: those are applied one after the other.
            self.sql("UPDATE items SET v = 'late' WHERE id = 1", "INSERT INTO items VALUES (3, 'late')")
            late = self.server.gtid_executed()
            self.sql("UPDATE items SET v = 'early' WHERE id = 2", "INSERT INTO items VALUES (4, 'early')")
            last = self.server.value(f"SELECT GTID_SUBTRACT(@@GLOBAL.gtid_executed, '{late}')")
            self.wait(replica, last)
            self.carry(server=replica)
            self.equal(server=replica)
            hole = self.server.value(f"SELECT GTID_SUBTRACT('{late}', '{self.executed()}')")
            self.assertTrue(hole, "no hole")
            replica.sql("XA ROLLBACK 'held'")
            # On at the source, whose order is another, and back at the replica.
            self.carry(server=self.server)
            self.equal()
            self.sql("INSERT INTO log VALUES (3, 'after')")
            self.wait(replica, self.server.gtid_executed())
            self.carry(server=replica)
            self.equal("log")
            self.assertEqual(self.server.value(f"SELECT GTID_SUBSET(@@GLOBAL.gtid_executed, '{self.executed()}')"), "1")

    def wait(self, replica, gtids):
        deadline = time.monotonic() + DEADLINE
        while replica.value(f"SELECT GTID_SUBSET('{gtids}', @@GLOBAL.gtid_executed)") != "1":
            self.assertLess(time.monotonic(), deadline, "the replica does not catch up")
            time.sleep(0.05)

    def test_6_deleted_and_inserted_again(self):
        self.sim.configure(storage="shared_data", limits={"memtable_rows": 1})
        self.addCleanup(self.sim.configure, limits={"memtable_rows": 100000})
        self.table("items", "id INT PRIMARY KEY, v VARCHAR(20)")
        self.sql("INSERT INTO items VALUES (1, 'a'), (2, 'b'), (3, 'c')")
        self.carry()
        self.sql("DELETE FROM items WHERE id = 1", "INSERT INTO items VALUES (1, 'again')")
        self.sql("DELETE FROM items WHERE id = 2")
        self.sql("INSERT INTO items VALUES (2, 'later')", "UPDATE items SET id = 4 WHERE id = 3", "INSERT INTO items VALUES (3, 'new')")
        self.carry()
        self.equal()
        self.assertEqual(len(self.loads()), 2)  # all of it in one batch


if __name__ == "__main__":
    unittest.main()
