#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Kinds of events that random histories do not have, or that need a server or a file of their own."""

import json
import os
import re
import shutil
import struct
import unittest

from sandbox import Server
from tail import OneServer, Running, everything, path, run, start

IGNORABLE = 0x80
INCIDENT = 26
FUTURE = 199  # a type of which nobody has heard


def with_event(file, name, kind, flags=0, body=b""):
    """A copy of a binlog file without checksums, with one more event at its end."""
    data = file.read_bytes()
    end = len(data) + 19 + len(body)
    copy = path(name)
    copy.write_bytes(data + struct.pack("<IBIIIH", 1_700_000_000, kind, 1, 19 + len(body), end, flags) + body)
    return copy


def put_4_gib(file, data, begun):
    """Makes `file` of a binlog's bytes, with a little more than 4 GiB of events that may be ignored, mostly holes, in front of
    the event at `begun`. Returns how much. The binlog has no checksums."""
    size, count = 1 << 20, 4097
    with open(file, "wb") as out:
        out.write(data[:begun])
        for number in range(count):
            at = begun + size * number
            out.seek(at)
            out.write(struct.pack("<IBIIIH", 0, FUTURE, 1, size, (at + size) % 2**32, IGNORABLE))
        at = begun
        while at < len(data):
            length = struct.unpack_from("<I", data, at + 9)[0]
            end = (at + length + size * count) % 2**32
            out.seek(at + size * count)
            out.write(data[at : at + 13] + struct.pack("<I", end) + data[at + 17 : at + length])
            at += length
    return size * count


class Gtids(OneServer):
    def test_tagged(self):
        """A tag makes a numbering of its own; sets hold it, and a run resumes behind it."""
        db = self.db
        self.server.sql(f"SET gtid_next = 'AUTOMATIC:orders'; INSERT INTO {db}.t VALUES (1, 'a'); INSERT INTO {db}.t VALUES (2, 'b')")
        between = self.server.gtid_executed()
        self.insert(3)
        self.server.sql(f"SET gtid_next = 'AUTOMATIC:zoo'; SET binlog_transaction_compression = ON; INSERT INTO {db}.t VALUES (4, 'd')")
        stream = self.from_here()
        told = [record["gtid"].removeprefix(self.server.uuid) for record in stream.of("begin")]
        self.assertEqual(told[:2], [":orders:1", ":orders:2"])
        self.assertRegex(told[2], r"^:\d+$")
        self.assertEqual(told[3], ":zoo:1")
        resumed = run(f"--gtid-set={between}", "--stop-mode=latest", server=self.server)
        self.assertEqual(resumed.inserted(), [3, 4])
        everything_told = ",".join([resumed.start["gtid_set"], *(record["gtids"] for record in resumed.boundaries if record["gtids"])])
        self.assertEqual(self.server.value(f"SELECT GTID_SUBTRACT(@@GLOBAL.gtid_executed, '{everything_told}')"), "")
        self.assertEqual(run(*self.server.binlogs(), "-t", f"{db}.*").rows, stream.rows)

    def test_a_transaction_without_rows(self):
        """GTID_NEXT with BEGIN; COMMIT uses a GTID up, as one does who skips a transaction."""
        self.insert(1)
        skipped = "11111111-2222-3333-4444-555555555555:7"
        self.server.sql(f"SET gtid_next = '{skipped}'; BEGIN; COMMIT")
        self.insert(2)
        stream = self.from_here()
        self.assertEqual(stream.inserted(), [1, 2])
        self.assertIn(skipped, stream.of("commit")[1]["gtids"])


