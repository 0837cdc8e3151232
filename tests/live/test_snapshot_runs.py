#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs with an initial copy from beginning to end: what they refuse, how they go on from a checkpoint, what a person sees."""

import json
import os
import pathlib
import pty
import re
import signal
import subprocess
import threading
import time
import unittest

from sandbox import Server
from slow_tail import WIDE, SlowTail, Tables
from starrocks import StarRocks
from tail import DEADLINE, Stream, command, path, run, start

LOAD = pathlib.Path(os.environ["CDC_BIN_DIR"]) / "cdc-load"
FLAVORS = (None, "mariadb", "mysql56")


def fill(server, db, rows=50):
    server.sql(f"CREATE DATABASE {db}; CREATE TABLE {db}.t (id INT PRIMARY KEY, v VARCHAR(20)) ENGINE=InnoDB; INSERT INTO {db}.t VALUES "
               + ",".join(f"({i}, 'v{i}')" for i in range(rows)))  # fmt: skip


def copy(server, db, *arguments, **more):
    return run("--startup-mode=initial", "--stop-mode=latest", "-t", f"{db}.*", *arguments, server=server, **more)


def chunks(stream):
    return [(r["snapshot"]["table"], r["snapshot"]["chunk"], r["changes"], r["snapshot"]["last"]) for r in stream.of("commit") if "snapshot" in r]


