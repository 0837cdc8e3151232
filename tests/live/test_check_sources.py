#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""cdc-check of sources of many kinds: replicas, gaps in their sets, many files, other time zones, mixed transactions."""

import json
import pathlib
import re
import tempfile
import time
import unittest

from binlog_client import Client, DumpError
from sandbox import Server
from test_check import ask, run_check, status_of, transactions


def message_of(report, check):
    (message,) = [result["message"] for result in report["checks"] if result["id"] == check]
    return message


def await_true(condition, what, deadline=60):
    end = time.monotonic() + deadline
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.1)


class Replica(unittest.TestCase):
    """A source that is a replica itself, and what a failover to it means."""

    @classmethod
    def setUpClass(cls):
        cls.source = Server.start("first")
        cls.addClassCleanup(cls.source.destroy, kill=True)
        cls.source.sql("CREATE DATABASE d; CREATE TABLE d.t (id INT PRIMARY KEY AUTO_INCREMENT); INSERT INTO d.t VALUES (1)")
        cls.replica = Server.start("second", replica_of=cls.source, options=["--replica-parallel-workers=4"])
        cls.addClassCleanup(cls.replica.destroy, kill=True)
        cls.catch_up()

    @classmethod
    def catch_up(cls):
        wanted = cls.source.gtid_executed()
        await_true(lambda: cls.replica.gtid_executed() == wanted, "the replica never caught up")

    def await_metric(self, server, pattern):
        """Sessions end, and lags are known, a little later than what they are about."""
        with tempfile.NamedTemporaryFile(suffix=".prom") as file:
            def told():
                run_check(f"--prometheus={file.name}", server=server)
                return re.search(pattern, pathlib.Path(file.name).read_text())
            await_true(told, pattern)

    def test_a_replica_is_told(self):
        report = ask(self.replica, f"--gtid-set={self.source.gtid_executed()}")
        self.assertEqual(status_of(report, "server.replica"), "ok")
        self.assertIn("replica of 127.0.0.1", message_of(report, "server.replica"))
        self.assertTrue(report["prediction"]["start"]["ok"])
        self.await_metric(self.replica, r"cdc_source_replica_lag_seconds\{[^}]*\} 0\n")
        # On the source the replica is a reader, as a connector would be.
        self.await_metric(self.source, r"cdc_source_dump_threads\{[^}]*\} 1\n")
        taken = ask(self.source, f"--server-id={self.replica.server_id}")
        self.assertEqual(status_of(taken, "server.id"), "critical")

    def test_b_commit_order(self):
        self.assertEqual(status_of(ask(self.replica), "server.commit_order"), "ok")
        self.replica.sql("STOP REPLICA SQL_THREAD; SET GLOBAL replica_preserve_commit_order=OFF; START REPLICA SQL_THREAD")
        report = ask(self.replica)
        self.assertEqual(status_of(report, "server.commit_order"), "warning")
        (advice,) = [result["advice"] for result in report["checks"] if result["id"] == "server.commit_order"]
        self.replica.sql(advice)  # can be pasted as it is
        self.assertEqual(status_of(ask(self.replica), "server.commit_order"), "ok")

    def test_c_the_lag_of_a_replica(self):
        self.replica.sql("STOP REPLICA; CHANGE REPLICATION SOURCE TO SOURCE_DELAY=3600; START REPLICA")
        self.source.sql("INSERT INTO d.t VALUES ()")
        self.await_metric(self.replica, r"cdc_source_replica_lag_seconds\{[^}]*\} [1-9]")
        self.replica.sql("STOP REPLICA; CHANGE REPLICATION SOURCE TO SOURCE_DELAY=0; START REPLICA")
        self.catch_up()

    def test_d_what_a_failover_loses(self):
        self.replica.sql("STOP REPLICA IO_THREAD")
        self.source.sql("INSERT INTO d.t VALUES ()")
        held = self.source.gtid_executed()
        self.assertEqual(transactions(self.replica, lambda client: client.dump_gtid(held)), [])  # silently
        report = ask(self.replica, f"--gtid-set={held}")
        self.assertEqual(report["prediction"]["start"]["error"], "foreign_gtids")
        lost = self.source.value(f"SELECT GTID_SUBTRACT('{held}', '{self.replica.gtid_executed()}')")
        self.assertEqual(report["prediction"]["start"]["transactions"], lost)
        self.assertEqual(status_of(report, "server.replica"), "critical")
        self.assertIn("Replica_IO_Running", message_of(report, "server.replica"))

    def test_e_a_replica_that_does_not_log(self):
        with Server.start("silent", replica_of=self.source, options=["--log-replica-updates=OFF"]) as silent:
            self.assertEqual(status_of(ask(silent), "server.replica"), "critical")


