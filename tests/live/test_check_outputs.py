#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What cdc-check prints for other programs is read back: by itself as their configuration, by the rules of Prometheus, and
its explanations of errors are held against the texts in the servers' own programs."""

import json
import pathlib
import re
import tempfile
import unittest

from sandbox import SandboxError, Server
from test_check import ask, run_check

# The smallest configuration around what is to be pasted.
TEMPLATES = {
    "seatunnel": ("job.conf", 'source {{\n  MySQL-CDC {{\n    url = "jdbc:mysql://127.0.0.1:{port}/d"\n    username = "root"\n'
                              '    password = ""\n{text}  }}\n}}\n'),
    "flink": ("pipeline.yaml", "source:\n  type: mysql\n  hostname: 127.0.0.1\n  port: {port}\n  username: root\n"
                               "  password: ''\n  tables: d.\\.*\n{text}sink:\n  type: values\n"),
    "debezium": ("offsets.json", "{text}"),
}


class RoundTrip(unittest.TestCase):
    """A position in another tool's format is the same position when it is read from there."""

    def test_by_set(self):
        with Server.start("sets") as source:
            source.sql("CREATE DATABASE d; CREATE TABLE d.t (id INT PRIMARY KEY AUTO_INCREMENT); INSERT INTO d.t VALUES (); "
                       "SET gtid_next='AUTOMATIC:blue'; INSERT INTO d.t VALUES (); SET gtid_next='AUTOMATIC'; FLUSH BINARY LOGS")
            where = self.end(source)
            source.sql("INSERT INTO d.t VALUES ()")
            wanted = ask(source, *where)["position"]
            self.assertIn("blue", wanted["gtid_set"])
            for tool in TEMPLATES:
                with self.subTest(tool=tool):
                    report = self.read_back(source, tool, where)
                    self.assertTrue(report["prediction"]["start"]["ok"], report["prediction"])
                    self.assertEqual(report["position"]["gtid_set"], wanted["gtid_set"])

    def test_by_file(self):
        with Server.start("files", options=["--gtid-mode=OFF"]) as source:
            source.sql("CREATE DATABASE d; CREATE TABLE d.t (id INT PRIMARY KEY AUTO_INCREMENT); INSERT INTO d.t VALUES ()")
            where = self.end(source)
            source.sql("INSERT INTO d.t VALUES ()")
            for tool in TEMPLATES:
                with self.subTest(tool=tool):
                    position = self.read_back(source, tool, where)["position"]
                    self.assertEqual([f"--file={position['file']}", f"--pos={position['pos']}"], where)

    @staticmethod
    def end(source):
        file, pos = source.value("SHOW BINARY LOG STATUS").split("\t")[:2]
        return [f"--file={file}", f"--pos={pos}"]

    def read_back(self, source, tool, where):
        done = run_check(*where, f"--format={tool}", server=source)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        name, template = TEMPLATES[tool]
        text = done.stdout if tool == "debezium" else re.sub("(?m)^", "    " if tool == "seatunnel" else "  ", done.stdout.rstrip("\n")) + "\n"
        with tempfile.TemporaryDirectory() as directory:
            path = pathlib.Path(directory) / name
            path.write_text(template.format(port=source.port, text=text))
            server = source if tool == "debezium" else None  # offsets name no server
            done = run_check("--no-defaults" if not server else "--server-id=77", f"--connector-config={path}", "--format=json", server=server)
        self.assertIn(done.returncode, (0, 1, 2), done.stderr)
        return json.loads(done.stdout)


NAME = "[a-zA-Z_:][a-zA-Z0-9_:]*"
LABELS = r'\{[a-zA-Z_]\w*="(?:[^"\\\n]|\\[\\"n])*"(?:,[a-zA-Z_]\w*="(?:[^"\\\n]|\\[\\"n])*")*\}'
SAMPLE = re.compile(rf"({NAME})({LABELS})? (-?\d+(?:\.\d+)?)")


