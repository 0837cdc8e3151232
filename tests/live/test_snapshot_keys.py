#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Keys of every kind: pages follow them in the server's own order, no row is left out or told twice, and no page reads
more of the table than it tells."""

import unittest

from snapshot_load import KINDS, Table, fill
from tail import run, start

ROWS, PAGE = 1500, 10

# As KINDS, but for keys that the writers of the other tests could not name again.
MORE = {
    "thirds": ("f FLOAT", ["({k} - 700) / 3e0"], ["f"]),
    "tiny": ("f FLOAT", ["({k} - 700) * 1.4e-38 / 97"], ["f"]),
    "huge": ("d DOUBLE", ["({k} - 700) / 97 * 2.5e305"], ["d"]),
    "close": ("d DOUBLE", ["1e17 + {k} * 16"], ["d"]),
    "pair": ("f FLOAT, d DOUBLE", ["({k} DIV 40) / 7e0", "({k} % 40 - 20) / 3e0"], ["f", "d"]),
    "money": ("p DECIMAL(30,10)", ["({k} - 700) * 123456789012.0000000007"], ["p"]),
    "invalid": ("d DATE, t DATETIME(6)", ["CONCAT('2020-02-', LPAD({k} % 32, 2, '0'))", "CONCAT('2021-00-00 00:00:', LPAD({k} DIV 32, 2, '0'), '.000001')"], ["d", "t"]),
    "zeros": ("t TIMESTAMP(3) NOT NULL DEFAULT 0, n SMALLINT", ["IF({k} % 2, 0, '2000-01-01')", "{k}"], ["t", "n"]),
    "signs": ("t TIME(6)", ["SEC_TO_TIME(({k} - 700) * 700.000007)"], ["t"]),
    "years": ("y YEAR, n SMALLINT", ["IF({k} % 157, 1900 + {k} % 157, 0)", "{k}"], ["y", "n"]),
    "full": ("b BIT(64)", ["18446744073709551615 - {k} * 4294967296001"], ["b"]),
    "padded": ("b BINARY(6)", ["CONCAT(CHAR({k} DIV 40), CHAR(0), CHAR({k} % 40))"], ["b"]),
    "ends": ("b VARBINARY(9)", ["CONCAT(CHAR({k} DIV 9), REPEAT(IF({k} % 2, CHAR(0), ' '), {k} % 9))"], ["b"]),
    "chinese": ("k VARCHAR(9) CHARACTER SET gbk", ["CONCAT(CONVERT(UNHEX(HEX(0xB0A1 + {k} % 90)) USING gbk), {k} DIV 90)"], ["k"]),
    "two": ("k CHAR(9) CHARACTER SET ucs2", ["CONCAT(CHAR(0x100 + {k} % 300 USING ucs2), {k} DIV 300)"], ["k"]),
    "quotes": ("k VARCHAR(9) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin", ["CONCAT(ELT(1 + {k} % 5, '''', '\\\\\\\\', '\"', '%', '`'), {k} DIV 5)"], ["k"]),
    "labels": (f"e ENUM({','.join(repr(f'l{i}') for i in range(300))}) NOT NULL, n INT", ["1 + ({k} * 7) % 300", "{k}"], ["e", "n"]),
    "late": ("a INT, g SET('p','q','r','s'), e ENUM('z','y','x')", ["{k} DIV 48", "{k} % 16", "1 + {k} DIV 16 % 3"], ["a", "g", "e"]),
    "three": ("a TINYINT, b VARCHAR(5), c SMALLINT UNSIGNED", ["{k} % 5 - 2", "CONCAT('w', {k} DIV 5 % 20)", "{k}"], ["a", "b", "c"]),
    "mixed": ("a INT, b INT, c INT", ["{k} % 9", "{k} DIV 9 % 9", "{k}"], ["a DESC", "b", "c DESC"]),
    "made": ("a INT, b INT AS (a DIV 5) STORED", ["{k}"], ["b", "a"]),
}
SETS = {"sets": ("g SET('a','b','c','d','e','f','g','h','i','j','k')", ["{k}"], ["g"])}
NOT_ON = {"mariadb": {"made"}, "mysql56": {"made", "mixed", "down"}}  # they have no generated keys, no descending ones


class Keys(unittest.TestCase):
    def check(self, flavor):
        kinds = {**KINDS, **MORE, **({} if flavor == "mysql56" else SETS)}
        tables = [Table(kind, "utf8mb4_unicode_ci", kinds=kinds) for kind in kinds if kind not in NOT_ON.get(flavor, ())]
        with start("keys" + (flavor or ""), flavor) as server:
            server.sql("CREATE DATABASE d; USE d; SET sql_mode = '';" + "".join(table.create + ";" + self.rows_of(table) for table in tables))
            expected = {table.name: [] for table in tables}
            for row in server.sql("USE d;" + "".join(
                    f"SELECT '{t.name}', v FROM {t.name} FORCE INDEX (PRIMARY) ORDER BY {t.order};" for t in tables)):  # fmt: skip
                name, number = row.split("\t")
                expected[name].append(int(number))
            before = self.handler_reads(server)
            told = {table.name: [] for table in tables}
            for record in run("--startup-mode=initial", "--stop-mode=latest", "-t", "d.*", f"--snapshot-chunk-rows={PAGE}",
                              "--snapshot-parallel=4", server=server).rows:  # fmt: skip
                told[record["table"]].append(record["data"]["v"])
            read = self.handler_reads(server) - before
        for name, numbers in expected.items():
            with self.subTest(key=name):
                self.assertEqual(told[name], sorted(numbers) if name in SETS else numbers)
                self.assertGreater(len(numbers), ROWS // 10)
        rows = sum(map(len, told.values()))
        # One table whose pages are each read from its start would add a hundred thousand.
        self.assertLess(read, rows + 60_000, f"for {rows} rows")

    @staticmethod
    def rows_of(table):
        if table.kind != "made":
            return fill(table, ROWS)
        table.key, key = ["a"], table.key
        text = fill(table, ROWS)
        table.key = key
        return text

    @staticmethod
    def handler_reads(server):
        rows = server.sql("SHOW GLOBAL STATUS WHERE Variable_name IN ('Handler_read_next', 'Handler_read_prev')")
        return sum(int(row.split("\t")[1]) for row in rows)

    def test_mysql(self):
        self.check(None)

    def test_mariadb(self):
        self.check("mariadb")

    def test_mysql_56(self):
        self.check("mysql56")


if __name__ == "__main__":
    unittest.main()
