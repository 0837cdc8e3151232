#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""cdc-check against real servers: whatever it says is held against a dump that is really opened."""

import json
import os
import pathlib
import subprocess
import tempfile
import time
import unittest

from binlog_client import Client, DumpError, first_transaction
from sandbox import Server
from tail import Running
from tail import run as tail

CHECK = pathlib.Path(os.environ.get("CDC_BIN_DIR", "build/dev/bin")) / "cdc-check"
TIMEOUT = 60


def run_check(*arguments, server=None, user="root", environment=None):
    """Runs cdc-check; with `server`, over its socket. Returns the finished process."""
    connection = ["--no-defaults", f"--socket={server.socket}", f"--user={user}"] if server else []
    return subprocess.run([str(CHECK), *connection, *arguments], capture_output=True, text=True, timeout=TIMEOUT, check=False,
                          env={**os.environ, **(environment or {})})


def ask(server, *arguments):
    """The JSON report."""
    done = run_check("--format=json", *arguments, server=server)
    assert done.returncode in (0, 1, 2), done.stderr
    return json.loads(done.stdout)


def status_of(report, check):
    (status,) = [result["status"] for result in report["checks"] if result["id"] == check]
    return status


def transactions(server, start):
    """The GTIDs that a dump delivers; `start(client)` opens it."""
    with Client(server.socket) as client:
        return [event.gtid for event in start(client) if event.starts_transaction]


def await_gtids(checkpoint, executed, server, deadline=60):
    """Waits until the checkpoint file has all of `executed`."""
    end = time.monotonic() + deadline
    while True:
        saved = json.loads(checkpoint.read_text())["gtid_set"] if checkpoint.exists() else ""
        if server.value(f"SELECT GTID_SUBSET('{executed}', '{saved}')") == "1":
            return
        assert time.monotonic() < end, f"{saved} never became {executed}"
        time.sleep(0.05)


