# SPDX-License-Identifier: Apache-2.0
"""HTTP/1.x on raw sockets: listeners, request heads, bodies and replies.

Nothing here is helpful on purpose: no implicit 100 Continue, no reading of a body that nobody asked
for, and a connection can be reset in the middle of anything.
"""

import base64
import json
import socket
import struct
import threading
import urllib.parse


class HeadTooLarge(Exception):
    pass


class Disconnected(Exception):
    """The peer closed or reset the connection before all expected bytes had come."""


class Request:
    def __init__(self, head):
        lines = head.decode("latin-1").split("\r\n")
        parts = lines[0].split(" ")
        if len(parts) != 3 or not parts[2].startswith("HTTP/1."):
            raise ValueError("bad request line: %r" % lines[0])
        self.method, self.target, self.version = parts
        path, _, query = self.target.partition("?")
        self.segments = [urllib.parse.unquote(s) for s in path.split("/")[1:]]
        self.path = path
        self.query = dict(urllib.parse.parse_qsl(query, keep_blank_values=True))
        self.headers = {}
        for line in lines[1:]:
            name, colon, value = line.partition(":")
            if colon:
                self.headers[name.strip().lower()] = value.strip()
        self.head_bytes = len(head)

    def header(self, name, default=None):
        return self.headers.get(name, default)

    @property
    def expects_continue(self):
        return self.header("expect", "").lower() == "100-continue"

    @property
    def keep_alive(self):
        return self.version != "HTTP/1.0" and self.header("connection", "").lower() != "close"

    def credentials(self):
        """(user, password) of Basic authorization, or None."""
        scheme, _, token = self.header("authorization", "").partition(" ")
        if scheme.lower() != "basic":
            return None
        try:
            user, colon, password = base64.b64decode(token, validate=True).decode().partition(":")
        except ValueError:
            return None
        return (user, password) if colon else None


class Connection:
    def __init__(self, sock):
        self.sock = sock
        self._buffer = b""

    def read_head(self, limit):
        """The next request, or None at a clean end of the connection."""
        while (end := self._buffer.find(b"\r\n\r\n")) < 0:
            if len(self._buffer) > limit:
                raise HeadTooLarge()
            chunk = self._receive(65536)
            if not chunk:
                if self._buffer:
                    raise Disconnected()
                return None
            self._buffer += chunk
        if end > limit:
            raise HeadTooLarge()
        head, self._buffer = self._buffer[:end], self._buffer[end + 4:]
        return Request(head)

    def read_exactly(self, size, pace=None):
        """`size` bytes; pace(bytes so far) is called after each chunk and may raise or sleep."""
        data = bytearray(self._buffer[:size])
        self._buffer = self._buffer[size:]
        while True:
            if pace:
                pace(len(data))
            if len(data) == size:
                return bytes(data)
            chunk = self._receive(min(size - len(data), 4096 if pace else 1 << 20))
            if not chunk:
                raise Disconnected()
            data += chunk

    def read_chunked(self):
        data = bytearray()
        while True:
            size = int(self._read_line().split(b";")[0], 16)
            if size == 0:
                while self._read_line():
                    pass
                return bytes(data)
            data += self.read_exactly(size)
            if self._read_line():
                raise Disconnected()

    def count_stray_bytes(self, seconds):
        """Bytes that arrive without having been asked for, until end of stream or the time is over."""
        stray = len(self._buffer)
        self._buffer = b""
        try:
            self.sock.settimeout(seconds)
            while chunk := self.sock.recv(65536):
                stray += len(chunk)
        except OSError:
            pass
        return stray

    def send(self, data):
        try:
            self.sock.sendall(data)
        except OSError as error:
            raise Disconnected() from error

    def reply(self, code, reason, body=b"", content_type="application/json", headers=(), close=False):
        lines = ["HTTP/1.1 %d %s" % (code, reason), "Content-Type: " + content_type,
                 "Content-Length: %d" % len(body)]
        lines += ["%s: %s" % pair for pair in headers]
        if close:
            lines.append("Connection: close")
        self.send(("\r\n".join(lines) + "\r\n\r\n").encode() + body)

    def reset(self):
        """Closes with a TCP RST instead of a FIN."""
        try:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.sock.close()
        except OSError:
            pass

    def finish(self):
        """Sends FIN, keeps reading."""
        try:
            self.sock.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def close(self):
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.sock.close()

    def _receive(self, size):
        try:
            return self.sock.recv(size)
        except OSError as error:
            raise Disconnected() from error

    def _read_line(self):
        while (end := self._buffer.find(b"\r\n")) < 0:
            chunk = self._receive(65536)
            if not chunk:
                raise Disconnected()
            self._buffer += chunk
        line, self._buffer = self._buffer[:end], self._buffer[end + 2:]
        return line


class Listener:
    """Accepts on 127.0.0.1; one thread per connection runs serve(connection). What serve() throws, but for
    Disconnected, goes to failed(exception)."""

    def __init__(self, port, serve, failed):
        self._serve, self._failed = serve, failed
        self._open = set()
        self._lock = threading.Lock()
        self._socket = None
        self.port = port
        self.start()

    def start(self):
        listening = socket.socket()
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(("127.0.0.1", self.port))
        listening.listen(128)
        self.port = listening.getsockname()[1]
        self._socket = listening
        threading.Thread(target=self._accept, args=(listening,), daemon=True).start()

    def stop(self):
        """Refuses new connections and drops the open ones; start() binds the same port again."""
        listening, self._socket = self._socket, None
        if listening:
            try:
                listening.shutdown(socket.SHUT_RDWR)  # wakes accept()
            except OSError:
                pass
            listening.close()
        self.drop_connections()

    def drop_connections(self):
        with self._lock:
            open_now = list(self._open)
        for connection in open_now:
            connection.close()

    def _accept(self, listening):
        while True:
            try:
                sock, _ = listening.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._run, args=(Connection(sock),), daemon=True).start()

    def _run(self, connection):
        with self._lock:
            self._open.add(connection)
        try:
            self._serve(connection)
        except Disconnected:
            pass
        except Exception as error:  # a client's nonsense or a bug of the simulator: both must fail a test
            self._failed(error)
        finally:
            with self._lock:
                self._open.discard(connection)
            connection.close()


def to_json(value, pretty=True):
    return json.dumps(value, indent=4 if pretty else None, ensure_ascii=False).encode()
