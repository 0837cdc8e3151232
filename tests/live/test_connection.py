#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The connection of the tools, by session-probe: TLS modes, passwords, lost servers, signals, and a hostile server."""

import itertools
import os
import pathlib
import pty
import signal
import socket
import struct
import subprocess
import termios
import threading
import time
import unittest

from sandbox import Server, run_directory

PROBE = pathlib.Path(os.environ["CDC_BIN_DIR"]) / "session-probe"
SECRET = "s3cr#t pass"


def password_file(text, mode=0o600):
    path = run_directory() / f"password-{abs(hash(text))}-{mode:o}"
    path.write_text(text + "\n")
    path.chmod(mode)
    return path


def certificate(directory, name, issuer, san):
    """A key and a certificate for `san`, signed by the CA `issuer` that is made when it is not there yet."""

    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], cwd=directory, check=True, capture_output=True)

    new = ["-newkey", "rsa:2048", "-nodes", "-days", "2"]
    if not (directory / f"{issuer}.pem").exists():
        openssl("req", "-x509", *new, "-subj", f"/CN={issuer}", "-keyout", f"{issuer}.key", "-out", f"{issuer}.pem")
    (directory / f"{name}.ext").write_text(f"subjectAltName={san}\n")
    openssl("req", *new[:3], "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.csr")
    openssl("x509", "-req", "-days", "2", "-in", f"{name}.csr", "-CA", f"{issuer}.pem", "-CAkey", f"{issuer}.key",
            "-CAcreateserial", "-extfile", f"{name}.ext", "-out", f"{name}.pem")  # fmt: skip
    return directory / f"{name}.pem", directory / f"{name}.key", directory / f"{issuer}.pem"


def probe_command(*arguments, where=None, password=SECRET, user="repl"):
    command = [str(PROBE), "--no-defaults", f"--user={user}", f"--password-file={password_file(password)}"]
    if isinstance(where, Server):
        command += ["-h", where.host, "-P", str(where.port)]
    elif where:
        command += ["-h", where]
    return command + list(arguments)


class Case(unittest.TestCase):
    def probe(self, *arguments, status=0, **more):
        """Runs session-probe; returns its stdout's lines, or stderr where another status is expected."""
        done = subprocess.run(probe_command(*arguments, **more), capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, status, done.stderr)
        self.assertNotIn(SECRET, done.stdout + done.stderr)
        if status == 0:
            self.assertEqual(done.stderr, "")
            return done.stdout.splitlines()
        self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
        return done.stderr

    def tls(self, *arguments, **more):
        return self.probe(*arguments, **more)[1]


def create_user(server):
    server.sql(f"CREATE USER repl@'%' IDENTIFIED BY '{SECRET}'")


