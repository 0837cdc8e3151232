#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""cdc-tail and what is no plain row change: XA transactions, definitions and their changes, names, filters."""

import json
import unittest

from sandbox import Server
from tail import OneServer, Running, end_of_log, everything, path, run


class Xa(OneServer):
    def test_rows_are_told_at_the_commit(self):
        db = self.db
        self.server.sql(f"XA START 'x1'; INSERT INTO {db}.t VALUES (1, 'xa'); XA END 'x1'; XA PREPARE 'x1'")
        self.insert(2)
        self.server.sql("XA COMMIT 'x1'")
        self.server.sql(f"XA START 'x2'; INSERT INTO {db}.t VALUES (3, 'no'); XA END 'x2'; XA PREPARE 'x2'")
        self.server.sql("XA ROLLBACK 'x2'")
        self.server.sql(f"XA START 'x3'; INSERT INTO {db}.t VALUES (4, 'xa'); XA END 'x3'; XA COMMIT 'x3' ONE PHASE")
        stream = self.from_here()
        self.assertEqual(stream.inserted(), [2, 1, 4])
        self.assertEqual(run(*self.server.binlogs(), "-t", f"{db}.*").rows, stream.rows)

    def test_a_prepared_transaction_is_not_executed(self):
        """A run that ends before the XA COMMIT leaves the prepare out of its set, and the next one gets it again."""
        checkpoint = path("xa.ckpt")
        arguments = [f"--gtid-set={self.set}", f"--checkpoint={checkpoint}", "--save-checkpoint", "--stop-mode=latest"]
        self.server.sql(f"XA START 'p'; INSERT INTO {self.db}.t VALUES (1, 'xa'); XA END 'p'; XA PREPARE 'p'")
        prepared = self.server.value(f"SELECT GTID_SUBTRACT(@@GLOBAL.gtid_executed, '{self.set}')")
        self.insert(2)
        stream = run(*arguments, server=self.server)
        self.assertEqual(stream.inserted(), [2])
        saved = json.loads(checkpoint.read_text())["gtid_set"]
        self.assertEqual(self.server.value(f"SELECT REPLACE(GTID_SUBTRACT(@@GLOBAL.gtid_executed, '{saved}'), '\\n', '')"), prepared)
        self.server.sql("XA COMMIT 'p'")
        stream = run(*arguments, server=self.server)
        self.assertEqual(stream.inserted(), [1])
        self.assertIn(prepared.split(":")[1], stream.of("commit")[0]["gtids"])
        self.assertEqual(json.loads(checkpoint.read_text())["gtid_set"], self.server.gtid_executed())

    def test_a_large_one(self):
        """More than is kept in memory."""
        self.server.sql(f"""CREATE TABLE {self.db}.wide (id INT PRIMARY KEY, b LONGTEXT); XA START 'large';
            INSERT INTO {self.db}.wide VALUES (1, REPEAT('a', 3000000)), (2, REPEAT('b', 3000000)), (3, REPEAT('c', 3000000));
            INSERT INTO {self.db}.wide VALUES (4, 'd'); XA END 'large'; XA PREPARE 'large'; XA COMMIT 'large'""")
        stream = self.from_here()
        self.assertEqual([(row["data"]["id"], row["data"]["b"][:2], len(row["data"]["b"])) for row in stream.rows],
                         [(1, "aa", 3000000), (2, "bb", 3000000), (3, "cc", 3000000), (4, "d", 1)])  # fmt: skip


