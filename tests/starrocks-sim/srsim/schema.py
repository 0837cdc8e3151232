# SPDX-License-Identifier: Apache-2.0
"""Column types, columns, tables and their rows."""

import re

INTEGERS = {"TINYINT": 8, "SMALLINT": 16, "INT": 32, "BIGINT": 64, "LARGEINT": 128}
KEY_TYPES = set(INTEGERS) | {"BOOLEAN", "DATE", "DATETIME", "VARCHAR"}
MAX_VARCHAR = 1048576
STRING_LENGTH = 65533
FIXED_KEY_BYTES = {"BOOLEAN": 1, "TINYINT": 1, "SMALLINT": 2, "INT": 4, "BIGINT": 8, "LARGEINT": 16,
                   "DATE": 4, "DATETIME": 8}


class SchemaError(Exception):
    """The definition is one that StarRocks refuses; the text says why."""


class Type:
    """A column type; length in bytes for text and binary, precision and scale for DECIMAL."""

    def __init__(self, name, length=None, precision=None, scale=None):
        self.name, self.length, self.precision, self.scale = name, length, precision, scale

    def __str__(self):
        if self.name in ("VARCHAR", "CHAR") or (self.name == "VARBINARY" and self.length != MAX_VARCHAR):
            return "%s(%d)" % (self.name, self.length)
        if self.name == "DECIMAL":
            return "DECIMAL(%d,%d)" % (self.precision, self.scale)
        return self.name


def parse_type(text, max_precision=38):
    """A type as written in CREATE TABLE, e.g. `varchar(20)`, `decimal(10, 2)`, `string`."""
    match = re.fullmatch(r"\s*([A-Za-z]\w*)\s*(?:\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\))?\s*", text)
    if not match:
        raise SchemaError("Invalid type: %s" % text)
    name, first, second = match[1].upper(), match[2], match[3]
    numbers = [int(n) for n in (first, second) if n is not None]
    name = {"INTEGER": "INT", "BOOL": "BOOLEAN", "BINARY": "VARBINARY", "DECIMAL128": "DECIMAL",
            "DECIMALV3": "DECIMAL", "JSONB": "JSON"}.get(name, name)
    if name == "STRING" and not numbers:
        return Type("VARCHAR", STRING_LENGTH)
    if name == "TEXT" and not numbers:
        return Type("VARCHAR", STRING_LENGTH)
    if name in ("VARCHAR", "VARBINARY", "CHAR") and second is None:
        default = {"VARCHAR": MAX_VARCHAR, "VARBINARY": MAX_VARCHAR, "CHAR": 1}[name]
        length = numbers[0] if numbers else default
        limit = 255 if name == "CHAR" else MAX_VARCHAR
        if length == 0:
            raise SchemaError("%s size must be > 0: %d" % (name, length))
        if length > limit:
            raise SchemaError("%s size must be <= %d: %d" % (name, limit, length))
        return Type(name, length)
    if name == "DECIMAL":
        precision, scale = (numbers + [10, 0])[:2] if len(numbers) != 1 else (numbers[0], 0)
        if not 1 <= precision <= max_precision:
            raise SchemaError("DECIMAL's precision should range from 1 to %d" % max_precision)
        if scale > precision:
            raise SchemaError("DECIMAL's scale should be less than or equal to precision")
        return Type(name, precision=precision, scale=scale)
    if name in set(INTEGERS) | {"BOOLEAN", "FLOAT", "DOUBLE", "DATE", "DATETIME", "JSON"}:
        if second is not None or (numbers and name not in INTEGERS):
            raise SchemaError("Invalid type: %s" % text)
        return Type(name)  # a display width of an integer is accepted and ignored
    raise SchemaError("Unsupported type: %s" % text)


class Column:
    def __init__(self, name, kind, nullable=True, default=None, key=False, comment=""):
        self.name, self.type, self.nullable = name, kind, nullable
        self.default, self.key, self.comment = default, key, comment

    @classmethod
    def from_config(cls, config):
        text = config["type"]
        if "length" in config:
            text += "(%d)" % config["length"]
        elif "precision" in config:
            text += "(%d,%d)" % (config["precision"], config.get("scale", 0))
        key = bool(config.get("key"))
        return cls(config["name"], parse_type(text, 76), config.get("nullable", not key),
                   config.get("default"), key)


class Table:
    """A table's definition and content. Rows are tuples in column order.

    Primary Key and Unique tables hold a dict from key tuple to row, Duplicate tables a list.
    """

    def __init__(self, db, name, model, columns, properties=None):
        self.db, self.name, self.model = db, name, model
        self.columns = columns
        self.properties = properties or {}
        self.rows = {} if self.keyed else []
        self.version = 1
        self.pending_versions = 0       # versions not yet compacted
        self.compacted_at = 0.0
        self.publish_queue = []         # committed transactions in commit order
        self.alter_jobs = []
        self.distribution = None        # (column names or None, buckets or None)
        check_table(self)

    @property
    def keyed(self):
        return self.model in ("PK", "UNI", "AGG")

    @property
    def keys(self):
        return [c for c in self.columns if c.key]

    def column(self, name):
        return next((c for c in self.columns if c.name.lower() == name.lower()), None)

    def add_column(self, column, position=None):
        """Old rows get the default, or NULL."""
        from .convert import converter  # convert needs Type from here
        at = len(self.columns) if position is None else position
        value = None
        if column.default is not None:
            value = converter(column, lambda kind, text: None)(column.default)
        self._map_rows(lambda row: row[:at] + (value,) + row[at:])
        self.columns = self.columns[:at] + [column] + self.columns[at:]

    def drop_column(self, name):
        column = self.column(name)
        if column is None or column.key:
            raise SchemaError("Column does not exists or is a key: " + name)
        at = self.columns.index(column)
        self._map_rows(lambda row: row[:at] + row[at + 1:])
        self.columns = self.columns[:at] + self.columns[at + 1:]

    def _map_rows(self, change):
        if self.keyed:
            self.rows = {key: change(row) for key, row in self.rows.items()}
        else:
            self.rows = [change(row) for row in self.rows]

    def all_rows(self):
        return list(self.rows.values() if self.keyed else self.rows)


def check_table(table):
    """Raises SchemaError for what StarRocks refuses at CREATE TABLE."""
    names = [c.name.lower() for c in table.columns]
    for name in names:
        if names.count(name) > 1:
            raise SchemaError("Duplicate column name '%s'" % name)
    keys = table.keys
    if not keys:
        raise SchemaError("Table %s has no key columns" % table.name)
    if table.columns[:len(keys)] != keys:
        raise SchemaError("Key columns must be the first few columns of the schema and the order of the key "
                          "columns must be consistent with the order of the schema")
    if table.model != "PK":
        return
    for column in keys:
        if column.type.name not in KEY_TYPES:
            raise SchemaError("primary key column[%s] type not supported: %s" % (column.name, column.type))
        if column.nullable:
            raise SchemaError("primary key column[%s] cannot be nullable" % column.name)
