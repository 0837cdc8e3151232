# SPDX-License-Identifier: Apache-2.0
"""Tables with keys of every kind, and writers that change them at random: what an initial copy is tested under.

Writers run inside the server, a procedure each; fewer than 16 let wrong bounds pass. They change keys, delete, replace, and
meet each other's rows. A table is told of as the texts that SELECT gives: {key texts: "v\\ts"}."""

import base64
import contextlib
import os
import subprocess
import time

from sandbox import SCRIPT
from tail import DEADLINE, path

WRITERS = 16

# name: the columns of the key, the key number {k} as values of them, the names of the columns.
KINDS = {
    "ints": ("id INT", ["{k}"], ["id"]),
    # Two numbers make one key but for its case, which the collation ignores: a change of one into the other keeps the place.
    "words": ("k VARCHAR(20) CHARACTER SET latin1", ["CONCAT(IF({k} % 2, 'a', 'A'), {k} DIV 2)"], ["k"]),
    "pairs": ("a DECIMAL(6,1), b VARBINARY(9)", ["{k} % 50 / 2 - 12", "CHAR({k} DIV 50)"], ["a", "b"]),
    "bigs": ("id BIGINT UNSIGNED", ["IF({k} % 2, 18446744073709551615 - {k}, {k})"], ["id"]),
    "names": ("k VARCHAR(30) CHARACTER SET utf8mb4 COLLATE {ci}", ["CONCAT(ELT(1 + {k} % 3, 'Ä', 'o', 'ß'), {k} DIV 2)"], ["k"]),
    # Equal where the collation pads, two keys where it does not.
    "blanks": ("k VARCHAR(30) CHARACTER SET utf8mb4 COLLATE {ci}", ["CONCAT('w', {k} DIV 2, IF({k} % 2, ' ', ''))"], ["k"]),
    "exact": ("k CHAR(12) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin", ["CONCAT(IF({k} % 2, 'é', 'E'), {k} DIV 2)"], ["k"]),
    "bins": ("b BINARY(4)", ["UNHEX(LPAD(HEX({k} * 1000003), 8, '0'))"], ["b"]),
    "moments": ("t DATETIME(3)", ["TIMESTAMPADD(MICROSECOND, {k} * 13107777000, '2019-12-31 23:59:59.5')"], ["t"]),
    "stamps": ("t TIMESTAMP(2) NOT NULL DEFAULT '2020-01-01', n TINYINT", ["FROM_UNIXTIME(1600000000 + {k} DIV 3)", "1 - {k} % 3"], ["t", "n"]),
    "days": ("d DATE, t TIME(1)", ["TIMESTAMPADD(DAY, {k} % 40, '2020-01-01')", "SEC_TO_TIME(({k} DIV 40) * 7 - 200)"], ["d", "t"]),
    "kinds": ("e ENUM('z','y','x','a','b'), n SMALLINT", ["ELT(1 + {k} % 5, 'x', 'y', 'z', 'b', 'a')", "{k} DIV 5 - 100"], ["e", "n"]),
    "flags": ("n INT, g SET('p','q','r')", ["{k} DIV 7", "1 + {k} % 7"], ["n", "g"]),
    "bits": ("b BIT(40)", ["{k} * 1000003"], ["b"]),
    "years": ("y YEAR, n TINYINT UNSIGNED", ["1980 + {k} % 60", "{k} DIV 60"], ["y", "n"]),
    "doubles": ("d DOUBLE", ["{k} / 7e0 - 100"], ["d"]),
    "floats": ("f FLOAT", ["{k} / 4 - 300"], ["f"]),
    "swapped": ("a INT, b VARCHAR(20) CHARACTER SET latin1", ["CONCAT('g', {k} % 20)", "{k} DIV 20"], ["b", "a"]),
    # Below the blanks that CHAR is padded with.
    "controls": ("k CHAR(8) CHARACTER SET latin1", ["CONCAT('a', {k} DIV 17, IF({k} % 17, CHAR(14 + {k} % 17 USING latin1), ''))"], ["k"]),
    "wide": ("k VARCHAR(10) CHARACTER SET utf16", ["CONCAT(ELT(1 + {k} % 3, 'é', 'z', '😀'), {k} DIV 3)"], ["k"]),
    "down": ("a INT, id INT", ["-({k} % 9)", "{k} DIV 9"], ["a DESC", "id"]),
}
TOLD_IN_BASE64 = {"pairs": "b", "bins": "b"}