class Definitions(OneServer):
    def test_ddl_records(self):
        db = self.db
        statements = [
            ("alter", ["t"], f"ALTER TABLE {db}.t ADD COLUMN extra INT"),
            ("create", ["p"], f"CREATE TABLE {db}.p (id INT) PARTITION BY HASH (id) PARTITIONS 2"),
            ("truncate", ["t"], f"TRUNCATE TABLE {db}.t"),
            ("rename", ["p", "q"], f"RENAME TABLE {db}.p TO {db}.q"),
            ("drop", ["q"], f"DROP TABLE {db}.q"),
        ]
        for _, _, statement in statements:
            self.server.sql(statement)
        self.server.sql(f"CREATE VIEW {db}.view AS SELECT 1; CREATE USER somebody; DROP USER somebody")
        told = self.from_here().of("ddl")
        self.assertEqual([record["class"] for record in told], [kind for kind, _, _ in statements])
        for record, (_, tables, statement) in zip(told, statements, strict=True):
            self.assertEqual(sorted(record["tables"]), sorted([db, table] for table in tables))
            self.assertTrue(record["sql"].upper().startswith(statement[:5].upper()), record["sql"])
            self.assertEqual(record["gtids"], record["gtid"])
        self.assertEqual([record["class"] for record in self.from_here("--all-ddl").of("ddl")][-3:], ["other"] * 3)
        self.assertEqual([record["class"] for record in self.from_here("-t", f"{db}.q").of("ddl")], ["rename", "drop"])

    def test_a_definition_that_changes(self):
        """The rows have the columns of their time, and a table record comes before the first of each."""
        db = self.db
        self.insert(1)
        self.server.sql(f"ALTER TABLE {db}.t RENAME COLUMN v TO w, ADD COLUMN n INT FIRST; INSERT INTO {db}.t VALUES (7, 2, 'b')")
        self.server.sql(f"ALTER TABLE {db}.t COMMENT 'nothing that a reader sees'; INSERT INTO {db}.t VALUES (8, 3, 'c')")
        stream = self.from_here()
        self.assertEqual([record["data"] for record in stream.rows],
                         [{"id": 1, "v": "v1"}, {"n": 7, "id": 2, "w": "b"}, {"n": 8, "id": 3, "w": "c"}])  # fmt: skip
        self.assertEqual([[column["name"] for column in record["columns"]] for record in stream.of("table")],
                         [["id", "v"], ["n", "id", "w"]])  # fmt: skip
        self.assertEqual([record["pk"] for record in stream.of("table")], [["id"], ["id"]])

    def test_create_table_select(self):
        self.insert(1, 2)
        self.server.sql(f"CREATE TABLE {self.db}.copy AS SELECT * FROM {self.db}.t")
        kinds = [record["kind"] for record in self.from_here("-t", "*.copy").records]
        self.assertEqual([kind for kind in kinds if kind != "heartbeat"], ["start", "begin", "ddl", "table", "+I", "+I", "commit", "end"])

    def test_statements_that_change_rows(self):
        self.server.sql(f"SET binlog_format=STATEMENT; INSERT INTO {self.db}.t VALUES (1, 'hidden')")
        self.insert(2)
        stream = run(f"--gtid-set={self.set}", "--stop-mode=latest", server=self.server, status=78)
        self.assertRegex(stream.stderr, "binlog_format.*INSERT INTO")
        self.assertEqual(self.from_here("--allow-statement-dml").inserted(), [2])

    def test_statements_that_change_other_tables(self):
        """Logged as text, they are of no matter, unless it cannot be told that they are."""
        db = self.db
        self.server.sql(f"""CREATE TABLE {db}.other (id INT PRIMARY KEY, v TEXT); CREATE DATABASE {db}_2; CREATE TABLE {db}_2.u (id INT);
            CREATE TRIGGER {db}_2.x AFTER INSERT ON {db}_2.u FOR EACH ROW INSERT INTO {db}.t VALUES (NEW.id, 'trigger');
            DELIMITER //
            CREATE FUNCTION {db}.f() RETURNS INT DETERMINISTIC MODIFIES SQL DATA BEGIN DELETE FROM {db}.other; RETURN 1; END//""")
        path("other.tsv").write_text("7\tloaded\n")
        named, unnamed = ["-t", f"{db}.t"], ["-t", "*.u", "-t", f"{db}_2.*"]
        for statement, refused, passed in (
            (f"INSERT INTO {db}.other SELECT id, v FROM {db}.t", ["-t", f"{db}.o*"], named),
            (f"USE {db}; UPDATE other JOIN t USING (id) SET other.v = 'w'", named, unnamed[2:]),
            (f"USE {db}; DELETE o FROM other AS o", ["-t", f"{db}.other"], named),
            (f"LOAD DATA INFILE '{path('other.tsv')}' INTO TABLE {db}.other", ["-t", f"{db}.other"], named),
            (f"INSERT INTO {db}_2.u VALUES (1)", named, ["-t", "nothing.*"]),
            (f"SELECT {db}.f()", named, unnamed[2:]),
        ):
            with self.subTest(statement):
                before = self.server.gtid_executed()
                self.server.sql(f"SET binlog_format = STATEMENT; {statement}")
                place = [f"--gtid-set={before}", "--stop-mode=latest"]
                self.assertIn("logged as text", run(*place, *refused, server=self.server, status=78).stderr)
                self.assertEqual(run(*place, *passed, server=self.server).rows, [])


    def test_labels_that_are_bytes(self):
        """With the character set binary a label may be no text. That is of no matter where the table is not captured."""
        db = self.db
        self.server.sql(f"SET NAMES latin1; CREATE TABLE {db}.b (e ENUM(0xe9, 'b') CHARACTER SET binary); INSERT INTO {db}.b VALUES (1)")
        self.insert(1)
        self.assertEqual(self.from_here("-t", f"{db}.t").inserted(), [1])
        stream = self.from_here(status=65)
        self.assertRegex(stream.stderr, rf"{db}\.b: ")
        self.assertEqual(self.from_here("-t", f"{db}.b", "--bad-text=replace").rows[0]["data"], {"e": "\ufffd"})


