#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""cdc-load around its loads: encryption, compression, memory, what it reports and shows."""

import fcntl
import json
import os
import pathlib
import pty
import socket
import ssl
import subprocess
import tempfile
import threading
import time
import unittest

from load import UUID, LoadTest, Stream, order


def certificate(directory, name):
    """An authority NAME.pem, and NAME-server.pem with the key of a server 127.0.0.1 that it vouches for."""
    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], cwd=directory, check=True, capture_output=True)

    new = ["-newkey", "rsa:2048", "-nodes", "-days", "2"]
    openssl("req", "-x509", *new, "-subj", "/CN=" + name, "-keyout", name + ".key", "-out", name + ".pem")
    openssl("req", *new[:3], "-subj", "/CN=127.0.0.1", "-keyout", "server.key", "-out", "server.csr")
    (directory / "names").write_text("subjectAltName=IP:127.0.0.1\n")
    openssl("x509", "-req", "-days", "2", "-in", "server.csr", "-CA", name + ".pem", "-CAkey", name + ".key", "-CAcreateserial",
            "-extfile", "names", "-out", "server.pem")
    (directory / (name + "-server.pem")).write_text((directory / "server.key").read_text() + (directory / "server.pem").read_text())


class TlsProxy:
    """TLS on `.url`, plain to a port of this machine."""

    def __init__(self, target_port, chain):
        self.target_port = target_port
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(chain)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = "https://127.0.0.1:%d" % self.listener.getsockname()[1]
        self.sessions = 0
        threading.Thread(target=self.accept, daemon=True).start()

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        try:
            with self.context.wrap_socket(client, server_side=True) as inner, \
                    socket.create_connection(("127.0.0.1", self.target_port)) as server:
                self.sessions += 1
                threading.Thread(target=self.copy, args=(server, inner), daemon=True).start()
                self.copy(inner, server)
        except OSError:
            pass

    @staticmethod
    def copy(source, sink):
        try:
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


ROW = Stream().table().transaction(("+I", order(1)), ("+I", order(2))).end()