class Transactions(OneServer):
    def test_compressed_xa(self):
        db = self.db
        for number, end in ((1, "COMMIT"), (2, "ROLLBACK")):
            self.server.sql(f"""SET binlog_transaction_compression = ON; XA START 'z{number}'; INSERT INTO {db}.t VALUES ({number}, 'x');
                XA END 'z{number}'; XA PREPARE 'z{number}'""")
            self.insert(number + 10)
            self.server.sql(f"XA {end} 'z{number}'")
        stream = self.from_here()
        self.assertEqual(stream.inserted(), [11, 1, 12])
        self.assertEqual(run(*self.server.binlogs(), "-t", f"{db}.*").rows, stream.rows)

    def test_create_table_select_compressed(self):
        self.insert(1, 2)
        self.server.sql(f"SET binlog_transaction_compression = ON; CREATE TABLE {self.db}.copy AS SELECT * FROM {self.db}.t")
        stream = self.from_here("-t", "*.copy")
        self.assertEqual(stream.inserted(), [1, 2])
        self.assertEqual(len(stream.of("begin", "ddl", "commit")), 3)

    def test_statements_of_all_kinds(self):
        """No statement that changes rows of a captured table in statement format is passed over in silence."""
        db = self.db
        path("load.tsv").write_text("7\tloaded\n")
        self.insert(1)
        for statement in (f"UPDATE {db}.t SET v = 'w'", f"DELETE FROM {db}.t", f"REPLACE INTO {db}.t VALUES (1, 'r')",
                          f"LOAD DATA INFILE '{path('load.tsv')}' INTO TABLE {db}.t",
                          f"INSERT INTO {db}.t SELECT id + 1, v FROM {db}.t"):  # fmt: skip
            before = self.server.gtid_executed()
            self.server.sql(f"SET binlog_format = STATEMENT; {statement}")
            stream = run(f"--gtid-set={before}", "--stop-mode=latest", server=self.server, status=78)
            self.assertEqual((stream.rows, stream.end["status"]), ([], 78))
        rows = self.server.value(f"SELECT COUNT(*) FROM {db}.t")
        before = self.server.gtid_executed()
        self.server.sql(f"LOAD DATA INFILE '{path('load.tsv')}' REPLACE INTO TABLE {db}.t; DELETE FROM {db}.t WHERE id = 7")
        stream = run(f"--gtid-set={before}", "--stop-mode=latest", server=self.server)
        self.assertEqual(stream.rows[-1]["data"], {"id": 7, "v": "loaded"}, f"rows are rows, also of LOAD DATA ({rows})")

    def test_create_table_select_as_text(self):
        """The rows of such a table are in no event."""
        db = self.db
        self.insert(1, 2)
        before = self.server.gtid_executed()
        self.server.sql(f"SET binlog_format = STATEMENT; CREATE TABLE {db}.copy SELECT * FROM {db}.t")
        stream = run(f"--gtid-set={before}", "--stop-mode=latest", "-t", f"{db}.copy", server=self.server, status=78)
        self.assertRegex(stream.stderr, "logged as text.*CREATE TABLE")
        self.assertEqual(stream.of("ddl"), [])
        self.assertEqual(run(f"--gtid-set={before}", "--stop-mode=latest", "-t", f"{db}.t", server=self.server).rows, [])
        stream = run(f"--gtid-set={before}", "--stop-mode=latest", "--allow-statement-dml", server=self.server)
        self.assertEqual([record["class"] for record in stream.of("ddl")], ["create"])

    def test_the_server_lost_events(self):
        """A statement that the binlog could not hold: MyISAM cannot take it back, and the server says so in the log."""
        db = self.db
        with Server.start("lossy", options=["--max-binlog-stmt-cache-size=4096", "--binlog-stmt-cache-size=4096"]) as server:
            server.sql(f"CREATE DATABASE {db}; CREATE TABLE {db}.m (a LONGTEXT) ENGINE=MyISAM")
            with self.assertRaisesRegex(Exception, "max_binlog_stmt_cache_size"):
                server.sql(f"INSERT INTO {db}.m VALUES (REPEAT('a', 3000)), (REPEAT('b', 9000))")
            stream = run("--startup-mode=earliest", "--stop-mode=latest", server=server, status=69)
            self.assertIn("lost events", stream.stderr)
            self.assertEqual(stream.end["status"], 69)


