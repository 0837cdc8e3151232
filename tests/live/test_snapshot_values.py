#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""An initial copy tells a row with the very bytes that the binlog gives for it: tables of all types, filled at random.

The lines of the binlog, from the creation of the tables on, are applied as texts: what is left must be the copy's lines.

    test_snapshot_values.py                         a short run on each kind of server
    test_snapshot_values.py --seeds 50 [--first N] [--flavor F]
"""

import argparse
import collections
import json
import random
import re
import subprocess
import sys
import unittest

import tail
from random_schema import Generator
from sandbox import Server
from test_differential import History

TABLES, STATEMENTS = 4, 40
KEYLESS = """SELECT t.TABLE_NAME FROM information_schema.TABLES t LEFT JOIN information_schema.STATISTICS s
    ON s.TABLE_SCHEMA = t.TABLE_SCHEMA AND s.TABLE_NAME = t.TABLE_NAME AND s.INDEX_NAME = 'PRIMARY'
    WHERE t.TABLE_SCHEMA = '{db}' GROUP BY t.TABLE_NAME HAVING COUNT(s.COLUMN_NAME) = 0 OR COUNT(s.SUB_PART) > 0"""


def fill(server, seed, names):
    """A database with random tables and rows; returns its name, and the place between tables and rows."""
    history = History(server, 2 * seed + names, names, 0)
    generator: Generator = history.generator
    rng = random.Random(seed)
    history.ask([generator.create(f"t{number}") for number in range(TABLES)])
    schema = history.schema()
    file, pos, *_ = server.value(history.end).split("\t")
    script = ["SET SESSION binlog_row_image = FULL"]
    if server.flavor == "mysql":
        script.append(f"SET SESSION binlog_row_value_options = '{rng.choice(['PARTIAL_JSON', ''])}'")
    history.ask(script + [generator.insert(table, columns) for table, columns in sorted(schema.items()) for _ in range(5)]
                + [generator.change(schema) for _ in range(STATEMENTS)])  # fmt: skip
    return history.db, [f"--file={file}", f"--pos={pos}"]


def lines(server, *arguments):
    done = subprocess.run(tail.command(*arguments, "--stop-mode=latest", server=server), capture_output=True, timeout=tail.DEADLINE,
                          check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr.decode()
    return [line.decode() for line in done.stdout.split(b"\n")[:-1]]  # a text may hold what splitlines() takes for an end


def contents(told, snapshot):
    """({table: Counter of rows as texts}, {table: its record}); of a copy only its own rows."""
    rows, tables = collections.defaultdict(collections.Counter), {}
    for line in told:
        record = json.loads(line)
        kind = record["kind"]
        if kind == "table":
            tables[record["table"]] = line
        if kind not in tail.ROWS or (snapshot and not record.get("snapshot")):
            continue
        assert snapshot or not record.get("snapshot")
        text = re.search(r'"seq":\d+(?:,"snapshot":true)?(,.*)$', line)[1]
        if kind in ("+I", "+U"):
            rows[record["table"]][text] += 1
        else:
            rows[record["table"]][text] -= 1
            assert rows[record["table"]][text] >= 0, f"no row to take away by {line}"
    return {name: +texts for name, texts in rows.items() if +texts}, tables


def compare(test, server, seed, names):
    """Returns the number of rows compared."""
    db, start = fill(server, seed, names)
    mine = ["-t", f"{db}.*"]
    if server.flavor == "mysql56":  # which cannot copy them
        mine += [f"--exclude-table={db}.{table}" for table in server.sql(KEYLESS.format(db=db))]
    stream, stream_tables = contents(lines(server, *start, *mine), False)
    copy, copy_tables = contents(lines(server, "--startup-mode=initial", "--snapshot-chunk-rows=7", *mine), True)
    for name in stream.keys() | copy.keys():
        extra, missing = copy.get(name, collections.Counter()), stream.get(name, collections.Counter())
        test.assertEqual((list((extra - missing))[:2], list((missing - extra))[:2]), ([], []), f"{db}.{name}")
        told, expected = json.loads(copy_tables[name]), json.loads(stream_tables[name])
        if names and not told["pk"]:
            expected["pk"] = []  # table maps call a unique key without NULL the primary one
        test.assertEqual(told, expected)
    server.sql(f"DROP DATABASE {db}")
    return sum(sum(texts.values()) for texts in copy.values())


class Values(unittest.TestCase):
    def check(self, flavor, *options, seeds=(1, 2, 3)):
        with tail.start("values" + (flavor or ""), flavor, "--max-allowed-packet=64M", *options) as server:
            for names in (True, False):
                for seed in seeds:
                    with self.subTest(seed=seed, names=names):
                        self.assertGreater(compare(self, server, seed, names), 0)

    def test_mysql(self):
        self.check(None)

    def test_mysql_56(self):
        self.check("mysql56", "--character-set-server=utf8")

    def test_mariadb(self):
        self.check("mariadb")


def long_run(arguments):
    test, bad = unittest.TestCase(), 0
    with Server.start("longvalues", flavor=arguments.flavor, options=["--max-allowed-packet=64M"]) as server:
        for seed in range(arguments.first, arguments.first + arguments.seeds):
            for names in (True, False):
                try:
                    print(f"seed {seed}: {compare(test, server, seed, names)} rows", flush=True)
                except AssertionError as error:
                    bad += 1
                    print(f"seed {seed} names={names}: {str(error)[:1500]}", flush=True)
    return 1 if bad else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--seeds", type=int)
    parser.add_argument("--first", type=int, default=100)
    parser.add_argument("--flavor")
    known, rest = parser.parse_known_args()
    if known.seeds:
        sys.exit(long_run(known))
    unittest.main(argv=[sys.argv[0], *rest])
