#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""cdc-load and the definitions of its targets: what does not fit, tables made, columns added."""

import json
import socket
import subprocess
import time
import unittest

from load import UUID, LoadTest, Stream, order
from starrocks import StarRocks


class TargetTest(LoadTest):
    profiles = ("v2.5", "v3.2", "v3.5", "v4.1")

    def query(self):
        return self.sim.query_url

    def sql(self, word):
        """The statements of this test that hold `word`."""
        return [r["sql"] for r in self.requests(op="query") if word in r["sql"]]

    def sends(self):
        return [r for r in self.requests() if r.get("op") != "query"]

    def target(self, *columns, keys=("id",), model="PK", table="orders"):
        self.sim.create_table("shop", table, list(columns), list(keys), model)


ROW = Stream().table().transaction(("+I", order(1))).end()


class Fit(TargetTest):
    def refused(self, stream, *arguments, status=69):
        error = self.load(stream, *arguments, status=status)
        self.assertEqual(self.sends(), [])
        return error

    def test_all_versions(self):
        """What each version says of a table; COLUMN_KEY of 2.5 and 3.2 is not to be trusted."""
        columns = [("id", "LARGEINT"), ("flag", "BOOLEAN"), ("note", "VARCHAR(20)"), ("price", "DECIMAL(10,2)"),
                   ("at", "DATETIME"), ("doc", "JSON"), ("raw", "VARBINARY(4)"), ("any", "STRING")]
        told = [("id", "bigint unsigned"), ("flag", "tinyint(1)"), ("note", "varchar(20)"), ("price", "decimal(10,2)"),
                ("at", "datetime"), ("doc", "json"), ("raw", "binary(4)"), ("any", "text")]
        row = {"id": 18446744073709551615, "flag": 1, "note": "x", "price": "1.50", "at": "2026-01-02 03:04:05",
               "doc": {"a": 1}, "raw": "AP8BAg==", "any": "y"}
        for profile in self.profiles:
            for storage in ("shared_nothing", "shared_data"):
                with self.subTest(profile=profile, storage=storage):
                    self.setUp()
                    self.sim.configure(profile=profile, storage=storage)
                    self.target(*columns)
                    stream = Stream().table(columns=told).transaction(("+I", row), ("-D", {**row, "id": 2})).end()
                    self.assertEqual(self.load(stream), "")
                    self.assertEqual(self.rows(), [{**row, "raw": "00ff0102"}])

    def test_a_string_that_is_too_long(self):
        self.target(("id", "BIGINT"), ("note", "VARCHAR(6)"), ("n", "INT"))
        stream = Stream().table().transaction(("+I", order(1, "äöü"))).transaction(("+I", order(2, "äöüx"))).end()
        error = self.load(stream, status=69)
        self.assertIn("column note of shop.orders: 7 bytes, the target has room for 6", error)
        self.assertEqual(self.rows(), [order(1, "äöü")])
        self.assertEqual(self.saved()["gtid_set"], UUID + ":1")
        letters = self.directory / "letters"
        self.load(stream, "--dead-letter", letters)
        (letter,) = [json.loads(line) for line in letters.read_text().splitlines()]
        self.assertEqual(letter["record"]["data"]["id"], 2)
        self.assertIn("7 bytes", letter["reason"])

    def test_a_column_that_the_target_lacks(self):
        self.target(("id", "BIGINT"), ("note", "VARCHAR(20)"))
        self.assertIn("shop.orders into shop.orders: there is no column n", self.refused(ROW))

    def test_a_column_that_the_source_lacks(self):
        self.target(("id", "BIGINT"), ("note", "VARCHAR(20)"), ("n", "INT"),
                    {"name": "extra", "type": "INT", "nullable": False})
        self.assertIn("column extra needs a value and the source has none", self.refused(ROW))
        self.load(ROW, "--add-column=extra=7", "--accept-change")
        self.assertEqual(self.rows(), [{**order(1), "extra": 7}])

    def test_columns_that_only_the_target_has(self):
        self.target(("id", "BIGINT"), {"name": "tag", "type": "VARCHAR(9)", "default": "none"}, ("note", "VARCHAR(20)"),
                    ("n", "INT"), ("own", "INT"))
        error = self.load(ROW)
        self.assertIn("the source has no column own of shop.orders: every row loaded has NULL there", error)
        self.assertIn("no column tag of shop.orders: every row loaded has its default there", error)
        self.assertEqual(self.rows(), [{**order(1), "tag": "none", "own": None}])

    def test_names_in_another_case(self):
        self.target(("ID", "BIGINT"), ("Note", "VARCHAR(20)"), ("n", "INT"), keys=["ID"])
        self.load(ROW)
        self.assertEqual(self.rows(), [{"ID": 1, "Note": "x", "n": 1}])

    def test_types_that_lose_something(self):
        for told, kind, words in (("bigint", "INT", "bigint does not fit into INT"), ("int unsigned", "INT", "int unsigned"),
                                  ("datetime", "DATE", "datetime does not fit"), ("varchar(9)", "INT", "varchar"),
                                  ("decimal(10,3)", "DECIMAL(10,2)", "scale 3"), ("blob", "VARCHAR(99)", "VARBINARY"),
                                  ("double", "FLOAT", "double does not fit into FLOAT")):
            with self.subTest(told + " into " + kind):
                self.setUp()
                self.target(("id", "BIGINT"), ("c", kind))
                stream = Stream().table(columns=[("id", "bigint"), ("c", told)]).transaction(("+I", {"id": 1, "c": None})).end()
                self.assertIn(words, self.refused(stream))

    def test_no_such_table(self):
        self.sim.drop_table("shop", "orders")
        self.assertIn("has no table shop.orders", self.refused(ROW))
        self.assertIn("has no table nowhere.orders", self.refused(ROW, "--map=shop.*:nowhere.*", "--accept-change"))

    def test_a_duplicate_table_for_a_keyed_source(self):
        self.target(*self.target_columns, model="DUP")
        error = self.load(ROW)
        self.assertIn("shop.orders is no Primary Key table, although shop.orders has a primary key", error)
        stream = Stream().table().transaction(("+I", order(1)))
        for change in (("-D", order(1)), ("U", order(1), order(1, "b"))):
            refused = Stream(first=2).table().transaction(("+I", order(5)), change).end()
            self.assertIn("but shop.orders has no primary key: only inserts", self.load(refused, status=69))
        self.assertEqual(self.rows(), [order(1)])
        self.assertTrue(stream)

    def test_a_unique_table_takes_inserts_only(self):
        self.target(*self.target_columns, model="UNI")
        self.load(ROW)
        self.load(Stream(first=2).table().transaction(("-D", order(1))).end(), status=69)

    def test_another_key(self):
        """Rows with one key there must be one row here."""
        self.target(("id", "BIGINT"), ("note", "VARCHAR(20)"), ("n", "INT"))
        narrow = Stream().table(pk=("id", "note")).transaction(("+I", order(1))).end()
        self.assertIn("column note belongs to the source's primary key and not to the target's (id)", self.refused(narrow))
        self.setUp()
        self.target(("n", "INT"), ("id", "BIGINT"), ("note", "VARCHAR(20)"), keys=["n", "id"])
        wide = Stream().table().transaction(("+I", order(1)), ("U", order(1), order(1, n=2))).end()
        self.load(wide)
        self.assertEqual(self.rows(), [{"n": 2, "id": 1, "note": "x"}])
        self.setUp()
        self.target(("other", "INT"), ("id", "BIGINT"), ("note", "VARCHAR(20)"), ("n", "INT"), keys=["other", "id"])
        self.assertIn("needs a value and the source has none", self.refused(ROW))

    def test_keys_in_another_order(self):
        self.target(("n", "INT"), ("id", "BIGINT"), ("note", "VARCHAR(20)"), keys=["n", "id"])
        stream = Stream().table(pk=("id", "n")).transaction(("+I", order(1, n=1)), ("+I", order(1, n=2)))
        self.load(stream.transaction(("-D", order(1, n=2))).end())
        self.assertEqual(self.rows(), [{"n": 1, "id": 1, "note": "x"}])

    def test_a_source_without_a_key(self):
        stream = Stream().table(pk=()).transaction(("+I", order(1)), ("U", order(1), order(1, "b"))).end()
        self.assertIn("shop.orders has no primary key: its rows are told apart by the one of shop.orders (id)", self.load(stream))
        self.assertEqual(self.rows(), [order(1, "b")])

    def test_many_sources_with_one_key(self):
        """Shards of one table: the target's key tells their rows apart, whatever an added column says."""
        self.target(("id", "BIGINT"), ("shard", "VARCHAR(9)"), ("note", "VARCHAR(20)"), ("n", "INT"))
        stream = Stream().table("a").table("b").begin().insert(order(1), table="a").commit()
        stream.begin().insert(order(1, "moved"), table="b").commit().end()
        self.load(stream, "--map=shop.*:shop.orders", "--add-column=shard={table}")
        self.assertEqual(self.rows(), [{**order(1, "moved"), "shard": "b"}])


