#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""cdc-check must agree with the server: random histories, random positions, and the dump is really opened each time.

For each position: does the server accept it, with which class of error does it refuse, which transaction comes first. And for
each good file and offset: what a connector that only collects GTIDs gets at its restart, and what our set gets.

    CDC_AGREEMENT_SEED=7 CDC_AGREEMENT_HISTORIES=40 CDC_AGREEMENT_POSITIONS=100 tests/live/test_check_agreement.py

The defaults are a short run. A failure names its seed and position; the counts of what was met are printed at the end.
"""

import collections
import os
import random
import re
import sys
import unittest
import uuid

from binlog_client import GTID_TAGGED, Client, DumpError, parse_gtid_set
from sandbox import SandboxError, Server
from test_check import ask, status_of

SEED = int(os.environ.get("CDC_AGREEMENT_SEED", "1"))
HISTORIES = int(os.environ.get("CDC_AGREEMENT_HISTORIES", "4"))
POSITIONS = int(os.environ.get("CDC_AGREEMENT_POSITIONS", "40"))

# The inner texts of error 1236, whatever the server calls itself.
CLASSES = [
    ("purged", r"purged (required )?binary logs|Could not find GTID state requested"),
    ("replica_has_more", r"has more GTIDs than the|which is not in the master's binlog"),
    ("gtid_mode", r"AUTO_POSITION mode|Request to dump GTID when|Found old binary log without GTIDs"),
    ("no_such_file", r"Could not find first log file name"),
    ("pos_too_small", r"from position < 4"),
    ("pos_too_large", r"from position > file size"),
    ("impossible", r"from impossible position"),  # MariaDB does not tell which
    ("anonymous", r"Cannot replicate anonymous transaction"),
    ("gtid_event", r"Cannot replicate GTID-transaction"),
    ("inside_event", r"bogus data|max_allowed_packet|binlog truncated|did not pass crc|memory allocation|find format_desc"),
]


def class_of(error):
    return next((name for name, pattern in CLASSES if re.search(pattern, str(error))), f"unknown: {error}")


# --- sets, small enough to be written out


def members(text):
    """{(uuid, tag, number)} of a set's text."""
    return {(source, tag, number) for (source, tag), intervals in parse_gtid_set(text).items()
            for first, last in intervals for number in range(first, last + 1)}


def text_of(gtids):
    sources = {}
    for source, tag, number in sorted(gtids):
        intervals = sources.setdefault((source, tag), [])
        if intervals and intervals[-1][1] == number - 1:
            intervals[-1][1] = number
        else:
            intervals.append([number, number])
    return ",".join(":".join([str(source), *([tag] if tag else []), *(f"{first}-{last}" for first, last in intervals)])
                    for (source, tag), intervals in sources.items())


# --- histories


