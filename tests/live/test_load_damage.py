#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Streams that lack lines, do not belong together, or tell of statements that cdc-load does not carry out."""

import json
import unittest

from load import UUID, LoadTest, Stream, order

PARTS = ("--batch-rows=2", "--memory=20k")


class LostLines(LoadTest):
    """What an editor or grep has taken out of a transaction is missed before anything of it is sent."""

    def lines(self, count, **more):
        stream = Stream(**more).table()
        return stream.transaction(("+I", order(1))).transaction(*[("+I", order(i)) for i in range(10, 10 + count)]).end().lines

    def refused(self, lines, *arguments):
        error = self.load("\n".join(lines) + "\n", *arguments, status=65)
        self.assertEqual(self.rows(), [order(1)])
        return error

    def test_a_row(self):
        for gtids in (True, False):
            for count, arguments in ((3, ()), (300, PARTS)):
                for gone in (6, 7, count + 4):
                    with self.subTest(gtids=gtids, count=count, gone=gone):
                        self.setUp()
                        lines = self.lines(count, gtids=gtids)
                        error = self.refused(lines[:gone] + lines[gone + 1:], *arguments)
                        self.assertIn("has %d changes, but %d have come: lines are missing" % (count, count - 1), error)
                        self.load("\n".join(lines) + "\n", *arguments)
                        self.assertEqual(len(self.rows()), count + 1)

    def test_rows_in_another_order(self):
        lines = self.lines(3)
        lines[6], lines[7] = lines[7], lines[6]
        self.assertIn("lines are missing", self.refused(lines))

    def test_what_parts_two_transactions(self):
        """Without GTIDs the rows of the second look like those of the first told twice."""
        for gtids in (True, False):
            with self.subTest(gtids=gtids):
                self.setUp()
                stream = Stream(gtids=gtids).table().transaction(("+I", order(1)))
                stream.transaction(("+I", order(2))).transaction(("+I", order(3))).end()
                lines = [line for number, line in enumerate(stream.lines) if number not in (7, 8)]  # commit, begin
                self.assertIn('"kind":"begin"', stream.lines[8])
                self.refused(lines)
                self.load(stream)
                self.assertEqual(len(self.rows()), 3)

    def test_the_commit_of_another_transaction_behind_a_large_one(self):
        lines = self.lines(300)
        other = Stream(3).table().transaction(("+I", order(5))).lines
        lines[lines.index(lines[-2])] = other[-1]
        self.assertIn("ends transaction", self.refused(lines, *PARTS))
        self.assertEqual(len(self.loads()), 1)


class Together(LoadTest):
    def test_streams_of_two_filters(self):
        """The second tells of tables that the first has left out, in transactions that count as read."""
        first = Stream(filter={"tables": ["shop.orders"]}).table().transaction(("+I", order(1))).end()
        self.sim.create_table("shop", "b", self.target_columns, ["id"])
        second = Stream(filter={"tables": ["shop.b"]}).table("b").transaction(("+I", order(1)), table="b").end()
        self.assertIn("another filter", self.load(first.text + second.text, status=78))
        self.assertEqual((self.rows(), self.rows("b")), ([order(1)], []))

    def test_streams_of_two_time_zones(self):
        stream = Stream().table().transaction(("+I", order(1))).end()
        text = stream.text + Stream(2).table().transaction(("+I", order(2))).end().text.replace("+00:00", "+01:00")
        self.assertIn("time zone", self.load(text, status=78))
        self.assertEqual(self.rows(), [order(1)])

    def test_files_without_gtids(self):
        """The second begins where the first has ended, which is not durable yet."""
        whole = Stream(gtids=False).table().transaction(("+I", order(1)))
        first = Stream(gtids=False).table().transaction(("+I", order(1))).end()
        second = Stream(gtids=False).table()
        second.pos, second.gno = whole.pos, whole.gno
        second.lines[0] = json.dumps({**json.loads(second.lines[0]), "pos": whole.pos}, separators=(",", ":"))
        second.transaction(("+I", order(2))).end()
        names = []
        for name, stream in (("a", first), ("b", second)):
            names.append(str(self.directory / name))
            (self.directory / name).write_text(stream.text)
        self.load("", *names)
        self.assertEqual(self.rows(), [order(1), order(2)])
        self.checkpoint.unlink()
        self.assertIn("would be lost", self.load("", names[0], self.gap(second), status=69))

    def gap(self, stream):
        path = self.directory / "gap"
        path.write_text(stream.text.replace('"pos":%d' % json.loads(stream.lines[0])["pos"], '"pos":9000', 1))
        return str(path)


