# SPDX-License-Identifier: Apache-2.0
"""Random values as SQL literals, by column type: limits, empty and huge ones, NULL, zero dates, odd characters.

Only the type text of information_schema decides, so that a value fits whatever a table has become meanwhile. Literals
name bytes in hexadecimal, so that no quoting of client or server comes between. Some are out of range on purpose: with
an empty sql_mode the server cuts them, and what it made of them is what the stream has to tell.
"""

import json
import re

# Character sets of the servers, and the Python codec whose repertoire is nearest.
CHARSETS = {
    "latin1": "cp1252", "utf8mb4": None, "utf8": None, "ascii": "ascii", "latin2": "iso8859_2", "latin5": "iso8859_9",
    "latin7": "iso8859_13", "cp1250": "cp1250", "cp1251": "cp1251", "cp1256": "cp1256", "cp1257": "cp1257", "cp850": "cp850",
    "cp852": "cp852", "cp866": "cp866", "greek": "iso8859_7", "hebrew": "iso8859_8", "koi8r": "koi8_r", "koi8u": "koi8_u",
    "macroman": "mac_roman", "macce": "mac_latin2", "tis620": "tis_620", "armscii8": None, "geostd8": None, "dec8": "latin1",
    "hp8": "hp_roman8", "swe7": None, "keybcs2": None, "gbk": "gbk", "gb2312": "gb2312", "gb18030": "gb18030", "big5": "big5",
    "sjis": "shift_jis", "cp932": "cp932", "ujis": "euc_jp", "eucjpms": "euc_jp", "euckr": "euc_kr", "ucs2": None,
    "utf16": None, "utf16le": None, "utf32": None,
}  # fmt: skip
BLOCKS = [(0x20, 0x7F), (0x20, 0x7F), (0x00, 0x20), (0xA0, 0x180), (0x370, 0x460), (0x530, 0x5FF), (0xE00, 0xE5C),
          (0x10A0, 0x1100), (0x2010, 0x2040), (0x3040, 0x3100), (0x4E00, 0x9FA0), (0xAC00, 0xD7A0), (0xFF00, 0xFFEF),
          (0x1F300, 0x1F640)]  # fmt: skip
INTEGERS = {"tinyint": 8, "smallint": 16, "mediumint": 24, "int": 32, "bigint": 64}
SHAPES = {
    "point": ["POINT(1.5 -2)", "POINT(-0 1e300)"],
    "linestring": ["LINESTRING(0 0,1 1,2 0.1)"],
    "polygon": ["POLYGON((0 0,4 0,4 4,0 0),(1 0.5,2 0.5,2 1,1 0.5))"],
    "multipoint": ["MULTIPOINT(0 0,1 2)"],
    "multilinestring": ["MULTILINESTRING((0 0,1 1),(2 2,3 4))"],
    "multipolygon": ["MULTIPOLYGON(((0 0,4 0,4 4,0 0)))"],
    "geometrycollection": ["GEOMETRYCOLLECTION(POINT(1 1),LINESTRING(0 0,1 1))", "GEOMETRYCOLLECTION EMPTY"],
}
SHAPES["geomcollection"] = SHAPES["geometrycollection"]
SHAPES["geometry"] = [text for texts in SHAPES.values() for text in texts]


def quoted(name):
    return "`" + name.replace("`", "``") + "`"


def bytes_literal(data):
    return f"x'{data.hex()}'"


def text_literal(text):
    return f"CONVERT({bytes_literal(text.encode())} USING utf8mb4)"


def characters(rng, charset, count):
    """`count` characters, most of which the character set has."""
    codec = CHARSETS.get(charset)
    if codec and rng.random() < 0.8:
        text = rng.randbytes(count * 2).decode(codec, "ignore")[:count]
        return "".join(c for c in text if c.isprintable()) or "a"
    return "".join(chr(rng.randrange(*rng.choice(BLOCKS))) for _ in range(count))


def text(rng, charset, limit):
    size = rng.choice([0, 1, 3, 10, 30, limit, limit + 1]) if limit < 400 else rng.choice([0, 1, 5, 40, 255, 256, 300])
    if rng.random() < 0.03 and limit > 70000:
        return f"REPEAT({text_literal(characters(rng, charset, 7) + 'z')}, {rng.randrange(8000, 40000)})"
    return text_literal(characters(rng, charset, min(size, 400)) + rng.choice(["", "", "", " ", "  ", "\0", "\\", '"', "\n"]))


