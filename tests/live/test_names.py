#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Never a wrong name on a value: binlog_row_metadata is MINIMAL, and what the server's tables are called now need not be
what they were called when a row was written, though number and types of columns agree."""

import json
import signal
import threading
import unittest

from sandbox import Server
from tail import OneServer, Running, end_of_log, everything, path, run, start


class NamesOfThePast(OneServer):
    options = []

    def setUp(self):
        super().setUp()
        db = self.db
        self.server.sql(f"""CREATE TABLE {db}.p (id INT PRIMARY KEY, x INT, y INT, e ENUM('a', 'b', 'c'));
            CREATE TABLE {db}.q (id INT PRIMARY KEY, net INT, gross INT, e ENUM('x', 'y', 'z'))""")

    def changed(self, statement, table="p"):
        """A row before `statement` and one behind: the first has no names any more, the second has, after a run or in one."""
        db = self.db
        before = self.server.gtid_executed()
        self.server.sql(f"INSERT INTO {db}.{table} VALUES (1, 10, 20, 'b')" if table == "p" else f"INSERT INTO {db}.q VALUES (1, 10, 20, 'y')")
        self.server.sql(f"USE {db}; {statement}")
        behind = self.server.gtid_executed()
        stream = run(f"--gtid-set={before}", "--stop-mode=latest", server=self.server, status=78)
        self.assertEqual(stream.rows, [])
        self.assertRegex(stream.stderr, rf"table {db}\.{table}: .*changed since, at binlog\.\d+:\d+")
        unnamed = run(f"--gtid-set={before}", "--stop-mode=latest", "--positional-names", server=self.server)
        self.assertEqual(unnamed.rows[0]["data"], {"@1": 1, "@2": 10, "@3": 20, "@4": 2})
        self.server.sql(f"INSERT INTO {db}.p VALUES (2, 30, 40, 3)")
        return run(f"--gtid-set={behind}", "--stop-mode=latest", server=self.server).rows[-1]["data"]

    def test_two_columns_renamed_into_each_other(self):
        told = self.changed("ALTER TABLE p RENAME COLUMN x TO y, RENAME COLUMN y TO x")
        self.assertEqual(told, {"id": 2, "y": 30, "x": 40, "e": "c"})

    def test_reordered_labels(self):
        told = self.changed("ALTER TABLE p MODIFY e ENUM('c', 'a', 'b')")
        self.assertEqual(told, {"id": 2, "x": 30, "y": 40, "e": "b"})

    def test_swapped_tables(self):
        """CREATE_TIME does not move."""
        told = self.changed("RENAME TABLE p TO other, q TO p, other TO q")
        self.assertEqual(told, {"id": 2, "net": 30, "gross": 40, "e": "z"})

    def test_dropped_and_made_again(self):
        told = self.changed("DROP TABLE p; CREATE TABLE p (id INT PRIMARY KEY, width INT, height INT, e ENUM('k', 'l', 'm'))")
        self.assertEqual(told, {"id": 2, "width": 30, "height": 40, "e": "m"})

    def test_a_column_moved(self):
        self.assertEqual(self.changed("ALTER TABLE p MODIFY x INT AFTER y"), {"id": 2, "y": 30, "x": 40, "e": "c"})

    def test_the_other_table_of_a_swap(self):
        self.changed("RENAME TABLE p TO other, q TO p, other TO q", table="q")

    def test_the_database_dropped_and_made_again(self):
        db = self.db
        self.changed(f"DROP DATABASE {db}; CREATE DATABASE {db}; CREATE TABLE {db}.p (id INT PRIMARY KEY, r INT, s INT, e ENUM('k', 'l', 'm'))")

    def test_ddl_elsewhere(self):
        """What touches other tables, or none, takes no names away; nor does what came before the row."""
        db = self.db
        self.server.sql(f"ALTER TABLE {db}.p RENAME COLUMN x TO z")
        before = self.server.gtid_executed()
        self.server.sql(f"INSERT INTO {db}.p VALUES (1, 10, 20, 'b')")
        self.server.sql(f"""ALTER TABLE {db}.q RENAME COLUMN net TO n; CREATE VIEW {db}.v AS SELECT * FROM {db}.p; DROP TABLE {db}.q;
            CREATE DATABASE {db}_2; CREATE TABLE {db}_2.p (id INT); DROP DATABASE {db}_2; CREATE USER {db}; DROP USER {db}; FLUSH BINARY LOGS""")
        stream = run(f"--gtid-set={before}", "--stop-mode=latest", server=self.server)
        self.assertEqual([row["data"] for row in stream.rows], [{"id": 1, "z": 10, "y": 20, "e": "b"}])

    def test_behind_in_another_file(self):
        """The change is some files further on."""
        db = self.db
        before = self.server.gtid_executed()
        self.server.sql(f"INSERT INTO {db}.p VALUES (1, 10, 20, 'b'); FLUSH BINARY LOGS; INSERT INTO {db}.q VALUES (1, 1, 1, 'x')")
        self.server.sql(f"FLUSH BINARY LOGS; ALTER TABLE {db}.p RENAME COLUMN x TO y, RENAME COLUMN y TO x")
        run(f"--gtid-set={before}", "--stop-mode=latest", server=self.server, status=78)
        stream = run(f"--gtid-set={before}", "--stop-mode=latest", "-t", f"{db}.q", server=self.server)
        self.assertEqual(stream.rows[0]["data"], {"id": 1, "net": 1, "gross": 1, "e": "x"})

    def test_following_swaps(self):
        """Who keeps up has the names of every row's time."""
        db = self.db
        with Running("-t", f"{db}.*", server=self.server) as running:
            running.until(lambda record: record["kind"] == "start")
            names = ["x", "y"]
            for number in range(4):
                self.server.sql(f"INSERT INTO {db}.p (id, {names[0]}, {names[1]}) VALUES ({number}, 10, 20)")
                row = running.until(lambda record: record["kind"] == "+I")
                self.assertEqual(row["data"], {"id": number, names[0]: 10, names[1]: 20, "e": None})
                self.server.sql(f"ALTER TABLE {db}.p RENAME COLUMN x TO y, RENAME COLUMN y TO x")
                names.reverse()

    def test_in_a_prepared_transaction(self):
        db = self.db
        before = self.server.gtid_executed()
        self.server.sql(f"XA START '{db}'; INSERT INTO {db}.p VALUES (1, 10, 20, 'b'); XA END '{db}'; XA PREPARE '{db}'; XA COMMIT '{db}'")
        stream = run(f"--gtid-set={before}", "--stop-mode=latest", server=self.server)
        self.assertEqual(stream.rows[0]["data"], {"id": 1, "x": 10, "y": 20, "e": "b"})
        self.server.sql(f"ALTER TABLE {db}.p RENAME COLUMN x TO y, RENAME COLUMN y TO x")
        run(f"--gtid-set={before}", "--stop-mode=latest", server=self.server, status=78)

    def test_create_table_select(self):
        before = self.server.gtid_executed()
        self.server.sql(f"INSERT INTO {self.db}.p VALUES (1, 10, 20, 'b'); CREATE TABLE {self.db}.copy AS SELECT * FROM {self.db}.p")
        stream = run(f"--gtid-set={before}", "--stop-mode=latest", server=self.server)
        self.assertEqual([row["data"] for row in stream.rows], [{"id": 1, "x": 10, "y": 20, "e": "b"}] * 2)


