#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""cdc-tail and what goes wrong: each kind of bad input, failing output and signal, with its exit status and its words."""

import json
import os
import pathlib
import resource
import signal
import socket
import subprocess
import time
import unittest

from sandbox import run_directory
from tail import OneServer, Running, command, end_of_log, path, run


class Refused(OneServer):
    """What cannot be read: the exit status says whether the same line may succeed later, the text what to do."""

    def refused(self, *arguments, status, words, server=None, **more):
        stream = run(*arguments, server=server, status=status, **more)
        self.assertRegex(stream.stderr, words)
        self.assertEqual(stream.rows, [])
        if status != 64:  # the reader of a pipe learns it too
            self.assertEqual(stream.end["status"], status)
        return stream

    def test_usage(self):
        for arguments in (["--no-such-option"], ["--pos=4"], ["-t", "no_database"], ["--startup-mode=sometime"],
                          ["--heartbeat=soon"], ["--time-zone=Mars/Olympus"], ["--format=xml"], ["--save-checkpoint"],
                          ["--startup-mode=latest", "file"], ["-psecret"]):  # fmt: skip
            stream = self.refused(*arguments, status=64, words="--help")
            self.assertNotIn("secret", stream.stderr)
            self.assertEqual(stream.records, [])

    def test_no_server_there(self):
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            port = unused.getsockname()[1]
            self.refused("--no-defaults", "-h", "127.0.0.1", f"-P{port}", status=75, words="127.0.0.1")

    def test_wrong_password(self):
        self.server.sql("CREATE USER IF NOT EXISTS reader IDENTIFIED BY 'right'; GRANT REPLICATION SLAVE ON *.* TO reader")
        self.refused("--no-defaults", f"--socket={self.server.socket}", "-u", "reader", status=77, words="(?i)access denied")

    def test_without_the_grant(self):
        self.server.sql("CREATE USER IF NOT EXISTS nobody")
        self.refused("--no-defaults", f"--socket={self.server.socket}", "-u", "nobody", status=77, words="(?i)denied")

    def test_a_place_inside_something(self):
        before = end_of_log(self.server)
        self.insert(1)
        after = end_of_log(self.server)
        events = [line.split("\t") for line in self.server.sql(f"SHOW BINLOG EVENTS IN '{before[0]}' FROM {before[1]}")]
        table_map = next(int(event[1]) for event in events if event[2] == "Table_map")
        for pos, words in ((table_map, "inside a transaction"), (table_map + 5, "inside the event TABLE_MAP")):
            stream = self.refused(f"--file={before[0]}", f"--pos={pos}", server=self.server, status=69, words=words)
            self.assertIn(f"{before[0]}:{before[1]}", stream.stderr)
            self.assertIn(f"{after[0]}:{after[1]}", stream.stderr)
        local = self.refused(*self.server.binlogs(), f"--file={before[0]}", f"--pos={table_map}", status=69, words="between two")
        self.assertIn(f"{before[0]}:{before[1]} and {after[0]}:{after[1]}", local.stderr)

    def test_a_place_that_is_not_there(self):
        file, pos = end_of_log(self.server)
        self.refused(f"--file={file}", f"--pos={pos + 1}", server=self.server, status=69, words=f"behind the end.*{pos}")
        self.refused(f"--file={file}", "--pos=2", server=self.server, status=69, words=f"first event is at {file}:4")
        self.refused("--file=binlog.999999", server=self.server, status=69, words="it has binlog.*to")
        self.refused(*self.server.binlogs(), "--file=binlog.999999", status=69, words="is not in the input")

    def test_a_position_and_another_set(self):
        self.refused(f"--file={self.start[0]}", f"--pos={self.start[1]}", f"--gtid-set={self.server.uuid}:1", server=self.server,
                     status=69, words="--gtid-set is not the set executed at")  # fmt: skip

    def test_purged(self):
        """The set that the message names works."""
        self.insert(1)
        self.server.sql("FLUSH BINARY LOGS")
        last = self.server.binlogs()[-1].name
        self.server.sql(f"PURGE BINARY LOGS TO '{last}'; INSERT INTO {self.db}.t VALUES (2, 'kept')")
        stream = self.refused(f"--gtid-set={self.server.uuid}:1", server=self.server, status=69, words="has purged")
        use = stream.stderr.split("--gtid-set=")[1].strip()
        self.assertEqual(run(f"--gtid-set={use}", "--stop-mode=latest", server=self.server).inserted(), [2])

    def test_a_file_that_is_none(self):
        (text := path("text")).write_text("hello, world\n")
        (empty := path("empty")).write_bytes(b"")
        (encrypted := path("encrypted")).write_bytes(b"\xfdbin" + bytes(600))
        self.refused(text, status=65, words="no binlog")
        self.refused(empty, status=65, words="no binlog")
        self.refused(encrypted, status=78, words="encrypted")
        self.refused(path("missing"), status=66, words="missing: No such file")
        self.refused(run_directory(), status=66, words="directory")

    def test_a_cut_file(self):
        """Cut inside an event: 65 when the server has closed the file, 75 while it is written. Rows before it are told."""
        self.insert(1, 2)
        self.server.sql("FLUSH BINARY LOGS")
        *_, closed, written = self.server.binlogs()
        whole = closed.read_bytes()
        (cut := path("binlog.000777")).write_bytes(whole[: -50])
        stream = run(cut, "-t", f"{self.db}.*", status=65)
        self.assertRegex(stream.stderr, r"binlog.000777:\d+: .*the event needs")
        self.assertEqual(stream.inserted(), [1, 2])
        self.insert(3)
        (cut := path("binlog.000778")).write_bytes(written.read_bytes()[:-10])
        stream = run(cut, status=75)
        self.assertRegex(stream.stderr, "has not closed")
        self.assertEqual([record["kind"] for record in stream.records][-2:], ["+I", "end"], "no commit without its event")

    def test_a_broken_event(self):
        self.insert(1)
        file = self.server.binlogs()[-1]
        content = bytearray(file.read_bytes())
        content[-40] ^= 1
        (broken := path("binlog.000779")).write_bytes(content)
        self.refused(broken, "-t", "nothing.*", status=65, words=r"binlog.000779:\d+: .*checksum")

    def test_a_missing_file_between(self):
        self.insert(1)
        self.server.sql(f"FLUSH BINARY LOGS; INSERT INTO {self.db}.t VALUES (2, 'x'); FLUSH BINARY LOGS")
        files = self.server.binlogs()
        stream = run(files[0], files[-1], status=69)
        self.assertRegex(stream.stderr, "is a file missing")

    def test_files_out_of_order(self):
        """As a shell sorts them: 1000000 in front of 999999, each of which has all that it needs in its set of GTIDs."""
        self.server.sql(f"FLUSH BINARY LOGS; INSERT INTO {self.db}.t VALUES (1, 'x'); FLUSH BINARY LOGS")
        files = self.server.binlogs()
        self.refused(files[-1], files[-2], "-t", "nothing.*", status=69, words="order")
        self.refused(files[-2], files[-2], "-t", "nothing.*", status=69, words="order")

    def test_another_filter_than_the_checkpoint(self):
        checkpoint = path("filter.ckpt")
        self.from_here("-t", f"{self.db}.*", f"--checkpoint={checkpoint}", "--save-checkpoint")
        self.refused("-t", "other.*", f"--checkpoint={checkpoint}", server=self.server, status=78, words="filter")
        self.refused("-t", f"{self.db}.*", "--time-zone=+01:00", f"--checkpoint={checkpoint}", server=self.server, status=78,
                     words="time zone")  # fmt: skip
        run("-t", "other.*", f"--checkpoint={checkpoint}", "--accept-change", "--stop-mode=latest", server=self.server)

    def test_a_locked_checkpoint(self):
        checkpoint = path("locked.ckpt")
        with Running(f"--checkpoint={checkpoint}", "--save-checkpoint", server=self.server) as first:
            first.until(lambda record: record["kind"] == "start")
            self.refused(f"--checkpoint={checkpoint}", "--save-checkpoint", server=self.server, status=75, words="lock")