class EveryServer(unittest.TestCase):
    """On each kind of server, in a quiet state."""

    def on_each(self, test, *options, flavors=FLAVORS):
        for flavor in flavors:
            with self.subTest(flavor=flavor), start(f"{self._testMethodName}{flavor or ''}", flavor, *options) as server:
                test(server)

    def test_with_no_more_than_its_grants(self):
        def check(server):
            fill(server, "d")
            server.sql("CREATE USER copier@'%'; CREATE USER copier@localhost")
            grants = "REPLICATION SLAVE, REPLICATION CLIENT"
            if server.flavor == "mariadb":
                grants += ", BINLOG MONITOR, REPLICATION MASTER ADMIN"
            for host in ("'%'", "localhost"):
                server.sql(f"GRANT {grants} ON *.* TO copier@{host}; GRANT SELECT ON d.* TO copier@{host}")
            if server.flavor != "mysql56":
                server.sql("SET GLOBAL read_only = ON")
            before = server.sql("SHOW BINARY LOG STATUS" if server.flavor == "mysql" else "SHOW MASTER STATUS")
            line = command("--startup-mode=initial", "--stop-mode=latest", "-t", "d.*", "--snapshot-chunk-rows=7", server=server, user="copier")
            done = subprocess.run(line, capture_output=True, text=True, timeout=DEADLINE, check=False)
            self.assertEqual(done.returncode, 0, done.stderr)
            stream = Stream([json.loads(record) for record in done.stdout.splitlines()])
            self.assertEqual(stream.inserted(), list(range(50)))
            after = server.sql("SHOW BINARY LOG STATUS" if server.flavor == "mysql" else "SHOW MASTER STATUS")
            self.assertEqual(before, after, "it has written to the server")

        self.on_each(check)

    def test_empty_tables(self):
        def check(server):
            server.sql("CREATE DATABASE d; CREATE TABLE d.a (id INT PRIMARY KEY) ENGINE=InnoDB; CREATE TABLE d.b (id INT PRIMARY KEY) ENGINE=InnoDB")
            tables = [("a", 0, 0, True), ("b", 0, 0, True)]
            if server.flavor != "mysql56":
                server.sql("CREATE TABLE d.c (id INT)")
                tables.append(("c", 0, 0, True))
            stream = copy(server, "d")
            self.assertEqual(sorted(chunks(stream)), tables)
            self.assertEqual(len(stream.of("snapshot-end")), 1)
            self.assertEqual(copy(server, "nothing").of("commit"), [])

        self.on_each(check)

    def test_pages_are_no_larger_than_memory_allows(self):
        """Rows of a third of a megabyte: chunks of some, whatever the number of rows asked for."""

        def check(server):
            server.sql("CREATE DATABASE d; CREATE TABLE d.t (id INT PRIMARY KEY, s MEDIUMTEXT) ENGINE=InnoDB; INSERT INTO d.t VALUES "
                       + ",".join(f"({i}, REPEAT('x', 300000))" for i in range(60)))  # fmt: skip
            stream = copy(server, "d")
            self.assertEqual(stream.inserted(), list(range(60)))
            self.assertLess(max(changes for _, _, changes, _ in chunks(stream)), 20)

        self.on_each(check, flavors=(None,))

    def test_a_new_log_in_which_nothing_happened(self):
        def check(server):
            fill(server, "d")
            server.sql("FLUSH LOGS")
            self.assertEqual(copy(server, "d", "--snapshot-chunk-rows=7").inserted(), list(range(50)))
            server.restart()
            self.assertEqual(copy(server, "d", "--snapshot-chunk-rows=7").inserted(), list(range(50)))

        self.on_each(check)

    def test_the_log_is_changed_in_the_middle(self):
        def check(server):
            server.sql(f"CREATE DATABASE d; CREATE TABLE d.t (id INT PRIMARY KEY, s MEDIUMTEXT) ENGINE=InnoDB; INSERT INTO d.t VALUES "
                       + ",".join(f"({i}, REPEAT('x', {WIDE}))" for i in range(200)))  # fmt: skip
            with SlowTail("--startup-mode=initial", "--stop-mode=latest", "-t", "d.*", "--snapshot-chunk-rows=10", server=server) as tail:
                tail.until_chunk(1)
                server.sql("FLUSH LOGS")
                self.assertEqual(tail.finish().inserted(), list(range(200)))

        self.on_each(check)

    def test_refused(self):
        """With what to do, and before anything is told."""

        def refuses(server, text, *arguments):
            stream = copy(server, "d", *arguments, status=78)
            self.assertIn(text, stream.end["reason"])
            self.assertEqual(stream.rows, [])

        def check(server):
            fill(server, "d")
            server.sql("SET GLOBAL binlog_row_image = 'MINIMAL'")
            refuses(server, "binlog_row_image=full")
            server.sql("SET GLOBAL binlog_row_image = 'FULL'; CREATE TABLE d.m (id INT PRIMARY KEY) ENGINE=MyISAM")
            refuses(server, "-x 'd.m'")
            refuses(server, "primary key", "-x", "d.m", "--exclude-column=d.t.id")
            if server.flavor == "mysql56":
                server.sql("CREATE TABLE d.k (id INT) ENGINE=InnoDB")
                refuses(server, "-x 'd.k'", "-x", "d.m")
            if server.flavor == "mariadb":
                server.sql("CREATE TABLE d.h (id INT PRIMARY KEY) WITH SYSTEM VERSIONING")
                refuses(server, "-x 'd.h'", "-x", "d.m")
            stream = run("--startup-mode=latest", "--snapshot-table=d.nothing", server=server, status=69)
            self.assertIn("d.nothing", stream.end["reason"])
            self.assertEqual(copy(server, "d", "-x", "d.[mhk]").inserted(), list(range(50)))

        self.on_each(check)

    def test_two_hundred_tables(self):
        """In 64 MB."""

        def check(server):
            server.sql("CREATE DATABASE d; " + "".join(
                f"CREATE TABLE d.t{n} (id INT PRIMARY KEY, s VARCHAR(2000)) ENGINE=InnoDB; INSERT INTO d.t{n} VALUES "
                + ",".join(f"({i}, REPEAT('{n % 10}', 2000))" for i in range(200)) + ";" for n in range(200)))  # fmt: skip
            process = subprocess.Popen(command("--startup-mode=initial", "--stop-mode=latest", "-t", "d.*", "--snapshot-parallel=4",
                                               "--rows-only", server=server), stdout=subprocess.PIPE)  # fmt: skip
            lines = peak = 0
            for line in process.stdout:  # the kernel's maximum for a process that has ended counts the one that started it
                lines += b'"snapshot":true' in line
                if lines % 2000 == 0:
                    status = pathlib.Path(f"/proc/{process.pid}/status").read_text(encoding="ascii")
                    peak = next((int(text.split()[1]) for text in status.splitlines() if text.startswith("VmHWM:")), peak)
            process.stdout.close()
            self.assertEqual((process.wait(), lines), (0, 200 * 200))
            self.assertGreater(peak, 0)
            if "san" not in os.environ["CDC_BIN_DIR"]:  # a sanitizer takes more
                self.assertLess(peak, 64 << 10)
            print(f"{server.flavor}: {peak >> 10} MiB")

        self.on_each(check, flavors=(None,))


