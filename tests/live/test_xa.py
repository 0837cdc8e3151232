#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""XA transactions that are prepared before a position and end behind it: what cdc-check foretells, and what cdc-tail tells.

The oracle is the server's table: what a start misses of it was not told."""

import json
import unittest

from binlog_client import Client
from sandbox import Server, SqlError
from tail import Running, end_of_log, path, run, start
from test_check import ask, run_check, status_of


def xa(report):
    (check,) = [check for check in report["checks"] if check["id"] == "position.xa"]
    return check


class Place:
    """A position, as options of either tool."""

    def __init__(self, server):
        self.file, self.pos = server.value("SHOW MASTER STATUS" if server.flavor != "mysql" else "SHOW BINARY LOG STATUS").split("\t")[:2]
        self.by_place = [f"--file={self.file}", f"--pos={self.pos}"]
        if server.flavor == "mariadb":
            self.set = server.value(f"SELECT BINLOG_GTID_POS('{self.file}', {self.pos})")
        else:
            self.set = server.gtid_executed()
        self.by_set = [f"--gtid-set={self.set}"]
        self.time_ms = int(server.value("SELECT CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS UNSIGNED)"))
        self.by_time = [f"--timestamp={self.time_ms}"]


class OfServer(unittest.TestCase):
    flavor = "mysql"
    options = ["--binlog-row-metadata=FULL"]

    @classmethod
    def setUpClass(cls):
        cls.server = start(cls.__name__.lower(), cls.flavor, *cls.options)
        cls.addClassCleanup(cls.server.destroy, kill=True)

    def setUp(self):
        self.db = self._testMethodName
        self.server.sql(f"CREATE DATABASE {self.db}; CREATE TABLE {self.db}.t (id INT PRIMARY KEY, v VARCHAR(20))")
        self.begin = Place(self.server)
        self.addCleanup(self.end_all)

    def end_all(self):
        for row in self.server.sql("XA RECOVER"):
            self.server.sql(f"XA ROLLBACK '{row.split(chr(9))[3]}'")

    def prepare(self, xid, number):
        self.server.sql(f"XA START '{xid}'; INSERT INTO {self.db}.t VALUES ({number}, 'xa'); XA END '{xid}'; XA PREPARE '{xid}'")
        return self.executed() if self.flavor == "mysql" else None

    def executed(self):
        return self.server.gtid_executed()

    def insert(self, number):
        self.server.sql(f"INSERT INTO {self.db}.t VALUES ({number}, 'x')")

    def tell(self, *arguments, **more):
        return run("-t", f"{self.db}.*", "--stop-mode=latest", *arguments, server=self.server, **more)

    def table(self):
        return sorted(int(row) for row in self.server.sql(f"SELECT id FROM {self.db}.t"))