class NamesFromTheServer(OneServer):
    """binlog_row_metadata is MINIMAL, as by default."""

    options = []

    def test_every_type_agrees(self):
        """information_schema and table map are compared before names are taken; no type may look different in them."""
        types = """TINYINT|TINYINT UNSIGNED|SMALLINT|MEDIUMINT UNSIGNED|INT|BIGINT UNSIGNED|FLOAT|DOUBLE UNSIGNED|DECIMAL(65,30)|DECIMAL|
            BIT(1)|BIT(64)|YEAR|DATE|TIME|TIME(6)|DATETIME|DATETIME(3)|TIMESTAMP NULL|TIMESTAMP(6) NULL|CHAR(0)|CHAR(255)|
            CHAR(255) CHARACTER SET utf8mb4|CHAR(9) CHARACTER SET latin1|BINARY(255)|VARCHAR(10)|VARCHAR(1000)|VARBINARY(300)|
            TINYTEXT|TEXT|MEDIUMTEXT|LONGTEXT|TINYBLOB|BLOB|MEDIUMBLOB|LONGBLOB|ENUM('a','it''s','c,d')|SET('1','2','3','4','5','6',
            '7','8','9','10','11','12','13','14','15','16','17')|SET('x')|JSON|GEOMETRY|POINT|POLYGON|GEOMETRYCOLLECTION|VECTOR(3)|
            INT GENERATED ALWAYS AS (c0 + 1) VIRTUAL|INT INVISIBLE|INT NOT NULL DEFAULT 5|VARCHAR(9) CHARACTER SET gbk""".split("|")
        columns = ", ".join(f"c{number} {kind.strip()}" for number, kind in enumerate(types))
        self.server.sql(f"CREATE TABLE {self.db}.types (id INT PRIMARY KEY AUTO_INCREMENT, {columns})")
        self.server.sql(f"INSERT INTO {self.db}.types () VALUES ()")
        (row,) = self.from_here().rows
        self.assertEqual(list(row["data"]), ["id", *(f"c{number}" for number in range(len(types)))])
        (table,) = [record for record in self.from_here().of("table") if record["table"] == "types"]
        told = {column["name"]: column for column in table["columns"]}
        for line in self.server.sql(f"SELECT COLUMN_NAME, COLUMN_TYPE, IS_NULLABLE FROM information_schema.COLUMNS WHERE "
                                    f"TABLE_SCHEMA = '{self.db}' AND TABLE_NAME = 'types'"):  # fmt: skip
            name, kind, nullable = line.split("\t")
            self.assertEqual((told[name]["type"], told[name]["nullable"]), (kind, nullable == "YES"))

    def test_labels_of_odd_characters(self):
        """As the server tells them in types, in quotes and with escapes, and as values."""
        labels = ["it's", "back\\slash", "line\nend", "return\rhere", "tab\t", "\x1a", 'double"', "a\\'b", "\\n", "", "größe", "日本", "end\\"]
        quoted = ",".join(f"CONVERT(x'{label.encode().hex()}' USING utf8mb4)" for label in labels)
        literals = ",".join("'" + label.replace("\\", "\\\\").replace("'", "''") + "'" for label in labels)
        self.server.sql(f"SET NAMES utf8mb4; CREATE TABLE {self.db}.l (id INT PRIMARY KEY, e ENUM({literals}), s SET({literals}), z INT) "
                        "COLLATE utf8mb4_bin")
        self.server.sql("".join(f"INSERT INTO {self.db}.l VALUES ({n}, {n}, {1 << (n - 1)}, 1);" for n in range(1, len(labels) + 1)))
        self.assertEqual(self.server.value(f"SELECT SUM(e = ELT(id, {quoted})) FROM {self.db}.l"), str(len(labels)))
        self.addCleanup(self.server.sql, "SET GLOBAL binlog_row_metadata = MINIMAL")
        for metadata in ("MINIMAL", "FULL"):
            with self.subTest(metadata):
                before = self.server.gtid_executed()
                self.server.sql(f"SET GLOBAL binlog_row_metadata = {metadata}; UPDATE {self.db}.l SET z = z + 1 ORDER BY id")
                stream = run(f"--gtid-set={before}", "--stop-mode=latest", "-t", f"{self.db}.l", server=self.server)
                rows = [record["data"] for record in stream.of("+U")]
                self.assertEqual([row["e"] for row in rows], labels)
                self.assertEqual([row["s"] for row in rows], labels)
                kinds = self.server.sql(f"SELECT HEX(COLUMN_TYPE) FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = '{self.db}' AND "
                                        "TABLE_NAME = 'l' AND COLUMN_NAME IN ('e', 's') ORDER BY ORDINAL_POSITION")  # fmt: skip
                told = [column["type"] for column in stream.of("table")[-1]["columns"] if column["name"] in "es"]
                self.assertEqual(told, [bytes.fromhex(kind).decode() for kind in kinds])

    def test_a_table_that_changed_since(self):
        self.insert(1)
        self.server.sql(f"ALTER TABLE {self.db}.t MODIFY v TEXT")
        stream = run(f"--gtid-set={self.set}", "--stop-mode=latest", server=self.server, status=78)
        self.assertRegex(stream.stderr, rf"{self.db}\.t: its column names.*column 2 \(v now\) is varchar\(20\).*text now")
        self.assertEqual(self.from_here("--positional-names").rows[0]["data"], {"@1": 1, "@2": "v1"})

    def test_a_table_that_is_gone(self):
        self.insert(1)
        self.server.sql(f"DROP TABLE {self.db}.t")
        stream = run(f"--gtid-set={self.set}", "--stop-mode=latest", server=self.server, status=78)
        self.assertIn(f"{self.db}.t", stream.stderr)
        self.assertEqual(self.from_here("-x", f"{self.db}.t").rows, [])

    def test_followed_while_it_changes(self):
        with Running(server=self.server) as running:
            running.until(lambda record: record["kind"] == "start")
            for number in range(3):
                self.server.sql(f"INSERT INTO {self.db}.t VALUES ({number}, 'x')")
                row = running.until(lambda record: record["kind"] == "+I")
                self.assertEqual(list(row["data"])[1], "v" if number == 0 else f"v{number}")
                self.server.sql(f"ALTER TABLE {self.db}.t RENAME COLUMN {list(row['data'])[1]} TO v{number + 1}")

    def test_files(self):
        self.insert(1)
        files = self.server.binlogs()
        stream = run(*files, "-t", f"{self.db}.t", status=78)
        self.assertIn(f"{self.db}.t", stream.stderr)
        self.assertEqual(run(*files, "-t", f"{self.db}.t", "--positional-names").rows[0]["data"], {"@1": 1, "@2": "v1"})
        with_server = run(*files, "-t", f"{self.db}.t", server=self.server)
        self.assertEqual(with_server.rows[0]["data"], {"id": 1, "v": "v1"})


