# SPDX-License-Identifier: Apache-2.0
"""The tables of information_schema, with the quirks of each version, and the user's tables as relations."""

from .schema import MAX_VARCHAR
from .sql import SqlError

COLUMNS = ["TABLE_CATALOG", "TABLE_SCHEMA", "TABLE_NAME", "COLUMN_NAME", "ORDINAL_POSITION", "COLUMN_DEFAULT",
           "IS_NULLABLE", "DATA_TYPE", "CHARACTER_MAXIMUM_LENGTH", "CHARACTER_OCTET_LENGTH", "NUMERIC_PRECISION",
           "NUMERIC_SCALE", "DATETIME_PRECISION", "CHARACTER_SET_NAME", "COLLATION_NAME", "COLUMN_TYPE", "COLUMN_KEY",
           "EXTRA", "PRIVILEGES", "COLUMN_COMMENT", "COLUMN_SIZE", "DECIMAL_DIGITS", "GENERATION_EXPRESSION", "SRS_ID"]
CONFIG = ["TABLE_SCHEMA", "TABLE_NAME", "TABLE_ENGINE", "TABLE_MODEL", "PRIMARY_KEY", "PARTITION_KEY", "DISTRIBUTE_KEY",
          "DISTRIBUTE_TYPE", "DISTRIBUTE_BUCKET", "SORT_KEY", "PROPERTIES", "TABLE_ID"]
TABLES = ["TABLE_CATALOG", "TABLE_SCHEMA", "TABLE_NAME", "TABLE_TYPE", "ENGINE", "TABLE_ROWS"]
# What the FE sends; its manual says PRI_KEYS and UNQ_KEYS.
MODELS = {"PK": "PRIMARY_KEYS", "DUP": "DUP_KEYS", "UNI": "UNIQUE_KEYS", "AGG": "AGG_KEYS"}
KEYS = {"PK": "PRI", "DUP": "DUP", "UNI": "UNI", "AGG": "AGG"}
DIGITS = {"TINYINT": 3, "SMALLINT": 5, "INT": 10, "BIGINT": 19, "LARGEINT": 39, "FLOAT": 7, "DOUBLE": 15}


def relation(cluster, db, name):
    """(column names, rows) of a table, in information_schema or the user's."""
    if db.lower() != "information_schema":
        if db not in cluster.databases:
            raise SqlError("Unknown database '%s'" % db, 1049, "42000")
        table = cluster.table(db, name)
        if table is None:
            raise unknown_table(db, name)
        with cluster.lock:
            return [c.name for c in table.columns], [[_shown(v) for v in row] for row in table.all_rows()]
    tables = [t for tables in cluster.databases.values() for t in tables.values()]
    if name.lower() == "columns":
        return COLUMNS, [_column(cluster, t, i, c) for t in tables for i, c in enumerate(t.columns, 1)]
    if name.lower() == "tables_config":
        return CONFIG, [_config(cluster, t) for t in tables]
    if name.lower() == "tables":
        return TABLES, [["def", t.db, t.name, "BASE TABLE", "StarRocks", len(t.rows)] for t in tables]
    if name.lower() == "schemata":
        return ["CATALOG_NAME", "SCHEMA_NAME"], [["def", d] for d in cluster.databases]
    raise unknown_table("information_schema", name)


def unknown_table(db, name):
    return SqlError("Getting analyzing error. Detail message: Unknown table '%s.%s'." % (db, name), 5502, "42602")


def _shown(value):
    """A stored value as the text protocol shows it."""
    if isinstance(value, (dict, list)):
        from .convert import minified
        return minified(value)
    return value


def _column(cluster, table, position, column):
    """One row of information_schema.columns. BOOLEAN looks like a tinyint without a size, LARGEINT like a
    bigint unsigned; the keys of tables without a primary key, and in shared-data 3.1 and 3.2 all keys, are
    not marked in old versions."""
    kind = column.type
    data_type = {"BOOLEAN": "tinyint", "LARGEINT": "bigint unsigned"}.get(kind.name, kind.name.lower())
    full = {"BOOLEAN": "boolean", "LARGEINT": "bigint(20) unsigned"}.get(kind.name, str(kind).lower())
    text = kind.name in ("VARCHAR", "CHAR", "VARBINARY")
    size = kind.length if text else kind.precision if kind.name == "DECIMAL" else DIGITS.get(kind.name)
    if kind.name == "VARBINARY" and kind.length == MAX_VARCHAR:
        size = None
    digits = kind.scale if kind.name == "DECIMAL" else 0 if kind.name in DIGITS else None
    key = ""
    if column.key and not (table.model != "PK" and cluster.profile_name == "v2.5"):
        key = KEYS[table.model]
    if cluster.profile_name == "v3.2" and cluster.storage == "shared_data":
        key = ""
    return ["def", table.db, table.name, column.name, position, column.default, "YES" if column.nullable else "NO",
            data_type, size if text else None, size if text else None,
            None if text else size, digits, None, "utf8" if text else None, "utf8_general_ci" if text else None, full,
            key, "", "", column.comment, size, digits, None, None]


def _config(cluster, table):
    keys = ", ".join("`%s`" % c.name for c in table.keys)
    names, buckets = table.distribution or (None, None)
    hashed = ", ".join("`%s`" % n for n in names) if names else keys
    return [table.db, table.name, "OLAP", MODELS[table.model], keys if table.model in ("PK", "UNI") else "", "", hashed,
            "HASH", buckets or 1, keys, "{}", cluster.db_id(table.db) * 1000 + len(table.name)]