class Starts(OfServer):
    """Every kind of start, behind an XA PREPARE."""

    def open_one(self, flush=False):
        """1 before, 10 prepared, 2 between; the place; 10 committed, 3 behind. cdc-check's report while it was open."""
        self.insert(1)
        self.prepare("x", 10)
        if flush:
            self.server.sql("FLUSH BINARY LOGS")
        self.insert(2)
        place = Place(self.server)
        return place

    def check_all(self, place, *arguments, told=(3, 10)):
        for start_at in (place.by_place, place.by_set, place.by_time):
            with self.subTest(start=start_at):
                self.assertEqual(sorted(self.tell(*start_at, *arguments).inserted()), sorted(told))

    def test_in_the_same_file(self):
        place = self.open_one()
        self.server.sql("XA COMMIT 'x'")
        self.insert(3)
        self.check_all(place)

    def test_in_an_older_file(self):
        place = self.open_one(flush=True)
        self.server.sql("XA COMMIT 'x'; FLUSH BINARY LOGS")
        self.insert(3)
        self.check_all(place)

    def test_rolled_back(self):
        place = self.open_one()
        self.server.sql("XA ROLLBACK 'x'")
        self.insert(3)
        self.check_all(place, told=[3])

    def test_behind_a_restart_of_the_server(self):
        place = self.open_one()
        self.server.restart(kill=True)
        self.server.sql("XA COMMIT 'x'")
        self.insert(3)
        self.check_all(place)

    def test_compressed(self):
        self.insert(1)
        self.server.sql(f"""SET binlog_transaction_compression = ON; XA START 'z'; INSERT INTO {self.db}.t VALUES (10, REPEAT('z', 20));
            XA END 'z'; XA PREPARE 'z'""")
        self.insert(2)
        place = Place(self.server)
        self.server.sql("XA COMMIT 'z'")
        self.insert(3)
        self.check_all(place)
        self.assertEqual([row["xid"] for row in ask(self.server, *place.by_place)["position"]["xa"]], ["X'7a',X'',1"])

    def test_several_one_name_twice(self):
        """Of a name that is used again, the newest; each with its own rows."""
        for number in (10, 11):
            self.prepare("again", number)
            if number == 10:
                self.server.sql("XA COMMIT 'again'; FLUSH BINARY LOGS")
        self.prepare("other", 12)
        self.prepare("never", 13)
        place = Place(self.server)
        self.server.sql("XA COMMIT 'other'; XA ROLLBACK 'never'; XA COMMIT 'again'")
        self.prepare("again", 14)
        self.server.sql("XA COMMIT 'again'")
        self.insert(3)
        self.check_all(place, told=[11, 12, 14, 3])

    def test_latest(self):
        """The run begins while it is open."""
        self.insert(1)
        self.prepare("x", 10)
        self.server.sql("FLUSH BINARY LOGS")
        with Running("-t", f"{self.db}.*", server=self.server) as running:
            running.until(lambda record: record["kind"] == "start")
            self.server.sql("XA COMMIT 'x'")
            running.until_inserted(10)
            self.insert(3)
            running.until_inserted(3)
            self.assertEqual(running.inserted(), [10, 3])

    def test_the_initial_copy(self):
        self.insert(1)
        self.prepare("x", 10)
        with Running("-t", f"{self.db}.*", "--startup-mode=initial", server=self.server) as running:
            running.until(lambda record: record["kind"] == "snapshot-end")
            self.server.sql("XA COMMIT 'x'")
            running.until_inserted(10)
            self.assertEqual(running.inserted(), [1, 10])

    def test_the_checkpoint_leaves_it_out(self):
        """Begun at a file and offset; the next run goes on by the set, which asks for the XA PREPARE again."""
        place = self.open_one()
        checkpoint = path(f"{self.db}.ckpt")
        arguments = [f"--checkpoint={checkpoint}", "--save-checkpoint"]
        self.assertEqual(self.tell(*place.by_place, *arguments).inserted(), [])
        saved = json.loads(checkpoint.read_text())["gtid_set"]
        self.assertEqual(self.server.value(f"SELECT GTID_SUBSET('{place.set}', '{saved}')"), "0")
        self.server.sql("XA COMMIT 'x'")
        self.insert(3)
        self.assertEqual(self.tell(*arguments).inserted(), [10, 3])
        self.assertEqual(json.loads(checkpoint.read_text())["gtid_set"], self.executed())

    def test_purged(self):
        """Nobody has the rows any more. The run ends at the XA COMMIT and says where to go on."""
        place = self.open_one(flush=True)
        self.server.sql(f"PURGE BINARY LOGS TO '{place.file}'")
        report = ask(self.server, *place.by_place, "--for=cdc-tail")
        self.assertEqual(xa(report)["status"], "warning", xa(report))
        self.server.sql("XA COMMIT 'x'")
        self.insert(3)
        report = ask(self.server, *place.by_place, "--for=cdc-tail")
        self.assertEqual(xa(report)["status"], "critical", xa(report))
        stream = self.tell(*place.by_place, status=69)
        self.assertEqual(stream.rows, [])
        self.assertIn("prepared before the start", stream.stderr)
        behind = stream.stderr.split("--gtid-set=")[1].split()[0]
        self.assertEqual(self.tell(f"--gtid-set={behind}").inserted(), [3])

    def test_from_files(self):
        place = self.open_one(flush=True)
        self.server.sql("XA COMMIT 'x'")
        self.insert(3)
        files = self.server.binlogs()
        newest = run(files[-1], "-t", f"{self.db}.*", status=69)
        self.assertIn("in a file before these", newest.stderr)
        both = run(*files, "-t", f"{self.db}.*", *place.by_place)
        self.assertEqual(both.inserted(), [10, 3])