class Table:
    def __init__(self, kind, ci, name=None, kinds=None):
        columns, self.values, key = (kinds or KINDS)[kind]
        self.kind, self.name = kind, name or kind
        self.key = [column.split()[0] for column in key]
        self.columns, self.order = columns.format(ci=ci), ", ".join(key)
        self.create = f"CREATE TABLE {self.name} ({self.columns}, v INT, s VARCHAR(60), PRIMARY KEY ({', '.join(key)})) ENGINE=InnoDB"
        texts = [f"HEX({c})" if c == TOLD_IN_BASE64.get(kind) else f"{c} + 0" if kind == "bits" else c for c in self.key]
        self.select = f"SELECT {', '.join(texts)}, '|', IFNULL(v, 'NULL'), s FROM "

    def number(self, expression):
        return [value.format(k=expression) for value in self.values]

    def key_of(self, data):
        """The key of a row as it is told, in SELECT's texts."""
        binary = TOLD_IN_BASE64.get(self.kind)
        return tuple(base64.b64decode(data[c]).hex().upper() if c == binary else str(data[c]) for c in self.key)

    def statements(self):
        """WHEN … THEN statements for the procedure's random `act`."""
        where = " AND ".join(f"{c} = {v}" for c, v in zip(self.key, self.number("kn")))
        other = ", ".join(f"{c} = {v}" for c, v in zip(self.key, self.number("kn2")))
        columns, values = ", ".join(self.key), ", ".join(self.number("kn"))
        return f"""
            WHEN act < 3 THEN INSERT IGNORE INTO {self.name} ({columns}, v, s) VALUES ({values}, n, REPEAT('x', n % 50));
            WHEN act < 6 THEN DELETE FROM {self.name} WHERE {where};
            WHEN act < 9 THEN UPDATE {self.name} SET v = n, s = REPEAT('y', n % 60) WHERE {where};
            WHEN act < 11 THEN UPDATE IGNORE {self.name} SET {other}, v = n WHERE {where};
            ELSE REPLACE INTO {self.name} ({columns}, v, s) VALUES ({values}, n, 'r');"""


def writer_procedure(tables, rows):
    """A procedure that changes rows until control.go is 0, and waits while it is 2."""
    branches = "".join(f"WHEN {number} THEN CASE {table.statements()} END CASE;" for number, table in enumerate(tables))
    return f"""
      CREATE PROCEDURE work(seed INT)
      BEGIN
        DECLARE n, kn, kn2, act, many, go INT DEFAULT 1;
        DECLARE CONTINUE HANDLER FOR 1213, 1205, 1062 BEGIN END;
        DO RAND(seed);
        main: LOOP
          SELECT c.go INTO go FROM control c;
          IF go = 0 THEN LEAVE main; END IF;
          IF go = 2 THEN DO SLEEP(0.01); ITERATE main; END IF;
          SET many = IF(RAND() < 0.15, 1 + FLOOR(RAND() * 6), 1);
          START TRANSACTION;
          WHILE many > 0 DO
            SET n = n + 1, many = many - 1, kn = FLOOR(RAND() * {rows}), kn2 = FLOOR(RAND() * {rows}), act = FLOOR(RAND() * 12);
            CASE FLOOR(RAND() * {len(tables)}) {branches}
            END CASE;
          END WHILE;
          COMMIT;
        END LOOP;
      END"""


def fill(table, rows, condition="1"):
    """Statements that insert the keys of the numbers below `rows` (10000 at most) for which the condition on t.k holds."""
    numbers = " UNION ALL ".join(f"SELECT {i} d" for i in range(10))
    thousands = f"SELECT a.d + 10*b.d + 100*c.d + 1000*e.d AS k FROM ({numbers}) a, ({numbers}) b, ({numbers}) c, ({numbers}) e"
    return f"""SET NAMES utf8mb4, sql_mode = 'ALLOW_INVALID_DATES'; INSERT IGNORE INTO {table.name} ({', '.join(table.key)}, v, s)
        SELECT {', '.join(table.number('t.k'))}, t.k, 'first' FROM ({thousands}) t WHERE t.k < {rows} AND {condition};"""