def parse_exposition(text):
    """The text exposition format, version 0.0.4, read strictly: {name: {labels: value}}; AssertionError says what is wrong."""
    assert text.endswith("\n"), "the last line does not end"
    families, family = {}, None
    for line in text[:-1].split("\n"):
        if helped := re.fullmatch(rf"# HELP ({NAME}) (.+)", line):
            family = helped[1]
            assert family not in families, f"{family}: a second family"
            families[family] = None
        elif typed := re.fullmatch(rf"# TYPE ({NAME}) (gauge|counter)", line):
            assert typed[1] == family and families[family] is None, f"{line}: not behind its HELP"
            assert (typed[2] == "counter") == family.endswith("_total"), f"{line}: _total is for counters"
            families[family] = {}
        else:
            sample = SAMPLE.fullmatch(line)
            assert sample, f"no sample: {line}"
            assert sample[1] == family and families[family] is not None, f"{line}: outside of its family"
            assert sample[2] not in families[family], f"{line}: twice"
            families[family][sample[2]] = float(sample[3])
    assert all(families.values()), "a family without samples"
    return families


class Prometheus(unittest.TestCase):
    def test_the_file_is_what_the_collector_reads(self):
        with Server.start("metrics") as source, tempfile.TemporaryDirectory() as directory:
            source.sql("CREATE DATABASE d; CREATE TABLE d.t (id INT PRIMARY KEY AUTO_INCREMENT); INSERT INTO d.t VALUES (); FLUSH BINARY LOGS")
            path, checkpoint = pathlib.Path(directory) / "cdc.prom", pathlib.Path(directory) / 'odd "name"\\.ckpt'
            run_check("--file=binlog.000002", "--pos=4", f"--write-checkpoint={checkpoint}", "--for=cdc-tail", server=source)
            source.sql("INSERT INTO d.t VALUES ()")
            run_check(f"--checkpoint={checkpoint}", f"--prometheus={path}", server=source)
            families = parse_exposition(path.read_text())
            manual = (pathlib.Path(__file__).parents[2] / "man" / "cdc-check.1").read_text()
            for family, samples in families.items():
                known = family in manual or re.search(rf"{re.escape(family.rsplit('_', 1)[0])}|_{re.escape(family.rsplit('_', 1)[1])}\b", manual)
                self.assertTrue(known, f"{family} is not in the manual")
                for labels in samples:
                    self.assertIn(r'odd \"name\"\\.ckpt', labels)
            (lag,) = families["cdc_position_lag_transactions"].values()
            self.assertEqual(lag, 1)
            (size,) = families["cdc_source_binlog_bytes"].values()
            self.assertEqual(size, sum(int(row.split("\t")[1]) for row in source.sql("SHOW BINARY LOGS")))

    def test_the_rules_are_strict(self):
        good = '# HELP a_b x\n# TYPE a_b gauge\na_b{c="d"} 1\n'
        self.assertEqual(parse_exposition(good), {"a_b": {'{c="d"}': 1.0}})
        for bad in (good[:-1], good + good, good.replace("gauge", "counter"), good.replace('"d"', '"d'), good.replace(" 1", " one"),
                    good + "other 2\n", good.replace("# HELP a_b x\n", ""), good + "\n", good + 'a_b{c="d"} 2\n'):
            with self.assertRaises(AssertionError, msg=bad):
                parse_exposition(bad)


