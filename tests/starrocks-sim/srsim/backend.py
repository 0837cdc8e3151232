# SPDX-License-Identifier: Apache-2.0
"""A BE's HTTP port: stream loads, their error logs, health."""

from .stream_load import StreamLoad
from .wire import HeadTooLarge


class Backend:
    def __init__(self, cluster, index):
        self.cluster, self.index = cluster, index

    def serve(self, connection):
        served = 0
        while True:
            try:
                request = connection.read_head(1 << 20)
            except (HeadTooLarge, ValueError):
                connection.reply(400, "Bad Request", b"", "text/html", close=True)
                return
            if request is None:
                return
            if served and self.cluster.faults.take("be_keepalive_close", {"be": self.index}):
                connection.reset()
                return
            served += 1
            if not self.handle(connection, request):
                connection.finish()
                connection.count_stray_bytes(0.5)
                return

    def handle(self, connection, request):
        segments = request.segments
        record = self.cluster.audit.open_request("be%d" % self.index, request)
        if len(segments) == 4 and segments[0] == "api" and segments[3] == "_stream_load" and request.method == "PUT":
            return StreamLoad(self, connection, request, record).run()
        if segments == ["api", "_load_error_log"] and request.method == "GET":
            return self.error_log(connection, request)
        if segments == ["api", "health"]:
            connection.reply(200, "OK", b'{"status": "OK", "msg": "To Be Added"}')
        else:
            connection.reply(404, "Not Found", b"Not Found", "text/html")
        return request.keep_alive

    def error_log(self, connection, request):
        text = self.cluster.error_logs.get(request.query.get("file"))
        if text is None:
            connection.reply(404, "Not Found", b"file not exist", "text/html")
        else:
            connection.reply(200, "OK", text.encode(), "text/plain")
        return request.keep_alive
