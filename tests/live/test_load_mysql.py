#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""From a real MySQL through cdc-tail and cdc-load: what the destination has is what SELECT shows at the source."""

import json
import subprocess
import unittest

import tail
from load import BIN, LoadTest
from sandbox import Server

# name, MySQL's type, values as SQL, and how the source shows it: the destination's own text, or a kind of it
TYPES = [
    ("t1", "TINYINT", ["-128", "127"], ""), ("t1u", "TINYINT UNSIGNED", ["0", "255"], ""),
    ("b1", "TINYINT(1)", ["0", "-1"], ""), ("t2", "SMALLINT", ["-32768", "32767"], ""),
    ("t2u", "SMALLINT UNSIGNED", ["0", "65535"], ""), ("t3", "MEDIUMINT", ["-8388608", "8388607"], ""),
    ("t3u", "MEDIUMINT UNSIGNED", ["0", "16777215"], ""), ("t4", "INT", ["-2147483648", "2147483647"], ""),
    ("t4u", "INT UNSIGNED", ["0", "4294967295"], ""),
    ("t8", "BIGINT", ["-9223372036854775808", "9223372036854775807"], ""),
    ("t8u", "BIGINT UNSIGNED", ["9007199254740993", "18446744073709551615"], ""),
    ("bit1", "BIT(1)", ["b'0'", "b'1'"], "+0"), ("bit33", "BIT(33)", ["0", "8589934591"], "+0"),
    ("bit64", "BIT(64)", ["1", "18446744073709551615"], "+0"), ("y", "YEAR", ["1901", "2155"], ""),
    ("d1", "DECIMAL(38,10)", ["-9999999999999999999999999999.9999999999", "0.0000000001"], ""),
    ("d2", "DECIMAL(65,30)", ["99999999999999999999999999999999999.999999999999999999999999999999", "-0.5"], ""),
    ("f4", "FLOAT", ["0.1", "-3.4e38"], "float"), ("f8", "DOUBLE", ["0.1", "1.7976931348623157e308"], "float"),
    ("day", "DATE", ["'1000-01-01'", "'9999-12-31'"], ""),
    ("at0", "DATETIME", ["'1000-01-01 00:00:00'", "'9999-12-31 23:59:59'"], ""),
    ("at6", "DATETIME(6)", ["'2026-01-02 03:04:05.000001'", "'2026-12-31 23:59:59.999999'"], ""),
    ("ts3", "TIMESTAMP(3)", ["'1970-01-01 00:00:01.125'", "'2038-01-19 03:14:07.999'"], "millis"),
    ("tm", "TIME(6)", ["'-838:59:59.000000'", "'00:00:00.000001'"], ""),
    ("c", "CHAR(3)", ["'äöü'", "''"], ""), ("v", "VARCHAR(4)", ["'𝄞𝄞𝄞𝄞'", "' a\\n\"'"], ""),
    ("l1", "VARCHAR(3) CHARACTER SET latin1", ["'€€€'", "'x'"], ""), ("txt", "TEXT", ["REPEAT('ä', 32767)", "''"], ""),
    ("e", "ENUM('a','it''s','ö')", ["'it''s'", "'ö'"], ""), ("s", "SET('a','b')", ["'a,b'", "''"], ""),
    ("j", "JSON", ["""'{"a":[1,null,"ä"],"b":{"c":1.5}}'""", "'[]'"], "json"),
    ("bn", "BINARY(4)", ["x'00FF0A22'", "x'5C'"], "hex"), ("vb", "VARBINARY(9)", ["x''", "x'000102'"], "hex"),
    ("bl", "LONGBLOB", ["REPEAT(x'FF00', 30000)", "x'27'"], "hex"),
]


