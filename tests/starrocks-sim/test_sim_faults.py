#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every fault of the simulator: what the client sees, and what becomes of the transaction."""

import json
import time
import unittest
import urllib.parse

from client import Gone, Http, SimTest, row


class FrontendFaults(SimTest):
    def test_drop(self):
        self.sim.fault("fe_drop", match={"op": "load"})
        with self.assertRaises(Gone):
            self.redirect(self.label)
        self.assertEqual(307, self.redirect(self.label).code)

    def test_delay(self):
        self.sim.fault("fe_delay", seconds=0.4)
        begun = time.monotonic()
        self.assertEqual(307, self.redirect(self.label).code)
        self.assertGreaterEqual(time.monotonic() - begun, 0.4)

    def test_redirects(self):
        wanted = {"dead": "127.0.0.1:1", "unresolvable": "be-0.be-search.invalid:8040", "10.0.0.1:9": "10.0.0.1:9",
                  "loop": "127.0.0.1:%d" % self.sim.ports["fe"], "stranger.invalid:80": "stranger.invalid:80"}
        for to, host in wanted.items():
            self.sim.fault("fe_redirect", to=to)
            answer = self.redirect(self.label)
            self.assertEqual(("http://%s/api/shop/orders/_stream_load" % host, 307),
                             (answer.headers["location"], answer.code))
        for code in (302, 308):
            self.sim.fault("fe_redirect", to="loop", code=code)
            self.assertEqual(code, self.redirect(self.label).code)

    def test_http_errors(self):
        self.sim.fault("fe_http", code=500)
        answer = self.redirect(self.label)
        self.assertEqual((500, "text/html"), (answer.code, answer.headers["content-type"]))
        self.sim.fault("fe_http", code=504, body="<html>gateway</html>", match={"op": "state"})
        self.assertEqual(307, self.redirect(self.label).code)  # another op
        answer = self.call("GET", "/api/shop/get_load_state?label=x")
        self.assertEqual((504, b"<html>gateway</html>"), (answer.code, answer.body))

    def test_failed(self):
        self.sim.fault("fe_failed")
        answer = self.redirect(self.label)
        self.assertEqual((200, "FAILED"), (answer.code, answer.json["Status"]))
        self.assertIn("No backend alive.", answer.json["Message"])
        self.sim.fault("fe_failed", match={"op": "state"})
        self.assertEqual("FAILED", self.call("GET", "/api/shop/get_load_state?label=x").json["status"])

    def test_unauthorized_once(self):
        self.sim.fault("fe_unauthorized")
        self.assertEqual([401, 307], [self.redirect(self.label).code for _ in range(2)])

    def test_state_answers(self):
        self.load(self.label, [row(1)])
        self.sim.fault("state_answer", state="UNKNOWN")
        self.assertEqual(["UNKNOWN", "VISIBLE"], [self.state(self.label) for _ in range(2)])
        self.sim.fault("fe_redirect", to="leader", match={"op": "state"})
        answer = self.call("GET", "/api/shop/get_load_state?label=x")
        self.assertEqual((307, self.sim.url + "/api/shop/get_load_state?label=x"),
                         (answer.code, answer.headers["location"]))

    def test_no_backend(self):
        self.sim.action("be_down")
        self.assertIn("No backend alive.", self.redirect(self.label).json["Message"])
        with self.assertRaises(ConnectionRefusedError):
            self.put(self.label, [row(1)])
        self.sim.action("be_up")
        self.assertEqual("Success", self.load(self.label, [row(1)])["Status"])

    def test_restart_of_frontend(self):
        self.load(self.label, [row(1)])
        self.sim.fault("be_late_commit", seconds=5)
        with self.assertRaises(Gone):
            self.put(self.label + "2", [row(2)])
        self.assertEqual("PREPARE", self.state(self.label + "2"))
        self.sim.action("fe_restart")
        self.assertEqual(["VISIBLE", "UNKNOWN"], [self.state(self.label), self.state(self.label + "2")])
        self.sim.advance_clock(6)
        self.assertEqual(["UNKNOWN", [row(1)]], [self.state(self.label + "2"), self.rows()])
        self.sim.action("fe_down")
        with self.assertRaises(ConnectionRefusedError):
            self.redirect(self.label)
        self.sim.action("fe_up")