class Incident(unittest.TestCase):
    """A job starts at a file and offset, collects the GTIDs it sees, and comes back with those alone."""

    @classmethod
    def setUpClass(cls):
        cls.source = Server.start("source")
        cls.addClassCleanup(cls.source.destroy, kill=True)
        cls.source.sql("CREATE DATABASE shop; CREATE TABLE shop.orders (id INT PRIMARY KEY, note VARCHAR(20))")
        cls.number = 0
        for _ in range(4):
            cls.insert(5)
            cls.source.sql("FLUSH BINARY LOGS")
        cls.insert(3)
        row = cls.source.value("SHOW BINARY LOG STATUS").split("\t")
        cls.file, cls.pos = row[0], int(row[1])
        cls.before = cls.source.gtid_executed()
        cls.insert(4)
        # The early files go; transactions before the position that are still there remain.
        cls.source.sql("PURGE BINARY LOGS TO 'binlog.000003'")
        cls.purged = cls.source.value("SELECT @@GLOBAL.gtid_purged")
        cls.seen = cls.source.value(f"SELECT GTID_SUBTRACT(@@GLOBAL.gtid_executed, '{cls.before}')")
        cls.after = transactions(cls.source, lambda client: client.dump(cls.file, cls.pos))

    @classmethod
    def insert(cls, count):
        for _ in range(count):
            cls.number += 1
            cls.source.sql(f"INSERT INTO shop.orders VALUES ({cls.number}, 'x')")

    def at_position(self, *arguments):
        return ask(self.source, f"--file={self.file}", f"--pos={self.pos}", *arguments)

    def test_a_the_restart_is_foretold(self):
        report = self.at_position()
        self.assertEqual(report["verdict"], "critical")
        self.assertTrue(report["prediction"]["start"]["ok"])
        self.assertEqual(len(self.after), 4)
        restart = report["prediction"]["restart"]
        self.assertFalse(restart["ok"])
        self.assertEqual(restart["error"], "purged")
        self.assertEqual(report["position"]["gtid_set"], self.before)
        done = run_check(f"--file={self.file}", f"--pos={self.pos}", server=self.source)
        self.assertEqual(done.returncode, 2)
        self.assertIn(self.before, done.stdout)

    def test_b_the_collected_set_is_refused(self):
        with self.assertRaises(DumpError) as refused:
            transactions(self.source, lambda client: client.dump_gtid(self.seen))
        self.assertEqual(refused.exception.code, 1236)
        restart = self.at_position()["checks"][-1]
        self.assertEqual(restart["id"], "restart")
        # The server's first words are in the message that foretells them.
        self.assertIn(str(refused.exception).split(".")[0], restart["message"])

    def test_c_gtid_purged_added_replays(self):
        replayed = transactions(self.source, lambda client: client.dump_gtid(f"{self.purged},{self.seen}"))
        self.assertGreater(len(replayed), 0)
        foretold = self.at_position()["prediction"]["restart"]["replays"]
        same = self.source.value(f"SELECT GTID_SUBTRACT('{','.join(replayed)}', '{foretold}') = '' AND "
                                 f"GTID_SUBTRACT('{foretold}', '{','.join(replayed)}') = ''")
        self.assertEqual(same, "1", (foretold, replayed))

    def test_d_the_printed_set_continues(self):
        done = run_check(f"--file={self.file}", f"--pos={self.pos}", "--format=gtid-set", server=self.source)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(transactions(self.source, lambda client: client.dump_gtid(done.stdout.strip())), self.after)

    def test_the_collected_set_is_made_whole(self):
        report = ask(self.source, f"--gtid-set={self.seen}")
        self.assertEqual(report["prediction"]["start"]["error"], "purged")
        whole = report["position"]["repaired_gtid_set"]
        self.assertEqual(self.source.value(f"SELECT GTID_SUBTRACT('{self.before},{self.seen}', '{whole}')"), "")
        delivered = transactions(self.source, lambda client: client.dump_gtid(whole))  # what other tests have done since
        self.assertEqual([gtid for gtid in delivered if gtid in self.after], [])

    def test_who_starts_matters(self):
        for consumer in ("generic", "seatunnel", "flink", "debezium"):
            self.assertEqual(status_of(self.at_position(f"--for={consumer}"), "restart"), "critical", consumer)
        self.assertEqual(status_of(self.at_position("--for=cdc-tail"), "restart"), "ok")

    def test_the_checkpoint_is_a_good_start(self):
        with tempfile.TemporaryDirectory() as directory:
            path = pathlib.Path(directory) / "shop.ckpt"
            where = [f"--file={self.file}", f"--pos={self.pos}"]
            done = run_check(*where, "--for=cdc-tail", f"--write-checkpoint={path}", "--fail-on=critical", server=self.source)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            checkpoint = json.loads(path.read_text())
            self.assertEqual(checkpoint["gtid_set"], self.before)
            self.assertEqual((checkpoint["file"], checkpoint["pos"]), (self.file, self.pos))
            report = ask(self.source, f"--checkpoint={path}")
            self.assertTrue(report["prediction"]["start"]["ok"] and report["prediction"]["restart"]["ok"])
            # It may hold loads in flight: nothing overwrites it.
            again = run_check(*where, f"--write-checkpoint={path}", server=self.source)
            self.assertEqual(again.returncode, 3)
            self.assertEqual(json.loads(path.read_text()), checkpoint)

    def test_no_checkpoint_of_a_bad_position(self):
        """The report says why."""
        with tempfile.TemporaryDirectory() as directory:
            path = pathlib.Path(directory) / "shop.ckpt"
            done = run_check(f"--file={self.file}", f"--pos={self.pos + 1}", f"--write-checkpoint={path}", server=self.source)
            self.assertEqual(done.returncode, 2)
            self.assertRegex(done.stdout, "CRIT +position.event")
            self.assertIn("was not written", done.stderr)
            self.assertFalse(path.exists())

    def test_e_cdc_tail_told_each_transaction_once(self):
        """Started at the file and offset, killed, restarted from its checkpoint; also when nearly all is filtered out."""
        for globs in ([], ["-t", "shop.rare"]):
            with self.subTest(globs=globs), tempfile.TemporaryDirectory() as directory, Server.start("tail") as source:
                source.sql("CREATE DATABASE shop; CREATE TABLE shop.rare (id INT PRIMARY KEY); CREATE TABLE shop.common (id INT PRIMARY KEY)")

                def write(first, last, source=source):
                    source.sql("".join(f"INSERT INTO shop.{'rare' if n % 10 == 0 else 'common'} VALUES ({n});" for n in range(first, last)))

                write(0, 20)
                source.sql("FLUSH BINARY LOGS")
                write(20, 30)
                file, pos = source.value("SHOW BINARY LOG STATUS").split("\t")[:2]
                write(30, 60)
                source.sql("PURGE BINARY LOGS TO 'binlog.000002'")
                checkpoint = pathlib.Path(directory) / "tail.ckpt"
                save = [f"--checkpoint={checkpoint}", "--save-checkpoint", "--heartbeat=100ms", *globs]
                with Running(f"--file={file}", f"--pos={pos}", *save, server=source) as first:
                    first.until_inserted(50 if globs else 59)
                    await_gtids(checkpoint, source.gtid_executed(), source)
                write(60, 90)
                with Running(*save, "--stop-mode=latest", server=source) as second:
                    told = first.inserted() + second.finish(0).inserted()
                self.assertEqual(told, [30, 40, 50, 60, 70, 80] if globs else list(range(30, 90)))

    def test_the_hand_over_to_cdc_tail(self):
        """A checkpoint that cdc-check made is one that cdc-tail starts from, whatever its filter."""
        with tempfile.TemporaryDirectory() as directory:
            path = pathlib.Path(directory) / "shop.ckpt"
            run_check(f"--file={self.file}", f"--pos={self.pos}", f"--write-checkpoint={path}", server=self.source)
            stream = tail("--rows-only", f"--checkpoint={path}", "--stop-mode=latest", "-t", "shop.*", server=self.source)
            self.assertEqual([row["gtid"] for row in stream.rows], self.after)

    # --- bad input

    def test_a_purged_file(self):
        report = ask(self.source, "--file=binlog.000001", "--pos=4")
        self.assertEqual(report["prediction"]["start"]["error"], "no_such_file")
        self.assertEqual(status_of(report, "position.file"), "critical")

    def test_offsets_that_are_none(self):
        events = self.source.sql(f"SHOW BINLOG EVENTS IN '{self.file}'")
        boundaries, open_transaction = [], False
        for event in (row.split("\t") for row in events):
            begin, kind, end = int(event[1]), event[2], int(event[4])
            expected = "inside_transaction" if open_transaction else None
            report = ask(self.source, f"--file={self.file}", f"--pos={begin}")
            self.assertEqual(report["prediction"]["start"]["error"], expected, event)
            inside = ask(self.source, f"--file={self.file}", f"--pos={begin + 7}")
            self.assertEqual(inside["prediction"]["start"]["error"], "inside_event", event)
            self.assertEqual(status_of(inside, "position.event"), "critical")
            if not open_transaction:
                boundaries.append(begin)
            self.assertEqual(report["position"]["pos"], boundaries[-1])
            open_transaction = kind in ("Gtid", "Table_map", "Write_rows", "Query")
            if len(boundaries) == 4:
                break
        for pos, error in ((3, "pos_too_small"), (10**6, "pos_too_large")):
            report = ask(self.source, f"--file={self.file}", f"--pos={pos}")
            self.assertEqual(report["prediction"]["start"]["error"], error)

    def test_more_than_the_server_has(self):
        more = self.source.gtid_executed().split(":")[0] + ":1-1000"
        report = ask(self.source, f"--gtid-set={more}")
        self.assertEqual(report["prediction"]["start"]["error"], "replica_has_more")
        self.assertEqual(status_of(report, "gtid.replica_has_more"), "critical")

    def test_a_foreign_history(self):
        foreign = f"{self.before},11111111-2222-3333-4444-555555555555:1-7"
        self.assertEqual(transactions(self.source, lambda client: client.dump_gtid(foreign)), self.after)  # silently
        report = ask(self.source, f"--gtid-set={foreign}")
        self.assertEqual(report["prediction"]["start"]["error"], "foreign_gtids")
        self.assertEqual(status_of(report, "gtid.foreign"), "critical")

    def test_a_first_run(self):
        done = run_check("--checkpoint=/nonexistent/none.ckpt", "--fail-on=critical", "-q", server=self.source)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertNotIn("CRIT", done.stdout)

    def test_another_server(self):
        self.assertEqual(status_of(ask(self.source, f"--expect-server-uuid={self.source.uuid}"), "server.uuid"), "ok")
        other = ask(self.source, "--expect-server-uuid=11111111-2222-3333-4444-555555555555")
        self.assertEqual(status_of(other, "server.uuid"), "critical")

    def test_missing_grants_are_named(self):
        self.source.sql("CREATE USER poor IDENTIFIED BY ''; GRANT SELECT ON shop.* TO poor")
        done = run_check(f"--file={self.file}", f"--pos={self.pos}", server=self.source, user="poor")
        self.assertEqual(done.returncode, 2)
        self.assertIn("GRANT REPLICATION SLAVE ON *.* TO 'poor'@'%';", done.stdout)
        self.source.sql("GRANT REPLICATION SLAVE ON *.* TO poor")
        done = run_check(f"--file={self.file}", f"--pos={self.pos}", server=self.source, user="poor")
        self.assertIn("GRANT REPLICATION CLIENT ON *.* TO 'poor'@'%';", done.stdout)
        self.assertIn(self.before, done.stdout)  # a dump is enough to know the set

    def test_grants_of_roles(self):
        self.source.sql("CREATE USER actor IDENTIFIED BY ''; CREATE ROLE reader; GRANT REPLICATION SLAVE ON *.* TO reader; "
                        "GRANT reader TO actor")
        done = run_check(server=self.source, user="actor")
        self.assertIn("SET DEFAULT ROLE ALL TO 'actor'@'%';", done.stdout)
        self.source.sql("SET DEFAULT ROLE ALL TO actor")
        done = run_check("--format=json", server=self.source, user="actor")
        self.assertEqual(status_of(json.loads(done.stdout), "access.replication_slave"), "ok")


