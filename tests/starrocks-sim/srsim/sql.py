# SPDX-License-Identifier: Apache-2.0
"""Tokens and conditions of SQL, for the few statements that the simulator understands."""

import re

TOKEN = re.compile(r"""\s+|--[ ][^\n]*|/\*.*?\*/
    |(?P<quoted>`(?:[^`]|``)+`)
    |(?P<string>'(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.|"")*")
    |(?P<number>\d+(?:\.\d+)?)
    |(?P<word>@{0,2}[A-Za-z_][A-Za-z0-9_$.]*(?<!\.)|@@[A-Za-z_.]+)
    |(?P<mark><=|>=|<>|!=|[(),;=<>.*+\-/])""", re.X | re.S)
ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "0": "\0", "b": "\b", "Z": "\x1a"}
# Words that a column or table may not have as its bare name in some version of StarRocks.
RESERVED = set("""ADD ALL ALTER ANALYZE AND ARRAY AS ASC BETWEEN BIGINT BITMAP BITSHIFTLEFT BITSHIFTRIGHT
BITSHIFTRIGHTLOGICAL BOTH BY CASE CHAR CHARACTER CHECK COLLATE COLUMN COMPACTION CONVERT CREATE CROSS CUBE
CURRENT_DATE CURRENT_GROUP CURRENT_ROLE CURRENT_TIME CURRENT_TIMESTAMP CURRENT_USER DATABASE DATABASES DECIMAL
DECIMAL128 DECIMAL32 DECIMAL64 DECIMALV2 DEFAULT DEFERRED DELETE DENSE_RANK DESC DESCRIBE DISTINCT DIV DOUBLE DROP
DUAL ELSE EXCEPT EXISTS EXPLAIN FALSE FILES FIRST_VALUE FLOAT FOR FORCE FROM FULL FUNCTION GIN GRANT GROUP GROUPING
GROUPING_ID GROUPS HAVING HLL HOST IF IGNORE IMMEDIATE IN INDEX INFILE INNER INSERT INT INTEGER INTERSECT INTO INVOKER
IS JOIN JSON KEY KEYS KILL LAG LARGEINT LAST_VALUE LATERAL LEAD LEFT LIKE LIMIT LOAD LOCALTIME LOCALTIMESTAMP MAXVALUE
MICROSECOND MILLISECOND MINUS MOD NOT NTILE NULL ON OPTIMIZE OR ORDER OUTER OUTFILE OVER PARTITION PERCENTILE PREPARE
PRIMARY PROCEDURE QUALIFY RANGE RANK READ REGEXP RELEASE RENAME REPLACE REVOKE RIGHT RLIKE ROW ROWS ROW_NUMBER SCHEMA
SCHEMAS SELECT SET SET_VAR SHOW SMALLINT SYSTEM TABLE TERMINATED TEXT THEN TINYINT TO TRUE UNBOUNDED UNION UNIQUE
UNSIGNED UPDATE USE USING VALUES VARCHAR WHEN WHERE WITH""".split())


class SqlError(Exception):
    def __init__(self, message, code=1064, state="HY000"):
        super().__init__(message)
        self.code, self.state = code, state


