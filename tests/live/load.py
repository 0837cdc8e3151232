# SPDX-License-Identifier: Apache-2.0
"""What the tests of cdc-load share: change records written by hand, and a run of the tool against the simulator."""

import json
import os
import pathlib
import subprocess
import tempfile

from starrocks import StarRocksTest

BIN = pathlib.Path(os.environ["CDC_BIN_DIR"])
UUID = "3e11fa47-71ca-11e1-9e33-c80aa9429562"
COLUMNS = [("id", "bigint"), ("note", "varchar(20)"), ("n", "int")]


class Stream:
    """Writes a native record stream; transactions are numbered from `first`."""

    def __init__(self, first=1, executed=None, filter=None, gtids=True):
        self.lines, self.gno, self.pos, self.gtids = [], first - 1, 100 * first, gtids
        executed = executed if executed is not None else (UUID + ":1-%d" % (first - 1) if first > 1 else "")
        self.told = self.gno
        self.add(kind="start", version=1, server_uuid=UUID, server_version="9.7.4",
                 gtid_set=executed if gtids else None, file="binlog.000001", pos=self.pos, filter=filter or {},
                 time_zone="+00:00")

    def add(self, **record):
        self.lines.append(json.dumps(record, separators=(",", ":"), ensure_ascii=False))
        return self

    def place(self):
        return {"file": "binlog.000001", "pos": self.pos}

    def table(self, table="orders", columns=None, pk=("id",), db="shop"):
        columns = [{"name": c[0], "type": c[1], "nullable": c[0] not in pk} for c in columns or COLUMNS]
        return self.add(kind="table", db=db, table=table, columns=columns, pk=list(pk))

    def gtid(self):
        return UUID + ":%d" % self.gno if self.gtids else None

    def begin(self):
        self.gno += 1
        self.pos += 10
        self.seq = -1
        return self.add(kind="begin", gtid=self.gtid(), ts_ms=1000 * self.gno, **self.place())

    def row(self, kind, data, table="orders", db="shop", **more):
        if kind != "+U":
            self.seq += 1
            self.pos += 10
        return self.add(kind=kind, db=db, table=table, gtid=self.gtid(), ts_ms=1000 * self.gno, **self.place(),
                        seq=self.seq, **more, data=data)

    def insert(self, data, **more):
        return self.row("+I", data, **more)

    def delete(self, data, **more):
        return self.row("-D", data, **more)

    def update(self, before, after, **more):
        return self.row("-U", before, **more).row("+U", after, **more)

    def completed(self):
        if not self.gtids:
            return None
        first, self.told = self.told + 1, self.gno
        return "" if first > self.gno else UUID + (":%d" % first if first == self.gno else ":%d-%d" % (first, self.gno))

    def commit(self):
        self.pos += 10
        return self.add(kind="commit", gtid=self.gtid(), gtids=self.completed(), ts_ms=1000 * self.gno, **self.place(),
                        changes=self.seq + 1)

    def transaction(self, *changes, **more):
        """changes: ("+I", row), ("-D", row), ("U", before, after)"""
        self.begin()
        for change in changes:
            if change[0] == "U":
                self.update(change[1], change[2], **more)
            else:
                self.row(change[0], change[1], **more)
        return self.commit()

    def heartbeat(self):
        self.pos += 10
        return self.add(kind="heartbeat", gtids=self.completed(), **self.place(), ts_ms=1000 * self.gno)

    def ddl(self, ddl_class, sql, tables=(("shop", "orders"),)):
        self.gno += 1
        self.pos += 10
        return self.add(kind="ddl", **{"class": ddl_class}, tables=tables and [list(t) for t in tables], db="shop",
                        gtid=self.gtid(), gtids=self.completed(), ts_ms=1000 * self.gno, **self.place(), sql=sql)

    def end(self, status=0, **more):
        return self.add(kind="end", status=status, reason="stop position reached", **more, gtids=self.completed(),
                        **self.place())

    @property
    def text(self):
        return "\n".join(self.lines) + "\n"


def order(number, note="x", n=1):
    return {"id": number, "note": note, "n": n}


class LoadTest(StarRocksTest):
    """Each test begins with an empty directory, too. After each test StarRocks must have seen no violation."""

    target_columns = [("id", "BIGINT"), ("note", "VARCHAR(20)"), ("n", "INT")]

    def setUp(self):
        super().setUp()
        self.requests_before = len(self.sim.requests())
        self.loads_before = len(self.sim.loads())
        directory = tempfile.TemporaryDirectory(prefix="cdc-load-")
        self.addCleanup(directory.cleanup)
        self.directory = pathlib.Path(directory.name)
        self.checkpoint = self.directory / "ckpt"

    def tearDown(self):
        self.sim.clear_faults()
        self.sim.assert_clean()

    def query(self):
        """What --query-url says, None for nothing."""
        return "none"

    def command(self, *arguments, checkpoint=True, url=None):
        command = [str(BIN / "cdc-load"), "--no-defaults", "--url", url or self.sim.url, "-u", "root"]
        if self.query():
            command.append("--query-url=" + self.query())
        if checkpoint:
            command += ["--checkpoint", str(self.checkpoint)]
        return command + [str(a) for a in arguments]

    def load(self, stream, *arguments, status=0, **more):
        """Runs cdc-load on a Stream or text; returns stderr."""
        text = stream if isinstance(stream, (str, bytes)) else stream.text
        done = subprocess.run(self.command(*arguments, **more), input=text if isinstance(text, bytes) else text.encode(),
                              capture_output=True, timeout=90, check=False)
        self.stdout = done.stdout.decode()
        self.assertEqual(done.returncode, status, done.stderr.decode())
        return done.stderr.decode()

    def rows(self, table="orders"):
        return self.sim.dump("shop", table)

    def loads(self):
        return self.sim.loads()[self.loads_before:]

    def requests(self, **wanted):
        return self.sim.requests(since=self.requests_before, **wanted)

    def a_minute_later(self):
        """As if the next run began a minute later than it does: nothing is on its way to StarRocks any more."""
        saved = self.saved()
        for progress in saved["tables"].values():
            if progress["load"]:
                progress["load"]["last_sent_ms"] -= 60000
                progress["load"]["first_sent_ms"] -= 60000
        self.checkpoint.write_text(json.dumps(saved, separators=(",", ":")) + "\n")

    def saved(self):
        return json.loads(self.checkpoint.read_text())
