# SPDX-License-Identifier: Apache-2.0
"""The FE's HTTP port: _stream_load (redirects to a BE), get_load_state, _cancel, health."""

from .transactions import Refused
from .wire import HeadTooLarge, to_json

STRAY_SECONDS = 0.3         # how long the FE listens for a body after it has answered a load
DEAD_PORT = 1               # nobody listens on tcpmux here
REASONS = {200: "OK", 301: "Moved Permanently", 302: "Found", 307: "Temporary Redirect",
           308: "Permanent Redirect", 500: "Internal Server Error", 502: "Bad Gateway",
           503: "Service Unavailable", 504: "Gateway Timeout"}


def rest_error(message):
    return {"status": "FAILED", "code": "1", "msg": message, "message": message}


class Frontend:
    """Serves connections of one FE listener; `leader` False makes it a follower."""

    def __init__(self, cluster, name, leader=True):
        self.cluster, self.name, self.leader = cluster, name, leader

    def serve(self, connection):
        limit = self.cluster.limits["http_max_header_size"]
        while True:
            try:
                request = connection.read_head(limit + self.cluster.limits["http_max_initial_line_length"])
                if request is None:
                    return
                if request.head_bytes - len(request.target) > limit:
                    raise HeadTooLarge()
            except (HeadTooLarge, ValueError):
                self.cluster.audit.violation("header_too_large", "header block over %d bytes" % limit)
                text = "Bad Request. <br/> HTTP header is larger than %d bytes." % limit
                connection.reply(400, "Bad Request", text.encode(), "text/html", close=True)
                return
            record = self.cluster.audit.open_request(self.name, request)
            if "@" in request.header("host", ""):
                self.cluster.audit.violation("userinfo", "credentials in the Host header", record)
            if not _FrontendRequest(self, connection, request, record).handle():
                return


