#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""cdc-tail goes on: after kill -9 from its checkpoint, after lost connections and servers, without loss or doubling."""

import json
import signal
import threading
import unittest

from proxy import Proxy
from sandbox import Server
from tail import Model, OneServer, Running, end_of_log, everything, path, run, start


def tcp(port):
    return ["--no-defaults", "-h", "127.0.0.1", f"-P{port}", "-uroot", "--ssl-mode=disabled"]


class Checkpoints(OneServer):
    def fill(self, first):
        """30 transactions of one or more changes."""
        for number in range(first, first + 10):
            self.server.sql(f"""INSERT INTO {self.db}.t VALUES ({3 * number}, 'a'), ({3 * number + 1}, 'b'), ({3 * number + 2}, 'c');
                UPDATE {self.db}.t SET v = {number} WHERE id < 60; DELETE FROM {self.db}.t WHERE id = {3 * number + 1}""")

    def test_killed_again_and_again(self):
        """Each run is killed somewhere; the next goes on from the checkpoint. All runs together make the table."""
        checkpoint = path("killed.ckpt")
        arguments = [f"--file={self.start[0]}", f"--pos={self.start[1]}", f"--checkpoint={checkpoint}", "--save-checkpoint",
                     "-t", f"{self.db}.*", "--line-buffered"]  # fmt: skip
        model = Model()
        for run_number, records in enumerate((1, 5, 30, 80, 7)):
            self.fill(10 * run_number)
            with Running(*arguments, server=self.server) as running:
                for _ in range(records):
                    running.until(lambda record: True)
            model.apply(running.records)
        last = run(*arguments, "--stop-mode=latest", server=self.server)
        model.apply(last.records)
        want = [json.loads(row) for row in
                self.server.sql(f"SELECT JSON_OBJECT('id', id, 'v', v) FROM {self.db}.t ORDER BY id")]  # fmt: skip
        self.assertEqual(model.rows(self.db, "t"), want)
        saved = json.loads(checkpoint.read_text())
        self.assertEqual(saved["gtid_set"], self.server.gtid_executed())
        self.assertEqual((saved["file"], saved["pos"]), end_of_log(self.server))
        self.assertEqual(run(*arguments, "--stop-mode=latest", server=self.server).rows, [])

    def test_the_checkpoint_is_on_disk_before_it_waits(self):
        """What a quiet stream has told is never told again."""
        checkpoint = path("quiet.ckpt")
        self.insert(1)
        with Running(f"--gtid-set={self.set}", f"--checkpoint={checkpoint}", "--save-checkpoint", server=self.server) as running:
            running.until_inserted(1)
            running.process.send_signal(signal.SIGUSR1)  # answered between two waits
            running.until_error("changes told")
        self.assertEqual(json.loads(checkpoint.read_text())["gtid_set"], self.server.gtid_executed())

    def test_after_a_purge(self):
        """Idle for long under a filter, and the log it started in is gone: heartbeats carried the position on."""
        checkpoint = path("purge.ckpt")
        arguments = ["-t", "nothing.*", f"--checkpoint={checkpoint}", "--save-checkpoint", "--stop-mode=latest"]
        run(f"--gtid-set={self.set}", *arguments, server=self.server)
        self.insert(1)
        run(*arguments, server=self.server)
        self.server.sql("FLUSH BINARY LOGS")
        self.server.sql(f"PURGE BINARY LOGS TO '{self.server.binlogs()[-1].name}'")
        run(*arguments, server=self.server)


    def test_a_transaction_that_is_being_committed(self):
        """It is in the log, and told, before it is executed; a run that starts again behind it must not be refused."""
        self.server.sql("""INSTALL PLUGIN rpl_semi_sync_source SONAME 'semisync_source.so';
            SET GLOBAL rpl_semi_sync_source_timeout = 3600000; SET GLOBAL rpl_semi_sync_source_enabled = ON""")
        with Running(f"--gtid-set={self.set}", server=self.server) as running:
            writer = threading.Thread(target=self.insert, args=(1,))  # waits for a replica that does not come
            writer.start()
            try:
                gtid = running.until(lambda record: record["kind"] == "commit")["gtid"]
                executed = self.server.gtid_executed()
                self.assertEqual(self.server.value(f"SELECT GTID_SUBSET('{gtid}', '{executed}')"), "0", "it is not committed yet")
                again = run(f"--gtid-set={executed},{gtid}", "--stop-mode=latest", server=self.server)
            finally:
                self.server.sql("SET GLOBAL rpl_semi_sync_source_enabled = OFF")
                writer.join()
        self.assertEqual(again.rows, [])


