# SPDX-License-Identifier: Apache-2.0
"""What a stream of records makes of tables, and what SELECT says they hold, in one form, value by value.

A row is a dict from column name to the value's canonical form: None, an int, exact text, the bytes of binary columns
and of floating-point numbers (so that -0 and each last bit count), the server's own text of a JSON document.
"""

import base64
import collections
import json
import struct

from random_values import INTEGERS, quoted

UNKNOWN = object()  # not in a row image, and not derivable from it: agrees with anything
ZERO = object()  # the type's own default: agrees with nought, in whatever form
GEOMETRY = ("geometry", "point", "linestring", "polygon", "multipoint", "multilinestring", "multipolygon", "geometrycollection", "geomcollection")
BINARY = ("binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob")
DECODER = json.JSONDecoder()


class Disagreement(AssertionError):
    pass


def form(column):
    """The class of `column` (data_type, column_type, charset) as far as comparing goes."""
    kind = column.data_type
    if kind in INTEGERS or kind in ("bit", "year"):
        return "integer"
    if kind in ("float", "double", "json", "vector"):
        return "text" if kind == "json" and column.charset else kind
    if kind in GEOMETRY:
        return "geometry"
    if kind in BINARY:
        return "bytes"
    return "text" if column.charset else "plain"


def expression(column):
    """SQL for what select() reads."""
    name = column.quoted
    return {
        "integer": f"{name} + 0",
        "float": f"{name} + 0e0",
        "double": f"{name} + 0e0",
        "json": f"HEX(CAST({name} AS CHAR))",
        "text": f"HEX(CONVERT({name} USING utf8mb4))",
        "plain": name,
    }.get(form(column), f"HEX({name})")


def selected(column, field):
    """The canonical form of a field that expression() gave."""
    if field == "NULL":
        return None
    kind = form(column)
    if kind == "integer":
        return int(field)
    if kind == "float":
        return struct.pack("<f", float(field))
    if kind == "double":
        return struct.pack("<d", float(field))
    if kind in ("json", "text"):
        return bytes.fromhex(field).decode()
    return field if kind == "plain" else bytes.fromhex(field)


def told(column, value, text):
    """The canonical form of a value in `data`, parsed and as written."""
    if value is None:
        return None
    kind = form(column)
    if kind == "float":
        return struct.pack("<f", value)
    if kind == "double":
        return struct.pack("<d", value)
    if kind == "json":
        return text
    if kind == "vector":
        return struct.pack(f"<{len(value)}f", *value)
    if kind == "geometry" and value != "":  # an empty one is no geometry, but old servers take it
        return struct.pack("<I", value["srid"]) + base64.b64decode(value["wkb"])
    return base64.b64decode(value) if kind in ("bytes", "geometry") else value


def members(text, at):
    """Of the JSON object at text[at]: each key, value, and the value's own text."""
    at += 1
    while text[at] != "}":
        key, at = DECODER.raw_decode(text, at + (text[at] == ","))
        value, end = DECODER.raw_decode(text, at + 1)
        yield key, value, text[at + 1 : end]
        at = end


def row_of(line, record, columns):
    """The row of a record. `columns` are the table's, by name."""
    row = {}
    for name, value, text in members(line, line.index(',"data":{') + len(',"data":')):
        if name not in columns:
            raise Disagreement(f"the table has no column {name!r}: {line[:300]}")
        row[name] = "null" if name in record.get("json_null", ()) else told(columns[name], value, text)
    return row


def left_out(column):
    """What an insert without the column gives it."""
    if column.generated:
        return UNKNOWN
    if column.default is not None:
        return int(column.default) if form(column) == "integer" and column.default.isdigit() else UNKNOWN
    if column.nullable:
        return None
    return UNKNOWN if column.data_type in ("json", "enum", "vector", "timestamp", *GEOMETRY) else ZERO


def same(held, value):
    if held is ZERO:
        return value == 0 or (isinstance(value, str) and not value.strip("0-:. ")) or (isinstance(value, bytes) and not any(value))
    return held is UNKNOWN or held == value