class Tokens:
    """A cursor over (kind, text) tokens; kind is quoted, string, number, word, mark or end."""

    def __init__(self, sql):
        self.items, at = [], 0
        while at < len(sql):
            match = TOKEN.match(sql, at)
            if not match:
                raise SqlError("Getting syntax error at line 1, column %d. Detail message: Unexpected input '%s'."
                               % (at, sql[at:at + 10]))
            if match.lastgroup:
                self.items += self._split(match.lastgroup, match[0])
            at = match.end()
        while self.items and self.items[-1] == ("mark", ";"):
            self.items.pop()
        self.at = 0

    @staticmethod
    def _split(kind, text):
        if kind == "word" and "." in text and not text.startswith("@"):  # a.b is three tokens
            parts = []
            for word in text.split("."):
                parts += [("mark", "."), ("word", word)]
            return parts[1:]
        return [(kind, text)]

    def peek(self, ahead=0):
        return self.items[self.at + ahead] if self.at + ahead < len(self.items) else ("end", "")

    def next(self):
        token = self.peek()
        self.at += 1
        return token

    def fail(self):
        kind, text = self.peek()
        raise SqlError("Getting syntax error at line 1, token %d. Detail message: Unexpected input '%s'."
                       % (self.at + 1, text or "<EOF>"))

    def accept(self, *words):
        """Takes these words or marks if they come next."""
        for ahead, word in enumerate(words):
            kind, text = self.peek(ahead)
            if kind not in ("word", "mark") or text.upper() != word:
                return False
        self.at += len(words)
        return True

    def expect(self, *words):
        if not self.accept(*words):
            self.fail()

    def end(self):
        if self.peek()[0] != "end":
            self.fail()

    def identifier(self):
        kind, text = self.peek()
        if kind == "quoted":
            self.at += 1
            return text[1:-1].replace("``", "`")
        if kind == "word" and text.upper() not in RESERVED and not text.startswith("@"):
            self.at += 1
            return text
        return self.fail()

    def table_name(self, database):
        """(database, table)"""
        first = self.identifier()
        if self.accept("."):
            return first, self.identifier()
        if database is None:
            raise SqlError("No database selected", 1046, "3D000")
        return database, first

    def string(self):
        kind, text = self.peek()
        if kind != "string":
            self.fail()
        self.at += 1
        quote = text[0]
        return re.sub(r"\\(.)|" + quote * 2, lambda m: ESCAPES.get(m[1], m[1]) if m[1] else quote, text[1:-1],
                      flags=re.S)

    def integer(self):
        kind, text = self.peek()
        if kind != "number" or "." in text:
            self.fail()
        self.at += 1
        return int(text)

    def literal(self):
        """A string, a number as text, or None for NULL."""
        if self.accept("NULL"):
            return None
        return self.string() if self.peek()[0] == "string" else str(self.integer())


def like(pattern):
    """A function that tells whether a text matches a LIKE pattern, without regard to case."""
    parts = re.findall(r"\\.|.", pattern, re.S)
    regex = "".join({"%": ".*", "_": "."}.get(p, re.escape(p[-1])) for p in parts)
    return lambda text: text is not None and re.fullmatch(regex, str(text), re.S | re.I) is not None


def condition(tokens):
    """WHERE …: a function from a function (column name -> value) to a truth value."""
    left = _conjunction(tokens)
    while tokens.accept("OR"):
        left = _either(left, _conjunction(tokens))
    return left


def _either(one, other):
    return lambda get: one(get) or other(get)


def _both(one, other):
    return lambda get: one(get) and other(get)


def _conjunction(tokens):
    left = _comparison(tokens)
    while tokens.accept("AND"):
        left = _both(left, _comparison(tokens))
    return left


def _comparison(tokens):
    if tokens.accept("("):
        inner = condition(tokens)
        tokens.expect(")")
        return inner
    name = tokens.identifier()
    while tokens.accept("."):
        name = tokens.identifier()
    if tokens.accept("IS"):
        wanted = not tokens.accept("NOT")
        tokens.expect("NULL")
        return lambda get: (get(name) is None) == wanted
    if tokens.accept("LIKE"):
        test = like(tokens.string())
        return lambda get: test(get(name))
    if tokens.accept("IN"):
        tokens.expect("(")
        values = [tokens.literal()]
        while tokens.accept(","):
            values.append(tokens.literal())
        tokens.expect(")")
        return lambda get: _text(get(name)) in values
    operator = next((o for o in ("=", "!=", "<>") if tokens.accept(o)), None) or tokens.fail()
    value = tokens.literal()
    return lambda get: get(name) is not None and (_text(get(name)) == value) == (operator == "=")


def _text(value):
    return None if value is None else str(value)
