#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The simulator's MySQL port, with libmariadb: authentication, metadata, DDL and its refusals."""

import time
import unittest

from client import Gone, SimTest, row
from mysql_client import Mysql, MysqlError, library

CREATE = """CREATE TABLE IF NOT EXISTS shop.made (
  `id` BIGINT NOT NULL,
  `k` VARCHAR(40) NOT NULL COMMENT "second key",
  `flag` BOOLEAN NULL,
  `big` LARGEINT,
  `price` DECIMAL(12,4) NOT NULL DEFAULT "0",
  `at` DATETIME,
  `j` JSON,
  `b` VARBINARY,
  `s` STRING DEFAULT 'it''s \\'x\\''
) ENGINE=OLAP
PRIMARY KEY (`id`, `k`)
COMMENT "made by a test"
DISTRIBUTED BY HASH(`id`) BUCKETS 4
PROPERTIES ("replication_num" = "1")"""


class MysqlTest(SimTest):
    @classmethod
    def setUpClass(cls):
        if library() is None:
            raise unittest.SkipTest("libmariadb is not installed (package libmariadb3)")
        super().setUpClass()

    def setUp(self):
        super().setUp()
        self.db = Mysql(self.sim.ports["mysql"])
        self.db.query("DROP TABLE IF EXISTS shop.made")

    def tearDown(self):
        self.db.close()
        super().tearDown()

    def refused(self, sql, text, code=1064):
        with self.assertRaises(MysqlError) as caught:
            self.db.query(sql)
        self.assertEqual(code, caught.exception.code, caught.exception)
        self.assertIn(text, str(caught.exception))


class ConnectionTest(MysqlTest):
    def test_passwords(self):
        self.sim.configure(users={"loader": {"password": "s3cret", "admin": False}})
        port = self.sim.ports["mysql"]
        good = Mysql(port, "loader", "s3cret", "shop")
        self.assertTrue(good.ping())
        with self.assertRaisesRegex(MysqlError, "Access denied; you need") as caught:
            good.query("ADMIN SHOW FRONTEND CONFIG LIKE 'label_keep%'")
        good.close()
        for user, password in (("loader", "wrong"), ("loader", ""), ("nobody", "")):
            with self.assertRaises(MysqlError) as caught:
                Mysql(port, user, password)
            self.assertEqual(1045, caught.exception.code)
        with self.assertRaisesRegex(MysqlError, "Unknown database"):
            Mysql(port, database="nowhere")

    def test_versions(self):
        self.assertRegex(self.db.text("SELECT current_version()")[0][0], r"^3\.5\.\d+-[0-9a-f]{7}$")
        self.sim.configure(profile="v2.5")
        self.assertRegex(self.db.text("select CURRENT_VERSION()")[0][0], r"^2\.5\.")
        old = Mysql(self.sim.ports["mysql"])
        self.assertEqual("5.1.0", old.server_version())
        old.close()

    def test_databases(self):
        self.db.query("CREATE DATABASE IF NOT EXISTS shop")
        self.refused("CREATE DATABASE shop", "database exists", 1007)
        self.db.query("CREATE DATABASE other")
        self.refused("CREATE DATABASE `1st`", "Incorrect database name", 1102)
        self.db.select_db("other")
        self.assertIn(["other"], self.db.text("SHOW DATABASES"))
        with self.assertRaisesRegex(MysqlError, "Unknown database"):
            self.db.select_db("nowhere")

    def test_faults(self):
        self.sim.fault("mysql_error", message="get database read lock timeout")
        self.refused("SELECT current_version()", "lock timeout")
        self.sim.fault("mysql_drop")
        with self.assertRaises(MysqlError) as caught:
            self.db.query("SELECT current_version()")
        self.assertIn(caught.exception.code, (2006, 2013))
        self.db = Mysql(self.sim.ports["mysql"])

    def test_frontend_config(self):
        rows = self.db.text("ADMIN SHOW FRONTEND CONFIG LIKE 'label_keep%'")
        self.assertEqual([["label_keep_max_num", "1000"], ["label_keep_max_second", "259200"]],
                         [[r[0], r[2]] for r in rows])

    def test_rows(self):
        self.load(self.label, [row(1, "ä"), row(2, None)])
        self.assertEqual([["1", "ä", "1"], ["2", None, "1"]], self.db.text("SELECT * FROM shop.orders ORDER BY id"))
        self.assertEqual([["2"]], self.db.text("SELECT COUNT(*) FROM shop.orders"))
        self.assertEqual([["2"]], self.db.text("SELECT id FROM shop.orders ORDER BY `id` DESC LIMIT 1"))
        self.assertEqual([[2, None, 1]], self.sim.sql("SELECT * FROM shop.orders WHERE note IS NULL"))


