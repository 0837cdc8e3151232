#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""cdc-load against every answer and every failure that StarRocks has in store: nothing lost, nothing doubled.

Each fault is played on a Primary Key table and on a Duplicate Key table, where a load made twice shows."""

import json
import os
import signal
import subprocess
import time
import unittest

from load import UUID, LoadTest, Stream, order
from starrocks import StarRocks


class FaultTest(LoadTest):
    pk = ("id",)

    def stream(self, first=1, count=3):
        """Inserts of `count` transactions."""
        stream = Stream(first=first).table(pk=self.pk)
        for i in range(first, first + count):
            stream.transaction(("+I", order(i)))
        return stream

    def expect(self, count=3):
        self.assertEqual(self.rows(), [order(i) for i in range(1, count + 1)])
        self.assertEqual(self.saved()["gtid_set"], UUID + ":1-%d" % count)
        self.assertIsNone(self.saved()["tables"]["shop.orders"]["load"])

    def survive(self, *faults, arguments=(), loads=1):
        """One run in which the faults strike ends well, with as many committed loads as ever."""
        for fault in faults:
            self.sim.fault(**fault)
        error = self.load(self.stream().end(), *arguments)
        self.expect()
        self.assertEqual(len(self.loads()), loads)
        return error


class Answers(FaultTest):
    def test_publish_timeout(self):
        self.sim.fault("publish_timeout", seconds=1)
        self.load(self.stream().end())
        self.assertEqual(self.rows(), [])  # committed, but not visible yet
        self.sim.advance_clock(2)
        self.expect()
        self.assertEqual(len(self.loads()), 1)

    def test_label_exists_in_every_spelling(self):
        for spelling in ("status", "enum", "fail", "empty"):
            for then in ("VISIBLE", "ABORTED"):
                with self.subTest(spelling=spelling, then=then):
                    self.setUp()
                    self.survive({"name": "label_exists", "spelling": spelling, "then": then, "seconds": 0.2})

    def test_label_exists_because_the_run_before_made_it(self):
        self.sim.fault("be_commit_drop", count=0)
        self.sim.fault("fe_failed", match={"op": "state"}, count=0)
        self.load(self.stream().end(), "--max-retries=0", status=75)
        self.sim.clear_faults()
        self.load(self.stream().end())
        self.expect()
        self.assertEqual(len(self.loads()), 1)

    def test_transaction_status_unknown(self):
        for then in ("VISIBLE", "ABORTED", "FORGOTTEN"):
            with self.subTest(then):
                self.setUp()
                self.survive({"name": "be_commit_unknown", "then": then, "seconds": 0.2})

    def test_failures_that_pass(self):
        for message in ("current running txns on db 1 is 1000, larger than limit 1000", "transaction 12 does not exist",
                        "Service is shutting down, please retry later!", "get database write lock timeout"):
            for when in ("begin", "plan", "end"):
                with self.subTest(message=message, when=when):
                    self.setUp()
                    self.assertIn(message, self.survive({"name": "be_fail", "message": message, "when": when},
                                                        arguments=["--batch-time=100ms"]))

    def test_too_many_versions(self):
        error = self.survive({"name": "be_fail", "message": "too many versions", "when": "plan"},
                             arguments=["--batch-time=100ms"])
        self.assertRegex(error, r"again in [0-9]{4} ms")

    def test_too_many_versions_widen_the_time_between_loads(self):
        stream = self.stream(count=1)
        self.sim.fault("be_fail", message="too many versions", when="plan")
        with subprocess.Popen(self.command("--batch-time=10ms"), stdin=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
            told = 0
            for count in (1, 2, 3):
                process.stdin.write(("\n".join(stream.lines[told:]) + "\n").encode())
                process.stdin.flush()
                told = len(stream.lines)
                deadline = time.monotonic() + 60
                while len(self.loads()) < count:
                    self.assertLess(time.monotonic(), deadline)
                    time.sleep(0.01)
                stream.transaction(("+I", order(count + 1)))
            process.kill()
        at = [r["at"] for r in self.requests() if r["listener"].startswith("be")]
        self.assertEqual(len(at), 4)
        for earlier, later, least in zip(at, at[1:], (1.9, 1.7, 1.5)):  # 2 s, then an eighth less after each success
            self.assertGreater(later - earlier, least)

    def test_wrong_counters_stop_until_somebody_has_looked(self):
        self.sim.fault("be_counters", add={"NumberTotalRows": 1})
        self.assertIn("counts other rows", self.load(self.stream().end(), status=69))
        self.assertTrue(self.saved()["tables"]["shop.orders"]["load"]["suspect"])
        self.assertIn("--assume=applied", self.load(self.stream().end(), status=69))
        self.load(self.stream().end(), "--assume=applied")
        self.expect()
        self.assertEqual(len(self.loads()), 1)

    def test_replies_of_other_shapes(self):
        self.survive({"name": "be_reply_shape"})

    def test_unknown_table_and_database(self):
        for db, table in (("shop", "nowhere"), ("nowhere", "orders")):
            stream = Stream().table(table, db=db, pk=self.pk)
            stream.transaction(("+I", order(1)), table=table, db=db).end()
            self.assertIn("unknown", self.load(stream, status=69))
            self.checkpoint.unlink()

    def test_wrong_password_and_missing_grant(self):
        self.sim.configure(users={"reader": {"password": "right", "grants": []}})
        for text in ("wrong", "right"):
            (self.directory / "password").write_text(text)
            (self.directory / "password").chmod(0o600)
            error = self.load(self.stream().end(), "-u", "reader", "--password-file", self.directory / "password", status=77)
            self.assertNotIn(text + "\n", error)
        self.sim.configure(users={"reader": {"password": "right", "grants": ["shop.*"]}})
        self.load(self.stream().end(), "-u", "reader", "--password-file", self.directory / "password")
        self.expect()


class Frontends(FaultTest):
    def test_refusals_and_errors(self):
        for fault in ({"name": "fe_failed"}, {"name": "fe_failed", "message": "get database lock timeout"},
                      {"name": "fe_http", "code": 500}, {"name": "fe_http", "code": 503},
                      {"name": "fe_drop"}, {"name": "fe_redirect", "to": "dead"},
                      {"name": "fe_redirect", "to": "unresolvable"}, {"name": "fe_redirect", "to": "loop"}):
            for profile in ("v2.5", "v3.5"):
                with self.subTest(**fault, profile=profile):
                    self.setUp()
                    self.sim.configure(profile=profile)
                    self.survive({**fault, "match": {"op": "load"}})

    def test_a_page_instead_of_an_answer(self):
        """Of somebody between who does not let the request pass: for good, and nothing is left in doubt."""
        for code in (400, 404, 413):
            with self.subTest(code):
                self.setUp()
                self.sim.fault("fe_http", code=code, match={"op": "load"})
                self.assertIn("HTTP %d" % code, self.load(self.stream().end(), status=69))
                self.assertIsNone(self.saved()["tables"]["shop.orders"]["load"])

    def test_slow(self):
        self.survive({"name": "fe_delay", "seconds": 2, "match": {"op": "load"}})

    def test_unauthorized(self):
        self.sim.fault("fe_unauthorized")
        self.load(self.stream().end(), status=77)

    def test_follower_is_asked(self):
        self.sim.fault("be_commit_drop")
        self.load(self.stream().end(), url=self.sim.follower_url)
        self.expect()

    def test_second_of_two(self):
        self.load(self.stream().end(), url="http://127.0.0.1:1," + self.sim.url)
        self.expect()

    def test_dead(self):
        error = self.load(self.stream().end(), "--max-retries=1", url="http://127.0.0.1:1", status=75)
        self.assertIn("given up after 2 attempts", error)
        self.load(self.stream().end(), "--accept-change")
        self.expect()

    def test_states_that_cannot_be_had(self):
        for fault in ({"name": "fe_http", "code": 500}, {"name": "fe_failed"}, {"name": "fe_drop"},
                      {"name": "fe_redirect", "to": "leader"}):
            with self.subTest(**fault):
                self.setUp()
                self.survive({"name": "be_commit_drop"}, {**fault, "match": {"op": "state"}, "count": 2})

    def test_restart_between_load_and_answer(self):
        self.sim.fault("be_late_commit", seconds=3)
        with subprocess.Popen(self.command(), stdin=subprocess.PIPE) as process:
            process.stdin.write(self.stream().end().text.encode())
            process.stdin.close()
            while not any(t["state"] == "PREPARE" for t in self.sim.transactions()):
                time.sleep(0.01)
            self.sim.action("fe_restart")
            self.assertEqual(process.wait(60), 0)
        self.expect()
        self.assertEqual(len(self.loads()), 1)


class Backends(FaultTest):
    def test_connections_lost(self):
        for fault in ({"name": "be_drop_header", "begun": False}, {"name": "be_drop_header", "begun": True},
                      {"name": "be_reset_body"}, {"name": "be_reset_after_body"}, {"name": "be_commit_drop"},
                      {"name": "be_commit_drop", "half": True}, {"name": "be_late_commit", "seconds": 1},
                      {"name": "be_http", "when": "begin"}, {"name": "be_http", "when": "end"},
                      {"name": "be_keepalive_close"}, {"name": "be_100", "late": 2}, {"name": "be_100", "times": 2},
                      {"name": "be_slow", "bytes_per_second": 100}, {"name": "be_slow_answer", "seconds": 2}):
            with self.subTest(**fault):
                self.setUp()
                self.survive(fault)

    def test_restarted_in_the_middle(self):
        self.sim.fault("be_slow", bytes_per_second=50)
        with subprocess.Popen(self.command(), stdin=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
            process.stdin.write(self.stream().end().text.encode())
            process.stdin.close()
            while not any(t["state"] == "PREPARE" for t in self.sim.transactions()):
                time.sleep(0.01)
            self.sim.action("be_restart")
            self.assertEqual(process.wait(80), 0)
        self.expect()
        self.assertEqual(len(self.loads()), 1)

    def test_retries_are_limited(self):
        self.sim.fault("be_reset_body", count=0)
        self.assertIn("given up after 3 attempts", self.load(self.stream().end(), "--max-retries=2", status=75))
        self.sim.clear_faults()
        self.load(self.stream().end())
        self.expect()

    def test_redirect_to_a_name_that_only_the_map_knows(self):
        self.sim.fault("fe_redirect", to="be-0.be-search.invalid:8040", count=0, match={"op": "load"})
        self.load(self.stream().end(), "--be-map=be-0.be-search.invalid:8040=" + self.sim.backend_address())
        self.expect()

    def test_killed_in_every_phase(self):
        for fault in ({"name": "be_drop_header", "begun": True}, {"name": "be_commit_drop", "wait": 30},
                      {"name": "be_late_commit", "seconds": 2, "wait": 30}, {"name": "be_slow_answer", "seconds": 5}):
            with self.subTest(**fault):
                self.setUp()
                self.sim.fault(**fault)
                with subprocess.Popen(self.command("--max-retries=0"), stdin=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
                    process.stdin.write(self.stream().end().text.encode())
                    process.stdin.close()
                    while not self.requests() and process.poll() is None:
                        time.sleep(0.005)
                    time.sleep(0.1)  # into the phase; any moment is a good one
                    process.kill()
                self.load(self.stream().end())
                self.expect()
                self.assertEqual(len(self.loads()), 1)


class OtherRows(FaultTest):
    """The changes of a load in doubt come back as other rows: another version of cdc-tail, another option."""

    def doubt(self, fault, until):
        """A run killed as soon as `until` holds; the stream of the next one."""
        self.sim.fault(**fault)
        with subprocess.Popen(self.command(), stdin=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
            process.stdin.write(self.stream().end().text.encode())
            process.stdin.close()
            deadline = time.monotonic() + 60
            while not until():
                self.assertLess(time.monotonic(), deadline)
                time.sleep(0.01)
            process.kill()
        self.sim.clear_faults()
        stream = Stream().table(pk=self.pk)
        for i in range(1, 4):
            stream.transaction(("+I", order(i, "other")))
        return stream.end()

    def intended(self):
        return self.checkpoint.exists() and any(table["load"] for table in self.saved()["tables"].values())

    def states(self):
        label = self.saved()["tables"]["shop.orders"]["load"]["label"] if self.intended() else None
        return [t["state"] for t in self.sim.transactions() if t["label"] == label]

    def test_they_are_loaded_when_the_first_ones_are_not_there(self):
        for fault, until, note in (
            ({"name": "fe_delay", "seconds": 60, "match": {"op": "load"}}, self.intended, "other"),
            ({"name": "be_reset_body", "count": 0}, lambda: "ABORTED" in self.states(), "other"),
            ({"name": "be_slow_answer", "seconds": 60}, self.loads, "x"),
            ({"name": "be_late_commit", "seconds": 1, "wait": 60}, lambda: "PREPARE" in self.states(), "x"),
        ):
            with self.subTest(**fault):
                self.setUp()
                stream = self.doubt(fault, until)
                self.a_minute_later()
                self.load(stream)
                self.assertEqual(self.rows(), [order(i, note) for i in range(1, 4)])
                self.assertEqual(len(self.loads()), 1)

    def test_not_while_the_first_ones_may_still_arrive(self):
        stream = self.doubt({"name": "fe_delay", "seconds": 60, "match": {"op": "load"}}, self.intended)
        with subprocess.Popen(self.command("-v"), stdin=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            process.stdin.write(stream.text.encode())
            process.stdin.close()
            self.assertTrue(any(b"waiting until it cannot be made" in line for line in process.stderr))
            with self.assertRaises(subprocess.TimeoutExpired):
                process.wait(1)
            process.kill()
        self.assertEqual(self.loads(), [])


class DuplicateOtherRows(OtherRows):
    model, pk = "DUP", ()


class Ends(FaultTest):
    def test_a_refusal_does_not_wait_for_another_table(self):
        """The threads end before the process does: a library that exit() takes down has nobody in it."""
        self.sim.create_table("shop", "slow", self.target_columns, ["id"])
        stream = Stream().table("slow").table("nowhere").begin()
        stream.insert(order(1), table="slow").insert(order(1), table="nowhere").commit().end()
        self.sim.fault("be_slow_answer", seconds=60, match={"table": "shop.slow"})
        self.sim.fault("fe_delay", seconds=1, match={"op": "load", "table": "shop.nowhere"})
        start = time.monotonic()
        self.assertIn("unknown", self.load(stream, status=69))
        self.assertLess(time.monotonic() - start, 30)


class Forgotten(FaultTest):
    def forget(self):
        """A load that was made and forgotten, before cdc-load learned of it."""
        self.load(self.stream(count=1).end())
        self.sim.fault("be_commit_drop")
        self.sim.fault("fe_failed", match={"op": "state"}, count=0)
        self.load(self.stream().end(), "--max-retries=0", status=75)
        self.sim.clear_faults()
        for load in self.loads():
            self.sim.evict("shop", load["label"])

    def test_a_label_that_was_never_used(self):
        self.sim.fault("fe_failed", match={"op": "load"}, count=0)
        self.load(self.stream().end(), "--max-retries=0", status=75)
        self.sim.clear_faults()
        self.load(self.stream().end())
        self.expect()
        self.assertEqual(len(self.loads()), 1)

    def test_a_label_that_may_have_been_forgotten(self):
        self.forget()
        self.load(self.stream().end())  # by key, once more changes nothing
        self.expect()


class DuplicateAnswers(Answers):
    model, pk = "DUP", ()


class DuplicateFrontends(Frontends):
    model, pk = "DUP", ()


class DuplicateBackends(Backends):
    model, pk = "DUP", ()


class DuplicateForgotten(Forgotten):
    model, pk = "DUP", ()

    def test_a_label_that_may_have_been_forgotten(self):
        self.forget()
        before = self.checkpoint.read_bytes()
        self.assertIn("--assume", self.load(self.stream().end(), status=69))
        self.load(self.stream().end(), "--assume=applied")
        self.expect()
        self.setUp()
        self.forget()
        self.load(self.stream().end(), "--assume=absent")
        self.assertEqual(sorted(row["id"] for row in self.rows()), [1, 2, 2, 3, 3])  # the operator was wrong
        self.assertTrue(before)

    def test_updates_and_deletes_are_refused(self):
        for change in (("U", order(1), order(1, "a")), ("-D", order(1))):
            self.setUp()
            stream = self.stream().begin().insert(order(9))
            if change[0] == "U":
                stream.update(*change[1:])
            else:
                stream.delete(change[1])
            self.assertIn("no primary key", self.load(stream.commit().end(), status=69))
            self.expect()


class Rejected(FaultTest):
    """StarRocks rejects a row of the data."""

    def bad(self):
        stream = Stream().table(pk=self.pk, columns=[("id", "bigint"), ("note", "varchar(90)"), ("n", "int")])
        for i in range(1, 8):
            stream.transaction(("+I", order(i, "much too long for StarRocks" if i == 5 else "x")))
        return stream.end()

    def test_stops(self):
        error = self.load(self.bad(), status=69)
        self.assertIn("rejects a row", error)
        self.assertNotIn("much too long", error)
        self.assertIn("much too long", self.load(self.bad(), "-v", status=69))
        self.assertNotIn(":1-5", self.saved()["gtid_set"])
        self.assertIsNone(self.saved()["tables"]["shop.orders"]["load"])  # the next run need not wait

    def test_dead_letter(self):
        letters = self.directory / "letters"
        self.load(self.bad(), "--dead-letter", letters)
        self.assertEqual([row["id"] for row in self.rows()], [1, 2, 3, 4, 6, 7])
        self.assertEqual(self.saved()["gtid_set"], UUID + ":1-7")
        (letter,) = [json.loads(line) for line in letters.read_text().splitlines()]
        self.assertEqual(letter["record"]["data"]["id"], 5)
        self.assertIn("capacity", letter["reason"])

    def test_too_many_dead_letters(self):
        error = self.load(self.bad(), "--dead-letter", self.directory / "letters", "--dead-letter-max=0", status=69)
        self.assertIn("--dead-letter-max", error)

    def test_error_log_out_of_reach_or_huge(self):
        for fault in ({"name": "error_url", "host": "127.0.0.1:1"}, {"name": "be_reject_row", "repeat": 200000, "count": 0}):
            with self.subTest(fault["name"]):
                self.setUp()
                self.sim.fault(**fault)
                self.assertLess(len(self.load(self.bad(), "-v", status=69)), 40000)
                self.sim.clear_faults()

    def test_killed_while_looking_for_the_row(self):
        letters = self.directory / "letters"
        for seconds in (0.05, 0.15):
            with subprocess.Popen(self.command("--dead-letter", letters), stdin=subprocess.PIPE) as process:
                process.stdin.write(self.bad().text.encode())
                process.stdin.close()
                try:
                    process.wait(seconds)
                except subprocess.TimeoutExpired:
                    process.kill()
        self.a_minute_later()
        self.load(self.bad(), "--dead-letter", letters)
        self.assertEqual([row["id"] for row in self.rows()], [1, 2, 3, 4, 6, 7])


class DuplicateRejected(Rejected):
    model, pk = "DUP", ()


class Security(FaultTest):
    def test_credentials_go_where_the_frontend_points_and_nowhere_else(self):
        self.sim.fault("error_url", host=self.sim.stranger_address)
        self.sim.fault("be_reject_row")
        self.load(self.stream(count=1).end(), status=69)  # the simulator complains if the stranger sees a password


if __name__ == "__main__":
    unittest.main()
