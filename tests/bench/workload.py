# SPDX-License-Identifier: Apache-2.0
"""What tests/bench/run works on, made once and kept in one directory: a server with the history of workload.sql, the
same history as change records, two files of one-row transactions (in one of them behind a GTID set of 100,000
intervals), a server with 1,000 binlog files, and one with a table of 5 million rows."""

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


COPY_ROWS = 5_000_000

# Sysbench's table; a tenth of the rows is made by SQL, the others from them.
COPY_SQL = """
CREATE DATABASE bench; USE bench;
CREATE TABLE sbtest1 (id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, k INT NOT NULL DEFAULT 0, c CHAR(120) NOT NULL DEFAULT '',
  pad CHAR(60) NOT NULL DEFAULT '', KEY k_1 (k));
SET SESSION sql_log_bin = 0, cte_max_recursion_depth = 1000000;
INSERT INTO sbtest1 (k, c, pad) WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %(tenth)d)
  SELECT 1 + RAND(i) * %(rows)d, CONCAT_WS('-', %(long)s), CONCAT_WS('-', %(short)s) FROM n;
DELIMITER //
CREATE PROCEDURE grow(n INT) BEGIN
  WHILE n > 0 DO
    INSERT INTO sbtest1 (k, c, pad) SELECT k, REVERSE(c), REVERSE(pad) FROM sbtest1 WHERE id <= %(tenth)d; SET n = n - 1;
  END WHILE;
END//
DELIMITER ;
CALL grow(9);
ANALYZE TABLE sbtest1;
""" % {"rows": COPY_ROWS, "tenth": COPY_ROWS // 10,
       "long": ", ".join(["LPAD(FLOOR(RAND() * 1e11), 11, '0')"] * 10), "short": ", ".join(["LPAD(FLOOR(RAND() * 1e11), 11, '0')"] * 5)}


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

    def __init__(self, directory, history, many, copied):
        self.copy_host, self.copy_port = copied["HOST"], copied["PORT"]
        self.copy_count = (COPY_ROWS, sum(f.stat().st_size for f in pathlib.Path(copied["DATADIR"]).glob("bench/sbtest1.ibd")))
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

    def inside(self, command, server="bench"):
        """`command` as a program of the server's distribution."""
        return f"CDC_SANDBOX_RUN={self.run} {SANDBOX} exec {server} {command}"

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


def make_copied(run):
    print("making a table of 5 million rows (two minutes) …", file=sys.stderr)
    sandbox(run, "start", "copied", "--", "--innodb-buffer-pool-size=2G", "--innodb-redo-log-capacity=1G")
    sandbox(run, "sql", "copied", input=COPY_SQL)


@contextlib.contextmanager
def open_data(directory, tools):
    """The Data in `directory`, with its servers running."""
    run = directory / "run"
    run.mkdir(parents=True, exist_ok=True)
    try:
        for name, make in (("bench", lambda: make_history(run)), ("many", lambda: make_many(run)),
                           ("copied", lambda: make_copied(run)), ("small", lambda: make_small(run, directory / "small"))):
            made = directory / (name + ".ready")
            if not made.exists():
                if name in sandbox(run, "list").split():  # half made
                    sandbox(run, "destroy", name, "--kill")
                make()
                made.touch()
            elif name != "small" and info(run, name)["STATUS"] != "running":
                sandbox(run, "restart", name)
        data = Data(directory, info(run, "bench"), info(run, "many"), info(run, "copied"))
        facts = directory / "facts.json"
        if not facts.exists():
            data.make_records(facts, tools)
        yield data
    finally:
        for name in ("bench", "many", "copied"):
            if f"{name} " in sandbox(run, "list"):
                sandbox(run, "stop", name)
