# SPDX-License-Identifier: Apache-2.0
"""One stream load at a BE: checks, transaction, body, commit and answer, and the faults of each step."""

import hashlib
import random
import time
import uuid

from .compression import BadStream, decompress
from .load import LoadError, Plan, UNSUPPORTED, documents
from .rows import load_rows
from .transactions import LABEL, LabelExists, Refused
from .wire import Disconnected, to_json

UNKNOWN_OUTCOME = ("Commit transaction fail cause rpc failed, Transaction status unknown, you can retry with same "
                   "label")
PUBLISH_TIMEOUT = "Publish timeout. The data will be visible after a while"


class Failure(Exception):
    """Status Fail with this message; the transaction, if begun, is rolled back."""


class StreamLoad:
    """One load, from its header to its answer. run() returns whether the connection goes on."""

    def __init__(self, backend, connection, request, record):
        self.backend, self.cluster = backend, backend.cluster
        self.connection, self.request, self.record = connection, request, record
        _, self.db, self.table_name, _ = request.segments
        self.label = request.header("label") or str(uuid.uuid4())
        record.update(op="load", db=self.db, table=self.table_name, label=self.label)
        self.context = {"op": "load", "db": self.db, "label": self.label, "be": backend.index,
                        "table": "%s.%s" % (self.db, self.table_name)}
        self.txn = self.table = self.outcome = self.body = None
        self.executed = False       # from here on the load goes on without its client
        self.start_of_backend = self.cluster.starts[backend.index]
        self.started = time.monotonic()

    def take(self, name):
        fault = self.cluster.faults.take(name, self.context)
        if fault:
            self.record.setdefault("faults", []).append(name)
        return fault

    def note(self, kind, text):
        self.cluster.audit.violation(kind, text, self.record)

    def run(self):
        try:
            if self.proxy_error("begin"):
                return False
            self.on_header()
            self.invite_body()
            self.read_body()
            self.execute()
            return self.finish()
        except LabelExists as error:
            return self.reply(self.duplicate(error.existing, str(error)))
        except (Failure, Refused, LoadError, BadStream) as error:
            if self.txn:
                self.cluster.transactions.abort(self.txn, str(error))
            self.outcome = self.outcome or getattr(error, "outcome", None)
            return self.reply(self.answer("Fail", str(error)))
        except Exception:  # mostly Disconnected
            if self.txn and not self.executed and not self.backend_restarted():
                self.cluster.transactions.abort(self.txn, "cancelled: the client has gone")
            raise
        finally:
            self.record["seconds"] = time.monotonic() - self.started

    def backend_restarted(self):
        """Then this load no longer exists at the BE, and the FE is not told."""
        return self.cluster.starts[self.backend.index] != self.start_of_backend

    # -- before the body -----------------------------------------------------

    def on_header(self):
        if (fault := self.take("be_drop_header")) and not fault.get("begun"):
            self.drop()
        credentials = self.request.credentials()
        if credentials is None:
            raise Failure("no valid Basic authorization")
        self.check_headers()
        user = self.cluster.authenticate(credentials)
        if user is None or not self.cluster.may_insert(user, self.db, self.table_name):
            raise Failure("Access denied for %s@127.0.0.1" % credentials[0])
        self.begin()
        if fault:
            self.drop()
        self.fail_at("plan")
        if message := self.cluster.too_many_versions(self.table):
            raise Failure(message)
        self.plan = Plan(self.table, self.request.header("columns"), self.note)

    def check_headers(self):
        request, limits = self.request, self.cluster.limits
        if not request.header("label"):
            self.note("no_label", "load without a label")
        elif not LABEL.fullmatch(self.label):
            self.note("label_format", "label %r" % self.label)
        if request.header("strict_mode", "").lower() != "true":
            self.note("no_strict_mode", "strict_mode is %s" % request.header("strict_mode"))
        if request.header("max_filter_ratio") is None or self.filter_ratio() != 0:
            self.note("max_filter_ratio", "max_filter_ratio is %s" % request.header("max_filter_ratio"))
        length = self.content_length()
        if length > limits["streaming_load_max_mb"] << 20:
            raise Failure("body size %d exceed limit: %d, %s. You can increase the limit by setting "
                          "streaming_load_max_mb in be.conf." % (length, limits["streaming_load_max_mb"] << 20,
                                                                "label: " + self.label))
        if request.header("format", "").lower() != "json":
            self.note("unsupported", "format is not json")
            raise Failure("unknown data format, format=" + request.header("format", "csv"))
        if (length > limits["streaming_load_max_batch_size_mb"] << 20
                and request.header("ignore_json_size", "").lower() != "true"):
            raise Failure("The size of this batch exceed the max size [%d]  of json type data  data [ %d ]. Set "
                          "ignore_json_size to skip the check, although it may lead huge memory consuming."
                          % (limits["streaming_load_max_batch_size_mb"] << 20, length))
        if request.header("strict_mode", "true").lower() not in ("true", "false"):
            raise Failure("Invalid strict mode format. Must be bool type")
        self.timeout()
        for name in UNSUPPORTED:
            if name in request.headers:
                self.note("unsupported", "header " + name)
                raise Failure("simulator: header %s is not supported" % name)

    def content_length(self):
        try:
            return int(self.request.header("content-length", "0"))
        except ValueError:
            raise Failure("invalid HTTP header CONTENT_LENGTH") from None

    def filter_ratio(self):
        try:
            return float(self.request.header("max_filter_ratio", "0"))
        except ValueError:
            return 0.0

    def timeout(self):
        text = self.request.header("timeout")
        if text is None:
            return self.cluster.limits["stream_load_default_timeout_second"]
        if not text.isdigit():
            raise Failure("Invalid timeout format")
        if not 1 <= int(text) <= 259200:
            raise Failure("Invalid timeout: %s. Timeout should between 1 and 259200 seconds" % text)
        return int(text)

    def begin(self):
        self.fail_at("begin")
        if self.db not in self.cluster.databases:
            raise Failure("unknown database, database=" + self.db)
        self.table = self.cluster.table(self.db, self.table_name)
        if self.table is None:
            raise Failure('unknown table "%s.%s"' % (self.db, self.table_name))
        with self.cluster.lock:
            busy = [t.label for t in self.cluster.transactions.running(self.db)
                    if t.table == self.table_name and t.label != self.label]
            self.txn = self.cluster.transactions.begin(self.db, self.table_name, self.label, self.timeout(),
                                                       self.backend.index)
        self.record["txn"] = self.txn.id
        if any(job.open for job in self.table.alter_jobs):
            self.note("load_during_alter", "table %s has a schema change running" % self.table_name)
        if busy:
            self.note("two_loads_in_flight", "table %s is being loaded by %s" % (self.table_name, busy))

    def fail_at(self, moment):
        self.context["when"] = moment
        if fault := self.take("be_fail"):
            raise Failure(fault.get("message", "Memory of process exceed limit. try consume:4194304 Used: 100, "
                                               "Limit: 100. Mem usage has exceed the limit of BE"))

    def proxy_error(self, moment):
        """Answers as a proxy in front of the BE would; returns whether it did."""
        self.context["when"] = moment
        fault = self.take("be_http")
        if fault:
            body = fault.get("body", "<html><body>upstream request timeout</body></html>").encode()
            self.connection.reply(fault.get("code", 504), "Gateway Timeout", body, "text/html", close=True)
        return fault is not None

    # -- the body --------------------------------------------------------------

    def invite_body(self):
        if not self.request.expects_continue:
            return
        fault = self.take("be_100")
        if fault:
            self.cluster.clock.sleep(fault.get("late", 0))
        for _ in range(fault.get("times", 1) if fault else 1):
            self.connection.send(b"HTTP/1.1 100 Continue\r\n\r\n")

    def read_body(self):
        if self.request.header("transfer-encoding", "").lower() == "chunked":
            self.body = self.connection.read_chunked()
        else:
            self.body = self.connection.read_exactly(self.content_length(), self.pace())
        sha256 = hashlib.sha256(self.body).hexdigest()
        self.record.update(body_bytes=len(self.body), body_sha256=sha256)
        self.cluster.audit.same_body(self.record, sha256)
        if self.take("be_reset_after_body"):
            self.drop()

    def pace(self):
        """A function that disturbs the reading of the body, or None."""
        reset, slow = self.take("be_reset_body"), self.take("be_slow")
        if not reset and not slow:
            return None
        limit = reset.get("after_bytes", self.content_length() // 2) if reset else None
        speed = slow.get("bytes_per_second", 10240) if slow else None
        begun = time.monotonic()

        def pace(size):
            if limit is not None and size >= limit:
                self.drop()
            if speed is not None:
                time.sleep(max(0.0, begun + size / speed - time.monotonic()))
        return pace

    def drop(self):
        self.connection.reset()
        raise Disconnected()

    # -- the load ----------------------------------------------------------------

    def execute(self):
        body, request = self.body, self.request
        compression = request.header("compression") or request.header("content-encoding")
        if request.header("compression") and request.header("content-encoding"):
            raise Failure("Only one of http header content-encoding and compression can be set")
        if compression:
            if not self.cluster.profile["json_compression"]:
                raise Failure("parse json failed: compressed JSON needs version 3.2.7")
            body = decompress(body, compression)
        strict = request.header("strict_mode", "false").lower() == "true"
        strip = request.header("strip_outer_array", "false").lower() == "true"
        self.outcome = load_rows(self.table, self.plan, documents(body, strip, self.note), strict,
                                 self.cluster.limits["primary_key_limit_size"], self.note)
        self.record["rows"] = self.outcome.total
        if fault := self.take("be_reject_row"):
            self.reject_row(fault)
        if self.outcome.total == 0:
            self.note("empty_load", "a load without rows")
        if self.outcome.filtered > self.filter_ratio() * self.outcome.total:
            raise Failure("too many filtered rows")
        if not self.outcome.changes:
            raise Failure("all partitions have no load data")
        self.fail_at("end")

    def reject_row(self, fault):
        """Rejects row number fault["row"] (from 0) whatever it holds."""
        at = min(fault.get("row", 0), len(self.outcome.changes) - 1)
        if at >= 0:
            row = self.outcome.changes.pop(at)
            self.outcome.filtered += 1
            text = "Error: %s. Row: %s" % (fault.get("reason", "Value 'x' is out of range"), row)
            self.outcome.errors.append(text * fault.get("repeat", 1))

    def finish(self):
        """Commits, publishes and answers; most faults that leave a client in doubt are here."""
        self.executed = True
        if self.backend_restarted():
            raise Disconnected()
        if fault := self.take("be_late_commit"):
            self.cluster.clock.after(fault.get("seconds", 1), self.try_commit)
            return self.vanish(fault)
        if fault := self.take("label_exists"):
            self.settle_later(fault.get("then", "VISIBLE"), fault.get("seconds", 1))
            return self.reply(self.duplicate(fault.get("existing", "RUNNING"),
                                             "Label [%s] has already been used." % self.label, fault.get("spelling")))
        if fault := self.take("be_commit_unknown"):
            self.settle_later(fault.get("then", "VISIBLE"), fault.get("seconds", 0))
            return self.reply(self.answer("Fail", fault.get("message", UNKNOWN_OUTCOME)))
        self.commit()
        if fault := self.take("publish_timeout"):
            if fault.get("seconds") is not None:
                self.cluster.clock.after(fault.get("seconds"), self.publish)
            return self.reply(self.answer("Publish Timeout", PUBLISH_TIMEOUT))
        if delay := self.cluster.limits["publish_delay"]:
            self.cluster.clock.after(delay, self.publish)
        else:
            self.publish()
        left = self.txn.begun + self.txn.timeout - self.cluster.clock.now()
        visible = self.cluster.transactions.wait_visible(self.txn, max(0.0, left))
        if fault := self.take("be_slow_answer"):
            self.cluster.clock.sleep(fault.get("seconds", 1))
        if self.proxy_error("end"):
            return False
        if fault := self.take("be_commit_drop"):
            return self.vanish(fault)
        return self.reply(self.answer("Success", "OK") if visible
                          else self.answer("Publish Timeout", PUBLISH_TIMEOUT))

    def vanish(self, fault):
        """Closes without an answer, or with half of one; `wait` keeps the client waiting first."""
        self.cluster.clock.sleep(fault.get("wait", 0))
        if fault.get("half"):
            body = to_json(self.answer("Success", "OK"))
            self.connection.send(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
                                 % len(body) + body[:len(body) // 2])
            return False
        self.connection.reset()
        raise Disconnected()

    def settle_later(self, then, seconds):
        if then == "VISIBLE":
            task = self.try_commit
        elif then == "ABORTED":
            task = lambda: self.cluster.transactions.abort(self.txn, "fault")
        elif then == "FORGOTTEN":  # the FE restarted and had only a prepared transaction
            task = self.cluster.transactions.forget_running
        else:
            return  # stays PREPARE until its timeout
        self.cluster.clock.after(seconds, task) if seconds else task()

    def commit(self):
        changes, facts = self.outcome.changes, {
            "rows": self.outcome.total, "deletes": self.outcome.deletes, "request": self.record["id"],
            "bytes": self.record["body_bytes"], "sha256": self.record["body_sha256"]}
        if self.table.columns is not self.plan.columns:
            raise Failure("schema of the table has changed during the load")
        self.cluster.transactions.commit(self.txn, changes, facts)
        self.record["committed"] = True

    def try_commit(self):
        try:
            self.commit()
            self.publish()
        except (Refused, Failure):
            pass

    def publish(self):
        self.cluster.transactions.publish(self.txn)

    # -- answers -------------------------------------------------------------------

    def answer(self, status, message, existing=None):
        """The fields of the answer in the server's order."""
        outcome, elapsed = self.outcome, int((time.monotonic() - self.started) * 1000)
        value = {"TxnId": self.txn.id if self.txn else -1, "Label": self.label, "Status": status}
        if existing is not None:
            value["ExistingJobStatus"] = existing
        value.update({
            "Message": message,
            "NumberTotalRows": outcome.total if outcome else 0,
            "NumberLoadedRows": outcome.loaded if outcome else 0,
            "NumberFilteredRows": outcome.filtered if outcome else 0, "NumberUnselectedRows": 0,
            "LoadBytes": len(self.body or b""), "LoadTimeMs": elapsed, "BeginTxnTimeMs": 0,
            self.cluster.profile["plan_time"]: 1, "ReadDataTimeMs": 0, "WriteDataTimeMs": elapsed,
            "CommitAndPublishTimeMs": 0})
        if outcome and outcome.errors:
            value["ErrorURL"] = self.error_url(outcome.errors)
        return value

    def error_url(self, lines):
        name = "error_log_%016x_%016x" % (self.txn.id, self.record["id"])
        self.cluster.error_logs[name] = "\n".join(lines) + "\n"
        scheme, host = "http", "127.0.0.1:%d" % self.cluster.backends[self.backend.index].port
        if fault := self.take("error_url"):
            scheme, host = fault.get("scheme", "http"), fault.get("host", "127.0.0.1:1")
        return "%s://%s/api/_load_error_log?file=%s" % (scheme, host, name)

    def duplicate(self, existing, message, spelling=None):
        spelling = spelling or self.cluster.profile["duplicate_label"]
        if spelling == "fail":
            return self.answer("Fail", message)
        return self.answer({"enum": "LABEL_ALREADY_EXISTS"}.get(spelling, "Label Already Exists"), message,
                           "" if spelling == "empty" else existing)

    def reply(self, value):
        """Sends the answer. If the body was not read, the connection ends with it."""
        pretty = True
        if fault := self.take("be_counters"):
            value.update({k: value.get(k, 0) + d for k, d in fault.get("add", {"NumberTotalRows": -1}).items()})
        if fault := self.take("be_reply_shape"):
            value["SomethingNew"] = {"nested": [1, None, "text"]}
            items = list(value.items())
            random.Random(self.txn.id if self.txn else 0).shuffle(items)
            value, pretty = dict(items), False
        self.record.update(code=200, status=value["Status"], message=value["Message"])
        unread = self.body is None
        self.connection.reply(200, "OK", to_json(value, pretty), close=unread)
        return not unread and self.request.keep_alive