class Reconnect(OneServer):
    def test_killed_server(self):
        with Running(*tcp(self.server.port), server=None) as running:
            running.until(lambda record: record["kind"] == "start")
            self.insert(1)
            running.until_inserted(1)
            self.server.restart(kill=True)
            self.insert(2)
            running.until_inserted(2)
            stream = running.stop(signal.SIGTERM, -signal.SIGTERM)
        self.assertEqual(stream.inserted(), [1, 2])
        self.assertEqual(len(stream.of("start")), 1)
        self.assertIn("trying again", stream.stderr)

    def test_a_dump_that_is_killed(self):
        """It ends like one that has come to the end of the log. So does one of a server that is shut down."""
        for flavor, show, options in (("mysql", "SHOW PROCESSLIST", ["--binlog-row-metadata=FULL"]),
                             ("mariadb", "SHOW PROCESSLIST", ["--binlog-row-metadata=FULL"]), ("mysql56", "SHOW PROCESSLIST", [])):  # fmt: skip
            with self.subTest(flavor), start(f"ended-{flavor}", flavor, *options) as server:
                server.sql("CREATE DATABASE k; CREATE TABLE k.t (id INT PRIMARY KEY)")
                with Running(*tcp(server.port)) as running:
                    running.until(lambda record: record["kind"] == "start")
                    for number, how in enumerate(("KILL", "KILL QUERY", "restart")):
                        server.sql(f"INSERT INTO k.t VALUES ({number})")
                        running.until_inserted(number)
                        dumps = [line.split("\t")[0] for line in server.sql(show) if "Binlog Dump" in line]
                        if how == "restart":
                            server.restart()
                        else:
                            server.sql("".join(f"{how} {dump};" for dump in dumps))
                    server.sql("INSERT INTO k.t VALUES (99)")
                    running.until_inserted(99)
                    self.assertEqual(running.inserted(), [0, 1, 2, 99])

    def test_cut_inside_a_transaction(self):
        """At many places of a transaction of several rows events; the stream is the same as if nothing had happened."""
        values = ",".join(f"({number}, REPEAT('x', 20))" for number in range(3000))
        self.server.sql(f"""BEGIN; INSERT INTO {self.db}.t VALUES {values}; UPDATE {self.db}.t SET v = 'y'; COMMIT;
            INSERT INTO {self.db}.t VALUES (9999, 'z')""")
        place = [f"--file={self.start[0]}", f"--pos={self.start[1]}", "--stop-mode=latest"]
        undisturbed = run(*place, server=self.server)
        with Proxy(self.server.port) as proxy:
            for step in range(10):
                # The first connection becomes the dump; the second looks at the position before that.
                proxy.cut_after(7000 + step * 16000, None, 7000 + step * 17000, 70000)
                stream = run(*tcp(proxy.port), *place)
                self.assertEqual(stream.records, undisturbed.records)
                self.assertIn("trying again", stream.stderr)

    def test_a_server_that_is_silent(self):
        """A half-open connection says nothing for ever; heartbeats that do not come tell. TLS and plain."""
        with Proxy(self.server.port) as proxy:
            with Running(*tcp(proxy.port), "--ssl-mode=required") as running:
                running.until(lambda record: record["kind"] == "start")
                proxy.fall_silent()
                self.insert(1)
                running.until_error("no sign of life")
                proxy.speak()
                running.until_inserted(1)

    def test_retries_are_spent(self):
        with Proxy(self.server.port) as proxy, Running(*tcp(proxy.port), "--max-retries=2") as running:
            running.until(lambda record: record["kind"] == "start")
            proxy.close()
            stream = running.finish(75)
            self.assertEqual(stream.end["status"], 75)

    def test_two_readers_with_one_id(self):
        """The server tells replicas apart by their uuid, and each run has its own."""
        with Running("--server-id=77", server=self.server) as first:
            first.until(lambda record: record["kind"] == "start")
            with Running("--server-id=77", server=self.server) as second:
                second.until(lambda record: record["kind"] == "start")
                self.insert(1)
                second.until_inserted(1)
                first.until_inserted(1)
                self.assertEqual(first.errors, [])


