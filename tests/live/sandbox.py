# SPDX-License-Identifier: Apache-2.0
"""Real servers for live tests: a thin layer over scripts/mysql-sandbox.

    with Server.start("source", options=["--binlog-row-metadata=FULL"]) as source:
        source.sql("CREATE DATABASE shop")
        rows = source.sql("SELECT id, name FROM shop.items")    # ["1\\tpen", "2\\tink"]

All servers of a test process live in a temporary directory of its own (`run_directory()`). A watchdog process kills and
deletes them when the test process ends, in whatever way: it waits for the end of a pipe that only the test process holds.
"""

import atexit
import os
import pathlib
import re
import shlex
import subprocess
import tempfile
import unittest

SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "scripts" / "mysql-sandbox"

_run_directory = None


class SandboxError(Exception):
    """mysql-sandbox failed; `.status` is its exit status (69: the flavor cannot be had or the server does not start)."""

    def __init__(self, status, message):
        super().__init__(message.strip())
        self.status = status


class SqlError(Exception):
    """The server refused a statement; `.code` is its error number, `.sqlstate` the five characters."""

    def __init__(self, code, sqlstate, message):
        super().__init__(message.strip())
        self.code = code
        self.sqlstate = sqlstate


def run_directory():
    """The directory (Path) under which this process's servers live; free for a test's other files, too."""
    global _run_directory
    if _run_directory is None:
        path = tempfile.mkdtemp(prefix="cdc-live-")
        clean = 'cat >/dev/null; "$1" destroy --all --kill; rm -rf -- "$2"'
        watchdog = subprocess.Popen(
            ["sh", "-c", clean, "watchdog", str(SCRIPT), path],
            env={**os.environ, "CDC_SANDBOX_RUN": path},
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

        def clean_up():
            watchdog.stdin.close()
            watchdog.wait(timeout=120)

        atexit.register(clean_up)
        _run_directory = pathlib.Path(path)
    return _run_directory


def _sandbox(*arguments, text=None):
    """Runs mysql-sandbox to its end; returns the finished process, whatever its status."""
    return subprocess.run(
        [str(SCRIPT), *arguments],
        env={**os.environ, "CDC_SANDBOX_RUN": str(run_directory())},
        input=text or "",
        capture_output=True,
        encoding="utf-8",
        errors="surrogateescape",
        check=False,
    )


def _checked(*arguments):
    done = _sandbox(*arguments)
    if done.returncode != 0:
        raise SandboxError(done.returncode, done.stderr)
    return done.stdout


class Server:
    """One running or stopped server. `.host .port .socket .datadir .log .pid .uuid .server_id .version .flavor`."""

    def __init__(self, info):
        self._read(info)

    def _read(self, info):
        fields = dict(word.split("=", 1) for word in shlex.split(info))
        self.name = fields["NAME"]
        self.flavor = fields["FLAVOR"]
        self.version = fields["VERSION"]
        self.host = fields["HOST"]
        self.port = int(fields["PORT"])
        self.socket = fields["SOCKET"]
        self.pid = int(fields["PID"])
        self.datadir = pathlib.Path(fields["DATADIR"])
        self.log = pathlib.Path(fields["LOG"])
        self.uuid = fields["UUID"]  # empty for MariaDB
        self.server_id = int(fields["SERVER_ID"])

    @classmethod
    def start(cls, name, flavor=None, options=(), replica_of=None):
        """Starts a new server with the given server options; `replica_of` is a Server to follow, or None. Where MySQL
        5.6 cannot be had, for want of npm, its tests are skipped."""
        arguments = ["start", name]
        if flavor:
            arguments.append(f"--flavor={flavor}")
        if replica_of:
            arguments.append(f"--replica-of={replica_of.name}")
        try:
            return cls(_checked(*arguments, "--", *options))
        except SandboxError as error:
            if error.status == 69 and flavor == "mysql56":
                raise unittest.SkipTest(f"cannot have {flavor}: {error}") from error
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        _sandbox("destroy", self.name, "--kill")  # unchecked: the test may have destroyed it itself

    def sql(self, text, user=None):
        """Runs statements as root (or as `user`, without a password); returns the result rows of all of them.

        A row is the mysql client's batch line: fields parted by tabs; tab, newline and backslash inside a field as
        \\t, \\n, \\\\; NULL as the word NULL. The first statement that fails raises SqlError; later ones do not run.
        """
        arguments = ["--batch", "--skip-column-names", *([f"--user={user}"] if user else [])]
        done = _sandbox("sql", self.name, *arguments, text=text)
        if done.returncode != 0:
            error = re.search(r"ERROR (\d+) \((\w{5})\)", done.stderr)
            if not error:
                raise SandboxError(done.returncode, done.stderr)
            raise SqlError(int(error[1]), error[2], done.stderr)
        return done.stdout.removesuffix("\n").split("\n") if done.stdout else []

    def value(self, text):
        """The one field that the one query of `text` returns."""
        (row,) = self.sql(text)
        return row

    def gtid_executed(self):
        """MySQL's executed set, without the newlines in which the server prints it."""
        return self.value("SELECT REPLACE(@@GLOBAL.gtid_executed, '\\n', '')")

    def binlogs(self):
        """The server's binlog files in order, as paths."""
        return [self.datadir / row.split("\t")[0] for row in self.sql("SHOW BINARY LOGS")]

    def run(self, program, *arguments):
        """Runs a program of the server's own distribution (mysqlbinlog, mysqldump); returns its stdout as text."""
        return _checked("exec", self.name, program, *arguments)

    def restart(self, kill=False, options=()):
        """Stops (`kill`: by SIGKILL) and starts again with the same data and port, and `options` added."""
        self._read(_checked("restart", self.name, *(["--kill"] if kill else []), "--", *options))

    def stop(self, kill=False):
        """Stops; the data stay, and restart() starts again."""
        _checked("stop", self.name, *(["--kill"] if kill else []))

    def destroy(self, kill=False):
        """Stops and deletes the data."""
        _checked("destroy", self.name, *(["--kill"] if kill else []))