class MatchTest(SimTest):
    def test_count_skip_and_match(self):
        self.sim.fault("fe_failed", count=2, skip=1, match={"label": "^bad", "table": "shop.orders"})
        codes = [self.redirect(label).code for label in ("good", "bad1", "good", "bad2", "bad3", "bad4")]
        self.assertEqual([307, 307, 307, 200, 200, 307], codes)
        self.assertEqual([(0, 2)], [(f["left"], f["hits"]) for f in self.sim.faults()])

    def test_endless_and_for(self):
        self.sim.fault("fe_failed", **{"for": 100})
        self.assertEqual([200] * 3, [self.redirect(self.label).code for _ in range(3)])
        self.sim.advance_clock(101)
        self.assertEqual(307, self.redirect(self.label).code)
        self.sim.fault("fe_failed", count=0)
        self.assertEqual([200] * 3, [self.redirect(self.label).code for _ in range(3)])

    def test_probability(self):
        self.sim.fault("fe_failed", count=0, probability=0.5)
        codes = [self.redirect(self.label).code for _ in range(40)]
        self.assertTrue(5 < codes.count(307) < 35, codes)

    def test_unknown_fault(self):
        with self.assertRaisesRegex(RuntimeError, "unknown fault"):
            self.sim.fault("no_such_fault")


