#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""cdc-load killed at every place where it writes state or talks to StarRocks, one place a run (cut_points.c); then the same
command line goes on, and everything must be there exactly once.

    test_crash_points.py           some places of each situation
    test_crash_points.py --all     all of them; prints how many there are

Between the two runs StarRocks may restart its FE or a BE, or commit late what the first run sent.
"""

import collections
import os
import random
import subprocess
import sys
import unittest

from load import BIN, UUID, LoadTest, Stream, order

PRELOAD = BIN / "cut_points.so"
ALL = "--all" in sys.argv
STRIDE = 24  # in the short form up to so many places are passed over


class CrashPoints(LoadTest):
    """shop.orders has a primary key, shop.events none."""

    def stream(self):
        stream = Stream().table().table("events", pk=())
        stream.transaction(("+I", order(1)), ("+I", order(2)))
        stream.begin().insert(order(7), table="events").insert(order(7), table="events").insert(order(3)).commit()
        stream.transaction(("U", order(1), order(9)), ("-D", order(2)), ("+I", order(2, "again")))
        stream.begin()
        for number in range(100, 110):  # in parts
            stream.insert(order(number), table="events").insert(order(number))
        stream.update(order(100), order(200)).commit()
        stream.transaction(("U", order(9), order(1)), ("-D", order(105)))
        return stream.end().text.encode()

    def expected(self):
        kept = [1, 3, *(n for n in range(101, 110) if n != 105), 200]
        return [order(2, "again"), *map(order, kept)], [order(7), order(7), *map(order, range(100, 110))]

    def run_cut(self, at, *arguments):
        """The name of the place at which the run was killed; None when it came to its end."""
        log = self.directory / "place"
        more = {"LD_PRELOAD": str(PRELOAD), "CDC_CUT": str(at), "CDC_CUT_LOG": str(log)}
        done = subprocess.run(self.command("--batch-rows=4", "--parallel=2", *arguments), input=self.stream(),
                              capture_output=True, env={**os.environ, **more}, timeout=90, check=False)  # fmt: skip
        self.assertIn(done.returncode, (0, -9), done.stderr.decode())
        return log.read_text() if done.returncode == -9 else None

    def one(self, at, before, between):
        self.setUp()
        self.sim.create_table("shop", "events", self.target_columns, ["id"], "DUP")
        for fault in before:
            self.sim.fault(**fault)
        place = self.run_cut(at)
        for action in between:
            self.sim.action(action)
        self.sim.clear_faults()
        self.load(self.stream(), "--batch-rows=4", "--parallel=2")
        orders, events = self.expected()
        key = lambda row: (row["id"], row["note"])  # noqa: E731
        self.assertEqual(sorted(self.rows(), key=key), sorted(orders, key=key))
        self.assertEqual(sorted(self.rows("events"), key=key), sorted(events, key=key))
        saved = self.saved()
        self.assertEqual(saved["gtid_set"], UUID + ":1-5")
        self.assertEqual([t["load"] for t in saved["tables"].values()], [None, None])
        self.sim.assert_clean()
        self.doCleanups()
        return place

    def every(self, name, before=(), between=()):
        places, at = collections.Counter(), 0
        while True:
            at += 1
            with self.subTest(situation=name, at=at):
                place = self.one(at, before, between)
            if place is None:
                break
            places[place] += 1
            at += 0 if ALL else random.randrange(STRIDE)
        self.assertGreater(sum(places.values()), 5)
        if ALL:
            print(f"{name}: {sum(places.values())} places: {dict(places)}", flush=True)

    def test_killed(self):
        self.every("alone")

    def test_frontend_restarts(self):
        self.every("FE restarts", between=["fe_restart"])

    def test_backend_restarts(self):
        self.every("BE restarts", between=["be_restart"])

    def test_late_commits(self):
        self.every("late commits", before=[{"name": "be_late_commit", "seconds": 0.3, "count": 3}])

    def test_answers_lost(self):
        self.every("answers lost", before=[{"name": "be_commit_drop", "count": 0}])


if __name__ == "__main__":
    unittest.main(argv=[a for a in sys.argv if a != "--all"])
