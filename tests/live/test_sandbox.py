#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The sandbox itself: what every live test takes for granted."""

import concurrent.futures
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time
import unittest

from sandbox import SCRIPT, SandboxError, Server, SqlError, run_directory


def eventually(condition, seconds=60):
    """Polls until `condition()` is true; whether it became so."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def processes_with(text):
    """Pids of the processes that have `text` in their command line."""
    found = []
    for entry in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if os.fsencode(text) in entry.read_bytes():
                found.append(int(entry.parent.name))
        except OSError:
            pass  # ended meanwhile
    return found


def answers(server):
    with socket.socket() as probe:
        return probe.connect_ex((server.host, server.port)) == 0


class Flavors(unittest.TestCase):
    def life_of(self, flavor):
        with Server.start("source", flavor=flavor) as source, Server.start("replica", replica_of=source) as replica:
            self.assertEqual(replica.flavor, flavor)
            self.assertNotEqual(replica.server_id, source.server_id)
            source.sql("CREATE DATABASE d; CREATE TABLE d.t (a INT PRIMARY KEY) ENGINE=InnoDB; INSERT INTO d.t VALUES (1)")
            before = source.pid, source.port
            source.restart(kill=True)
            self.assertNotEqual(source.pid, before[0])
            self.assertEqual(source.port, before[1])
            source.sql("INSERT INTO d.t VALUES (2)")
            self.assertEqual(source.sql("SELECT a FROM d.t ORDER BY a"), ["1", "2"])
            self.assertTrue(
                eventually(lambda: "t" in replica.sql("SHOW TABLES FROM d") and replica.sql("SELECT a FROM d.t") == ["1", "2"])
            )
            first_log = source.binlogs()[0].name
            kinds = {row.split("\t")[2].lower() for row in source.sql(f"SHOW BINLOG EVENTS IN '{first_log}'")}
            self.assertTrue(kinds & {"write_rows", "write_rows_v1"} and "gtid" in kinds, kinds)

    def test_mysql(self):
        self.life_of("mysql")

    def test_mariadb(self):
        self.life_of("mariadb")

    def test_mysql56(self):
        self.life_of("mysql56")


class Mysql(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server.start("mysql", options=["--binlog-row-metadata=FULL"])

    @classmethod
    def tearDownClass(cls):
        cls.server.destroy()

    def test_identity_is_the_servers(self):
        row = self.server.sql("SELECT VERSION(), @@server_uuid, @@port, @@server_id, @@socket, @@pid_file")[0].split("\t")
        self.assertEqual(row[:4], [self.server.version, self.server.uuid, str(self.server.port), str(self.server.server_id)])
        self.assertEqual(row[4], self.server.socket)
        self.assertEqual(pathlib.Path(row[5]).read_text().strip(), str(self.server.pid))
        self.assertGreaterEqual(tuple(map(int, row[0].split("-")[0].split(".")[:2])), (9, 7))

    def test_options_reach_the_server_and_survive_a_restart(self):
        self.server.restart(options=["--binlog-row-image=MINIMAL"])
        self.assertEqual(self.server.sql("SELECT @@binlog_row_metadata, @@binlog_row_image"), ["FULL\tMINIMAL"])
        self.server.restart(options=["--binlog-row-image=FULL"])

    def test_rows_are_lines(self):
        self.assertEqual(self.server.sql("SELECT 'a\\tb', NULL, ''; SELECT 1"), ["a\\tb\tNULL\t", "1"])
        self.assertEqual(self.server.sql("SELECT ''"), [""])
        self.assertEqual(self.server.sql("DO 1"), [])
        self.assertEqual(self.server.value("SELECT 'žluťoučký 🐎'"), "žluťoučký 🐎")

    def test_refused_statement_raises(self):
        with self.assertRaises(SqlError) as caught:
            self.server.sql("SELECT nothing; SELECT 1")
        self.assertEqual((caught.exception.code, caught.exception.sqlstate), (1054, "42S22"))

    def test_certificate_verifies_against_its_ca_only(self):
        client = ["mysql", "--no-defaults", "--protocol=tcp", "--host=127.0.0.1", f"--port={self.server.port}", "-uroot", "-N"]
        verify = [*client, "--ssl-mode=VERIFY_CA", "-e", "SHOW STATUS LIKE 'Ssl_version'"]
        self.assertIn("TLSv1.3", self.server.run(*verify, f"--ssl-ca={self.server.datadir}/ca.pem"))
        other = run_directory() / "other-ca.pem"
        new_ca = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "/dev/null", "-subj", "/CN=other"]
        subprocess.run([*new_ca, "-out", other], stderr=subprocess.DEVNULL, check=True)
        with self.assertRaisesRegex(SandboxError, "verify failed"):
            self.server.run(*verify, f"--ssl-ca={other}")

    def test_mysqlbinlog_reads_the_log(self):
        self.server.sql("CREATE DATABASE seen")
        self.assertIn("CREATE DATABASE seen", self.server.run("mysqlbinlog", str(self.server.binlogs()[-1])))

    def test_parallel_starts_are_two_servers(self):
        with concurrent.futures.ThreadPoolExecutor() as pool:
            one, two = pool.map(Server.start, ["one", "two"])
        with one, two:
            self.assertNotEqual(one.uuid, two.uuid)
            self.assertNotEqual(one.port, two.port)
            self.assertEqual(one.value("SELECT @@server_uuid"), one.uuid)

    def test_stop_ends_the_process_and_restart_continues(self):
        with Server.start("stopped") as server:
            server.sql("CREATE DATABASE kept")
            server.stop()
            self.assertEqual(processes_with(server.datadir), [])
            self.assertFalse(answers(server))
            server.restart()
            self.assertIn("kept", server.sql("SHOW DATABASES"))

    def test_destroy_leaves_nothing(self):
        server = Server.start("gone")
        server.destroy()
        self.assertFalse(server.datadir.parent.exists())
        self.assertEqual(processes_with(server.datadir), [])
        with self.assertRaises(SandboxError) as caught:
            server.restart()
        self.assertEqual(caught.exception.status, 66)

    def test_a_server_that_does_not_start_says_why_and_is_no_more(self):
        for _ in range(2):  # the name is free again
            with self.assertRaisesRegex(SandboxError, "unknown option '--no-such-option'") as caught:
                Server.start("bad", options=["--no-such-option"])
            self.assertEqual(caught.exception.status, 69)
        self.assertFalse((run_directory() / "bad").exists())

    def test_other_run_directories_do_not_see_ours(self):
        with Server.start("hidden"):
            environment = {**os.environ, "CDC_SANDBOX_RUN": str(run_directory() / "elsewhere")}
            listed = subprocess.run([SCRIPT, "list"], env=environment, capture_output=True, check=True)
            self.assertEqual(listed.stdout, b"")
            stop = subprocess.run([SCRIPT, "stop", "hidden"], env=environment, capture_output=True, check=False)
            self.assertEqual(stop.returncode, 66)


class Ends(unittest.TestCase):
    """However a test process or a start ends, no server stays behind."""

    def end_by(self, ending):
        program = f"import os, signal, sys; from sandbox import *; s = Server.start('x'); print(s.datadir, flush=True); {ending}"
        done = subprocess.run(
            [sys.executable, "-c", program], cwd=pathlib.Path(__file__).parent, stdout=subprocess.PIPE, text=True, check=False
        )
        datadir = pathlib.Path(done.stdout.strip())
        self.assertEqual(datadir.name, "data")
        self.assertTrue(eventually(lambda: not datadir.parent.parent.exists()))
        self.assertEqual(processes_with(datadir), [])

    def test_exit(self):
        self.end_by("sys.exit(1)")

    def test_sigterm(self):
        self.end_by("os.kill(os.getpid(), signal.SIGTERM)")

    def test_sigkill(self):
        self.end_by("os.kill(os.getpid(), signal.SIGKILL)")

    def test_interrupted_start(self):
        directory = run_directory() / "interrupted"
        start = subprocess.Popen(
            [SCRIPT, "start", "interrupted"], env={**os.environ, "CDC_SANDBOX_RUN": str(run_directory())}, stdout=subprocess.PIPE
        )
        self.assertTrue(eventually(lambda: processes_with(f"--datadir={directory}/data") or start.poll() is not None))
        start.send_signal(signal.SIGTERM)
        start.communicate()
        self.assertEqual(start.returncode, 143)
        self.assertFalse(directory.exists())
        self.assertEqual(processes_with(directory), [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
