# SPDX-License-Identifier: Apache-2.0
"""cdc-tail in live tests: runs it, reads its records, and holds every stream against the grammar of cdc-changes(5)."""

import json
import os
import pathlib
import queue
import subprocess
import threading
import time
import unittest

from sandbox import SandboxError, Server, run_directory

ROOT = pathlib.Path(__file__).resolve().parents[2]
TAIL = pathlib.Path(os.environ.get("CDC_BIN_DIR", ROOT / "build/dev/bin")) / "cdc-tail"
DEADLINE = 60  # seconds, for whatever is waited for
ROWS = ("+I", "-U", "+U", "-D")


def command(*arguments, server=None, user="root"):
    """The command line; with `server`, over its socket."""
    connection = ["--no-defaults", f"--socket={server.socket}", f"--user={user}"] if server else []
    return [str(TAIL), *connection, *map(str, arguments)]


def run(*arguments, server=None, status=0, **more):
    """Runs cdc-tail to its end, which must be `status`; returns its Stream. `more` goes to subprocess.run."""
    done = subprocess.run(command(*arguments, server=server), capture_output=True, timeout=DEADLINE, check=False, **more)
    stderr = done.stderr.decode()
    assert done.returncode == status, f"status {done.returncode}, not {status}: {stderr}"
    return Stream([json.loads(line) for line in done.stdout.splitlines()], stderr)


def everything(server, *arguments, **more):
    """All that the server's binlog has now."""
    return run("--startup-mode=earliest", "--stop-mode=latest", *arguments, server=server, **more)


class Stream:
    """Records of one run. `.records .stderr`; made from a whole stream, it must obey the grammar."""

    def __init__(self, records, stderr="", whole=True):
        self.records = records
        self.stderr = stderr
        if whole and records and records[0]["kind"] == "start":
            check_grammar(records)

    def of(self, *kinds):
        return [record for record in self.records if record["kind"] in kinds]

    @property
    def rows(self):
        return self.of(*ROWS)

    @property
    def start(self):
        return self.of("start")[0]

    @property
    def end(self):
        assert self.records[-1]["kind"] == "end"
        return self.records[-1]

    @property
    def boundaries(self):
        return [r for r in self.records if r["kind"] in ("commit", "ddl", "heartbeat", "end") and r.get("gtids") is not None]

    def inserted(self, column="id"):
        """That column of each inserted row, in order."""
        return [record["data"][column] for record in self.of("+I")]


def check_grammar(records):
    """stream = start { table | heartbeat | ddl | transaction } end, as cdc-changes(5) has it."""
    assert records[-1]["kind"] == "end", f"the stream ends in {records[-1]}"
    transaction, before, seq, changes, tables = None, None, -1, 0, set()
    for record in records:
        kind = record["kind"]
        assert next(iter(record)) == "kind" and (kind not in ROWS or list(record)[-1] == "data"), record
        assert (before is not None) == (kind == "+U"), f"{record} behind {before}"
        if kind == "begin":
            assert transaction is None or transaction["gtid"] == record["gtid"], f"{record} inside {transaction}"
            if transaction is None:
                seq, changes = -1, 0
            transaction = record
        elif kind in ROWS:
            assert transaction and transaction["gtid"] == record["gtid"], record
            assert (record["db"], record["table"]) in tables, f"no table record before {record}"
            if kind == "+U":
                assert record["seq"] == before["seq"], record
            else:
                assert record["seq"] > seq, record
                seq = record["seq"]
                changes += 1
            before = record if kind == "-U" else None
        elif kind == "table":
            tables.add((record["db"], record["table"]))
        elif kind == "commit":
            assert transaction and transaction["gtid"] == record["gtid"], record
            assert record["changes"] == changes, f"{record} after {changes} changes"
            transaction = None
        elif kind == "heartbeat":
            assert transaction is None, record