class Ddl(LoadTest):
    asking = "none"

    def query(self):
        return self.asking

    def refused(self, ddl_class, sql, tables=None):
        error = self.load(Stream(2).ddl(ddl_class, sql, tables=tables).end(), status=69)
        self.assertIn(sql, error)
        return error.lower()

    def passes(self, ddl_class, sql, tables=None):
        before = self.checkpoint.read_bytes() if self.checkpoint.exists() else None
        self.load(Stream(2).ddl(ddl_class, sql, tables=tables).end())
        if before is None:
            self.checkpoint.unlink()
        else:
            self.checkpoint.write_bytes(before)

    def test_of_tables_that_an_earlier_run_has_loaded(self):
        self.load(Stream().table().transaction(("+I", order(1))).end())
        self.assertIn("changes shop.orders", self.refused("other", "FROBNICATE `Orders`"))
        self.assertIn("changes shop.orders", self.refused("other", "FROBNICATE SHOP . orders"))
        self.assertIn("changes shop.orders", self.refused("create", "CREATE OR REPLACE TABLE orders (id INT)", [("shop", "orders")]))
        self.refused("drop", "DROP DATABASE shop")
        for sql in ("FROBNICATE orders_archive", "FROBNICATE old.orders_2", "FROBNICATE x -- orders"):
            self.passes("other", sql)
        self.passes("create", "CREATE OR REPLACE TABLE elsewhere (id INT)", [("shop", "elsewhere")])
        self.passes("create", "CREATE TABLE orders (id INT)", [("shop", "orders")])

    def test_of_tables_under_other_names(self):
        self.sim.create_table("ods", "shop_orders", self.target_columns, ["id"])
        maps = ["--map=shop.*:ods.shop_*"]
        self.load(Stream().table().transaction(("+I", order(1))).end(), *maps)
        error = self.load(Stream(2).ddl("other", "FROBNICATE orders", tables=None).end(), *maps, status=69)
        self.assertIn("changes shop.orders", error)

    def test_of_tables_that_are_there(self):
        """No run has loaded them yet: StarRocks is asked."""
        self.passes("other", "FROBNICATE orders")
        self.asking = self.sim.query_url
        self.assertIn("changes shop.orders", self.refused("other", "FROBNICATE orders"))
        self.passes("other", "FROBNICATE nothing that is there")

    def test_behind_rows_of_the_same_run(self):
        stream = Stream().table().transaction(("+I", order(1))).ddl("other", "FROBNICATE orders", tables=None)
        self.load(stream.transaction(("+I", order(2))).end(), status=69)
        self.assertEqual((self.rows(), self.saved()["gtid_set"]), ([order(1)], UUID + ":1"))
        self.load(stream, "--ignore-ddl")
        self.assertEqual(self.rows(), [order(1), order(2)])


class Links(LoadTest):
    def test_a_checkpoint_behind_a_link(self):
        """The link stays one, and what is locked is the file."""
        self.load(Stream().table().transaction(("+I", order(1))).end())
        real, self.checkpoint = self.checkpoint, self.directory / "link"
        self.checkpoint.symlink_to(real)
        self.load(Stream(2).table().transaction(("+I", order(2))).end())
        self.assertTrue(self.checkpoint.is_symlink())
        self.assertEqual(json.loads(real.read_text())["gtid_set"], UUID + ":1-2")
        self.assertFalse((self.directory / "link.lock").exists())


if __name__ == "__main__":
    unittest.main()
