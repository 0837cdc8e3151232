#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tables that are altered, emptied, dropped, renamed or swapped in the middle of their initial copy.

The copy stands still between two chunks, because nobody reads its lines, while the statements are executed; rows are so wide
that most of the table is still to be read then.
"""

import json
import unittest

from slow_tail import WIDE, SlowTail, Tables
from tail import start

ROWS = 300


class During:
    """Tests for a server of each kind, which makes a database for each test."""

    flavor, options = None, ["--binlog-row-metadata=FULL"]

    @classmethod
    def setUpClass(cls):
        cls.server = start(cls.__name__.lower(), cls.flavor, *cls.options)
        cls.addClassCleanup(cls.server.destroy, kill=True)

    def setUp(self):
        self.db = self._testMethodName
        self.sql(f"CREATE DATABASE {self.db} CHARACTER SET utf8mb4")
        numbers = " UNION ALL ".join(f"SELECT {i} d" for i in range(10))
        self.numbers = f"SELECT a.d + 10*b.d + 100*c.d AS k FROM ({numbers}) a, ({numbers}) b, ({numbers}) c"
        self.make("t", "id INT PRIMARY KEY, v INT, s MEDIUMTEXT")

    def sql(self, text):
        return self.server.sql(text.replace("@", self.db + ".") if text.startswith(" ") else text)

    def make(self, name, columns, rows=ROWS):
        self.sql(f"""CREATE TABLE {self.db}.{name} ({columns}) ENGINE=InnoDB;
            INSERT INTO {self.db}.{name} (id, v, s) SELECT k, k, REPEAT('x', {WIDE}) FROM ({self.numbers}) n WHERE k < {rows}""")

    def copy(self, *arguments):
        return SlowTail("--startup-mode=initial", "--stop-mode=latest", "-t", f"{self.db}.*", "--snapshot-chunk-rows=10",
                        *arguments, server=self.server, name=self.db)  # fmt: skip

    def during(self, text, *arguments, status=0, table="t"):
        """The Stream of a copy in whose middle the statements were executed; @ stands for the database."""
        with self.copy(*arguments) as tail:
            tail.until_chunk(1, table)
            self.sql(" " + text)
            stream = tail.finish(status)
        chunks = [r["snapshot"] for r in stream.of("commit") if "snapshot" in r and r["snapshot"]["table"] == table]
        place = [r["kind"] for r in stream.records].index("ddl")
        told_before = sum("snapshot" in r for r in stream.records[:place] if r["kind"] in ("+I",))
        self.assertLess(told_before, ROWS - 100, f"the copy did not stand still: {chunks[-1]}")
        return stream

    def check(self, stream, table="t", columns=("id", "v", "s")):
        """The lines, with DDL carried out, make what SELECT shows."""
        selected = sorted(tuple(json.loads(row)) for row in self.selected(table, columns))
        self.assertEqual(Tables().apply(stream.records).of(table, *columns), selected)
        self.assertEqual(len(stream.of("snapshot-end")), 1)

    def selected(self, table, columns):
        texts = [f"IFNULL(CONCAT('\"', HEX(CONVERT({c} USING utf8mb4)), '\"'), 'null')" if c == "s" else f"IFNULL({c}, 'null')" for c in columns]
        rows = self.server.sql(f"SELECT CONCAT('[', CONCAT_WS(',', {', '.join(texts)}), ']') FROM {self.db}.{table}")
        at = columns.index("s") if "s" in columns else None
        for row in rows:
            values = json.loads(row)
            if at is not None and values[at] is not None:
                values[at] = bytes.fromhex(values[at]).decode()
            yield json.dumps(values)

    def copied(self, stream, table="t"):
        return Tables().apply(stream.records).copies.get(table, [])


class OnEveryServer(During):
    def test_add_column(self):
        """The copy goes on behind the last key; rows from there on have the column."""
        stream = self.during("ALTER TABLE @t ADD COLUMN c INT NOT NULL DEFAULT 7; UPDATE @t SET v = -v WHERE id % 50 = 0")
        self.check(stream)
        self.assertEqual(sorted(self.copied(stream)), [(i,) for i in range(ROWS) if (i,) in self.copied(stream)])
        behind = stream.records[[r["kind"] for r in stream.records].index("ddl") :]
        told = [r["data"].get("c") for r in behind if r["kind"] in ("+I", "+U")]
        self.assertGreater(len(told), 100)
        self.assertEqual(set(told), {7})
        self.assertNotIn("begins again", stream.stderr)

    def test_wider_column(self):
        self.check(self.during("ALTER TABLE @t MODIFY v BIGINT; UPDATE @t SET v = v + 99999999999 WHERE id % 2 = 0"))

    def test_drop_column(self):
        self.check(self.during("ALTER TABLE @t DROP COLUMN v"), columns=("id", "s"))

    def test_another_character_set(self):
        self.check(self.during("UPDATE @t SET s = CONCAT('é', s) WHERE id % 7 = 0; ALTER TABLE @t MODIFY s MEDIUMTEXT CHARACTER SET latin1"
                               if self.flavor != "mysql56" else "ALTER TABLE @t MODIFY s MEDIUMTEXT CHARACTER SET latin1"))  # fmt: skip

    def test_another_type_of_key(self):
        stream = self.during("ALTER TABLE @t MODIFY id BIGINT NOT NULL; INSERT INTO @t VALUES (-5, 1, 'first')")
        self.check(stream)
        self.assertIn("begins again", stream.stderr)

    def test_another_key(self):
        stream = self.during("UPDATE @t SET v = 1000 - v; ALTER TABLE @t DROP PRIMARY KEY, ADD PRIMARY KEY (v)"
                             if self.flavor != "mysql56" else "ALTER TABLE @t MODIFY v INT NOT NULL, DROP PRIMARY KEY, ADD PRIMARY KEY (v)")  # fmt: skip
        self.assertIn("begins again", stream.stderr)
        selected = sorted(tuple(json.loads(row)) for row in self.selected("t", ("id", "v", "s")))
        rows = Tables().apply(stream.records).of("t", "id", "v", "s")
        self.assertEqual([row for row in selected if row not in rows], [])

    def test_truncate(self):
        self.check(self.during("TRUNCATE TABLE @t; INSERT INTO @t VALUES (3, 3, 'new'), (250, 1, 'x'), (9999, 2, NULL)"))

    def test_drop(self):
        stream = self.during("UPDATE @t SET v = 5; DROP TABLE @t" if self.flavor != "mysql56" else "DROP TABLE @t")
        self.assertIn("is gone", stream.stderr)
        kinds = [r["kind"] for r in stream.records]
        self.assertLess(kinds.index("ddl"), kinds.index("snapshot-end"))

    def test_made_again(self):
        self.check(self.during("DROP TABLE @t; CREATE TABLE @t (id BIGINT PRIMARY KEY, n INT, v INT, s TEXT) ENGINE=InnoDB; "
                               "INSERT INTO @t VALUES (1, 1, 1, 'x'), (299, 2, 3, 'y'), (100000, 3, 3, 'z')"))  # fmt: skip

    def test_renamed(self):
        """What is captured under the new name is copied under it."""
        stream = self.during("RENAME TABLE @t TO @u; INSERT INTO @u VALUES (4711, 1, 'x')")
        self.check(stream, "u")
        self.assertIn("is gone", stream.stderr)

    def test_swapped(self):
        self.make("n", "id INT PRIMARY KEY, v INT, s TEXT, d INT DEFAULT 3", rows=5)
        stream = self.during("INSERT INTO @n (id, v) VALUES (77, 77); RENAME TABLE @t TO @old, @n TO @t; UPDATE @t SET v = 8 WHERE id = 2"
                             if self.flavor != "mysql56" else "RENAME TABLE @t TO @old, @n TO @t")  # fmt: skip
        self.check(stream)
        self.check(stream, "old")

    def test_partitions_exchanged(self):
        """No reader can carry that out; all that the tables have now is told."""
        self.sql(f"""CREATE TABLE {self.db}.p LIKE {self.db}.t; INSERT INTO {self.db}.p VALUES (7, 70, 'p'), (1007, 1, 'p');
            ALTER TABLE {self.db}.p PARTITION BY RANGE (id) (PARTITION a VALUES LESS THAN (1000), PARTITION b VALUES LESS THAN MAXVALUE)""")
        stream = self.during("ALTER TABLE @p EXCHANGE PARTITION a WITH TABLE @t", "--snapshot-parallel=1")
        for table in ("t", "p"):
            rows = Tables().apply(stream.records).of(table, "id", "v", "s")
            for row in self.selected(table, ("id", "v", "s")):
                self.assertIn(tuple(json.loads(row)), rows)

    def test_database_dropped(self):
        stream = self.during("DROP DATABASE " + self.db)
        self.assertIn("is gone", stream.stderr)

    def test_statements_that_change_nothing(self):
        """They do not send the copy back to its start."""
        stream = self.during("CREATE TABLE IF NOT EXISTS @t (id INT); ANALYZE TABLE @t; CREATE TABLE @other (id INT PRIMARY KEY)")
        self.check(stream)
        self.assertEqual(self.copied(stream), [(i,) for i in range(ROWS)])

    def test_the_key_is_lost(self):
        stream = self.during("ALTER TABLE @t DROP PRIMARY KEY", status=78)
        self.assertIn("primary key", stream.end["reason"])

    def test_complete_tables_are_not_copied_again(self):
        """`a` is complete when it is emptied and altered; its rows of later come by the stream."""
        self.make("a", "id INT PRIMARY KEY, v INT, s TEXT", rows=3)
        stream = self.during("TRUNCATE TABLE @a; ALTER TABLE @a ADD c INT; INSERT INTO @a (id, v, s) VALUES (1, 2, 'x')", "--snapshot-parallel=1")
        self.check(stream)
        self.check(stream, "a")
        self.assertEqual(self.copied(stream, "a"), [(0,), (1,), (2,)])

    def test_lost_connections(self):
        """Of those who read the tables: the pages are read again."""
        with self.copy() as tail:
            tail.until_chunk(1)
            kill = self.kill_readers()
            stream = tail.finish()
        self.assertGreater(kill, 0)
        self.check(stream)
        self.assertEqual(self.copied(stream), [(i,) for i in range(ROWS)])

    def kill_readers(self):
        kills = self.server.sql("SELECT CONCAT('KILL ', ID, ';') FROM information_schema.PROCESSLIST "
                                "WHERE USER = 'root' AND COMMAND NOT LIKE 'Binlog%' AND ID <> CONNECTION_ID()")  # fmt: skip
        self.server.sql("\n".join(kills))
        return len(kills)


class WithoutKey(During):
    """Where such tables can be copied."""

    def test_a_view_is_cut_off(self):
        """Rows of a table without key cannot be told twice: the run ends, and says why."""
        self.sql(f"DROP TABLE {self.db}.t")
        self.make("w", "id INT, v INT, s MEDIUMTEXT")
        with self.copy() as tail:
            tail.until_chunk(1)
            self.assertGreater(OnEveryServer.kill_readers(self), 0)
            stream = tail.finish(75)
        self.assertIn("which has no key", stream.end["reason"])
        self.assertEqual(stream.of("snapshot-end"), [])
        self.assertEqual(len(stream.rows), len({r["data"]["id"] for r in stream.rows}))

    def test_it_gets_a_key(self):
        """It waits for its turn meanwhile; then its changes are told again."""
        self.make("u", "id INT, v INT, s MEDIUMTEXT", rows=200)
        with self.copy("--snapshot-parallel=1") as tail:
            tail.until_chunk(1, "t")
            self.sql(" UPDATE @u SET v = 20 WHERE id = 2; ALTER TABLE @u ADD PRIMARY KEY (id); DELETE FROM @u WHERE id = 3; "
                     "INSERT INTO @u VALUES (1000, 4, 'd'); UPDATE @u SET v = 21 WHERE id = 2")  # fmt: skip
            tail.until_chunk(1, "u")
            self.sql(" UPDATE @u SET v = 22 WHERE id IN (0, 2, 199)")
            stream = tail.finish()
        self.check(stream)
        self.check(stream, "u")

    def test_changes_before_its_view(self):
        """They are in the view, and nowhere else."""
        self.make("u", "id INT, v INT, s VARCHAR(20)", rows=0)
        self.sql(f"INSERT INTO {self.db}.u VALUES (1, 1, 'a'), (1, 1, 'a'), (2, 2, 'b')")
        stream = self.during("ALTER TABLE @u COMMENT 'x'; UPDATE @u SET v = 20 WHERE id = 2; DELETE FROM @u WHERE id = 1 LIMIT 1; "
                             "INSERT INTO @u VALUES (4, 4, 'd')", "--snapshot-parallel=1")  # fmt: skip
        self.check(stream, "u")
        self.assertEqual([r["kind"] for r in stream.rows if r["table"] == "u"], ["+I"] * 3)


class Mysql(OnEveryServer, WithoutKey, unittest.TestCase):
    pass


class Mariadb(OnEveryServer, WithoutKey, unittest.TestCase):
    flavor = "mariadb"


class Mysql56(OnEveryServer, unittest.TestCase):
    flavor, options = "mysql56", []


class NamesWithoutCase(During, unittest.TestCase):
    """lower_case_table_names=1: statements may have other names than the rows."""

    flavor, options = "mariadb", ["--lower-case-table-names=1", "--binlog-row-metadata=FULL"]

    def test_alter(self):
        stream = self.during(f"ALTER TABLE {self.db.upper()}.T ADD COLUMN c INT NOT NULL DEFAULT 7")
        self.check(stream)
        behind = stream.records[[r["kind"] for r in stream.records].index("ddl") :]
        self.assertEqual({r["data"].get("c") for r in behind if r["kind"] == "+I"}, {7})


if __name__ == "__main__":
    unittest.main()