class Restarted(unittest.TestCase):
    def test_numbers_of_tables_come_again(self):
        """A table map of the same number and types as one before the restart, and other names."""
        with Server.start("again", options=["--binlog-row-metadata=MINIMAL"]) as server:
            server.sql("CREATE DATABASE d; CREATE TABLE d.t (id INT PRIMARY KEY, x INT, y INT)")
            server.restart()
            with Running("--no-defaults", "-h127.0.0.1", f"-P{server.port}", "-uroot", "-t", "d.*") as running:
                running.until(lambda record: record["kind"] == "start")
                server.sql("INSERT INTO d.t VALUES (1, 10, 20)")
                running.until_inserted(1)
                server.sql("ALTER TABLE d.t RENAME COLUMN x TO y, RENAME COLUMN y TO x")
                server.restart(kill=True)
                server.sql("INSERT INTO d.t VALUES (2, 10, 20)")
                running.until_inserted(2)
            files = [line.split("\t")[0] for line in server.sql("SHOW BINARY LOGS")]
            maps = [line.split("\t")[5] for file in files for line in server.sql(f"SHOW BINLOG EVENTS IN '{file}'") if "\tTable_map\t" in line]
        self.assertEqual(maps[0], maps[1], "the server numbers otherwise, and this tests nothing")
        self.assertEqual([record["data"] for record in running.records if record["kind"] == "+I"],
                         [{"id": 1, "x": 10, "y": 20}, {"id": 2, "y": 10, "x": 20}])  # fmt: skip


