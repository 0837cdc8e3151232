# SPDX-License-Identifier: Apache-2.0
"""From a parsed JSON value to the value a column holds, as the BE's JSON reader and casts do it.

Stored values: int, str, bytes (VARBINARY), float, parsed JSON, or None. DECIMAL, DATE and DATETIME are
canonical text, BOOLEAN is 0 or 1, LARGEINT an int.
"""

import calendar
import decimal
import functools
import json
import re
import struct

from .schema import INTEGERS


class Number(str):
    """A JSON number token with a fraction or an exponent, kept as text."""


class BadCell(Exception):
    """Not convertible: NULL when not strict, a filtered row when strict. The text is the server's."""


INTEGER_TEXT = re.compile(r"\s*[+-]?\d+\s*")
DECIMAL_TEXT = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*")
DATE_TEXT = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})")
DATETIME_TEXT = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})[ T](\d{1,2}):(\d{1,2}):(\d{1,2})(?:\.(\d+))?")
CANONICAL_DATETIME = re.compile(r"\d{4}-\d\d-\d\d (?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.(?!000000)\d{6})?", re.ASCII)
EXACT = decimal.Context(prec=200, rounding=decimal.ROUND_HALF_UP)
MAX_JSON_BYTES = 16 << 20


def converter(column, note):
    """A function from a JSON value (never None) to the stored value; it raises BadCell.

    note(kind, text) is called for what the server accepts silently and a careful client never sends.
    """
    kind = column.type.name
    if kind in ("TINYINT", "SMALLINT", "INT", "BIGINT"):
        return _integer(column.name, INTEGERS[kind], note)
    if kind in ("FLOAT", "DOUBLE"):
        return functools.partial(_floating, column.name, kind == "FLOAT")
    if kind in ("VARCHAR", "CHAR"):
        return _text(column.name, column.type.length)
    if kind == "JSON":
        return functools.partial(_json, column.name, note)
    if kind == "DECIMAL":
        return _decimal_reader(column, note)
    cast = {"LARGEINT": _largeint, "DATE": _date, "DATETIME": _datetime,
            "BOOLEAN": _boolean, "VARBINARY": _varbinary}[kind]
    return lambda value: cast(column, note, value)


def out_of_range(column, value):
    return BadCell("Value '%s' is out of range. The type of '%s' is %s" % (value, column.name, column.type))


def plain_json(value):
    """The value with number tokens turned into floats."""
    if isinstance(value, Number):
        return float(value)
    if isinstance(value, dict):
        return {k: plain_json(v) for k, v in value.items()}
    if isinstance(value, list):
        return [plain_json(v) for v in value]
    return value


def minified(value):
    return json.dumps(plain_json(value), separators=(",", ":"), ensure_ascii=False)


def as_text(value):
    """How a JSON value reads when the slot's type is VARCHAR."""
    if type(value) in (str, Number):
        return str(value)
    if value is True or value is False:
        return "1" if value else "0"
    return str(value) if type(value) is int else minified(value)


def _integer(name, bits, note):
    low, high = -(1 << (bits - 1)), (1 << (bits - 1)) - 1

    def convert(value):
        if type(value) is not int:
            value = _to_integer(name, value, note)
        if low <= value <= high:
            return value
        raise BadCell("Value is overflow. column=%s, value=%s" % (name, value))
    return convert


def _to_integer(name, value, note):
    if type(value) is str and INTEGER_TEXT.fullmatch(value):
        return int(value)
    if type(value) is Number or (type(value) is str and DECIMAL_TEXT.fullmatch(value)):
        number = float(value)
        if number in (float("inf"), float("-inf")):
            raise BadCell("Value is overflow. column=%s, value=%s" % (name, value))
        if number != int(number):
            note("float_fraction", "column %s: %s loses its fraction" % (name, value))
        return int(number)
    if type(value) is str:
        raise BadCell("Unable to cast string value to BIGINT. value=%s, column=%s" % (value, name))
    if type(value) is bool:
        note("bool_into_int", "column %s: true or false into a number" % name)
    raise BadCell("Unsupported value type. Numeric type is required. column=" + name)


def _floating(name, single, value):
    if type(value) is str and not DECIMAL_TEXT.fullmatch(value):
        raise BadCell("Unable to cast string value to BIGINT. value=%s, column=%s" % (value, name))
    if type(value) not in (int, str, Number):
        raise BadCell("Unsupported value type. Numeric type is required. column=" + name)
    try:
        number = float(value)
        if single:
            return _shortest_single(number)
    except OverflowError:
        number = float("inf")
    if number in (float("inf"), float("-inf")):
        raise BadCell("Value is overflow. column=%s, value=%s" % (name, value))
    return number


def _shortest_single(number):
    """The shortest decimal that reads back as the same 32-bit float."""
    bits = struct.pack("<f", number)
    for digits in range(6, 10):
        short = float("%.*g" % (digits, number))
        if struct.pack("<f", short) == bits:
            return short
    return number


def _text(name, length):
    def convert(value):
        if type(value) is not str:
            value = as_text(value)
        if (len(value) if value.isascii() else len(value.encode())) > length:
            raise BadCell("Value length is beyond the capacity. column=%s, capacity=%d" % (name, length))
        return value
    return convert


