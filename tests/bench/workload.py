# SPDX-License-Identifier: Apache-2.0
"""What tests/bench/run works on, made once and kept in one directory: a server with the history of workload.sql, the
same history as change records, two files of one-row transactions (in one of them behind a GTID set of 100,000
intervals), and a server with 1,000 binlog files."""

import contextlib
import json
import os
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
SANDBOX = ROOT / "scripts" / "mysql-sandbox"
HISTORY = ROOT / "tests" / "bench" / "workload.sql"
SMALL = 100_000

SMALL_SQL = """
CREATE DATABASE bench; USE bench;
CREATE TABLE one (id INT PRIMARY KEY AUTO_INCREMENT, a BIGINT NOT NULL, b VARCHAR(40));
DELIMITER //
CREATE PROCEDURE fill(n INT) BEGIN
  WHILE n > 0 DO INSERT INTO one (a, b) VALUES (n, CONCAT('row ', n)); SET n = n - 1; END WHILE;
END//
CREATE PROCEDURE holes(n INT) BEGIN
  WHILE n > 0 DO
    SET SESSION gtid_next = CONCAT('3e11fa47-71ca-11e1-9e33-c80aa9429562:', 2 * n); COMMIT; SET n = n - 1;
  END WHILE;
  SET SESSION gtid_next = AUTOMATIC;
END//
DELIMITER ;
FLUSH BINARY LOGS; CALL fill(%(rows)d); FLUSH BINARY LOGS;
CALL holes(100000); FLUSH BINARY LOGS; CALL fill(%(rows)d); FLUSH BINARY LOGS;
""" % {"rows": SMALL}

MANY_SQL = """
CREATE DATABASE bench; USE bench;
DELIMITER //
CREATE PROCEDURE files(n INT) BEGIN WHILE n > 0 DO FLUSH BINARY LOGS; SET n = n - 1; END WHILE; END//
DELIMITER ;
CALL files(1000);
"""


def default_directory():
    cache = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    return pathlib.Path(cache) / "cdc-tools" / "bench"


def sandbox(run, *arguments, **more):
    environment = {**os.environ, "CDC_SANDBOX_RUN": str(run)}
    done = subprocess.run([SANDBOX, *arguments], capture_output=True, text=True, check=False, env=environment, **more)
    if done.returncode != 0:
        raise RuntimeError(f"mysql-sandbox {arguments[0]}: {done.stderr.strip()[:300]}")
    return done.stdout


def info(run, name):
    return dict(line.split("=", 1) for line in sandbox(run, "info", name).splitlines())


class Data:
    """`binlog`, `small`, `holes` and `records` are files; counts are (row changes, bytes)."""

    def __init__(self, directory, history, many):
        self.run = directory / "run"
        self.host, self.port, self.version = history["HOST"], history["PORT"], history["VERSION"]
        self.many_host, self.many_port = many["HOST"], many["PORT"]
        logs = sorted(pathlib.Path(history["DATADIR"]).glob("binlog.[0-9]*"))
        self.binlog, self.last = logs[1], logs[-1].name
        self.small, self.holes = directory / "small" / "plain", directory / "small" / "holes"
        self.records = directory / "records.jsonl"
        facts = directory / "facts.json"
        if facts.exists():
            self.changes = json.loads(facts.read_text())["changes"]
        self.small_count = (SMALL, self.small.stat().st_size)

    @property
    def count(self):
        return self.changes, self.binlog.stat().st_size

    def inside(self, command):
        """`command` as a program of the server's distribution."""
        return f"CDC_SANDBOX_RUN={self.run} {SANDBOX} exec bench {command}"

    def make_records(self, facts, tools):
        with open(self.records, "wb") as out:
            subprocess.run([tools / "cdc-tail", "--no-defaults", self.binlog], stdout=out, check=True)
        with open(self.records, "rb") as lines:
            self.changes = sum(line.startswith((b'{"kind":"+I"', b'{"kind":"+U"', b'{"kind":"-D"')) for line in lines)
        facts.write_text(json.dumps({"changes": self.changes}))


def make_history(run):
    print("making the workload (one or two minutes) …", file=sys.stderr)
    sandbox(run, "start", "bench", "--", "--innodb-buffer-pool-size=512M", "--innodb-redo-log-capacity=256M",
            "--binlog-row-metadata=FULL")
    sandbox(run, "sql", "bench", input=HISTORY.read_text())


def make_small(run, kept):
    print("making files of one-row transactions …", file=sys.stderr)
    sandbox(run, "start", "small", "--", "--binlog-row-metadata=FULL")
    sandbox(run, "sql", "small", input=SMALL_SQL)
    logs = sorted(pathlib.Path(info(run, "small")["DATADIR"]).glob("binlog.[0-9]*"))
    kept.mkdir(exist_ok=True)
    shutil.copy(logs[1], kept / "plain")
    shutil.copy(logs[-2], kept / "holes")
    sandbox(run, "destroy", "small", "--kill")


def make_many(run):
    print("making a server with 1,000 binlog files (a minute) …", file=sys.stderr)
    sandbox(run, "start", "many")
    sandbox(run, "sql", "many", input=MANY_SQL)


@contextlib.contextmanager
def open_data(directory, tools):
    """The Data in `directory`, with both servers running."""
    run = directory / "run"
    run.mkdir(parents=True, exist_ok=True)
    try:
        for name, make in (("bench", lambda: make_history(run)), ("many", lambda: make_many(run)),
                           ("small", lambda: make_small(run, directory / "small"))):
            made = directory / (name + ".ready")
            if not made.exists():
                if name in sandbox(run, "list").split():  # half made
                    sandbox(run, "destroy", name, "--kill")
                make()
                made.touch()
            elif name != "small" and info(run, name)["STATUS"] != "running":
                sandbox(run, "restart", name)
        data = Data(directory, info(run, "bench"), info(run, "many"))
        facts = directory / "facts.json"
        if not facts.exists():
            data.make_records(facts, tools)
        yield data
    finally:
        for name in ("bench", "many"):
            if f"{name} " in sandbox(run, "list"):
                sandbox(run, "stop", name)
