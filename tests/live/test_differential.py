#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Random histories: what cdc-tail tells of them, applied row by row, must be what SELECT says at several points.

    test_differential.py                                  a short run on each kind of server
    test_differential.py --seeds 200 [--first 7] [--changes 100] [--flavor mysql] [--seconds 600]
                                                          a long one; a seed that fails prints how to run it again

A history is a database with a few random tables and some phases. In each, definitions change; then rows do. Before and
after the rows everything is selected. Changes of definitions reach the model by selecting anew the tables concerned,
changes of rows only by the records. With names in the binlog one run of cdc-tail reads the whole history, from the server
and from its files; without them, it follows phase by phase, and a run over all of it afterwards, when many definitions
are gone, must end with 78 or say the same.
"""

import argparse
import dataclasses
import json
import random
import subprocess
import sys
import time
import unittest

import sandbox
import tail
from random_schema import Column, Dialect, Generator
from random_values import quoted
from row_model import Disagreement, Table, read_snapshot, row_of, snapshot_query
from sandbox import SandboxError, Server

PHASES = 4
CHANGES = 25  # statements in a phase, mostly of several rows
OPTIONS = {
    "mysql": ["--binlog-row-metadata=FULL", "--max-allowed-packet=64M"],
    "mysql56": ["--max-allowed-packet=64M", "--character-set-server=utf8"],
    "mariadb": ["--binlog-row-metadata=FULL", "--max-allowed-packet=64M", "--log-bin-compress=ON", "--log-bin-compress-min-len=200"],
}
SCHEMA = """SELECT HEX(t.TABLE_NAME), HEX(c.COLUMN_NAME), c.DATA_TYPE, HEX(c.COLUMN_TYPE), IFNULL(c.CHARACTER_SET_NAME, ''),
    IFNULL(c.CHARACTER_MAXIMUM_LENGTH, 0), c.IS_NULLABLE, c.EXTRA, c.COLUMN_KEY, c.COLUMN_DEFAULT FROM information_schema.TABLES t JOIN
    information_schema.COLUMNS c USING (TABLE_SCHEMA, TABLE_NAME) WHERE TABLE_SCHEMA = DATABASE() ORDER BY 1, ORDINAL_POSITION"""


@dataclasses.dataclass
class Place:
    """A point of a history: the end of the binlog, the Columns of each table, and what the tables hold there."""

    file: str
    pos: int
    schema: dict
    rows: dict
    reloaded: set = dataclasses.field(default_factory=set)  # tables whose rows here are no matter of row changes


class History:
    """Runs a random history on a server. `.places`: two for each phase, and the one before all."""

    def __init__(self, server, seed, names, changes):
        self.server = server
        self.changes = changes
        self.db = f"d{seed}"
        self.names = names  # whether the binlog has column names
        self.rng = random.Random(seed)
        mysql8 = server.flavor not in ("mariadb", "mysql56")
        self.generator = Generator(self.rng, Dialect(modern=mysql8, mariadb=server.flavor == "mariadb", asked=not names))
        self.end = "SHOW BINARY LOG STATUS" if mysql8 else "SHOW MASTER STATUS"
        if server.flavor != "mysql56":
            server.sql(f"SET GLOBAL binlog_row_metadata = {'FULL' if names else 'MINIMAL'}")
        server.sql(f"CREATE DATABASE {self.db}")
        self.places = [self.place([], {})]

    def ask(self, statements):
        """The result lines of statements, of which refused ones are passed over."""
        script = ["SET NAMES utf8mb4", "SET sql_mode = ''", f"USE {self.db}", *statements]
        done = sandbox._sandbox("sql", self.server.name, "--batch", "--skip-column-names", "--force", "--max-allowed-packet=64M",
                                text=";\n".join(script))  # fmt: skip
        if "ERROR 2" in done.stderr or done.returncode != 0:
            raise SandboxError(done.returncode, done.stderr)
        self.errors = done.stderr
        return done.stdout.removesuffix("\n").split("\n") if done.stdout else []

    def place(self, statements, schema):
        """Runs statements; the place behind them, where the tables are those of `schema`."""
        lines = self.ask([*statements, "SET SESSION time_zone = '+00:00'", "SELECT '#'", self.end, snapshot_query(schema)])
        lines = lines[lines.index("#") + 1 :]
        file, pos, *_ = lines[0].split("\t")
        return Place(file, int(pos), schema, read_snapshot(schema, lines[1:]))

    def schema(self):
        tables = {}
        for line in self.ask([SCHEMA]):
            table, name, data_type, column_type, charset, length, nullable, extra, key, default = line.split("\t")
            default = "AUTO" if "auto_increment" in extra.lower() else None if default == "NULL" else default
            column = Column(bytes.fromhex(name).decode(), data_type, bytes.fromhex(column_type).decode(), charset, int(length),
                            nullable == "YES", any(word in extra.lower() for word in ("generated", "persistent")), key == "PRI", default)  # fmt: skip
            tables.setdefault(bytes.fromhex(table).decode(), []).append(column)
        return tables

    def definitions(self, schema):
        """Some changes of definitions: statements, and the tables whose rows they may change without a row event."""
        rng, generator = self.rng, self.generator
        if not schema:
            return [generator.create(f"t{number}") for number in range(rng.randint(2, 4))], set()
        statements, reloaded, tables = [], set(), sorted(schema)
        for _ in range(rng.randint(1, 4)):
            table, other = rng.choice(tables), rng.choice(tables)
            kind = rng.random()
            if kind < 0.7:
                statements.append(generator.alter(table, schema[table]))
                reloaded.add(table)
            elif kind < 0.8:
                statements.append(f"TRUNCATE TABLE {quoted(table)}")
            elif kind < 0.9 and table != other:
                statements.append(f"RENAME TABLE {table} TO swap, {other} TO {table}, swap TO {other}")
                reloaded |= {table, other}
            elif kind < 0.95:
                statements += [f"DROP TABLE {table}", generator.create(table)]
                reloaded.add(table)
            else:
                generator.serial += 1
                statements.append(f"CREATE TABLE copy{generator.serial} AS SELECT * FROM {table}")
        return statements, reloaded

    def phase(self):
        statements, reloaded = self.definitions(self.places[-1].schema)
        self.ask(statements)
        schema = self.schema()
        before = self.place([], schema)
        before.reloaded = reloaded
        self.places.append(before)
        self.places.append(self.place(self.generator.transactions(schema, self.changes), schema))


class Follower:
    """The model of a history's database, and the comparison at its places."""

    def __init__(self):
        self.tables = {}
        self.changes = 0
        self.compared = 0

    def apply(self, lines, place):
        """The records up to `place`, where everything is compared."""
        before = None
        for line in lines:
            record = json.loads(line)
            kind = record["kind"]
            if kind == "ddl" and record["class"] in ("truncate", "drop"):
                for _, table in record["tables"] or ():
                    if table in self.tables:
                        self.tables[table].rows.clear()
                        self.tables[table].by_content.clear()
            if kind not in tail.ROWS or record["table"] in place.reloaded:
                continue
            if record["table"] not in self.tables:
                self.tables[record["table"]] = Table({c.name: c for c in place.schema[record["table"]]})
            table = self.tables[record["table"]]
            try:
                row = row_of(line, record, table.columns)
                if kind == "+I":
                    table.insert(row)
                elif kind == "-D":
                    table.delete(row)
                elif kind == "+U":
                    table.update(before, row)
            except Disagreement as error:
                raise Disagreement(f"{record['table']} at {record['file']}:{record['pos']} seq {record['seq']}: {error}") from None
            before = row
            self.changes += kind != "-U"
        self.compare(place)

    def compare(self, place):
        self.tables = {name: table for name, table in self.tables.items() if name in place.schema}
        for name, columns in place.schema.items():
            by_name = {c.name: c for c in columns}
            if name in place.reloaded:
                self.tables[name] = Table(by_name, place.rows[name])
            table = self.tables.setdefault(name, Table(by_name))
            try:
                table.compare(place.rows[name])
            except Disagreement as error:
                raise Disagreement(f"{name} at {place.file}:{place.pos}: {error}") from None
            self.compared += len(place.rows[name])
            self.tables[name] = Table(by_name, place.rows[name])  # what row images left out is known now