class Gaps(unittest.TestCase):
    """Connectors that fill the gaps of a set lose what comes into them."""

    def test_what_filling_skips(self):
        with Server.start("gaps") as source:
            source.sql("CREATE DATABASE d; CREATE TABLE d.t (id INT PRIMARY KEY AUTO_INCREMENT); INSERT INTO d.t VALUES (); INSERT INTO d.t VALUES ()")
            file, pos = source.value("SHOW BINARY LOG STATUS").split("\t")[:2]
            self.assertEqual(status_of(ask(source, f"--file={file}", f"--pos={pos}", "--for=flink"), "gtid.gaps"), "ok")
            newest = int(source.gtid_executed().split("-")[-1])
            source.sql(f"SET gtid_next='{source.uuid}:{newest + 3}'; INSERT INTO d.t VALUES ()")
            report = ask(source, f"--file={file}", f"--pos={pos}", "--for=flink")
            skips = report["prediction"]["restart"]["skips"]
            self.assertEqual(skips, f"{source.uuid}:{newest + 1}-{newest + 2}")
            self.assertEqual(status_of(report, "gtid.gaps"), "note")
            # The late ones come; a set in which the gap was filled is never sent them.
            held = source.gtid_executed()
            source.sql("".join(f"SET gtid_next='{source.uuid}:{newest + late}'; INSERT INTO d.t VALUES ();" for late in (1, 2)))
            late = transactions(source, lambda client: client.dump_gtid(held))
            self.assertEqual(source.value(f"SELECT GTID_SUBTRACT('{skips}', '{','.join(late)}')"), "")
            self.assertEqual(transactions(source, lambda client: client.dump_gtid(f"{source.uuid}:1-{newest + 3}")), [])
            # Now they are holes of the old set: sent to who sends it as it is, lost by who fills them.
            report = ask(source, f"--gtid-set={held}", "--for=seatunnel")
            self.assertEqual(report["prediction"]["restart"]["skips"], skips)
            self.assertEqual(status_of(report, "restart"), "critical")
            self.assertEqual(status_of(ask(source, f"--gtid-set={held}", "--for=cdc-tail"), "restart"), "ok")


class ManyFiles(unittest.TestCase):
    """Questions read little, and say how much."""

    def test_bytes_read(self):
        with Server.start("many") as source:
            source.sql("CREATE DATABASE d; CREATE TABLE d.t (id INT PRIMARY KEY AUTO_INCREMENT, x LONGTEXT)")
            with Client(source.socket) as client:
                for _ in range(100):
                    client.execute("INSERT INTO d.t (x) VALUES (REPEAT('x', 100000))")
                    client.execute("FLUSH BINARY LOGS")
            file_size = sum(int(row.split("\t")[1]) for row in source.sql("SHOW BINARY LOGS")) // 100
            half = f"{source.uuid}:1-52"
            for arguments in (["--file=binlog.000050", "--pos=4"], [f"--gtid-set={half}"], ["--startup-mode=latest"],
                              [f"--timestamp={int(time.time() * 1000)}"]):
                report = ask(source, *arguments)
                self.assertTrue(report["prediction"]["start"]["ok"], arguments)
                read = report["bytes_read"]
                self.assertGreater(sum(read.values()), 0)
                # No more than the heads of some files and two files: one for the place, one for what precedes it.
                self.assertLess(sum(read.values()), 2 * file_size + 50_000, (arguments, read))