class Create(TargetTest):
    """The simulator takes only what StarRocks' grammar and its rules for Primary Key tables allow."""

    def setUp(self):
        super().setUp()
        self.sim.drop_table("shop", "orders")

    def defined(self, table="orders", db="shop"):
        return [(r[0], r[1], r[2]) for r in self.sim.sql("DESC %s.%s" % (db, table))]

    def test_made_with_all_types(self):
        told = [("note", "varchar(20)"), ("b", "bigint unsigned"), ("a", "varchar(5)"), ("f", "float"), ("d", "double"),
                ("p", "decimal(20,4)"), ("wide", "decimal(65,2)"), ("day", "date"), ("at", "datetime(6)"), ("t", "time"),
                ("y", "year"), ("bits", "bit(8)"), ("flag", "bit(1)"), ("e", "enum('x','y')"), ("s", "set('x','y')"),
                ("doc", "json"), ("raw", "varbinary(9)"), ("blob", "longblob"), ("txt", "text"), ("place", "point"),
                ("v", "vector(2)"), ("tiny", "tinyint(1)")]
        row = {"note": "ä" * 20, "b": 18446744073709551615, "a": "k", "f": 0.5, "d": 1e300, "p": "1234567890123456.7891",
               "wide": "9" * 63 + ".01", "day": "2026-01-02", "at": "2026-01-02 03:04:05.000006", "t": "-838:59:59", "y": 2026,
               "bits": 255, "flag": 1, "e": "x", "s": "x,y", "doc": {"a": [1, None]}, "raw": "AAEC", "blob": "/w==",
               "txt": "long", "place": {"srid": 0, "wkb": "AQ=="}, "v": [1, 2.5], "tiny": -128}
        for profile in self.profiles:
            with self.subTest(profile=profile):
                self.setUp()
                self.sim.configure(profile=profile)
                stream = Stream().table(columns=told, pk=("b", "a")).transaction(("+I", row), ("U", row, {**row, "tiny": 0})).end()
                error = self.load(stream, "--create-tables")
                self.assertIn("made table shop.orders: CREATE TABLE IF NOT EXISTS", error)
                self.assertEqual(self.rows(), [{**row, "tiny": 0, "raw": "000102", "blob": "ff"}])
                self.assertEqual([c[0] for c in self.defined()][:3], ["b", "a", "note"])
                self.assertIn("PRIMARY KEY(`b`, `a`)", self.sim.sql("SHOW CREATE TABLE shop.orders")[0][1])

    def test_made_once(self):
        self.load(ROW, "--create-tables")
        self.load(Stream(first=2).table().transaction(("+I", order(2))).end(), "--create-tables")
        self.assertEqual(len(self.sql("CREATE TABLE IF")), 1)
        self.assertEqual(self.rows(), [order(1), order(2)])

    def test_zero_dates_make_room_for_null(self):
        columns = [("id", "int"), ("at", "datetime")]
        stream = Stream()
        stream.add(kind="table", db="shop", table="orders", pk=["id"],
                   columns=[{"name": n, "type": t, "nullable": False} for n, t in columns])
        stream.transaction(("+I", {"id": 1, "at": "0000-00-00 00:00:00"})).end()
        self.load(stream, "--create-tables", "--zero-dates=null")
        self.assertEqual(self.rows(), [{"id": 1, "at": None}])

    def test_many_into_one(self):
        stream = Stream().table("a").table("b").begin()
        stream.insert(order(1), table="a").insert(order(1), table="b").commit().end()
        self.load(stream, "--map=shop.*:shop.orders", "--add-column=origin={db}.{table}", "--create-tables")
        self.assertEqual([r["origin"] for r in self.rows()], ["shop.a", "shop.b"])

    def test_what_cannot_be_made(self):
        stream = Stream().table(pk=()).transaction(("+I", order(1))).end()
        self.assertIn("has no primary key", self.load(stream, "--create-tables", status=69))
        stream = Stream().table(columns=[("id", "float")]).transaction(("+I", {"id": 1.5})).end()
        self.assertIn("a key of StarRocks cannot have type float", self.load(stream, "--create-tables", status=69))
        error = self.load(ROW, "--create-tables", "--map=shop.*:no,where.*", "--accept-change", status=69)
        self.assertIn("Incorrect database name", error)
        self.assertEqual(self.sends(), [])

    def test_made_with_its_database(self):
        error = self.load(ROW, "--create-tables", "--map=shop.*:made.*")
        self.assertIn("made database made: CREATE DATABASE IF NOT EXISTS `made`", error)
        self.assertEqual(self.sim.dump("made", "orders"), [order(1)])
        self.assertNotIn("made database", self.load(ROW, "--create-tables", "--map=shop.*:made.o*", "--accept-change"))

    def test_bytes_in_a_key(self):
        """A key cannot be VARBINARY: it has the hexadecimal digits, in a table that was there as in one that is made."""
        columns = [("id", "binary(4)"), ("sub", "varbinary(9)"), ("raw", "binary(4)"), ("n", "int")]
        row = {"id": "AP8BAg==", "sub": "", "raw": "AAEC/w==", "n": 1}
        other = {**row, "id": "/wAAAA=="}
        stream = Stream().table(columns=columns, pk=("id", "sub")).transaction(("+I", row), ("+I", {**row, "sub": "AA=="}))
        stream.transaction(("U", row, other), ("U", {**row, "sub": "AA=="}, {**row, "sub": "AA==", "n": 2})).end()
        wanted = [{"id": "00ff0102", "sub": "00", "raw": "000102ff", "n": 2}, {"id": "ff000000", "sub": "", "raw": "000102ff", "n": 1}]
        self.load(stream, "--create-tables")
        self.assertEqual(self.rows(), wanted)
        self.assertEqual([c[1] for c in self.defined()][:2], ["varchar(8)", "varchar(18)"])
        self.setUp()
        self.target(("id", "VARCHAR(8)"), ("sub", "VARCHAR(2)"), ("raw", "VARBINARY(4)"), ("n", "INT"), keys=["id", "sub"])
        self.load(stream)
        self.assertEqual(self.rows(), wanted)
        long = Stream(3).table(columns=columns, pk=("id", "sub")).transaction(("+I", {**row, "sub": "AAA="})).end()
        self.assertIn("column sub of shop.orders: 2 bytes", self.load(long, status=69))
        self.setUp()
        self.target(("id", "BIGINT"), ("sub", "VARCHAR(18)"), ("raw", "VARBINARY(4)"), ("n", "INT"), keys=["id"])
        self.assertIn("binary does not fit into BIGINT", self.load(stream, status=69))

    def test_dry_run_prints_it(self):
        self.load(ROW, "--create-tables", "--dry-run")
        ddl, load = [json.loads(line) for line in self.stdout.splitlines()]
        self.assertTrue(ddl["sql"].startswith("CREATE TABLE IF NOT EXISTS `shop`.`orders` (`id` BIGINT NOT NULL"))
        self.assertEqual(load["body"], [{"__op": 0, **order(1)}])
        self.assertEqual(self.sim.sql("SHOW TABLES FROM shop").count(["orders"]), 0)
        self.sim.sql(ddl["sql"])  # and it is what StarRocks takes

    def test_needs_the_port(self):
        self.query = lambda: "none"
        self.assertIn("need --query-url", self.load(ROW, "--create-tables", status=64))


