#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""cdc-tail --format=debezium, maxwell and canal on a real server: a reader of each format applies the lines to a model,
and the model must be the table, the server computing each value in the format's own terms."""

import decimal
import json
import random
import subprocess
import unittest

from tail import DEADLINE, OneServer, command

# Columns, and what each format's reader should find in them as SQL of the server; all of it text, or null.
COLUMNS = {
    "id": "BIGINT UNSIGNED NOT NULL PRIMARY KEY", "price": "DECIMAL(30,4)", "status": "ENUM('new','paid','shipped')",
    "tags": "SET('gift','bulk','vip')", "note": "TEXT", "latin": "VARCHAR(30) CHARACTER SET latin1", "doc": "JSON",
    "placed": "DATETIME(3)", "moment": "DATETIME(6)", "created": "TIMESTAMP(6) NULL", "day": "DATE", "took": "TIME(2)",
    "y": "YEAR", "flag": "BIT(1)", "bits": "BIT(17)", "raw": "VARBINARY(20)", "shape": "GEOMETRY", "tiny": "TINYINT UNSIGNED",
}  # fmt: skip
TEXT = {name: f"CAST({name} AS CHAR)" for name in COLUMNS}
BASE64 = "REPLACE(TO_BASE64({}), '\\n', '')"
EXPECTED = {
    "debezium": TEXT | {
        "placed": "CAST(TIMESTAMPDIFF(MICROSECOND, '1970-01-01', placed) DIV 1000 AS CHAR)",
        "moment": "CAST(TIMESTAMPDIFF(MICROSECOND, '1970-01-01', moment) AS CHAR)",
        "created": "DATE_FORMAT(created, '%Y-%m-%dT%H:%i:%s.%fZ')",
        "day": "CAST(DATEDIFF(day, '1970-01-01') AS CHAR)",
        "took": "CAST(TIMESTAMPDIFF(MICROSECOND, '2000-01-01', ADDTIME('2000-01-01 00:00:00', took)) AS CHAR)",
        "flag": "IF(flag IS NULL, NULL, IF(flag, 'True', 'False'))",
        "bits": BASE64.format("REVERSE(CAST(bits AS BINARY))"),
        "raw": BASE64.format("raw"),
        "shape": BASE64.format("ST_AsBinary(shape)"),
    },
    "maxwell": TEXT | {
        "status": "NULLIF(status, '')", "flag": "CAST(flag + 0 AS CHAR)", "bits": "CAST(bits + 0 AS CHAR)",
        "raw": BASE64.format("raw"), "shape": "ST_AsText(shape)",
    },
    "canal": TEXT | {
        "status": "CAST(status + 0 AS CHAR)", "tags": "CAST(tags + 0 AS CHAR)", "flag": "CAST(flag + 0 AS CHAR)",
        "bits": "CAST(bits + 0 AS CHAR)", "raw": "HEX(raw)", "shape": "HEX(shape)",
    },
}  # fmt: skip


def as_text(format_name, name, value):
    """What a reader found in a column, in the words of EXPECTED."""
    if value is None:
        return None
    if name == "doc":
        return value if isinstance(value, str) else json.dumps(value)
    if format_name == "debezium" and name == "shape":
        return value["wkb"]
    if format_name == "maxwell" and name == "tags":
        return ",".join(value)
    if format_name == "maxwell" and name == "shape":
        return value.replace(" (", "(").replace(", ", ",")
    if format_name == "canal" and name in ("raw", "shape"):
        return value.encode("latin-1").hex().upper()
    return str(value)


class Reader:
    """The rows that the lines of a format make."""

    def __init__(self):
        self.rows = {}

    def debezium(self, event):
        if event["op"] in "cru":
            self.rows[event["after"]["id"]] = event["after"]
        if event["op"] == "d":
            del self.rows[event["before"]["id"]]

    def maxwell(self, row):
        if row["type"] == "update":
            del self.rows[row.get("old", {}).get("id", row["data"]["id"])]
        if row["type"] in ("insert", "update"):
            self.rows[row["data"]["id"]] = row["data"]
        if row["type"] == "delete":
            del self.rows[row["data"]["id"]]

    def canal(self, message):
        for index, data in enumerate(message["data"]):
            if message["type"] == "UPDATE":
                del self.rows[message["old"][index].get("id", data["id"])]
            if message["type"] == "DELETE":
                del self.rows[data["id"]]
            else:
                self.rows[data["id"]] = data


def random_values(choose):
    """SQL values in the order of COLUMNS, without the key."""
    text = "".join(choose.choices("aäß東😀'\"\\ \n", k=choose.randrange(8))).encode()
    hex_text = f"CONVERT(x'{text.hex()}' USING utf8mb4)"
    day = f"{choose.randrange(1900, 9999)}-{choose.randrange(1, 13):02}-{choose.randrange(1, 29):02}"
    clock = f"{choose.randrange(24):02}:{choose.randrange(60):02}:{choose.randrange(60):02}.{choose.randrange(10**6):06}"
    points = ",".join(f"{choose.randrange(9)} {choose.randrange(9)}.5" for _ in range(3))
    values = [
        str(decimal.Decimal(choose.randrange(-(10**29), 10**29)).scaleb(-4)),
        f"'{choose.choice(['new', 'paid', 'shipped', ''])}'", f"'{choose.choice(['', 'gift', 'vip,bulk', 'gift,bulk,vip'])}'",
        hex_text, "'Gr\u00fc\u00dfe'", f"JSON_OBJECT('k', {hex_text}, 'n', {choose.randrange(99)})",
        f"'{day} {clock}'", f"'{day} {clock}'", f"'20{choose.randrange(10, 37)}{day[4:]} {clock}'", f"'{day}'",
        f"'{choose.choice(['', '-'])}{choose.randrange(839)}:59:58.25'", str(choose.choice([0, 1901, 2155])),
        str(choose.randrange(2)), str(choose.randrange(1 << 17)), f"x'{choose.randbytes(choose.randrange(20)).hex()}'",
        choose.choice([f"ST_GeomFromText('LINESTRING({points})')", f"ST_GeomFromText('MULTIPOINT({points})')"]),
        str(choose.randrange(256)),
    ]  # fmt: skip
    return ["NULL" if choose.random() < 0.15 else value for value in values]


