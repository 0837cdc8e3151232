# SPDX-License-Identifier: Apache-2.0
"""A bare binlog client, written from the protocol manual alone: what a connector sends, and what the server answers.

It shares no code with the tools, so that it can contradict them. It logs in as a user without password over a unix
socket, sends COM_BINLOG_DUMP or COM_BINLOG_DUMP_GTID and reads event headers; bodies are decoded no further than to
find transactions by their GTID events.
"""

import dataclasses
import socket
import struct
import uuid
import zlib

COM_QUERY, COM_BINLOG_DUMP, COM_BINLOG_DUMP_GTID = 3, 18, 30
ROTATE, HEARTBEAT, HEARTBEAT_V2 = 4, 27, 41
GTID, ANONYMOUS_GTID, GTID_TAGGED, MARIADB_GTID = 33, 34, 42, 162
NON_BLOCK = 1
ARTIFICIAL = 0x20


class DumpError(Exception):
    """An ERR packet: `.code` and the text."""

    def __init__(self, packet):
        self.code = struct.unpack_from("<H", packet, 1)[0]
        text = packet[3:].decode("utf-8", "replace")
        super().__init__(text[6:] if text.startswith("#") else text)


@dataclasses.dataclass
class Event:
    """One event as sent; `begin` and `end` are its place in `file` (None for an artificial event)."""

    type: int
    file: str
    begin: int
    end: int
    timestamp: int
    bytes: bytes

    @property
    def gtid(self):
        """Text of an untagged GTID event's transaction identifier."""
        if self.type == MARIADB_GTID:
            sequence, domain = struct.unpack_from("<QI", self.bytes, 19)
            return f"{domain}-{struct.unpack_from('<I', self.bytes, 5)[0]}-{sequence}"
        return f"{uuid.UUID(bytes=self.bytes[20:36])}:{struct.unpack_from('<Q', self.bytes, 36)[0]}"

    @property
    def starts_transaction(self):
        return self.type in (GTID, ANONYMOUS_GTID, GTID_TAGGED, MARIADB_GTID)


class Client:
    """One session; `dump` and `dump_gtid` use it up."""

    def __init__(self, path, user="root", timeout=20):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(timeout)
        self.socket.connect(str(path))
        self.input = self.socket.makefile("rb")
        self._read()  # the server's greeting
        # PLUGIN_AUTH, SECURE_CONNECTION, PROTOCOL_41, LONG_PASSWORD; an empty password is an empty answer to any plugin.
        login = struct.pack("<IIB23x", 0x88201, 1 << 24, 33) + user.encode() + b"\0\0mysql_native_password\0"
        self._send(1, login)
        answer = self._read()
        while answer[0] == 0xFE:  # asks for another plugin's answer
            self._send(self.sequence + 1, b"")
            answer = self._read()
        if answer[0] == 0xFF:
            raise DumpError(answer)

    def close(self):
        self.input.close()
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _send(self, sequence, payload):
        self.socket.sendall(struct.pack("<I", len(payload) | sequence << 24) + payload)

    def _packet(self):
        header = self.input.read(4)
        if len(header) < 4:
            raise ConnectionError("the server closed the connection")
        length, self.sequence = int.from_bytes(header[:3], "little"), header[3]
        return self.input.read(length)

    def _read(self):
        payload = part = self._packet()
        while len(part) == 0xFFFFFF:
            part = self._packet()
            payload += part
        return payload

    def execute(self, sql):
        """One statement without a result."""
        self._send(0, bytes([COM_QUERY]) + sql.encode())
        answer = self._read()
        if answer[0] == 0xFF:
            raise DumpError(answer)

    def dump(self, file, pos, server_id=999_999_999, flags=NON_BLOCK):
        """Events from a file and offset (4 bytes on the wire) to the end of the last file."""
        return self._events(struct.pack("<BIHI", COM_BINLOG_DUMP, pos, flags, server_id) + file.encode())

    def dump_gtid(self, executed, server_id=999_999_999, file="", pos=4):
        """Events that the set `executed` (text) lacks."""
        encoded = encode_gtid_set(executed)
        name = file.encode()
        request = struct.pack("<BHII", COM_BINLOG_DUMP_GTID, NON_BLOCK | 4, server_id, len(name)) + name
        return self._events(request + struct.pack("<QI", pos, len(encoded)) + encoded)

    def dump_mariadb(self, position, server_id=999_999_999):
        """Events behind a MariaDB position, "0-1-100,1-2-7"."""
        self.execute(f"SET @slave_connect_state='{position}'")
        self.execute("SET @slave_gtid_strict_mode=0, @slave_gtid_ignore_duplicates=0")
        return self.dump("", 4, server_id)

    def _events(self, request):
        self.execute("SET @master_binlog_checksum='CRC32', @source_binlog_checksum='CRC32'")
        self.execute(f"SET @slave_uuid='{uuid.uuid4()}', @replica_uuid=@slave_uuid, @mariadb_slave_capability=4")
        self._send(0, request)
        file = ""
        while True:
            packet = self._read()
            if packet[0] == 0xFF:
                raise DumpError(packet)
            if packet[0] == 0xFE and len(packet) < 9:
                return
            data = packet[1:]
            timestamp, kind, _, length, end, flags = struct.unpack_from("<IBIIIH", data)
            if kind == ROTATE and flags & ARTIFICIAL:
                checked = zlib.crc32(data[:-4]) == struct.unpack("<I", data[-4:])[0]
                file = (data[27:-4] if checked else data[27:]).decode()
            artificial = end == 0 or flags & ARTIFICIAL or kind in (HEARTBEAT, HEARTBEAT_V2)
            yield Event(kind, file, None if artificial else end - length, None if artificial else end, timestamp, data)


def first_transaction(events):
    """The GTID event of the first transaction that arrives, None when none does; DumpError when refused."""
    return next((event for event in events if event.starts_transaction), None)


def parse_gtid_set(text):
    """"uuid:1-3:5:tag:1" → {(uuid, tag): [(first, last)…]}."""
    found = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        source, *pieces = part.split(":")
        tag = ""
        for piece in pieces:
            if piece[0].isdigit():
                first, _, last = piece.partition("-")
                found.setdefault((uuid.UUID(source), tag), []).append((int(first), int(last or first)))
            else:
                tag = piece
    return found


def encode_gtid_set(text):
    """The set of COM_BINLOG_DUMP_GTID; the tagged form only when there are tags."""
    sets = sorted(parse_gtid_set(text).items(), key=lambda item: (item[0][0].bytes, item[0][1]))
    tagged = any(tag for (_, tag), _ in sets)
    out = struct.pack("<Q", len(sets) << 8 | 1 << 56 | 1 if tagged else len(sets))
    for (source, tag), intervals in sets:
        out += source.bytes + (bytes([len(tag) << 1]) + tag.encode() if tagged else b"")
        out += struct.pack("<Q", len(intervals))
        for first, last in sorted(intervals):
            out += struct.pack("<QQ", first, last + 1)
    return out