class MetadataTest(MysqlTest):
    def described(self, wanted="COLUMN_NAME, DATA_TYPE, COLUMN_SIZE, DECIMAL_DIGITS, IS_NULLABLE, COLUMN_KEY"):
        return self.db.text("SELECT %s FROM information_schema.COLUMNS WHERE TABLE_SCHEMA='shop' AND "
                            "TABLE_NAME='made' ORDER BY ORDINAL_POSITION" % wanted)

    def test_columns(self):
        self.db.query(CREATE)
        self.assertEqual([
            ["id", "bigint", "19", "0", "NO", "PRI"], ["k", "varchar", "40", None, "NO", "PRI"],
            ["flag", "tinyint", None, None, "YES", ""], ["big", "bigint unsigned", "39", "0", "YES", ""],
            ["price", "decimal", "12", "4", "NO", ""], ["at", "datetime", None, None, "YES", ""],
            ["j", "json", None, None, "YES", ""], ["b", "varbinary", None, None, "YES", ""],
            ["s", "varchar", "65533", None, "YES", ""]], self.described())
        self.assertEqual([["0"], ["it's 'x'"]], [r for r in self.described("COLUMN_DEFAULT") if r[0] is not None])

    def test_keys_by_version(self):
        self.db.query(CREATE)
        for profile, storage, marked in (("v3.2", "shared_nothing", "PRI"), ("v3.2", "shared_data", ""),
                                         ("v3.5", "shared_data", "PRI")):
            self.sim.configure(profile=profile, storage=storage)
            self.assertEqual([marked] * 2, [r[5] for r in self.described()[:2]])
        self.sim.create_table("shop", "made", [("id", "INT"), ("v", "INT")], ["id"], "DUP")
        self.assertEqual(["DUP", ""], [r[5] for r in self.described()])
        self.sim.configure(profile="v2.5", storage="shared_nothing")
        self.assertEqual(["", ""], [r[5] for r in self.described()])

    def test_tables_config(self):
        self.db.query(CREATE)
        query = "SELECT TABLE_MODEL, PRIMARY_KEY FROM information_schema.tables_config WHERE TABLE_SCHEMA IN " \
                "('shop') AND (TABLE_NAME = 'made' OR TABLE_NAME = 'none')"
        self.assertEqual([["PRIMARY_KEYS", "`id`, `k`"]], self.db.text(query))
        self.sim.create_table("shop", "made", [("id", "INT"), ("v", "INT")], ["id"], "DUP")
        self.assertEqual([["DUP_KEYS", ""]], self.db.text(query))

    def test_show_create(self):
        self.db.query(CREATE)
        text = self.db.text("SHOW CREATE TABLE `shop`.`made`")[0][1]
        for part in ("CREATE TABLE `made` (\n  `id` bigint(20) NOT NULL COMMENT \"\",\n",
                     "`k` varchar(40) NOT NULL COMMENT \"second key\"", "`price` decimal(12, 4) NOT NULL DEFAULT \"0\"",
                     "PRIMARY KEY(`id`, `k`)\nDISTRIBUTED BY HASH(`id`) BUCKETS 4"):
            self.assertIn(part, text)
        self.sim.configure(profile="v2.5")
        self.assertIn("decimal64(12, 4)", self.db.text("SHOW CREATE TABLE shop.made")[0][1])
        self.refused("SHOW CREATE TABLE shop.none", "Table none is not found", 5502)

    def test_describe(self):
        self.db.query(CREATE)
        self.assertEqual(["id", "bigint(20)", "NO", "true", None, ""], self.db.text("DESC shop.made")[0])