class Files(unittest.TestCase):
    """What a server writes, and files made of it."""

    @classmethod
    def setUpClass(cls):
        cls.server = Server.start("plain", options=["--binlog-row-metadata=FULL", "--binlog-checksum=NONE"])
        cls.addClassCleanup(cls.server.destroy, kill=True)
        cls.server.sql("CREATE DATABASE d; CREATE TABLE d.t (id INT PRIMARY KEY, v TEXT); INSERT INTO d.t VALUES (1, 'a'); FLUSH BINARY LOGS")
        cls.file = cls.server.binlogs()[0]
        data = cls.file.read_bytes()  # without its ROTATE, so that something may follow
        cls.closed = path("closed.000001")
        cls.closed.write_bytes(data[: -struct.unpack_from("<I", data, last_event(data) + 9)[0]])

    def test_checksums_on_and_off(self):
        db = "checksums"
        self.server.sql(f"""CREATE DATABASE {db}; CREATE TABLE {db}.t (id INT PRIMARY KEY); INSERT INTO {db}.t VALUES (1);
            SET GLOBAL binlog_checksum = CRC32; INSERT INTO {db}.t VALUES (2); SET GLOBAL binlog_checksum = NONE; INSERT INTO {db}.t VALUES (3)""")
        stream = everything(self.server, "-t", f"{db}.*")
        self.assertEqual(stream.inserted(), [1, 2, 3])
        self.assertEqual(run(*self.server.binlogs(), "-t", f"{db}.*").rows, stream.rows)

    def test_a_broken_checksum(self):
        with Server.start("summed", options=["--binlog-row-metadata=FULL"]) as server:
            server.sql("CREATE DATABASE d; CREATE TABLE d.t (id INT PRIMARY KEY, v TEXT); INSERT INTO d.t VALUES (1, 'needle')")
            data = bytearray(server.binlogs()[0].read_bytes())
        data[data.index(b"needle")] ^= 1
        broken = path("broken.000001")
        broken.write_bytes(data)
        stream = run(broken, status=65)
        self.assertRegex(stream.stderr, r"broken\.000001:\d+.*checksum")
        self.assertEqual(stream.rows, [])

    def test_events_nobody_has_heard_of(self):
        self.assertEqual(run(with_event(self.closed, "ignorable.000001", FUTURE, IGNORABLE, b"whatever")).inserted(), [1])
        stream = run(with_event(self.closed, "unknown.000001", FUTURE), status=65)
        self.assertIn(f"unknown.000001:{self.closed.stat().st_size}", stream.stderr)
        stream = run(with_event(self.closed, "incident.000001", INCIDENT, 0, struct.pack("<HB", 1, 4) + b"gone"), status=69)
        self.assertIn("gone", stream.stderr)

    def test_beyond_4_gib(self):
        """Headers have 32 bits for a position, records 64. What fills the file here is holes."""
        begun = run(self.closed).of("begin")[0]["pos"]
        large = path("large.000001")
        behind = begun + put_4_gib(large, self.closed.read_bytes(), begun)
        stream = run(large)
        self.assertEqual(stream.inserted(), [1])
        self.assertEqual((stream.of("begin")[0]["pos"], stream.end["pos"]), (behind, large.stat().st_size))
        self.assertEqual(run(large, f"--file={large.name}", f"--pos={behind}").inserted(), [1])
        self.assertEqual(run(large, f"--stop-file={large.name}", f"--stop-pos={behind}").rows, [])
        large.unlink()

    def test_beyond_4_gib_of_what_we_have(self):
        """The dump passes over it in silence and says where it is then."""
        with Server.start("long", options=["--binlog-row-metadata=FULL", "--binlog-checksum=NONE"]) as server:
            server.sql("CREATE DATABASE d; CREATE TABLE d.t (id INT PRIMARY KEY, v TEXT); INSERT INTO d.t VALUES (1, 'a')")
            executed = server.gtid_executed()
            server.sql("INSERT INTO d.t VALUES (2, 'b'); FLUSH BINARY LOGS; INSERT INTO d.t VALUES (3, 'c')")
            first, file = run(server.binlogs()[0]), server.binlogs()[0]
            server.stop()
            begun = first.of("begin")[1]["pos"]
            behind = begun + put_4_gib(file, file.read_bytes(), begun)
            server.restart()
            stream = run(f"--gtid-set={executed}", "--stop-mode=latest", server=server)
            self.assertEqual(stream.inserted(), [2, 3])
            self.assertEqual(stream.of("begin")[0]["pos"], behind)

    def test_file_number_1000000(self):
        """Behind binlog.999999 comes a name of seven digits, which is later though it sorts before."""
        with Server.start("rollover", options=["--binlog-row-metadata=FULL"]) as server:
            server.sql("CREATE DATABASE d; CREATE TABLE d.t (id INT PRIMARY KEY); INSERT INTO d.t VALUES (1)")
            server.stop()
            os.rename(server.datadir / "binlog.000001", server.datadir / "binlog.999999")
            (server.datadir / "binlog.index").write_text("./binlog.999999\n")
            server.restart()
            server.sql("INSERT INTO d.t VALUES (2)")
            self.assertEqual([file.name for file in server.binlogs()], ["binlog.999999", "binlog.1000000"])
            stream = everything(server)
            self.assertEqual(stream.inserted(), [1, 2])
            self.assertEqual(stream.end["file"], "binlog.1000000")
            begun = stream.of("begin")[1]
            self.assertEqual(run(f"--file={begun['file']}", f"--pos={begun['pos']}", "--stop-mode=latest", server=server).inserted(), [2])
            stop = ["--stop-file=binlog.1000000", f"--stop-pos={begun['pos']}"]
            self.assertEqual(run("--startup-mode=earliest", *stop, server=server).inserted(), [1])
            self.assertEqual(run(*server.binlogs(), *stop).inserted(), [1])
            self.assertEqual(run(*server.binlogs()).rows, stream.rows)

    def test_encrypted_files(self):
        """A server sends its encrypted log in the clear; the file is refused."""
        keys = path("keys.txt")
        keys.write_text(f"1;{'0123456789abcdef' * 4}\n")
        with start("secret", "mariadb", "--binlog-row-metadata=FULL", "--plugin-load-add=file_key_management",
                   f"--file-key-management-filename={keys}", "--encrypt-binlog") as server:  # fmt: skip
            server.sql("CREATE DATABASE d; CREATE TABLE d.t (id INT PRIMARY KEY); INSERT INTO d.t VALUES (1)")
            self.assertEqual(everything(server).inserted(), [1])
            copy = path("secret.000001")
            shutil.copyfile(server.binlogs()[0], copy)
        stream = run(copy, status=78)
        self.assertRegex(stream.stderr, "encrypted")