class FromMysql(LoadTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.addClassCleanup(super().tearDownClass)
        cls.server = Server.start("load-mysql")
        cls.addClassCleanup(cls.server.destroy, kill=True)

    @classmethod
    def tearDownClass(cls):
        pass  # the clean-ups do it

    def query(self):
        return self.sim.query_url

    def setUp(self):
        super().setUp()
        self.sim.drop_table("shop", "orders")
        self.server.sql("DROP DATABASE IF EXISTS shop; CREATE DATABASE shop; RESET BINARY LOGS AND GTIDS")
        self.letters = self.directory / "letters"

    def pipe(self, *arguments, tail_arguments=("--startup-mode=earliest",), status=0):
        """cdc-tail | cdc-load up to the end of the log; returns the loader's messages."""
        told = subprocess.run(tail.command("-t", "shop.*", "--stop-mode=latest", "--checkpoint", self.checkpoint, *tail_arguments,
                                           server=self.server), capture_output=True, timeout=60, check=False)
        self.assertEqual(told.returncode, 0, told.stderr.decode())
        return self.load(told.stdout, *arguments, status=status)

    def test_all_types(self):
        columns = ", ".join("%s %s NULL" % (name, kind) for name, kind, _, _ in TYPES)
        self.server.sql("CREATE TABLE shop.orders (id INT PRIMARY KEY, %s) CHARACTER SET utf8mb4" % columns)
        for number in (0, 1):
            self.server.sql("SET NAMES utf8mb4; SET time_zone = '+00:00'; INSERT INTO shop.orders VALUES (%d, %s), (%d, %s)" % (
                number, ", ".join(values[number] for _, _, values, _ in TYPES), 10 + number, ", ".join(["NULL"] * len(TYPES))))
        self.server.sql("UPDATE shop.orders SET id = 20 WHERE id = 0; UPDATE shop.orders SET t1 = 5 WHERE id = 10; "
                        "DELETE FROM shop.orders WHERE id = 11")
        self.pipe("--create-tables")
        found = {row.pop("id"): row for row in self.rows()}
        self.assertEqual(sorted(found), [1, 10, 20])
        self.assertEqual({k: v for k, v in found[10].items() if v is not None}, {"t1": 5})
        for number in (1, 20):
            for name, kind, _, shown in TYPES:
                with self.subTest(kind, id=number):
                    self.assertEqual(self.plain(found[number][name], shown), self.source(name, shown, number))

    def source(self, name, shown, number):
        """What SELECT shows, in the form of plain(). HEX keeps the client's escapes out of it."""
        what = {"hex": name, "+0": "CAST(%s+0 AS CHAR)" % name}.get(shown, "CAST(%s AS CHAR CHARACTER SET utf8mb4)" % name)
        text = bytes.fromhex(self.server.value(
            "SET time_zone = '+00:00'; SELECT HEX(%s) FROM shop.orders WHERE id = %d" % (what, number)))
        if shown == "hex":
            return text.hex()
        text = text.decode()
        return json.loads(text) if shown == "json" else float(text) if shown == "float" else text

    @staticmethod
    def plain(value, shown):
        if shown in ("json", "float"):
            return value
        return str(value)[:-3] if shown == "millis" else str(value)  # StarRocks shows microseconds

    def test_dates_that_starrocks_has_not(self):
        self.server.sql("CREATE TABLE shop.orders (id INT PRIMARY KEY, at DATETIME NULL, day DATE NULL); "
                        "INSERT INTO shop.orders VALUES (1, '2026-01-01', '2026-01-01'); SET sql_mode = ''; "
                        "INSERT INTO shop.orders VALUES (2, '0000-00-00 00:00:00', '2026-02-00')")
        error = self.pipe("--create-tables", status=69)
        self.assertIn("column at of shop.orders: StarRocks has no date \"0000-00-00 00:00:00\"", error)
        self.assertIn("change 0 of transaction %s:3" % self.server.uuid, error)
        self.assertEqual([row["id"] for row in self.rows()], [1])
        self.pipe("--zero-dates=null")
        self.assertEqual(self.rows()[1], {"id": 2, "at": None, "day": None})

    def test_json_null_is_not_sql_null(self):
        self.server.sql("CREATE TABLE shop.orders (id INT PRIMARY KEY, j JSON); "
                        "INSERT INTO shop.orders VALUES (1, NULL); INSERT INTO shop.orders VALUES (2, 'null')")
        error = self.pipe("--create-tables", status=69)
        self.assertIn("column j of shop.orders: the JSON value null would become SQL NULL", error)
        self.pipe("--dead-letter", self.letters)
        (letter,) = [json.loads(line) for line in self.letters.read_text().splitlines()]
        self.assertEqual((letter["record"]["data"]["id"], self.rows()), (2, [{"id": 1, "j": None}]))

    def test_images_that_lack_columns(self):
        for image in ("MINIMAL", "NOBLOB"):
            with self.subTest(image):
                self.setUp()
                self.server.sql("CREATE TABLE shop.orders (id INT PRIMARY KEY, n INT, t TEXT); INSERT INTO shop.orders VALUES "
                                "(1, 1, 'x'); SET SESSION binlog_row_image = %s; UPDATE shop.orders SET n = 2" % image)
                error = self.pipe("--create-tables", status=78)
                self.assertIn("has no value for column", error)
                self.assertIn("set binlog_row_image=FULL there", error)
                self.assertEqual(self.rows(), [{"id": 1, "n": 1, "t": "x"}])

    def test_a_new_column(self):
        for metadata in ("MINIMAL", "FULL"):
            with self.subTest(metadata):
                self.setUp()
                self.checkpoint.unlink(missing_ok=True)
                self.sim.sql("DROP TABLE IF EXISTS shop.orders")
                self.server.sql("SET GLOBAL binlog_row_metadata = " + metadata)
                self.server.sql("CREATE TABLE shop.orders (id INT PRIMARY KEY, n INT); INSERT INTO shop.orders VALUES (1, 1)")
                self.pipe("--create-tables")
                self.server.sql("ALTER TABLE shop.orders ADD COLUMN (more VARCHAR(5) NOT NULL DEFAULT 'old', x INT); "
                                "INSERT INTO shop.orders VALUES (2, 2, 'new', 3)")
                self.pipe("--alter-tables")
                self.assertEqual(self.rows(), [{"id": 1, "n": 1, "more": "old", "x": None},
                                               {"id": 2, "n": 2, "more": "new", "x": 3}])
        self.server.sql("SET GLOBAL binlog_row_metadata = MINIMAL")

    def test_a_new_column_of_a_run_before(self):
        """With FULL metadata nothing but the statement tells what old rows have, and it was read by a run that ended there."""
        self.server.sql("SET GLOBAL binlog_row_metadata = FULL")
        self.addCleanup(self.server.sql, "SET GLOBAL binlog_row_metadata = MINIMAL")
        self.server.sql("CREATE TABLE shop.orders (id INT PRIMARY KEY, n INT); INSERT INTO shop.orders VALUES (1, 1)")
        self.pipe("--create-tables")
        self.server.sql("ALTER TABLE shop.orders ADD COLUMN more VARCHAR(5) NOT NULL DEFAULT 'old'")
        self.pipe()
        self.assertEqual([alter["sql"] for alter in self.saved()["alters"]],
                         [["ALTER TABLE shop.orders ADD COLUMN more VARCHAR(5) NOT NULL DEFAULT 'old'"]])
        self.server.sql("INSERT INTO shop.orders VALUES (2, 2, 'new')")
        self.assertIn("there is no column more", self.pipe(status=69))
        self.pipe("--alter-tables")
        self.assertEqual(self.rows(), [{"id": 1, "n": 1, "more": "old"}, {"id": 2, "n": 2, "more": "new"}])
        self.assertNotIn("alters", self.saved())

    def test_from_a_checkpoint_of_cdc_check(self):
        """Its filter and time zone are not set yet: the first run sets them."""
        self.server.sql("CREATE TABLE shop.orders (id INT PRIMARY KEY, n INT); INSERT INTO shop.orders VALUES (1, 1)")
        place = self.server.sql("SHOW BINARY LOG STATUS")[0].split("\t")
        done = subprocess.run([str(BIN / "cdc-check"), "--no-defaults", "-S", self.server.socket, "-u", "root", "--file", place[0],
                               "--pos", place[1], "--for=cdc-tail", "--write-checkpoint", str(self.checkpoint)],
                              capture_output=True, timeout=60, check=False)
        self.assertLess(done.returncode, 2, done.stdout.decode() + done.stderr.decode())
        self.assertEqual(self.saved()["filter"], {})
        self.server.sql("INSERT INTO shop.orders VALUES (2, 2)")
        self.pipe("--create-tables", tail_arguments=("--time-zone=+01:00",))
        self.assertEqual(self.rows(), [{"id": 2, "n": 2}])
        self.assertEqual((self.saved()["time_zone"], self.saved()["gtid_set"]), ("+01:00", self.server.gtid_executed()))
        self.assertNotEqual(self.saved()["filter"], {})
        self.server.sql("INSERT INTO shop.orders VALUES (3, 3)")
        self.pipe(tail_arguments=("--time-zone=+01:00",))
        self.assertEqual([row["id"] for row in self.rows()], [2, 3])


if __name__ == "__main__":
    unittest.main()
