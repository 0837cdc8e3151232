#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""cdc-load against the simulator: what arrives, what is refused, every answer of StarRocks."""

import fcntl
import json
import os
import signal
import subprocess
import time
import unittest
import unittest.mock

from load import COLUMNS, UUID, LoadTest, Stream, order


class Basics(LoadTest):
    def test_changes_arrive(self):
        stream = Stream().table()
        stream.transaction(("+I", order(1)), ("+I", order(2)), ("+I", order(3)))
        stream.transaction(("U", order(2), order(2, "two")), ("-D", order(3)))
        stream.transaction(("U", order(1), order(9)))
        self.assertEqual(self.load(stream.end()), "")
        self.assertEqual(self.rows(), [order(2, "two"), order(9)])
        (load,) = self.loads()
        self.assertEqual(load["rows"], 4)  # 2 and 9 upserted, 1 and 3 deleted
        self.assertEqual(self.saved()["gtid_set"], UUID + ":1-3")
        self.assertEqual(self.saved()["pos"], stream.pos)

    def test_second_run_of_the_same_stream_sends_nothing(self):
        stream = Stream().table().transaction(("+I", order(1))).end()
        self.load(stream)
        before = self.checkpoint.read_bytes()
        self.load(stream)
        self.assertEqual(len(self.loads()), 1)
        self.assertEqual(self.checkpoint.read_bytes(), before)

    def test_every_line_twice(self):
        stream = Stream().table()
        stream.transaction(("+I", order(1)), ("U", order(1), order(1, "a")), ("+I", order(2)))
        stream.transaction(("-D", order(2)), ("+I", order(3))).heartbeat().end()
        self.load("".join(line + "\n" + line + "\n" for line in stream.lines))
        self.assertEqual(self.rows(), [order(1, "a"), order(3)])
        self.assertEqual(self.saved()["gtid_set"], UUID + ":1-2")

    def test_a_file_replayed_behind_itself(self):
        stream = Stream().table().transaction(("+I", order(1))).transaction(("U", order(1), order(1, "a"))).end()
        self.load(stream.text + stream.text)
        self.assertEqual(self.rows(), [order(1, "a")])

    def test_an_update_that_changes_nothing_is_not_sent(self):
        stream = Stream().table().transaction(("U", order(1), order(1))).end()
        self.load(stream)
        self.assertEqual(self.requests(), [])
        self.assertEqual(self.saved()["gtid_set"], UUID + ":1")

    def test_keys_swapped(self):
        a, b = order(1, "a"), order(2, "b")
        stream = Stream().table().transaction(("+I", a), ("+I", b))
        stream.transaction(("U", a, order(3, "a")), ("U", b, order(1, "b")), ("U", order(3, "a"), order(2, "a"))).end()
        self.load(stream)
        self.assertEqual(self.rows(), [order(1, "b"), order(2, "a")])

    def test_delete_then_insert_in_a_shared_data_cluster(self):
        self.sim.configure(storage="shared_data", limits={"memtable_rows": 1})
        stream = Stream().table().transaction(("+I", order(1)))
        stream.transaction(("-D", order(1)), ("+I", order(1, "again"))).end()
        self.load(stream)
        self.assertEqual(self.rows(), [order(1, "again")])

    def test_many_tables_and_maps(self):
        for name in ("shop_a", "shop_b"):
            self.sim.create_table("ods", name, self.target_columns, ["id"])
        stream = Stream().table("a").table("b").begin()
        stream.insert(order(1), table="a").insert(order(2), table="b").commit().end()
        self.load(stream, "--map=shop.*:ods.shop_*")
        self.assertEqual(self.sim.dump("ods", "shop_a"), [order(1)])
        self.assertEqual(self.sim.dump("ods", "shop_b"), [order(2)])

    def test_many_tables_into_one(self):
        columns = [("origin", "VARCHAR(40)"), *self.target_columns]
        self.sim.create_table("ods", "all", columns, ["origin", "id"])
        stream = Stream().table("a").table("b").begin()
        stream.insert(order(1), table="a").insert(order(1), table="b").commit().end()
        self.load(stream, "--map=shop.*:ods.all", "--add-column=origin={db}.{table}")
        self.assertEqual([r["origin"] for r in self.sim.dump("ods", "all")], ["shop.a", "shop.b"])

    def test_batches_by_rows(self):
        stream = Stream().table()
        for i in range(10):
            stream.transaction(("+I", order(2 * i)), ("+I", order(2 * i + 1)))
        self.load(stream.end(), "--batch-rows=4")
        self.assertEqual(len(self.rows()), 20)
        self.assertEqual([load["rows"] for load in self.loads()], [4] * 5)

    def test_a_transaction_larger_than_a_batch(self):
        stream = Stream().table().transaction(*[("+I", order(i)) for i in range(100)]).end()
        self.load(stream, "--batch-rows=30")
        self.assertEqual(len(self.rows()), 100)
        self.assertEqual(sum(load["rows"] for load in self.loads()), 100)
        self.assertGreater(len(self.loads()), 2)

    def large(self, *changes):
        """A transaction larger than a batch in a table with and one without key, with `changes` to the latter at its end."""
        self.sim.create_table("shop", "events", self.target_columns, ["id"], "DUP")
        stream = Stream().table().table("events", pk=()).transaction(("+I", order(1))).begin()
        for i in range(10, 60):
            stream.insert(order(i)).insert(order(i, "y" * 20), table="events")
        for kind, *rows in changes:
            if kind == "U":
                stream.update(*rows, table="events")
            else:
                stream.row(kind, *rows, table="events")
        return stream

    def test_nothing_of_a_large_transaction_is_sent_before_its_last_change_is_known(self):
        for change in (("-D", order(10)), ("U", order(10), order(10, "z"))):
            for limit in ("--batch-rows=4", "--batch-bytes=200", "--memory=16k"):
                with self.subTest(change=change[0], limit=limit):
                    self.setUp()
                    stream = self.large(change).commit().end()
                    self.assertIn("no primary key", self.load(stream, limit, status=69))
                    self.assertEqual((self.rows(), self.rows("events")), ([order(1)], []))
                    self.assertEqual(self.saved()["gtid_set"], UUID + ":1")

    def test_tables_of_different_columns_into_one(self):
        columns = [{"name": "id", "type": "BIGINT"}, {"name": "n", "type": "INT", "nullable": True}]
        self.sim.create_table("ods", "all", columns, ["id"])
        self.sim.create_table("ods", "log", self.target_columns, ["id"], "DUP")
        maps = ("--map=shop.a:ods.all", "--map=shop.b:ods.all", "--map=shop.log:ods.log")
        for deleted in (True, False):
            stream = Stream().table("a", COLUMNS[::2]).table("b", COLUMNS[:1]).table("log", pk=()).begin()
            for i in range(4):
                stream.insert({"id": 2 * i, "n": 1}, table="a").insert({"id": 2 * i + 1}, table="b")
            if deleted:
                stream.delete(order(1), table="log")
            self.load(stream.commit().end(), *maps, status=69 if deleted else 0)
            self.assertEqual(len(self.sim.dump("ods", "all")), 0 if deleted else 8)

    def test_a_large_transaction_cut_off(self):
        stream = self.large()
        self.load(stream, "--batch-rows=4", status=75)
        self.assertEqual((self.rows(), self.rows("events")), ([order(1)], []))
        lines = stream.commit().end().lines
        self.load("".join(line + "\n" + line + "\n" for line in lines), "--batch-rows=4")
        self.assertEqual((len(self.rows()), len(self.rows("events"))), (51, 50))
        self.assertGreater(len(self.loads()), 20)

    def test_no_room_for_a_large_transaction(self):
        stream = self.large().commit().end()
        with unittest.mock.patch.dict(os.environ, TMPDIR=str(self.directory / "missing")):
            self.assertIn("missing", self.load(stream, "--batch-rows=4", status=74))
        self.load(stream, "--batch-rows=4")
        self.assertEqual((len(self.rows()), len(self.rows("events"))), (51, 50))

    def test_batch_time(self):
        stream = Stream().table().transaction(("+I", order(1)))
        with subprocess.Popen(self.command("--batch-time=200ms"), stdin=subprocess.PIPE) as process:
            process.stdin.write(stream.text.encode())
            process.stdin.flush()
            deadline = time.monotonic() + 60
            while self.rows() != [order(1)] or UUID + ":1" != self.saved()["gtid_set"]:
                self.assertLess(time.monotonic(), deadline)
                time.sleep(0.02)
            process.kill()
        self.load(stream.transaction(("+I", order(2))).end())
        self.assertEqual(self.rows(), [order(1), order(2)])
        self.assertEqual([load["rows"] for load in self.loads()], [1, 1])

    def test_memory_bound_over_many_tables(self):
        stream = Stream()
        for t in range(40):
            self.sim.create_table("shop", "t%d" % t, self.target_columns, ["id"])
            stream.table("t%d" % t)
        for i in range(20):
            stream.begin()
            for t in range(40):
                stream.insert(order(i, "y" * 20), table="t%d" % t)
            stream.commit()
        self.load(stream.end(), "--memory=64k", "--parallel=8")
        for t in range(40):
            self.assertEqual(len(self.rows("t%d" % t)), 20)

    def test_without_checkpoint(self):
        stream = Stream().table().transaction(("+I", order(1))).end()
        self.load(stream, checkpoint=False)
        self.load(stream, checkpoint=False)
        self.assertEqual(len(self.loads()), 2)
        self.assertEqual(os.listdir(self.directory), [])

    def test_dry_run(self):
        stream = Stream().table().transaction(("+I", order(1)), ("-D", order(2))).end()
        self.load(stream, "--dry-run")
        (sent,) = [json.loads(line) for line in self.stdout.splitlines()]
        self.assertEqual(sent["body"], [{"__op": 0, **order(1)}, {"__op": 1, **order(2)}])
        self.assertEqual((sent["rows"], self.requests(), os.listdir(self.directory)), (2, [], []))

    def test_label_prefix_and_report_of_verbose(self):
        self.load(Stream().table().transaction(("+I", order(1))).end(), "--label-prefix=nightly", "-v")
        self.assertTrue(self.loads()[0]["label"].startswith("nightly_"))

    def test_status_on_request(self):
        with subprocess.Popen(self.command(), stdin=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            process.stdin.write((Stream().text).encode())
            process.stdin.flush()
            while not self.checkpoint.exists():
                time.sleep(0.01)
            process.send_signal(signal.SIGUSR1)
            self.assertIn(b"0 rows in 0 loads", process.stderr.readline())
            process.send_signal(signal.SIGTERM)
            self.assertEqual(process.wait(60), -signal.SIGTERM)


class Streams(LoadTest):
    def test_cut_off_in_a_transaction(self):
        stream = Stream().table().transaction(("+I", order(1)))
        whole = stream.text
        stream.begin().insert(order(2)).update(order(1), order(1, "open"))
        error = self.load(stream, status=75)
        self.assertIn("cut off", error)
        self.assertEqual(self.rows(), [order(1)])
        self.assertEqual(self.saved()["gtid_set"], UUID + ":1")
        self.load(stream.commit().end())
        self.assertEqual(self.rows(), [order(1, "open"), order(2)])
        self.assertTrue(whole)

    def test_cut_off_in_a_line(self):
        stream = Stream().table().transaction(("+I", order(1)))
        for cut in (stream.text + '{"kind":"beg', stream.text[:-1], stream.text):
            self.assertIn("cut off", self.load(cut, status=75))
        self.assertEqual(self.rows(), [order(1)])

    def test_nothing_at_all(self):
        self.assertIn("cut off", self.load("", status=75))
        self.assertFalse(self.checkpoint.exists())

    def test_no_json(self):
        stream = Stream().table().transaction(("+I", order(1))).begin().insert(order(2))
        error = self.load(stream.text + "hello\n", status=65)
        self.assertIn("stdin:8: not a JSON object", error)
        self.assertEqual(self.rows(), [order(1)])
        self.assertEqual(self.saved()["gtid_set"], UUID + ":1")

    def test_newer_version(self):
        text = Stream().text.replace('"version":1', '"version":2')
        self.assertIn("version 2", self.load(text, status=78))
        self.assertFalse(self.checkpoint.exists())

    def test_a_gap_between_checkpoint_and_stream(self):
        self.load(Stream().table().transaction(("+I", order(1))).end())
        error = self.load(Stream(first=5).table().transaction(("+I", order(2))).end(), status=69)
        self.assertIn(UUID + ":2-4", error)
        self.assertEqual(self.rows(), [order(1)])

    def test_another_filter_time_zone_or_target(self):
        self.load(Stream().table().end())
        other = Stream(filter={"tables": ["a.*"]}).table().end()
        self.assertIn("filter", self.load(other, status=78))
        self.assertIn("another target", self.load(Stream().end(), "--map=a.*:b.*", status=78))
        self.load(other, "--accept-change")
        self.load(other)

    def test_rows_only(self):
        stream = Stream().table().transaction(("+I", order(1)))
        rows = "\n".join(line for line in stream.lines if '"kind":"+' in line) + "\n"
        self.assertIn("rows without boundaries", self.load(rows, status=69))
        table = next(line for line in stream.lines if '"kind":"table"' in line)
        self.load(table + "\n" + rows, checkpoint=False)
        self.assertEqual(self.rows(), [order(1)])

    def test_status_of_the_end(self):
        stream = Stream().table().transaction(("+I", order(1))).end(status=69)
        self.assertIn("status 69", self.load(stream, status=69))
        self.assertEqual(self.rows(), [order(1)])

    def test_partial_end(self):
        stream = Stream().table().transaction(("+I", order(1))).begin().insert(order(2)).end(partial=True)
        self.load(stream, status=75)
        self.assertEqual(self.rows(), [order(1)])

    def test_minimal_row_images(self):
        stream = Stream().table().transaction(("+I", order(1))).begin()
        stream.update({"id": 1}, {"id": 1, "n": 2}).commit().end()
        error = self.load(stream, status=78)
        self.assertIn("column note", error)
        self.assertIn("binlog_row_image=FULL", error)
        self.assertEqual(self.rows(), [order(1)])

    def test_ddl(self):
        for ddl_class, sql in (("drop", "DROP TABLE orders"), ("truncate", "TRUNCATE orders"),
                               ("rename", "RENAME TABLE orders TO o2"), ("partition", "ALTER TABLE orders DROP PARTITION p")):
            with self.subTest(ddl_class):
                self.setUp()
                stream = Stream().table().transaction(("+I", order(1))).ddl(ddl_class, sql)
                stream.transaction(("+I", order(2))).end()
                self.assertIn(sql, self.load(stream, status=69))
                self.assertEqual(self.rows(), [order(1)])
                self.load(stream, "--ignore-ddl")
                self.assertEqual(self.rows(), [order(1), order(2)])

    def test_ddl_that_cannot_be_parsed(self):
        stream = Stream().table().ddl("other", "FROBNICATE `Orders`", tables=None).end()
        self.assertIn("FROBNICATE", self.load(stream, status=69))
        self.load(Stream().table().ddl("other", "CREATE VIEW v AS SELECT 1", tables=None).end())

    def test_without_gtids(self):
        stream = Stream(gtids=False).table().transaction(("+I", order(1))).transaction(("+I", order(2)))
        self.load(stream, status=75)
        self.load(stream.transaction(("U", order(1), order(1, "a"))).end())
        self.assertEqual(self.rows(), [order(1, "a"), order(2)])
        self.assertEqual([load["rows"] for load in self.loads()], [2, 1])
        self.assertIsNone(self.saved()["gtid_set"])
        moved = Stream(gtids=False, first=100).end()
        self.assertIn("would be lost", self.load(moved, status=69))


class Checkpoints(LoadTest):
    def test_locked(self):
        with open(str(self.checkpoint) + ".lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.assertIn("locked by another process", self.load(Stream().end(), status=75))

    def test_unusable_files_are_left_alone(self):
        self.load(Stream().table().end())
        good = self.checkpoint.read_text()
        for text, status in ((good[:40], 65), (good.replace('"version":1', '"version":2'), 78), ("", 65), ("{}", 65)):
            self.checkpoint.write_text(text)
            self.load(Stream().end(), status=status)
            self.assertEqual(self.checkpoint.read_text(), text)

    def test_a_directory_that_cannot_be_written(self):
        self.checkpoint = self.directory / "missing" / "ckpt"
        self.load(Stream().table().transaction(("+I", order(1))).end(), status=74)
        self.assertEqual(self.rows(), [])

    def test_intent_is_on_disk_before_anything_is_sent(self):
        self.sim.fault("be_slow_answer", seconds=3)
        stream = Stream().table().transaction(("+I", order(1))).end()
        with subprocess.Popen(self.command(), stdin=subprocess.PIPE) as process:
            process.stdin.write(stream.text.encode())
            process.stdin.close()
            deadline = time.monotonic() + 60
            while not self.requests():
                self.assertLess(time.monotonic(), deadline)
                time.sleep(0.005)
            intent = self.saved()["tables"]["shop.orders"]["load"]
            self.assertEqual(intent["label"], self.requests()[0]["label"])
            process.kill()
        self.load(stream)
        self.assertEqual(self.rows(), [order(1)])
        self.assertEqual(len(self.loads()), 1)


if __name__ == "__main__":
    unittest.main()
