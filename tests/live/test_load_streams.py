#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""cdc-load on streams that were cut, repeated, overlapped and put together by chance, with loads failing meanwhile.

Whatever the runs before have had: one that ends with 0 has made the tables what the source is at its checkpoint, and
the whole stream behind them makes the tables what the source is at its end, with every row of a table without a key
there once. A failure names its seed: CDC_SEED=N runs that one alone, CDC_ROUNDS=N so many of each kind."""

import json
import os
import random
import subprocess
import unittest

from load import UUID, LoadTest

COLUMNS = [("id", "bigint"), ("note", "varchar(20)"), ("n", "int")]
TABLES = {"orders": "PK", "lines": "PK", "events": "DUP"}
FAULTS = ({"name": "be_commit_drop"}, {"name": "be_reset_body"}, {"name": "be_fail", "message": "memory limit exceeded"},
          {"name": "be_fail", "message": "Service is shutting down", "when": "begin"}, {"name": "be_drop_header", "begun": True},
          {"name": "be_commit_unknown", "then": "VISIBLE"}, {"name": "fe_failed", "match": {"op": "load"}},
          {"name": "label_exists", "then": "ABORTED", "seconds": 0.01}, {"name": "be_http"},
          {"name": "fe_failed", "match": {"op": "state"}})


def gtid_text(mode, number):
    """The GTID of transaction `number`, None without GTIDs."""
    if mode == "tagged":
        return "%s:%s%d" % (UUID, "blue:" if number % 3 else "", number)
    if mode == "mariadb":
        return "%d-1-%d" % (number % 2, number)
    return None if mode == "file" else "%s:%d" % (UUID, number)


def set_text(mode, numbers):
    if mode == "mariadb":
        return ",".join("%d-1-%d" % (domain, max(n for n in numbers if n % 2 == domain))
                        for domain in (0, 1) if any(n % 2 == domain for n in numbers))
    return None if mode == "file" else ",".join(gtid_text(mode, n) for n in numbers)


class Source:
    """Transactions 1, 2, … of a server as records. `rows` of a table before the first one are told in chunks."""

    def __init__(self, rng, mode, count, independent=False, copied=0):
        self.mode, self.rng, self.count, self.copied = mode, rng, count, copied
        state = {table: {} for table in TABLES}
        for key in range(1, copied + 1):
            state["orders"][key] = {"id": key, "note": "old", "n": 0}
        self.states, self.changes, self.serial = [self.copy(state)], [None], 0
        for _ in range(count):
            self.changes.append([self.change(state, independent) for _ in range(rng.choice((0, 1, 1, 2, 3, 5, 30)))])
            self.states.append(self.copy(state))

    @staticmethod
    def copy(state):
        return {table: dict(rows) for table, rows in state.items()}

    def change(self, state, independent):
        """One change at random, of a row of its own if `independent`; as (table, before, after)."""
        rng = self.rng
        self.serial += 1
        table = rng.choice(list(TABLES))
        rows = state[table]
        key = self.serial + 1000 if independent or TABLES[table] == "DUP" else rng.randrange(1, 12)
        after = {"id": key, "note": "x" * rng.randrange(20), "n": self.serial}
        before = rows.get(key)
        if before and rng.random() < 0.3:
            after = None
        elif before and rng.random() < 0.3:  # a change of key
            del rows[key]
            after["id"] = key = rng.choice([k for k in range(1, 40) if k not in rows])
        if after:
            rows[key] = after
        else:
            del rows[key]
        return table, before, after

    def position(self, number):
        """Behind transaction `number`."""
        return {"file": "binlog.000001", "pos": 1000 + 1000 * number}

    def transaction(self, number, told):
        """Its records; a heartbeat when it changes nothing. `told`: numbers that its boundary completes."""
        gtid, gtids = gtid_text(self.mode, number), set_text(self.mode, told)
        if not self.changes[number]:
            return [{"kind": "heartbeat", "gtids": gtids, **self.position(number), "ts_ms": number}]
        place = self.position(number - 1)
        records = [{"kind": "begin", "gtid": gtid, "ts_ms": number, **place}]
        for seq, (table, before, after) in enumerate(self.changes[number]):
            place["pos"] += 10
            common = {"db": "shop", "table": table, "gtid": gtid, "ts_ms": number, **place, "seq": seq}
            if before:
                records.append({"kind": "-U" if after else "-D", **common, "data": before})
            if after:
                records.append({"kind": "+U" if before else "+I", **common, "data": after})
        return records + [{"kind": "commit", "gtid": gtid, "gtids": gtids, "ts_ms": number, **self.position(number),
                           "changes": len(self.changes[number])}]

    def chunk(self, number, at, parts):
        """Part `at` of the rows copied, as they are behind transaction `number`."""
        place, gtid = self.position(number), None
        low, high = self.copied * at // parts, self.copied * (at + 1) // parts
        rows = [row for key, row in sorted(self.states[number]["orders"].items()) if low < key <= high]
        chunk = {"db": "shop", "table": "orders", "chunk": at, "key": ["id bigint"], "from": [], "to": [str(high)],
                 "last": at + 1 == parts}
        records = [{"kind": "begin", "gtid": gtid, "ts_ms": 1, **place, "snapshot": chunk}]
        records += [{"kind": "+I", "db": "shop", "table": "orders", "gtid": gtid, "ts_ms": 1, **place, "seq": seq,
                     "snapshot": True, "data": row} for seq, row in enumerate(rows)]
        return records + [{"kind": "commit", "gtid": gtid, "gtids": set_text(self.mode, []), "ts_ms": 1, **place,
                           "changes": len(rows), "snapshot": chunk}]

    def stream(self, executed, order, chunks=0):
        """Lines of a stream that starts behind the transactions `executed` and tells `order`."""
        start = max(executed, default=0)
        records = [{"kind": "start", "version": 1, "server_uuid": UUID, "server_version": "9.7.4",
                    "gtid_set": set_text(self.mode, executed), **self.position(start), "filter": {}, "time_zone": "+00:00"}]
        for table, model in TABLES.items():
            columns = [{"name": name, "type": kind, "nullable": name != "id"} for name, kind in COLUMNS]
            records.append({"kind": "table", "db": "shop", "table": table, "columns": columns,
                            "pk": ["id"] if model == "PK" else []})
        for done, number in enumerate(order, 1):
            records += self.transaction(number, [number])
            if done <= chunks:
                records += self.chunk(number, done - 1, chunks)
        last = order[-1] if order else start
        records.append({"kind": "end", "status": 0, "reason": "stop position reached", "gtids": set_text(self.mode, []),
                        **self.position(last)})
        return [json.dumps(record, separators=(",", ":")) for record in records]


class Streams(LoadTest):
    rounds = int(os.environ.get("CDC_ROUNDS", 6))

    def each(self, play):
        only = os.environ.get("CDC_SEED")
        for seed in [int(only)] if only else range(self.rounds):
            with self.subTest(seed=seed):
                for table, model in TABLES.items():
                    self.sim.create_table("shop", table, self.target_columns, ["id"], model)
                self.sim.clear_faults()
                self.checkpoint.unlink(missing_ok=True)
                play(random.Random(seed))
                self.sim.assert_clean()

    def run_on(self, rng, lines, faults=True):
        """A run with options at random; its status."""
        self.sim.clear_faults()
        if faults:
            for fault in rng.sample(FAULTS, rng.randrange(3)):
                self.sim.fault(**fault, count=rng.choice((1, 2, 0)), probability=rng.choice((1, 0.3)))
        options = ["--batch-rows=%d" % rng.choice((1, 3, 20, 500)), "--memory=%s" % rng.choice(("20k", "1M")),
                   "--parallel=%d" % rng.choice((1, 3)), "--label-prefix=%s" % rng.choice(("cdc", "other")),
                   "--max-retries=%d" % (rng.choice((0, 1)) if faults else 10)]
        self.statuses.append(self.run_once("\n".join(lines) + "\n", *options))
        return self.statuses[-1]

    def run_once(self, text, *options):
        done = subprocess.run(self.command(*options), input=text.encode(), capture_output=True, timeout=120, check=False)
        self.said = done.stderr.decode()
        return done.returncode

    def expect(self, state, what):
        for table in TABLES:
            wanted = sorted(state[table].values(), key=lambda row: row["id"])
            found = sorted(self.rows(table), key=lambda row: row["id"])
            self.assertEqual(found, wanted, "%s: %s after %s\n%s" % (what, table, self.statuses, self.said))

    def loaded(self, source):
        """The number of the transaction up to which the checkpoint is, in the order of the source."""
        return (self.saved()["pos"] - 1000) // 1000

    def torn(self, rng, source, top):
        """Pieces of the stream behind one another: each starts at or before where the ones before have come."""
        lines, reached = [], top
        for _ in range(rng.choice((1, 1, 2, 3))):
            begin = rng.randrange(reached + 1)
            end = rng.randrange(begin, source.count + 1)
            piece = source.stream(list(range(1, begin + 1)), list(range(begin + 1, end + 1)))
            if rng.random() < 0.3:  # cut off
                piece = piece[:rng.randrange(1, len(piece) + 1)]
            lines += piece
            reached = max(reached, end)
        return lines

    @staticmethod
    def spoil(rng, lines):
        """Lines twice, or one that is missing."""
        if rng.random() < 0.2:
            return [line for line in lines for _ in range(rng.choice((1, 1, 2)))]
        if rng.random() < 0.3 and len(lines) > 2:
            gone = rng.randrange(len(lines))
            return lines[:gone] + lines[gone + 1:]
        return lines

    def play(self, mode, rng):
        source = Source(rng, mode, rng.randrange(3, 12))
        self.statuses, top = [], 0
        for _ in range(rng.randrange(1, 5)):
            status = self.run_on(rng, self.spoil(rng, self.torn(rng, source, top)))
            self.assertIn(status, (0, 65, 69, 75), self.said)
            if self.checkpoint.exists():
                top = self.loaded(source)
            if status == 0:
                self.expect(source.states[top], "at %d" % top)
        self.assertEqual(self.run_on(rng, source.stream([], list(range(1, source.count + 1))), faults=False), 0, self.said)
        self.expect(source.states[-1], "in the end")

    def test_torn_with_gtids(self):
        self.each(lambda rng: self.play("uuid", rng))

    def test_torn_with_tagged_gtids(self):
        self.each(lambda rng: self.play("tagged", rng))

    def test_torn_with_gtids_of_mariadb(self):
        self.each(lambda rng: self.play("mariadb", rng))

    def test_torn_without_gtids(self):
        self.each(lambda rng: self.play("file", rng))

    def test_servers_that_commit_in_another_order(self):
        """Each run has another server, which tells what the checkpoint lacks in its own order."""
        def play(rng):
            source = Source(rng, "uuid", rng.randrange(3, 12), independent=True)
            self.statuses = []
            for last in [False] * rng.randrange(1, 6) + [True]:
                executed = self.executed(source)
                order = [n for n in range(1, source.count + 1) if n not in executed]
                rng.shuffle(order)
                lines = source.stream(executed, order)
                if not last and rng.random() < 0.5:
                    lines = lines[:rng.randrange(1, len(lines) + 1)]
                status = self.run_on(rng, lines, faults=not last)
                self.assertIn(status, (0,) if last else (0, 75), self.said)
                if status == 0 and len(lines) > 1:
                    state = {table: {} for table in TABLES}
                    for number in self.executed(source):
                        for table, _, after in source.changes[number]:
                            state[table][after["id"]] = after
                    self.expect(state, "at " + str(self.saved()["gtid_set"]))
            self.expect(source.states[-1], "in the end")
        self.each(play)

    def executed(self, source):
        if not self.checkpoint.exists():
            return []
        numbers = []
        for part in self.saved()["gtid_set"].split(":")[1:]:
            first, _, last = part.partition("-")
            numbers += range(int(first), int(last or first) + 1)
        return numbers

    def test_an_initial_copy_told_again_from_its_start(self):
        def play(rng):
            source = Source(rng, rng.choice(("uuid", "file")), rng.randrange(4, 12), copied=9)
            self.statuses = []
            lines = source.stream([], list(range(1, source.count + 1)), chunks=rng.randrange(1, 5))
            for _ in range(rng.randrange(1, 5)):
                self.run_on(rng, self.spoil(rng, lines[:rng.randrange(1, len(lines) + 1)]))
            self.assertEqual(self.run_on(rng, lines, faults=False), 0, self.said)
            self.expect(source.states[-1], "in the end")
        self.each(play)


if __name__ == "__main__":
    unittest.main()