class Filters(OneServer):
    def test_tables(self):
        db = self.db
        self.server.sql(f"CREATE TABLE {db}.orders (id INT); CREATE TABLE {db}._orders_gho (id INT); CREATE TABLE {db}.log (id INT)")
        self.server.sql("".join(f"INSERT INTO {db}.{table} VALUES (1);" for table in ("orders", "_orders_gho", "log")))

        def tables(*arguments):
            return sorted({row["table"] for row in self.from_here(*arguments).rows})

        self.assertEqual(tables(), ["log", "orders"])
        self.assertEqual(tables("--include-shadow-tables"), ["_orders_gho", "log", "orders"])
        self.assertEqual(tables("-t", f"{db}.o*", "-t", "nothing.*"), ["orders"])
        self.assertEqual(tables("-x", "*.log"), ["orders"])
        self.assertEqual(tables("-t", "*.log", "-x", f"{db}.*"), [])
        start = self.from_here("-t", "b.*", "-t", "a.*").start
        self.assertEqual(start["filter"]["tables"], ["a.*", "b.*"], "equal filters have equal texts")

    def test_seq_does_not_depend_on_the_filter(self):
        db = self.db
        self.server.sql(f"""CREATE TABLE {db}.u (id INT PRIMARY KEY, v VARCHAR(9)); BEGIN; INSERT INTO {db}.t VALUES (1, 'a'), (2, 'b');
            INSERT INTO {db}.u VALUES (1, 'c'), (2, 'd'), (3, 'e'); UPDATE {db}.t SET v = 'f'; DELETE FROM {db}.u WHERE id = 2; COMMIT""")
        whole = self.from_here().rows
        for table in ("t", "u"):
            self.assertEqual(self.from_here("-t", f"{db}.{table}").rows, [row for row in whole if row["table"] == table])
        self.assertEqual(max(row["seq"] for row in whole), 7)

    def test_columns_that_never_leave(self):
        self.insert(1)
        stream = self.from_here("--exclude-column", f"{self.db}.t.v")
        self.assertEqual(stream.rows[0]["data"], {"id": 1})
        self.assertEqual([column["name"] for column in stream.of("table")[0]["columns"]], ["id"])

    def test_a_transaction_of_other_tables(self):
        self.insert(1)
        stream = everything(self.server, "-t", "nothing.*")
        self.assertEqual(stream.of("begin", "commit", "ddl"), [])
        self.assertEqual((stream.end["file"], stream.end["pos"]), end_of_log(self.server))

    def test_text_that_is_none(self):
        self.server.sql(f"CREATE TABLE {self.db}.j (id INT PRIMARY KEY, s VARCHAR(20) CHARACTER SET sjis)")
        self.server.sql(f"SET NAMES binary; INSERT INTO {self.db}.j VALUES (1, x'8140')")
        self.assertEqual(self.from_here().rows[0]["data"]["s"], "\u3000")


class Images(unittest.TestCase):
    def test_minimal(self):
        """What the server left out is absent, never null."""
        with Server.start("minimal", options=["--binlog-row-image=MINIMAL", "--binlog-row-metadata=FULL"]) as server:
            server.sql("""CREATE DATABASE m; CREATE TABLE m.t (id INT PRIMARY KEY, a INT, b INT); INSERT INTO m.t (id, a) VALUES (1, 2);
                UPDATE m.t SET a = 3; DELETE FROM m.t""")
            told = [(row["kind"], row["data"]) for row in everything(server).rows]
            self.assertEqual(told, [("+I", {"id": 1, "a": 2}), ("-U", {"id": 1}), ("+U", {"a": 3}), ("-D", {"id": 1})])


if __name__ == "__main__":
    unittest.main()
