# SPDX-License-Identifier: Apache-2.0
"""CREATE TABLE and ALTER TABLE ADD COLUMN as StarRocks' grammar and analyzer take them, for native tables
without partitions, rollups or indexes. What they refuse is refused here; so is what is not simulated."""

import re

from .convert import BadCell, converter
from .schema import INTEGERS, Column, SchemaError, Table, parse_type
from .sql import SqlError

COLUMN_NAME = re.compile(r"[^\0=<>!*]{1,1024}")
RESERVED_COLUMNS = ("__op", "__row")
MODELS = {"PRIMARY": "PK", "DUPLICATE": "DUP", "UNIQUE": "UNI"}


def analysis_error(message):
    return SqlError("Getting analyzing error. Detail message: %s." % message)


def create_table(tokens, cluster, database):
    """Parses from after CREATE TABLE. Returns (Table, if_not_exists)."""
    lenient = tokens.accept("IF", "NOT", "EXISTS")
    db, name = tokens.table_name(database)
    tokens.expect("(")
    columns = [column_definition(tokens, cluster)]
    while tokens.accept(","):
        columns.append(column_definition(tokens, cluster))
    tokens.expect(")")
    if tokens.accept("ENGINE"):
        tokens.expect("=")
        if tokens.identifier().upper() != "OLAP":
            raise analysis_error("simulator: only ENGINE=OLAP")
    model, keys = key_clause(tokens)
    if tokens.accept("COMMENT"):
        tokens.string()
    distribution = distribution_clause(tokens)
    order_by = name_list(tokens) if tokens.accept("ORDER", "BY") else None
    properties = properties_clause(tokens)
    tokens.end()
    if model is None:
        model, keys = "DUP", [columns[0][0].name]
    columns = apply_keys(columns, model, keys)
    check_distribution(cluster, model, keys, distribution, columns)
    check_properties(cluster, properties)
    for wanted in order_by or ():
        if wanted.lower() not in [c.name.lower() for c in columns]:
            raise analysis_error("Unknown column '%s' does not exist" % wanted)
    try:
        table = Table(db, name, model, columns, properties)
    except SchemaError as error:
        raise analysis_error(error) from error
    table.distribution = distribution
    return table, lenient


def column_definition(tokens, cluster):
    """(Column, whether NULL or NOT NULL was written)"""
    name = tokens.identifier()
    if not COLUMN_NAME.fullmatch(name):
        raise analysis_error("Incorrect column name '%s'" % name)
    if name.lower() in RESERVED_COLUMNS:
        raise analysis_error("Column name [%s] is a system reserved name" % name)
    kind = type_name(tokens, cluster)
    nullable = None
    if tokens.accept("NOT", "NULL"):
        nullable = False
    elif tokens.accept("NULL"):
        nullable = True
    default = default_clause(tokens) if tokens.accept("DEFAULT") else None
    comment = tokens.string() if tokens.accept("COMMENT") else ""
    column = Column(name, kind, True if nullable is None else nullable, default, comment=comment)
    check_default(column)
    return column, nullable


def type_name(tokens, cluster):
    kind, text = tokens.next()
    if kind != "word":
        tokens.at -= 1
        tokens.fail()
    if tokens.accept("("):
        numbers = [str(tokens.integer())]
        if tokens.accept(","):
            numbers.append(str(tokens.integer()))
        tokens.expect(")")
        text += "(%s)" % ",".join(numbers)
    if text.upper() == "VARCHAR":
        text += "(1)"
    widest = 76 if cluster.profile_name >= "v4" else 38
    try:
        return parse_type(text, widest)
    except SchemaError as error:
        raise analysis_error(error) from error


def default_clause(tokens):
    """A constant default. StarRocks takes only string literals, for numbers too."""
    if tokens.accept("NULL"):
        return None
    if tokens.accept("CURRENT_TIMESTAMP"):
        raise analysis_error("simulator: DEFAULT CURRENT_TIMESTAMP is not simulated")
    return tokens.string()


def check_default(column):
    if column.default is None:
        return
    kind = column.type.name
    if kind == "JSON" or (kind == "VARBINARY" and column.default):
        raise analysis_error("Invalid default value for '%s'" % column.name)
    try:
        converter(column, lambda kind, text: None)(column.default)
    except BadCell as error:
        raise analysis_error("Invalid default value for '%s'" % column.name) from error


def key_clause(tokens):
    for word, model in MODELS.items():
        if tokens.accept(word, "KEY"):
            return model, name_list(tokens)
    return None, None


def name_list(tokens):
    tokens.expect("(")
    names = [tokens.identifier()]
    while tokens.accept(","):
        names.append(tokens.identifier())
    tokens.expect(")")
    return names


def apply_keys(parsed, model, keys):
    """The columns with their key flags and, for keys of a Primary Key table, NOT NULL as the default."""
    columns = [column for column, _ in parsed]
    lower = [c.name.lower() for c in columns]
    for position, key in enumerate(keys):
        if key.lower() not in lower:
            raise analysis_error("Key column(%s) doesn't exist" % key)
        if lower[position] != key.lower():
            raise analysis_error("Key columns must be the first few columns of the schema and the order of the key "
                                 "columns must be consistent with the order of the schema")
        column, nullable = parsed[position]
        column.key = True
        if model == "PK":
            column.nullable = bool(nullable)
    return columns


def distribution_clause(tokens):
    """(column names or None for RANDOM, buckets or None), or None"""
    if not tokens.accept("DISTRIBUTED", "BY"):
        return None
    names = None
    if not tokens.accept("RANDOM"):
        tokens.expect("HASH")
        names = name_list(tokens)
    buckets = tokens.integer() if tokens.accept("BUCKETS") else None
    return names, buckets