class CreateTest(MysqlTest):
    def create(self, columns, rest="PRIMARY KEY(id) DISTRIBUTED BY HASH(id)"):
        return "CREATE TABLE shop.made (%s) %s" % (columns, rest)

    def test_created_table_takes_rows(self):
        self.db.query(CREATE)
        rows = [{"id": 1, "k": "a", "flag": 1, "big": str(2 ** 64 - 1), "price": "1.5", "at": None, "j": {"a": 1},
                 "b": "x", "s": "t"}]
        self.assertEqual("Success", self.load(self.label, rows, "made")["Status"])
        self.assertEqual(2 ** 64 - 1, self.sim.dump("shop", "made")[0]["big"])

    def test_existing(self):
        self.db.query(CREATE)
        self.db.query(CREATE)  # IF NOT EXISTS
        self.refused(CREATE.replace("IF NOT EXISTS ", ""), "already exists", 1050)
        self.refused(CREATE.replace("shop.", "nowhere."), "Unknown database", 1049)

    def test_keys_come_first_in_order(self):
        self.refused(self.create("v INT, id INT"), "Key columns must be the first few columns")
        self.refused(self.create("a INT, b INT, v INT", "PRIMARY KEY(b, a) DISTRIBUTED BY HASH(a)"), "Key columns must")
        self.refused(self.create("id INT", "PRIMARY KEY(x) DISTRIBUTED BY HASH(id)"), "Key column(x) doesn't exist")

    def test_key_rules(self):
        self.refused(self.create("id INT NULL, v INT"), "cannot be nullable")
        for kind in ("DOUBLE", "DECIMAL(10,2)", "JSON", "VARBINARY", "CHAR(3)"):
            self.refused(self.create("a INT, id %s NOT NULL, v INT" % kind,
                                     "PRIMARY KEY(a, id) DISTRIBUTED BY HASH(a)"), "type not supported")
        self.db.query(self.create("id INT, v INT"))
        self.assertEqual([["NO"], ["YES"]], self.db.text(
            "SELECT IS_NULLABLE FROM information_schema.columns WHERE TABLE_NAME = 'made' ORDER BY ORDINAL_POSITION"))

    def test_types(self):
        for kind, text in (("VARCHAR(1048577)", "size must be <= 1048576"), ("CHAR(256)", "must be <= 255"),
                           ("DECIMAL(39,2)", "precision should range"), ("DECIMAL(5,6)", "scale should be less"),
                           ("VARBINARY(1048577)", "must be <= 1048576"), ("VARCHAR(0)", "must be > 0"),
                           ("TIMESTAMP", "Unsupported"), ("TIME", "Unsupported"), ("BLOB", "Unsupported type"),
                           ("BIGINT UNSIGNED", "syntax error"), ("DATETIME(6)", "Invalid type")):
            self.refused(self.create("id INT, v " + kind), text)
        self.sim.configure(profile="v4.0")
        self.db.query(self.create("id INT, v DECIMAL(65,30)"))

    def test_clause_order_and_words(self):
        for columns, rest in (("id INT, v INT", "DISTRIBUTED BY HASH(id) PRIMARY KEY(id)"), ("id INT, v INT,", ""),
                              ("id INT, v INT COMMENT 'x' NULL", ""), ("id INT, v INT DEFAULT 5", ""),
                              ("id INT, v INT DEFAULT '5' NOT NULL", ""), ("id INT, order INT", ""),
                              ("id INT, v ENUM('a')", ""),
                              ("id INT, v INT COMMENT \"a\"b\"", "")):
            self.refused(self.create(columns, *([rest] if rest else [])), "syntax error")
        self.db.query(self.create("id INT, `order` INT"))

    def test_reserved_names_and_defaults(self):
        self.refused(self.create("id INT, __op INT"), "system reserved name")
        self.refused(self.create("id INT, `a*b` INT"), "Incorrect column name")
        self.refused(self.create("id INT, v INT, V INT"), "Duplicate column name")
        self.refused(self.create("id INT, v INT DEFAULT 'x'"), "Invalid default value")
        self.refused(self.create("id INT, v DATETIME DEFAULT '0000-00-00 00:00:00'"), "Invalid default value")
        self.refused(self.create("id INT, v VARCHAR(2) DEFAULT 'abc'"), "Invalid default value")

    def test_distribution_and_properties(self):
        self.refused(self.create("id INT, v INT", "PRIMARY KEY(id)"), "distribution desc")
        self.refused(self.create("id INT, v INT", "PRIMARY KEY(id) DISTRIBUTED BY HASH(v)"), "not key column")
        self.refused(self.create("id INT, v INT", "PRIMARY KEY(id) DISTRIBUTED BY HASH(id) BUCKETS 0"), "is zero")
        self.refused(self.create("id INT", "PRIMARY KEY(id) DISTRIBUTED BY HASH(id) PROPERTIES('x'='1')"),
                     "Unknown properties")
        self.refused(self.create("id INT", "PRIMARY KEY(id) DISTRIBUTED BY HASH(id) PROPERTIES('replication_num'='3')"),
                     "number of available BE nodes")
        self.sim.configure(limits={"default_replication_num": 3})
        self.refused(self.create("id INT"), "number of available BE nodes")
        self.sim.configure(limits={"default_replication_num": 1})


