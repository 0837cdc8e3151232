#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The initial copy against servers under load, line by line.

Two models read the lines. One is the source: the tables as they were at the start, and every change of the stream. The other
is the copy: the chunks and the changes, from nothing. Whatever row a chunk tells must be the source's at that boundary, at
snapshot-end both must be equal, and in the end both must be what SELECT says. Some times in between, under full load, SELECT
is asked for the tables at a place of the log; there the source must be that, and each row of the copy one of its rows.

    test_snapshot.py                                the short run
    test_snapshot.py --seeds 200 [--first N]        the long one: one server a setting, a run of cdc-tail a seed
"""

import argparse
import collections
import contextlib
import json
import random
import subprocess
import sys
import threading
import time
import unittest

from sandbox import Server, SqlError
from snapshot_load import KINDS, Load
from tail import DEADLINE, ROWS, Running, command, path

MYSQL = ["--max-connections=100", "--innodb-flush-log-at-trx-commit=0"]
# A transaction is sent some milliseconds before it is visible: what a wrong lower bound needs to show.
SYNC0 = ["--sync-binlog=0", "--binlog-group-commit-sync-delay=2000"]
SYNC1 = ["--sync-binlog=1"]
POSITIONS = ["--gtid-mode=OFF", "--enforce-gtid-consistency=OFF"]
TABLES = 4  # of the kinds, for each seed others


def kinds_of(seed):
    """Every few seeds have all kinds of keys."""
    names = list(KINDS)
    return [names[(seed * TABLES + i) % len(names)] for i in range(TABLES)]


class Models:
    """The source and the copy, as the lines make them. `.wrong` has what does not fit. `samples`: (place, tables)."""

    def __init__(self, tables, contents, samples=()):
        self.samples = list(samples)
        self.tables = {table.name: table for table in tables}
        self.source = {name: dict(rows) for name, rows in contents.items()}
        self.copy = {name: {} for name in self.tables}
        self.wrong, self.chunks, self.compared, self.place, self.complete = [], 0, 0, None, False

    def apply(self, record):
        kind = record["kind"]
        if kind in ROWS:
            self.row(record)
        elif kind == "begin":
            self.check((record["file"], record["pos"]))
        elif kind == "snapshot-end":
            self.wrong += differences(self.source, self.copy)
            self.complete = True
        if kind in ("commit", "heartbeat", "ddl", "snapshot-end"):
            self.place = (record["file"], record["pos"])
            self.chunks += "snapshot" in record
            self.check(self.place)

    def check(self, place):
        while self.samples and self.samples[0][0] <= place:
            _, tables = self.samples.pop(0)
            self.wrong += differences(tables, self.source)
            told = tables if self.complete else {n: {k: tables[n].get(k) for k in rows} for n, rows in self.copy.items()}
            self.wrong += differences(told, self.copy)

    def row(self, record):
        name, data = record["table"], record["data"]
        key, row = self.tables[name].key_of(data), f"{'NULL' if data['v'] is None else data['v']}\t{data['s']}"
        if record.get("snapshot"):
            self.compared += 1
            if self.source[name].get(key) != row:
                self.wrong.append(f"{name}{key}: chunk has {row!r}, source {self.source[name].get(key)!r}")
            self.copy[name][key] = row
            return
        for tables in (self.source, self.copy):
            if record["kind"] in ("+I", "+U"):
                tables[name][key] = row
            else:
                tables[name].pop(key, None)


def differences(wanted, found):
    return [
        f"{name}{key}: {found[name].get(key)!r}, not {rows.get(key)!r}"
        for name, rows in wanted.items()
        for key in rows.keys() | found[name].keys()
        if rows.get(key) != found[name].get(key)
    ]


class Copy:
    """A cdc-tail at work whose lines are applied as they come."""

    def __init__(self, load, contents, *arguments):
        self.models, self.lines = Models(load.tables, contents), []
        self.errors = path(f"{load.db}.err").open("w+")
        self.process = subprocess.Popen(
            command("--startup-mode=initial", "-t", f"{load.db}.*", "-x", f"{load.db}.control", *arguments, server=load.server),
            stdout=subprocess.PIPE, stderr=self.errors, text=True)  # fmt: skip
        self.started, self.complete = threading.Event(), threading.Event()
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.append(line)
            self.models.apply(json.loads(line))
            self.started.set()
            if self.models.complete:
                self.complete.set()

    def wait_for(self, event):
        assert event.wait(timeout=4 * DEADLINE), self.stderr()

    def until(self, place):
        deadline = time.monotonic() + 4 * DEADLINE
        # The last word of the stream about our tables may be before the end of the log: heartbeats come close.
        while self.models.place is None or self.models.place < place:
            assert time.monotonic() < deadline and self.process.poll() is None, self.stderr()
            time.sleep(0.02)

    def end(self):
        self.process.terminate()
        self.process.wait(timeout=DEADLINE)
        self.thread.join()
        self.process.stdout.close()
        self.errors.close()

    def stderr(self):
        self.errors.seek(0)
        return self.errors.read()


def run_seed(server, seed, arguments=()):
    """One copy under load. Returns (what is wrong, rows of chunks that were compared, chunks, samples)."""
    chance = random.Random(seed)
    db = f"s{seed}"
    load = Load(server, db, seed, kinds_of(seed))
    try:
        with load:
            samples = []
            with load.hold() as (_, first):
                copy = Copy(load, first, f"--snapshot-chunk-rows={chance.choice([7, 20, 50, 100])}",
                            f"--snapshot-parallel={chance.choice([1, 2, 3])}", "--heartbeat=100ms", *arguments)  # fmt: skip
                copy.wait_for(copy.started)
            while not samples or (not copy.complete.wait(timeout=0.3) and len(samples) < 30):
                samples.append(load.sample())
            copy.wait_for(copy.complete)
            samples.append(load.sample())
        place, contents = load.place(), load.contents()
        copy.until(place)
        copy.end()
        models = copy.models
        wrong = models.wrong + differences(contents, models.source) + differences(contents, models.copy)
        again = Models(load.tables, first, samples)
        for line in copy.lines:
            again.apply(json.loads(line))
        assert not again.samples
        return wrong + again.wrong, models.compared, models.chunks, len(samples)
    finally:
        with contextlib.suppress(SqlError):
            server.sql(f"DROP DATABASE {db}")


class UnderLoad(unittest.TestCase):
    def check(self, name, seeds, options=(), flavor=None):
        with Server.start(name, flavor=flavor, options=[*MYSQL, *options]) as server:
            for seed in seeds:
                with self.subTest(seed=seed):
                    wrong, compared, chunks, _ = run_seed(server, seed)
                    self.assertEqual(wrong[:5], [])
                    self.assertGreater(compared, 2000)
                    self.assertGreater(chunks, 40)

    def test_mysql_without_sync(self):
        self.check("copy0", [1, 2], SYNC0)

    def test_mysql_with_sync(self):
        self.check("copy1", [3, 4], SYNC1)

    def test_mysql_without_gtids(self):
        """The lower bound is made by row locks."""
        self.check("copy2", [5], [*SYNC0, *POSITIONS])

    def test_mysql_56(self):
        self.check("copy56", [6], ["--sync-binlog=0"], flavor="mysql56")

    def test_mariadb(self):
        self.check("copym", [7], ["--sync-binlog=0"], flavor="mariadb")


class WithoutKey(unittest.TestCase):
    """A table without key is read in one view between its changes; rows that look alike are counted."""

    def check(self, flavor=None):
        with Server.start("alike" + (flavor or ""), flavor=flavor, options=MYSQL) as server:
            server.sql("""CREATE DATABASE d; CREATE TABLE d.u (a INT, b INT, INDEX (a)) ENGINE=InnoDB; CREATE DATABASE c; CREATE TABLE c.go (i INT);
                DELIMITER //
                CREATE PROCEDURE d.work(seed INT) BEGIN
                  DECLARE k INT DEFAULT 0; DECLARE CONTINUE HANDLER FOR 1213, 1205 BEGIN END;
                  DO RAND(seed);
                  WHILE (SELECT COUNT(*) FROM c.go) = 0 DO
                    SET k = FLOOR(RAND() * 500);
                    CASE FLOOR(RAND() * 3) WHEN 0 THEN INSERT INTO d.u VALUES (k, k % 3); WHEN 1 THEN DELETE FROM d.u WHERE a = k LIMIT 1;
                      ELSE UPDATE d.u SET a = FLOOR(RAND() * 500), b = 4 WHERE a = k LIMIT 1; END CASE;
                    DO SLEEP(0.1);
                  END WHILE;
                END //
                CREATE PROCEDURE d.start() BEGIN DECLARE n INT DEFAULT 3000;
                  WHILE n > 0 DO INSERT INTO d.u VALUES (n % 500, n % 2); SET n = n - 1; END WHILE; END //
                DELIMITER ;
                BEGIN; CALL d.start(); COMMIT""")
            writers = [threading.Thread(target=server.sql, args=(f"CALL d.work({number})",)) for number in range(3)]
            for writer in writers:
                writer.start()
            copies = []
            for _ in range(3):
                tail = Running("--startup-mode=initial", "-t", "d.*", "--snapshot-chunk-rows=100", "--heartbeat=100ms", server=server)
                copies.append(tail)
                tail.__enter__()
                tail.until(lambda record: record["kind"] == "snapshot-end")
            server.sql("INSERT INTO c.go VALUES (1)")
            for writer in writers:
                writer.join(DEADLINE)
            show = "SHOW BINARY LOG STATUS" if server.flavor == "mysql" else "SHOW MASTER STATUS"
            file, pos, *_ = server.value(show).split("\t")
            wanted = collections.Counter(tuple(map(int, row.split("\t"))) for row in server.sql("SELECT a, b FROM d.u"))
            for tail in copies:
                tail.until(lambda record: "file" in record and (record["file"], record["pos"]) >= (file, int(pos)))
                tail.__exit__()
                rows = collections.Counter()
                for record in (r for r in tail.records if r["kind"] in ROWS):
                    row = (record["data"]["a"], record["data"]["b"])
                    rows[row] += 1 if record["kind"] in ("+I", "+U") else -1
                    self.assertGreaterEqual(rows[row], 0, record)
                self.assertEqual(+rows, wanted)

    def test_mysql(self):
        self.check()

    def test_mariadb(self):
        self.check("mariadb")


def long_run(arguments):
    bad = compared = asked = 0
    for name, options, flavor in (
        ("sync0", SYNC0, None),
        ("sync1", SYNC1, None),
        ("nogtid", [*SYNC0, *POSITIONS], None),
        ("mariadb", ["--sync-binlog=0"], "mariadb"),
    ):
        if arguments.only and name != arguments.only:
            continue
        with Server.start("long" + name, flavor=flavor, options=[*MYSQL, *options]) as server:
            for seed in range(arguments.first, arguments.first + arguments.seeds):
                wrong, rows, chunks, samples = run_seed(server, seed)
                compared, asked = compared + rows, asked + samples
                bad += bool(wrong)
                print(f"{name} seed {seed}: {chunks} chunks, {rows} rows compared, {samples} times SELECT, {len(wrong)} wrong {wrong[:3]}", flush=True)
                server.sql("FLUSH BINARY LOGS; PURGE BINARY LOGS BEFORE NOW()")
    print(f"{bad} seeds wrong, {compared} rows compared, {asked} times all tables")
    return 1 if bad else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--seeds", type=int)
    parser.add_argument("--first", type=int, default=1000)
    parser.add_argument("--only")
    options, rest = parser.parse_known_args()
    if options.seeds:
        sys.exit(long_run(options))
    unittest.main(argv=[sys.argv[0], *rest])
