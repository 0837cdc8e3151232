#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The two bounds of a page of an initial copy, each made to matter on purpose.

Lower: a transaction is told, but no SELECT shows it yet, because its commit waits for a replica that does not come. A page
that is asked for then must wait for it. Upper: a page shows a transaction that the stream has not told, because what the
server sends of its log is held back. Its rows must wait for the stream."""

import threading
import time
import unittest

from proxy import Proxy
from slow_tail import WIDE, SlowTail
from tail import DEADLINE, start

ROWS = 300
SEMISYNC = {
    None: ("INSTALL PLUGIN rpl_semi_sync_source SONAME 'semisync_source.so';", "rpl_semi_sync_source"),
    "mariadb": ("", "rpl_semi_sync_master"),
}


class Bounds(unittest.TestCase):
    def server(self, flavor=None, *options):
        server = start(self._testMethodName, flavor, "--binlog-row-metadata=FULL", *options)
        self.addCleanup(server.destroy, kill=True)
        server.sql("CREATE DATABASE d; CREATE TABLE d.t (id INT PRIMARY KEY, v INT, s MEDIUMTEXT) ENGINE=InnoDB; INSERT INTO d.t VALUES "
                   + ",".join(f"({i}, {i}, REPEAT('x', {WIDE}))" for i in range(ROWS)))  # fmt: skip
        return server

    def copy(self, server, *connection):
        return SlowTail("--startup-mode=initial", "--stop-mode=latest", "-t", "d.*", "--snapshot-chunk-rows=10", *connection,
                        server=None if connection else server, name=self._testMethodName)  # fmt: skip

    def check(self, stream, server):
        """Each row of a chunk is the source's where it is told, and in the end nothing is missing."""
        source, copied = {i: i for i in range(ROWS)}, {}
        for record in stream.rows:
            number, v = record["data"]["id"], record["data"]["v"]
            if record.get("snapshot"):
                self.assertEqual(v, source[number], f"row {number} of a chunk")
            elif record["kind"] == "+U":
                source[number] = v
            if record["kind"] != "-U":
                copied[number] = v
        rows = (row.split("\t") for row in server.sql("SELECT id, v FROM d.t"))
        self.assertEqual(copied, {int(number): int(v) for number, v in rows})

    def lower(self, flavor, is_waiting, *options, statement="UPDATE d.t SET v = 1000 WHERE id = 290", told="+U"):
        server = self.server(flavor, *options)
        install, name = SEMISYNC[flavor]
        server.sql(f"{install} SET GLOBAL {name}_timeout = 3600000; SET GLOBAL {name}_wait_point = 'AFTER_SYNC'")
        with self.copy(server) as tail:
            tail.until_chunk(1)
            server.sql(f"SET GLOBAL {name}_enabled = ON")
            writer = threading.Thread(target=server.sql, args=(statement,))
            writer.start()
            try:
                self.wait_until(server, "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE STATE LIKE 'Waiting for semi-sync%'")
                tail.until(lambda record: record["kind"] == told)
                if told == "+U":
                    self.assertEqual(server.value("SELECT v FROM d.t WHERE id = 290"), "290", "it is not committed yet")
                streams = []
                reader = threading.Thread(target=lambda: streams.append(tail.finish()))
                reader.start()
                deadline = time.monotonic() + DEADLINE / 2
                while reader.is_alive() and not is_waiting(server):
                    self.assertLess(time.monotonic(), deadline, "no page waits for it")
                    time.sleep(0.05)
            finally:
                server.sql(f"SET GLOBAL {name}_enabled = OFF")
                writer.join(DEADLINE)
            reader.join(DEADLINE)
        self.check(streams[0], server)
        return streams[0]

    def wait_until(self, server, query):
        deadline = time.monotonic() + DEADLINE
        while server.value(query) == "0":
            self.assertLess(time.monotonic(), deadline, query)
            time.sleep(0.05)

    def test_lower_bound_by_gtids(self):
        query = "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE INFO LIKE 'SELECT WAIT\\_FOR\\_EXECUTED%'"
        self.lower(None, lambda server: server.value(query) != "0")

    def test_lower_bound_by_locks(self):
        query = "SELECT COUNT(*) FROM information_schema.INNODB_TRX WHERE trx_state = 'LOCK WAIT'"
        self.lower(None, lambda server: server.value(query) != "0", "--gtid-mode=OFF", "--enforce-gtid-consistency=OFF")

    def test_lower_bound_by_snapshots(self):
        """It is taken again and again."""
        query = "SELECT VARIABLE_VALUE FROM information_schema.GLOBAL_STATUS WHERE VARIABLE_NAME = 'Com_rollback'"
        self.lower("mariadb", lambda server: int(server.value(query)) > 2 * ROWS)

    def check_column(self, stream):
        """Whatever is told behind the DDL has the column that it adds."""
        behind = [record["kind"] for record in stream.records].index("ddl")
        told = [record["data"].get("c") for record in stream.records[behind:] if record["kind"] == "+I"]
        self.assertGreater(len(told), ROWS / 3)
        self.assertEqual(set(told), {7})

    def test_lower_bound_of_definitions(self):
        """The ALTER is told, and nobody can see it yet. With GTIDs, too, a page that was asked for before waits for its lock."""
        query = ("SELECT COUNT(*) FROM information_schema.PROCESSLIST "
                 "WHERE INFO LIKE 'SELECT WAIT\\_FOR\\_EXECUTED%' OR STATE LIKE 'Waiting for table metadata lock%'")
        for options in ([], ["--gtid-mode=OFF", "--enforce-gtid-consistency=OFF"]):
            with self.subTest(options=options):
                self.check_column(self.lower(None, lambda server: server.value(query) != "0", *options,
                                             statement="ALTER TABLE d.t ADD COLUMN c INT NOT NULL DEFAULT 7", told="ddl"))  # fmt: skip
                self.doCleanups()

    def until_quiet(self, tail, reader):
        """Until nothing more is told. What is right is right whenever the log is let go."""
        before, since = -1, time.monotonic()
        while reader.is_alive() and time.monotonic() - since < 2:
            if len(tail.records) != before:
                before, since = len(tail.records), time.monotonic()
            time.sleep(0.05)
        self.assertTrue(reader.is_alive(), "it did not wait for the log")

    def test_upper_bound_behind_a_lock(self):
        """What a page waits for and then shows is in the log by the time that its bound is asked for, not before."""
        server = self.server(None, "--gtid-mode=OFF", "--enforce-gtid-consistency=OFF")
        server.sql("CREATE DATABASE e; CREATE TABLE e.go (i INT PRIMARY KEY);\nDELIMITER //\n"
                   "CREATE PROCEDURE e.hold() WHILE (SELECT COUNT(*) FROM e.go) = 0 DO DO SLEEP(0.05); END WHILE //\n")  # fmt: skip
        writer = threading.Thread(target=server.sql, args=(
            "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED; BEGIN; UPDATE d.t SET v = 1000 WHERE id = 290; CALL e.hold(); COMMIT",))
        with Proxy(server.port) as proxy:
            with self.copy(server, "--no-defaults", "-h", "127.0.0.1", f"-P{proxy.port}", "-uroot", "--ssl-mode=disabled") as tail:
                tail.until_chunk(1)
                writer.start()
                self.wait_until(server, "SELECT COUNT(*) FROM information_schema.INNODB_TRX WHERE trx_rows_modified > 0")
                streams = []
                reader = threading.Thread(target=lambda: streams.append(tail.finish()))
                reader.start()
                self.wait_until(server, "SELECT COUNT(*) FROM information_schema.INNODB_TRX WHERE trx_state = 'LOCK WAIT'")
                proxy.hold(0)
                server.sql("INSERT INTO e.go VALUES (1)")
                writer.join(DEADLINE)
                self.until_quiet(tail, reader)
                proxy.let_go(0)
                reader.join(DEADLINE)
        self.check(streams[0], server)

    def upper(self, flavor=None, *options, statement="UPDATE d.t SET v = v + 1000 WHERE id >= 200"):
        server = self.server(flavor, *options)
        with Proxy(server.port) as proxy:
            with self.copy(server, "--no-defaults", "-h", "127.0.0.1", f"-P{proxy.port}", "-uroot", "--ssl-mode=disabled") as tail:
                tail.until_chunk(1)
                proxy.hold(0)  # the first connection is the one that becomes the dump
                server.sql(statement)
                streams = []
                reader = threading.Thread(target=lambda: streams.append(tail.finish()))
                reader.start()
                self.until_quiet(tail, reader)
                proxy.let_go(0)
                reader.join(DEADLINE)
        self.check(streams[0], server)
        return streams[0]

    def test_upper_bound(self):
        self.upper()

    def test_upper_bound_without_gtids(self):
        self.upper(None, "--gtid-mode=OFF", "--enforce-gtid-consistency=OFF")

    def test_upper_bound_of_mariadb(self):
        self.upper("mariadb")

    def test_upper_bound_of_definitions(self):
        """Pages are read by a definition that is no more, which the stream has not told yet."""
        self.check_column(self.upper(statement="ALTER TABLE d.t ADD COLUMN c INT NOT NULL DEFAULT 7"))


if __name__ == "__main__":
    unittest.main()