class Source(unittest.TestCase):
    """What is checked of a source, whatever the position."""

    @classmethod
    def setUpClass(cls):
        cls.source = Server.start("shop", options=["--max-connections=30"])
        cls.addClassCleanup(cls.source.destroy, kill=True)
        cls.source.sql("CREATE DATABASE shop; CREATE TABLE shop.orders (id INT PRIMARY KEY, p DECIMAL(60,2))")
        cls.source.sql("CREATE TABLE shop.nokey (a INT); CREATE TABLE shop.wide (k VARCHAR(200) PRIMARY KEY) ENGINE=MyISAM")
        for number in range(3):
            cls.source.sql(f"FLUSH BINARY LOGS; INSERT INTO shop.orders VALUES ({number}, 1)")

    def test_settings_that_a_job_cannot_live_with(self):
        for variable, bad, good, check, status in (
                ("binlog_format", "STATEMENT", "ROW", "settings.binlog_format", "critical"),
                ("binlog_row_image", "MINIMAL", "FULL", "settings.row_image", "warning"),
                ("binlog_row_value_options", "PARTIAL_JSON", "", "settings.row_value_options", "warning"),
                ("binlog_checksum", "NONE", "CRC32", "settings.checksum", "note"),
                ("binlog_row_metadata", "MINIMAL", "FULL", "settings.row_metadata", "note")):
            self.source.sql(f"SET GLOBAL {variable}='{bad}'")
            report = ask(self.source)
            self.assertEqual(status_of(report, check), status)
            (advice,) = [result["advice"] for result in report["checks"] if result["id"] == check]
            self.source.sql(advice.split(";")[0])  # what is to be done can be pasted, and helps
            self.assertEqual(status_of(ask(self.source), check), "ok", advice)
            self.source.sql(f"RESET PERSIST IF EXISTS {variable}; SET GLOBAL {variable}='{good}'")

    def test_a_connector_needs_full_images(self):
        self.source.sql("SET GLOBAL binlog_row_image=MINIMAL")
        self.assertEqual(status_of(ask(self.source, "--for=flink"), "settings.row_image"), "critical")
        self.source.sql("SET GLOBAL binlog_row_image=FULL")

    def test_require_makes_a_note_critical(self):
        self.assertEqual(status_of(ask(self.source, "--require=full-image"), "settings.row_image"), "ok")
        self.source.sql("SET GLOBAL binlog_checksum=NONE")
        report = ask(self.source, "--require=gtid,checksum")
        self.assertEqual((status_of(report, "settings.checksum"), status_of(report, "settings.gtid_mode")), ("critical", "ok"))
        self.source.sql("SET GLOBAL binlog_checksum=CRC32")

    def test_retention(self):
        where = ["--file=binlog.000001", "--pos=4"]
        self.assertEqual(status_of(ask(self.source, *where), "retention.headroom"), "ok")
        self.source.sql("SET GLOBAL binlog_expire_logs_seconds=7200")
        report = ask(self.source, *where)
        self.assertEqual((status_of(report, "retention.expiry"), status_of(report, "retention.headroom")), ("warning", "critical"))
        relaxed = ask(self.source, *where, "--warn-headroom=100m", "--crit-headroom=1m")
        self.assertEqual((status_of(relaxed, "retention.expiry"), status_of(relaxed, "retention.headroom")), ("ok", "ok"))
        self.source.sql("SET GLOBAL binlog_expire_logs_auto_purge=OFF")
        self.assertEqual(status_of(ask(self.source, *where), "retention.headroom"), "ok")
        self.source.sql("SET GLOBAL binlog_expire_logs_auto_purge=ON, GLOBAL binlog_expire_logs_seconds=2592000")

    def test_tables(self):
        report = ask(self.source, "-t", "shop.*", "--file=binlog.000002", "--pos=4")
        expected = {"table.exists": "ok", "table.primary_key": "warning", "table.key_length": "warning", "table.types": "warning",
                    "table.engine": "warning", "table.select": "ok", "table.ddl": "ok", "table.changes": "ok", "table.cascades": "ok"}
        self.assertEqual({check: status_of(report, check) for check in expected}, expected)
        messages = {result["id"]: result["message"] for result in report["checks"]}
        self.assertIn("shop.nokey", messages["table.primary_key"])
        self.assertIn("shop.orders", messages["table.changes"])
        self.source.sql("SET GLOBAL binlog_row_metadata=MINIMAL; ALTER TABLE shop.orders ADD COLUMN later INT; ALTER TABLE shop.orders DROP COLUMN later")
        report = ask(self.source, "-t", "shop.orders", "--file=binlog.000002", "--pos=4")
        self.assertEqual(status_of(report, "table.ddl"), "warning")
        report = ask(self.source, "-t", "shop.orders", "--file=binlog.000002", "--pos=4", "--scan-limit=100")
        self.assertEqual(status_of(report, "table.ddl"), "skipped")
        self.assertEqual(status_of(ask(self.source, "-t", "shop.none"), "table.exists"), "critical")

    def test_the_position_of_a_time(self):
        self.source.sql("FLUSH BINARY LOGS; INSERT INTO shop.orders VALUES (100, 1)")
        self.source.sql("DO SLEEP(0.02)")  # the server's clock has moved on
        now = int(float(self.source.value("SELECT UNIX_TIMESTAMP(NOW(6))")) * 1000)
        self.source.sql("INSERT INTO shop.orders VALUES (101, 1); FLUSH BINARY LOGS; INSERT INTO shop.orders VALUES (102, 1)")
        report = ask(self.source, f"--timestamp={now}")
        first = transactions(self.source, lambda client: client.dump(report["position"]["file"], report["position"]["pos"]))
        self.assertEqual(len(first), 2)
        self.assertEqual(report["prediction"]["start"]["first"]["gtid"], first[0])
        later = ask(self.source, f"--timestamp={now + 3_600_000}")  # nobody has committed then
        self.assertEqual(later["position"]["gtid_set"], self.source.gtid_executed())

    def test_the_probe(self):
        row = self.source.value("SHOW BINARY LOG STATUS").split("\t")
        good = ask(self.source, f"--file={row[0]}", f"--pos={row[1]}", "--probe")
        self.assertEqual(status_of(good, "probe"), "ok")
        bad = ask(self.source, f"--gtid-set={self.source.uuid}:1-100000", "--probe")
        self.assertEqual(status_of(bad, "probe"), "critical")
        self.assertIn("as foretold", [result["message"] for result in bad["checks"] if result["id"] == "probe"][0])

    def test_the_formats_of_others(self):
        where = ["--file=binlog.000003", "--pos=4"]
        complete = ask(self.source, *where)["position"]["gtid_set"]

        def text(name):
            done = run_check(*where, f"--format={name}", server=self.source)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            return done.stdout

        self.assertEqual(text("gtid-set"), complete + "\n")
        self.assertEqual(text("file-pos"), "binlog.000003 4\n")
        self.assertIn(f'startup.specific-offset.gtid-set = "{complete}"\n', text("seatunnel"))
        self.assertIn(f"scan.startup.specific-offset.gtid-set: '{complete}'\n", text("flink"))
        (offset,) = json.loads(text("debezium"))["offsets"]
        self.assertEqual(offset["offset"], {"file": "binlog.000003", "pos": 4, "gtids": complete})

    def test_the_position_of_a_job_file(self):
        with tempfile.TemporaryDirectory() as directory:
            job = pathlib.Path(directory) / "job.conf"
            job.write_text(f'''source {{ MySQL-CDC {{
              base-url = "jdbc:mysql://127.0.0.1:{self.source.port}/shop", username = "root", password = ""
              table-names = ["shop.orders"], startup.mode = "specific"
              startup.specific-offset.file = "binlog.000003", startup.specific-offset.pos = 5 }} }}''')
            done = run_check("--no-defaults", f"--connector-config={job}", "--format=json")
            report = json.loads(done.stdout)
            self.assertEqual(report["prediction"]["start"]["error"], "inside_event")
            self.assertEqual(status_of(report, "table.exists"), "ok")
            # The options win over the file.
            done = run_check("--no-defaults", f"--connector-config={job}", "--format=json", "--file=binlog.000003", "--pos=4")
            self.assertTrue(json.loads(done.stdout)["prediction"]["start"]["ok"])

    def test_monitoring(self):
        with tempfile.TemporaryDirectory() as directory:
            path = pathlib.Path(directory) / "cdc.prom"
            done = run_check("--file=binlog.000003", "--pos=4", "--format=nagios", f"--prometheus={path}", server=self.source)
            self.assertEqual(done.returncode, 2)
            self.assertRegex(done.stdout, r"^CDC CRITICAL - restart: [^|\n]* \|( \w+=[0-9.]+(s|B)?(;[0-9:]*){2,4})+\n$")
            metrics = path.read_text()
            self.assertIn("cdc_check_verdict{", metrics)
            self.assertRegex(metrics, r"cdc_position_lag_transactions\{[^}]*\} [1-9]")
            self.assertEqual(path.stat().st_mode & 0o777, 0o644)
            self.assertEqual([file.name for file in path.parent.iterdir()], ["cdc.prom"])
        full = run_check("--prometheus=/nonexistent/x.prom", server=self.source)
        self.assertEqual(full.returncode, 3)
        self.assertIn("OK    server.connect", full.stdout, "the report does not depend on the file")
        self.assertIn("/nonexistent/x.prom", full.stderr)

    def test_a_reader_is_seen(self):
        with Client(self.source.socket) as client:
            next(client.dump("binlog.000001", 4, flags=0))
            self.assertIn("cdc_source_dump_threads", self.metrics())
            self.assertRegex(self.metrics(), r"cdc_source_dump_threads\{[^}]*\} [1-9]")

    def metrics(self):
        with tempfile.NamedTemporaryFile(suffix=".prom") as file:
            run_check(f"--prometheus={file.name}", server=self.source)
            return pathlib.Path(file.name).read_text()