def last_event(data):
    """Where the last event of a binlog file begins."""
    at = 4
    while (end := at + struct.unpack_from("<I", data, at + 9)[0]) < len(data):
        at = end
    return at


class RolledBack(unittest.TestCase):
    """A temporary table is not undone by ROLLBACK: a transaction that made or dropped one is logged as far as it came."""

    def check(self, flavor, *options):
        with start(f"rolled-{flavor}", flavor, "--max-allowed-packet=64M", "--innodb-log-file-size=128M", *options) as server:
            server.sql("CREATE DATABASE d; CREATE TABLE d.t (id INT PRIMARY KEY, v LONGTEXT); CREATE TABLE d.m (id INT PRIMARY KEY) ENGINE=MyISAM")
            server.sql("CREATE TEMPORARY TABLE d.y (i INT); BEGIN; INSERT INTO d.t VALUES (1, 'undone'); DROP TEMPORARY TABLE d.y; ROLLBACK")
            server.sql("BEGIN; INSERT INTO d.t VALUES (2, 'done'); CREATE TEMPORARY TABLE d.y SELECT 1 AS i; UPDATE d.t SET v = 'twice'; COMMIT")
            server.sql("BEGIN; INSERT INTO d.t VALUES (3, 'undone'); CREATE TEMPORARY TABLE d.y (i INT); INSERT INTO d.m VALUES (7); ROLLBACK")
            server.sql("BEGIN; INSERT INTO d.t VALUES (4, REPEAT('x', 3000000)), (5, REPEAT('y', 3000000)); INSERT INTO d.t VALUES (6, 'z'); COMMIT")
            log = [line for line in server.sql("SHOW BINLOG EVENTS") if "\tROLLBACK" in line]
            self.assertGreaterEqual(len(log), 1, "the server logs no such thing, and this tests nothing")
            stream = everything(server)
            self.assertEqual(stream.inserted(), [2, 7, 4, 5, 6])
            self.assertEqual([record["data"]["v"] for record in stream.of("+U")], ["twice"])
            self.assertEqual(everything(server, "--all-ddl").inserted(), [2, 7, 4, 5, 6])

    def test_mariadb(self):
        self.check("mariadb", "--binlog-row-metadata=FULL")

    def test_mysql56(self):
        self.check("mysql56", "--gtid-mode=OFF", "--enforce-gtid-consistency=OFF")