class Behind(unittest.TestCase):
    """What lies between the position and the server's end."""

    @classmethod
    def setUpClass(cls):
        cls.source = Server.start("behind", options=["--binlog-row-metadata=MINIMAL"])
        cls.addClassCleanup(cls.source.destroy, kill=True)
        cls.source.sql("CREATE DATABASE d; CREATE TABLE d.t (id INT PRIMARY KEY AUTO_INCREMENT, x LONGTEXT)")

    def here(self):
        file, pos = self.source.value("SHOW BINARY LOG STATUS").split("\t")[:2]
        return [f"--file={file}", f"--pos={pos}", "-t", "d.t"]

    def test_a_part_of_it_is_told_as_a_part(self):
        here = self.here()
        self.source.sql("INSERT INTO d.t (x) VALUES (REPEAT('x', 50000)); INSERT INTO d.t (x) VALUES (REPEAT('x', 50000))")
        whole = ask(self.source, *here)
        self.assertIn("d.t 2", message_of(whole, "table.changes"))
        self.assertEqual(status_of(whole, "table.ddl"), "ok")
        part = ask(self.source, *here, "--scan-limit=20k")
        self.assertIn("d.t 1", message_of(part, "table.changes"))
        self.assertIn("--scan-limit", message_of(part, "table.changes"))
        self.assertEqual(status_of(part, "table.ddl"), "skipped")

    def test_rows_of_another_definition(self):
        """The ALTER lies beyond what is read, but the first rows are not of the table of now."""
        here = self.here()
        self.source.sql("INSERT INTO d.t (x) VALUES (REPEAT('x', 50000)); INSERT INTO d.t (x) VALUES (REPEAT('x', 50000)); "
                        "ALTER TABLE d.t ADD COLUMN later INT")
        part = ask(self.source, *here, "--scan-limit=20k")
        self.assertEqual(status_of(part, "table.ddl"), "warning")
        self.assertIn("d.t since its first rows", message_of(part, "table.ddl"))
        self.source.sql("ALTER TABLE d.t DROP COLUMN later")
        self.assertEqual(status_of(ask(self.source, *here, "--scan-limit=20k"), "table.ddl"), "skipped")

    def test_a_dump_that_breaks_off_later(self):
        with Server.start("mixed") as source:
            source.sql("CREATE DATABASE d; CREATE TABLE d.t (id INT PRIMARY KEY AUTO_INCREMENT)")
            file, pos = source.value("SHOW BINARY LOG STATUS").split("\t")[:2]
            source.sql("INSERT INTO d.t VALUES ()")
            for mode in ("ON_PERMISSIVE", "OFF_PERMISSIVE"):
                source.sql(f"SET GLOBAL gtid_mode={mode}; INSERT INTO d.t VALUES ()")
            mixed = ask(source, f"--file={file}", f"--pos={pos}", "-t", "d.*")
            self.assertEqual(status_of(mixed, "gtid.anonymous"), "warning")
            for mode in ("ON_PERMISSIVE", "ON"):
                source.sql(f"SET GLOBAL gtid_mode={mode}")
            with self.assertRaises(DumpError) as broken:
                transactions(source, lambda client: client.dump(file, int(pos)))
            report = ask(source, f"--file={file}", f"--pos={pos}", "-t", "d.*")
            self.assertTrue(report["prediction"]["start"]["ok"])
            self.assertEqual(status_of(report, "gtid.anonymous"), "critical")
            self.assertIn(str(broken.exception).split(",")[0], message_of(report, "gtid.anonymous"))


