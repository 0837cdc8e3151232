# SPDX-License-Identifier: Apache-2.0
"""A cdc-tail that is read a line at a time, so that it stands where the test wants it, and what readers make of its lines."""

import json
import subprocess
import threading

from tail import DEADLINE, ROWS, Stream, command, path

WIDE = 20_000  # bytes of a row: a pipe of 1 MiB and the pages read ahead hold some hundred rows


class SlowTail:
    """Use as a context manager. `.records` are those read so far."""

    def __init__(self, *arguments, server, name="slow"):
        self.errors = path(f"{name}.err").open("w+")
        self.process = subprocess.Popen(command(*arguments, server=server), stdout=subprocess.PIPE, stderr=self.errors, text=True)
        self.records = []
        self.watchdog = threading.Timer(4 * DEADLINE, self.process.kill)  # a line that never comes ends the stream

    def __enter__(self):
        self.watchdog.start()
        return self

    def __exit__(self, *_):
        self.watchdog.cancel()
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.errors.close()

    def until(self, wanted):
        """Reads records until one for which `wanted(record)` holds; returns it."""
        for line in self.process.stdout:
            self.records.append(json.loads(line))
            if wanted(self.records[-1]):
                return self.records[-1]
        raise AssertionError(f"the stream ended: {self.stderr()}")

    def until_chunk(self, number=0, table=None):
        """Until the end of that chunk."""
        return self.until(lambda r: r["kind"] == "commit" and "snapshot" in r and r["snapshot"]["chunk"] >= number
                          and table in (None, r["snapshot"]["table"]))  # fmt: skip

    def finish(self, status=0):
        """Reads to the end, which must be `status`; returns the Stream."""
        self.records.extend(json.loads(line) for line in self.process.stdout)
        got = self.process.wait(timeout=DEADLINE)
        assert got == status, f"status {got}, not {status}: {self.stderr()}"
        return Stream(self.records, self.stderr())

    def stderr(self):
        self.errors.seek(0)
        return self.errors.read()


class Tables:
    """What a reader makes of the records that follows DDL, too. Rows by table and key; of a table without key a list.
    A DELETE or UPDATE that meets no row is an error behind the table's copy, and always where there is no key."""

    def __init__(self):
        self.rows, self.keys, self.copies = {}, {}, {}

    def apply(self, records):
        for record in records:
            kind = record["kind"]
            if kind == "table":
                self.keys[record["table"]] = record["pk"]
            elif kind == "ddl":
                self.ddl(record)
            elif kind in ROWS:
                self.row(kind, record["table"], record["data"], record.get("snapshot", False))
        return self

    def ddl(self, record):
        names = [table for _, table in record["tables"] or ()]
        if record["class"] in ("drop", "truncate"):
            for name in names or list(self.rows):
                self.rows.pop(name, None)
        elif record["class"] == "rename" and record["tables"]:
            words = record["sql"].replace(",", " ").replace(".", " ").split()
            pairs = [(words[i - 1], words[i + 2] if words[i + 1] == record["db"] else words[i + 1])
                     for i, word in enumerate(words) if word.upper() == "TO"]  # fmt: skip
            for old, new in pairs:
                if old in self.rows:
                    self.rows[new] = self.rows.pop(old)

    def row(self, kind, name, data, copied):
        key = self.keys[name]
        if not key:
            rows = self.rows.setdefault(name, [])
            if kind in ("+I", "+U"):
                rows.append(data)
            else:
                rows.remove(data)
            return
        rows = self.rows.setdefault(name, {})
        identity = tuple(data[column] for column in key)
        if copied:
            self.copies.setdefault(name, []).append(identity)
        if kind in ("+I", "+U"):
            rows[identity] = data
        else:
            rows.pop(identity, None)

    def of(self, name, *columns):
        """The table's rows as sorted tuples of these columns."""
        rows = self.rows.get(name, {})
        return sorted(tuple(row.get(c) for c in columns) for row in (rows if isinstance(rows, list) else rows.values()))
