# SPDX-License-Identifier: Apache-2.0
"""A bare Stream Load client for the simulator's own tests, able to misbehave at every step."""

import base64
import json
import os
import socket
import sys
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "live"))

from starrocks import StarRocks, StarRocksTest  # noqa: E402

GOOD_HEADERS = {"format": "json", "strict_mode": "true", "max_filter_ratio": "0", "strip_outer_array": "true",
                "timeout": "60"}


class Gone(Exception):
    """The server closed the connection without a complete answer; `partial` is what came."""

    def __init__(self, partial=b""):
        super().__init__(partial)
        self.partial = partial


class Answer:
    def __init__(self, code, headers, body):
        self.code, self.headers, self.body = code, headers, body

    @property
    def json(self):
        return json.loads(self.body)


class Http:
    """One connection; SimTest closes those that its tests leave open."""

    opened = []

    def __init__(self, port):
        self.sock = socket.create_connection(("127.0.0.1", port), timeout=20)
        Http.opened.append(self)
        self.buffer = b""

    def send(self, data):
        try:
            self.sock.sendall(data)
        except OSError as error:
            raise Gone() from error

    def head(self, method, target, headers, user="root", password="", version="HTTP/1.1"):
        lines = ["%s %s %s" % (method, target, version), "Host: 127.0.0.1"]
        if user is not None:
            lines.append("Authorization: Basic "
                         + base64.b64encode(("%s:%s" % (user, password)).encode()).decode())
        lines += ["%s: %s" % item for item in headers.items() if item[1] is not None]
        self.send(("\r\n".join(lines) + "\r\n\r\n").encode())

    def answer(self):
        """The next response; 100 Continue counts as one."""
        head = self._until(b"\r\n\r\n")
        lines = head.decode().split("\r\n")
        headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in lines[1:])}
        size = int(headers.get("content-length", 0))
        while len(self.buffer) < size:
            self._receive()
        body, self.buffer = self.buffer[:size], self.buffer[size:]
        return Answer(int(lines[0].split()[1]), headers, body)

    def ended(self):
        """Whether the server closes the connection within the timeout."""
        try:
            return self.sock.recv(1) == b""
        except ConnectionError:
            return True

    def close(self):
        self.sock.close()

    def _until(self, mark):
        while mark not in self.buffer:
            self._receive()
        part, self.buffer = self.buffer.split(mark, 1)
        return part

    def _receive(self):
        try:
            data = self.sock.recv(65536)
        except ConnectionError as error:
            raise Gone(self.buffer) from error
        if not data:
            raise Gone(self.buffer)
        self.buffer += data


class SimTest(StarRocksTest):
    """After each test no violation may be left that the test did not expect by calling self.expect()."""

    target_columns = [("id", "BIGINT"), ("note", "VARCHAR(10)"), ("n", "INT")]

    def tearDown(self):
        while Http.opened:
            Http.opened.pop().close()
        self.sim.clear_faults()
        self.assertEqual([], self.sim.violations())

    @property
    def label(self):
        """A label of this test."""
        return self.id().rsplit(".", 1)[1]

    def expect(self, *kinds):
        """These kinds of violation were seen, no others; they are cleared."""
        self.assertEqual(sorted(set(kinds)), sorted({v["kind"] for v in self.sim.violations()}))
        self.sim.clear_violations()

    def redirect(self, label, fe=None, table="orders", user="root", password="", **headers):
        """The FE's answer to a load request."""
        http = Http(fe or self.sim.ports["fe"])
        head = {"label": label, "Expect": "100-continue", "Content-Length": "1000", **GOOD_HEADERS, **headers}
        http.head("PUT", "/api/shop/%s/_stream_load" % table, head, user, password)
        answer = http.answer()
        self.assertTrue(http.ended())
        http.close()
        return answer

    def put(self, label, body, http=None, table="orders", be=0, user="root", password="", **headers):
        """The BE's final answer to a load; raises Gone."""
        http = http or Http(self.sim.ports["be"][be])
        if not isinstance(body, bytes):
            body = json.dumps(body).encode()
        head = {"label": label, "Expect": "100-continue", "Content-Length": str(len(body)), **GOOD_HEADERS,
                **headers}
        http.head("PUT", "/api/shop/%s/_stream_load" % table, head, user, password)
        answer = http.answer()
        if answer.code != 100:
            return answer
        http.send(body)
        return http.answer()

    def load(self, label, rows, table="orders", **headers):
        """A whole load as a careful client does it: redirect by hand, then the body. Returns the fields."""
        first = self.redirect(label, table=table, **headers)
        self.assertEqual(307, first.code, first.body)
        port = urllib.parse.urlsplit(first.headers["location"]).port
        return self.put(label, rows, Http(port), table, **headers).json

    def call(self, method, target, port=None, user="root", password=""):
        http = Http(port or self.sim.ports["fe"])
        http.head(method, target, {"Content-Length": "0"} if method == "POST" else {}, user, password)
        answer = http.answer()
        http.close()
        return answer

    def state(self, label, db="shop"):
        return self.call("GET", "/api/%s/get_load_state?label=%s" % (db, label)).json["state"]

    def cancel(self, label):
        return self.call("POST", "/api/shop/orders/_cancel?label=" + label).json

    def rows(self):
        return self.sim.dump("shop", "orders")


def row(number, note="x", n=1, **more):
    return {"id": number, "note": note, "n": n, **more}