class GtidModes(unittest.TestCase):
    """On the way to GTIDs and back."""

    def test_each_mode(self):
        with Server.start("modes") as source:
            source.sql("CREATE DATABASE d; CREATE TABLE d.t (id INT AUTO_INCREMENT PRIMARY KEY)")
            for mode, status in (("ON_PERMISSIVE", "warning"), ("OFF_PERMISSIVE", "warning"), ("OFF", "note")):
                source.sql(f"SET GLOBAL gtid_mode={mode}; INSERT INTO d.t VALUES ()")
                report = ask(source, f"--gtid-set={source.gtid_executed()}")
                self.assertEqual(status_of(report, "settings.gtid_mode"), status)
                self.assertEqual(report["prediction"]["start"]["error"], "gtid_mode")
                with self.assertRaises(DumpError):
                    transactions(source, lambda client: client.dump_gtid(source.gtid_executed()))
            end = source.value("SHOW BINARY LOG STATUS").split("\t")
            off = ask(source, f"--file={end[0]}", f"--pos={end[1]}")
            self.assertTrue(off["prediction"]["start"]["ok"] and off["prediction"]["restart"]["ok"])
            first = ask(source, "--file=binlog.000001", "--pos=4")  # holds GTIDs, which mode OFF does not send
            self.assertEqual(first["prediction"]["start"]["error"], "gtid_event")
            for mode in ("OFF_PERMISSIVE", "ON_PERMISSIVE", "ON"):
                source.sql(f"SET GLOBAL gtid_mode={mode}")
            anonymous = ask(source, f"--file={end[0]}", "--pos=4", "-t", "d.*")
            self.assertEqual(anonymous["prediction"]["start"]["error"], "anonymous")
            self.assertEqual(status_of(anonymous, "table.changes"), "skipped")