class Alter(TargetTest):
    NEW = [("id", "bigint"), ("note", "varchar(20)"), ("n", "int"), ("more", "varchar(5)")]
    SQL = "ALTER TABLE orders ADD COLUMN more VARCHAR(5) DEFAULT 'old'"

    def altered(self, sql=SQL, columns=None, rows=1, stream=None):
        stream = (stream or Stream()).table().transaction(*[("+I", order(i)) for i in range(1, rows + 1)]).ddl("alter", sql)
        stream.table(columns=columns or self.NEW)
        return stream.transaction(("+I", {**order(9), "more": "new"})).end()

    def test_added_with_what_old_rows_have(self):
        for profile in self.profiles:
            with self.subTest(profile=profile):
                self.setUp()
                self.sim.configure(profile=profile)
                self.load(self.altered(), "--alter-tables")
                self.assertEqual(self.rows(), [{**order(1), "more": "old"}, {**order(9), "more": "new"}])
                self.assertEqual(len(self.loads()), 2)  # what came before is a load of its own

    def test_a_slow_job_and_loads_of_other_tables(self):
        self.sim.create_table("shop", "b", self.target_columns, ["id"])
        self.sim.fault("alter_slow", seconds=2, match={"table": "shop.orders"})
        stream = Stream().table("b").begin().insert(order(1), table="b").commit()
        self.load(self.altered(stream=stream), "--alter-tables")
        self.assertEqual(self.rows(), [{**order(1), "more": "old"}, {**order(9), "more": "new"}])
        self.assertEqual(self.rows("b"), [order(1)])

    def test_nothing_is_in_flight(self):
        self.sim.fault("be_slow_answer", seconds=1)
        self.load(self.altered(rows=3), "--alter-tables", "--batch-rows=1")
        self.assertEqual(len(self.rows()), 4)  # and tearDown() looks for alter_during_load

    def test_a_job_that_fails(self):
        self.sim.fault("alter_cancel")
        error = self.load(self.altered(), "--alter-tables", status=69)
        self.assertIn("CANCELLED schema change failed", error)
        self.assertEqual(self.rows(), [order(1)])
        self.load(self.altered(), "--alter-tables")
        self.assertEqual(len(self.rows()), 2)

    def test_killed_while_the_job_runs(self):
        self.sim.fault("alter_slow", seconds=3)
        with subprocess.Popen(self.command("--alter-tables"), stdin=subprocess.PIPE) as process:
            process.stdin.write(self.altered().text.encode())
            process.stdin.close()
            deadline = time.monotonic() + 30
            while not self.sql("ALTER TABLE `shop`"):
                self.assertLess(time.monotonic(), deadline)
                time.sleep(0.01)
            process.kill()
        self.load(self.altered(), "--alter-tables")
        self.assertEqual(self.rows(), [{**order(1), "more": "old"}, {**order(9), "more": "new"}])
        self.assertEqual(len(self.sql("ALTER TABLE `shop`")), 1)

    def test_what_old_rows_have_must_be_known(self):
        for sql, kind, words in ((self.SQL.replace("'old'", "(uuid())"), "varchar(5)", "no constant"),
                                 ("ALTER TABLE orders CHANGE COLUMN x more VARCHAR(5)", "varchar(5)", "is not known")):
            with self.subTest(sql):
                self.setUp()
                columns = self.NEW[:3] + [("more", kind)]
                error = self.load(self.altered(sql, columns), "--alter-tables", status=69)
                self.assertIn("column more cannot be added", error)
                self.assertIn(words, error)
                self.assertEqual((self.rows(), self.sql("ALTER TABLE `shop`")), ([order(1)], []))

    def test_a_renamed_column_is_no_new_one(self):
        columns = [("id", "bigint"), ("note", "varchar(20)"), ("m", "int")]
        stream = Stream().table().transaction(("+I", order(1))).ddl("alter", "ALTER TABLE orders RENAME COLUMN n TO m")
        stream.table(columns=columns).transaction(("+I", {"id": 2, "note": "x", "m": 1})).end()
        self.assertIn("may be the new name", self.load(stream, "--alter-tables", status=69))

    def test_not_without_the_option(self):
        error = self.load(self.altered(), status=69)
        self.assertIn("there is no column more (cdc-tail --exclude-column drops it, --alter-tables adds it)", error)
        self.assertEqual(self.rows(), [order(1)])

    def test_a_type_that_no_longer_fits(self):
        columns = [("id", "bigint"), ("note", "varchar(20)"), ("n", "bigint")]
        stream = Stream().table().transaction(("+I", order(1))).ddl("alter", "ALTER TABLE orders MODIFY n BIGINT")
        stream.table(columns=columns).transaction(("+I", order(2))).end()
        self.assertIn("column n: bigint does not fit into INT", self.load(stream, "--alter-tables", status=69))
        self.assertEqual(self.rows(), [order(1)])

    def test_dry_run_prints_it(self):
        self.load(self.altered(), "--alter-tables", "--dry-run")
        lines = [json.loads(line) for line in self.stdout.splitlines()]
        self.assertEqual([line for line in lines if "sql" in line],
                         [{"sql": "ALTER TABLE `shop`.`orders` ADD COLUMN `more` VARCHAR(20) NULL DEFAULT 'old'"}])
        self.assertEqual([row["id"] for line in lines if "body" in line for row in line["body"]], [1, 9])
        self.assertEqual(self.sql("ALTER TABLE `shop`"), [])


