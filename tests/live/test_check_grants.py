#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""cdc-check with the least privileges: what it cannot ask names the grant that is missing, and the grant helps."""

import json
import re
import unittest

from sandbox import SandboxError, Server
from test_check import run_check

GRANTS = {
    "nothing": [],
    "reader": ["SELECT ON shop.*"],
    "slave": ["REPLICATION SLAVE ON *.*"],
    "client": ["REPLICATION CLIENT ON *.*"],
    "both": ["REPLICATION SLAVE, REPLICATION CLIENT ON *.*"],
    "process": ["PROCESS, REPLICATION SLAVE ON *.*"],
}


class LeastPrivileges(unittest.TestCase):
    def test_mysql(self):
        self.check_flavor("mysql", "--performance-schema=ON")

    def test_mysql56(self):
        self.check_flavor("mysql56")

    def test_mariadb(self):
        self.check_flavor("mariadb")

    def check_flavor(self, flavor, *options):
        try:
            server = Server.start(f"grants-{flavor}", flavor=flavor, options=options)
        except SandboxError as error:
            self.skipTest(f"{flavor} cannot be had here: {error}")
        with server:
            server.sql("CREATE DATABASE shop; CREATE TABLE shop.orders (id INT PRIMARY KEY); INSERT INTO shop.orders VALUES (1)")
            file = server.sql("SHOW BINARY LOGS")[0].split("\t")[0]
            self.arguments = ["--format=json", f"--file={file}", "--pos=4", "-t", "shop.*", "--server-id=4711"]
            expected = self.statuses(self.report(server, "root"))
            for number, (name, grants) in enumerate(GRANTS.items()):
                with self.subTest(flavor=flavor, user=name):
                    user = f"u{number}"
                    server.sql(f"CREATE USER {user}@localhost")
                    for grant in grants:
                        server.sql(f"GRANT {grant} TO {user}@localhost")
                    self.obey(server, user)
                    self.assertEqual(self.statuses(self.report(server, user)), expected)

    def obey(self, server, user):
        """Does what the report says, until it wants nothing more."""
        obeyed = set()
        while True:
            report = self.report(server, user)
            for result in report["checks"]:
                if result["status"] == "skipped":
                    self.assertNotIn("denied", result["message"], result)
            told = " ".join(result["message"] + " " + result.get("advice", "") for result in report["checks"])
            wanted = set(re.findall(r"GRANT [A-Z_ ]+ ON [^ ]+ TO [^;]+;", told)) - obeyed
            if not wanted:
                return
            for statement in wanted:
                server.sql(statement)
            obeyed |= wanted

    def report(self, server, user):
        done = run_check(*self.arguments, server=server, user=user)
        self.assertIn(done.returncode, (0, 1, 2), done.stderr)
        return json.loads(done.stdout)

    @staticmethod
    def statuses(report):
        return {result["id"]: result["status"] for result in report["checks"]}


if __name__ == "__main__":
    unittest.main(verbosity=2)
