#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The simulator's HTTP behaviour, answers, labels and transactions."""

import gzip
import json
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

from client import Gone, Http, SimTest, StarRocks, row


class FrontendTest(SimTest):
    def test_redirect(self):
        answer = self.redirect(self.label)
        self.assertEqual(307, answer.code)
        self.assertEqual("http://%s/api/shop/orders/_stream_load" % self.sim.backend_address(),
                         answer.headers["location"])
        self.assertEqual(("close", "0"), (answer.headers["connection"], answer.headers["content-length"]))
        self.assertEqual("UNKNOWN", self.state(self.label))  # the FE begins nothing

    def test_wrong_password(self):
        for user, password in ((None, ""), ("root", "no"), ("nobody", "")):
            answer = self.redirect(self.label, user=user, password=password)
            self.assertEqual(401, answer.code)
            self.assertEqual('Basic realm=""', answer.headers["www-authenticate"])
            self.assertEqual("FAILED", answer.json["status"])
        self.assertEqual(401, self.call("GET", "/api/shop/get_load_state?label=x", user="root", password="no").code)

    def test_no_grant(self):
        self.sim.configure(users={"guest": {"password": "g", "grants": ["other.*"]}})
        answer = self.redirect(self.label, user="guest", password="g")
        self.assertEqual(401, answer.code)
        self.assertIn("Access denied; you need", answer.json["msg"])

    def test_no_expect(self):
        answer = self.redirect(self.label, Expect=None)
        self.assertEqual((200, "FAILED"), (answer.code, answer.json["Status"]))
        self.assertIn("There is no 100-continue header", answer.json["Message"])
        self.sim.configure(profile="v2.5")
        answer = self.redirect(self.label, Expect=None)
        self.assertEqual(("FAILED", "There is no 100-continue header"), (answer.json["status"], answer.json["msg"]))
        self.expect("no_expect")

    def test_body_to_frontend_is_a_violation(self):
        http = Http(self.sim.ports["fe"])
        http.head("PUT", "/api/shop/orders/_stream_load", {"label": self.label, "Expect": "100-continue",
                                                           "Content-Length": "5"})
        http.send(b"[{}]\n")
        self.assertEqual(307, http.answer().code)
        self.assertTrue(http.ended())
        self.expect("body_sent_to_fe")

    def test_late_body_to_frontend_is_a_violation(self):
        self.sim.fault("fe_delay", seconds=1.5)
        http = Http(self.sim.ports["fe"])
        http.head("PUT", "/api/shop/orders/_stream_load", {"label": self.label, "Expect": "100-continue",
                                                           "Transfer-Encoding": "chunked"})
        time.sleep(0.1)
        http.send(b"5\r\n[{}]\n\r\n")
        self.assertEqual(307, http.answer().code)
        self.assertTrue(http.ended())
        self.expect("body_sent_to_fe")

    def test_header_too_large(self):
        answer = self.redirect(self.label, columns="c" * 33000)
        self.assertEqual((400, "text/html"), (answer.code, answer.headers["content-type"]))
        self.assertIn(b"HTTP header is larger than 32768 bytes", answer.body)
        self.expect("header_too_large")

    def test_other_paths(self):
        self.assertEqual(404, self.call("GET", "/api/nothing").code)
        self.assertEqual(404, self.call("GET", "/api/nothing", self.sim.ports["be"][0]).code)
        self.assertEqual(200, self.call("GET", "/api/health").code)
        self.assertEqual(405, self.call("POST", "/api/shop/orders/_stream_load").code)

    def test_follower_redirects_to_leader(self):
        answer = self.call("GET", "/api/shop/get_load_state?label=x", self.sim.ports["fe_follower"])
        self.assertEqual((307, self.sim.url + "/api/shop/get_load_state?label=x"),
                         (answer.code, answer.headers["location"]))
        answer = self.redirect(self.label, self.sim.ports["fe_follower"])
        self.assertIn(self.sim.backend_address(), answer.headers["location"])

    def test_load_state_errors(self):
        answer = self.call("GET", "/api/nowhere/get_load_state?label=x").json
        self.assertEqual(("FAILED", "unknown database, database=nowhere"), (answer["status"], answer["msg"]))
        self.assertEqual("UNKNOWN", self.state("never-seen"))


