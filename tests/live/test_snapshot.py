#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The initial copy against servers under load: the lines applied to a model, against SELECT.

Writers run inside the server (a procedure each, 16 of them and more: fewer let wrong bounds pass) and change every table at
random, keys included, while the tables are copied in small chunks. From time to time they are held, so that there is a state
to compare with; the model must have it at the boundary where the same transactions are in.

    test_snapshot.py                                the short run
    test_snapshot.py --seeds 200 [--first N]        the long one: one server a setting, a run of cdc-tail a seed
"""

import argparse
import contextlib
import json
import os
import queue
import random
import subprocess
import sys
import threading
import time
import unittest

from sandbox import Server, SqlError
from tail import DEADLINE, ROWS, command, path

WRITERS = 16
MYSQL = ["--max-connections=100", "--innodb-flush-log-at-trx-commit=0"]

# Keys of several kinds: a number, text in a collation without case, two columns of which one is binary.
TABLES = {
    "ints": ("id INT NOT NULL, v INT, s VARCHAR(60), PRIMARY KEY (id)", "{k}", "id"),
    "words": (
        "k VARCHAR(20) CHARACTER SET latin1 NOT NULL, v INT, s VARCHAR(60), PRIMARY KEY (k)",
        "CONCAT(ELT(1 + {k} % 3, 'a', 'B', 'c'), {k})",
        "k",
    ),
    "pairs": (
        "a DECIMAL(6,1) NOT NULL, b VARBINARY(9) NOT NULL, v INT, s VARCHAR(60), PRIMARY KEY (a, b)",
        "{k} % 50 / 2, CHAR({k} DIV 50)",
        "a, b",
    ),
}


def key_equals(name, expression):
    """WHERE clause for the row of key number `expression`."""
    columns = TABLES[name][2]
    return f"({columns}) = ({TABLES[name][1].format(k=expression)})"


def key_assignment(name, expression):
    values = TABLES[name][1].format(k=expression)
    if name == "pairs":
        first, second = values.split(", ", 1)
        return f"a = {first}, b = {second}"
    return f"{TABLES[name][2]} = {values}"


def writer_procedure(rows):
    """A procedure that changes rows until control.go is 0, and waits while it is 2."""
    branches = []
    for number, name in enumerate(TABLES):
        key, other = TABLES[name][1].format(k="kn"), key_assignment(name, "kn2")
        columns = TABLES[name][2]
        branches.append(f"""
          WHEN {number} THEN CASE
            WHEN act < 3 THEN INSERT IGNORE INTO {name} ({columns}, v, s) VALUES ({key}, n, REPEAT('x', n % 50));
            WHEN act < 6 THEN DELETE FROM {name} WHERE {key_equals(name, 'kn')};
            WHEN act < 9 THEN UPDATE {name} SET v = n, s = REPEAT('y', n % 60) WHERE {key_equals(name, 'kn')};
            WHEN act < 11 THEN UPDATE IGNORE {name} SET {other}, v = n WHERE {key_equals(name, 'kn')};
            ELSE REPLACE INTO {name} ({columns}, v, s) VALUES ({key}, n, 'r');
          END CASE;""")
    return f"""
      CREATE PROCEDURE work(seed INT)
      BEGIN
        DECLARE n, kn, kn2, act, many, go INT DEFAULT 1;
        DECLARE CONTINUE HANDLER FOR 1213, 1205, 1062 BEGIN END;
        DO RAND(seed);
        main: LOOP
          SELECT c.go INTO go FROM control c;
          IF go = 0 THEN LEAVE main; END IF;
          IF go = 2 THEN DO SLEEP(0.01); ITERATE main; END IF;
          SET many = IF(RAND() < 0.15, 1 + FLOOR(RAND() * 6), 1);
          START TRANSACTION;
          WHILE many > 0 DO
            SET n = n + 1, many = many - 1, kn = FLOOR(RAND() * {rows}), kn2 = FLOOR(RAND() * {rows}), act = FLOOR(RAND() * 12);
            CASE FLOOR(RAND() * {len(TABLES)}) {"".join(branches)}
            END CASE;
          END WHILE;
          COMMIT;
        END LOOP;
      END"""


class Load:
    """Tables in a database of its own and writers that change them. `hold()` is a context in which nobody writes."""

    def __init__(self, server, db, seed, rows=3000, writers=WRITERS):
        self.server, self.db, self.seed, self.writers = server, db, seed, writers
        self.processes = []
        make = f"CREATE DATABASE {db}; USE {db}; CREATE TABLE control (go INT) ENGINE=InnoDB; INSERT INTO control VALUES (2);"
        for name, (columns, _, _) in TABLES.items():
            make += f"CREATE TABLE {name} ({columns}) ENGINE=InnoDB;"
        server.sql(make)
        server.sql(f"USE {db};\nDELIMITER //\n{writer_procedure(rows)} //\n")
        numbers = " UNION ALL ".join(f"SELECT {i} d" for i in range(10))
        thousands = f"SELECT a.d + 10*b.d + 100*c.d + 1000*e.d AS k FROM ({numbers}) a, ({numbers}) b, ({numbers}) c, ({numbers}) e"
        for name, (_, key, columns) in TABLES.items():
            server.sql(f"""INSERT INTO {db}.{name} ({columns}, v, s)
                SELECT {key.format(k='t.k')}, 0, 'first' FROM ({thousands}) t WHERE t.k < {rows} AND t.k % 3 <> 0""")

    def __enter__(self):
        script = [str(self._script()), "sql", self.server.name]
        environment = {**os.environ, "CDC_SANDBOX_RUN": str(path("."))}
        for number in range(self.writers):
            self.processes.append(
                subprocess.Popen([*script, "--database", self.db, "-e", f"CALL work({self.seed * 1000 + number})"],
                                 env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)  # fmt: skip
            )
        deadline = time.monotonic() + DEADLINE
        while self.sessions() < self.writers:
            assert time.monotonic() < deadline and all(p.poll() is None for p in self.processes), "writers do not start"
            time.sleep(0.02)
        self.set(1)
        return self

    @staticmethod
    def _script():
        from sandbox import SCRIPT

        return SCRIPT

    def __exit__(self, *_):
        self.set(0)
        for process in self.processes:
            _, errors = process.communicate(timeout=DEADLINE)
            assert process.returncode == 0, errors

    def set(self, go):
        self.server.sql(f"UPDATE {self.db}.control SET go = {go}")

    def sessions(self):
        return int(self.server.value(f"SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE DB = '{self.db}'"))

    def transactions(self):
        """Open transactions of the writers."""
        return int(self.server.value("SELECT COUNT(*) FROM information_schema.INNODB_TRX WHERE trx_mysql_thread_id <> CONNECTION_ID()"))

    @contextlib.contextmanager
    def hold(self):
        """Yields (place, tables): what identifies the state in the stream, and the rows by table and key."""
        self.set(2)
        before = None
        while (now := self.place()) != before or self.transactions():
            before = now
            time.sleep(0.05)
        yield now, self.contents()
        self.set(1)

    def place(self):
        show = "SHOW BINARY LOG STATUS" if self.server.flavor == "mysql" else "SHOW MASTER STATUS"
        file, pos, *_ = self.server.value(show).split("\t")
        return file, int(pos)

    def contents(self):
        tables = {}
        for name, (_, _, columns) in TABLES.items():
            rows = {}
            what = columns.replace("b", "HEX(b)")
            for line in self.server.sql(f"SELECT {what}, '|', IFNULL(v, 'NULL'), s FROM {self.db}.{name}"):
                key, rest = line.split("\t|\t")
                rows[tuple(key.split("\t"))] = rest
            tables[name] = rows
        return tables


class Model:
    """The tables as the lines make them. Upserts and deletes; a change of another kind is an error once a table is complete."""

    def __init__(self):
        self.tables, self.keys, self.copied, self.complete = {}, {}, {}, False
        self.chunks, self.place = [], None

    def key(self, name, data):
        return tuple(str(bytes_hex(data[c]) if c == "b" else data[c]) for c in self.keys[name])

    def apply(self, record):
        kind = record["kind"]
        if kind == "table":
            self.keys[record["table"]] = record["pk"]
            self.tables.setdefault(record["table"], {})
        elif kind in ROWS:
            name = record["table"]
            table = self.tables[name]
            key = self.key(name, record["data"])
            if kind in ("+I", "+U"):
                table[key] = f"{'NULL' if record['data'].get('v') is None else record['data']['v']}\t{record['data']['s']}"
            else:
                table.pop(key, None)
        elif kind == "snapshot-end":
            self.complete = True
        if kind in ("commit", "heartbeat", "ddl", "snapshot-end"):
            self.place = (record["file"], record["pos"])
        if kind == "commit" and "snapshot" in record:
            self.chunks.append(record["snapshot"])


def bytes_hex(base64_text):
    import base64

    return base64.b64decode(base64_text).hex().upper()


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

    def __init__(self, server, db, *arguments):
        self.model, self.wrong, self.compared = Model(), [], 0
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
    load = Load(server, db, seed)
    try:
        with load:
            copy = Copy(server, db, f"--snapshot-chunk-rows={chance.choice([7, 20, 50, 100, 400])}",
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