class Encryption(LoadTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        made = tempfile.TemporaryDirectory(prefix="cdc-load-tls-")
        cls.addClassCleanup(made.cleanup)
        cls.keys = pathlib.Path(made.name)
        for name in ("good", "other"):
            certificate(cls.keys, name)
        cls.fe = TlsProxy(cls.sim.ports["fe"], cls.keys / "good-server.pem")
        cls.be = TlsProxy(cls.sim.ports["be"][0], cls.keys / "good-server.pem")
        cls.foreign_be = TlsProxy(cls.sim.ports["be"][0], cls.keys / "other-server.pem")
        for proxy in (cls.fe, cls.be, cls.foreign_be):
            cls.addClassCleanup(proxy.close)

    def secure(self, be, *arguments, **more):
        return self.load(ROW, "--be-map=*=" + be, *arguments, url=self.fe.url, **more)

    def test_all_the_way(self):
        self.secure(self.be.url, "--ssl-ca", self.keys / "good.pem")
        self.assertEqual(self.rows(), [order(1), order(2)])

    def test_an_unknown_authority(self):
        for ca in ([], ["--ssl-ca", self.keys / "other.pem"]):
            with self.subTest(ca):
                error = self.secure(self.be.url, *ca, status=78)
                self.assertIn("certificate", error)
                self.assertIn("(--ssl-ca names the authority)", error)
        self.assertEqual((self.requests(), self.rows()), ([], []))

    def test_a_backend_that_nobody_vouches_for(self):
        self.assertIn("certificate", self.secure(self.foreign_be.url, "--ssl-ca", self.keys / "good.pem", status=78))
        self.assertEqual({r["listener"][:2] for r in self.requests()}, {"fe"})

    def test_another_name(self):
        url = self.fe.url.replace("127.0.0.1", "localhost")
        self.load(ROW, "--ssl-ca", self.keys / "good.pem", url=url, status=78)
        self.assertEqual(self.requests(), [])

    def test_a_redirect_out_of_encryption(self):
        error = self.load(ROW, "--ssl-ca", self.keys / "good.pem", "--max-retries=0", url=self.fe.url, status=75)
        self.assertIn("where the password would go unencrypted", error)
        self.assertEqual({r["listener"][:2] for r in self.requests()}, {"fe"})

    def test_an_error_log_that_nobody_vouches_for(self):
        """What became of the load is known without it."""
        self.sim.fault("be_reject_row", count=0)
        self.sim.fault("error_url", scheme="https", host=self.foreign_be.url[8:], count=0)
        error = self.load(ROW, "--ssl-ca", self.keys / "good.pem", status=69)
        self.assertIn("rejects a row: too many filtered rows; its error log cannot be had: ", error)
        self.assertIn("certificate", error)

    def test_a_file_that_is_no_authority(self):
        self.secure(self.be.url, "--ssl-ca", self.keys / "missing.pem", status=78)


class Compression(LoadTest):
    def test_each(self):
        stream = Stream().table()
        for i in range(300):
            stream.transaction(("+I", order(i, "ä" * 10)))
        plain = 0
        for how in ("none", "gzip", "lz4", "zstd"):
            with self.subTest(how):
                self.setUp()
                self.load(stream.end(), "--compress=" + how, "--batch-rows=150")
                self.assertEqual(len(self.rows()), 300)
                sent = [int(r["headers"]["content-length"]) for r in self.requests() if r["listener"].startswith("be")]
                self.assertEqual(len(sent), 2)
                plain = plain or sum(sent)
                if how != "none":
                    self.assertLess(sum(sent), plain / 4)

    def test_the_same_label_and_bytes_again(self):
        self.sim.fault("be_reset_body", after_bytes=10)
        self.load(ROW, "--compress=zstd")
        self.assertEqual(self.rows(), [order(1), order(2)])  # and no label came with two bodies


class Reports(LoadTest):
    def lines(self):
        return [json.loads(line) for line in (self.directory / "report").read_text().splitlines()]

    def test_a_line_for_each_load(self):
        stream = Stream().table()
        for i in range(4):
            stream.transaction(("+I", order(i)))
        self.load(stream.end(), "--report", self.directory / "report", "--batch-rows=2")
        self.assertEqual([(r["table"], r["label"], r["rows"]) for r in self.lines()],
                         [("shop.orders", load["label"], load["rows"]) for load in self.loads()])
        for line in self.lines():
            self.assertEqual(list(line), ["ts_ms", "table", "label", "rows", "bytes", "took_ms"])
            self.assertLess(abs(line["ts_ms"] / 1000 - time.time()), 300)
        self.load(stream, "--report", self.directory / "report")
        self.assertEqual(len(self.lines()), 2)

    def test_a_load_whose_answer_a_crash_has_lost(self):
        self.sim.fault("be_slow_answer", seconds=60)
        with subprocess.Popen(self.command("--report", self.directory / "report"), stdin=subprocess.PIPE) as process:
            process.stdin.write(ROW.text.encode())
            process.stdin.close()
            deadline = time.monotonic() + 60
            while not self.loads():
                self.assertLess(time.monotonic(), deadline)
                time.sleep(0.01)
            process.kill()
        self.load(ROW, "--report", self.directory / "report")
        self.assertEqual([(r["label"], r["rows"], r["took_ms"]) for r in self.lines()], [(self.loads()[0]["label"], 2, None)])

    def test_a_place_that_cannot_be_written(self):
        self.load(ROW, "--report", self.directory / "missing" / "report", status=74)
        self.assertEqual(self.rows(), [])

    def test_progress_and_summary_on_a_terminal(self):
        ours, theirs = pty.openpty()
        with subprocess.Popen(self.command(), stdin=subprocess.PIPE, stderr=theirs, env={**os.environ, "TERM": "xterm"}) as process:
            os.close(theirs)
            process.stdin.write((Stream().text).encode())
            process.stdin.flush()
            shown = b""
            while b"0 rows in 0 loads" not in shown:
                shown += os.read(ours, 4096)
            process.stdin.write("\n".join(ROW.lines[1:]).encode() + b"\n")
            process.stdin.close()
            try:
                while data := os.read(ours, 4096):
                    shown += data
            except OSError:
                pass  # the terminal's other side is closed
            self.assertEqual(process.wait(60), 0)
        os.close(ours)
        self.assertIn(b"cdc-load: 2 rows in 1 loads (0 MiB), 0 in flight, 0 retries, checkpoint at binlog.000001:", shown)


class Memory(LoadTest):
    TABLES, ROWS, NOTE = 200, 100, "y" * 4000

    def setUp(self):
        super().setUp()
        for t in range(self.TABLES):
            self.sim.create_table("shop", "t%d" % t, [("id", "BIGINT"), ("note", "VARCHAR(5000)"), ("n", "INT")], ["id"])

    def stream(self):
        """80 MB of rows, in transactions over all tables."""
        stream = Stream()
        for t in range(self.TABLES):
            stream.table("t%d" % t, columns=[("id", "bigint"), ("note", "varchar(5000)"), ("n", "int")])
        for i in range(self.ROWS):
            stream.begin()
            for t in range(self.TABLES):
                stream.insert(order(i, self.NOTE), table="t%d" % t)
            stream.commit()
        return stream.end().text.encode()

    @staticmethod
    def peak(pid):
        """Resident memory at its most, in bytes; 0 of a process that has ended."""
        text = pathlib.Path("/proc/%d/status" % pid).read_text()
        return next((int(line.split()[1]) << 10 for line in text.splitlines() if line.startswith("VmHWM:")), 0)

    def test_many_tables_stay_within_it(self):
        self.stay_within("none")

    def test_compressed_bodies_belong_to_it(self):
        self.stay_within("zstd")

    def stay_within(self, compression):
        text, sent, bound = self.stream(), 0, 16 << 20
        self.sim.action("fe_down")
        with subprocess.Popen(self.command("--memory=16M", "--batch-time=1h", "--max-retries=100000", "--compress=" + compression),
                              stdin=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
            pipe = process.stdin.fileno()
            fcntl.fcntl(pipe, fcntl.F_SETFL, os.O_NONBLOCK)
            quiet_since = time.monotonic()
            while time.monotonic() - quiet_since < 3:  # it takes no more: nothing can be loaded
                try:
                    sent += os.write(pipe, text[sent:sent + 65536])
                    quiet_since = time.monotonic()
                except BlockingIOError:
                    time.sleep(0.01)
                self.assertLess(sent, 2 * bound)
            self.sim.action("fe_up")
            fcntl.fcntl(pipe, fcntl.F_SETFL, 0)
            peak = 0
            for at in range(sent, len(text), 1 << 20):
                process.stdin.write(text[at:at + (1 << 20)])
                peak = max(peak, self.peak(process.pid))
            process.stdin.close()
            while process.poll() is None:
                peak = max(peak, self.peak(process.pid))
                time.sleep(0.01)
        self.assertEqual(process.returncode, 0)
        self.assertGreater(peak, bound)
        self.assertLess(peak, 48 << 20)  # the program itself has 14 MiB of that, buffers of four threads and the pipe 6
        for t in range(0, self.TABLES, 50):
            self.assertEqual(len(self.rows("t%d" % t)), self.ROWS)
        self.assertEqual(self.saved()["gtid_set"], UUID + ":1-%d" % self.ROWS)


if __name__ == "__main__":
    unittest.main()
