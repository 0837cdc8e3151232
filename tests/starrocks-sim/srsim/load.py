# SPDX-License-Identifier: Apache-2.0
"""One Stream Load body: parse, map columns, convert, check and count, as a BE's load fragment does."""

import base64
import json
import re

from . import convert
from .convert import Number
from .schema import Column, Type, MAX_VARCHAR

MAX_LOGGED_ERRORS = 50
UNSUPPORTED = ("jsonpaths", "json_root", "where", "partitions", "temporary_partitions", "partial_update",
               "merge_condition", "envelope", "negative", "enable_merge_commit")
MISSING = object()


class LoadError(Exception):
    """The whole load fails with this message; in_data: because a document of the body is wrong."""

    outcome = None

    def __init__(self, message, in_data=False):
        super().__init__(message)
        self.in_data = in_data


class Outcome:
    """Counters, and the changes: (key, row or None for a delete) if keyed, else rows."""

    def __init__(self):
        self.total = self.filtered = 0
        self.changes = []
        self.errors = []
        self.deletes = 0

    @property
    def loaded(self):
        return self.total - self.filtered

    def reject(self, message, row):
        self.filtered += 1
        if len(self.errors) < MAX_LOGGED_ERRORS:
            self.errors.append("Error: %s. Row: %s" % (message, convert.minified(row)))


