# SPDX-License-Identifier: Apache-2.0
"""The row loop of a load: from JSON objects to checked changes of a table."""

from .convert import BadCell, encoded_key_exceeds
from .load import LoadError, Outcome


def load_rows(table, plan, documents, strict, key_limit, note):
    """Runs all documents through the plan; returns an Outcome. A LoadError carries the one so far."""
    loader = _Loader(table, plan, strict, key_limit, note)
    try:
        loader.run(documents)
    except LoadError as error:
        error.outcome = loader.outcome
        if error.in_data:  # a document that does not parse counts as a filtered row
            loader.outcome.total += 1
            loader.outcome.filtered += 1
            loader.outcome.errors.append("Error: %s. Row: " % error)
        raise
    return loader.outcome


class _Loader:
    def __init__(self, table, plan, strict, key_limit, note):
        self.table, self.plan, self.strict, self.key_limit, self.note = table, plan, strict, key_limit, note
        self.outcome = Outcome()
        self.shapes = {}            # tuple of an object's keys -> source columns it lacks
        self.upsert_lacks = set()
        self.key_at = [i for i, c in enumerate(table.columns) if c.key]
        self.text_in_key = any(c.type.name == "VARCHAR" for c in table.keys)
        self.not_null = [(i, c.name) for i, c in enumerate(table.columns) if not c.nullable]
        self.defaults = self._defaults()
        self.pairs = [(name, plan.readers.get(name)) for name in self._source_names()]
        self.direct = not plan.expressions or set(plan.expressions) == {"__op"}
        self.direct = self.direct and all(reader for _, reader in self.pairs)

    def _source_names(self):
        by_lower = {name.lower(): name for name in self.plan.sources}
        return [by_lower.get(c.name.lower(), c.name) for c in self.table.columns]

    def _defaults(self):
        from .convert import converter
        return [None if c.default is None else converter(c, self.note)(c.default) for c in self.table.columns]

    def run(self, documents):
        outcome, shapes, pairs = self.outcome, self.shapes, self.pairs
        changes, seen = outcome.changes, set()
        keyed, is_pk = self.table.keyed, self.table.model == "PK"
        for obj in documents:
            if type(obj) is not dict:
                raise LoadError("value is not object type in the json array", True)
            outcome.total += 1
            shape = tuple(obj)
            lacks = shapes[shape] if shape in shapes else self._inspect(shape)
            get = obj.get
            try:
                if self.direct:
                    row = tuple([None if (v := get(name)) is None else reader(v) for name, reader in pairs])
                else:
                    row = self._evaluate(obj)
                op = self._operation(obj) if is_pk else 0
                for index, name in self.not_null:
                    if row[index] is None:
                        raise BadCell("NULL value in non-nullable column '%s'" % name)
            except BadCell as error:
                row = None if self.strict or str(error).startswith("NULL") else self._lenient(obj)
                if row is None:
                    outcome.reject(str(error), obj)
                    continue
                op = self._operation(obj) if is_pk else 0
            except UnicodeEncodeError as error:
                raise LoadError("parse json failed: a string has a lone surrogate", True) from error
            if not op:
                self.upsert_lacks.add(lacks)
            if not keyed:
                changes.append(row)
                continue
            key = tuple([row[i] for i in self.key_at])
            if is_pk:
                self._check_key(key, seen)
            outcome.deletes += op
            changes.append((key, None if op else row))
        self._check_lacks()

    def _inspect(self, shape):
        """Checks the key names of an object once per load."""
        known = set(self.plan.sources) | ({"__op"} if self.plan.op_source else set())
        for name in shape:
            if name == "__op" and self.table.model != "PK":
                self.note("op_on_table_without_primary_key", "__op is ignored by a %s table" % self.table.model)
            elif name not in known:
                self.note("unknown_key", "key %s is no column of %s and is ignored" % (name, self.table.name))
        lacks = frozenset(set(self.plan.sources) - set(shape) - {"__op"})
        self.shapes[shape] = lacks
        return lacks

    def _check_lacks(self):
        if len(self.upsert_lacks) > 1:
            self.note("ragged_rows", "rows of one load lack different columns, which become NULL: %s"
                      % sorted(map(sorted, self.upsert_lacks)))
        for lacks in self.upsert_lacks:
            for column in self.table.columns:
                if column.name in lacks and column.default is not None:
                    self.note("missing_key", "column %s becomes NULL, not its default" % column.name)

    def _check_key(self, key, seen):
        if self.text_in_key and encoded_key_exceeds(self.table.keys, key, self.key_limit):
            raise LoadError("primary key size exceed the limit.")
        if key in seen:
            self.note("key_twice_in_a_load", "two changes of key %r" % (key,))
        seen.add(key)

    def _operation(self, obj):
        """1 for a delete, else 0."""
        if self.plan.constant_op is not None:
            return self.plan.constant_op
        if self.plan.op_source:
            value = obj.get("__op", 0)
        else:
            value = obj.get(self.plan.expressions["__op"].strip("`"))
        if value is None:
            raise BadCell("NULL value in non-nullable column '__op'")
        if type(value) is str and value.isdigit():
            value = int(value)
        if type(value) is not int:
            self.note("op_value", "__op is %r" % (value,))
            raise BadCell("Unsupported value type. Numeric type is required. column=__op")
        if value not in (0, 1):
            self.note("op_value", "__op is %r" % (value,))
        return int(value == 1)

    def _evaluate(self, obj):
        cells = {}
        for name, reader in self.plan.readers.items():
            value = obj.get(name)
            cells[name] = None if value is None else reader(value)
        return self._from_cells(cells)

    def _from_cells(self, cells):
        row = []
        for column, (name, reader), default in zip(self.table.columns, self.pairs, self.defaults):
            if column.name.lower() in self.plan.expressions:
                value = self.plan.evaluate(column, cells)
                row.append(None if value is None else self._cast(column, value))
            elif reader:
                row.append(cells[name])
            else:
                row.append(default)
        return tuple(row)

    def _cast(self, column, value):
        from .convert import converter
        return converter(column, self.note)(value)

    def _lenient(self, obj):
        """The row with NULL in place of what cannot be converted, or None if a column forbids that."""
        cells = {}
        for name, reader in self.plan.readers.items():
            try:
                value = obj.get(name)
                cells[name] = None if value is None else reader(value)
            except BadCell:
                cells[name] = None
                self.note("silent_null", "column %s: %r becomes NULL" % (name, obj.get(name)))
        row = self._from_cells(cells)
        return None if any(row[index] is None for index, _ in self.not_null) else row