class Foretold(OfServer):
    """position.xa."""

    def check(self, place, *arguments):
        return ask(self.server, *place.by_place, *arguments)

    def by_our_set(self, report):
        """What a reader that takes rows at their XA PREPARE gets by the set of the report."""
        return self.tell(f"--gtid-set={report['position']['gtid_set']}").inserted()

    def test_open_now(self):
        self.insert(1)
        self.prepare("x", 10)
        place = Place(self.server)
        self.insert(2)
        for arguments in ([*place.by_place], [*place.by_set], [*place.by_time], ["--startup-mode=latest"]):
            with self.subTest(start=arguments):
                report = ask(self.server, *arguments)
                self.assertEqual(xa(report)["status"], "critical")
                self.assertEqual([(found["xid"], found["state"]) for found in report["position"]["xa"]], [("X'78',X'',1", "open")])
                # The set is right for a reader that gets the rows with the XA PREPARE.
                prepared = report["position"]["xa"][0]["gtid"]
                with Client(self.server.socket) as client:
                    sent = [event.gtid for event in client.dump_gtid(report["position"]["gtid_set"]) if event.starts_transaction]
                self.assertEqual(sent[0], prepared)
                self.assertEqual(xa(ask(self.server, *arguments, "--for=cdc-tail"))["status"], "ok")
        self.assertEqual(xa(ask(self.server, *self.begin.by_place))["status"], "ok")

    def test_ended_behind(self):
        self.insert(1)
        self.prepare("x", 10)
        self.prepare("y", 11)
        self.server.sql("FLUSH BINARY LOGS")
        place = Place(self.server)
        self.server.sql("XA COMMIT 'x'; XA ROLLBACK 'y'")
        self.prepare("later", 12)
        report = self.check(place)
        states = {found["xid"]: found["state"] for found in report["position"]["xa"]}
        self.assertEqual(states, {"X'78',X'',1": "committed", "X'79',X'',1": "rolled back"})
        self.assertEqual(xa(report)["status"], "critical")
        self.assertNotIn("X'79'", xa(report)["message"])
        self.assertEqual(self.by_our_set(report), [10])
        # By set, and nothing is left behind the XA COMMIT.
        self.assertEqual(xa(ask(self.server, *place.by_set))["status"], "critical")
        self.server.sql("XA COMMIT 'later'")
        self.assertEqual(xa(self.check(Place(self.server)))["status"], "ok")
        # A set without the XA PREPARE is in order as it is.
        self.assertEqual(xa(ask(self.server, f"--gtid-set={report['position']['gtid_set']}"))["status"], "ok")

    def test_the_checkpoint_that_is_written(self):
        self.prepare("x", 10)
        place = Place(self.server)
        checkpoint = path(f"{self.db}.ckpt")
        done = run_check(*place.by_place, f"--write-checkpoint={checkpoint}", "--for=cdc-tail", server=self.server)
        self.assertIn(done.returncode, (0, 1), done.stdout)
        self.server.sql("XA COMMIT 'x'")
        self.assertEqual(self.tell(f"--checkpoint={checkpoint}").inserted(), [10])
        self.assertEqual(xa(ask(self.server, f"--checkpoint={checkpoint}"))["status"], "ok")

    def test_without_the_privilege(self):
        self.server.sql("CREATE USER repl; GRANT REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO repl")
        self.prepare("x", 10)
        self.server.sql("FLUSH BINARY LOGS")
        place = Place(self.server)
        report = json.loads(run_check("--format=json", *place.by_place, server=self.server, user="repl").stdout)
        self.assertEqual(xa(report)["status"], "skipped")
        self.assertIn("GRANT XA_RECOVER_ADMIN ON *.* TO 'repl'@'%'", xa(report)["message"])
        self.server.sql("XA COMMIT 'x'")
        report = json.loads(run_check("--format=json", *place.by_place, server=self.server, user="repl").stdout)
        self.assertEqual(xa(report)["status"], "critical")
        self.server.sql("DROP USER repl")

    def test_a_limit(self):
        """What lies behind it is said to be unknown."""
        self.prepare("x", 10)
        self.server.sql("FLUSH BINARY LOGS")
        place = Place(self.server)
        self.server.sql(f"CREATE TABLE {self.db}.wide (b LONGTEXT); INSERT INTO {self.db}.wide VALUES (REPEAT('b', 100000))")
        self.server.sql(f"INSERT INTO {self.db}.wide VALUES (REPEAT('b', 100000)); XA COMMIT 'x'")
        report = self.check(place, "--scan-limit=50k")
        self.assertEqual(xa(report)["status"], "skipped")
        self.assertIn("--scan-limit", xa(report)["message"])
        self.assertEqual(xa(self.check(place))["status"], "critical")