def documents(body, strip_outer_array, note):
    """The JSON objects of the body, one by one; raises LoadError where the server's parser would."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise LoadError("parse json failed: UTF8_ERROR: The input is not valid UTF-8 (byte %d)"
                        % error.start, True) from error
    start = _skip_space(text, 0)
    if start == len(text):
        return
    if text[start] not in "{[":
        raise LoadError("illegal json started with " + text[start], True)
    if strip_outer_array and text[start] != "[":
        raise LoadError("the value should be array type with strip_outer_array=true, value: "
                        + text[start:start + 20], True)
    if not strip_outer_array and text[start] == "[":
        raise LoadError("The value is array type in json document stream, you can set strip_outer_array=true to "
                        "parse each element of the array as individual rows", True)
    yield from _scan(text, start + strip_outer_array, strip_outer_array, note)


def _scan(text, at, in_array, note):
    scan = _decoder(note).scan_once
    at = _skip_space(text, at)
    while at < len(text):
        if in_array and text[at] == "]":
            if _skip_space(text, at + 1) != len(text):
                raise LoadError("parse json failed: trailing content after the array", True)
            return
        try:
            value, at = scan(text, at)
        except (ValueError, RecursionError, StopIteration) as error:
            if not in_array and "\n" not in text[at:].rstrip():
                # simdjson's document stream stops quietly before an incomplete last document
                note("cut_document", "the last JSON document is incomplete: %s" % error)
                return
            raise LoadError("parse json failed: %r" % error, True) from error
        yield value
        at = _skip_space(text, at)
        if in_array:
            if text[at:at + 1] == ",":
                at = _skip_space(text, at + 1)
                if text[at:at + 1] == "]":
                    raise LoadError("parse json failed: missing array element", True)
            elif text[at:at + 1] != "]":
                raise LoadError("parse json failed: missing comma or end of the array", True)
    if in_array:
        raise LoadError("parse json failed: the array has no end", True)


_SPACE = re.compile(r"[ \t\r\n]*")


def _skip_space(text, at):
    return _SPACE.match(text, at).end()


def _decoder(note):
    def from_pairs(pairs):
        value = dict(pairs)
        if len(value) != len(pairs):
            note("duplicate_key_in_object", "an object names a key twice: %s" % [k for k, _ in pairs])
        return value

    def no_constant(token):
        raise ValueError("no JSON value: " + token)
    return json.JSONDecoder(object_pairs_hook=from_pairs, parse_float=Number, parse_constant=no_constant)


def split_columns(text):
    """The `columns` header: [(name, expression or None)]."""
    items, depth, quote, current = [], 0, "", ""
    for char in text:
        if quote:
            quote = "" if char == quote else quote
        elif char in "'\"`":
            quote = char
        elif char in "()":
            depth += 1 if char == "(" else -1
        elif char == "," and depth == 0:
            items.append(current)
            current = ""
            continue
        current += char
    items.append(current)
    result = []
    for item in items:
        match = re.fullmatch(r"\s*(`[^`]+`|\w+)\s*(?:=\s*(.+?)\s*)?", item, re.S)
        if not match:
            raise LoadError("Syntax error in columns: " + item)
        result.append((match[1].strip("`"), match[2]))
    return result


class Plan:
    """Which JSON keys go where, decided once per load from the table and the `columns` header."""

    def __init__(self, table, columns_header, note):
        self.table, self.note, self.columns = table, note, table.columns
        listed = split_columns(columns_header) if columns_header else [(c.name, None) for c in table.columns]
        self._check(listed, bool(columns_header))
        self.sources = [name for name, expression in listed if expression is None]
        self.expressions = {name.lower(): expression for name, expression in listed if expression is not None}
        used = set(re.findall(r"\w+", " ".join(self.expressions.values())))
        by_name = {c.name.lower(): c for c in table.columns}
        anything = lambda name: Column(name, Type("VARCHAR", MAX_VARCHAR))
        self.readers = {}
        for name in self.sources:
            column = by_name.get(name.lower())
            reader = anything(name) if column is None or name in used else column
            self.readers[name] = convert.converter(reader, note)
        self.op_source = table.model == "PK" and "__op" not in self.expressions
        self.constant_op = self._constant_op() if table.model == "PK" else None

    def _check(self, listed, explicit):
        names = [name.lower() for name, _ in listed]
        for name, expression in listed:
            if sum(1 for n, e in listed if n.lower() == name.lower() and (e is None) == (expression is None)) > 1:
                raise LoadError("Duplicate column: " + name)
            known = self.table.column(name) or name == "__op"
            if expression is not None and not known:
                raise LoadError("Mapping column is not in table. column: " + name)
        for column in self.table.columns if explicit else ():
            if column.name.lower() not in names and column.default is None and not column.nullable:
                raise LoadError("Column has no default value. column: " + column.name)

    def _constant_op(self):
        text = self.expressions.get("__op")
        if text is None or re.fullmatch(r"`?\w+`?", text) and not text.isdigit():
            return None
        literal = text.strip("'\"").lower()
        if literal not in ("upsert", "delete", "0", "1"):
            raise LoadError("load op type string not supported: " + literal)
        return {"upsert": 0, "delete": 1}.get(literal, int(literal) if literal.isdigit() else 0)

    def evaluate(self, column, cells):
        """The value of a column that has an expression."""
        text = self.expressions[column.name.lower()]
        if re.fullmatch(r"`[^`]+`|[A-Za-z_]\w*", text):
            return self._source(text.strip("`"), cells)
        call = re.fullmatch(r"(?i)to_binary\s*\(\s*(`[^`]+`|\w+)\s*(?:,\s*['\"](\w+)['\"]\s*)?\)", text)
        if call:
            return self._to_binary(column, self._source(call[1].strip("`"), cells), (call[2] or "hex").lower())
        literal = re.fullmatch(r"'([^']*)'|\"([^\"]*)\"|(-?\d+(?:\.\d+)?)", text)
        if literal:
            return next(group for group in literal.groups() if group is not None)
        raise LoadError("simulator: expression not supported: " + text)

    def _source(self, name, cells):
        if name not in self.readers:
            raise LoadError("Unknown column '%s'" % name)
        return cells.get(name)

    def _to_binary(self, column, value, encoding):
        if value is None:
            return None
        try:
            if encoding == "hex":
                return bytes.fromhex(value) if not re.search(r"\s", value) else 1 / 0
            if encoding == "encode64":
                return base64.b64decode(value, validate=True)
            return value.encode() if encoding == "utf8" else 1 / 0
        except (ValueError, ZeroDivisionError):
            self.note("silent_null", "column %s: to_binary makes NULL of %r" % (column.name, value[:40]))
            return None