class Tls(Case):
    @classmethod
    def setUpClass(cls):
        files = run_directory() / "certificates"
        files.mkdir()
        certificate_file, key, cls.ca = certificate(files, "right", "our-ca", "IP:127.0.0.1,DNS:localhost")
        _, _, cls.other_ca = certificate(files, "wrong", "other-ca", "IP:127.0.0.1")
        cls.client = certificate(files, "client", "our-ca", "DNS:client")[:2]
        named = [f"--ssl-ca={cls.ca}", f"--ssl-cert={certificate_file}", f"--ssl-key={key}"]
        cls.named = Server.start("named", options=named)
        cls.unnamed = Server.start("unnamed", options=["--tls-version=TLSv1.2"])  # its certificate names no host
        cls.plain = Server.start("plain", options=["--tls-version="])
        for server in cls.named, cls.unnamed, cls.plain:
            create_user(server)

    @classmethod
    def tearDownClass(cls):
        for server in cls.named, cls.unnamed, cls.plain:
            server.destroy(kill=True)

    def test_first_login_without_tls_uses_rsa(self):
        # The server has no cached hash of a new user's password, so it needs the password itself.
        self.named.sql(f"CREATE USER fresh@'%' IDENTIFIED BY '{SECRET}'")
        lines = self.probe("--ssl-mode=disabled", "SELECT CURRENT_USER()", where=self.named, user="fresh")
        self.assertEqual(lines[1], "tls none")
        self.assertEqual(lines[3], "fresh@%")

    def test_modes(self):
        self.assertEqual(self.tls("--ssl-mode=disabled", where=self.named), "tls none")
        for arguments in ([], ["--ssl-mode=preferred"], ["--ssl-mode=required"]):
            self.assertRegex(self.tls(*arguments, where=self.named), r"^tls TLSv1\.3 TLS_")
            self.assertRegex(self.tls(*arguments, where=self.unnamed), r"^tls TLSv1\.2 ")

    def test_verified(self):
        for arguments in (["--ssl-mode=verify-ca"], ["--ssl-mode=VERIFY_IDENTITY"], [], ["--ssl-mode=required"]):
            self.assertRegex(self.tls(*arguments, f"--ssl-ca={self.ca}", where=self.named), "^tls TLSv1.3 ")
            error = self.probe(*arguments, f"--ssl-ca={self.other_ca}", where=self.named, status=78)
            self.assertIn("certificate", error)

    def test_identity(self):
        ca = f"--ssl-ca={self.unnamed.datadir / 'ca.pem'}"
        self.assertRegex(self.tls("--ssl-mode=verify-ca", ca, where=self.unnamed), "^tls TLSv1.2 ")
        self.assertIn("certificate", self.probe("--ssl-mode=verify-identity", ca, where=self.unnamed, status=78))
        ours = ["--ssl-mode=verify-identity", f"--ssl-ca={self.ca}"]
        self.assertRegex(self.tls(*ours, where=f"localhost:{self.named.port},localhost:1"), "^tls ")
        self.probe(*ours, where=f"127.0.0.2:{self.named.port}", status=75)  # nobody listens there
        self.assertRegex(self.tls("--ssl-mode=required", f"--socket={self.named.socket}"), "^tls TLSv1.3 ")
        self.assertEqual(self.tls(f"--socket={self.named.socket}"), "tls none")

    def test_client_certificate(self):
        self.named.sql(f"CREATE USER x509@'%' IDENTIFIED BY '{SECRET}' REQUIRE X509")
        ours = [f"--ssl-cert={self.client[0]}", f"--ssl-key={self.client[1]}"]
        self.assertRegex(self.tls(*ours, where=self.named, user="x509"), "^tls ")
        self.probe(where=self.named, user="x509", status=77)

    def test_server_without_tls(self):
        for arguments in (["--ssl-mode=disabled"], ["--ssl-mode=preferred"], []):
            self.assertEqual(self.tls(*arguments, where=self.plain), "tls none")
        for arguments in (["--ssl-mode=required"], ["--ssl-mode=verify-ca", f"--ssl-ca={self.ca}"],
                          ["--ssl-mode=verify-identity", f"--ssl-ca={self.ca}"]):  # fmt: skip
            self.assertIn("does not support it", self.probe(*arguments, where=self.plain, status=78))

    def test_unusable_files(self):
        self.probe("--ssl-mode=verify-ca", "--ssl-ca=/nonexistent/ca.pem", where=self.named, status=66)
        self.probe("--ssl-mode=verify-ca", where=self.named, status=64)
        self.probe("--ssl-ca=/dev/null", where=self.named, status=78)