class Formats(OneServer):
    options = ["--binlog-row-metadata=FULL", "--sql-mode=", "--character-set-server=utf8mb4"]

    def tell(self, format_name, *arguments):
        done = subprocess.run(
            command(f"--format={format_name}", f"--file={self.start[0]}", f"--pos={self.start[1]}", "--stop-mode=latest",
                    *arguments, server=self.server), capture_output=True, timeout=DEADLINE, check=False)  # fmt: skip
        self.assertEqual(done.returncode, 0, done.stderr.decode())
        return [json.loads(line, parse_float=decimal.Decimal) for line in done.stdout.decode().splitlines()]

    def change(self, seed):
        choose = random.Random(seed)
        table = f"{self.db}.orders"
        self.server.sql(f"CREATE TABLE {table} ({', '.join(f'{name} {kind}' for name, kind in COLUMNS.items())})")
        statements = ["SET NAMES utf8mb4; SET time_zone = '+00:00'"]
        for key in range(40):
            statements.append(f"INSERT INTO {table} VALUES ({key}, {', '.join(random_values(choose))})")
        for _ in range(60):
            key = choose.randrange(40)
            name, value = choose.choice(list(zip(list(COLUMNS)[1:], random_values(choose))))
            statements.append(choose.choice([
                f"UPDATE {table} SET {name} = {value} WHERE id = {key}", f"UPDATE {table} SET {name} = {value} WHERE id % 5 = 1",
                f"UPDATE {table} SET id = 18446744073709551615 - id WHERE id = {key}", f"DELETE FROM {table} WHERE id = {key}",
                "BEGIN", "COMMIT"]))  # fmt: skip
        self.server.sql(";\n".join([*statements, "COMMIT"]))

    def test_readers_make_the_table(self):
        seed = 20261121
        self.change(seed)
        for format_name, expressions in EXPECTED.items():
            with self.subTest(format=format_name, seed=seed):
                reader = Reader()
                for line in self.tell(format_name, "--rows-only"):
                    getattr(reader, format_name)(line)
                columns = ", ".join(expressions[name] for name in COLUMNS)
                asked = self.server.sql(f"SET time_zone = '+00:00'; SELECT HEX(JSON_ARRAY({columns})) FROM {self.db}.orders ORDER BY id")
                rows = sorted(reader.rows.items(), key=lambda item: int(item[0]))
                self.assertGreater(len(asked), 20)
                self.assertEqual(len(rows), len(asked))
                for (_, row), line in zip(rows, asked):
                    want = dict(zip(COLUMNS, json.loads(bytes.fromhex(line))))
                    got = {name: as_text(format_name, name, row[name]) for name in COLUMNS}
                    for made in (want, got):
                        made["doc"] = json.loads(made["doc"]) if made["doc"] is not None else None
                    if want["y"] is not None:
                        got["y"] = got["y"].zfill(4)
                    self.assertEqual(got, want)

    def test_transactions(self):
        """What each format says of which rows belong together."""
        self.server.sql(f"BEGIN; INSERT INTO {self.db}.t VALUES (1, 'a'), (2, 'b'); UPDATE {self.db}.t SET v = 'c' WHERE id = 2; COMMIT;"
                        f"INSERT INTO {self.db}.t VALUES (3, 'd'); ALTER TABLE {self.db}.t ADD w INT; TRUNCATE {self.db}.t")  # fmt: skip
        first, second = (gtid["gtid"] for gtid in self.from_here().of("begin"))
        maxwell = self.tell("maxwell", "--rows-only")
        self.assertEqual([row.get("commit") for row in maxwell], [None, None, True, True])
        self.assertEqual([row["gtid"] for row in maxwell], [first] * 3 + [second])
        self.assertEqual(len({row["xid"] for row in maxwell}), 2)
        debezium = self.tell("debezium", "--rows-only")
        self.assertEqual([(event["transaction"]["id"], event["transaction"]["total_order"]) for event in debezium],
                         [(first, 1), (first, 2), (first, 3), (second, 1)])  # fmt: skip
        self.assertEqual([event["source"]["row"] for event in debezium], [0, 1, 0, 0])
        server_id = int(self.server.value("SELECT @@server_id"))
        self.assertEqual({event["source"]["server_id"] for event in self.tell("debezium")}, {server_id})
        self.assertEqual([m["gtid"] for m in self.tell("canal", "--rows-only")], [first] * 3 + [second])
        # Definitions, which --rows-only leaves out.
        self.assertEqual([event.get("op", "schema") for event in self.tell("debezium")][4:], ["schema", "t"])
        self.assertEqual([row["type"] for row in self.tell("maxwell")][4:], ["table-alter"])
        self.assertEqual([message["type"] for message in self.tell("canal")][4:], ["ALTER", "TRUNCATE"])


if __name__ == "__main__":
    unittest.main()
