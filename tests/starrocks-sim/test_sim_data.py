#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The load engine: conversion by type, NULLs, lengths, keys, the columns header, and each violation."""

import json
import unittest

from client import SimTest, row


class TypesTest(SimTest):
    """(type, JSON value as sent, value in the dump); REJECTED if strict mode filters the row."""

    REJECTED = object()
    CASES = [
        ("TINYINT", "127", 127), ("TINYINT", "-128", -128), ("TINYINT", "128", REJECTED),
        ("SMALLINT", '"-32768"', -32768), ("SMALLINT", "32768", REJECTED), ("INT", "2147483647", 2147483647),
        ("INT", "2147483648", REJECTED), ("INT", '"abc"', REJECTED), ("INT", "{}", REJECTED),
        ("INT", "1.0", 1), ("INT", "1e3", 1000),
        ("BIGINT", "9223372036854775807", 2 ** 63 - 1), ("BIGINT", "-9223372036854775808", -2 ** 63),
        ("BIGINT", "9223372036854775808", REJECTED),
        ("LARGEINT", "18446744073709551615", 2 ** 64 - 1), ("LARGEINT", '"-%d"' % 2 ** 127, -2 ** 127),
        ("LARGEINT", str(2 ** 127), REJECTED), ("LARGEINT", "1.5", REJECTED),
        ("BOOLEAN", "true", 1), ("BOOLEAN", "0", 0), ("BOOLEAN", '"x"', REJECTED),
        ("DECIMAL(5,2)", '"1.2"', "1.20"), ("DECIMAL(5,2)", "-999.99", "-999.99"), ("DECIMAL(5,2)", "1000", REJECTED),
        ("DECIMAL(38,10)", '"1234567890123456789012345678.0123456789"', "1234567890123456789012345678.0123456789"),
        ("DECIMAL(5,2)", '"-0.00"', "0.00"), ("DECIMAL(5,2)", '"x"', REJECTED), ("DECIMAL(5,0)", "7", "7"),
        ("DOUBLE", "1.5e300", 1.5e300), ("DOUBLE", '"2.5"', 2.5), ("DOUBLE", "true", REJECTED),
        ("DOUBLE", "1e999", REJECTED), ("FLOAT", "3.4028235e38", 3.4028235e38), ("FLOAT", "0.1", 0.1),
        ("FLOAT", "1e39", REJECTED),
        ("DATE", '"2024-02-29"', "2024-02-29"), ("DATE", '"2023-02-29"', REJECTED), ("DATE", '"0000-00-00"', REJECTED),
        ("DATE", '"9999-12-31"', "9999-12-31"), ("DATE", '"2024-00-10"', REJECTED),
        ("DATETIME", '"2024-01-02 03:04:05"', "2024-01-02 03:04:05"),
        ("DATETIME", '"2024-01-02 03:04:05.000120"', "2024-01-02 03:04:05.000120"),
        ("DATETIME", '"2024-01-02 03:04:05.5"', "2024-01-02 03:04:05.500000"),
        ("DATETIME", '"2024-01-02"', "2024-01-02 00:00:00"), ("DATETIME", "1753389251", REJECTED),
        ("DATETIME", '"0000-00-00 00:00:00"', REJECTED), ("DATETIME", '"2024-01-02 24:00:00"', REJECTED),
        ("VARCHAR(4)", '"\\u00e4\\u00f6"', "äö"), ("VARCHAR(4)", '"\\u00e4\\u00f6\\u00fc"', REJECTED),
        ("VARCHAR(10)", "12.50", "12.50"), ("VARCHAR(10)", "true", "1"),
        ("VARCHAR(20)", '{"a": [1, null]}', '{"a":[1,null]}'),
        ("CHAR(2)", '"abc"', REJECTED), ("STRING", '"x"', "x"),
        ("VARBINARY(3)", '"abc"', "616263"), ("VARBINARY(3)", '"abcd"', REJECTED),
        ("JSON", '{"a": [1, 2.5, null, "x"]}', {"a": [1, 2.5, None, "x"]}), ("JSON", '"text"', "text"),
        ("JSON", "12", 12), ("INT", "null", None),
    ]

    def setUp(self):
        super().setUp()
        self.sim.create_table("shop", "text", [("id", "INT"), ("v", "STRING")], ["id"])

    def test_conversion(self):
        for number, (kind, text, wanted) in enumerate(self.CASES):
            with self.subTest(type=kind, value=text):
                self.sim.create_table("shop", "orders", [("id", "INT"), ("v", kind)], ["id"])
                answer = self.put("%s-%d" % (self.label, number), b'[{"id": 1, "v": %s}]' % text.encode()).json
                if wanted is self.REJECTED:
                    self.assertEqual(("Fail", "too many filtered rows", 1), (
                        answer["Status"], answer["Message"], answer["NumberFilteredRows"]))
                else:
                    self.assertEqual(("Success", [{"id": 1, "v": wanted}]), (answer["Status"], self.rows()), answer)

    def test_not_strict_makes_null(self):
        self.sim.create_table("shop", "orders", [("id", "INT"), ("v", "DATE")], ["id"])
        answer = self.put(self.label, [{"id": 1, "v": "0000-00-00"}], strict_mode="false").json
        self.assertEqual(("Success", 0, [{"id": 1, "v": None}]),
                         (answer["Status"], answer["NumberFilteredRows"], self.rows()))
        self.expect("no_strict_mode", "silent_null")

    def test_error_log_texts(self):
        self.sim.create_table("shop", "orders", [("id", "INT"), ("v", "VARCHAR(2)"), ("d", "DATETIME"),
                                                 {"name": "n", "type": "INT", "nullable": False}], ["id"])
        rows = [{"id": 1, "v": "abc", "d": None, "n": 1}, {"id": 2, "v": "a", "d": "1", "n": 1},
                {"id": 3, "v": "a", "d": None, "n": None}, {"id": 4, "v": "a", "d": None, "n": 99999999999}]
        answer = self.put(self.label, rows).json
        self.assertEqual((4, 4), (answer["NumberTotalRows"], answer["NumberFilteredRows"]))
        path = answer["ErrorURL"].split("/", 3)[3]
        log = self.call("GET", "/" + path, self.sim.ports["be"][0]).body.decode().splitlines()
        self.assertEqual(["Error: Value length is beyond the capacity. column=v, capacity=2",
                          "Error: Value '1' is out of range. The type of 'd' is DATETIME",
                          "Error: NULL value in non-nullable column 'n'",
                          "Error: Value is overflow. column=n, value=99999999999"],
                         [line.split(". Row: ")[0] for line in log])