class LoadTest(SimTest):
    def test_success_and_field_order(self):
        answer = self.load(self.label, [row(1), row(2)])
        self.assertEqual(["TxnId", "Label", "Status", "Message", "NumberTotalRows", "NumberLoadedRows",
                          "NumberFilteredRows", "NumberUnselectedRows", "LoadBytes", "LoadTimeMs", "BeginTxnTimeMs",
                          "StreamLoadPlanTimeMs", "ReadDataTimeMs", "WriteDataTimeMs", "CommitAndPublishTimeMs"],
                         list(answer))
        self.assertEqual(("Success", "OK", 2, 2), (answer["Status"], answer["Message"], answer["NumberTotalRows"],
                                                   answer["NumberLoadedRows"]))
        self.assertEqual(len(json.dumps([row(1), row(2)])), answer["LoadBytes"])
        self.assertEqual([row(1), row(2)], self.rows())
        self.assertEqual("VISIBLE", self.state(self.label))

    def test_upsert_and_delete(self):
        self.load(self.label + "1", [row(1), row(2), row(3)])
        self.load(self.label + "2", [row(1, "new", __op=0), row(2, __op=1)])
        self.assertEqual([row(1, "new"), row(3)], self.rows())
        self.assertEqual([0, 1], [load["deletes"] for load in self.sim.loads()[-2:]])

    def test_delete_by_columns_header(self):
        self.load(self.label + "1", [row(1), row(2)])
        self.load(self.label + "2", [row(1)], columns="id, note, n, __op='delete'")
        self.assertEqual([row(2)], self.rows())

    def test_duplicate_label(self):
        rows = [row(1)]
        self.assertEqual("Success", self.load(self.label, rows)["Status"])
        answer = self.load(self.label, rows)
        self.assertEqual(("Fail", -1), (answer["Status"], answer["TxnId"]))
        self.assertRegex(answer["Message"], r"Label \[.*\] has already been used")
        for spelling, status in (("status", "Label Already Exists"), ("enum", "LABEL_ALREADY_EXISTS")):
            self.sim.configure(duplicate_label=spelling)
            answer = self.load(self.label, rows)
            self.assertEqual((status, "FINISHED"), (answer["Status"], answer["ExistingJobStatus"]))
            self.assertEqual("Status", list(answer)[list(answer).index("ExistingJobStatus") - 1])
        self.assertEqual(rows, self.rows())

    def test_label_is_free_after_abort(self):
        self.sim.fault("be_fail", when="end")
        self.assertEqual("Fail", self.load(self.label, [row(1)])["Status"])
        self.assertEqual("ABORTED", self.state(self.label))
        self.assertEqual("Success", self.load(self.label, [row(1)])["Status"])

    def test_backend_checks(self):
        cases = [({"label": "a b"}, "Label format error"), ({"timeout": "0"}, "Invalid timeout"),
                 ({"timeout": "x"}, "Invalid timeout format"), ({"strict_mode": "yes"}, "Invalid strict mode format"),
                 ({"columns": "id,id,note,n"}, "Duplicate column: id"),
                 ({"columns": "id, note, n, z=id"}, "Mapping column is not in table. column: z")]
        for headers, message in cases:
            answer = self.put(headers.pop("label", self.label), [row(1)], **headers).json
            self.assertEqual("Fail", answer["Status"])
            self.assertIn(message, answer["Message"])
        self.expect("label_format", "no_strict_mode")
        answer = self.put(self.label, [row(1)], user=None).json
        self.assertEqual(("Fail", "no valid Basic authorization"), (answer["Status"], answer["Message"]))
        self.assertIn("Access denied", self.put(self.label, [row(1)], password="no").json["Message"])
        self.assertIn('unknown table "shop.none"', self.put(self.label, [row(1)], table="none").json["Message"])

    def test_sizes(self):
        self.sim.configure(limits={"streaming_load_max_batch_size_mb": 0})
        answer = self.put(self.label, [row(1)]).json
        self.assertIn("The size of this batch exceed the max size [0]  of json type data  data [", answer["Message"])
        self.assertEqual("Success", self.put(self.label, [row(1)], ignore_json_size="true").json["Status"])
        self.sim.configure(limits={"streaming_load_max_batch_size_mb": 100, "streaming_load_max_mb": 0})
        self.assertIn("body size", self.put(self.label + "2", [row(1)]).json["Message"])
        self.sim.configure(limits={"streaming_load_max_mb": 10240})

    def test_without_expect_and_chunked_to_backend(self):
        body = json.dumps([row(1)]).encode()
        http = Http(self.sim.ports["be"][0])
        http.head("PUT", "/api/shop/orders/_stream_load", {
            "label": self.label, "format": "json", "strict_mode": "true", "max_filter_ratio": "0",
            "strip_outer_array": "true", "Transfer-Encoding": "chunked"})
        http.send(b"%x\r\n%s\r\n%x\r\n%s\r\n0\r\n\r\n" % (5, body[:5], len(body) - 5, body[5:]))
        self.assertEqual("Success", http.answer().json["Status"])
        self.assertEqual("Success", self.put(self.label + "2", [row(2)], http).json["Status"])  # same connection

    def test_broken_chunks_are_a_violation(self):
        http = Http(self.sim.ports["be"][0])
        http.head("PUT", "/api/shop/orders/_stream_load", {
            "label": self.label, "format": "json", "strict_mode": "true", "max_filter_ratio": "0",
            "strip_outer_array": "true", "Transfer-Encoding": "chunked"})
        http.send(b"nonsense\r\n")
        self.assertTrue(http.ended())
        self.expect("simulator_error")

    def test_disconnect_in_body_aborts(self):
        http = Http(self.sim.ports["be"][0])
        http.head("PUT", "/api/shop/orders/_stream_load", {
            "label": self.label, "format": "json", "strict_mode": "true", "max_filter_ratio": "0",
            "Content-Length": "100", "Expect": "100-continue"})
        self.assertEqual(100, http.answer().code)
        self.assertEqual("PREPARE", self.state(self.label))
        http.send(b"[")
        http.close()
        self.wait_for(lambda: self.state(self.label) == "ABORTED")

    def wait_for(self, condition):
        deadline = time.monotonic() + 60
        while not condition():
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.01)

    def test_cancel(self):
        self.assertEqual("transaction not found, label=" + self.label, self.cancel(self.label)["msg"])
        self.sim.fault("be_late_commit", seconds=1000)
        with self.assertRaises(Gone):
            self.put(self.label, [row(1)])
        self.assertEqual("PREPARE", self.state(self.label))
        self.assertEqual("OK", self.cancel(self.label)["status"])
        self.assertEqual("ABORTED", self.state(self.label))
        self.assertEqual("user cancel", self.call("GET", "/api/shop/get_load_state?label=" + self.label).json["reason"])
        self.assertEqual("running transaction not found, label=" + self.label, self.cancel(self.label)["msg"])
        self.sim.advance_clock(1000)
        self.assertEqual([], self.rows())  # the late commit comes to nothing

    def test_timeout_aborts(self):
        self.sim.fault("be_late_commit", seconds=100)
        with self.assertRaises(Gone):
            self.put(self.label, [row(1)])
        self.sim.advance_clock(61)
        self.assertEqual("ABORTED", self.state(self.label))

    def test_eviction_by_time(self):
        self.load(self.label, [row(1)])
        self.sim.advance_clock(259199)
        self.assertEqual("VISIBLE", self.state(self.label))
        self.sim.advance_clock(2)
        self.assertEqual("UNKNOWN", self.state(self.label))
        self.assertEqual("Success", self.load(self.label, [row(1)])["Status"])

    def test_eviction_by_count(self):
        self.sim.configure(limits={"label_keep_max_num": 3})
        for number in range(4):
            self.load("%s-%d" % (self.label, number), [row(number)])
        self.assertEqual(["UNKNOWN", "VISIBLE", "VISIBLE", "VISIBLE"],
                         [self.state("%s-%d" % (self.label, n)) for n in range(4)])
        self.sim.evict("shop", self.label + "-2")
        self.assertEqual("UNKNOWN", self.state(self.label + "-2"))
        self.sim.configure(limits={"label_keep_max_num": 1000})

    def test_running_transactions_limit(self):
        self.sim.configure(limits={"max_running_txn_num_per_db": 0})
        self.assertRegex(self.load(self.label, [row(1)])["Message"],
                         r"current running txns on db \d+ is 0, larger than limit 0")
        self.sim.configure(limits={"max_running_txn_num_per_db": 1000})

    def test_too_many_versions(self):
        self.sim.configure(limits={"tablet_max_versions": 2, "compaction_per_second": 0.001})
        answers = [self.load("%s-%d" % (self.label, n), [row(n)]) for n in range(3)]
        self.assertEqual(["Success", "Success", "Fail"], [a["Status"] for a in answers])
        self.assertIn("because of too many versions, current/limit: 2/2", answers[2]["Message"])
        self.sim.advance_clock(1000)
        self.assertEqual("Success", self.load(self.label + "-2", [row(2)])["Status"])
        self.sim.configure(limits={"tablet_max_versions": 1000, "compaction_per_second": 100})

    def test_compression(self):
        plain = json.dumps([row(n) for n in range(100)]).encode()
        packed = {"gzip": gzip.compress(plain), "ZSTD": self.piped(["zstd", "-c"], plain),
                  "lz4_frame": self.piped(["lz4", "-c"], plain)}
        for name, body in packed.items():
            if body is None:
                print("not tested, no program for it: " + name, file=sys.stderr)
                continue
            self.assertEqual(100, self.put(self.label + name, body, compression=name).json["NumberLoadedRows"], name)
            answer = self.put(self.label + name + "cut", body[:-9], compression=name).json
            self.assertIn("decompress error", answer["Message"])
        answer = self.put(self.label, packed["gzip"], **{"compression": "gzip", "Content-Encoding": "gzip"}).json
        self.assertIn("Only one of http header content-encoding and compression", answer["Message"])
        self.sim.configure(profile="v2.5")
        self.assertEqual("Fail", self.put(self.label + "2", packed["gzip"], compression="gzip").json["Status"])

    @staticmethod
    def piped(command, data):
        """The program's output, or None if it is not installed."""
        if shutil.which(command[0]) is None:
            return None
        return subprocess.run(command, input=data, stdout=subprocess.PIPE, check=True).stdout

    def test_profiles(self):
        self.sim.configure(profile="v2.5")
        self.assertIn("StreamLoadPutTimeMs", self.load(self.label, [row(1)]))
        self.assertEqual("Label Already Exists", self.load(self.label, [row(1)])["Status"])
        self.assertNotIn("reason", self.call("GET", "/api/shop/get_load_state?label=" + self.label).json)


class KeepStateTest(unittest.TestCase):
    def test_state_file(self):
        with tempfile.TemporaryDirectory() as directory:
            with StarRocks(state=directory + "/state") as sim:
                test = LoadTest()
                test.sim = sim
                sim.create_table("shop", "orders", SimTest.target_columns, ["id"])
                test.load("kept", [row(1)])
                ports = sim.ports
                sim.restart()
                self.assertEqual({**ports, "pid": 0}, {**sim.ports, "pid": 0})
                self.assertEqual([row(1)], sim.dump("shop", "orders"))
                self.assertEqual("VISIBLE", test.state("kept"))


if __name__ == "__main__":
    unittest.main()