class WithoutGtids(OfServer):
    """By file and offset, in one run and over two."""

    options = ["--binlog-row-metadata=FULL", "--gtid-mode=OFF"]

    def test_a_start_and_a_checkpoint(self):
        self.prepare("x", 10)
        self.server.sql("FLUSH BINARY LOGS")
        place = Place(self.server)
        self.assertEqual(xa(ask(self.server, *place.by_place))["status"], "critical")
        checkpoint = path(f"{self.db}.ckpt")
        arguments = [f"--checkpoint={checkpoint}", "--save-checkpoint"]
        self.insert(2)
        self.assertEqual(self.tell(*place.by_place, *arguments).inserted(), [2])
        self.server.sql("XA COMMIT 'x'")
        self.assertEqual(self.tell(*place.by_place).inserted(), [2, 10])
        self.assertEqual(self.tell(*arguments).inserted(), [10])


class Mariadb(OfServer):
    """Its positions have one number a domain: the XA PREPARE cannot be left out."""

    flavor = "mariadb"

    def executed(self):
        return self.server.value("SELECT @@GLOBAL.gtid_binlog_pos")

    def test_every_start(self):
        self.insert(1)
        self.prepare("x", 10)
        self.prepare("y", 11)
        self.server.sql("FLUSH BINARY LOGS")
        self.insert(2)
        place = Place(self.server)
        report = ask(self.server, *place.by_place)
        self.assertEqual(xa(report)["status"], "critical", xa(report))
        self.server.sql("XA COMMIT 'x'; XA ROLLBACK 'y'")
        self.insert(3)
        for start_at in (place.by_place, place.by_set):
            with self.subTest(start=start_at):
                self.assertEqual(self.tell(*start_at).inserted(), [10, 3])
                self.assertEqual(xa(ask(self.server, *start_at))["status"], "critical")

    def test_over_two_runs(self):
        checkpoint = path(f"{self.db}.ckpt")
        arguments = [f"--checkpoint={checkpoint}", "--save-checkpoint"]
        self.prepare("x", 10)
        self.insert(2)
        self.assertEqual(self.tell(*self.begin.by_set, *arguments).inserted(), [2])
        self.server.sql("XA COMMIT 'x'")
        self.assertEqual(self.tell(*arguments).inserted(), [10])


class Mysql56(unittest.TestCase):
    """It logs an XA transaction when that commits."""

    def test_nothing_is_missed(self):
        with Server.start("xa56", flavor="mysql56") as server:
            server.sql("CREATE DATABASE d; CREATE TABLE d.t (id INT PRIMARY KEY)")
            place = Place(server)
            server.sql("XA START 'x'; INSERT INTO d.t VALUES (1); XA END 'x'; XA PREPARE 'x'; XA COMMIT 'x'")
            self.assertEqual(xa(ask(server, *place.by_place))["status"], "ok")
            stream = run(*place.by_place, "--stop-mode=latest", server=server)
            self.assertEqual(stream.inserted(), [1])


if __name__ == "__main__":
    unittest.main(verbosity=2)