class BackendFaults(SimTest):
    def gone(self, label=None, rows=None):
        with self.assertRaises(Gone) as caught:
            self.put(label or self.label, rows or [row(1)])
        return caught.exception.partial

    def wait_for_state(self, state, label=None):
        deadline = time.monotonic() + 60
        while (now := self.state(label or self.label)) != state:
            self.assertLess(time.monotonic(), deadline, now)
            time.sleep(0.01)

    def test_drop_before_continue(self):
        self.sim.fault("be_drop_header")
        self.gone()
        self.assertEqual("UNKNOWN", self.state(self.label))
        self.sim.fault("be_drop_header", begun=True)
        self.gone()
        self.wait_for_state("ABORTED")

    def test_continue_late_and_twice(self):
        self.sim.fault("be_100", late=0.3)
        begun = time.monotonic()
        self.assertEqual("Success", self.put(self.label, [row(1)]).json["Status"])
        self.assertGreaterEqual(time.monotonic() - begun, 0.3)
        self.sim.fault("be_100", times=2)
        http = Http(self.sim.ports["be"][0])
        self.assertEqual(100, self.put(self.label + "2", [row(1)], http).code)
        self.assertEqual("Success", http.answer().json["Status"])

    def test_reset_in_body(self):
        self.sim.fault("be_reset_body", after_bytes=10)
        self.gone(rows=[row(n) for n in range(50000)])
        self.wait_for_state("ABORTED")
        self.sim.fault("be_reset_after_body")
        self.gone(self.label + "2")
        self.wait_for_state("ABORTED", self.label + "2")
        self.assertEqual([], self.rows())

    def test_commit_then_drop(self):
        self.sim.fault("be_commit_drop")
        self.assertEqual(b"", self.gone())
        self.assertEqual(("VISIBLE", [row(1)]), (self.state(self.label), self.rows()))
        self.sim.fault("be_commit_drop", half=True)
        partial = self.gone(self.label + "2", [row(2)])
        self.assertIn(b'"TxnId"', partial)
        with self.assertRaises(ValueError):
            json.loads(partial)
        self.assertEqual("VISIBLE", self.state(self.label + "2"))

    def test_late_commit(self):
        self.sim.fault("be_late_commit", seconds=30)
        self.gone()
        self.assertEqual(("PREPARE", []), (self.state(self.label), self.rows()))
        answer = self.put(self.label, [row(1)]).json
        self.assertRegex(answer["Message"], "has already been used")
        self.sim.advance_clock(31)
        self.assertEqual(("VISIBLE", [row(1)]), (self.state(self.label), self.rows()))

    def test_publish_timeout(self):
        self.sim.fault("publish_timeout", seconds=30)
        answer = self.put(self.label, [row(1)]).json
        self.assertEqual(("Publish Timeout", 1), (answer["Status"], answer["NumberLoadedRows"]))
        self.assertIn("Publish timeout. The data will be visible after a while", answer["Message"])
        self.assertEqual(("COMMITTED", []), (self.state(self.label), self.rows()))
        self.sim.advance_clock(31)
        self.assertEqual(("VISIBLE", [row(1)]), (self.state(self.label), self.rows()))

    def test_publish_keeps_commit_order(self):
        self.sim.fault("publish_timeout")  # never on its own
        self.sim.fault("publish_timeout", seconds=1)
        self.put(self.label, [row(1, "old")])
        self.put(self.label + "2", [row(1, "new")])
        self.sim.advance_clock(2)
        self.assertEqual(["COMMITTED", "COMMITTED"], [self.state(self.label), self.state(self.label + "2")])
        self.assertEqual([], self.rows())

    def test_publish_delay_within_the_timeout_is_success(self):
        self.sim.configure(limits={"publish_delay": 0.2})
        self.assertEqual("Success", self.put(self.label, [row(1)]).json["Status"])
        self.sim.configure(limits={"publish_delay": 5})
        self.assertEqual("Publish Timeout", self.put(self.label + "2", [row(1)], timeout="1").json["Status"])
        self.sim.configure(limits={"publish_delay": 0})

    def test_label_exists_running(self):
        for then, rows in (("VISIBLE", [row(1)]), ("ABORTED", [])):
            self.sim.create_table("shop", "orders", self.target_columns, ["id"])
            self.sim.fault("label_exists", then=then, seconds=10, spelling="status")
            answer = self.put(self.label + then, [row(1)]).json
            self.assertEqual(("Label Already Exists", "RUNNING"), (answer["Status"], answer["ExistingJobStatus"]))
            self.assertEqual("PREPARE", self.state(self.label + then))
            self.sim.advance_clock(11)
            self.assertEqual((then, rows), (self.state(self.label + then), self.rows()))

    def test_label_exists_spellings(self):
        answers = []
        for number, spelling in enumerate(("status", "enum", "fail", "empty")):
            self.sim.fault("label_exists", existing="FINISHED", seconds=0, spelling=spelling)
            answer = self.put("%s-%d" % (self.label, number), [row(1)]).json
            answers.append((answer["Status"], answer.get("ExistingJobStatus")))
        self.assertEqual([("Label Already Exists", "FINISHED"), ("LABEL_ALREADY_EXISTS", "FINISHED"), ("Fail", None),
                          ("Label Already Exists", "")], answers)

    def test_commit_unknown(self):
        for then, state in (("VISIBLE", "VISIBLE"), ("ABORTED", "ABORTED"), ("PREPARE", "PREPARE"),
                            ("FORGOTTEN", "UNKNOWN")):
            self.sim.fault("be_commit_unknown", then=then)
            answer = self.put(self.label + then, [row(1)]).json
            self.assertEqual("Fail", answer["Status"])
            self.assertIn("Transaction status unknown, you can retry with same label", answer["Message"])
            self.assertEqual(state, self.state(self.label + then))
            self.cancel(self.label + then)

    def test_fail_at_each_moment(self):
        for when, id_known in (("begin", False), ("plan", True), ("end", True)):
            self.sim.fault("be_fail", when=when, message="Service is shutting down, please retry later!")
            answer = self.put(self.label + when, [row(1)]).json
            self.assertEqual(("Fail", "Service is shutting down, please retry later!", id_known),
                             (answer["Status"], answer["Message"], answer["TxnId"] > 0))
            self.assertEqual("ABORTED" if id_known else "UNKNOWN", self.state(self.label + when))

    def test_slow_backend(self):
        self.sim.fault("be_slow", bytes_per_second=100000)
        begun = time.monotonic()
        self.assertEqual("Success", self.put(self.label, b"[" + json.dumps(row(1)).encode() + b" " * 40000 + b"]")
                         .json["Status"])
        self.assertGreaterEqual(time.monotonic() - begun, 0.3)
        self.sim.fault("be_slow_answer", seconds=0.3)
        begun = time.monotonic()
        self.put(self.label + "2", [row(1)])
        self.assertGreaterEqual(time.monotonic() - begun, 0.3)

    def test_rejected_row(self):
        self.sim.fault("be_reject_row", row=1, reason="Value 'b' is out of range")
        answer = self.put(self.label, [row(1), row(2), row(3)]).json
        self.assertEqual(("Fail", "too many filtered rows", 3, 2, 1),
                         tuple(answer[k] for k in ("Status", "Message", "NumberTotalRows", "NumberLoadedRows",
                                                   "NumberFilteredRows")))
        url = urllib.parse.urlsplit(answer["ErrorURL"])
        self.assertIn(b"Error: Value 'b' is out of range. Row: ((2,)",
                      self.call("GET", url.path + "?" + url.query, url.port, user=None).body)
        self.assertEqual("ABORTED", self.state(self.label))
        self.sim.fault("be_reject_row", repeat=100000)
        url = urllib.parse.urlsplit(self.put(self.label + "2", [row(1), row(2)]).json["ErrorURL"])
        self.assertGreater(len(self.call("GET", url.path + "?" + url.query, url.port, user=None).body), 3000000)

    def test_error_url_elsewhere(self):
        self.sim.fault("be_reject_row")
        self.sim.fault("error_url", host=self.sim.stranger_address)
        url = urllib.parse.urlsplit(self.put(self.label, [row(1)]).json["ErrorURL"])
        self.assertEqual(self.sim.stranger_address, url.netloc)
        self.assertEqual(200, self.call("GET", url.path, url.port, user=None).code)
        self.assertEqual([], self.sim.violations())
        self.call("GET", url.path, url.port)
        self.expect("credentials_to_stranger")

    def test_wrong_counters(self):
        self.sim.fault("be_counters", add={"NumberTotalRows": -1, "NumberLoadedRows": -1})
        answer = self.put(self.label, [row(1), row(2)]).json
        self.assertEqual(("Success", 1, 1), (answer["Status"], answer["NumberTotalRows"], answer["NumberLoadedRows"]))

    def test_reply_shape(self):
        self.sim.fault("be_reply_shape")
        answer = self.put(self.label, [row(1)])
        self.assertNotIn(b"\n", answer.body)
        self.assertEqual("Success", answer.json["Status"])
        self.assertIn("SomethingNew", answer.json)
        self.assertNotEqual("TxnId", list(answer.json)[0])

    def test_proxy_error_after_commit(self):
        self.sim.fault("be_http", code=504)
        answer = self.put(self.label, [row(1)])
        self.assertEqual((504, "text/html"), (answer.code, answer.headers["content-type"]))
        self.assertEqual("VISIBLE", self.state(self.label))
        self.sim.fault("be_http", code=502, when="begin")
        self.assertEqual(502, self.put(self.label + "2", [row(1)]).code)
        self.assertEqual("UNKNOWN", self.state(self.label + "2"))

    def test_keep_alive_closed(self):
        http = Http(self.sim.ports["be"][0])
        self.put(self.label, [row(1)], http)
        self.sim.fault("be_keepalive_close")
        with self.assertRaises(Gone):
            self.put(self.label + "2", [row(2)], http)
        self.assertEqual("UNKNOWN", self.state(self.label + "2"))

    def test_column_dropped_between_loads(self):
        self.put(self.label, [row(1)])
        self.sim.alter("shop", "orders", drop="n")
        self.assertEqual("Success", self.put(self.label + "2", [row(2)]).json["Status"])  # the key is ignored
        self.assertEqual([{"id": 1, "note": "x"}, {"id": 2, "note": "x"}], self.rows())
        self.expect("unknown_key")