class MariaDb(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = start("maria", "mariadb", "--binlog-row-metadata=FULL", "--log-bin-compress=ON", "--log-bin-compress-min-len=10")
        cls.addClassCleanup(cls.server.destroy, kill=True)

    def setUp(self):
        self.db = self._testMethodName
        self.server.sql(f"CREATE DATABASE {self.db}; CREATE TABLE {self.db}.t (id INT PRIMARY KEY, v VARCHAR(100))")
        self.place = self.server.sql("SHOW MASTER STATUS")[0].split("\t")

    def from_here(self, *arguments, **more):
        return run(f"--file={self.place[0]}", f"--pos={self.place[1]}", "--stop-mode=latest", *arguments, server=self.server, **more)

    def test_xa(self):
        """Its binlog has no XA START: the GTID event says what it begins."""
        db = self.db
        for number, end in ((1, "COMMIT"), (2, "ROLLBACK")):
            self.server.sql(f"XA START 'm{number}'; INSERT INTO {db}.t VALUES ({number}, 'x'); XA END 'm{number}'; XA PREPARE 'm{number}'")
            self.server.sql(f"INSERT INTO {db}.t VALUES ({number + 10}, 'plain')")
            self.server.sql(f"XA {end} 'm{number}'")
        self.server.sql(f"XA START 'one'; INSERT INTO {db}.t VALUES (3, 'x'); XA END 'one'; XA COMMIT 'one' ONE PHASE")
        stream = self.from_here()
        self.assertEqual(stream.inserted(), [11, 1, 12, 3])
        self.assertEqual(run(*self.server.binlogs(), "-t", f"{db}.*").rows, stream.rows)

    def test_stop_at_a_set(self):
        places = []
        for number in (1, 2, 3):
            self.server.sql(f"INSERT INTO {self.db}.t VALUES ({number}, 'x')")
            places.append(self.server.value("SELECT @@GLOBAL.gtid_binlog_pos"))
        for index, place in enumerate(places, 1):
            stop = ["-t", f"{self.db}.*", f"--stop-gtid-set={place}"]
            self.assertEqual(run("--startup-mode=earliest", *stop, server=self.server).inserted(), [1, 2, 3][:index])
            self.assertEqual(run(*self.server.binlogs(), *stop).inserted(), [1, 2, 3][:index])

    def test_compressed_and_annotated(self):
        db, long = self.db, "y" * 90
        self.server.sql(f"SET binlog_annotate_row_events = ON; INSERT INTO {db}.t VALUES (1, '{long}'); UPDATE {db}.t SET v = CONCAT(v, 'z')")
        self.server.sql(f"DELETE FROM {db}.t")
        stream = self.from_here()
        self.assertEqual([(row["kind"], row["data"]["v"]) for row in stream.rows],
                         [("+I", long), ("-U", long), ("+U", long + "z"), ("-D", long + "z")])  # fmt: skip
        self.assertRegex(stream.of("begin")[0]["gtid"], r"^0-\d+-\d+$")
        self.assertEqual(run(*self.server.binlogs(), "-t", f"{db}.*").rows, stream.rows)

    def test_types_of_its_own(self):
        """Names and types asked from the server."""
        db = self.db
        self.server.sql(f"""SET GLOBAL binlog_row_metadata = MINIMAL; CREATE TABLE {db}.own (id INT PRIMARY KEY, a INET6, b INET4, c UUID,
            d VARCHAR(50) COMPRESSED, e BLOB COMPRESSED); INSERT INTO {db}.own VALUES (1, '::1', '192.0.2.9',
            '6ccd780c-baba-1026-9564-5b8c656024db', REPEAT('d', 50), REPEAT('e', 300)); SET GLOBAL binlog_row_metadata = FULL""")
        (row,) = self.from_here("-t", f"{db}.own").rows
        self.assertEqual(row["data"], {"id": 1, "a": "::1", "b": "192.0.2.9", "c": "6ccd780c-baba-1026-9564-5b8c656024db",
                                       "d": "d" * 50, "e": "ZWVl" * 100})  # fmt: skip


    def test_two_readers_with_one_id(self):
        """MariaDB knows replicas by nothing else, and throws the older one out; the message says why."""
        with Running("--server-id=77", server=self.server) as first:
            first.until(lambda record: record["kind"] == "start")
            with Running("--server-id=77", server=self.server) as second:
                second.until(lambda record: record["kind"] == "start")
                stream = first.finish(78)
                self.assertRegex(stream.stderr, "same server_uuid/server_id.*--server-id")
                self.server.sql(f"INSERT INTO {self.db}.t VALUES (1, 'x')")
                second.until_inserted(1)

    def test_collations_without_a_number(self):
        """information_schema has none for uca1400; the character set is what counts."""
        db = self.db
        self.server.sql(f"""SET GLOBAL binlog_row_metadata = MINIMAL; SET NAMES utf8mb4; CREATE TABLE {db}.c (id INT PRIMARY KEY,
            a VARCHAR(20) CHARACTER SET utf8mb4 COLLATE uca1400_ai_ci, b TEXT CHARACTER SET ucs2 COLLATE uca1400_as_cs,
            e ENUM('ä', 'ö') CHARACTER SET utf8mb3 COLLATE uca1400_ai_ci); INSERT INTO {db}.c VALUES (1, 'größe', 'ключ', 'ö');
            SET GLOBAL binlog_row_metadata = FULL""")
        (row,) = self.from_here("-t", f"{db}.c").rows
        self.assertEqual(row["data"], {"id": 1, "a": "größe", "b": "ключ", "e": "ö"})

    def test_a_log_that_has_gone_on_without_the_position(self):
        """MariaDB compares numbers; under those of another server it would send nothing of the domain, ever."""
        with start("other", "mariadb", "--binlog-row-metadata=FULL", "--server-id=4711") as other:
            self.server.sql(f"INSERT INTO {self.db}.t VALUES (1, 'x')")
            here = self.server.value("SELECT @@GLOBAL.gtid_binlog_pos")
            domain, server, sequence = map(int, here.split("-"))
            other.sql(f"SET SESSION gtid_seq_no = {sequence + 10}; CREATE DATABASE d; CREATE TABLE d.t (id INT); INSERT INTO d.t VALUES (1)")
            self.assertNotEqual(server, 4711)
            stream = run(f"--gtid-set={here}", "--stop-mode=latest", server=other, status=69)
            self.assertIn(here, stream.stderr)
            self.assertEqual(run(f"--gtid-set={here}", "--stop-mode=latest", server=self.server).rows, [])

    def test_a_checkpoint_on_another_server(self):
        """Its GTIDs count, not its place in files of the same names."""
        checkpoint = path("mariadb.ckpt")
        with (start("first", "mariadb", "--binlog-row-metadata=FULL") as first,
              Server.start("second", flavor="mariadb", options=["--binlog-row-metadata=FULL", "--log-bin-compress=ON"],
                           replica_of=first) as second):  # fmt: skip
            first.sql("CREATE DATABASE d; CREATE TABLE d.t (id INT PRIMARY KEY, v TEXT); INSERT INTO d.t VALUES (1, REPEAT('x', 20000))")
            executed = first.value("SELECT @@GLOBAL.gtid_binlog_pos")
            second.value(f"SELECT MASTER_GTID_WAIT('{executed}', 60)")
            arguments = [f"--checkpoint={checkpoint}", "--save-checkpoint", "--stop-mode=latest", "--startup-mode=earliest"]
            self.assertEqual(run(*arguments, server=first).inserted(), [1])
            second.sql("STOP SLAVE; INSERT INTO d.t VALUES (2, 'y')")
            file, end = second.sql("SHOW MASTER STATUS")[0].split("\t")[:2]
            self.assertTrue(file == "binlog.000001" and int(end) < json.loads(checkpoint.read_text())["pos"])
            self.assertEqual(run(*arguments, server=second).inserted(), [2])

    def test_old_fractions(self):
        """mysql56_temporal_format=OFF: no event tells how long values with fractions are. Rows that are told keep their numbers;
        of a table that has such columns there are none."""
        db = self.db
        self.server.sql(f"""SET GLOBAL mysql56_temporal_format = OFF; CREATE TABLE {db}.old (id INT PRIMARY KEY, a TIME(3), b DATETIME(6),
            c TIMESTAMP(1) NULL, d VARCHAR(20)); CREATE TABLE {db}.plain (id INT PRIMARY KEY, a TIME, b DATETIME, c TIMESTAMP NULL);
            SET GLOBAL mysql56_temporal_format = ON""")
        for number in range(9):
            self.server.sql(f"""BEGIN; INSERT INTO {db}.old VALUES ({number}, '-12:34:56.789', '2024-02-29 01:02:03.456789',
                '2024-02-29 01:02:03.{number}', REPEAT('x', {number})); INSERT INTO {db}.t VALUES ({number}, 'x'); COMMIT""")
        self.server.sql(f"INSERT INTO {db}.plain VALUES (1, '-12:34:56', '2024-02-29 01:02:03', '2024-02-29 01:02:03')")
        self.assertEqual(self.from_here("-t", f"{db}.t").inserted(), list(range(9)))
        (row,) = self.from_here("-t", f"{db}.plain").rows
        self.assertEqual(row["data"], {"id": 1, "a": "-12:34:56", "b": "2024-02-29 01:02:03", "c": "2024-02-29 01:02:03"})
        for metadata in ("FULL", "MINIMAL"):
            with self.subTest(metadata):
                self.server.sql(f"SET GLOBAL binlog_row_metadata = {metadata}")
                self.place = self.server.sql("SHOW MASTER STATUS")[0].split("\t")
                self.server.sql(f"UPDATE {db}.old SET d = CONCAT(d, 'y'); SET GLOBAL binlog_row_metadata = FULL")
                self.assertRegex(self.from_here("-t", f"{db}.old", status=65).stderr, r"mariadb-5\.3.*not supported")


class Old(unittest.TestCase):
    def test_binary_is_padded(self):
        """MySQL 5.6 has no character sets in its binlog: a BINARY column is known by asking."""
        with start("old", "mysql56") as server:
            server.sql("CREATE DATABASE d; CREATE TABLE d.t (id INT PRIMARY KEY, b BINARY(6), v VARBINARY(6), c CHAR(6))")
            server.sql("INSERT INTO d.t VALUES (1, 'a', 'a', 'a'), (2, '', '', '')")
            self.assertEqual([row["data"] for row in everything(server).rows],
                             [{"id": 1, "b": "YQAAAAAA", "v": "YQ==", "c": "a"}, {"id": 2, "b": "AAAAAAAA", "v": "", "c": ""}])  # fmt: skip


if __name__ == "__main__":
    unittest.main()