class _FrontendRequest:
    def __init__(self, frontend, connection, request, record):
        self.frontend, self.cluster = frontend, frontend.cluster
        self.connection, self.request, self.record = connection, request, record
        self.context = {}

    def handle(self):
        """Serves the request; returns whether the connection goes on."""
        segments, method = self.request.segments, self.request.method
        if len(segments) == 4 and segments[0] == "api" and segments[3] == "_stream_load":
            self.identify("load", segments[1], segments[2], self.request.header("label"))
            self.stream_load()
            return False
        if len(segments) == 3 and segments[0] == "api" and segments[2] == "get_load_state" and method == "GET":
            self.identify("state", segments[1], None, self.request.query.get("label"))
            return self.guarded(self.load_state)
        if len(segments) == 4 and segments[0] == "api" and segments[3] == "_cancel" and method == "POST":
            self.connection.read_exactly(int(self.request.header("content-length", "0")))
            self.identify("cancel", segments[1], segments[2], self.request.query.get("label"))
            return self.guarded(self.cancel)
        if segments == ["api", "health"]:
            return self.answer(200, {"online_backend_num": sum(self.cluster.alive), "status": "OK"})
        return self.answer(404, None, b"Not Found", "text/html")

    def identify(self, op, db, table, label):
        self.record.update(op=op, db=db, table=table, label=label)
        self.context = {"op": op, "label": label, "table": "%s.%s" % (db, table), "db": db}

    def take(self, name):
        fault = self.cluster.faults.take(name, self.context)
        if fault:
            self.record.setdefault("faults", []).append(name)
        return fault

    def answer(self, code, value, body=None, content_type="application/json", headers=(), close=False):
        body = to_json(value, pretty=False) if body is None else body
        self.record["code"] = code
        close = close or not self.request.keep_alive
        self.connection.reply(code, REASONS.get(code, "Error"), body, content_type, headers, close)
        return not close

    # -- faults and checks common to all requests ------------------------------

    def disturb(self):
        """Plays a fault that replaces the answer; returns whether one did. A delay is only a delay."""
        if fault := self.take("fe_delay"):
            self.cluster.clock.sleep(fault.get("seconds", 1))
        if self.take("fe_drop"):
            self.connection.reset()
        elif fault := self.take("fe_http"):
            body = fault.get("body", "<html><body>failed to handle request</body></html>")
            self.answer(fault.get("code", 500), None, body.encode(), "text/html", close=True)
        elif self.take("fe_unauthorized"):
            self.unauthorized("Access denied for default_cluster:%s" % (self.request.credentials() or [""])[0])
        elif fault := self.take("fe_redirect"):
            self.redirect(fault.get("to", "dead"), fault.get("code", 307))
        else:
            return False
        return True

    def unauthorized(self, message):
        self.answer(401, rest_error(message), headers=[("WWW-Authenticate", 'Basic realm=""')], close=True)

    def authenticated(self):
        credentials = self.request.credentials()
        user = self.cluster.authenticate(credentials)
        if user is None:
            self.unauthorized("Need auth information." if credentials is None
                              else "Access denied for %s@127.0.0.1" % credentials[0])
        return user

    def redirect(self, to, code=307):
        target = self.request.target
        if to == "loop":
            host = "127.0.0.1:%d" % self.cluster.frontends[self.frontend.name].port
        elif to == "leader":
            host = "127.0.0.1:%d" % self.cluster.frontends["fe"].port
        else:
            host = {"dead": "127.0.0.1:%d" % DEAD_PORT, "unresolvable": "be-0.be-search.invalid:8040"}.get(to, to)
        self.record["redirect"] = host
        self.answer(code, None, b"", "text/html", headers=[("Location", "http://" + host + target)], close=True)

    def guarded(self, handler):
        if self.disturb():
            return False
        if self.authenticated() is None:
            return False
        if not self.frontend.leader:
            self.redirect("leader")
            return False
        return handler()

    # -- the three operations ----------------------------------------------------

    def stream_load(self):
        self.cluster.audit.watch(+1)
        try:
            if not self.disturb():
                self.answer_load()
        finally:
            self.connection.finish()
            stray = self.connection.count_stray_bytes(STRAY_SECONDS)
            if stray:
                self.cluster.audit.violation("body_sent_to_fe", "%d bytes of body came to the FE" % stray, self.record)
            self.cluster.audit.watch(-1)

    def answer_load(self):
        request, (_, db, table, _) = self.request, self.request.segments
        if request.method != "PUT":
            self.answer(405, None, b"HTTP method is not allowed.", "text/html", close=True)
            return
        user = self.authenticated()
        if user is None:
            return
        if request.version != "HTTP/1.0" and not request.expects_continue:
            self.cluster.audit.violation("no_expect", "load request without Expect: 100-continue", self.record)
            self.failed("There is no 100-continue header")
        elif not self.cluster.may_insert(user, db, table):
            self.unauthorized("Access denied; you need (at least one of) the INSERT privilege(s) on TABLE %s for "
                              "this operation." % table)
        elif fault := self.take("fe_failed"):
            self.failed(fault.get("message", "No backend alive."))
        elif (backend := self.cluster.choose_backend()) is None:
            self.failed("No backend alive.")
        else:
            self.redirect("127.0.0.1:%d" % self.cluster.backends[backend].port)

    def failed(self, message):
        if self.cluster.profile["fe_errors"] == "rest":
            self.answer(200, rest_error(message), close=True)
        else:
            value = {"Status": "FAILED", "Message": "class com.starrocks.common.DdlException: " + message}
            self.answer(200, None, to_json(value), close=True)

    def load_state(self):
        if fault := self.take("fe_failed"):
            return self.answer(200, rest_error(fault.get("message", "get database read lock timeout")))
        db, label = self.record["db"], self.record["label"]
        if not label:
            return self.answer(200, rest_error("No label selected."))
        if db not in self.cluster.databases:
            return self.answer(200, rest_error("unknown database, database=" + db))
        state, reason = self.cluster.transactions.label_state(db, label)
        if fault := self.take("state_answer"):
            state, reason = fault.get("state", "UNKNOWN"), ""
        self.record["state"] = state
        value = {"state": state, "status": "OK", "code": "0", "msg": "Success", "message": "OK"}
        if self.cluster.profile["reason"]:
            value = {"state": state, "reason": reason, **value}
        return self.answer(200, value)

    def cancel(self):
        if fault := self.take("fe_failed"):
            return self.answer(200, rest_error(fault.get("message", "get database write lock timeout")))
        db, label = self.record["db"], self.record["label"]
        if not label:
            return self.answer(200, rest_error("No label selected."))
        if db not in self.cluster.databases:
            return self.answer(200, rest_error("unknown database, database=" + db))
        try:
            self.cluster.transactions.cancel(db, label)
        except Refused as error:
            return self.answer(200, rest_error(str(error)))
        return self.answer(200, {"status": "OK", "code": "0", "msg": "Success", "message": "OK"})