class Output(OneServer):
    def setUp(self):
        super().setUp()
        self.insert(1)
        self.arguments = [f"--file={self.start[0]}", f"--pos={self.start[1]}"]

    def test_a_full_disk(self):
        with open("/dev/full", "wb") as full:
            done = subprocess.run(command(*self.arguments, "--stop-mode=latest", server=self.server), stdout=full,
                                  stderr=subprocess.PIPE, text=True, check=False, timeout=60)  # fmt: skip
        self.assertEqual(done.returncode, 74)
        self.assertIn("standard output: No space left on device", done.stderr)

    def test_a_full_disk_for_the_checkpoint(self):
        """The old checkpoint stays whole."""
        checkpoint = path("full.ckpt")
        run(*self.arguments, f"--checkpoint={checkpoint}", "--save-checkpoint", "-n1", server=self.server)
        saved = checkpoint.read_bytes()

        def no_files():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10))

        done = subprocess.run(
            command(f"--checkpoint={checkpoint}", "--save-checkpoint", "--stop-mode=latest", server=self.server),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False, timeout=60, preexec_fn=no_files)  # fmt: skip
        self.assertEqual(done.returncode, 74, done.stderr)
        self.assertIn(b"full.ckpt", done.stderr)
        end = json.loads(done.stdout.splitlines()[-1])
        self.assertEqual((end["kind"], end["status"]), ("end", 74))
        self.assertEqual(checkpoint.read_bytes(), saved)

    def test_a_reader_that_goes_away(self):
        """`| head -1` ends at once, also when nothing more is written; quietly, by SIGPIPE."""
        process = subprocess.Popen(command("--heartbeat=0", server=self.server), stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE)
        self.assertIn(b'"kind":"start"', process.stdout.readline())
        process.stdout.close()
        self.assertEqual(process.wait(timeout=60), -signal.SIGPIPE)
        self.assertEqual(process.stderr.read(), b"")
        process.stderr.close()

    def test_interrupts(self):
        for number, status in ((signal.SIGINT, -signal.SIGINT), (signal.SIGTERM, -signal.SIGTERM)):
            with Running(*self.arguments, server=self.server) as running:
                running.until(lambda record: record["kind"] == "commit")
                stream = running.stop(number, status)
                self.assertEqual(stream.end["status"], 128 + number)
                self.assertEqual((stream.end["file"], stream.end["pos"]), end_of_log(self.server))

    def test_a_status_line(self):
        with Running(*self.arguments, server=self.server) as running:
            running.until(lambda record: record["kind"] == "commit")
            running.process.send_signal(signal.SIGUSR1)
            running.until_error("1 changes told")
            running.stop(signal.SIGTERM, -signal.SIGTERM)

    def test_heartbeats(self):
        """In a quiet stream, and in one where everything is filtered out: the position moves on."""
        with Running("--heartbeat=100ms", "-t", "nothing.*", server=self.server) as running:
            start = running.until(lambda record: record["kind"] == "start")
            self.insert(2)
            executed = self.server.gtid_executed()
            beat = running.until(lambda record: record["kind"] == "heartbeat" and record["gtids"])
            self.assertEqual(self.server.value(f"SELECT GTID_SUBTRACT('{executed}', '{start['gtid_set']},{beat['gtids']}')"), "")
            self.assertEqual((beat["file"], beat["pos"]), end_of_log(self.server))
            running.until(lambda record: record["kind"] == "heartbeat")

    def test_rows_only(self):
        stream = self.from_here("--rows-only")
        self.assertEqual({record["kind"] for record in stream.records}, {"+I"})

    def test_each_line_is_written_at_once(self):
        """A file as stdout, and a source that is idle: all records so far are in it, whole."""
        out = path("out.json")
        with open(out, "wb") as file:
            process = subprocess.Popen(command(*self.arguments, server=self.server), stdout=file)
            try:
                deadline = time.monotonic() + 60
                while b'"commit"' not in out.read_bytes():
                    self.assertLess(time.monotonic(), deadline)
                    time.sleep(0.01)
                self.assertEqual([json.loads(line)["kind"] for line in out.read_bytes().splitlines()][-2:], ["+I", "commit"])
            finally:
                process.kill()
                process.wait()


if __name__ == "__main__":
    unittest.main()