class History:
    """A server with a random past. `events` are those of its binlog files as SHOW BINLOG EVENTS has them."""

    flavor = "mysql"

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.foreign = [str(uuid.UUID(int=self.random.getrandbits(128))) for _ in range(2)]
        self.foreign_next = {source: 1 for source in self.foreign}
        self.number = 0
        self.open_xas = []
        options = self.server_options()
        self.server = Server.start(f"{self.flavor}-{seed}", flavor=self.flavor, options=options)
        self.automatic = "--gtid-mode=OFF" not in options
        self.restart_options = []  # what a restart must not undo

    def server_options(self):
        chances = {"--gtid-mode=OFF": 0.3, "--binlog-transaction-compression=ON": 0.3, "--binlog-checksum=NONE": 0.2}
        return [option for option, chance in chances.items() if self.random.random() < chance]

    def build(self):
        if self.automatic and self.random.random() < 0.4:
            self.run(f"SET GLOBAL gtid_purged='{self.foreign[0]}:1-{self.random.randint(1, 9)}'")
            self.foreign_next[self.foreign[0]] = 20
        self.run("CREATE DATABASE d; CREATE TABLE d.t (id INT PRIMARY KEY AUTO_INCREMENT, x LONGTEXT); "
                        "CREATE TABLE d.m (id INT) ENGINE=MyISAM; CREATE TABLE d.prepared (x INT)")
        for _ in range(self.random.randint(15, 45)):
            functions, weights = zip(*self.steps())
            self.random.choices(functions, weights)[0]()
        if self.random.random() < 0.3:
            self.change_gtid_mode()
        self.read_events()

    def run(self, statements):
        """Statements in a session of their own."""
        with Client(self.server.socket) as client:
            for statement in filter(None, (part.strip() for part in statements.split(";"))):
                client.execute(statement)

    def steps(self):
        steps = [(self.insert, 6), (self.transaction, 3), (self.definition, 2), (self.flush, 4), (self.xa, 1), (self.xa_prepare, 2), (self.xa_end, 1.5), (self.myisam, 1),
                 (self.copy_table, 1), (self.purge, 1), (self.restart, 0.6), (self.large, 0.5), (self.old_time, 0.5)]
        if self.automatic:
            steps += [(self.tagged, 1.5), (self.from_elsewhere, 2), (self.leave_hole, 1), (self.add_purged, 0.3)]
        else:
            steps += [(self.switch_gtids_on, 1.5)]
        return steps

    def insert(self):
        self.run("".join("INSERT INTO d.t (x) VALUES ('a');" for _ in range(self.random.randint(1, 4))))

    def transaction(self):
        end = self.random.choice(["COMMIT", "COMMIT", "SAVEPOINT s; DELETE FROM d.t LIMIT 1; ROLLBACK TO s; COMMIT", "ROLLBACK"])
        self.run(f"BEGIN; INSERT INTO d.t (x) VALUES ('b'), ('c'); UPDATE d.t SET x='u' LIMIT 3; {end}")

    def definition(self):
        self.number += 1
        self.run(f"CREATE TABLE d.n{self.number} (id INT PRIMARY KEY); DROP TABLE d.n{self.number}")

    def flush(self):
        self.run("FLUSH BINARY LOGS")

    def xa(self):
        self.number += 1
        end = self.random.choice(["COMMIT", "ROLLBACK"])
        self.run(f"XA START 'x{self.number}'; INSERT INTO d.t (x) VALUES ('xa'); XA END 'x{self.number}'; "
                        f"XA PREPARE 'x{self.number}'; XA {end} 'x{self.number}'")

    def xa_prepare(self):
        """One that stays open; of names that come again."""
        xid = f"open{self.random.randint(1, 6)}"
        if xid in self.open_xas:
            return
        self.open_xas.append(xid)
        self.run(f"XA START '{xid}'; INSERT INTO d.prepared VALUES (1); XA END '{xid}'; XA PREPARE '{xid}'")

    def xa_end(self):
        if self.open_xas:
            self.run(f"XA {self.random.choice(['COMMIT', 'ROLLBACK'])} '{self.open_xas.pop(self.random.randrange(len(self.open_xas)))}'")

    def myisam(self):
        self.run("INSERT INTO d.m VALUES (1)")

    def copy_table(self):
        self.number += 1
        self.run(f"CREATE TABLE d.c{self.number} AS SELECT * FROM d.t LIMIT 2")

    def purge(self):
        files = [row.split("\t")[0] for row in self.server.sql("SHOW BINARY LOGS")]
        self.run(f"PURGE BINARY LOGS TO '{self.random.choice(files)}'")

    def restart(self):
        self.server.restart(kill=self.random.random() < 0.5, options=self.restart_options)

    def large(self):
        self.run("INSERT INTO d.t (x) VALUES (REPEAT('z', 60000)), (REPEAT('y', 60000))")

    def old_time(self):
        self.run("SET timestamp=1000000000; INSERT INTO d.t (x) VALUES ('old')")

    def tagged(self):
        self.run(f"SET gtid_next='AUTOMATIC:{self.random.choice(['blue', 'red'])}'; INSERT INTO d.t (x) VALUES ('t')")

    def from_elsewhere(self):
        source = self.random.choice(self.foreign)
        number = self.foreign_next[source] + self.random.choice([0, 0, 0, 2])
        self.foreign_next[source] = number + 1
        body = self.random.choice(["INSERT INTO d.t (x) VALUES ('f')", "BEGIN; COMMIT"])
        self.run(f"SET gtid_next='{source}:{number}'; {body}")

    def leave_hole(self):
        numbers = [number for source, tag, number in self.executed() if str(source) == self.server.uuid and not tag]
        self.run(f"SET gtid_next='{self.server.uuid}:{max(numbers, default=0) + self.random.randint(2, 4)}'; BEGIN; COMMIT")

    def add_purged(self):
        source = str(uuid.UUID(int=self.random.getrandbits(128)))
        self.run(f"SET GLOBAL gtid_purged='+{source}:1-3'")

    def switch_gtids_on(self):
        self.set_gtid_modes("OFF_PERMISSIVE", "ON_PERMISSIVE", "ON")
        self.automatic = True

    def set_gtid_modes(self, *modes):
        while self.open_xas:  # a mode is not changed while transactions of the other kind are open
            self.xa_end()
        for mode in modes:
            self.run(f"SET GLOBAL gtid_mode={mode}; INSERT INTO d.t (x) VALUES ('m')")
        self.restart_options = [f"--gtid-mode={modes[-1]}"]

    def change_gtid_mode(self):
        """Away from what it was, one to three steps."""
        modes = ["OFF_PERMISSIVE", "ON_PERMISSIVE", "ON"]
        if self.automatic:
            modes = ["ON_PERMISSIVE", "OFF_PERMISSIVE", "OFF"]
        self.set_gtid_modes(*modes[:self.random.randint(1, 3)])

    def executed(self):
        return members(self.server.gtid_executed())

    def read_events(self):
        self.files = {row.split("\t")[0]: int(row.split("\t")[1]) for row in self.server.sql("SHOW BINARY LOGS")}
        self.events, self.gtids, self.xas = [], {}, []
        for file in self.files:
            for row in self.server.sql(f"SHOW BINLOG EVENTS IN '{file}'"):
                fields = row.split("\t")
                begin, kind, end, info = int(fields[1]), fields[2], int(fields[4]), fields[5]
                self.events.append((file, begin, kind, end))
                self.note_xa(file, begin, kind, info)
                if kind.lower().startswith(("gtid", "anonymous_gtid")) and kind != "Gtid_list":
                    self.gtids[file, begin] = self.gtid_of(info)
        self.executed_now = self.executed()
        self.purged = self.read_purged()

    def note_xa(self, file, begin, kind, info):
        """`xas`: (place of the transaction, verb, identifier) of all that prepare or end one in two phases."""
        if kind.lower().startswith(("gtid", "anonymous_gtid")) and kind != "Gtid_list":
            self.began = file, begin
        statement = re.fullmatch(r"XA (PREPARE|COMMIT|ROLLBACK) (X'\S+)", info)
        if statement:
            self.xas.append((self.began, *statement.groups()))

    def open_at(self, file, pos):
        """({identifier: place of the XA PREPARE} that are open there, {identifier: state} of all that matter: None open, else
        how it ends). Those whose XA PREPARE is purged have no place."""
        order = {name: number for number, name in enumerate(self.files)}
        here = order[file], pos
        prepared, states, behind = {}, {}, set()
        for (name, begin), verb, xid in self.xas:
            if (order[name], begin) < here:
                if verb == "PREPARE":
                    prepared[xid] = name, begin
                else:
                    prepared.pop(xid, None)
            elif verb == "PREPARE":
                behind.add(xid)
            elif xid in behind:
                behind.remove(xid)
            else:
                states[xid] = verb
        for xid in self.recovered() - behind:
            states.setdefault(xid, None)
        return prepared, states

    def unsent_of(self, text):
        """{identifier: {state}} of the XA transactions that this set counts as prepared and not as ended."""
        unsent, states, current = members(text), {}, {}
        for place, verb, xid in self.xas:
            if verb == "PREPARE":
                current[xid] = self.gtids[place]
            else:
                prepare = current.pop(xid, None)  # None: it is purged
                if self.gtids[place] not in unsent and (prepare is None or prepare in unsent):
                    states.setdefault(xid, set()).add(verb)
        for xid in self.recovered():
            if current.get(xid) is None or current[xid] in unsent:
                states.setdefault(xid, set()).add(None)
        return states

    def recovered(self):
        return {f"X'{xid.encode().hex()}',X'',1" for xid in self.open_xas}

    def gtid_of(self, info):
        name = re.search(r"GTID_NEXT= '(.*)'", info)[1]
        return None if name == "ANONYMOUS" else min(members(name))

    def read_purged(self):
        return members(self.server.value("SELECT REPLACE(@@GLOBAL.gtid_purged, '\\n', '')"))

    def commit_times(self):
        """[(milliseconds, place)] in the order of the log; None where the GTID event has another encoding (tags)."""
        times = []
        with Client(self.server.socket) as client:
            for event in client.dump(next(iter(self.files)), 4):
                if event.starts_transaction:
                    # Behind header, flags, UUID, number and logical clock: microseconds, the highest bit is a flag.
                    stamp = int.from_bytes(event.bytes[61:68], "little") & ~(1 << 55)
                    times.append((None if event.type == GTID_TAGGED else stamp // 1000, (event.file, event.begin)))
        return times

    # --- sets, as texts

    def dump_set(self, text):
        return Dump(self, lambda client: client.dump_gtid(text))

    def sent_for(self, text):
        """All that the server must send to a reader with this set."""
        return self.executed_now - members(text)

    def with_all(self, text, gtids):
        return text_of(members(text) | set(gtids))

    def same(self, text, gtids):
        return members(text) == set(gtids)

    # --- positions

    def random_place(self):
        """(file, pos) of any kind."""
        file, begin, _, end = self.random.choice(self.events)
        kind = self.random.random()
        if kind < 0.5:
            return file, begin
        if kind < 0.6:
            return file, self.files[file]
        if kind < 0.75:
            return file, self.random.randint(begin, end)
        if kind < 0.8:
            return file, self.random.randint(0, 5)
        if kind < 0.9:
            return file, self.files[file] + self.random.randint(1, 5000)
        return self.random.choice(["binlog.000001", "binlog.999999", "other.000001"]), 4

    def random_set(self):
        kind = self.random.random()
        everything = sorted(self.executed_now)
        base = set(self.random.sample(everything, self.random.randint(0, len(everything)))) if kind < 0.2 else set(everything)
        if kind < 0.7:  # all before some transaction
            order = [gtid for gtid in self.gtids.values() if gtid]
            base = (base - set(order[self.random.randint(0, len(order)):])) if order else base
        if self.random.random() < 0.6:
            base |= self.purged
        if self.random.random() < 0.3 and base:
            base -= set(self.random.sample(sorted(base), self.random.randint(1, min(3, len(base)))))
        if self.random.random() < 0.15:
            base |= members(f"{uuid.UUID(int=self.random.getrandbits(128))}:1-3")
        if self.random.random() < 0.15:
            base |= members(f"{self.server.uuid}:{self.random.randint(1, 200)}")
        if self.random.random() < 0.1:
            base |= members(f"{self.server.uuid}:green:1-2")
        return text_of(base)


class OldHistory(History):
    """MySQL 5.6: GTIDs cannot be switched, and there are no tags."""

    flavor = "mysql56"

    def server_options(self):
        checksum = ["--binlog-checksum=NONE"] if self.random.random() < 0.2 else []
        return [*checksum, "--gtid-mode=OFF", "--enforce-gtid-consistency=OFF"] if self.random.random() < 0.25 else checksum

    def steps(self):
        left_out = ("tagged", "add_purged", "copy_table", "myisam", "switch_gtids_on", "xa_prepare", "xa_end")
        return [step for step in super().steps() if step[0].__name__ not in left_out]

    def change_gtid_mode(self):
        pass

    def random_set(self):
        return text_of({gtid for gtid in members(super().random_set()) if not gtid[1]})


class MariadbHistory(History):
    """Domains instead of UUIDs. A set is the text of a position: the last GTID of each domain."""

    flavor = "mariadb"

    def server_options(self):
        return ["--binlog-checksum=NONE"] if self.random.random() < 0.2 else []

    def build(self):
        self.domains = [0, self.random.randint(1, 9), self.random.randint(10, 19)]
        self.automatic = False
        super().build()

    def steps(self):
        common = [step for step in super().steps() if step[0].__name__ not in ("switch_gtids_on",)]
        return [*common, (self.elsewhere, 4)]

    def change_gtid_mode(self):
        pass

    def elsewhere(self):
        self.run(f"SET gtid_domain_id={self.random.choice(self.domains)}, server_id={self.random.choice([7, 8])}; "
                 "INSERT INTO d.t (x) VALUES ('e')")

    def copy_table(self):
        self.number += 1
        self.run(f"CREATE TABLE d.c{self.number} AS SELECT * FROM d.t LIMIT 2")

    @staticmethod
    def gtid_of(info):
        return tuple(map(int, re.search(r"(\d+)-(\d+)-(\d+)", info).groups()))

    def executed(self):
        return set()

    def read_purged(self):
        return set()

    @staticmethod
    def position(text):
        """{domain: (server, sequence)}"""
        gtids = [tuple(map(int, part.split("-"))) for part in text.split(",") if part]
        return {domain: (server, sequence) for domain, server, sequence in gtids}

    def random_set(self):
        order = list(self.gtids.values())
        position = {}
        for domain, server, sequence in order[:self.random.randint(0, len(order))]:
            position[domain] = (server, sequence)
        if self.random.random() < 0.2 and position:
            position.pop(self.random.choice(sorted(position)))
        if self.random.random() < 0.2:
            position[self.random.choice([*self.domains, 99])] = (self.random.choice([7, 8, self.server.server_id]),
                                                                self.random.randint(1, 60))
        return ",".join(f"{domain}-{server}-{sequence}" for domain, (server, sequence) in sorted(position.items()))

    def dump_set(self, text):
        return Dump(self, lambda client: client.dump_mariadb(text))

    def sent_for(self, text):
        position = self.position(text)
        return {gtid for gtid in self.gtids.values() if gtid[2] > position.get(gtid[0], (0, 0))[1]}

    def with_all(self, text, gtids):
        position = self.position(text)
        for domain, server, sequence in gtids:
            position[domain] = (server, sequence)
        return ",".join(f"{domain}-{server}-{sequence}" for domain, (server, sequence) in sorted(position.items()))

    def same(self, text, gtids):
        """Of the domains, as a position does not say where a replay begins."""
        return set(self.position(text)) == {domain for domain, _, _ in gtids}


class Dump:
    """What the server answers: `.error` is a class or None, `.places` the (file, pos) of the transactions sent."""

    def __init__(self, history, start):
        self.history, self.places, self.error = history, [], None
        with Client(history.server.socket) as client:
            try:
                for event in start(client):
                    if event.starts_transaction:
                        self.places.append((event.file, event.begin))
            except DumpError as error:
                self.error, self.text = class_of(error), str(error)
        self.gtids = [history.gtids.get(place) for place in self.places]
        self.refused = bool(self.error and not self.places)


class Agreement(unittest.TestCase):
    counts = collections.Counter()

    @classmethod
    def tearDownClass(cls):
        for what, count in sorted(cls.counts.items()):
            print(f"{count:7} {what}", file=sys.stderr)

    def test_mysql(self):
        self.compare_histories(History, HISTORIES)

    def test_mariadb(self):
        self.compare_histories(MariadbHistory, max(1, HISTORIES // 2))

    def test_mysql56(self):
        self.compare_histories(OldHistory, max(1, HISTORIES // 4))

    def compare_histories(self, kind, count):
        for seed in range(SEED, SEED + count):
            with self.subTest(seed=seed):
                try:
                    history = kind(seed)
                except SandboxError as error:
                    self.skipTest(f"{kind.flavor} cannot be had here: {error}")
                with history.server:
                    history.build()
                    for _ in range(POSITIONS):
                        if history.random.random() < 0.5:
                            self.compare_place(history, *history.random_place())
                        else:
                            self.compare_set(history, history.random_set())
                    if kind is History:  # other servers have no times but those that a session may falsify
                        self.compare_times(history)
                self.count(history, "histories")

    def count(self, history, what):
        self.counts[f"{history.flavor} {what}"] += 1

    def compare_place(self, history, file, pos):
        report = ask(history.server, f"--file={file}", f"--pos={pos}")
        start = report["prediction"]["start"]
        where = f"{file}:{pos}"
        dump = Dump(history, lambda client: client.dump(file, pos))
        self.count(history, f"place: {start['error'] or 'accepted'}")
        if start["error"] == "inside_event":
            return  # the server checks nothing: garbage or an error of any kind
        if start["error"] == "inside_transaction":
            self.assertTrue(start["server_accepts"])
            self.assertNotIn(dump.error, ("no_such_file", "pos_too_small", "pos_too_large", "inside_event"), (where, dump.error and dump.text))
            return
        self.compare_start(start, dump, where)
        self.compare_sent(history, report, dump, where)
        if start["ok"]:
            self.compare_xa(history, report, file, pos, dump)
        if start["ok"] and not dump.error:
            again = [] if history.flavor == "mariadb" else list(history.open_at(file, pos)[0].values())
            self.compare_restart(history, report, dump, where, again)

    def compare_xa(self, history, report, file, pos, dump):
        """XA transactions that are prepared before the place and end behind it."""
        prepared, states = history.open_at(file, pos)
        if history.flavor == "mysql56":
            self.assertEqual(status_of(report, "position.xa"), "ok")
            return
        words = {None: "open", "COMMIT": "committed", "ROLLBACK": "rolled back"}
        found = {xa["xid"]: ((xa["file"], xa["pos"]) if xa["file"] else None, xa["state"]) for xa in report["position"]["xa"]}
        ends = {(xid in prepared, state) for xid, state in states.items() if state != "ROLLBACK"}
        expected = "ok"
        if ends:
            expected = "warning" if ends == {(False, None)} else "critical"
        self.count(history, f"XA at a place: {expected}")
        if dump.error:  # what lies behind the break is not known
            self.assertIn(status_of(report, "position.xa"), (expected, "skipped"), (file, pos, found))
            return
        self.assertEqual(found, {xid: (prepared.get(xid), words[state]) for xid, state in states.items()}, (file, pos))
        self.assertEqual(status_of(report, "position.xa"), expected, (file, pos, found))

    def compare_start(self, start, dump, where):
        self.assertEqual(start["server_accepts"], not dump.refused, (where, start, dump.error))
        if dump.refused:
            foretold = "impossible" if dump.error == "impossible" and start["error"].startswith("pos_") else start["error"]
            self.assertEqual(foretold, dump.error, (where, start))
            self.assertIn(start["server_text"].lower(), dump.text.lower(), where)
            return
        first = start.get("first")
        if first and dump.history.gtids:  # MySQL 5.6 without GTIDs has no event that begins a transaction
            self.assertEqual((first["file"], first["pos"]), dump.places[0], where)

    def compare_sent(self, history, report, dump, where):
        """The set of all that comes."""
        if dump.error or None in dump.gtids or history.flavor == "mariadb" or report["position"]["gtid_set"] is None:
            return
        if report["server"]["gtid_mode"] == "ON":
            self.assertTrue(history.same(report["prediction"]["start"]["sends"], dump.gtids), (where, report["prediction"], dump.gtids))

    def compare_restart(self, history, report, dump, where, again):
        """The job has read all that came; now it connects again, by GTIDs. Our set asks for open XA PREPAREs `again`."""
        if report["server"]["gtid_mode"] != "ON" or not dump.places or None in dump.gtids:
            return
        ours = report["position"]["gtid_set"]
        by_ours = history.dump_set(ours)
        self.assertEqual((by_ours.error, by_ours.places), (None, again + dump.places), (where, "our set", ours))
        self.assertEqual(history.dump_set(history.with_all(ours, dump.gtids)).places, again, where)
        restart = report["prediction"]["restart"]
        naive = history.dump_set(history.with_all("", dump.gtids))
        self.count(history, f"restart: {restart['error'] or ('goes on' if restart['ok'] else 'replays all')}")
        self.assertEqual(naive.error, restart["error"], where)
        if restart["error"] and history.purged:  # what is usually tried then
            naive = history.dump_set(history.with_all(text_of(history.purged), dump.gtids))
        if naive.error:
            return
        self.assertTrue(history.same(restart["replays"], naive.gtids), (where, restart, naive.gtids))
        self.assertEqual(restart["ok"], not naive.places and not restart["error"], where)

    def compare_times(self, history):
        """The first transaction whose commit time is at or behind a time near some transaction's."""
        try:
            times = history.commit_times()
        except DumpError:  # a mix that gtid_mode does not let pass
            return
        told = [(time, place) for time, place in times if time]
        tagged = {place for time, place in times if not time}
        for _ in range(POSITIONS // 10 if told else 0):
            wanted = history.random.choice(told)[0] + history.random.choice([-1, 0, 0, 1])
            report = ask(history.server, f"--timestamp={wanted}")
            first = report["prediction"]["start"].get("first")
            place = (first["file"], first["pos"]) if first else None
            self.count(history, "time")
            if place not in tagged:
                self.assertEqual(place, next((place for time, place in told if time >= wanted), None), wanted)
            if report["server"]["gtid_mode"] == "ON" and place:
                again = list(history.open_at(*place)[0].values())
                self.assertEqual(history.dump_set(report["position"]["gtid_set"]).places[:len(again) + 1], [*again, place], wanted)

    def compare_set(self, history, text):
        report = ask(history.server, f"--gtid-set={text}")
        start = report["prediction"]["start"]
        dump = history.dump_set(text)
        self.count(history, f"set: {start['error'] or 'accepted'}")
        self.compare_start(start, dump, text)
        if dump.refused or dump.error:
            return
        if history.flavor == "mariadb" and start["error"] == "foreign_gtids":
            # The numbers alone would send more, or as much if the domain is none of the server's.
            self.assertLessEqual(set(dump.gtids), history.sent_for(text), text)
            return
        if not start.get("first"):
            self.assertEqual(dump.places, [], text)
        self.assertEqual(set(dump.gtids), history.sent_for(text), text)
        self.compare_sent(history, report, dump, text)
        if history.flavor == "mysql" and start["ok"]:
            wanted = {xid: states for xid, states in history.unsent_of(text).items() if states != {"ROLLBACK"}}
            found = {xa["xid"] for xa in report["position"]["xa"] if xa["state"] != "rolled back"}
            self.count(history, f"XA of a set: {'some' if wanted else 'none'}")
            self.assertEqual(found, set(wanted), (text, report["position"]["xa"], wanted))
        # The equivalent file and offset sends nothing less.
        place = report["position"]
        by_place = Dump(history, lambda client: client.dump(place["file"], place["pos"]))
        self.assertLessEqual(set(dump.gtids), set(by_place.gtids), text)
        self.assertEqual(by_place.places[:1], dump.places[:1] or by_place.places[:1], text)


if __name__ == "__main__":
    unittest.main(verbosity=2)