class AlterTest(MysqlTest):
    def jobs(self):
        return self.db.text("SHOW ALTER TABLE COLUMN FROM shop WHERE TableName='orders' ORDER BY JobId DESC LIMIT 1")

    def state(self):
        return self.jobs()[0][9]

    def wait_for(self, state):
        deadline = time.monotonic() + 60
        while (now := self.state()) != state:
            self.assertLess(time.monotonic(), deadline, now)
            time.sleep(0.01)

    def test_fast(self):
        self.load(self.label, [row(1)])
        self.db.query("ALTER TABLE shop.orders ADD COLUMN c INT DEFAULT \"7\", ADD COLUMN d VARCHAR(5) AFTER note")
        self.assertEqual("FINISHED", self.state())
        self.assertEqual([{"id": 1, "note": "x", "d": None, "n": 1, "c": 7}], self.rows())

    def test_slow_job(self):
        self.sim.configure(profile="v3.2")
        self.sim.fault("alter_slow", seconds=100)
        self.db.query("ALTER TABLE shop.orders ADD COLUMN (c INT NULL, d JSON)")
        self.assertEqual("PENDING", self.state())
        self.refused("ALTER TABLE shop.orders ADD COLUMN e INT", "state(SCHEMA_CHANGE) is not NORMAL")
        self.sim.advance_clock(51)
        self.assertEqual("RUNNING", self.state())
        self.assertEqual("Success", self.load(self.label, [row(1)])["Status"])
        self.expect("load_during_alter")
        self.sim.advance_clock(51)
        self.assertEqual("FINISHED", self.state())
        self.assertEqual([row(1, c=None, d=None)], self.rows())

    def test_waits_for_loads(self):
        self.sim.fault("be_late_commit", seconds=1000)
        with self.assertRaises(Gone):
            self.put(self.label, [row(1)])
        self.db.query("ALTER TABLE shop.orders ADD COLUMN c INT")
        self.expect("alter_during_load")
        self.wait_for("WAITING_TXN")
        self.cancel(self.label)
        self.wait_for("FINISHED")

    def test_cancelled(self):
        self.sim.fault("alter_cancel")
        self.db.query("ALTER TABLE shop.orders ADD COLUMN c INT")
        self.wait_for("CANCELLED")
        self.assertNotIn("c", [c["name"] for c in self.sim.tables()["shop"]["orders"]["columns"]])

    def test_refusals(self):
        for clause, text in (("n INT", "already exists"), ("c INT FIRST", "before key column"),
                             ("c INT AFTER none", "does not found"), ("c INT NOT NULL", "must be nullable"),
                             ("c INT DEFAULT 1", "syntax error"), ("__op INT", "system reserved name")):
            self.refused("ALTER TABLE shop.orders ADD COLUMN " + clause, text)
        self.refused("ALTER TABLE shop.orders DROP COLUMN n", "syntax error")
        self.refused("ALTER TABLE shop.none ADD COLUMN c INT", "not found", 5502)


if __name__ == "__main__":
    unittest.main()