# Words of error 1236 as they stand in the servers' programs, up to the first value that is filled in.
TEXTS = {
    "purged": ["Cannot replicate because the source purged required binary logs. Replicate the missing transactions from elsewhere",
               "Cannot replicate to server with server_uuid='3E11FA47-71CA-11E1-9E33-C80AA9429562' because the present server has purged required binary logs",
               "The slave is connecting using CHANGE MASTER TO MASTER_AUTO_POSITION = 1, but the master has purged binary logs containing GTIDs that the slave requires",
               "Could not find GTID state requested by slave in any binlog files. Probably the slave state is too old"],
    "replica_has_more": ["Replica has more GTIDs than the source has, using the source's SERVER_UUID.",
                         "Slave has more GTIDs than the master has, using the master's SERVER_UUID.",
                         "Error: connecting slave requested to start from GTID 0-1-100, which is not in the master's binlog"],
    "no_such_file": ["Could not find first log file name in binary log index file"],
    "broken_index": ["Could not find first log file name in binary log index file while looking for the oldest binary log that contains any GTID",
                     "Failed to read the binary log index file while looking for the oldest binary log that contains any GTID",
                     "Error reading header of binary log while looking for the oldest binary log that contains any GTID",
                     "Binary log is not open and failed to open index file to retrieve next file.",
                     "Could not read GTID list event while looking for GTID position in binlog",
                     "could not find next log", "Could not open log file"],
    "pos_too_small": ["Client requested source to start replication from position < 4", "Client requested master to start replication from position < 4"],
    "pos_too_large": ["Client requested source to start replication from position > file size",
                      "Client requested master to start replication from impossible position"],
    "anonymous": ["Cannot replicate anonymous transaction when AUTO_POSITION = 1, at file",
                  "Cannot replicate anonymous transaction when @@GLOBAL.GTID_MODE = ON, at file"],
    "gtid_event": ["Cannot replicate GTID-transaction when @@GLOBAL.GTID_MODE = OFF, at file"],
    "gtid_mode": ["The replication sender thread cannot start in AUTO_POSITION mode", "Request to dump GTID when @@GLOBAL_.GTID_MODE <> ON",
                  "Found old binary log without GTIDs while looking for the oldest binary log that contains any GTID"],
    "inside_event": ["bogus data in log event", "log event entry exceeded max_allowed_packet; Increase max_allowed_packet on",
                     "binlog truncated in the middle of event; consider out of disk space on", "memory allocation failed reading log event"],
    "damaged": ["event read from binlog did not pass crc check", "Replication event checksum verification failed",
                "I/O error reading the header from the binary log"],
    "checksum": ["Slave can not handle replication events with the checksum that master is configured to log",
                 "Replica can not handle replication events with the checksum that source is configured to log"],
    "duplicate_id": ["A slave with the same server_uuid/server_id as this slave has connected to the master",
                     "A replica with the same server_uuid/server_id as this replica has connected to the source",
                     "A slave with the same server_uuid/server_id is already connected"],
    "log_bin_off": ["Binary log is not open"],
    "server_id_zero": ["Misconfigured source - source server_id is 0", "Misconfigured master - server_id was not set"],
    "encrypted": ["Cannot get file password for encrypted replication log file"],
}
# In no server that can be had here: later releases of 5.6, and 5.7, say so.
ELSEWHERE = {"Request to dump GTID when @@GLOBAL_.GTID_MODE <> ON"}


class Explanations(unittest.TestCase):
    def test_each_text(self):
        for kind, texts in TEXTS.items():
            for text in texts:
                done = run_check("--format=json", f"--explain=Error 1236 (HY000): {text} rest of it")
                self.assertEqual(done.returncode, 0, text)
                self.assertEqual(json.loads(done.stdout)["error"], kind, text)

    def test_the_texts_are_those_of_the_servers(self):
        words = b""
        for flavor in ("mysql", "mysql56", "mariadb"):
            try:
                with Server.start(f"words-{flavor}", flavor=flavor) as server:
                    words += self.program_of(server)
            except SandboxError as error:
                self.skipTest(f"{flavor} cannot be had here: {error}")
        missing = []
        for text in (text for texts in TEXTS.values() for text in texts if text not in ELSEWHERE):
            literal = re.split(r"'3E11|0-1-100", text)[0].encode()
            if literal not in words:
                missing.append(text)
        self.assertEqual(missing, [])

    @staticmethod
    def program_of(server):
        """The bytes of a server's program and of its English messages."""
        maps = pathlib.Path(f"/proc/{server.pid}/maps").read_text()
        (program,) = {line.split()[-1] for line in maps.splitlines() if re.search(r"/(mysqld|mariadbd)$", line)}
        directory = server.value("SELECT @@lc_messages_dir")
        messages = [path for path in pathlib.Path(directory).rglob("errmsg.sys") if path.parent.name == "english"]
        return b"".join(pathlib.Path(path).read_bytes() for path in [program, *messages])


if __name__ == "__main__":
    unittest.main(verbosity=2)
