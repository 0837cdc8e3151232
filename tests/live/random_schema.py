# SPDX-License-Identifier: Apache-2.0
"""Random tables, and random statements on whatever tables there are: rows in all ways, and definitions that change.

Everything follows from the random generator that is handed in and from what information_schema says; statements that
the server refuses are meant to be skipped.
"""

import dataclasses

from random_values import CHARSETS, json_change, json_value, labels, quoted, value

ODD_NAMES = ["id", "select", "two words", "quo`te", 'double"', "back\\slash", "ключ", "名前", "a.b", "@1", "kind", "größe", "tab\tname"]
TYPES = """tinyint|tinyint unsigned|smallint|smallint unsigned|mediumint|mediumint unsigned|int|int unsigned|bigint|bigint unsigned|
    int(7) zerofill|float|double|float unsigned|double unsigned|decimal(10,2)|decimal(65,30)|decimal(9,9)|decimal(1,0)|
    decimal(20,0) unsigned|bit(1)|bit(9)|bit(64)|year|date|time|time(1)|time(3)|time(6)|datetime|datetime(2)|datetime(6)|
    timestamp NULL|timestamp(3) NULL|timestamp(6) NULL|char(0)|char(10)|char(255)|varchar(1)|varchar(63)|varchar(64)|
    varchar(255)|varchar(300)|tinytext|text|mediumtext|longtext|binary(1)|binary(16)|binary(255)|varbinary(20)|varbinary(300)|
    tinyblob|blob|mediumblob|longblob|geometry|point|linestring|polygon|multipoint|multilinestring|multipolygon|
    geometrycollection""".replace("\n", "").replace(" " * 4, "").split("|")
MODERN = ["json", "json", "json", "vector(3)", "vector(40)"]
MARIADB = ["varchar(200) compressed", "blob compressed", "text compressed", "json"]
UNTOLD = ["inet6", "inet4", "uuid"]  # binary(n) in MariaDB's binlog, whatever binlog_row_metadata is


@dataclasses.dataclass
class Column:
    name: str
    data_type: str
    column_type: str
    charset: str
    length: int  # in characters, of text and binary columns
    nullable: bool
    generated: bool
    key: bool  # of the primary key
    default: str | None = None  # None: no other than the type's own

    @property
    def quoted(self):
        return quoted(self.name)


@dataclasses.dataclass
class Dialect:
    """What a server knows. `modern` is MySQL 8 and later; `asked`: the stream's definitions come from information_schema."""

    modern: bool
    mariadb: bool
    asked: bool

    @property
    def charsets(self):
        names = [name for name in CHARSETS if self.modern or name != "gb18030"]
        return [*names, "utf8mb4", "utf8mb4", "latin1"]