def told(history, first, last, status=0, files=()):
    """The lines of a run between two places."""
    arguments = [f"--file={first.file}", f"--pos={first.pos}", f"--stop-file={last.file}", f"--stop-pos={last.pos}",
                 "-t", f"{history.db}.*", *files]  # fmt: skip
    done = subprocess.run(tail.command(*arguments, server=None if files else history.server), capture_output=True, timeout=300, check=False)
    if done.returncode not in (status, 0):
        raise Disagreement(f"cdc-tail ended with {done.returncode}: {done.stderr.decode()}")
    return done.stdout.decode().removesuffix("\n").split("\n")


def split_at(lines, places):
    """The lines between each place and the next."""
    parts = [[] for _ in places]
    index = 0
    for line in lines:
        record = json.loads(line)
        # A begin has the position before it, what stands between transactions the one behind.
        if record["kind"] in ("begin", "ddl", "heartbeat"):
            begins_behind = record["pos"] + (record["kind"] == "begin")
            while index + 1 < len(places) and (record["file"], begins_behind) > (places[index].file, places[index].pos):
                index += 1
        parts[index].append(line)
    return parts


def data_of(lines):
    return [line for line in lines if json.loads(line)["kind"] in tail.ROWS]


def follow_whole(history):
    """One run over everything, with names in the binlog; the files say the same."""
    first, last = history.places[0], history.places[-1]
    lines = told(history, first, last)
    follower = Follower()
    for place, part in zip(history.places[1:], split_at(lines, history.places[1:]), strict=True):
        follower.apply(part, place)
    if data_of(told(history, first, last, files=map(str, history.server.binlogs()))) != data_of(lines):
        raise Disagreement("the files tell other rows than the server")
    return follower