class Damage(unittest.TestCase):
    """Files that are gone or altered without the server's knowledge."""

    @classmethod
    def setUpClass(cls):
        cls.source = Server.start("damaged")
        cls.addClassCleanup(cls.source.destroy, kill=True)
        cls.source.sql("CREATE DATABASE d; CREATE TABLE d.t (id INT PRIMARY KEY AUTO_INCREMENT, x LONGTEXT)")
        for _ in range(6):
            cls.source.sql("INSERT INTO d.t (x) VALUES ('q'); INSERT INTO d.t (x) VALUES (REPEAT('r', 300)); FLUSH BINARY LOGS")
        cls.files = cls.source.binlogs()

    def compare_sets(self):
        """Each set of all up to some transaction, against the dump."""
        seen = set()
        for last in range(1, 15):
            text = f"{self.source.uuid}:1-{last}"
            start = ask(self.source, f"--gtid-set={text}")["prediction"]["start"]
            try:
                first = transactions(self.source, lambda client, text=text: client.dump_gtid(text))[:1]
            except DumpError as error:
                self.assertFalse(start["server_accepts"], (text, start))
                self.assertIn(start["server_text"], str(error), text)
                self.assertEqual(start["error"], "broken_index", text)
            else:
                self.assertTrue(start["ok"], (text, start))
                self.assertEqual([start["first"]["gtid"]] if "first" in start else [], first)
            seen.add(start["error"])
        self.assertEqual(seen, {None, "broken_index"})

    def test_a_file_is_gone(self):
        for file in (self.files[3], self.files[0]):
            away = file.with_name("away")
            file.rename(away)
            try:
                report = ask(self.source, f"--file={self.files[3].name}", "--pos=4")
                self.assertEqual(status_of(report, "retention.files"), "critical")
                self.assertEqual(report["prediction"]["start"]["error"], "broken_index" if file == self.files[3] else None)
                if file == self.files[3]:
                    self.compare_sets()
            finally:
                away.rename(file)

    def test_a_byte_is_altered(self):
        file = self.files[2]
        data = file.read_bytes()
        at = data.index(b"r" * 100)
        file.write_bytes(data[:at] + b"z" + data[at + 1:])
        try:
            report = ask(self.source, f"--file={file.name}", f"--pos={len(data)}")
            self.assertEqual(status_of(report, "position.readable"), "critical")
            self.assertIn("wrong checksum", message_of(report, "position.readable"))
            self.assertEqual(status_of(ask(self.source, f"--file={file.name}", "--pos=4"), "position.readable"), "ok")
        finally:
            file.write_bytes(data)


class TimeZones(unittest.TestCase):
    def test_the_readers_zone(self):
        with Server.start("zone", options=["--default-time-zone=+05:00"]) as source, tempfile.TemporaryDirectory() as directory:
            def status(name, text):
                path = pathlib.Path(directory) / name
                path.write_text(text)
                done = run_check("--no-defaults", f"--connector-config={path}", "--format=json")
                self.assertEqual(done.stderr, "")
                import json
                return status_of(json.loads(done.stdout), "settings.time_zone")

            def seatunnel(more):
                return (f'source {{ MySQL-CDC {{ url = "jdbc:mysql://127.0.0.1:{source.port}/d", username = "root", password = ""\n'
                        f'{more} }} }}')

            def flink(more):
                return (f"source:\n  type: mysql\n  hostname: 127.0.0.1\n  port: {source.port}\n  username: root\n  password: ''\n"
                        f"  tables: d.\\.*\n{more}")

            self.assertEqual(status("a.conf", seatunnel("")), "warning")  # its default is UTC
            self.assertEqual(status("b.conf", seatunnel('server-time-zone = "+05:00"')), "ok")
            self.assertEqual(status("c.yaml", flink("  server-time-zone: Asia/Karachi\n")), "ok")
            self.assertEqual(status("d.yaml", flink("  server-time-zone: Europe/Berlin\n")), "warning")
            self.assertEqual(status("e.yaml", flink("")), "note")
            self.assertEqual(status_of(ask(source, "--for=cdc-tail"), "settings.time_zone"), "ok")


if __name__ == "__main__":
    unittest.main(verbosity=2)