class Load:
    """Tables in a database of its own and writers that change them. `hold()` is a context in which nobody writes.

    `kinds`: names of KINDS, or (kind, name of the table)."""

    def __init__(self, server, db, seed, kinds, rows=3000, writers=WRITERS):
        self.server, self.db, self.seed, self.writers = server, db, seed, writers
        self.processes = []
        modern = server.flavor == "mysql"
        ci = "utf8mb4_0900_ai_ci" if modern else "utf8mb4_unicode_ci"
        self.tables = [Table(*((kind, ci) if isinstance(kind, str) else (kind[0], ci, kind[1]))) for kind in kinds]
        make = f"CREATE DATABASE {db}; USE {db}; CREATE TABLE control (go INT PRIMARY KEY) ENGINE=InnoDB; INSERT INTO control VALUES (2);"
        server.sql(make + "".join(table.create + ";" for table in self.tables))
        server.sql(f"SET NAMES utf8mb4; USE {db};\nDELIMITER //\n{writer_procedure(self.tables, rows)} //\n")
        server.sql(f"USE {db}; " + "".join(fill(table, rows, "t.k % 3 <> 0") for table in self.tables))

    def __enter__(self):
        environment = {**os.environ, "CDC_SANDBOX_RUN": str(path("."))}
        for number in range(self.writers):
            call = f"SET NAMES utf8mb4; CALL work({self.seed * 1000 + number})"
            self.processes.append(
                subprocess.Popen([str(SCRIPT), "sql", self.server.name, "--database", self.db, "-e", call],
                                 env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)  # fmt: skip
            )
        deadline = time.monotonic() + DEADLINE
        while self.sessions() < self.writers:
            assert time.monotonic() < deadline and all(p.poll() is None for p in self.processes), "writers do not start"
            time.sleep(0.02)
        self.set(1)
        return self

    def __exit__(self, *_):
        self.set(0)
        for process in self.processes:
            _, errors = process.communicate(timeout=DEADLINE)
            # MariaDB has given a deadlock past the procedure's handler; that writer then stopped early.
            assert process.returncode == 0 or "ERROR 1213" in errors, errors

    def set(self, go):
        """1: write, 2: wait, 0: end."""
        self.server.sql(f"UPDATE {self.db}.control SET go = {go}")

    def sessions(self):
        return int(self.server.value(f"SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE DB = '{self.db}'"))

    def transactions(self):
        """Open transactions of the writers."""
        return int(self.server.value("SELECT COUNT(*) FROM information_schema.INNODB_TRX WHERE trx_mysql_thread_id <> CONNECTION_ID()"))

    @contextlib.contextmanager
    def hold(self):
        """Yields (place, tables): what identifies the state in the stream, and the rows by table and key."""
        self.set(2)
        before = None
        while (now := self.place()) != before or self.transactions():
            before = now
            time.sleep(0.05)
        yield now, self.contents()
        self.set(1)

    def show(self):
        return "SHOW BINARY LOG STATUS" if self.server.flavor == "mysql" else "SHOW MASTER STATUS"

    def place(self):
        file, pos, *_ = self.server.value(self.show()).split("\t")
        return file, int(pos)

    def sample(self):
        """(place, tables) while everybody writes on: commits wait for some milliseconds."""
        selects = "".join(f"SELECT '=', '{table.name}'; {table.select} {self.db}.{table.name}; " for table in self.tables)
        status, *lines = self.server.sql(f"""SET time_zone = '+00:00', NAMES utf8mb4; FLUSH TABLES WITH READ LOCK; {self.show()};
            START TRANSACTION WITH CONSISTENT SNAPSHOT; UNLOCK TABLES; {selects} COMMIT""")
        tables = {}
        for line in lines:
            if line.startswith("=\t"):
                rows = tables[line[2:]] = {}
            else:
                key, rest = line.split("\t|\t")
                rows[tuple(key.split("\t"))] = rest
        file, pos, *_ = status.split("\t")
        return (file, int(pos)), tables

    def contents(self):
        """{table: {key: the other columns}}"""
        return self.sample()[1]