class BodyTest(SimTest):
    def fail(self, number, body, message, **headers):
        answer = self.put("%s-%d" % (self.label, number), body, **headers).json
        self.assertEqual("Fail", answer["Status"], answer)
        self.assertIn(message, answer["Message"])

    def test_malformed_bodies(self):
        self.fail(1, b"x", "illegal json started with x")
        self.fail(2, b'{"id":1}', "the value should be array type with strip_outer_array=true")
        self.fail(3, b'[{"id":1}]', "The value is array type in json document stream", strip_outer_array="false")
        self.fail(4, b'[{"id":1,"note":"a"}', "parse json failed")
        self.fail(5, b'[{"id":1,"note":"a"}{"id":2}]', "parse json failed")
        self.fail(10, b'[{"id":1,"note":"a"}] x', "trailing content")
        self.fail(6, b'[{"id":1,"note":"\xff"}]', "UTF8_ERROR")
        self.fail(7, b'[{"id":1,"note":NaN}]', "parse json failed")
        self.fail(8, b"[1]", "not object type")
        self.fail(9, b'[{"id":1,"note":"\\ud800"}]', "lone surrogate")
        self.assertEqual([], self.rows())

    def test_lines(self):
        body = b'{"id":1,"note":"a","n":1}\n{"id":2,"note":"b","n":2}\n'
        self.assertEqual(2, self.put(self.label, body, strip_outer_array="false").json["NumberLoadedRows"])
        self.assertEqual(1, self.put(self.label + "2", body[:-8], strip_outer_array="false").json["NumberLoadedRows"])
        self.expect("cut_document")

    def test_empty_load(self):
        self.fail(1, b"[]", "all partitions have no load data")
        self.expect("empty_load")

    def test_columns_header(self):
        columns = [{"name": "id", "type": "INT"}, {"name": "b", "type": "VARBINARY(10)"},
                   {"name": "d", "type": "INT", "default": "7"}, {"name": "x", "type": "VARCHAR(9)", "nullable": False}]
        self.sim.create_table("shop", "orders", columns, ["id"])
        self.fail(1, [{"id": 1}], "Column has no default value. column: x", columns="id, b")
        answer = self.put(self.label, [{"id": 1, "h": "00ff", "x": "t"}, {"id": 2, "h": None, "x": "t", "__op": 0}],
                          columns="`id`, h, x, b=to_binary(h,'hex')").json
        self.assertEqual("Success", answer["Status"], answer)
        kept = {"id": 1, "b": "00ff", "d": 7, "x": "t"}
        self.assertEqual([kept, {"id": 2, "b": None, "d": 7, "x": "t"}], self.rows())
        self.put(self.label + "64", [{"id": 1, "h": "AP8=", "x": "t"}, {"id": 2, "h": None, "x": "t", "__op": 1}],
                 columns="`id`, h, x, b=to_binary(h, 'encode64')")
        self.assertEqual([{"id": 1, "b": "00ff", "d": 7, "x": "t"}], self.rows())
        self.put(self.label + "bad", [{"id": 1, "h": "0", "x": "t"}], columns="id, h, x, b=to_binary(h)")
        self.assertEqual([{"id": 1, "b": None, "d": 7, "x": "t"}], self.rows())
        self.expect("silent_null")

    def test_key_size(self):
        self.sim.create_table("shop", "orders", [("id", "VARCHAR(255)"), ("k", "INT"), ("v", "INT")], ["id", "k"])
        self.assertEqual("Success", self.put(self.label, [{"id": "x" * 122, "k": 1, "v": 1}]).json["Status"])
        self.fail(1, [{"id": "x" * 123, "k": 1, "v": 1}], "primary key size exceed the limit.")

    def test_null_key(self):
        self.fail(1, [row(None)], "too many filtered rows")

    def test_missing_keys(self):
        columns = self.target_columns + [{"name": "d", "type": "INT", "default": "7"}]
        self.sim.create_table("shop", "orders", columns, ["id"])
        self.put(self.label, [row(1), row(2, __op=1)])
        self.assertEqual([row(1, d=None)], self.rows())  # NULL, not the default
        self.expect("missing_key")
        self.put(self.label + "2", [row(1, d=1), {"id": 3, "d": 2}, {"id": 4, "__op": 1}])
        self.expect("ragged_rows")