def _json(name, note, value):
    if type(value) is str and value[:1] in "{[" and value:
        try:
            json.loads(value)
            note("json_in_string", "column %s: JSON text as a quoted string" % name)
        except ValueError:
            pass
    value = plain_json(value)
    if len(minified(value)) > MAX_JSON_BYTES:
        raise BadCell("Value length is beyond the capacity. column=%s, capacity=%d" % (name, MAX_JSON_BYTES))
    return value


def _largeint(column, note, value):
    text = as_text(value)
    if not INTEGER_TEXT.fullmatch(text) or not -(1 << 127) <= int(text) < 1 << 127:
        raise out_of_range(column, text)
    return int(text)


def _decimal_reader(column, note):
    scale, digits = column.type.scale, column.type.precision - column.type.scale
    canonical = re.compile(r"-?(0|[1-9]\d{0,%d})" % (digits - 1) + (r"\.\d{%d}" % scale if scale else ""))

    def convert(value):
        if digits and type(value) is str and canonical.fullmatch(value) and value[0] != "-":
            return value
        return _decimal(column, note, value)
    return convert


def _decimal(column, note, value):
    text = as_text(value)
    if not DECIMAL_TEXT.fullmatch(text):
        raise out_of_range(column, text)
    exact = decimal.Decimal(text.strip())
    scale, precision = column.type.scale, column.type.precision
    if exact.adjusted() > 100:
        raise out_of_range(column, text)
    rounded = exact.quantize(decimal.Decimal(1).scaleb(-scale), context=EXACT)
    if rounded != exact:
        note("decimal_rounded", "column %s: %s does not fit scale %d" % (column.name, text, scale))
    if rounded.copy_abs() >= decimal.Decimal(10) ** (precision - scale):  # abs() would round to 28 digits
        raise BadCell("Decimal '%s' is out of range. The type of '%s' is %s" % (text, column.name, column.type))
    return format(rounded if rounded else rounded.copy_abs(), "f")


_known_days = set()     # found valid by _datetime, as text


def _day(year, month, day):
    """Whether the proleptic Gregorian calendar has this day; year 0 is a leap year."""
    if not 1 <= month <= 12 or day < 1:
        return False
    return day <= (calendar.monthrange(year or 2000, month)[1])


def _date(column, note, value):
    text = as_text(value)
    match = DATE_TEXT.fullmatch(text)
    if not match and (match := DATETIME_TEXT.fullmatch(text)):
        note("time_cut_off", "column %s: %s into DATE" % (column.name, text))
    if not match or not _day(*map(int, match.group(1, 2, 3))):
        raise out_of_range(column, text)
    return "%04d-%02d-%02d" % tuple(map(int, match.group(1, 2, 3)))


def _datetime(column, note, value):
    if type(value) is str and CANONICAL_DATETIME.fullmatch(value) and value[:10] in _known_days:
        return value
    text = as_text(value)
    match = DATETIME_TEXT.fullmatch(text)
    if not match:
        match = DATE_TEXT.fullmatch(text)
        if not match or not _day(*map(int, match.groups())):
            raise out_of_range(column, text)
        return "%04d-%02d-%02d 00:00:00" % tuple(map(int, match.groups()))
    fields = tuple(map(int, match.group(1, 2, 3, 4, 5, 6)))
    if not _day(*fields[:3]) or fields[3] > 23 or fields[4] > 59 or fields[5] > 59:
        raise out_of_range(column, text)
    if len(_known_days) < 10000:
        _known_days.add("%04d-%02d-%02d" % fields[:3])
    fraction = match[7] or ""
    if fraction[6:].strip("0"):
        note("fraction_cut_off", "column %s: %s has more than microseconds" % (column.name, text))
    micros = fraction[:6].ljust(6, "0")
    return "%04d-%02d-%02d %02d:%02d:%02d" % fields + ("." + micros if micros != "000000" else "")


def _boolean(column, note, value):
    text = as_text(value).strip().lower()
    if INTEGER_TEXT.fullmatch(text):
        return int(int(text) != 0)
    if text in ("true", "false"):
        return int(text == "true")
    raise out_of_range(column, text)


def _varbinary(column, note, value):
    data = value if type(value) is bytes else as_text(value).encode()
    if len(data) > column.type.length:
        raise BadCell("String '%s'(length=%d) is too long. The max length of '%s' is %d"
                      % (data[:100].decode("latin-1"), len(data), column.name, column.type.length))
    return data


def encoded_key_exceeds(columns, key, limit):
    """Whether the primary key, encoded as StarRocks does, is longer than `limit` bytes."""
    from .schema import FIXED_KEY_BYTES
    size = 0
    for index, (column, value) in enumerate(zip(columns, key)):
        if column.type.name != "VARCHAR":
            size += FIXED_KEY_BYTES[column.type.name]
        else:
            size += len(value.encode())
            if index + 1 < len(columns):
                size += value.count("\0") + 2  # escaped zeros and the end mark
    return size > limit
