#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The cron line of cdc(7), check && tail | load with one checkpoint, again and again under a concurrent workload, its
processes killed at random instants: whenever the workload pauses, one run that is left alone makes both sides equal.

    test_chaos.py                                   a short run, and a short one with faults
    test_chaos.py --kills 200 [--seconds 900] [--faults 0.05] [--restarts 10] [--seed 7]
                                                    a long one, which ends with that many kills (or fails)

The seed decides what is done and what is killed, not when. `--faults`: probability of each fault of StarRocks at each
request. `--restarts`: mysqld is killed and started again every so many seconds, FE and BE alternate with it.
"""

import argparse
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
import unittest

from sandbox import SandboxError, Server
from starrocks import StarRocks

BIN = os.environ.get("CDC_BIN_DIR", os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../build/dev/bin"))
DEADLINE = 120  # seconds for one run of the line, waiting for what is in doubt included
SLOW = 15  # seconds of a run that are worth a message
BIG = 120  # rows of a transaction that is loaded in parts
BATCH = 50

# name: MySQL's definition, what SELECT compares, StarRocks' columns, keys and model
TABLES = {
    "orders": ("id BIGINT PRIMARY KEY, note VARCHAR(80), price DECIMAL(12,2), placed DATETIME(6), mark VARBINARY(8)",
               "id, note, price, placed, LOWER(HEX(mark))",
               [("id", "BIGINT"), ("note", "VARCHAR(320)"), ("price", "DECIMAL(12,2)"), ("placed", "DATETIME"),
                ("mark", "VARBINARY(8)")], ["id"], "PK"),
    "parts": ("word VARCHAR(20), number INT, pieces INT NOT NULL, PRIMARY KEY (number, word)", "number, word, pieces",
              [("number", "INT"), ("word", "VARCHAR(80)"), ("pieces", "INT")], ["number", "word"], "PK"),
    "pairs": ("a INT, b INT, v INT, PRIMARY KEY (a, b)", "a, b, v", [("a", "INT"), ("b", "INT"), ("v", "INT")], ["a", "b"], "PK"),
    "events": ("n INT, what VARCHAR(40)", "n, what", [("n", "INT"), ("what", "VARCHAR(160)")], ["n"], "DUP"),
}  # fmt: skip

FAULTS = [
    {"name": "fe_drop"}, {"name": "fe_http", "code": 503}, {"name": "fe_failed"}, {"name": "fe_redirect", "to": "dead"},
    {"name": "fe_delay", "seconds": 0.3}, {"name": "be_drop_header", "begun": False},
    {"name": "be_drop_header", "begun": True}, {"name": "be_100", "late": 0.3}, {"name": "be_100", "times": 2},
    {"name": "be_reset_body"}, {"name": "be_reset_after_body"}, {"name": "be_slow_answer", "seconds": 0.3},
    {"name": "be_fail", "when": "end", "message": "Memory of process exceed limit"},
    {"name": "be_commit_drop"}, {"name": "be_commit_drop", "half": True}, {"name": "be_late_commit", "seconds": 0.5},
    {"name": "publish_timeout", "seconds": 0.3}, {"name": "label_exists", "then": "VISIBLE", "seconds": 0.2},
    {"name": "label_exists", "then": "ABORTED", "seconds": 0.2}, {"name": "be_http", "when": "begin"},
    {"name": "be_http", "when": "end"}, {"name": "be_commit_unknown", "then": "VISIBLE", "seconds": 0.2},
    {"name": "be_commit_unknown", "then": "ABORTED", "seconds": 0.2}, {"name": "be_reply_shape"},
]  # fmt: skip


class Workload:
    """Connections that change the tables at random until pause(); resume() goes on. Refused statements (duplicate keys,
    deadlocks, a server that is gone) are part of it."""

    def __init__(self, server, seed, connections=3):
        self.server, self.transactions = server, 0
        self.running, self.ending = threading.Event(), False
        self.idle = [threading.Event() for _ in range(connections)]
        self.threads = [threading.Thread(target=self.work, args=(random.Random(f"{seed} {i}"), idle), daemon=True)
                        for i, idle in enumerate(self.idle)]  # fmt: skip
        for thread in self.threads:
            thread.start()

    def resume(self):
        for idle in self.idle:
            idle.clear()
        self.running.set()

    def pause(self):
        self.running.clear()
        for idle in self.idle:
            assert idle.wait(60), "the workload does not stop"

    def end(self):
        self.ending = True
        self.running.set()
        for thread in self.threads:
            thread.join(60)

    def work(self, rng, idle):
        while not self.ending:
            if not self.running.is_set():
                idle.set()
                self.running.wait()
                continue
            count = rng.randint(5, 30)
            text = "".join(transaction(rng) for _ in range(count))
            try:
                self.server.run("mysql", "--force", "--database=shop", "--execute", text)
                self.transactions += count
            except SandboxError:
                time.sleep(0.2)  # the server is being restarted


def statement(rng):
    """One change, as SQL."""
    n, m = rng.randint(1, 300), rng.randint(1, 300)
    a, b = rng.randint(1, 6), rng.randint(1, 6)
    word, other = rng.choice("abcABCäÄ") * 2, rng.choice("abcABCäÄ") * 2
    order = f"({n}, 'note {m} \\\"ö\\\" \\n', {m / 4}, NOW(6), UNHEX(LPAD(HEX({m}), 4, '0')))"
    return rng.choice([
        f"INSERT INTO orders VALUES {order}", f"REPLACE INTO orders VALUES {order}",
        f"INSERT INTO orders VALUES {order} ON DUPLICATE KEY UPDATE price = price + 1, note = NULL",
        f"UPDATE orders SET note = 'note {m}', mark = NULL WHERE id BETWEEN {n} AND {n + 9}",
        f"UPDATE orders SET id = {m} WHERE id = {n}", f"UPDATE orders SET price = price WHERE id < {n}",
        f"DELETE FROM orders WHERE id = {n}", f"DELETE FROM orders WHERE id BETWEEN {n} AND {n + 4}",
        f"DELETE FROM orders WHERE id = {n}; INSERT INTO orders VALUES {order}",
        f"INSERT INTO parts VALUES ('{word}', {a}, {m})", f"UPDATE parts SET pieces = {m} WHERE number = {a}",
        f"UPDATE parts SET word = '{other}' WHERE word = '{word}' AND number = {a}",
        f"UPDATE parts SET word = '{other}', number = {b} WHERE number = {a} ORDER BY RAND() LIMIT 1",
        f"DELETE FROM parts WHERE word = '{word}'",
        f"INSERT INTO pairs VALUES ({a}, {b}, {m})", f"UPDATE pairs SET v = v + 1 WHERE b = {b}",
        f"UPDATE pairs SET a = -{a} WHERE a = {a}; UPDATE pairs SET a = {a} WHERE a = {b}; "
        f"UPDATE pairs SET a = {b} WHERE a = -{a}",
        f"UPDATE pairs SET b = b + 1 WHERE a = {a} ORDER BY b DESC", f"DELETE FROM pairs WHERE a = {a} AND b > {b}",
        f"INSERT INTO events VALUES ({n}, 'one')", f"INSERT INTO events VALUES ({a}, 'twin'), ({a}, 'twin')",
    ])  # fmt: skip


def big(rng):
    """More rows than a batch takes, in two tables at once."""
    first = 1000 * rng.randint(1, 3)
    numbers = f"WITH RECURSIVE s (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM s WHERE i < {BIG})"
    return (f"INSERT INTO events {numbers} SELECT {first} + i, 'many' FROM s; REPLACE INTO orders {numbers} SELECT "
            f"{first} + i, 'big', i, NOW(6), NULL FROM s; UPDATE orders SET id = id + 5000 WHERE id BETWEEN {first} AND {first} + 40")  # fmt: skip


def transaction(rng):
    changes = [big(rng) if rng.random() < 0.01 else statement(rng) for _ in range(rng.randint(1, 5))]
    if rng.random() < 0.1:
        changes[1:1] = ["SAVEPOINT s", statement(rng), "ROLLBACK TO s"]
    end = "ROLLBACK" if rng.random() < 0.1 else "COMMIT"
    return "START TRANSACTION;\n" + ";\n".join(changes) + f";\n{end};\n"


class Pipe:
    """The three tools as cron would start them. `.kills`; `.usual`: how long a run takes, in seconds."""

    def __init__(self, server, starrocks, directory, rng):
        self.server, self.starrocks, self.rng = server, starrocks, rng
        self.checkpoint = os.path.join(directory, "ckpt")
        self.directory, self.kills, self.runs, self.usual = directory, 0, 0, 1.0

    def tool(self, name, *arguments):
        mysql = [f"--socket={self.server.socket}", "--user=root"] if name != "cdc-load" else []
        return [os.path.join(BIN, name), "--no-defaults", *mysql, "--checkpoint", self.checkpoint, *arguments]

    def run(self, kill):
        """Returns the exit statuses of tail and load; None when the check cannot reach the server. `kill`: within the
        usual time of a run, kill -9 tail, load or both."""
        check = subprocess.run(self.tool("cdc-check", "--fail-on=critical", "-q"), capture_output=True, timeout=DEADLINE, check=False)
        if check.returncode == 3:
            return None
        assert check.returncode == 0, f"cdc-check: status {check.returncode}: {check.stdout.decode()}{check.stderr.decode()}"
        start = time.monotonic()
        with open(os.path.join(self.directory, "stderr"), "wb") as log:
            tail = subprocess.Popen(self.tool("cdc-tail", "-t", "shop.*", "--startup-mode=earliest", "--stop-mode=latest"),
                                    stdout=subprocess.PIPE, stderr=log)  # fmt: skip
            load = subprocess.Popen(
                self.tool("cdc-load", "--url", self.starrocks.url, "-u", "root", "--query-url=none", "-v",
                          f"--batch-rows={BATCH}", "--batch-time=200ms"), stdin=tail.stdout, stderr=log)  # fmt: skip
        tail.stdout.close()
        self.runs += 1
        if kill:
            self.kill(tail, load)
        try:
            statuses = [process.wait(DEADLINE) for process in (load, tail)][::-1]
        except subprocess.TimeoutExpired:
            raise AssertionError(f"the line does not end: {self.stderr()}") from None
        finally:
            tail.kill()
            load.kill()
            tail.wait()
            load.wait()
        if -9 in statuses:
            self.kills += 1
        took = time.monotonic() - start
        if took > SLOW:
            print(f"a run of {took:.0f} s: {self.stderr()}", file=sys.stderr)
        elif -9 not in statuses:
            self.usual = 0.7 * self.usual + 0.3 * took
        return statuses

    def kill(self, tail, load):
        victims = self.rng.choice([[tail], [load], [load], [tail, load]])
        try:
            load.wait(self.rng.uniform(0, self.usual))
        except subprocess.TimeoutExpired:
            for victim in victims:
                victim.kill()

    def stderr(self):
        with open(os.path.join(self.directory, "stderr"), encoding="utf-8", errors="replace") as log:
            return log.read()[-4000:]


class Chaos:
    """One MySQL, one StarRocks, one pipe. `.compared`: rows found equal."""

    def __init__(self, server, starrocks, directory, seed):
        self.server, self.starrocks, self.compared = server, starrocks, 0
        self.rng = random.Random(f"{seed} pipe")
        self.pipe = Pipe(server, starrocks, directory, self.rng)
        server.sql("DROP DATABASE IF EXISTS shop; CREATE DATABASE shop; RESET BINARY LOGS AND GTIDS")
        for name, (definition, _, columns, keys, model) in TABLES.items():
            server.sql(f"CREATE TABLE shop.{name} ({definition})")
            starrocks.create_table("shop", name, columns, keys, model)
        self.workload = Workload(server, seed)

    def phase(self, seconds, kills, faults=0.0, restarts=0.0):
        """Runs the line under the workload for so long or until there are so many kills; then holds both sides equal."""
        deadline = time.monotonic() + seconds
        for fault in FAULTS if faults else ():
            self.starrocks.fault(**fault, count=0, probability=faults)
        next_restart = time.monotonic() + restarts if restarts else deadline
        self.workload.resume()
        while time.monotonic() < deadline and self.pipe.kills < kills:
            if time.monotonic() > next_restart:
                self.restart_something()
                next_restart = time.monotonic() + restarts
            statuses = self.pipe.run(kill=self.rng.random() < 0.85)
            assert statuses is None or set(statuses) <= {0, 75, -9, -13}, f"{statuses}: {self.pipe.stderr()}"
        self.workload.pause()
        self.starrocks.clear_faults()
        self.settle()

    def restart_something(self):
        what = self.rng.choice(["mysqld", "mysqld", "fe", "be"])
        if what == "mysqld":
            # A line may be under way meanwhile, as in life.
            thread = threading.Thread(target=self.server.restart, kwargs={"kill": True})
            thread.start()
            self.pipe.run(kill=self.rng.random() < 0.5)
            thread.join()
        else:
            self.starrocks.action(f"{what}_restart")

    def settle(self):
        statuses = self.pipe.run(kill=False)
        assert statuses == [0, 0], f"{statuses}: {self.pipe.stderr()}"
        self.starrocks.advance_clock(10)  # what waits to become visible
        for name, (_, fields, columns, *_) in TABLES.items():
            source = sorted(self.server.sql(f"SELECT {fields} FROM shop.{name}"))
            destination = sorted("\t".join(batch_text(row[c]) for c, _ in columns) for row in self.starrocks.dump("shop", name))
            if source != destination:
                lost, extra = difference(source, destination), difference(destination, source)
                raise AssertionError(f"{name}: {len(source)} rows, {len(destination)} loaded; missing {lost[:5]}, too many {extra[:5]}")
            self.compared += len(source)
        self.starrocks.assert_clean()

    def end(self):
        self.workload.end()


def batch_text(value):
    """As the mysql client prints it."""
    if value is None:
        return "NULL"
    return str(value).replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n")


def difference(these, those):
    """The multiset difference of two sorted lists."""
    rest, left = list(those), []
    for item in these:
        if item in rest:
            rest.remove(item)
        else:
            left.append(item)
    return left


def run(seed, seconds, kills, faults, restarts, phases):
    """Returns the Chaos at its end."""
    with (tempfile.TemporaryDirectory(prefix="cdc-chaos-") as directory, StarRocks(backends=2) as starrocks,
          Server.start("chaos", options=["--binlog-row-metadata=FULL", "--max-binlog-size=1M"]) as server):  # fmt: skip
        chaos = Chaos(server, starrocks, directory, seed)
        try:
            for number in range(phases):
                chaos.phase(seconds / phases, kills * (number + 1) // phases, faults, restarts)
                if number + 1 < phases:
                    print(f"seed {seed}: {chaos.pipe.kills} kills, {chaos.compared} rows equal", file=sys.stderr, flush=True)
        finally:
            chaos.end()
        return chaos


class ShortTest(unittest.TestCase):
    def chaos(self, **how):
        seed = random.randrange(1 << 32)
        with self.subTest(seed=seed):
            chaos = run(seed, kills=sys.maxsize, **how)
            self.assertGreater(chaos.pipe.kills, 0)
            self.assertGreater(chaos.compared, 0)

    def test_killed_under_a_workload(self):
        self.chaos(seconds=15, faults=0.0, restarts=0.0, phases=2)

    def test_killed_while_everything_fails(self):
        self.chaos(seconds=20, faults=0.03, restarts=8.0, phases=1)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, required=True)
    parser.add_argument("--seconds", type=float, default=900)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    parser.add_argument("--faults", type=float, default=0.0)
    parser.add_argument("--restarts", type=float, default=0.0)
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    chaos = run(options.seed, options.seconds, options.kills, options.faults, options.restarts, max(1, options.kills // 20))
    pipe = chaos.pipe
    print(f"{pipe.kills} kills in {pipe.runs} runs, {chaos.workload.transactions} transactions, {chaos.compared} rows compared equal")
    return 0 if pipe.kills >= options.kills else 1


if __name__ == "__main__":
    sys.exit(main() if len(sys.argv) > 1 and sys.argv[1].startswith("--") else unittest.main())