class ViolationsTest(SimTest):
    def violate(self, *kinds, rows=None, body=None, **headers):
        answer = self.put(self.label, rows or body, **headers).json
        self.expect(*kinds)
        return answer

    def test_max_filter_ratio(self):
        self.violate("max_filter_ratio", rows=[row(1)], max_filter_ratio=None)
        self.put(self.label + "2", [row(1), row(2, n="x")], max_filter_ratio="0.5")
        self.expect("max_filter_ratio")
        self.assertEqual([row(1)], self.rows())

    def test_strict_mode(self):
        self.violate("no_strict_mode", rows=[row(1)], strict_mode=None)

    def test_no_label(self):
        answer = self.put(None, [row(1)]).json
        self.assertRegex(answer["Label"], "^[0-9a-f-]{36}$")
        self.expect("no_label")

    def test_key_twice(self):
        self.violate("key_twice_in_a_load", rows=[row(1, "a"), row(1, "b")])
        self.assertEqual([row(1, "b")], self.rows())

    def test_same_label_other_body(self):
        self.sim.fault("be_fail", when="end")
        self.put(self.label, [row(1)])
        self.put(self.label, [row(2)])
        self.expect("label_with_another_body")

    def test_op_values(self):
        self.violate("op_value", rows=[row(1, __op=2)])
        self.assertEqual("Fail", self.put(self.label + "2", [row(1, __op="delete")]).json["Status"])
        self.expect("op_value")

    def test_unknown_key(self):
        self.violate("unknown_key", rows=[row(1, other=1)])

    def test_key_names_have_case(self):
        self.violate("unknown_key", rows=[{"id": 1, "NOTE": "x", "n": 1}])
        self.assertEqual([row(1, None)], self.rows())

    def test_duplicate_key_in_object(self):
        self.violate("duplicate_key_in_object", body=b'[{"id":1,"note":"a","note":"b","n":1}]')

    def test_lossy_values(self):
        self.assertEqual("Fail", self.violate("bool_into_int", rows=[row(1, n=True)])["Status"])
        self.sim.create_table("shop", "orders", [("id", "INT"), ("n", "INT"), ("d", "DECIMAL(4,1)"), ("t", "DATETIME"),
                                                 ("j", "JSON"), ("a", "DATE")], ["id"])
        values = {"id": 1, "n": 1.9, "d": "1.25", "t": "2024-01-01 00:00:00.1234567", "j": '{"a":1}',
                  "a": "2024-01-01 10:00:00"}
        self.put(self.label + "2", [values])
        self.expect("float_fraction", "decimal_rounded", "fraction_cut_off", "json_in_string", "time_cut_off")
        self.assertEqual([{"id": 1, "n": 1, "d": "1.3", "t": "2024-01-01 00:00:00.123456", "j": '{"a":1}',
                           "a": "2024-01-01"}], self.rows())

    def test_unsupported(self):
        self.assertEqual("Fail", self.violate("unsupported", rows=[row(1)], jsonpaths='["$.id"]')["Status"])
        self.assertEqual("Fail", self.violate("unsupported", rows=[row(1)], format="csv")["Status"])

    def test_ignored_violations(self):
        self.sim.configure(ignore_violations=["key_twice_in_a_load"])
        self.violate(rows=[row(1, "a"), row(1, "b")])
        self.sim.configure(ignore_violations=[])