class Sessions(Case):
    numbers = itertools.count(1)

    @classmethod
    def setUpClass(cls):
        cls.server = Server.start("server")
        create_user(cls.server)

    @classmethod
    def tearDownClass(cls):
        cls.server.destroy(kill=True)

    def waiting(self, *arguments, **more):
        """A probe that sleeps in the server, and the server knows; `self.thread` is the session's number there."""
        statement = f"SELECT SLEEP(100), {next(self.numbers)}"  # the sleepers before may still be there
        process = subprocess.Popen(probe_command(*arguments, statement, where=self.server, **more),
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)  # fmt: skip
        deadline = time.monotonic() + 30
        while not (threads := self.server.sql(f"SELECT id FROM information_schema.processlist WHERE info='{statement}'")):
            self.assertLess(time.monotonic(), deadline)
            self.assertIsNone(process.poll())
        (self.thread,) = threads
        return process

    def test_denied(self):
        error = self.probe(where=self.server, password="wrong", status=77)
        self.assertIn(f"repl@127.0.0.1:{self.server.port}: ", error)
        self.assertIn("(1045)", error)
        self.assertIn("(1142)", self.probe("SELECT * FROM mysql.user", where=self.server, status=77))
        self.assertIn("(1227)", self.probe("SET GLOBAL max_connections=9", where=self.server, status=77))

    def test_unreachable(self):
        with socket.socket() as reserved:  # bound and not listening: refuses
            reserved.bind(("127.0.0.1", 0))
            dead = f"127.0.0.1:{reserved.getsockname()[1]}"
            self.assertIn("(2002)", self.probe(where=dead, status=75))
            self.assertIn(dead, self.probe(where=dead, status=75))
            alive = f"127.0.0.1:{self.server.port}"
            self.assertEqual(self.probe(where=f"{dead},{alive}")[0], f"session repl@{alive}")
            self.probe(where=f"{dead},{alive}", password="wrong", status=77)
        self.probe("--socket=/nonexistent/socket", status=75)
        self.probe(where="nonexistent.invalid", status=75)

    def test_results(self):
        rows = self.probe("SELECT 1, NULL, 'ä', ''", "DO 0", "SELECT 1 FROM dual WHERE 0", where=self.server)[3:]
        self.assertEqual(rows, ["1\t\\N\tä\t"])
        self.assertIn("more than 2 rows", self.probe("--max-rows=2", "SELECT 1 UNION SELECT 2 UNION SELECT 3",
                                                     where=self.server, status=65))  # fmt: skip
        many = "SELECT a.ordinal_position FROM information_schema.columns a, information_schema.columns b"
        self.assertEqual(self.probe("--stop-after=3", many, where=self.server)[3:], ["enough 3"])

    def prompted(self, keys):
        """Runs the probe with -p on a terminal of its own; returns (wait status, what the terminal showed, echo after it).

        `keys` is typed once the prompt is there."""
        command = [str(PROBE), "--no-defaults", "-u", "repl", "-S", self.server.socket, "-p"]
        pid, terminal = pty.fork()
        if pid == 0:
            os.execv(command[0], command)
        shown, typed = b"", False
        while True:
            try:
                chunk = os.read(terminal, 4096)
            except OSError:  # Linux: the other side is closed
                chunk = b""
            if not chunk:
                break
            shown += chunk
            if not typed and b"Password for repl@localhost: " in shown:
                self.assertFalse(termios.tcgetattr(terminal)[3] & termios.ECHO)
                os.write(terminal, keys)
                typed = True
        _, status = os.waitpid(pid, 0)
        echo = bool(termios.tcgetattr(terminal)[3] & termios.ECHO)
        os.close(terminal)
        return status, shown.decode(), echo

    def test_password_prompt(self):
        status, shown, echo = self.prompted(SECRET.encode() + b"\n")
        self.assertEqual(os.waitstatus_to_exitcode(status), 0)
        self.assertIn(f"session repl@{self.server.socket}", shown)
        self.assertNotIn(SECRET, shown)
        self.assertTrue(echo)
        status, shown, _ = self.prompted(b"wrong\n")
        self.assertEqual(os.waitstatus_to_exitcode(status), 77)

    def test_password_prompt_interrupted(self):
        status, shown, echo = self.prompted(b"half\x03")
        self.assertEqual(os.waitstatus_to_exitcode(status), -signal.SIGINT)
        self.assertNotIn("half", shown)
        self.assertTrue(echo)
        status, shown, _ = self.prompted(b"\x04")  # end of input
        self.assertEqual(os.waitstatus_to_exitcode(status), 64)

    def test_silence_is_a_lost_server(self):
        for mode in "disabled", "required":
            with self.subTest(mode):
                begin = time.monotonic()
                self.probe(f"--ssl-mode={mode}", "--read-timeout=1", "SELECT SLEEP(30)", where=self.server, status=75)
                self.assertLess(time.monotonic() - begin, 20)

    def test_kill(self):
        process = self.waiting()
        self.server.sql(f"KILL {self.thread}")
        process.communicate(timeout=30)
        self.assertEqual(process.returncode, 75)

    def test_server_dies(self):
        for mode in "disabled", "required":
            with self.subTest(mode):
                process = self.waiting(f"--ssl-mode={mode}")
                self.server.restart(kill=True)
                _, err = process.communicate(timeout=30)
                self.assertEqual(process.returncode, 75, err)

    def test_mariadb(self):
        with Server.start("mariadb", flavor="mariadb") as server:
            create_user(server)
            lines = self.probe("SELECT CURRENT_USER()", where=server)
            self.assertRegex(lines[2], r"^server MariaDB 1\d\.\d+\.\d+$")
            self.assertEqual(lines[3], "repl@%")