class NamesBesideTheCheckpoint(OneServer):
    """What a table was called is kept beside the checkpoint, so that a DDL made while nobody read takes no names away."""

    options = []
    SWAP = "ALTER TABLE {0}.p RENAME COLUMN x TO y, RENAME COLUMN y TO x"

    def setUp(self):
        super().setUp()
        self.server.sql(f"CREATE TABLE {self.db}.p (id INT PRIMARY KEY, x INT, y INT, e ENUM('a', 'b', 'c'), c BINARY(3) DEFAULT 'é')")
        self.checkpoint = path(f"{self.db}.ckpt")
        self.arguments = [f"--gtid-set={self.server.gtid_executed()}", "-t", f"{self.db}.*", f"--checkpoint={self.checkpoint}"]
        self.rows = []

    def insert_p(self, number):
        self.server.sql(f"INSERT INTO {self.db}.p VALUES ({number}, 10, 20, 'b', 0x007800)")

    def go_on(self, *more, status=0, save=("--save-checkpoint",)):
        """The data of the rows that the next run tells."""
        stream = run(*self.arguments, "--stop-mode=latest", *save, *more, server=self.server, status=status)
        return [row["data"] for row in stream.rows]

    def row(self, number, *names):
        return {"id": number, names[0]: 10, names[1]: 20, "e": "b", "c": "AHgA"}

    def swap(self):
        self.server.sql(self.SWAP.format(self.db))

    def test_a_restart_behind_the_change(self):
        self.insert_p(1)
        self.assertEqual(self.go_on(), [self.row(1, "x", "y")])
        self.insert_p(2)
        self.swap()
        self.insert_p(3)
        self.assertEqual(self.go_on(), [self.row(2, "x", "y"), self.row(3, "y", "x")])

    def test_killed(self):
        """Definitions are on disk before rows are out."""
        self.insert_p(1)
        with Running(*self.arguments, "--save-checkpoint", server=self.server) as running:
            running.until_inserted(1)
            running.process.send_signal(signal.SIGUSR1)  # answered between two waits: the checkpoint is saved
            running.until_error("changes told")
            running.process.kill()
        self.insert_p(2)
        self.server.sql(f"DROP TABLE {self.db}.p")
        self.assertEqual(self.go_on(), [self.row(2, "x", "y")])

    def test_a_checkpoint_that_lags(self):
        """As of a reader that has loaded less than it was told: definitions from before a change that was followed."""
        self.insert_p(1)
        self.go_on()
        lagging = self.checkpoint.read_text()
        with Running(*self.arguments, "--save-checkpoint", server=self.server) as running:
            for number, names in ((2, ("x", "y")), (3, ("y", "x")), (4, ("x", "y"))):
                self.insert_p(number)
                self.assertEqual(running.until_inserted(number)["data"], self.row(number, *names))
                self.swap()
            running.stop(signal.SIGTERM, -signal.SIGTERM)
        self.checkpoint.write_text(lagging)
        told = [self.row(2, "x", "y"), self.row(3, "y", "x"), self.row(4, "x", "y")]
        self.assertEqual(self.go_on(save=()), told)

    def test_a_change_that_nobody_followed(self):
        """The checkpoint was moved on by hand: what is kept beside it holds up to its own place only."""
        self.insert_p(1)
        self.go_on()
        self.swap()
        saved = json.loads(self.checkpoint.read_text())
        saved["gtid_set"] = self.server.gtid_executed()
        saved["file"], saved["pos"] = end_of_log(self.server)
        self.checkpoint.write_text(json.dumps(saved) + "\n")
        self.insert_p(2)
        self.swap()
        self.assertEqual(self.go_on(status=78), [])

    def test_moved_on_past_nothing(self):
        """The same, but the log shows that nothing happened to this table."""
        self.insert_p(1)
        self.go_on()
        self.server.sql(f"ALTER TABLE {self.db}.t ADD w INT")
        saved = json.loads(self.checkpoint.read_text())
        saved["gtid_set"] = self.server.gtid_executed()
        saved["file"], saved["pos"] = end_of_log(self.server)
        self.checkpoint.write_text(json.dumps(saved) + "\n")
        self.insert_p(2)
        self.swap()
        self.assertEqual(self.go_on(), [self.row(2, "x", "y")])

    def test_of_another_server(self):
        self.insert_p(1)
        self.go_on()
        history = path(f"{self.db}.ckpt.tables")
        history.write_text(history.read_text().replace(self.server.uuid, "3e11fa47-71ca-11e1-9e33-c80aa9429562"))
        self.insert_p(2)
        self.swap()
        self.assertEqual(self.go_on(status=78), [])