class Generator:
    """Statements on tables of one database, which is the session's default."""

    def __init__(self, rng, dialect):
        self.rng = rng
        self.dialect = dialect
        self.serial = 0
        self.types = TYPES + (MODERN if dialect.modern else MARIADB if dialect.mariadb else [])
        if dialect.mariadb and dialect.asked:
            self.types += UNTOLD

    # --- definitions

    def name(self):
        self.serial += 1
        return self.rng.choice(ODD_NAMES) + str(self.serial) if self.rng.random() < 0.3 else f"c{self.serial}"

    def label_list(self, count):
        odd = ["it''s", "", "a b", "größer", "日本", "x" * 40, "back\\\\slash", "new\\nline"]
        return ",".join(f"'{odd[i] if i < len(odd) and self.rng.random() < 0.5 else f'm{i}'}'" for i in range(count))

    def type_text(self):
        rng = self.rng
        chance = rng.random()
        if chance < 0.05:
            text = f"enum({self.label_list(rng.choice([1, 3, 8, 255, 256, 300]))})"
        elif chance < 0.1:
            text = f"set({self.label_list(rng.choice([1, 2, 8, 9, 17, 33, 64]))})"
        else:
            text = rng.choice(self.types).strip()
        if text.startswith(("char", "varchar", "enum", "set")) or text.endswith("text"):
            text += f" CHARACTER SET {rng.choice(self.dialect.charsets)}" if rng.random() < 0.7 else ""
        return text

    def definition(self, name=None):
        rng = self.rng
        text = self.type_text()
        if "NULL" not in text and rng.random() < 0.3:
            text += " NOT NULL"
        if rng.random() < 0.2 and text.split()[0] in ("int", "bigint", "smallint", "double", "decimal(10,2)"):
            text += " DEFAULT 7"
        if self.dialect.modern and rng.random() < 0.08:
            text += " INVISIBLE"
        return f"{quoted(name or self.name())} {text}"

    def key(self, columns):
        """The first columns, and the definition of a key on them."""
        return self.rng.choice([
            (["id INT PRIMARY KEY AUTO_INCREMENT"], []),
            (["id BIGINT UNSIGNED PRIMARY KEY"], []),
            (["b VARCHAR(30) CHARACTER SET latin1 NOT NULL", "a INT NOT NULL"], ["PRIMARY KEY (a, b)"]),
            (["a DATETIME(3) NOT NULL", "b DECIMAL(12,4) NOT NULL", "c BINARY(5) NOT NULL"], ["PRIMARY KEY (c, a, b)"]),
            (["t TEXT NOT NULL", "n INT NOT NULL"], ["PRIMARY KEY (t(20), n)"]),
            (["u INT NOT NULL", "v INT"], ["UNIQUE KEY (u)"]),
            ([], []),
        ])  # fmt: skip

    def create(self, table):
        rng = self.rng
        head, constraints = self.key(table)
        count = rng.choice([1, 3, 8, 8, 15, 15, 25]) if rng.random() < 0.97 else 120
        columns = head + [self.definition() for _ in range(count)]
        if not head or rng.random() < 0.3:
            rng.shuffle(columns)
        if (self.dialect.modern or self.dialect.mariadb) and rng.random() < 0.3:
            columns += ["src INT", f"gen INT GENERATED ALWAYS AS (src * 2 + 1) {rng.choice(['VIRTUAL', 'STORED'])}"]
        gipk = "SET sql_generate_invisible_primary_key = ON; " if self.dialect.modern and rng.random() < 0.2 else ""
        charset = f" DEFAULT CHARACTER SET {rng.choice(self.dialect.charsets)}" if rng.random() < 0.5 else ""
        return f"{gipk}CREATE TABLE {quoted(table)} ({', '.join(columns + constraints)}){charset}"

    def alter(self, table, columns):
        """Changes of one table; `columns` are its Columns."""
        rng = self.rng
        free = [c for c in columns if not c.key and not c.generated and c.name != "src"]
        place = rng.choice(["", " FIRST", f" AFTER {rng.choice(columns).quoted}"])
        changes = [f"ADD COLUMN {self.definition()}{place}"]
        if free:
            one, other = rng.choice(free), rng.choice(free)
            changes += [f"DROP COLUMN {one.quoted}", f"CHANGE {one.quoted} {quoted(self.name())} {self.kept(one)}",
                        f"MODIFY {self.definition(one.name)}", f"MODIFY {one.quoted} {self.kept(one)}{place}"]  # fmt: skip
            if one is not other:
                changes += [f"CHANGE {one.quoted} {other.quoted} {self.kept(one)}, CHANGE {other.quoted} {one.quoted} {self.kept(other)}"] * 2
            for column in free:
                if column.data_type in ("enum", "set"):
                    shuffled = [f"'{label}'" for label in labels(column.column_type)]
                    rng.shuffle(shuffled)
                    changes.append(f"MODIFY {column.quoted} {column.data_type}({','.join(shuffled)}) CHARACTER SET {column.charset}")
        return f"ALTER TABLE {quoted(table)} {rng.choice(changes)}"

    @staticmethod
    def kept(column):
        charset = f" CHARACTER SET {column.charset}" if column.charset and column.data_type != "json" else ""
        return f"{column.column_type}{charset} {'NULL' if column.nullable else 'NOT NULL'}"

    # --- rows

    def cut(self, table):
        """A condition that some rows meet, the same ones in every run."""
        rng = self.rng
        chance = rng.choice(["0.05", "0.2", "0.5", "2"])
        return f"WHERE RAND({rng.randrange(10**6)}) < {chance} LIMIT {rng.choice([1, 3, 10, 40])}"

    def insert(self, table, columns):
        rng = self.rng
        writable = [c for c in columns if not c.generated]
        if rng.random() < 0.25:
            writable = rng.sample(writable, rng.randint(1, len(writable)))
        verb = rng.choice(["INSERT", "INSERT IGNORE", "REPLACE", "INSERT"])
        if verb == "REPLACE" and self.dialect.mariadb:
            # With row image MINIMAL its binlog has the update that a REPLACE may become without the columns that the
            # statement does not name, though they get their defaults: nobody can tell that, its replicas diverge too.
            writable = [c for c in columns if not c.generated]
        rows = ", ".join(f"({', '.join(value(rng, c) for c in writable)})" for _ in range(rng.choice([1, 1, 2, 5, 20])))
        names = ", ".join(c.quoted for c in writable)
        tail = ""
        if verb == "INSERT" and rng.random() < 0.3:
            column = rng.choice(writable)
            tail = f" ON DUPLICATE KEY UPDATE {column.quoted} = {value(rng, column)}"
        return f"{verb} INTO {quoted(table)} ({names}) VALUES {rows}{tail}"

    def copy(self, table, columns):
        """Rows again under other keys."""
        writable = [c for c in columns if not c.generated]
        chosen = ", ".join(value(self.rng, c) if c.key else c.quoted for c in writable)
        return f"INSERT IGNORE INTO {quoted(table)} ({', '.join(c.quoted for c in writable)}) SELECT {chosen} FROM {quoted(table)} {self.cut(table)}"

    def update(self, table, columns):
        rng = self.rng
        writable = [c for c in columns if not c.generated and (not c.key or rng.random() < 0.3)]
        if not writable:
            return self.delete(table)
        chosen = rng.sample(writable, min(len(writable), rng.choice([1, 1, 2, 4])))
        sets = []
        for column in chosen:
            new = value(rng, column)
            if column.data_type == "json" and rng.random() < 0.7:
                new = json_change(rng, column.quoted)
                for _ in range(rng.randrange(3)):
                    new = json_change(rng, new) if rng.random() < 0.5 else f"JSON_SET({new}, '$.k', {json_value(rng)})"
            elif column.key and column.data_type in ("int", "bigint"):
                new = f"{column.quoted} + {rng.choice([1, 1000, 100000])}"
            sets.append(f"{column.quoted} = {new}")
        return f"UPDATE IGNORE {quoted(table)} SET {', '.join(sets)} {self.cut(table)}"

    def delete(self, table):
        return f"DELETE FROM {quoted(table)} {self.cut(table)}" if self.rng.random() < 0.97 else f"DELETE FROM {quoted(table)}"

    def change(self, schema):
        """One statement that changes rows. `schema` has the Columns of each table."""
        table = self.rng.choice(sorted(schema))
        columns = schema[table]
        kind = self.rng.choice(["insert"] * 5 + ["update"] * 5 + ["delete", "copy"])
        if kind == "delete":
            return self.delete(table)
        return getattr(self, kind)(table, columns)

    def settings(self, image):
        """What a session may choose for itself. `image` is its row image."""
        rng = self.rng
        chosen = [f"SET SESSION binlog_row_image = {image}", f"SET time_zone = '{rng.choice(['+00:00', '-11:30', '+05:45'])}'"]
        if self.dialect.modern:
            chosen.append(f"SET SESSION binlog_transaction_compression = {rng.choice(['ON', 'OFF'])}")
            partial = image == "FULL" and rng.random() < 0.6
            chosen.append(f"SET SESSION binlog_row_value_options = '{'PARTIAL_JSON' if partial else ''}'")
        if not self.dialect.mariadb:
            chosen.append(f"SET SESSION binlog_rows_query_log_events = {rng.choice(['ON', 'OFF'])}")
        return chosen

    def transactions(self, schema, count):
        """A script: `count` statements in transactions of all kinds, each with settings of its own."""
        rng, script = self.rng, []
        while count > 0:
            if rng.random() < 0.4:
                script += self.settings(rng.choice(["FULL", "FULL", "MINIMAL", "NOBLOB"]))
            statements = [self.change(schema) for _ in range(rng.choice([1, 1, 2, 5]))]
            count -= len(statements)
            kind = rng.random()
            if kind < 0.4:
                script += statements
            elif kind < 0.7:
                script += ["BEGIN", *statements, rng.choice(["COMMIT", "COMMIT", "COMMIT", "ROLLBACK"])]
            elif kind < 0.8:
                script += ["BEGIN", statements[0], "SAVEPOINT s", *statements[1:], self.change(schema), "ROLLBACK TO s", "COMMIT"]
            else:
                self.serial += 1
                xid = f"'x{self.serial}'"
                end = rng.choice([[f"XA COMMIT {xid} ONE PHASE"], [f"XA PREPARE {xid}", f"XA COMMIT {xid}"], [f"XA PREPARE {xid}", f"XA ROLLBACK {xid}"]])
                script += [f"XA START {xid}", *statements, f"XA END {xid}", *end]
        return script