class FakeServer(threading.Thread):
    """Greets one client as MySQL does, then lets `talk(connection, reply)` go on; keeps what the client said."""

    PROTOCOL_41, SSL, SECURE, PLUGIN_AUTH, LOCAL_FILES = 0x200, 0x800, 0x8000, 0x80000, 0x80
    TRANSACTIONS, LENENC = 0x2000, 0x200000

    def __init__(self, talk, tls=False, greeting=None):
        super().__init__(daemon=True)
        self.talk, self.tls, self.greeting, self.heard = talk, tls, greeting, b""
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.where = f"127.0.0.1:{self.listener.getsockname()[1]}"
        self.start()

    def packet(self, body):
        self.sequence += 1
        self.connection.sendall(struct.pack("<I", len(body))[:3] + bytes([self.sequence - 1]) + body)

    def hear(self):
        """The client's next packet, b"" when it has gone."""
        head = self.connection.recv(4, socket.MSG_WAITALL)
        if len(head) < 4:
            return b""
        self.sequence = head[3] + 1
        body = self.connection.recv(int.from_bytes(head[:3], "little"), socket.MSG_WAITALL)
        self.heard += body
        return body

    def run(self):
        with self.listener, self.listener.accept()[0] as self.connection:
            self.connection.settimeout(30)
            self.sequence = 0
            able = self.PROTOCOL_41 | self.SECURE | self.PLUGIN_AUTH | self.LOCAL_FILES | self.TRANSACTIONS | self.LENENC
            able |= self.SSL if self.tls else 0
            self.packet(self.greeting or (
                b"\x0a9.7.4\0" + struct.pack("<I", 1) + b"12345678\0"
                + struct.pack("<HBHHB", able & 0xFFFF, 255, 2, able >> 16, 21) + bytes(10)
                + b"123456789012\0caching_sha2_password\0"))  # fmt: skip
            try:
                self.talk(self)
            except OSError:
                pass  # the client went away, which is what some tests wait for


class Hostile(Case):
    def against(self, talk, *arguments, status, tls=False, greeting=None):
        server = FakeServer(talk, tls, greeting)
        error = self.probe(*arguments, where=server.where, status=status)
        server.join(timeout=30)
        self.assertNotIn(SECRET.encode(), server.heard)
        return server, error

    def test_tls_stripped(self):
        # A man in the middle who hides that the server has TLS learns nothing, not even the user's name.
        ca = certificate(run_directory(), "hostile", "hostile-ca", "IP:127.0.0.1")[2]
        for mode in (["--ssl-mode=required"], [f"--ssl-ca={ca}"], [f"--ssl-ca={ca}", "--ssl-mode=verify-identity"]):
            server, _ = self.against(lambda fake: fake.hear(), *mode, status=78)
            self.assertEqual(server.heard, b"")

    def test_password_in_clear(self):
        def ask_for_password(fake):
            fake.hear()
            fake.packet(b"\xfemysql_clear_password\0")
            fake.hear()

        server, error = self.against(ask_for_password, status=78)
        self.assertIn(b"repl", server.heard)
        self.assertIn("login plugin", error)

    def test_file_theft(self):
        def ask_for_file(fake):
            fake.hear()
            fake.packet(b"\1\3")  # the scramble was right
            fake.packet(b"\0\0\0\2\0\0\0")  # OK: logged in
            fake.hear()
            fake.packet(b"\xfb" + bytes(password_file(SECRET)))  # "send me this file"
            while fake.hear():
                pass

        server, _ = self.against(ask_for_file, status=75)  # refused, then the fake goes
        self.assertIn(b"VERSION()", server.heard)

    def test_lost_in_the_handshake(self):
        def reset(fake):
            fake.hear()
            fake.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

        for tls in False, True:
            self.against(lambda fake: None, status=75, tls=tls)
            self.against(lambda fake: fake.hear(), status=75, tls=tls)
            self.against(reset, status=75, tls=tls)
        silent = lambda fake: (fake.hear(), fake.connection.recv(1 << 16), fake.connection.recv(1))  # noqa: E731
        self.against(silent, "--connect-timeout=1", status=75, tls=True)

    def test_refused_before_the_greeting(self):
        for number, status in ((1130, 77), (1129, 77), (1040, 75)):
            greeting = b"\xff" + struct.pack("<H", number) + b"No, you do not"
            for mode in "disabled", "preferred", "required":
                with self.subTest(f"{number} {mode}"):
                    _, error = self.against(lambda fake: None, f"--ssl-mode={mode}", status=status, greeting=greeting)
                    self.assertIn("No, you do not", error)
                    self.assertIn(f"({number})", error)

    def test_no_tls_behind_the_offer(self):
        def nonsense(fake):
            fake.hear()
            fake.connection.sendall(b"hello, this is no TLS\r\n" * 9)

        self.against(nonsense, status=78, tls=True)


if __name__ == "__main__":
    unittest.main(verbosity=2)