def check_distribution(cluster, model, keys, distribution, columns):
    if distribution is None:
        if model != "DUP" or cluster.profile_name < "v3":
            raise analysis_error("Create olap table should contain distribution desc")
        return
    names, buckets = distribution
    if buckets is not None and buckets <= 0:
        raise analysis_error("Number of hash distribution is zero")
    if buckets is None and cluster.profile_name < "v2.5":
        raise analysis_error("BUCKETS is required")
    if names is None:
        if model != "DUP":
            raise analysis_error("Random distribution must be used in DUP_KEYS or AGG_KEYS without replace")
        return
    by_name = {c.name.lower(): c for c in columns}
    for name in names:
        if name.lower() not in by_name:
            raise analysis_error("Distribution column(%s) doesn't exist" % name)
        if model != "DUP" and name.lower() not in [k.lower() for k in keys]:
            raise analysis_error("Distribution column[%s] is not key column" % name)
        if by_name[name.lower()].type.name in ("FLOAT", "DOUBLE", "JSON", "VARBINARY"):
            raise analysis_error("%s column can not be distribution column" % by_name[name.lower()].type)


def properties_clause(tokens):
    properties = {}
    if tokens.accept("PROPERTIES"):
        tokens.expect("(")
        while True:
            name = tokens.string()
            tokens.expect("=")
            properties[name] = tokens.string()
            if not tokens.accept(","):
                break
        tokens.expect(")")
    return properties


KNOWN_PROPERTIES = {"replication_num", "enable_persistent_index", "fast_schema_evolution", "compression",
                    "replicated_storage", "bucket_size", "persistent_index_type", "storage_medium", "datacache.enable"}


def check_properties(cluster, properties):
    unknown = set(properties) - KNOWN_PROPERTIES
    if unknown:
        raise analysis_error("Unknown properties: {%s}" % ", ".join(sorted(unknown)))
    text = properties.get("replication_num", str(cluster.limits["default_replication_num"]))
    if not text.isdigit() or int(text) < 1:
        raise analysis_error("Replication num should larger than 0")
    if cluster.storage == "shared_nothing" and int(text) > sum(cluster.alive):
        raise SqlError("Table replication num should be less than of equal to the number of available BE nodes. You "
                       "can change this default by setting the replication_num table properties. Current alive backend "
                       "is %d." % sum(cluster.alive))


def add_columns(tokens, cluster, table):
    """Parses from after the table's name: [(Column, position)]."""
    added = []
    while True:
        tokens.expect("ADD", "COLUMN")
        if tokens.accept("("):
            added.append((column_definition(tokens, cluster)[0], None))
            while tokens.accept(","):
                added.append((column_definition(tokens, cluster)[0], None))
            tokens.expect(")")
        else:
            column, _ = column_definition(tokens, cluster)
            added.append((column, position_clause(tokens, table)))
        if not tokens.accept(","):
            break
    tokens.end()
    names = [c.name.lower() for c in table.columns]
    for column, _ in added:
        if column.name.lower() in names:
            raise analysis_error("Can not add column which already exists in base table: " + column.name)
        if not column.nullable and column.default is None:
            raise analysis_error("Column %s must be nullable or have a default value" % column.name)
        names.append(column.name.lower())
    return added


def position_clause(tokens, table):
    if tokens.accept("FIRST"):
        raise analysis_error("Can not add value column before key column")
    if not tokens.accept("AFTER"):
        return None
    name = tokens.identifier()
    column = table.column(name)
    if column is None:
        raise analysis_error("Column[%s] does not found" % name)
    position = table.columns.index(column) + 1
    if position < len(table.keys):
        raise analysis_error("Can not add value column before key column")
    return position


def shown_type(kind, old_decimals):
    """The type as SHOW CREATE TABLE prints it."""
    widths = {"TINYINT": 4, "SMALLINT": 6, "INT": 11, "BIGINT": 20, "LARGEINT": 40}
    if kind.name in INTEGERS:
        return "%s(%d)" % (kind.name.lower(), widths[kind.name])
    if kind.name == "DECIMAL":
        bits = (32 if kind.precision <= 9 else 64 if kind.precision <= 18 else 128) if old_decimals else ""
        return "decimal%s(%d, %d)" % (bits, kind.precision, kind.scale)
    return str(kind).lower()


def show_create(table, old_decimals):
    clause = {"PK": "PRIMARY KEY", "DUP": "DUPLICATE KEY", "UNI": "UNIQUE KEY", "AGG": "AGGREGATE KEY"}[table.model]
    lines = []
    for c in table.columns:
        text = "  `%s` %s %s" % (c.name, shown_type(c.type, old_decimals), "NULL" if c.nullable else "NOT NULL")
        if c.default is not None:
            text += ' DEFAULT "%s"' % c.default
        lines.append(text + ' COMMENT "%s"' % c.comment)
    keys = ", ".join("`%s`" % c.name for c in table.keys)
    names, buckets = table.distribution or (None, None)
    hashed = ", ".join("`%s`" % n for n in names) if names else keys
    text = "CREATE TABLE `%s` (\n%s\n) ENGINE=OLAP \n%s(%s)\nDISTRIBUTED BY HASH(%s)%s \nPROPERTIES (\n" % (
        table.name, ",\n".join(lines), clause, keys, hashed, " BUCKETS %d" % buckets if buckets else "")
    properties = {"replication_num": "1", **table.properties}
    return text + ",\n".join('"%s" = "%s"' % item for item in properties.items()) + "\n);"