class Failover(unittest.TestCase):
    def test_mariadb(self):
        """Its servers have no uuid to be told apart by, and each its own files."""
        with (start("mariadb1", "mariadb", "--binlog-row-metadata=FULL", "--log-bin=zzz") as source,
              Server.start("mariadb2", flavor="mariadb", options=["--binlog-row-metadata=FULL"], replica_of=source) as replica):  # fmt: skip
            source.sql("CREATE DATABASE f; CREATE TABLE f.t (id INT PRIMARY KEY)")
            hosts = f"127.0.0.1:{source.port},127.0.0.1:{replica.port}"
            with Running("--no-defaults", "-uroot", "-h", hosts, "--startup-mode=earliest") as running:
                source.sql("INSERT INTO f.t VALUES (1)")
                running.until_inserted(1)
                executed = source.value("SELECT @@GLOBAL.gtid_binlog_pos")
                replica.value(f"SELECT MASTER_GTID_WAIT('{executed}', 60)")
                source.stop(kill=True)
                replica.sql("STOP SLAVE; INSERT INTO f.t VALUES (2)")
                running.until_inserted(2)
                stream = running.stop(signal.SIGTERM, -signal.SIGTERM)
            self.assertEqual(stream.inserted(), [1, 2])
            self.assertEqual([record["gtid_set"] for record in stream.of("start")], ["", executed])
            file, pos = replica.sql("SHOW MASTER STATUS")[0].split("\t")[:2]
            self.assertEqual((stream.end["file"], stream.end["pos"]), (file, int(pos)))

    def test_to_the_replica(self):
        with (Server.start("failover1", options=["--binlog-row-metadata=FULL"]) as source,
              Server.start("failover2", options=["--binlog-row-metadata=FULL"], replica_of=source) as replica):  # fmt: skip
            source.sql("CREATE DATABASE f; CREATE TABLE f.t (id INT PRIMARY KEY)")
            hosts = f"127.0.0.1:{source.port},127.0.0.1:{replica.port}"
            with Running("--no-defaults", "-uroot", "-h", hosts, "--startup-mode=earliest") as running:
                source.sql("INSERT INTO f.t VALUES (1)")
                running.until_inserted(1)
                executed = source.gtid_executed()
                replica.value(f"SELECT WAIT_FOR_EXECUTED_GTID_SET('{executed}', 60)")
                source.stop(kill=True)
                replica.sql("STOP REPLICA; INSERT INTO f.t VALUES (2)")
                running.until_inserted(2)
                stream = running.stop(signal.SIGTERM, -signal.SIGTERM)
            self.assertEqual(stream.inserted(), [1, 2])
            first, second = stream.of("start")
            self.assertEqual((first["server_uuid"], second["server_uuid"]), (source.uuid, replica.uuid))
            self.assertEqual(second["gtid_set"], executed)
            self.assertEqual((stream.end["file"], stream.end["pos"]), end_of_log(replica))

    def test_a_stop_position_of_the_server_before(self):
        """It would stop somewhere on the replica, or nowhere."""
        with (Server.start("stop1", options=["--binlog-row-metadata=FULL"]) as source,
              Server.start("stop2", options=["--binlog-row-metadata=FULL"], replica_of=source) as replica):  # fmt: skip
            source.sql("CREATE DATABASE f; CREATE TABLE f.t (id INT PRIMARY KEY); INSERT INTO f.t VALUES (1)")
            hosts = f"127.0.0.1:{source.port},127.0.0.1:{replica.port}"
            with Running("--no-defaults", "-uroot", "-h", hosts, "--startup-mode=earliest", "--stop-file=binlog.000009") as running:
                running.until_inserted(1)
                replica.value(f"SELECT WAIT_FOR_EXECUTED_GTID_SET('{source.gtid_executed()}', 60)")
                source.stop(kill=True)
                stream = running.finish(69)
            self.assertRegex(stream.stderr, "not the server from before.*--stop-file")


class WithoutGtids(unittest.TestCase):
    def test_a_missing_file_between(self):
        """No set tells it, but each file names the next."""
        with Server.start("gap", options=["--gtid-mode=OFF", "--binlog-row-metadata=FULL"]) as server:
            server.sql("CREATE DATABASE a; CREATE TABLE a.t (id INT PRIMARY KEY); FLUSH BINARY LOGS; INSERT INTO a.t VALUES (1); FLUSH BINARY LOGS")
            server.sql("INSERT INTO a.t VALUES (2)")
            files = server.binlogs()
            self.assertEqual(run(*files).inserted(), [1, 2])
            stream = run(files[0], files[2], status=69)
            self.assertRegex(stream.stderr, rf"goes on in {files[1].name}.*missing")
            self.assertEqual(stream.inserted(), [])

    def test_by_file_and_position(self):
        with Server.start("anonymous", options=["--gtid-mode=OFF", "--binlog-row-metadata=FULL"]) as server:
            server.sql("CREATE DATABASE a; CREATE TABLE a.t (id INT PRIMARY KEY); INSERT INTO a.t VALUES (1)")
            file, pos, *_ = server.value("SHOW BINARY LOG STATUS").split("\t")
            server.sql("INSERT INTO a.t VALUES (2); INSERT INTO a.t VALUES (3)")
            checkpoint = path("anonymous.ckpt")
            stream = run(f"--file={file}", f"--pos={pos}", "-n1", f"--checkpoint={checkpoint}", "--save-checkpoint", server=server)
            self.assertEqual(stream.inserted(), [2])
            self.assertIsNone(stream.start["gtid_set"])
            self.assertIsNone(stream.of("begin")[0]["gtid"])
            arguments = [f"--checkpoint={checkpoint}", "--save-checkpoint"]
            self.assertEqual(run(*arguments, "--stop-mode=latest", server=server).inserted(), [2, 3])
            local = run(*server.binlogs())
            self.assertEqual(local.records[1:-1], everything(server).records[1:-1])
            with Running(*arguments, *tcp(server.port)) as running:
                running.until(lambda record: record["kind"] == "start")
                server.restart(kill=True)
                server.sql("INSERT INTO a.t VALUES (4)")
                running.until_inserted(4)
                self.assertEqual(running.inserted(), [4])
            with Server.start("another", options=["--gtid-mode=OFF"]) as other:
                stream = run(f"--checkpoint={checkpoint}", server=other, status=69)
                self.assertIn(other.uuid, stream.stderr)


if __name__ == "__main__":
    unittest.main()