def follow_steps(history):
    """Names come from the server: it is asked phase by phase, and once more for all, when they may be known no longer."""
    follower, known = Follower(), []
    for _ in range(PHASES):
        start = history.places[-1]
        history.phase()
        before, after = history.places[-2:]
        lines = told(history, before, after)
        follower.apply(told(history, start, before, status=78), before)
        follower.apply(lines, after)
        known += data_of(lines)
    allowed = set(known)
    for line in data_of(told(history, history.places[0], history.places[-1], status=78)):
        if line not in allowed:
            raise Disagreement(f"told otherwise, or not at all, when it was new: {line[:400]}")
    return follower


def check(server, seed, changes):
    """One history. Returns its Follower."""
    names = server.flavor != "mysql56" and seed % 3 != 2
    history = History(server, seed, names, changes)
    try:
        if not names:
            return follow_steps(history)
        for _ in range(PHASES):
            history.phase()
        return follow_whole(history)
    finally:
        server.sql(f"DROP DATABASE {history.db}")


def check_seeds(flavor, seeds, changes=CHANGES, seconds=600):
    """Begins no history after `seconds`. Returns how many histories, row changes and selected rows were compared, and the
    seeds that failed, with why."""
    histories = applied = compared = 0
    failed = []
    end = time.monotonic() + seconds
    with Server.start(f"differential-{flavor}", flavor=flavor, options=OPTIONS[flavor]) as server:
        for seed in seeds:
            if time.monotonic() > end:
                break
            histories += 1
            try:
                follower = check(server, seed, changes)
            except Disagreement as error:
                failed.append(f"--flavor {flavor} --changes {changes} --first {seed} --seeds 1: {error}")
                continue
            applied += follower.changes
            compared += follower.compared
    return histories, applied, compared, failed


class Differential(unittest.TestCase):
    def run_on(self, flavor, seeds, least):
        try:
            _, applied, _, failed = check_seeds(flavor, seeds)
        except SandboxError as error:
            if error.status != 69:
                raise
            self.skipTest(f"no {flavor} server: {error}")
        self.assertEqual(failed, [])
        self.assertGreater(applied, least, "histories in which next to nothing happened")

    def test_mysql(self):
        self.run_on("mysql", range(1, 6), 800)

    def test_mysql56(self):
        self.run_on("mysql56", range(1, 3), 200)

    def test_mariadb(self):
        self.run_on("mariadb", range(1, 4), 200)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, required=True)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--changes", type=int, default=CHANGES)
    parser.add_argument("--seconds", type=int, default=3600)
    parser.add_argument("--flavor", choices=sorted(OPTIONS), default="mysql")
    options = parser.parse_args()
    begun = time.monotonic()
    seeds = range(options.first, options.first + options.seeds)
    histories, applied, compared, failed = check_seeds(options.flavor, seeds, options.changes, options.seconds)
    print(*failed, sep="\n")
    print(f"{options.flavor}: {histories} histories, {len(failed)} failed; {applied} row changes applied, "
          f"{compared} selected rows compared, {time.monotonic() - begun:.0f} s")  # fmt: skip
    return 1 if failed else 0


if __name__ == "__main__":
    if any(argument.startswith("--seeds") for argument in sys.argv):
        sys.exit(main())
    unittest.main()
