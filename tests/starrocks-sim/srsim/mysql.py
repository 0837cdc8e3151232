# SPDX-License-Identifier: Apache-2.0
"""The FE's MySQL port: protocol 4.1 with mysql_native_password and the text protocol, nothing more."""

import hashlib
import os
import struct

from .sql import SqlError
from .statements import Session

CAPABILITIES = 0x0001 | 0x0008 | 0x0200 | 0x2000 | 0x8000 | 0x80000 | 0x100000  # 4.1, database, plugin, attributes
CONNECT_WITH_DB, PLUGIN_AUTH, SECURE, LENENC_AUTH = 0x8, 0x80000, 0x8000, 0x200000
PLUGIN = b"mysql_native_password"
UTF8, BINARY, VAR_STRING = 33, 63, 253
AUTOCOMMIT = 2


def lenenc(data):
    """A length-encoded string."""
    size = len(data)
    if size < 251:
        return bytes([size]) + data
    if size < 1 << 16:
        return b"\xfc" + struct.pack("<H", size) + data
    return b"\xfd" + struct.pack("<I", size)[:3] + data if size < 1 << 24 else b"\xfe" + struct.pack("<Q", size) + data


def native_password(password, scramble):
    """What a client sends for this password."""
    if not password:
        return b""
    once = hashlib.sha1(password.encode()).digest()
    mask = hashlib.sha1(scramble + hashlib.sha1(once).digest()).digest()
    return bytes(a ^ b for a, b in zip(once, mask))


class MysqlServer:
    """Serves connections of the FE's query port."""

    def __init__(self, cluster):
        self.cluster = cluster

    def serve(self, connection):
        channel = Channel(connection)
        user = self.handshake(channel)
        if user is None:
            return
        session = Session(self.cluster, user[0])
        session.database = user[1]
        while True:
            channel.sequence = 0
            packet = channel.read()
            if not packet or packet[0] == 1:  # COM_QUIT
                return
            if self.cluster.faults.take("mysql_drop", {"op": "query"}):
                connection.reset()
                return
            self.command(channel, session, packet[0], packet[1:])

    def handshake(self, channel):
        """(user, database) of an authenticated client, else None."""
        scramble = bytes(b % 94 + 33 for b in os.urandom(20))
        channel.write(b"\x0a" + self.cluster.server_version.encode() + b"\0" + struct.pack("<I", 7) + scramble[:8] + b"\0"
                      + struct.pack("<HBHH", CAPABILITIES & 0xffff, UTF8, AUTOCOMMIT, CAPABILITIES >> 16)
                      + bytes([21]) + bytes(10) + scramble[8:] + b"\0" + PLUGIN + b"\0")
        packet = channel.read()
        flags = struct.unpack_from("<I", packet)[0]
        name, rest = packet[32:].split(b"\0", 1)
        size = rest[0]
        token, rest = rest[1:1 + size], rest[1 + size:]
        database = None
        if flags & CONNECT_WITH_DB:
            text, rest = rest.split(b"\0", 1)
            database = text.decode() or None
        if flags & PLUGIN_AUTH and rest.split(b"\0", 1)[0] not in (PLUGIN, b""):
            channel.write(b"\xfe" + PLUGIN + b"\0" + scramble + b"\0")
            token = channel.read()
        user = name.decode()
        known = self.cluster.users.get(user)
        if known is None or native_password(known.get("password", ""), scramble) != token:
            channel.error(1045, "28000", "Access denied for user '%s' (using password: %s)"
                          % (user, "YES" if token else "NO"))
            return None
        if database and database not in self.cluster.databases:
            channel.error(1049, "42000", "Unknown database '%s'" % database)
            return None
        channel.ok()
        return user, database

    def command(self, channel, session, code, body):
        if code == 14:  # COM_PING
            channel.ok()
            return
        text = body.decode("utf-8")
        if code == 2:  # COM_INIT_DB
            text = "USE `%s`" % text
        elif code != 3:  # COM_QUERY
            channel.error(1047, "08S01", "Unsupported command(%d)" % code)
            return
        record = {"op": "query", "sql": text, "listener": "mysql", "user": session.user}
        self.cluster.audit.add_record(record)
        try:
            fault = self.cluster.faults.take("mysql_error", {"op": "query", "label": text})
            if fault:
                raise SqlError(fault.get("message", "get database read lock timeout"), fault.get("code", 1064))
            result = session.execute(text)
        except SqlError as error:
            record["error"] = str(error)
            channel.error(error.code, error.state, str(error))
            return
        if result is None:
            channel.ok()
        else:
            channel.result(*result)


class Channel:
    """Packets over a connection."""

    def __init__(self, connection):
        self.connection, self.sequence = connection, 0

    def read(self):
        head = self.connection.read_exactly(4)
        self.sequence = (head[3] + 1) & 255
        return self.connection.read_exactly(int.from_bytes(head[:3], "little"))

    def write(self, payload):
        self.connection.send(len(payload).to_bytes(3, "little") + bytes([self.sequence]) + payload)
        self.sequence = (self.sequence + 1) & 255

    def ok(self):
        self.write(b"\x00\x00\x00" + struct.pack("<HH", AUTOCOMMIT, 0))

    def eof(self):
        self.write(b"\xfe" + struct.pack("<HH", 0, AUTOCOMMIT))

    def error(self, code, state, text):
        self.write(b"\xff" + struct.pack("<H", code) + b"#" + state.encode() + text.encode())

    def result(self, names, rows):
        """Rows of None, str, bytes or numbers; every column is a string to the client."""
        self.write(bytes([len(names)]) if len(names) < 251 else b"\xfc" + struct.pack("<H", len(names)))
        for name in names:
            self.write(lenenc(b"def") + lenenc(b"") * 3 + lenenc(name.encode()) * 2 + b"\x0c"
                       + struct.pack("<HIBHBH", UTF8, 1 << 20, VAR_STRING, 0, 0, 0))
        self.eof()
        for row in rows:
            self.write(b"".join(b"\xfb" if v is None else lenenc(v if isinstance(v, bytes) else str(v).encode())
                                for v in row))
        self.eof()