def binary(rng, limit):
    if rng.random() < 0.03 and limit > 70000:
        return f"REPEAT({bytes_literal(rng.randbytes(9))}, {rng.randrange(8000, 30000)})"
    return bytes_literal(rng.randbytes(rng.choice([0, 1, 2, min(limit, 300), 20])) + rng.choice([b"", b"", b"\0", b" "]))


def integer(rng, bits, unsigned):
    low, high = (0, 2**bits - 1) if unsigned else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    return str(rng.choice([low, high, low - 1, high + 1, 0, -1, 1, 127, 128, rng.randint(low, high), rng.randint(-100, 100)]))


def decimal(rng, precision, scale):
    digits = "".join(rng.choice("0123456789") for _ in range(rng.randint(0, precision - scale)))
    fraction = "".join(rng.choice("0009") + rng.choice("0123456789") for _ in range((scale + 1) // 2))[: rng.randint(0, scale)]
    special = ["-0", "0", "9" * (precision - scale) + "." + "9" * scale, "-" + "9" * 70, "-0." + "0" * 31, "0." + "0" * (scale - 1) + "1"]
    return f"'{rng.choice(special)}'" if rng.random() < 0.3 else f"'{rng.choice(['', '-'])}{digits or 0}.{fraction or 0}'"


def real(rng, single):
    special = ["0", "-0e0", "0.1", "1e-45" if single else "5e-324", "1.17549435e-38" if single else "2.2250738585072014e-308",
               "3.4028234e38" if single else "1.7976931348623157e308", "16777217", "1e15", "123456789.125", "-1e-7"]  # fmt: skip
    return rng.choice([*special, repr(rng.uniform(-1000, 1000)), f"{rng.uniform(-9, 9)}e{rng.randint(-37, 37)}"])


def clock(rng):
    return f"{rng.randrange(24):02}:{rng.randrange(60):02}:{rng.randrange(60):02}" + rng.choice(["", ".5", ".000001", ".999999", f".{rng.randrange(10**6):06}"])


def temporal(rng, kind):
    day = f"{rng.randrange(1000, 9999)}-{rng.randrange(1, 13):02}-{rng.randrange(1, 29):02}"
    if kind == "date":
        return f"'{rng.choice([day, day, '0000-00-00', '1000-01-01', '9999-12-31', '2024-00-00', '2024-02-00', '0001-01-01'])}'"
    if kind == "datetime":
        return f"'{rng.choice([day + ' ' + clock(rng)] * 3 + ['0000-00-00', '9999-12-31 23:59:59.4', '2024-00-10 01:02:03', '1000-01-01'])}'"
    if kind == "timestamp":
        recent = f"{rng.randrange(1971, 2037)}-{rng.randrange(1, 13):02}-{rng.randrange(1, 29):02} {clock(rng)}"
        return f"'{rng.choice([recent] * 4 + ['0000-00-00', '1970-01-02 00:00:01', '2038-01-18 03:14:07.4', '2024-03-31 02:30:00'])}'"
    if kind == "time":
        return rng.choice([f"'{rng.choice(['', '-'])}{rng.randrange(839)}:{rng.randrange(60):02}:{rng.randrange(60):02}.{rng.randrange(10**6):06}'",
                           f"'{clock(rng)}'", "'838:59:59'", "'-838:59:59'", "'-00:00:00.000001'", "'-00:00:01'", "0"])  # fmt: skip
    return rng.choice(["0", "1901", "2155", str(rng.randrange(1901, 2156))])


def document(rng, depth=0):
    """A JSON value as Python has it."""
    kind = rng.randrange(11 if depth < 4 else 7)
    if kind < 7:
        return [None, True, rng.choice([0, -1, 2**63 - 1, -(2**63), 2**64 - 1, 32767, 32768, 65536, rng.randint(-(10**9), 10**9)]),
                rng.choice([0.5, 1e300, -0.0, 1e-7, rng.uniform(-1, 1)]), characters(rng, "utf8mb4", rng.choice([0, 1, 5, 130])), False,
                "\"\\/\b\f\n\r\t\u007f\u2028"][kind]  # fmt: skip
    size = rng.choice([0, 1, 2, 5]) if rng.random() < 0.98 else 700
    if kind < 9:
        return [document(rng, depth + 1 if size < 9 else 9) for _ in range(size)]
    return {characters(rng, "utf8mb4", rng.choice([0, 1, 3])): document(rng, depth + 1 if size < 9 else 9) for _ in range(size)}


OPAQUE = ["CAST('12.340' AS DECIMAL(30,10))", "CAST('-0.0' AS DECIMAL(5,1))", "CAST('-12:34:56.5' AS TIME(3))", "DATE'2024-02-29'",
          "TIMESTAMP'2024-02-29 01:02:03.000004'", "CAST(x'00ff10' AS BINARY)", "ST_GeomFromText('POINT(1 2)')", "CAST(7 AS UNSIGNED)",
          "CAST(1.5 AS FLOAT)", "CAST(2024 AS YEAR)", "b'101'", "TRUE", "NULL", "1e0", "1e200", "'x'"]  # fmt: skip


def json_value(rng):
    if rng.random() < 0.4:
        return f"JSON_OBJECT('a', {rng.choice(OPAQUE)}, 'b', JSON_ARRAY({', '.join(rng.choices(OPAQUE, k=3))}), 'k', 1)"
    return f"CAST({text_literal(json.dumps(document(rng), ensure_ascii=False))} AS JSON)"


def json_change(rng, column):
    """An expression that a server may log as a difference."""
    path = rng.choice(["$.a", "$.b[1]", "$.b[0]", "$.k", "$[0]", "$.new", "$.b[last]"])
    function = rng.choice(["JSON_SET", "JSON_REPLACE", "JSON_SET", "JSON_REMOVE"])
    if function == "JSON_REMOVE":
        return f"JSON_REMOVE({column}, '{path}')"
    return f"{function}({column}, '{path}', {rng.choice([*OPAQUE, json_value(rng)])})"


def labels(column_type):
    return re.findall(r"'((?:[^']|'')*)'", column_type)


def value(rng, column):
    """A literal for `column`, which has .data_type .column_type .charset .length .nullable."""
    if rng.random() < (0.15 if column.nullable else 0.01):
        return "NULL"
    kind, type_text = column.data_type, column.column_type
    numbers = [int(number) for number in re.findall(r"\d+", type_text.split(")")[0])]
    if kind in INTEGERS:
        return integer(rng, INTEGERS[kind], "unsigned" in type_text)
    if kind == "decimal":
        return decimal(rng, *numbers[:2])
    if kind in ("float", "double"):
        return real(rng, kind == "float")
    if kind in ("date", "datetime", "timestamp", "time", "year"):
        return temporal(rng, kind)
    if kind == "bit":
        return str(rng.choice([0, 1, 2 ** numbers[0] - 1, rng.randrange(2 ** numbers[0])]))
    if kind == "enum":
        return str(rng.randint(0 if rng.random() < 0.1 else 1, len(labels(type_text))))
    if kind == "set":
        count = len(labels(type_text))
        return str(rng.choice([0, 2**count - 1, rng.randrange(2**count), 1 << (count - 1)]))
    if kind == "json":
        return json_value(rng)
    if kind == "vector":
        return f"STRING_TO_VECTOR('[{','.join(rng.choice(['0', '-0.1', '1e-30', '3.4e38', str(rng.random())]) for _ in range(rng.randint(1, numbers[0])))}]')"
    if kind in SHAPES:
        return f"ST_GeomFromText('{rng.choice(SHAPES[kind])}'{rng.choice(['', ', 4326']) if kind != 'geometry' else ''})"
    if kind == "inet6":
        return rng.choice(["'::'", "'2001:db8::ff00:42:8329'", "'::ffff:192.0.2.128'", "'1::'", f"'{rng.randrange(65536):x}::{rng.randrange(65536):x}'"])
    if kind == "inet4":
        return rng.choice(["'0.0.0.0'", "'192.0.2.1'", "'255.255.255.255'"])
    if kind == "uuid":
        return f"'{rng.randbytes(16).hex()}'"
    return text(rng, column.charset, column.length) if column.charset else binary(rng, column.length)
