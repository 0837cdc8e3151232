#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Loads that fail, come back or are forgotten where several things happen at once: inside a transaction loaded in parts,
in two shapes, in another order of commits, long after the first attempt. Nothing may be lost, doubled or made NULL."""

import base64
import http.client
import json
import select
import signal
import subprocess
import time
import unittest

from load import UUID, LoadTest, Stream, order

PARTS = ("--batch-rows", "10", "--memory", "20k")  # a transaction of more rows is loaded in parts
OUT_OF_MEMORY = {"name": "be_fail", "when": "begin", "message": "memory limit exceeded"}


class Doubts(LoadTest):
    asking = "none"

    def query(self):
        return self.asking

    def duplicate_table(self):
        self.sim.create_table("shop", "orders", self.target_columns, ["id"], "DUP")

    def ids(self, table="orders"):
        return sorted(row["id"] for row in self.rows(table))

    def leave_in_doubt(self, stream, *arguments, table="orders"):
        """A run that ends without knowing how its load of the table did, which was not made."""
        self.sim.fault("be_drop_header", count=0, match={"table": "shop." + table})
        self.sim.fault("fe_failed", count=0, match={"op": "state"})
        self.load(stream, "--max-retries=0", *arguments, status=75)
        self.assertIsNotNone(self.saved()["tables"]["shop." + table]["load"])
        self.sim.clear_faults()

    def late_attempt(self, label, body):
        """A request of an earlier run that arrives only now."""
        connection = http.client.HTTPConnection(self.sim.backend_address())
        connection.request("PUT", "/api/shop/orders/_stream_load", body=body, headers={
            "Authorization": "Basic " + base64.b64encode(b"root:").decode(), "label": label, "format": "json",
            "strip_outer_array": "true", "strict_mode": "true", "max_filter_ratio": "0", "ignore_json_size": "true",
            "timeout": "600"})
        self.assertEqual(json.loads(connection.getresponse().read())["Status"], "Success")
        connection.close()


class InParts(Doubts):
    """What ends the run ends it here too: the rest of the transaction is not sent."""

    def test_a_rejected_row(self):
        stream = Stream().table().transaction(*[("+I", order(i, "y" * 30 if i == 3 else "x")) for i in range(400)]).end()
        self.assertIn("rejects a row", self.load(stream, *PARTS, status=69))
        self.assertIsNone(self.saved()["tables"]["shop.orders"]["load"])
        self.assertLess(len(self.ids()), 10)

    def test_a_load_that_counts_other_rows_stays_suspect(self):
        self.sim.fault("be_counters", add={"NumberLoadedRows": -1}, skip=2)
        stream = Stream().table().transaction(*[("+I", order(i)) for i in range(400)]).end()
        self.assertIn("counts other rows", self.load(stream, *PARTS, status=69))
        self.assertTrue(self.saved()["tables"]["shop.orders"]["load"]["suspect"])
        self.sim.clear_faults()
        self.assertIn("--assume=applied", self.load(stream, *PARTS, status=69))

    def test_an_unknown_table_behind_many_rows(self):
        self.asking = self.sim.query_url
        stream = Stream().table().table("nowhere")
        stream.begin()
        for number in range(100):
            stream.insert(order(number))
        stream.insert(order(1), table="nowhere")
        stream.commit().end()
        self.assertIn("nowhere", self.load(stream, "--batch-rows=10", status=69))
        self.assertEqual(self.ids(), [])


class ComesBack(Doubts):
    def test_in_two_shapes(self):
        columns = [("id", "BIGINT"), ("x", "VARBINARY(20)"), ("y", "VARBINARY(20)")]
        self.sim.create_table("shop", "m", columns, ["id"], "PK")
        stream = Stream().table("a", [("id", "bigint"), ("x", "varbinary(20)")])
        stream.table("b", [("id", "bigint"), ("y", "varbinary(20)")])
        stream.transaction(("+I", {"id": 1, "x": "QUJD"}), table="a")
        stream.transaction(("+I", {"id": 2, "y": "QUJD"}), table="b").end()
        self.leave_in_doubt(stream, "--map=shop.*:shop.m", table="m")
        self.load(stream, "--map=shop.*:shop.m")
        self.assertEqual([(row["id"], row["x"], row["y"]) for row in self.rows("m")],
                         [(1, "414243", None), (2, None, "414243")])

    def test_behind_transactions_that_came_before_it(self):
        """A batch closed before the load to redo comes back does not take that one's changes out of the mark."""
        self.duplicate_table()
        self.sim.create_table("shop", "other", self.target_columns, ["id"], "PK")

        def stream(commits):
            told = Stream().table(pk=()).table("other")
            for number in commits:
                told.gno = number - 1
                told.begin().insert(order(number))
                if number == 1:
                    told.insert(order(1), table="other")
                told.pos += 10
                gtid = UUID + ":%d" % number
                told.add(kind="commit", gtid=gtid, gtids=gtid, ts_ms=1, **told.place(), changes=told.seq + 1)
            told.told = told.gno = 3
            return told.end()

        self.sim.fault(**OUT_OF_MEMORY, count=0, match={"table": "shop.other"})
        self.leave_in_doubt(stream([1, 2]))
        self.sim.fault(**OUT_OF_MEMORY, count=0, match={"table": "shop.other"})  # holds the checkpoint back
        self.load(stream([1, 3, 2]), "--max-retries=3", "--batch-rows=1", status=75)
        self.sim.clear_faults()
        self.load(stream([1, 3, 2]))
        self.assertEqual(self.ids(), [1, 2, 3])

    def test_another_shape_in_another_order(self):
        """The table has a part of :3, which now comes behind :2, in two shapes as :3 is."""
        columns = [("id", "BIGINT"), ("x", "VARCHAR(20)"), ("y", "VARCHAR(20)")]
        self.sim.create_table("shop", "m", columns, ["id"], "PK")
        first = [("id", "bigint"), ("x", "varchar(20)")]
        second = [("id", "bigint"), ("y", "varchar(20)")]
        self.load(Stream().table("a", first).transaction(("+I", {"id": 1, "x": "1"}), table="a").end(), "--map=shop.*:shop.m")
        saved = self.saved()
        saved["tables"]["shop.m"]["done"]["open"] = [{"gtid": UUID + ":3", "file": "binlog.000001", "pos": 500, "seq": 0}]
        self.checkpoint.write_text(json.dumps(saved, separators=(",", ":")) + "\n")
        stream = Stream(2).table("a", first).table("b", second)
        stream.begin().row("+I", {"id": 10, "x": "a"}, table="a").row("+I", {"id": 11, "y": "b"}, table="b").commit()
        stream.begin().row("+I", {"id": 20, "x": "a"}, table="a").row("+I", {"id": 21, "x": "b"}, table="a").commit().end()
        self.load(stream, "--map=shop.*:shop.m")
        self.assertEqual(self.ids("m"), [1, 10, 11, 21])  # 20 counted as there already
        self.assertEqual((self.saved()["gtid_set"], self.saved()["tables"]["shop.m"]["done"]["open"]), (UUID + ":1-3", []))

    def test_after_the_first_attempt_has_arrived_and_was_forgotten(self):
        self.duplicate_table()
        self.sim.create_table("shop", "other", self.target_columns, ["id"], "PK")
        self.load(Stream().table("other").transaction(("+I", order(1)), table="other").end())
        stream = Stream(2).table(pk=()).transaction(("+I", order(2))).end()
        self.leave_in_doubt(stream)
        load = self.saved()["tables"]["shop.orders"]["load"]
        before = len(self.sim.requests())
        with subprocess.Popen(self.command(), stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            process.stdin.write(stream.lines[0] + "\n")
            process.stdin.flush()
            deadline = time.monotonic() + 60
            while not any(r.get("label") == load["witness"] for r in self.sim.requests(since=before)):
                self.assertLess(time.monotonic(), deadline, "the load in doubt was not settled")
                time.sleep(0.01)
            self.late_attempt(load["label"], b'[{"id":2,"note":"x","n":1}]')
            for transaction in self.sim.transactions():
                self.sim.evict("shop", transaction["label"])
            said = process.communicate("\n".join(stream.lines[1:]) + "\n", timeout=60)[1]
        self.assertEqual(process.returncode, 69, said)
        self.assertIn("does not know any more", said)
        self.assertEqual(self.ids(), [2])


class OtherOrder(Doubts):
    """Another server tells the same transactions in another order."""

    @staticmethod
    def stream(order_told, sizes, executed=()):
        """Transactions that insert ids 100*n and on, so many each; a table without a key."""
        told = Stream(executed=",".join(UUID + ":%d" % n for n in executed)).table(pk=())
        for number in order_told:
            told.gno = number - 1
            told.begin()
            for i in range(sizes[number]):
                told.insert(order(100 * number + i, "much too long for StarRocks" if (number, i) == (2, 3) else "x"))
            told.told = number - 1
            told.commit()
        return told.end()

    def test_a_part_of_one_transaction_and_parts_of_a_rejected_batch(self):
        """Parts of a batch without key are marks of their own; they leave the other part where it is."""
        self.duplicate_table()
        letters = self.directory / "letters"
        sizes = {1: 1, 2: 4, 3: 6}
        self.sim.fault(**OUT_OF_MEMORY, skip=1, count=0)  # after :1 and a part of :3
        self.load(self.stream([1, 3], sizes), "--batch-rows=2", "--max-retries=0", status=75)
        self.assertEqual(self.ids(), [100, 300, 301])
        self.sim.clear_faults()
        self.sim.fault(**OUT_OF_MEMORY, skip=2, count=0)  # the second half of :2
        self.load(self.stream([2, 3], sizes, [1]), "--dead-letter", letters, "--max-retries=0", status=75)
        self.sim.clear_faults()
        self.load(self.stream([2, 3], sizes, [1]), "--dead-letter", letters)
        self.assertEqual(self.ids(), [100, 200, 201, 202, *range(300, 306)])
        self.assertEqual([json.loads(line)["record"]["data"]["id"] for line in letters.read_text().splitlines()], [203])

    def test_a_server_that_lags(self):
        """Its stream ends before what one of the tables has already: they are not what the source was at any time."""
        self.sim.create_table("shop", "other", self.target_columns, ["id"], "PK")
        stream = Stream().table().table("other").transaction(("+I", order(1)))
        lagging = Stream().table().table("other").transaction(("+I", order(1))).end()
        stream.begin().insert(order(2)).insert(order(2), table="other").commit().end()
        self.sim.fault(**OUT_OF_MEMORY, count=0, match={"table": "shop.other"})
        self.load(stream, "--max-retries=1", status=75)
        self.sim.clear_faults()
        self.assertEqual((self.ids(), self.ids("other")), ([1, 2], []))
        self.assertIn("shop.orders has changes behind the end of this stream", self.load(lagging, status=75))
        self.load(stream)
        self.assertEqual((self.ids(), self.ids("other")), ([1, 2], [2]))

    def test_more_than_memory_comes_before_a_load_to_redo(self):
        """What waits for the load to be made again does not keep its changes from being read."""
        self.duplicate_table()
        sizes = {1: 2, 2: 3, 3: 2000}
        self.leave_in_doubt(self.stream([1], sizes))
        self.load(self.stream([3, 2, 1], sizes), "--memory=20k", "--batch-rows=50", "--dead-letter", self.directory / "letters")
        self.assertEqual(self.ids(), [100, 101, 200, 201, 202, *range(300, 2300)])


class ChangedOptions(Doubts):
    def test_not_while_a_table_is_beyond_the_checkpoint(self):
        """It has a's changes there and not b's, which would go the same way and be passed over."""
        self.sim.create_table("shop", "other", self.target_columns, ["id"], "PK")
        stream = Stream().table("a").table("b")
        stream.begin().insert(order(1), table="b").insert(order(2), table="a").commit().end()
        before = ("--map=shop.a:shop.orders", "--map=shop.b:shop.other")
        after = ("--map=shop.*:shop.orders", "--accept-change")
        self.sim.fault(**OUT_OF_MEMORY, count=0, match={"table": "shop.other"})
        self.load(stream, *before, "--max-retries=1", status=75)
        self.sim.clear_faults()
        self.assertEqual(self.ids(), [2])
        kept = self.checkpoint.read_bytes()
        self.assertIn("shop.orders is not just where the checkpoint is", self.load(stream, *after, status=78))
        other = Stream(filter={"tables": ["*"]}).end()
        self.assertIn("is not just where", self.load(other, *before, "--accept-change", status=78))
        self.assertEqual(self.checkpoint.read_bytes(), kept)
        self.load(stream, *before, "--accept-change", url="http://127.0.0.1:1," + self.sim.url)  # the same tables by another way
        self.assertEqual((self.ids(), self.ids("other")), ([2], [1]))
        self.load(Stream(2).table("b").transaction(("+I", order(3)), table="b").end(), *after)
        self.assertEqual(self.ids(), [2, 3])


class Fates(Doubts):
    def forget(self, stream):
        """A load that was made and forgotten before cdc-load learned of it."""
        self.sim.fault("be_commit_drop")
        self.sim.fault("fe_failed", match={"op": "state"}, count=0)
        self.load(stream, "--max-retries=0", status=75)
        self.sim.clear_faults()

    def rewrite(self, **change):
        saved = self.saved()
        for name, by in change.items():
            saved["tables"]["shop.orders"]["load"][name] += by
        self.checkpoint.write_text(json.dumps(saved, separators=(",", ":")) + "\n")

    def first(self):
        self.duplicate_table()
        return Stream().table(pk=()).transaction(("+I", order(1))).end()

    def test_what_never_left_is_not_in_doubt(self):
        """However long after: nobody has to say --assume for a load that StarRocks refused or that had nowhere to go."""
        stream = self.first()
        self.sim.drop_table("shop", "orders")
        self.assertIn("unknown table", self.load(stream, status=69))
        self.assertIsNone(self.saved()["tables"]["shop.orders"]["load"])
        self.duplicate_table()
        self.sim.action("fe_down")
        self.load(stream, "--max-retries=1", status=75)
        self.assertIsNone(self.saved()["tables"]["shop.orders"]["load"])
        self.sim.action("fe_up")
        self.sim.fault("fe_unauthorized")
        self.load(stream, status=77)
        self.assertIsNone(self.saved()["tables"]["shop.orders"]["load"])
        self.load(stream)
        self.assertEqual(self.ids(), [1])

    def test_what_may_have_left_stays_in_doubt(self):
        stream = self.first()
        self.forget(stream)
        self.assertIsNotNone(self.saved()["tables"]["shop.orders"]["load"])
        self.load(stream)
        self.assertEqual((self.ids(), len(self.loads())), ([1], 1))

    def test_forgotten_by_count(self):
        stream = self.first()
        self.forget(stream)
        self.rewrite(first_sent_ms=-3600_000)
        self.sim.create_table("shop", "other", self.target_columns, ["id"], "PK")
        self.sim.configure(limits={"label_keep_max_num": 1})
        try:
            self.load(Stream().table("other").transaction(("+I", order(1)), table="other").end(), checkpoint=False)
            self.load(Stream().table("other").transaction(("+I", order(2)), table="other").end(), checkpoint=False)
            self.assertIn("--assume", self.load(stream, status=69))
        finally:
            self.sim.configure(limits={"label_keep_max_num": 1000})
        self.assertEqual(self.ids(), [1])

    def test_forgotten_by_time(self):
        self.load(self.first())
        stream = Stream(2).table(pk=()).transaction(("+I", order(2))).end()
        self.forget(stream)
        self.sim.advance_clock(4 * 86400)
        self.assertIn("--assume", self.load(stream, status=69))
        self.assertEqual(self.ids(), [1, 2])

    def test_a_witness_that_is_remembered_proves_that_nothing_was_made(self):
        self.load(self.first())
        stream = Stream(2).table(pk=()).transaction(("+I", order(2))).end()
        self.leave_in_doubt(stream)
        self.rewrite(first_sent_ms=-86400_000, last_sent_ms=-86400_000)
        self.load(stream)
        self.assertEqual(self.ids(), [1, 2])

    def test_a_clock_that_was_set_back(self):
        """Or the file was moved to another machine: nothing says how long ago the load was sent."""
        stream = self.first()
        self.forget(stream)
        self.sim.evict("shop", self.saved()["tables"]["shop.orders"]["load"]["label"])
        self.rewrite(first_sent_ms=86400_000, last_sent_ms=86400_000)
        self.assertIn("--assume", self.load(stream, status=69))
        self.assertEqual(self.ids(), [1])

    def test_a_signal_while_it_is_settled(self):
        stream = self.first()
        self.leave_in_doubt(stream)
        self.sim.fault("fe_delay", seconds=150, match={"op": "state"})
        before = len(self.sim.requests())
        with subprocess.Popen(self.command(), stdin=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            deadline = time.monotonic() + 60
            while not self.sim.requests(since=before):
                self.assertLess(time.monotonic(), deadline)
                time.sleep(0.01)
            process.send_signal(signal.SIGUSR1)
            self.assertTrue(select.select([process.stderr], [], [], 60)[0], "no status line")
            self.assertIn(b"0 rows in 0 loads", process.stderr.readline())
            process.send_signal(signal.SIGTERM)
            self.assertEqual(process.wait(30), -signal.SIGTERM)
        self.sim.clear_faults()
        self.load(stream)
        self.assertEqual(self.ids(), [1])


class Letters(Doubts):
    """What goes to the dead letters of a change that is more than one row."""

    def setUp(self):
        super().setUp()
        self.asking = self.sim.query_url
        self.letters = self.directory / "letters"

    def told(self):
        return [(letter["record"]["kind"], letter["record"]["data"]["id"])
                for letter in map(json.loads, self.letters.read_text().splitlines())]

    def test_a_change_of_key_from_what_was_never_loaded(self):
        self.sim.create_table("shop", "k", [("id", "VARCHAR(3)"), ("n", "INT")], ["id"], "PK")
        stream = Stream().table("k", [("id", "varchar(9)"), ("n", "int")]).begin()
        stream.insert({"id": "long", "n": 1}, table="k").insert({"id": "b", "n": 1}, table="k")
        stream.update({"id": "long", "n": 1}, {"id": "a", "n": 1}, table="k")
        stream.update({"id": "b", "n": 1}, {"id": "longer", "n": 1}, table="k").delete({"id": "longer", "n": 1}, table="k")
        self.load(stream.commit().end(), "--dead-letter", self.letters)
        self.assertEqual(self.rows("k"), [{"id": "a", "n": 1}])
        self.assertEqual(self.told(), [("+I", "long"), ("-U", "long"), ("+U", "longer"), ("-D", "longer")])

    def test_json_null_that_becomes_sql_null(self):
        self.sim.create_table("shop", "j", [("id", "BIGINT"), ("j", "JSON")], ["id"], "PK")
        stream = Stream().table("j", [("id", "bigint"), ("j", "json")]).begin()
        stream.row("+I", {"id": 1, "j": None}, table="j", json_null=["j"]).commit().begin()
        stream.row("-U", {"id": 1, "j": None}, table="j", json_null=["j"]).row("+U", {"id": 1, "j": None}, table="j")
        self.load(stream.commit().end(), "--dead-letter", self.letters)
        self.assertEqual(self.rows("j"), [{"id": 1, "j": None}])
        self.assertEqual(self.told(), [("+I", 1)])


class Records(Doubts):
    def test_null_to_the_json_value_null(self):
        self.sim.create_table("shop", "j", [("id", "BIGINT"), ("j", "JSON")], ["id"], "PK")
        stream = Stream().table("j", [("id", "bigint"), ("j", "json")])
        stream.transaction(("+I", {"id": 1, "j": None}), table="j")
        stream.begin().row("-U", {"id": 1, "j": None}, table="j").row("+U", {"id": 1, "j": None}, table="j", json_null=["j"])
        stream.commit().end()
        self.assertIn("JSON value null", self.load(stream, status=69))

    def test_a_deleted_row_needs_only_its_key(self):
        self.sim.create_table("shop", "j", [("id", "BIGINT"), ("j", "JSON"), ("d", "DATE")], ["id"], "PK")
        stream = Stream().table("j", [("id", "bigint"), ("j", "json"), ("d", "date")])
        stream.transaction(("+I", {"id": 1, "j": {"a": 1}, "d": "2026-01-01"}), ("+I", {"id": 2, "j": None, "d": None}), table="j")
        self.load(stream.end())
        self.assertEqual(self.ids("j"), [1, 2])
        stream = Stream(2).table("j", [("id", "bigint"), ("j", "json"), ("d", "date")])
        stream.begin().row("-D", {"id": 1, "j": None, "d": "0000-00-00"}, table="j", json_null=["j"]).commit().end()
        self.load(stream)
        self.assertEqual(self.ids("j"), [2])

    def test_an_update_without_its_second_line(self):
        stream = Stream().table().transaction(("+I", order(1)), ("+I", order(2)))
        stream.begin().row("-U", order(1)).row("-U", order(2)).row("+U", order(2, n=5)).commit().end()
        self.assertIn("without its second", self.load(stream, status=65))

    def test_no_input_at_all(self):
        self.assertIn("before its first record", self.load("", checkpoint=False, status=75))


if __name__ == "__main__":
    unittest.main()