class DuplicateTableTest(SimTest):
    model = "DUP"

    def test_appends(self):
        self.put(self.label, [row(1), row(1)])
        self.put(self.label + "2", [row(1)])
        self.assertEqual([row(1)] * 3, self.rows())

    def test_op_is_ignored(self):
        self.put(self.label, [row(1, __op=1)])
        self.assertEqual([row(1)], self.rows())
        self.expect("op_on_table_without_primary_key")


class SharedDataTest(SimTest):
    def test_upsert_after_delete_is_lost_between_memtables(self):
        changes = [row(1, "old", __op=1), row(2), row(1, "new", __op=0)]
        for storage, memtable, wanted in (("shared_nothing", 1, [row(1, "new"), row(2)]),
                                          ("shared_data", 100, [row(1, "new"), row(2)]),
                                          ("shared_data", 1, [row(2)])):
            self.sim.create_table("shop", "orders", self.target_columns, ["id"])
            self.sim.configure(storage=storage, limits={"memtable_rows": memtable})
            self.put("%s-%s-%d" % (self.label, storage, memtable), changes)
            self.assertEqual(wanted, self.rows())
        self.expect("key_twice_in_a_load")
        self.sim.configure(limits={"memtable_rows": 100000})


class SpeedTest(SimTest):
    target_columns = [("id", "BIGINT"), ("note", "VARCHAR(200)"), ("price", "DECIMAL(12,2)"), ("at", "DATETIME"),
                      ("n", "INT"), ("f", "DOUBLE")]

    def test_twenty_thousand_rows(self):
        rows = [{"id": n, "note": "x" * 150, "price": "%d.25" % n, "at": "2024-01-02 03:04:05.123456", "n": -n,
                 "f": n * 0.37} for n in range(20000)]
        answer = self.put(self.label, json.dumps(rows).encode()).json
        self.assertEqual(("Success", 20000), (answer["Status"], answer["NumberLoadedRows"]))
        self.assertLess(answer["LoadTimeMs"], 60000)


if __name__ == "__main__":
    unittest.main()