def agrees(row, image):
    return all(same(row[name], value) for name, value in image.items())


class Table:
    """The rows of one table. `columns` by name, in order."""

    def __init__(self, columns, rows=()):
        self.columns = columns
        self.rows = collections.Counter()
        self.by_content = {}
        for row in rows:
            self.add(row)

    def add(self, row):
        content = tuple(row[name] for name in self.columns)
        self.rows[content] += 1
        self.by_content[content] = row

    def take(self, image, whole):
        """Removes a row that has the values of `image`, and returns it. Without a key any of them will do; with one it is
        the only one that can agree."""
        content = tuple(image[name] for name in self.columns) if whole else None
        if content not in self.rows:
            # Where an insert left out a part of its own key (MINIMAL), a row that is known to have it goes first.
            agreeing = [(sum(row[n] in (UNKNOWN, ZERO) for n in image), c) for c, row in self.by_content.items() if agrees(row, image)]
            content = min(agreeing, key=lambda pair: pair[0], default=(0, None))[1]
        if content is None:
            near = min(self.by_content.values(), key=lambda row: sum(not same(row[n], v) for n, v in image.items()), default={})
            differing = {name: (value, near.get(name)) for name, value in image.items() if not same(near.get(name), value)}
            raise Disagreement(f"no row has this before image; nearest one, as (told, held): {shortened(differing)}")
        self.rows[content] -= 1
        if self.rows[content]:
            return self.by_content[content]
        del self.rows[content]
        return self.by_content.pop(content)

    def insert(self, image):
        self.add({name: image[name] if name in image else left_out(column) for name, column in self.columns.items()})

    def update(self, before, after):
        whole = len(before) == len(self.columns)
        row = self.take(before, whole)
        cut = not whole or len(after) < len(self.columns)
        derived = {name: UNKNOWN for name, column in self.columns.items() if cut and column.generated}
        self.add({**row, **derived, **after})

    def delete(self, image):
        self.take(image, len(image) == len(self.columns))

    def compare(self, rows):
        """`rows` are the server's."""
        mine = [self.by_content[content] for content in self.rows.elements()]
        theirs = collections.Counter(tuple(row[name] for name in self.columns) for row in rows)
        unmatched = []
        for row in mine:
            content = tuple(row[name] for name in self.columns)
            if theirs[content] > 0:
                theirs[content] -= 1
            else:
                unmatched.append(row)
        rest = [dict(zip(self.columns, content, strict=True)) for content in theirs.elements()]
        for row in unmatched:
            near = min(rest, key=lambda other: sum(not same(v, other[n]) for n, v in row.items()), default=None)
            if near is None:
                raise Disagreement(f"the server has no such row: {shortened(row)}")
            differing = {n: (v, near[n]) for n, v in row.items() if not same(v, near[n])}
            if differing:
                raise Disagreement(f"a row differs, as (told, selected): {shortened(differing)}")
            rest.remove(near)
        if rest:
            raise Disagreement(f"never told: {shortened(rest[0])}")


def shortened(values):
    def short(value):
        text = repr(value)
        return text if len(text) < 200 else f"{text[:150]}… ({len(text)} characters)"

    if isinstance(values, dict):
        return {name: tuple(map(short, v)) if isinstance(v, tuple) else short(v) for name, v in values.items()}
    return short(values)


def snapshot_query(schema):
    """Statements that print the rows of all tables, each line with the table's index in front."""
    return "; ".join(
        f"SELECT {index}, {', '.join(expression(c) for c in columns)} FROM {quoted(table)}"
        for index, (table, columns) in enumerate(sorted(schema.items()))
    )


def read_snapshot(schema, lines):
    """The rows that snapshot_query() printed, by table."""
    tables = sorted(schema.items())
    rows = {table: [] for table, _ in tables}
    for line in lines:
        index, *fields = line.split("\t")
        table, columns = tables[int(index)]
        rows[table].append({c.name: selected(c, f) for c, f in zip(columns, fields, strict=True)})
    return rows