class OnMysql(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server.start(cls.__name__.lower(), options=["--binlog-row-metadata=FULL"])
        cls.addClassCleanup(cls.server.destroy, kill=True)

    def setUp(self):
        self.db = self._testMethodName
        self.checkpoint = path(self.db + ".ckpt")
        fill(self.server, self.db)

    def sql(self, text):
        return self.server.sql(text.replace("@", self.db + "."))

    def wide(self, name="w", rows=200, key="PRIMARY KEY"):
        self.sql(f"CREATE TABLE @{name} (id INT {key}, s MEDIUMTEXT); INSERT INTO @{name} VALUES "
                 + ",".join(f"({i}, REPEAT('x', {WIDE}))" for i in range(rows)))  # fmt: skip

    def slow(self, *arguments):
        return SlowTail("--startup-mode=initial", "--stop-mode=latest", "--snapshot-chunk-rows=10", "-t", f"{self.db}.w", *arguments,
                        server=self.server, name=self.db)  # fmt: skip

    def kept(self, *arguments, **more):
        return copy(self.server, self.db, f"--checkpoint={self.checkpoint}", "--save-checkpoint", *arguments, **more)


class Checkpoints(OnMysql):
    def test_what_is_copied_once_is_not_copied_again(self):
        """Nor is what was made later, whose rows came by the stream; what a wider filter captures is."""
        first = self.kept()
        self.assertEqual((first.inserted(), chunks(first)), (list(range(50)), [("t", 0, 50, True)]))
        self.sql("CREATE TABLE @later (id INT PRIMARY KEY); INSERT INTO @later VALUES (1), (2); INSERT INTO @t VALUES (100, 'x')")
        second = self.kept()
        self.assertEqual([(r["table"], r["data"]["id"]) for r in second.rows], [("later", 1), ("later", 2), ("t", 100)])
        self.assertEqual(chunks(second), [])
        self.sql("DELETE FROM @later WHERE id = 1")
        self.assertEqual([r["kind"] for r in self.kept().rows], ["-D"])
        fill(self.server, self.db + "2", 3)
        third = self.kept("-t", self.db + "2.*", "--accept-change")
        self.assertIn(("t", 0, 3, True), chunks(third))

    def test_a_copy_that_was_cut_off_goes_on(self):
        """Behind its last chunk, and with the tables that it had not begun."""
        self.wide("a")
        arguments = ["--startup-mode=initial", "--stop-mode=latest", "--snapshot-chunk-rows=10", "-t", f"{self.db}.*", "--snapshot-parallel=1",
                     f"--checkpoint={self.checkpoint}", "--save-checkpoint"]  # fmt: skip
        with SlowTail(*arguments, server=self.server, name=self.db) as tail:
            for number in range(3, 20):
                tail.until_chunk(number)
                if json.loads(self.checkpoint.read_text())["tables"]:  # it is written some times a second
                    break
                time.sleep(0.05)
            tail.process.kill()
            told = [json.loads(line) for line in tail.process.stdout if line.endswith("\n")]
        saved = json.loads(self.checkpoint.read_text())
        self.assertFalse(saved["copied"])
        mark = saved["tables"][f"{self.db}.a"]["done"]["chunks"][0]
        self.assertLess(mark["chunk"], 19)
        self.sql("DELETE FROM @a WHERE id IN (5, 195); INSERT INTO @a VALUES (1000, 'x'); UPDATE @t SET v = 'n' WHERE id = 7")
        rest = run(*arguments, server=self.server)
        self.assertEqual([c for c in chunks(rest) if c[0] == "a"][0][1], mark["chunk"] + 1)
        tables = Tables().apply(tail.records + told + rest.records)
        self.assertEqual([id for (id,) in tables.of("a", "id")], [i for i in range(200) if i not in (5, 195)] + [1000])
        self.assertEqual(tables.of("t", "id", "v")[7], (7, "n"))
        self.assertTrue(json.loads(self.checkpoint.read_text())["copied"])

    def test_emptied_while_nobody_was_there(self):
        """The mark of before a TRUNCATE and a swap says nothing about the table of after."""
        self.wide("w")
        arguments = [f"--checkpoint={self.checkpoint}", "--save-checkpoint"]
        with self.slow(*arguments) as tail:
            for number in range(3, 20):
                tail.until_chunk(number)
                if json.loads(self.checkpoint.read_text())["tables"]:
                    break
                time.sleep(0.05)
            tail.process.kill()
        self.sql(f"CREATE TABLE @n (id INT PRIMARY KEY, s MEDIUMTEXT); INSERT INTO @n VALUES (1, 'a'), (150, 'b'); RENAME TABLE @w TO @o, @n TO @w")
        with self.slow(*arguments) as tail:
            rest = tail.finish()
        self.assertEqual([r["data"]["id"] for r in rest.rows if r.get("snapshot")], [1, 150])

    def test_a_table_is_added(self):
        """To a pipeline that runs: only it is copied, and the stream goes on where it was."""
        pipeline = ["--stop-mode=latest", "-t", f"{self.db}.*", f"--checkpoint={self.checkpoint}", "--save-checkpoint"]
        run("--startup-mode=latest", *pipeline, server=self.server)
        self.sql("INSERT INTO @t VALUES (100, 'x'); CREATE TABLE @u (id INT PRIMARY KEY); INSERT INTO @u VALUES (1), (2), (3); DELETE FROM @u WHERE id = 2")
        added = run(*pipeline, f"--snapshot-table={self.db}.t", server=self.server)
        self.assertEqual([r["data"]["id"] for r in added.rows if r.get("snapshot")], [*range(50), 100])
        self.assertEqual([(r["kind"], r["table"], r["data"]["id"]) for r in added.rows if not r.get("snapshot")],
                         [("+I", "t", 100), ("+I", "u", 1), ("+I", "u", 2), ("+I", "u", 3), ("-D", "u", 2)])  # fmt: skip
        self.assertEqual(chunks(run(*pipeline, f"--snapshot-table={self.db}.t", server=self.server)), [], "it is complete")

    def test_a_table_is_added_to_a_pipe_into_starrocks(self):
        with StarRocks() as starrocks:
            for name in ("t", "u"):
                starrocks.create_table("ods", name, [("id", "INT"), ("v", "VARCHAR(80)")], ["id"])
            self.sql("CREATE TABLE @u (id INT PRIMARY KEY, v VARCHAR(20)); INSERT INTO @u VALUES (1, 'a'), (2, 'b')")
            self.pipe(starrocks, "--startup-mode=latest")
            self.sql("INSERT INTO @t VALUES (100, 'x'); UPDATE @u SET v = 'c' WHERE id = 2")
            self.assertEqual(starrocks.dump("ods", "t"), [])
            self.pipe(starrocks, f"--snapshot-table={self.db}.t")
            self.assertEqual(sorted(row["id"] for row in starrocks.dump("ods", "t")), [*range(50), 100])
            self.assertEqual([row["id"] for row in starrocks.dump("ods", "u")], [2])
            self.sql("UPDATE @t SET v = 'y' WHERE id = 3")
            loads = len(starrocks.loads())
            self.pipe(starrocks, f"--snapshot-table={self.db}.t")
            self.assertEqual(len(starrocks.loads()), loads + 1, "only the change")
            starrocks.assert_clean()

    def test_copied_once_into_starrocks(self):
        """The line of a cron job: the first run copies, later ones do not."""
        with StarRocks() as starrocks:
            starrocks.sql("CREATE DATABASE ods")
            for _ in range(2):
                self.pipe(starrocks, "--startup-mode=initial", load=["--query-url=" + starrocks.query_url, "--create-tables"])
            self.assertEqual(len(starrocks.loads()), 1)
            self.assertEqual(len(starrocks.dump("ods", "t")), 50)
            self.sql("CREATE TABLE @later (id INT PRIMARY KEY, v VARCHAR(20)); INSERT INTO @later VALUES (1, 'x')")
            for _ in range(2):
                self.pipe(starrocks, "--startup-mode=initial", load=["--query-url=" + starrocks.query_url, "--create-tables"])
            self.assertEqual(len(starrocks.loads()), 2)
            self.assertTrue(json.loads(self.checkpoint.read_text())["copied"])
            starrocks.assert_clean()

    def test_a_table_without_key_is_refused_by_cdc_load(self):
        """Its copy could not be taken up where it was; nothing is loaded."""
        self.sql("CREATE TABLE @k (id INT, v VARCHAR(20)); INSERT INTO @k VALUES (1, 'a')")
        with StarRocks() as starrocks:
            for name in ("t", "k"):
                starrocks.create_table("ods", name, [("id", "INT"), ("v", "VARCHAR(80)")], ["id"], "DUP" if name == "k" else "PK")
            errors = self.pipe(starrocks, "--startup-mode=initial", status=69)
            self.assertIn("initial copy of", errors)
            self.assertEqual(starrocks.dump("ods", "k"), [])

    def pipe(self, starrocks, *arguments, load=("--query-url=none",), status=0):
        tail = subprocess.Popen(command("--stop-mode=latest", "-t", f"{self.db}.*", "--checkpoint", self.checkpoint, *arguments, server=self.server),
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)  # fmt: skip
        loader = subprocess.run([LOAD, "--no-defaults", "--url", starrocks.url, "-u", "root", "--checkpoint", self.checkpoint,
                                 f"--map={self.db}.*:ods.*", *load], stdin=tail.stdout, capture_output=True, text=True, timeout=4 * DEADLINE,
                                check=False)  # fmt: skip
        tail.stdout.close()
        complaints = tail.stderr.read().decode()
        tail.stderr.close()
        tail.wait(DEADLINE)
        self.assertEqual(loader.returncode, status, loader.stderr + complaints)
        return loader.stderr


class Ends(OnMysql):
    def test_max_count(self):
        """Ends inside a chunk, which is then not complete, and is not taken for it by the next run."""
        stream = self.kept("-n", "25", "--snapshot-chunk-rows=10")
        self.assertEqual((stream.inserted(), stream.end["partial"]), (list(range(25)), True))
        self.assertEqual(chunks(stream), [("t", 0, 10, False), ("t", 1, 10, False)])
        self.assertEqual(self.kept("--snapshot-chunk-rows=10").inserted(), list(range(20, 50)))

    def test_max_count_of_a_table_without_key(self):
        self.sql("ALTER TABLE @t DROP PRIMARY KEY")
        stream = copy(self.server, self.db, "-n", "25", "--snapshot-chunk-rows=10")
        self.assertEqual((len(stream.rows), stream.end["partial"]), (25, True))

    def test_a_signal_in_the_middle(self):
        """Is heeded at the next chunk, also while nothing but the copy keeps it at work."""
        for key in ("PRIMARY KEY", ""):
            with self.subTest(key=key):
                self.wide(rows=300, key=key)
                with self.slow() as tail:
                    tail.until_chunk(1)
                    tail.process.send_signal(signal.SIGTERM)
                    stream = tail.finish(-signal.SIGTERM)
                self.assertEqual(stream.end["status"], 143)
                self.assertLess(len(stream.rows), 200)
                self.sql("DROP TABLE @w")

    def test_progress(self):
        """On a terminal: tables, rows, percent, rate, time left; on demand with SIGUSR1."""
        self.wide(rows=300)
        self.sql("ANALYZE TABLE @w")
        terminal, stderr = pty.openpty()
        line = command("--startup-mode=initial", "--stop-mode=latest", "--snapshot-chunk-rows=10", "-t", f"{self.db}.w", server=self.server)
        process = subprocess.Popen(line, stdout=subprocess.PIPE, stderr=stderr, env={**os.environ, "TERM": "xterm"})
        os.close(stderr)
        seen = bytearray()
        watcher = threading.Thread(target=self.watch, args=(terminal, seen), daemon=True)
        watcher.start()
        wanted = re.compile(rb"copy: 0 of 1 tables, (\d+) rows, (\d+) %, \d+ rows/s, \d+ s left")
        rows = 0
        for record in process.stdout:
            rows += b'"snapshot":true' in record
            if rows < 250 and rows % 10 == 0 and len(set(wanted.findall(seen))) < 2:
                time.sleep(0.1)  # the pace of a slow reader
        process.stdout.close()
        self.assertEqual(process.wait(DEADLINE), 0)
        watcher.join(DEADLINE)
        os.close(terminal)
        told = [(int(a), int(b)) for a, b in wanted.findall(seen)]
        self.assertGreaterEqual(len(set(told)), 2, bytes(seen))
        self.assertEqual(told, sorted(told))
        self.assertLessEqual(told[-1][0], 300)
        for count, percent in told:
            self.assertAlmostEqual(percent, 100 * count / 300, delta=40)  # of an estimate

    @staticmethod
    def watch(terminal, seen):
        try:
            while data := os.read(terminal, 4096):
                seen += data
        except OSError:
            pass  # the other end is closed

    def test_a_large_table_without_key_is_warned_about(self):
        self.wide(rows=100, key="")
        self.sql("ANALYZE TABLE @w")
        stream = copy(self.server, self.db)
        self.assertRegex(stream.stderr, rf"table {self.db}\.w has no primary key .* about \d+ rows, \d+ MiB")
        self.assertEqual(len([r for r in stream.rows if r["table"] == "w"]), 100)


if __name__ == "__main__":
    unittest.main()