class BadUse(unittest.TestCase):
    """Whatever keeps cdc-check from asking is 3, UNKNOWN."""

    def test_wrong_options(self):
        for arguments in (["--nonsense"], ["--pos=4"], ["--format=xml"], ["--for=nobody"], ["--fail-on=never"], ["--gtid-set=x:1"],
                          ["--require=luck"], ["--file=b.1", "--timestamp=1"], ["--expect-server-uuid=7"]):
            done = run_check("--no-defaults", *arguments)
            self.assertEqual(done.returncode, 3, arguments)
            self.assertEqual(done.stdout, "")
            self.assertIn("cdc-check: error: ", done.stderr)

    def test_nobody_answers(self):
        done = run_check("--no-defaults", "-h", "127.0.0.1", "-P", "1", "-u", "x")
        self.assertEqual(done.returncode, 3)
        self.assertIn("127.0.0.1", done.stdout)
        self.assertEqual(done.stderr, "")
        done = run_check("--no-defaults", "-h", "127.0.0.1", "-P", "1", "-u", "x", "--format=json")
        self.assertEqual(done.returncode, 3)
        self.assertEqual(json.loads(done.stdout)["verdict"], "unknown")
        done = run_check("--no-defaults", "-h", "127.0.0.1", "-P", "1", "-u", "x", "--gtid-set=", "--format=gtid-set")
        self.assertEqual((done.returncode, done.stdout), (3, ""))
        self.assertIn("127.0.0.1", done.stderr)

    def test_a_broken_checkpoint(self):
        with tempfile.NamedTemporaryFile("w", suffix=".ckpt") as file:
            file.write('{"version":1,')
            file.flush()
            done = run_check("--no-defaults", f"--checkpoint={file.name}")
            self.assertEqual(done.returncode, 3)
            self.assertIn(file.name, done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