class Running:
    """A cdc-tail that goes on. Use as a context manager: it is killed at the end."""

    def __init__(self, *arguments, server=None, **more):
        self.process = subprocess.Popen(command(*arguments, server=server), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        text=True, **more)  # fmt: skip
        self.records = []
        self.errors = []
        self._lines = queue.Queue()
        self._threads = [
            threading.Thread(target=self._read, args=(self.process.stdout, self._lines.put), daemon=True),
            threading.Thread(target=self._read, args=(self.process.stderr, self.errors.append), daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    @staticmethod
    def _read(pipe, take):
        for line in pipe:
            take(line)
        take(None)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        for thread in self._threads:
            thread.join()
        # What the pipe still holds was told before the kill; a saved position counts on its being read.
        while not self._lines.empty():
            line = self._lines.get()
            if line is not None and line.endswith("\n"):
                self.records.append(json.loads(line))
        self.process.stdout.close()
        self.process.stderr.close()

    def until(self, wanted, deadline=DEADLINE):
        """Reads records until one for which `wanted(record)` holds; returns it."""
        end = time.monotonic() + deadline
        while True:
            line = self._lines.get(timeout=max(0.01, end - time.monotonic()))
            assert line is not None, f"the stream ended; stderr: {self.stderr}"
            if not line.endswith("\n"):
                continue  # a line that a kill has cut
            self.records.append(json.loads(line))
            if wanted(self.records[-1]):
                return self.records[-1]

    def until_inserted(self, number, column="id"):
        return self.until(lambda record: record["kind"] == "+I" and record["data"][column] == number)

    def inserted(self, column="id"):
        return [record["data"][column] for record in self.records if record["kind"] == "+I"]

    def until_error(self, text):
        """Waits until stderr has a line with `text`."""
        end = time.monotonic() + DEADLINE
        while not any(line and text in line for line in self.errors):
            assert time.monotonic() < end, f"no '{text}' in {self.stderr}"
            time.sleep(0.01)

    def finish(self, status):
        """Waits for its end, which must be `status`; returns the whole Stream."""
        got = self.process.wait(timeout=DEADLINE)
        for thread in self._threads:
            thread.join()
        while (line := self._lines.get()) is not None:
            self.records.append(json.loads(line))
        assert got == status, f"status {got}, not {status}: {self.stderr}"
        return Stream(self.records, self.stderr)

    def stop(self, signal, status):
        self.process.send_signal(signal)
        return self.finish(status)

    @property
    def stderr(self):
        return "".join(line for line in self.errors if line)


class Model:
    """Tables as the records make them, to be compared with SELECT."""

    def __init__(self):
        self.tables = {}
        self.keys = {}
        self.seen = set()

    def apply(self, records):
        """Changes are applied once: a new run may repeat those of the transaction in which the last was stopped."""
        for record in records:
            kind = record["kind"]
            if kind == "table":
                self.keys[record["db"], record["table"]] = record["pk"]
            if kind not in ROWS:
                continue
            identity = (record["gtid"] or (record["file"], record["pos"]), record["seq"], kind)
            if identity in self.seen:
                continue
            self.seen.add(identity)
            name = (record["db"], record["table"])
            table = self.tables.setdefault(name, {})
            key = tuple(record["data"][column] for column in self.keys[name])
            if kind in ("+I", "+U"):
                table[key] = record["data"]
            else:
                del table[key]

    def rows(self, db, table):
        rows = self.tables.get((db, table), {})
        return [rows[key] for key in sorted(rows)]


def start(name, flavor, *options):
    """A server of that flavor; the test is skipped where it cannot be had."""
    try:
        return Server.start(name, flavor=flavor, options=options)
    except SandboxError as error:
        if error.status != 69:
            raise
        raise unittest.SkipTest(f"no {flavor} server: {error}") from None


def path(name):
    return run_directory() / name


def end_of_log(server):
    file, pos, *_ = server.value("SHOW BINARY LOG STATUS").split("\t")
    return file, int(pos)


class OneServer(unittest.TestCase):
    """Tests that share a server; each makes a database of its own name."""

    options = ["--binlog-row-metadata=FULL"]

    @classmethod
    def setUpClass(cls):
        cls.server = Server.start(cls.__name__.lower(), options=cls.options)
        cls.addClassCleanup(cls.server.destroy, kill=True)

    def setUp(self):
        self.db = self._testMethodName
        self.server.sql(f"CREATE DATABASE {self.db}; CREATE TABLE {self.db}.t (id INT PRIMARY KEY, v VARCHAR(20))")
        self.start = end_of_log(self.server)
        self.set = self.server.gtid_executed()

    def insert(self, *numbers):
        """One transaction for each."""
        self.server.sql("".join(f"INSERT INTO {self.db}.t VALUES ({number}, 'v{number}');" for number in numbers))

    def from_here(self, *arguments, **more):
        """What was written since setUp."""
        return run(f"--file={self.start[0]}", f"--pos={self.start[1]}", "--stop-mode=latest", *arguments, server=self.server,
                   **more)  # fmt: skip