class FilesAndServers(unittest.TestCase):
    def test_a_file_of_another_server(self):
        """Its name and positions are those of a file here, its transactions are not."""
        table = "CREATE DATABASE d; CREATE TABLE d.t (id INT PRIMARY KEY, {} INT, {} INT); INSERT INTO d.t VALUES (1, 10, 20)"
        with Server.start("one") as one, Server.start("two") as two:
            one.sql(table.format("x", "y"))
            two.sql(table.format("y", "x"))
            self.assertEqual(run(*one.binlogs(), server=one).rows[0]["data"], {"id": 1, "x": 10, "y": 20})
            stream = run(*one.binlogs(), server=two, status=78)
            self.assertIn("is another transaction", stream.stderr)
            with open(one.binlogs()[0], "rb") as piped:
                self.assertEqual(run("-", server=one, stdin=piped, status=78).rows, [])

    def test_without_gtids(self):
        with Server.start("nogtid", options=["--gtid-mode=OFF"]) as server:
            server.sql("CREATE DATABASE d; CREATE TABLE d.t (id INT PRIMARY KEY, x INT, y INT); INSERT INTO d.t VALUES (1, 10, 20)")
            self.assertEqual(everything(server).rows[0]["data"], {"id": 1, "x": 10, "y": 20})
            server.sql("ALTER TABLE d.t RENAME COLUMN x TO y, RENAME COLUMN y TO x")
            stream = run("--startup-mode=earliest", "--stop-mode=latest", server=server, status=78)
            self.assertIn("changed since", stream.stderr)


class NamesWithoutCase(unittest.TestCase):
    def test_a_statement_in_another_case(self):
        """lower_case_table_names=1: rows speak of d.t, statements of whatever was typed. MySQL 9 fixes it for ever at its
        initialisation, so this is MariaDB."""
        with start("lower", "mariadb", "--lower-case-table-names=1") as server:
            server.sql("CREATE DATABASE d; CREATE TABLE d.t (x INT, y INT); INSERT INTO d.t VALUES (10, 20)")
            with Running("--startup-mode=earliest", server=server) as running:
                self.assertEqual(running.until(lambda record: record["kind"] == "+I")["data"], {"x": 10, "y": 20})
                server.sql("ALTER TABLE D.T CHANGE x y INT, CHANGE y x INT; INSERT INTO d.t VALUES (10, 20)")
                self.assertEqual(running.until(lambda record: record["kind"] == "+I")["data"], {"y": 10, "x": 20})
            run("--startup-mode=earliest", "--stop-mode=latest", server=server, status=78)
            told = run("--startup-mode=earliest", "--stop-mode=latest", "-t", "d.t", "--positional-names", server=server).of("ddl")
            self.assertEqual([record["sql"].split()[0] for record in told], ["CREATE", "CREATE", "ALTER"])
            self.assertEqual(run("--startup-mode=earliest", "--stop-mode=latest", "-t", "d.u", server=server).of("ddl")[1:], [])


class Asking(OneServer):
    options = []

    def test_many_tables_of_a_quiet_log(self):
        """The log is read ahead once, not once for each table."""
        db = self.db
        for number in range(20):
            self.server.sql(f"CREATE TABLE {db}.t{number} (id INT PRIMARY KEY)")
        before = self.server.gtid_executed()
        self.server.sql("".join(f"INSERT INTO {db}.t{number} VALUES ({number});" for number in range(20)))
        count = int(self.server.value("SHOW GLOBAL STATUS LIKE 'Connections'").split("\t")[1])
        stream = run(f"--gtid-set={before}", "--stop-mode=latest", server=self.server)
        self.assertEqual(stream.inserted(), list(range(20)))
        more = int(self.server.value("SHOW GLOBAL STATUS LIKE 'Connections'").split("\t")[1]) - count
        self.assertLess(more, 8)


    def test_many_tables_of_a_growing_log(self):
        """It is read on over one connection while there is more to read."""
        db, count = self.db, 200
        self.server.sql("".join(f"CREATE TABLE {db}.t{number} (id INT PRIMARY KEY);" for number in range(count)))
        self.server.sql(f"""CREATE TABLE {db}.w (id INT AUTO_INCREMENT PRIMARY KEY); CREATE TABLE {db}.stop (id INT);
DELIMITER //
CREATE PROCEDURE {db}.grow() BEGIN WHILE NOT EXISTS (SELECT * FROM {db}.stop) DO INSERT INTO {db}.w () VALUES (); DO SLEEP(0.001); END WHILE; END//
""")
        before = self.server.gtid_executed()
        self.server.sql("".join(f"INSERT INTO {db}.t{number} VALUES ({number});" for number in range(count)))
        connections = int(self.server.value("SHOW GLOBAL STATUS LIKE 'Connections'").split("\t")[1])
        writer = threading.Thread(target=self.server.sql, args=(f"CALL {db}.grow()",))
        writer.start()
        try:
            stream = run(f"--gtid-set={before}", "-t", f"{db}.t*", f"-n{count}", server=self.server)
        finally:
            self.server.sql(f"INSERT INTO {db}.stop VALUES (1)")
            writer.join()
        self.assertEqual(stream.inserted(), list(range(count)))
        more = int(self.server.value("SHOW GLOBAL STATUS LIKE 'Connections'").split("\t")[1]) - connections
        self.assertLess(more, 40)


if __name__ == "__main__":
    unittest.main()
