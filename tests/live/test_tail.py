#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""cdc-tail against real servers: where it starts and stops, what it leaves out, how it goes on after whatever happens."""

import json
import time
import unittest

from proxy import Proxy
from sandbox import Server
from tail import Model, OneServer, Running, end_of_log, everything, path, run


class Values(OneServer):
    def test_the_stream_makes_the_table(self):
        """Every kind of change, applied to a model, against SELECT."""
        db = self.db
        self.server.sql(f"""
            CREATE TABLE {db}.all_kinds (id BIGINT UNSIGNED PRIMARY KEY, d DECIMAL(12,3), f DOUBLE, s VARCHAR(40), l CHAR(10)
              CHARACTER SET latin1, b VARBINARY(20), e ENUM('a','b'), m SET('x','y','z'), at DATETIME(3), ts TIMESTAMP(2) NULL,
              j JSON, n INT NULL);
            INSERT INTO {db}.all_kinds VALUES (18446744073709551615, -12.5, 0.1, 'Köln "東京" \\\\ \\n', 'Grüße', x'00ff27', 'b', 'x,z',
              '2026-02-28 23:59:59.125', '2026-02-28 23:59:59.25', '{{"a": [1, null, "x"], "b": {{}}}}', NULL),
              (2, 0, 1e300, '', '', '', 'a', '', '1000-01-01', NULL, '[]', -1), (3, 1, -0.5, 'x', 'y', 'z', 'a', 'y', '9999-12-31',
              '1970-01-01 00:00:01', 'true', 7), (4, 4, 4, '4', '4', '4', 'a', 'x', '2026-01-01', '2026-01-01', '4', 4);
            UPDATE {db}.all_kinds SET s = CONCAT(s, '!'), n = 5;
            UPDATE {db}.all_kinds SET id = 30, n = NULL WHERE id = 3;
            DELETE FROM {db}.all_kinds WHERE id = 4""")
        model = Model()
        model.apply(self.from_here().records)
        told = model.rows(db, "all_kinds")
        self.assertEqual([row["id"] for row in told], [2, 30, 18446744073709551615])
        asked = self.server.sql(f"""SET time_zone = '+00:00'; SELECT JSON_ARRAY(CAST(id AS CHAR), CAST(d AS CHAR), CAST(f AS CHAR),
            s, l, REPLACE(TO_BASE64(b), '\\n', ''), CAST(e AS CHAR), CAST(m AS CHAR), CAST(at AS CHAR), CAST(ts AS CHAR), j, n)
            FROM {db}.all_kinds ORDER BY id""")
        for row, line in zip(told, asked, strict=True):
            row["id"], row["f"] = str(row["id"]), float(row["f"])
            want = json.loads(line.replace("\\\\", "\\"))
            want[2] = float(want[2])
            self.assertEqual(list(row.values()), want)

    def test_files_and_server_tell_the_same(self):
        """Also when transactions are compressed, and whether files are named or come on standard input."""
        self.insert(1, 2)
        self.server.sql(f"SET binlog_transaction_compression=ON; INSERT INTO {self.db}.t VALUES (3, REPEAT('x', 20)), (4, 'y')")
        self.server.sql(f"FLUSH BINARY LOGS; UPDATE {self.db}.t SET v = 'z'; DELETE FROM {self.db}.t")
        remote = everything(self.server)
        files = self.server.binlogs()
        local = run(*files)
        self.assertEqual(local.records[1:-1], remote.records[1:-1])
        self.assertEqual(local.start["gtid_set"], remote.start["gtid_set"])
        with open(files[-1], "rb") as last:
            piped = run("-", stdin=last)
        self.assertEqual([row["data"] for row in piped.rows], [row["data"] for row in run(files[-1]).rows])

    def test_gtids_leave_no_hole(self):
        """However the stream is filtered: start.gtid_set and all gtids make up what the server has executed."""
        self.server.sql(f"CREATE TABLE {self.db}.other (id INT PRIMARY KEY)")
        for number in range(20):
            self.server.sql(f"INSERT INTO {self.db}.other VALUES ({number})")
            if number % 7 == 0:
                self.insert(number)
        for table_filter in ([], ["-t", f"{self.db}.t"], ["-t", "nothing.*"], ["-x", "*.*"]):
            stream = everything(self.server, *table_filter)
            told = ",".join(filter(None, [stream.start["gtid_set"]] + [record["gtids"] for record in stream.boundaries]))
            self.assertEqual(self.server.value(f"SELECT GTID_SUBTRACT(@@GLOBAL.gtid_executed, '{told}')"), "")
            self.assertEqual(self.server.value(f"SELECT GTID_SUBTRACT('{told}', @@GLOBAL.gtid_executed)"), "")
            self.assertEqual((stream.end["file"], stream.end["pos"]), end_of_log(self.server))
        self.assertEqual(stream.rows, [])

    def test_null_in_every_place(self):
        """Tables of 1 to 4096 columns; rows in which one column is NULL, all are, or none is."""
        for count in (1, 7, 8, 9, 16, 65, 1017, 4096):
            with self.subTest(count):
                table = f"{self.db}.of_{count}"
                columns = ", ".join(f"c{number} TINYINT" for number in range(count))
                self.server.sql(f"CREATE TABLE {table} ({columns}) ENGINE={'InnoDB' if count <= 1017 else 'MyISAM'}")
                places = range(count) if count < 100 else sorted({0, 1, 6, 7, 8, 9, 250, 251, 255, 256, count // 2, count - 9, count - 8, count - 2, count - 1})
                rows = [[None if number == place else number % 100 for number in range(count)] for place in places]
                rows += [[None] * count, list(range(count))] if count < 100 else [[None] * count]
                values = ", ".join(f"({', '.join('NULL' if value is None else str(value) for value in row)})" for row in rows)
                self.server.sql(f"INSERT INTO {table} VALUES {values}")
                told = self.from_here("-t", table)
                self.assertEqual([list(record["data"].values()) for record in told.rows], rows)
                self.assertEqual(list(told.rows[0]["data"]), [f"c{number}" for number in range(count)])

    def test_a_large_row(self):
        """An event over 16 MB comes in several packets, and does not fit the buffers' first size."""
        self.server.sql(f"SET GLOBAL max_allowed_packet = 134217728; CREATE TABLE {self.db}.big (id INT PRIMARY KEY, b LONGBLOB)")
        self.server.sql(f"INSERT INTO {self.db}.big VALUES (1, REPEAT(x'00', 70000000)), (2, 'x')")
        expected = "A" * (70000000 // 3 * 4) + "AA=="
        for stream in (self.from_here("-t", "*.big"), run("-t", "*.big", *self.server.binlogs())):
            self.assertEqual([len(row["data"]["b"]) for row in stream.rows], [len(expected), 4])
            self.assertEqual(stream.rows[0]["data"]["b"], expected)


class Starts(OneServer):
    def setUp(self):
        super().setUp()
        self.places = []  # before each of the inserts 1..3
        for number in (1, 2, 3):
            self.places.append((*end_of_log(self.server), self.server.gtid_executed()))
            self.server.sql(f"SET timestamp={1_700_000_000 + number}; INSERT INTO {self.db}.t VALUES ({number}, 'x')")
        self.filter = ["-t", f"{self.db}.*"]

    def told(self, *arguments):
        stream = run(*arguments, *self.filter, "--stop-mode=latest", server=self.server)
        self.assertEqual(stream.end["status"], 0)
        return stream

    def test_earliest(self):
        stream = self.told("--startup-mode=earliest")
        self.assertEqual(stream.inserted(), [1, 2, 3])
        self.assertEqual(stream.start["gtid_set"], "")

    def test_earliest_with_a_set_that_no_file_names(self):
        """SET GLOBAL gtid_purged is in no binlog file, and the server sends nothing to a set without it."""
        with Server.start("restored", options=self.options) as server:
            server.sql("SET GLOBAL gtid_purged='3e11fa47-71ca-11e1-9e33-c80aa9429562:1-5'")
            server.sql("CREATE DATABASE d; CREATE TABLE d.t (id INT PRIMARY KEY); INSERT INTO d.t VALUES (1)")
            stream = everything(server)
            self.assertEqual(stream.inserted(), [1])
            self.assertEqual(stream.start["gtid_set"], "3e11fa47-71ca-11e1-9e33-c80aa9429562:1-5")

    def test_latest_tells_what_comes(self):
        with Running(*self.filter, server=self.server) as running:
            start = running.until(lambda record: record["kind"] == "start")
            self.assertEqual(start["gtid_set"], self.server.gtid_executed())
            self.assertEqual((start["file"], start["pos"]), end_of_log(self.server))
            self.insert(4)
            running.until_inserted(4)
            self.assertEqual(running.inserted(), [4])

    def test_latest_on_a_new_file(self):
        self.server.sql("FLUSH BINARY LOGS")
        with Running("--heartbeat=0", server=self.server) as running:  # nothing else may bring it out
            start = running.until(lambda record: record["kind"] == "start")
            self.assertEqual((start["file"], start["pos"]), end_of_log(self.server))

    def test_file_and_pos(self):
        for index, (file, pos, executed) in enumerate(self.places):
            stream = self.told(f"--file={file}", f"--pos={pos}")
            self.assertEqual(stream.inserted(), [1, 2, 3][index:])
            self.assertEqual((stream.start["file"], stream.start["pos"], stream.start["gtid_set"]), (file, pos, executed))

    def test_gtid_set(self):
        for index, (file, pos, executed) in enumerate(self.places):
            stream = self.told(f"--gtid-set={executed}")
            self.assertEqual(stream.inserted(), [1, 2, 3][index:])
            self.assertEqual((stream.start["file"], stream.start["pos"], stream.start["gtid_set"]), (file, pos, executed))

    def test_a_set_with_a_hole(self):
        """A transaction that the set lacks is sent though later ones are in it."""
        first, last = self.places[1], self.server.gtid_executed()
        hole = self.server.value(f"SELECT GTID_SUBTRACT('{self.places[2][2]}', '{first[2]}')")
        executed = self.server.value(f"SELECT REPLACE(GTID_SUBTRACT('{last}', '{hole}'), '\\n', '')")
        stream = self.told(f"--gtid-set={executed}")
        self.assertEqual(stream.inserted(), [2])
        self.assertEqual(stream.end["gtids"] or stream.boundaries[0]["gtids"], hole)
        local = run(*self.server.binlogs(), f"--gtid-set={executed}", *self.filter)
        self.assertEqual(local.rows, stream.rows)

    def test_timestamp(self):
        """The commit time counts, which SET timestamp cannot falsify."""
        begun = everything(self.server, *self.filter).of("begin")
        for index, begin in enumerate(begun[-3:]):
            stream = self.told(f"--timestamp={begin['ts_ms']}")
            self.assertEqual(stream.inserted()[-1], 3)
            self.assertGreaterEqual(stream.of("begin")[0]["ts_ms"], begin["ts_ms"])
            self.assertLessEqual(stream.inserted()[0], index + 1)
            local = run(*self.server.binlogs(), f"--timestamp={begin['ts_ms']}", *self.filter)
            self.assertEqual(local.rows, stream.rows)

    def test_files_from_a_position(self):
        for file, pos, executed in self.places:
            remote = self.told(f"--file={file}", f"--pos={pos}")
            local = run(*self.server.binlogs(), f"--file={file}", f"--pos={pos}", *self.filter)
            self.assertEqual(local.rows, remote.rows)
            self.assertEqual(local.start["gtid_set"], executed)

    def test_a_checkpoint_wins(self):
        file, pos, executed = self.places[2]
        checkpoint = path("wins.ckpt")
        with self.subTest("missing: a first run"):
            stream = self.told(f"--checkpoint={checkpoint}", f"--gtid-set={self.places[1][2]}")
            self.assertEqual(stream.inserted(), [2, 3])
            self.assertFalse(checkpoint.exists(), "only --save-checkpoint and cdc-load write it")
        self.told(f"--gtid-set={executed}", f"--checkpoint={checkpoint}", "--save-checkpoint")
        saved = json.loads(checkpoint.read_text())
        self.assertEqual(saved["gtid_set"], self.server.gtid_executed())
        self.insert(9)
        stream = self.told(f"--checkpoint={checkpoint}", "--startup-mode=earliest")
        self.assertEqual(stream.inserted(), [9])
        self.assertEqual(stream.start["gtid_set"], saved["gtid_set"])


class Stops(OneServer):
    def setUp(self):
        super().setUp()
        self.places = [(*self.start, self.set)]
        for number in (1, 2, 3):
            self.insert(number)
            self.places.append((*end_of_log(self.server), self.server.gtid_executed()))

    def told(self, *arguments):
        return run(f"--file={self.start[0]}", f"--pos={self.start[1]}", *arguments, server=self.server)

    def test_at_a_position(self):
        for index, (file, pos, _) in enumerate(self.places):
            stream = self.told(f"--stop-file={file}", f"--stop-pos={pos}")
            self.assertEqual(stream.inserted(), [1, 2, 3][:index])
            self.assertEqual((stream.end["file"], stream.end["pos"]), (file, pos))

    def test_inside_a_transaction_tells_it_whole(self):
        stream = self.told(f"--stop-file={self.places[1][0]}", f"--stop-pos={self.places[1][1] + 100}")
        self.assertEqual(stream.inserted(), [1, 2])
        self.assertEqual(stream.end["pos"], self.places[2][1])

    def test_at_a_gtid_set(self):
        for index, (_, pos, executed) in enumerate(self.places):
            stream = self.told(f"--stop-gtid-set={executed}")
            self.assertEqual(stream.inserted(), [1, 2, 3][:index])
            self.assertEqual(stream.end["pos"], pos)

    def test_before_a_time(self):
        """[start, stop): what --timestamp starts with, --stop-timestamp stops before."""
        times = [begin["ts_ms"] for begin in self.told("--stop-mode=latest").of("begin")]
        for time_ms in times:
            stopped = self.told(f"--stop-timestamp={time_ms}").inserted()
            started = run(f"--timestamp={time_ms}", "-t", f"{self.db}.*", "--stop-mode=latest", server=self.server).inserted()
            self.assertEqual(stopped + started, [1, 2, 3])

    def test_at_a_time_in_a_quiet_stream(self):
        soon = int(time.time() * 1000) + 500
        self.assertEqual(self.told(f"--stop-timestamp={soon}").inserted(), [1, 2, 3])

    def test_behind_a_time_on_a_slow_line(self):
        """What the log has is told, however late it comes: that nothing is there to read does not say that it ends."""
        stop = self.told("--stop-mode=latest").of("begin")[-1]["ts_ms"] + 1
        while time.time() * 1000 < stop + 1100:  # until the log as it is now is all that may come before that time
            time.sleep(0.05)
        with Proxy(self.server.port) as proxy:
            proxy.slow_down(0.1)
            stream = run("--no-defaults", "-h", "127.0.0.1", f"-P{proxy.port}", "-uroot", f"--file={self.start[0]}",
                         f"--pos={self.start[1]}", f"--stop-timestamp={stop}")  # fmt: skip
        self.assertEqual(stream.inserted(), [1, 2, 3])
        self.assertEqual(stream.end["reason"], "stop time reached")

    def test_latest_is_the_end_at_the_start(self):
        """Transactions that come while it reads are not told."""
        stream = self.told("--stop-mode=latest")
        self.assertEqual((stream.end["file"], stream.end["pos"]), end_of_log(self.server))
        self.assertEqual(stream.end["reason"], "stop position reached")

    def test_after_a_number_of_changes(self):
        stream = self.told("-n", "2")
        self.assertEqual(stream.inserted(), [1, 2])
        self.assertTrue(stream.end["partial"])
        self.assertEqual(stream.end["pos"], self.places[1][1], "the place to resume is before the cut transaction")

    def test_files(self):
        for index, (file, pos, executed) in enumerate(self.places):
            files = [*self.server.binlogs(), "-t", f"{self.db}.*"]
            self.assertEqual(run(*files, f"--stop-file={file}", f"--stop-pos={pos}").inserted(), [1, 2, 3][:index])
            self.assertEqual(run(*files, f"--stop-gtid-set={executed}").inserted(), [1, 2, 3][:index])

    def test_files_from_a_set_to_a_set(self):
        """What is passed over because the first has it does not count for the second."""
        for first, (_, _, executed) in enumerate(self.places):
            for last, (_, _, wanted) in enumerate(self.places[first:], first):
                stream = run(*self.server.binlogs(), "-t", f"{self.db}.*", f"--gtid-set={executed}", f"--stop-gtid-set={wanted}")
                self.assertEqual(stream.inserted(), [1, 2, 3][first:last])
                self.assertEqual(stream.start["gtid_set"], executed)

    def test_before_the_first_event(self):
        """A stream of nothing is a stream, too."""
        for place in (["--stop-file=binlog.000000"], ["--stop-timestamp=1"]):
            stream = run(*self.server.binlogs(), *place)
            self.assertEqual([record["kind"] for record in stream.records if record["kind"] != "heartbeat"], ["start", "end"])
            self.assertEqual(stream.start["gtid_set"], "")


if __name__ == "__main__":
    unittest.main()
