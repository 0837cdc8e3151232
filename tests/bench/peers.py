# SPDX-License-Identifier: Apache-2.0
"""Readers of other projects on the benchmark's history, each for at most LIMIT seconds: row changes a second. They are
fetched from npm, PyPI and the Go proxy into the benchmark's directory; what cannot be had is told with the reason.
mariadb-binlog comes with the sandbox's MariaDB. Maxwell and Debezium need a Java service around them and are left out."""

import pathlib
import subprocess
import sys
import time

LIMIT = 20

ZONGJI = """
const loaded = require('@vlasky/zongji');
const ZongJi = loaded.default || loaded;
const [host, port, file] = process.argv.slice(2);
const reader = new ZongJi({host, port: +port, user: 'root'});
let rows = 0, begin = 0;
function done(why) {
  console.error(rows, (Date.now() - begin) / 1000, why || '');
  process.exit(0);
}
reader.on('binlog', (event) => {
  if (!event.rows) return;
  if (!begin) { begin = Date.now(); setTimeout(done, LIMIT * 1000); }
  process.stdout.write(JSON.stringify(event.rows) + '\\n');
  rows += event.rows.length;
  if (rows >= LAST) done();
});
reader.on('error', (error) => done(error.message));
reader.start({filename: file, position: 4, includeEvents: ['tablemap', 'writerows', 'updaterows', 'deleterows']});
"""

PYTHON = """
import json, sys, time
from pymysqlreplication import BinLogStreamReader
from pymysqlreplication.row_event import DeleteRowsEvent, UpdateRowsEvent, WriteRowsEvent
host, port, file = sys.argv[1:]
stream = BinLogStreamReader(connection_settings={"host": host, "port": int(port), "user": "root"}, server_id=77001,
    only_events=[DeleteRowsEvent, UpdateRowsEvent, WriteRowsEvent], resume_stream=True, log_file=file, log_pos=4)
rows, begin = 0, time.monotonic()
for event in stream:
    for row in event.rows:
        print(json.dumps(row, default=str))
    rows += len(event.rows)
    if time.monotonic() > begin + LIMIT or rows >= LAST:
        break
print(rows, time.monotonic() - begin, file=sys.stderr)
"""

GO = """
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/go-mysql-org/go-mysql/mysql"
	"github.com/go-mysql-org/go-mysql/replication"
)

func main() {
	port, _ := strconv.Atoi(os.Args[2])
	syncer := replication.NewBinlogSyncer(replication.BinlogSyncerConfig{ServerID: 77002, Flavor: "mysql",
		Host: os.Args[1], Port: uint16(port), User: "root"})
	stream, err := syncer.StartSync(mysql.Position{Name: os.Args[3], Pos: 4})
	if err != nil {
		panic(err)
	}
	out := json.NewEncoder(bufio.NewWriterSize(os.Stdout, 1<<18))
	rows, begin := 0, time.Now()
	for rows < LAST && time.Since(begin) < LIMIT*time.Second {
		event, err := stream.GetEvent(context.Background())
		if err != nil {
			panic(err)
		}
		if change, ok := event.Event.(*replication.RowsEvent); ok {
			count := len(change.Rows)
			if event.Header.EventType == replication.UPDATE_ROWS_EVENTv2 {
				count /= 2
			}
			out.Encode(change.Rows)
			rows += count
		}
	}
	fmt.Fprintln(os.Stderr, rows, time.Since(begin).Seconds())
}
"""


class Unavailable(Exception):
    """Why a peer cannot be run."""


def fetch(directory, *commands):
    """Runs the commands in `directory` the first time; the directory then counts as made."""
    if (directory / "made").exists():
        return
    directory.mkdir(parents=True, exist_ok=True)
    for command in commands:
        try:
            subprocess.run(command, cwd=directory, capture_output=True, text=True, check=True, timeout=180)
        except FileNotFoundError as error:
            raise Unavailable(f"{command[0]} is not installed") from error
        except subprocess.TimeoutExpired as error:
            raise Unavailable(f"{command[0]} took too long") from error
        except subprocess.CalledProcessError as error:
            raise Unavailable(f"{command[0]}: {error.stderr.strip()[-150:]}") from error
    (directory / "made").touch()


def program(text, changes):
    return text.replace("LIMIT", str(LIMIT)).replace("LAST", str(changes))


def zongji(directory, data):
    fetch(directory, ["npm", "install", "--ignore-scripts", "--no-fund", "--no-audit", "@vlasky/zongji"])
    (directory / "read.js").write_text(program(ZONGJI, data.changes))
    return ["node", "read.js"]


def python(directory, data):
    fetch(directory, [sys.executable, "-m", "venv", "."], ["bin/pip", "install", "-q", "mysql-replication", "cryptography"])
    (directory / "read.py").write_text(program(PYTHON, data.changes))
    return ["bin/python", "read.py"]


def go(directory, data):
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "main.go").write_text(program(GO, data.changes))
    fetch(directory, ["go", "mod", "init", "reader"], ["go", "get", "github.com/go-mysql-org/go-mysql@v1.13.0"],
          ["go", "mod", "tidy"], ["go", "build", "-o", "reader"])
    return ["./reader"]


def measure(directory, command, data):
    """(row changes a second, remark)"""
    done = subprocess.run([*command, data.host, str(data.port), data.binlog.name], cwd=directory, check=False,
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, timeout=3 * LIMIT)
    words = done.stderr.strip().splitlines()[-1].split(maxsplit=2) if done.stderr.strip() else []
    if done.returncode != 0 or len(words) < 2 or not words[0].isdigit():
        raise Unavailable("it failed: " + done.stderr.strip()[-150:].replace("\n", " "))
    rows, seconds = int(words[0]), float(words[1])
    why = words[2] if len(words) > 2 else ""
    remark = "all" if rows >= data.changes else f"the first {rows:,}{'; then ' + why if why else ''}"
    return rows / max(seconds, 1e-9), remark


def mariadb_binlog(data):
    """Whether it can read the file at all: it is known to stop at the first JSON column."""
    begin = time.monotonic()
    done = subprocess.run(["mariadb-binlog", "-v", data.binlog], check=False, stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        raise Unavailable("it failed: " + done.stderr.strip()[-150:])
    return data.changes / (time.monotonic() - begin), "all"


def table(data, directory):
    """Rows of text."""
    home = pathlib.Path(directory) / "peers"
    readers = {"zongji (node), server": zongji, "python-mysql-replication, server": python, "go-mysql, server": go}
    yield "| peer, to JSON lines | row changes/s | of the history |\n|---|---|---|"
    for name, prepare in (*readers.items(), ("mariadb-binlog -v, file", None)):
        try:
            if prepare is None:
                rate, remark = mariadb_binlog(data)
            else:
                place = home / prepare.__name__
                rate, remark = measure(place, prepare(place, data), data)
            yield f"| {name} | {rate / 1e3:,.0f} k | {remark} |"
        except FileNotFoundError:
            yield f"| {name} | – | not installed |"
        except (Unavailable, subprocess.TimeoutExpired) as error:
            yield f"| {name} | – | {error} |"