class Port(TargetTest):
    def test_not_needed_when_nothing_comes(self):
        self.load(Stream().table().end())
        self.assertEqual(self.requests(), [])

    def test_a_lost_connection_and_a_busy_server(self):
        self.sim.fault("mysql_drop", count=2)
        self.load(ROW)
        self.assertEqual(self.rows(), [order(1)])

    def test_no_right_to_look(self):
        self.sim.fault("mysql_error", code=5203, message="Access denied; you need (at least one of) the SELECT privilege(s)",
                       match={"label": "SHOW CREATE"})
        self.assertIn("Access denied", self.load(ROW, status=77))
        self.assertEqual(self.sends(), [])

    def test_a_wrong_password(self):
        password = self.directory / "password"
        password.write_text("wrong\n")
        password.chmod(0o600)
        self.assertIn("Access denied", self.load(ROW, "--password-file", password, status=77))
        self.assertEqual(self.sends(), [])

    def test_nobody_listens(self):
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            url = "mysql://127.0.0.1:%d" % unused.getsockname()[1]
            self.query = lambda: url
            self.load(ROW, status=75)
            self.assertEqual(self.requests(), [])
            self.query = lambda: url + "," + self.sim.query_url
            self.load(ROW)
        self.assertEqual(self.rows(), [order(1)])


class UsualPort(LoadTest):
    """Without --query-url: port 9030 of the FE."""

    def query(self):
        return None

    def test_nobody_listens(self):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", 9030)) == 0:
                self.skipTest("something listens on port 9030 of this machine")
        self.assertIn("the target tables are not known, --query-url names", self.load(ROW))
        self.assertEqual(self.rows(), [order(1)])

    def test_dry_run_asks_nobody(self):
        self.assertEqual(self.load(ROW, "--dry-run"), "")


if __name__ == "__main__":
    unittest.main()
