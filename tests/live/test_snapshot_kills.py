#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""cdc-tail | cdc-load from nothing, killed at random: in the end StarRocks has exactly what the source has.

The tables are written to while they are copied. cdc-tail, cdc-load or both are killed with SIGKILL after a random number of
loads, and the same line is started again. Two of the tables go into one.

    test_snapshot_kills.py                          the short run
    test_snapshot_kills.py --seeds 20 [--first N]   the long one
"""

import argparse
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import time
import unittest

from sandbox import Server
from snapshot_load import Load
from starrocks import StarRocks
from tail import command

LOAD = pathlib.Path(os.environ["CDC_BIN_DIR"]) / "cdc-load"
KINDS = ["ints", "words", "bigs", ("ints", "more")]
TARGETS = {
    "ints": [("origin", "VARCHAR(20)"), ("id", "INT")],
    "words": [("k", "VARCHAR(60)")],
    "bigs": [("id", "LARGEINT")],
}
PATIENCE = 240  # a load of other rows waits half a minute for the one before


class Pipe:
    """One run of the line."""

    def __init__(self, server, starrocks, load, directory, chance, *tail_arguments):
        self.errors = (directory / "stderr").open("a+")
        checkpoint = directory / "checkpoint"
        tail = command("--startup-mode=initial", "-t", f"{load.db}.*", "-x", f"{load.db}.control", "--checkpoint", checkpoint,
                       f"--snapshot-chunk-rows={chance.choice([30, 100, 400])}", f"--snapshot-parallel={chance.choice([1, 3])}",
                       "--heartbeat=200ms", *tail_arguments, server=server)  # fmt: skip
        maps = [f"--map={load.db}.{name}:ods.{name}" for name in ("ints", "words", "bigs")]
        self.tail = subprocess.Popen(tail, stdout=subprocess.PIPE, stderr=self.errors)
        self.load = subprocess.Popen(
            [LOAD, "--no-defaults", "--url", starrocks.url, "-u", "root", "--query-url=none", "--checkpoint", checkpoint, *maps,
             f"--map={load.db}.more:ods.ints", "--add-column=origin={table}", f"--batch-rows={chance.choice([50, 300, 3000])}",
             f"--batch-time={chance.choice([20, 100, 400])}ms", "--parallel=3"],
            stdin=self.tail.stdout, stderr=self.errors)  # fmt: skip
        self.tail.stdout.close()

    def alive(self):
        return self.tail.poll() is None and self.load.poll() is None

    def kill(self, who):
        for process in (self.tail, self.load):
            if process in who or process.poll() is None and len(who) == 2:
                process.kill()
        return self.wait()

    def wait(self):
        """The exit statuses of cdc-tail and cdc-load."""
        statuses = self.tail.wait(PATIENCE), self.load.wait(PATIENCE)
        self.errors.close()
        return statuses


def source_rows(load):
    """The rows as the targets should have them."""
    rows = {"ints": {}, "words": {}, "bigs": {}}
    for name, table in load.contents().items():
        target = "ints" if name == "more" else name
        for key, rest in table.items():
            rows[target][(name, *key) if target == "ints" else key] = rest
    return rows


def target_rows(starrocks):
    rows = {}
    for name, keys in TARGETS.items():
        rows[name] = {}
        for row in starrocks.dump("ods", name):
            key = tuple(str(row[column]) for column, _ in keys)
            rows[name][key] = f"{'NULL' if row['v'] is None else row['v']}\t{row['s']}"
    return rows


def differences(wanted, found):
    wrong = []
    for name in wanted:
        for key in wanted[name].keys() | found[name].keys():
            if wanted[name].get(key) != found[name].get(key):
                wrong.append(f"{name}{key}: {found[name].get(key)!r}, not {wanted[name].get(key)!r}")
    return wrong


def is_copied(directory):
    """Whether the checkpoint says that the copy is complete."""
    checkpoint = directory / "checkpoint"
    return checkpoint.exists() and json.loads(checkpoint.read_text())["copied"]


def run_seed(server, starrocks, seed, kills, writers=6):
    """Returns (differences, kills that met a copy at work, bytes of stderr's tail)."""
    chance = random.Random(seed)
    columns = [("origin", "VARCHAR(20)"), ("v", "INT"), ("s", "VARCHAR(200)")]
    for name, keys in TARGETS.items():
        starrocks.create_table("ods", name, keys + [c for c in columns if c not in keys], [column for column, _ in keys])
    with tempfile.TemporaryDirectory(prefix="cdc-kills-") as name:
        directory = pathlib.Path(name)
        load = Load(server, f"k{seed}", seed, KINDS, rows=2500, writers=writers)
        met = 0
        with load:
            for _ in range(kills):
                load.set(1)
                pipe = Pipe(server, starrocks, load, directory, chance)
                before, wanted = len(starrocks.loads()), chance.randrange(12)
                deadline = time.monotonic() + PATIENCE
                began = time.monotonic()
                while pipe.alive() and len(starrocks.loads()) < before + wanted and time.monotonic() < deadline:
                    if time.monotonic() > began + 3:
                        load.set(2)  # it waits for a load in doubt
                    time.sleep(0.01)
                if not pipe.alive():
                    statuses = pipe.wait()
                    raise AssertionError(f"ended by itself with {statuses}: {(directory / 'stderr').read_text()[-2000:]}")
                time.sleep(chance.random() * 0.1)
                pipe.kill(chance.choice([[pipe.tail], [pipe.load], [pipe.tail, pipe.load]]))
                met += not is_copied(directory)
            load.set(1)
            time.sleep(0.2)
            load.set(2)
        statuses = Pipe(server, starrocks, load, directory, chance, "--stop-mode=latest").wait()
        assert statuses == (0, 0), f"{statuses}: {(directory / 'stderr').read_text()[-2000:]}"
        assert is_copied(directory)
        wrong = differences(source_rows(load), target_rows(starrocks))
        server.sql(f"DROP DATABASE {load.db}")
        return wrong, met


class Kills(unittest.TestCase):
    def check(self, seed, flavor=None, kills=5, options=()):
        with Server.start(f"kills{seed}", flavor=flavor, options=["--max-connections=100", "--sync-binlog=0", *options]) as server:
            with StarRocks() as starrocks:
                wrong, met = run_seed(server, starrocks, seed, kills)
                self.assertEqual(wrong[:5], [])
                self.assertGreater(met, 0)
                starrocks.assert_clean()

    def test_gtids(self):
        self.check(1)

    def test_positions(self):
        self.check(2, options=["--gtid-mode=OFF", "--enforce-gtid-consistency=OFF"])

    def test_mariadb(self):
        self.check(3, flavor="mariadb", kills=3)


def long_run(arguments):
    bad = 0
    for name, options in (("gtid", []), ("nogtid", ["--gtid-mode=OFF", "--enforce-gtid-consistency=OFF"])):
        with Server.start("killslong" + name, options=["--max-connections=100", "--sync-binlog=0", *options]) as server:
            for seed in range(arguments.first, arguments.first + arguments.seeds):
                with StarRocks() as starrocks:
                    wrong, met = run_seed(server, starrocks, seed, arguments.kills)
                    starrocks.assert_clean()
                bad += bool(wrong)
                print(f"{name} seed {seed}: {met} kills during the copy, {len(wrong)} wrong {wrong[:3]}", flush=True)
    print(f"{bad} seeds wrong")
    return 1 if bad else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--seeds", type=int)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--kills", type=int, default=5)
    known, rest = parser.parse_known_args()
    if known.seeds:
        sys.exit(long_run(known))
    unittest.main(argv=[sys.argv[0], *rest])