class TwoBackends(SimTest):
    backends = 2

    def test_round_robin_and_down(self):
        places = {self.redirect(self.label).headers["location"] for _ in range(4)}
        self.assertEqual(2, len(places))
        self.sim.fault("be_late_commit", count=2, seconds=1000)
        for backend in (0, 1):
            with self.assertRaises(Gone):
                self.put("%s-%d" % (self.label, backend), [row(1)], be=backend)
        self.expect("two_loads_in_flight")
        self.sim.action("be_down", be=0)
        self.assertEqual(["ABORTED", "PREPARE"], [self.state("%s-%d" % (self.label, n)) for n in (0, 1)])
        self.assertEqual({"127.0.0.1:%d" % self.sim.ports["be"][1]},
                         {urllib.parse.urlsplit(self.redirect(self.label).headers["location"]).netloc for _ in (0, 1)})
        self.sim.action("be_up", be=0)

    def test_restart_drops_the_load(self):
        http = Http(self.sim.ports["be"][0])
        http.head("PUT", "/api/shop/orders/_stream_load", {
            "label": self.label, "format": "json", "strict_mode": "true", "max_filter_ratio": "0",
            "Content-Length": "100", "Expect": "100-continue"})
        self.assertEqual(100, http.answer().code)
        self.sim.action("be_restart", be=0)
        self.assertTrue(http.ended())
        self.assertEqual("PREPARE", self.state(self.label))  # until its timeout
        self.sim.advance_clock(601)
        self.assertEqual("ABORTED", self.state(self.label))


if __name__ == "__main__":
    unittest.main()
