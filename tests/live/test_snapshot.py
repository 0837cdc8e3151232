#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The initial copy against servers under load: the lines applied to a model, against SELECT.

Writers change every table while the tables are copied in small chunks. From time to time they are held, so that there is a
state to compare with; the model must have it at the boundary where the same transactions are in.

    test_snapshot.py                                the short run
    test_snapshot.py --seeds 200 [--first N]        the long one: one server a setting, a run of cdc-tail a seed
"""

import argparse
import contextlib
import json
import queue
import random
import subprocess
import sys
import threading
import time
import unittest

from sandbox import Server, SqlError
from snapshot_load import KINDS, Load
from tail import DEADLINE, ROWS, command, path

MYSQL = ["--max-connections=100", "--innodb-flush-log-at-trx-commit=0"]
TABLES = 4  # of the kinds, for each seed others


def kinds_of(seed):
    """Every few seeds have all kinds of keys."""
    names = list(KINDS)
    return [names[(seed * TABLES + i) % len(names)] for i in range(TABLES)]


class Model:
    """The tables as the lines make them. Upserts and deletes; whatever is wrong shows in a comparison."""

    def __init__(self, tables):
        self.sources = {table.name: table for table in tables}
        self.tables = {table.name: {} for table in tables}
        self.chunks, self.place, self.complete = [], None, False

    def apply(self, record):
        kind = record["kind"]
        if kind in ROWS:
            table, data = self.tables[record["table"]], record["data"]
            key = self.sources[record["table"]].key_of(data)
            if kind in ("+I", "+U"):
                table[key] = f"{'NULL' if data['v'] is None else data['v']}\t{data['s']}"
            else:
                table.pop(key, None)
        elif kind == "snapshot-end":
            self.complete = True
        if kind in ("commit", "heartbeat", "ddl", "snapshot-end"):
            self.place = (record["file"], record["pos"])
        if kind == "commit" and "snapshot" in record:
            self.chunks.append(record["snapshot"])


def compare(model, tables, complete):
    """Differences between model and source: [] when it holds what it must at this place."""
    wrong = []
    for name, rows in tables.items():
        told = model.tables.get(name, {})
        for key, row in told.items():
            if key not in rows:
                wrong.append(f"{name}{key}: told, but not there")
            elif rows[key] != row:
                wrong.append(f"{name}{key}: told {row!r}, is {rows[key]!r}")
        if complete:
            wrong += [f"{name}{key}: missing" for key in rows if key not in told]
    return wrong


class Copy:
    """A cdc-tail at work whose lines are applied as they come; states to compare with may be given at any time."""

    def __init__(self, load, *arguments):
        server, db = load.server, load.db
        self.model, self.wrong, self.compared = Model(load.tables), [], 0
        self.states = queue.Queue()
        self.errors = path(f"{db}.err").open("w+")
        self.process = subprocess.Popen(
            command("--startup-mode=initial", "-t", f"{db}.*", "-x", f"{db}.control", *arguments, server=server),
            stdout=subprocess.PIPE, stderr=self.errors, text=True)  # fmt: skip
        self.ended, self.seen = threading.Event(), threading.Event()
        self.complete = threading.Event()
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self):
        state = None
        for line in self.process.stdout:
            self.model.apply(json.loads(line))
            if self.model.complete:
                self.complete.set()
            if state is None and not self.states.empty():
                state = self.states.get()
            boundary = any(f'"{kind}"' in line[:25] for kind in ("commit", "heartbeat", "snapshot-end"))
            if state is not None and boundary and self.model.place == state[0]:
                self.wrong += compare(self.model, state[1], self.model.complete)[:5]
                self.compared += 1
                state = None
                self.seen.set()
        self.ended.set()

    def compare_with(self, state):
        """While nobody writes: heartbeats and chunks tell that the stream is there."""
        self.seen.clear()
        self.states.put(state)
        assert self.seen.wait(timeout=DEADLINE), f"never at {state[0]}, only at {self.model.place}: {self.stderr()}"

    def stderr(self):
        self.errors.seek(0)
        return self.errors.read()


def run_seed(server, seed, pauses=4, arguments=()):
    """One copy under load. Returns (differences, compared states, chunks)."""
    chance = random.Random(seed)
    db = f"s{seed}"
    load = Load(server, db, seed, kinds_of(seed))
    try:
        with load:
            copy = Copy(load, f"--snapshot-chunk-rows={chance.choice([7, 20, 50, 100, 400])}",
                        f"--snapshot-parallel={chance.choice([1, 2, 3])}", "--heartbeat=100ms", *arguments)  # fmt: skip
            for _ in range(pauses):
                copy.complete.wait(timeout=chance.uniform(0.05, 0.8))
                with load.hold() as state:
                    copy.compare_with(state)
            assert copy.complete.wait(timeout=DEADLINE), f"no snapshot-end: {copy.stderr()}"
        final = (load.place(), load.contents())
        deadline = time.monotonic() + DEADLINE
        # The last word of the stream about our tables may be before the end of the log: heartbeats come close.
        while copy.model.place is None or copy.model.place < final[0]:
            assert time.monotonic() < deadline and copy.process.poll() is None, copy.stderr()
            time.sleep(0.02)
        copy.process.terminate()
        assert copy.ended.wait(timeout=DEADLINE)
        copy.thread.join()
        copy.process.wait(timeout=DEADLINE)
        copy.process.stdout.close()
        copy.errors.close()
        wrong = copy.wrong + compare(copy.model, final[1], complete=True)
        return wrong, copy.compared + 1, len(copy.model.chunks)
    finally:
        with contextlib.suppress(SqlError):
            server.sql(f"DROP DATABASE {db}")


class UnderLoad(unittest.TestCase):
    def check(self, name, seeds, options=(), flavor=None):
        with Server.start(name, flavor=flavor, options=[*MYSQL, *options]) as server:
            for seed in seeds:
                with self.subTest(seed=seed):
                    wrong, compared, chunks = run_seed(server, seed)
                    self.assertEqual(wrong, [])
                    self.assertGreater(compared, 1)
                    self.assertGreater(chunks, 8)

    def test_mysql_without_sync(self):
        self.check("copy0", [1, 2], ["--sync-binlog=0"])

    def test_mysql_with_sync(self):
        self.check("copy1", [3, 4], ["--sync-binlog=1"])

    def test_mysql_without_gtids(self):
        """The lower bound is made by row locks."""
        self.check("copy2", [5], ["--sync-binlog=0", "--gtid-mode=OFF", "--enforce-gtid-consistency=OFF"])

    def test_mysql_56(self):
        self.check("copy56", [6], ["--sync-binlog=0"], flavor="mysql56")

    def test_mariadb(self):
        self.check("copym", [7], ["--sync-binlog=0"], flavor="mariadb")


def long_run(arguments):
    bad = compared = 0
    for name, options, flavor in (
        ("sync0", ["--sync-binlog=0"], None),
        ("sync1", ["--sync-binlog=1"], None),
        ("nogtid", ["--sync-binlog=0", "--gtid-mode=OFF", "--enforce-gtid-consistency=OFF"], None),
        ("mariadb", ["--sync-binlog=0"], "mariadb"),
    ):
        if arguments.only and name != arguments.only:
            continue
        with Server.start("long" + name, flavor=flavor, options=[*MYSQL, *options]) as server:
            for seed in range(arguments.first, arguments.first + arguments.seeds):
                wrong, states, chunks = run_seed(server, seed)
                compared += states
                bad += bool(wrong)
                print(f"{name} seed {seed}: {chunks} chunks, {states} states compared, {len(wrong)} wrong {wrong[:3]}", flush=True)
                server.sql("FLUSH BINARY LOGS; PURGE BINARY LOGS BEFORE NOW()")
    print(f"{bad} seeds wrong, {compared} states compared")
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
