# SPDX-License-Identifier: Apache-2.0
"""libmariadb through ctypes: the client library that cdc-load uses, against the simulator's MySQL port."""

import ctypes
import ctypes.util


class MysqlError(Exception):
    def __init__(self, code, state, text):
        super().__init__("%d (%s) %s" % (code, state, text))
        self.code = code


def library():
    """The loaded library, or None if it is not installed."""
    name = ctypes.util.find_library("mariadb")
    if name is None:
        return None
    lib = ctypes.CDLL(name)
    pointer, text = ctypes.c_void_p, ctypes.c_char_p
    for function, result, arguments in (
            ("mysql_init", pointer, [pointer]),
            ("mysql_real_connect", pointer, [pointer, text, text, text, text, ctypes.c_uint, text, ctypes.c_ulong]),
            ("mysql_real_query", ctypes.c_int, [pointer, text, ctypes.c_ulong]),
            ("mysql_ping", ctypes.c_int, [pointer]),
            ("mysql_select_db", ctypes.c_int, [pointer, text]), ("mysql_store_result", pointer, [pointer]),
            ("mysql_num_fields", ctypes.c_uint, [pointer]), ("mysql_free_result", None, [pointer]),
            ("mysql_fetch_row", ctypes.POINTER(ctypes.c_void_p), [pointer]),
            ("mysql_fetch_lengths", ctypes.POINTER(ctypes.c_ulong), [pointer]), ("mysql_close", None, [pointer]),
            ("mysql_errno", ctypes.c_uint, [pointer]), ("mysql_error", text, [pointer]),
            ("mysql_sqlstate", text, [pointer]), ("mysql_get_server_info", text, [pointer])):
        getattr(lib, function).restype, getattr(lib, function).argtypes = result, arguments
    return lib


class Mysql:
    def __init__(self, port, user="root", password="", database=None):
        self.lib = library()
        self.handle = self.lib.mysql_init(None)
        name = database.encode() if database else None
        if not self.lib.mysql_real_connect(self.handle, b"127.0.0.1", user.encode(), password.encode(), name, port,
                                           None, 0):
            error = self._error()
            self.close()
            raise error

    def query(self, sql):
        """The rows as lists of bytes or None; None if there is no result set."""
        text = sql.encode()
        if self.lib.mysql_real_query(self.handle, text, len(text)):
            raise self._error()
        result = self.lib.mysql_store_result(self.handle)
        if not result:
            return None
        rows, width = [], self.lib.mysql_num_fields(result)
        while row := self.lib.mysql_fetch_row(result):
            sizes = self.lib.mysql_fetch_lengths(result)
            rows.append([ctypes.string_at(row[i], sizes[i]) if row[i] is not None else None for i in range(width)])
        self.lib.mysql_free_result(result)
        return rows

    def text(self, sql):
        """The same with text instead of bytes."""
        return [[None if v is None else v.decode() for v in row] for row in self.query(sql)]

    def ping(self):
        return self.lib.mysql_ping(self.handle) == 0

    def select_db(self, name):
        if self.lib.mysql_select_db(self.handle, name.encode()):
            raise self._error()

    def server_version(self):
        return self.lib.mysql_get_server_info(self.handle).decode()

    def close(self):
        self.lib.mysql_close(self.handle)

    def _error(self):
        return MysqlError(self.lib.mysql_errno(self.handle), self.lib.mysql_sqlstate(self.handle).decode(),
                          self.lib.mysql_error(self.handle).decode())
