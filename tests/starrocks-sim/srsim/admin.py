# SPDX-License-Identifier: Apache-2.0
"""The control port: configuration, faults, clock, nodes, and what was seen. JSON in, JSON out."""

import json

from .schema import Column, SchemaError
from .sql import SqlError
from .statements import Session
from .wire import to_json


class Admin:
    def __init__(self, cluster, save):
        self.cluster, self.save = cluster, save

    def serve(self, connection):
        while (request := connection.read_head(1 << 16)) is not None:
            if request.expects_continue:
                connection.send(b"HTTP/1.1 100 Continue\r\n\r\n")
            body = connection.read_exactly(int(request.header("content-length", "0")))
            try:
                value = json.loads(body) if body else {}
                answer = self.answer(request, value)
                code, reason = (404, "Not Found") if answer is None else (200, "OK")
            except (ValueError, KeyError, IndexError, SchemaError) as error:
                code, reason, answer = 400, "Bad Request", {"error": "%s: %s" % (type(error).__name__, error)}
            data = answer if isinstance(answer, bytes) else to_json(answer)
            connection.reply(code, reason, data)
            if not request.keep_alive:
                return

    def answer(self, request, value):
        """The answer to one request; None if there is no such path."""
        cluster, (root, *rest) = self.cluster, request.segments
        if root != "_sim" or not rest:
            return None
        name, reading, query = rest[0], request.method == "GET", request.query
        if name == "table" and len(rest) == 3:
            table = cluster.table(rest[1], rest[2])
            return None if table is None else cluster.dump(table)
        if name == "violations":
            found = cluster.audit.violations()
            if request.method == "DELETE":
                cluster.audit.clear_violations()
            return found
        if name == "requests":
            return cluster.audit.requests(int(query.pop("since", 0)), **query)
        if name == "loads":
            return [t for t in cluster.transactions.loads() if all(str(t.get(k)) == v for k, v in query.items())]
        if name == "transactions":
            return cluster.transactions.describe(query.get("db"))
        if name == "tables":
            return {db: {n: self.describe(t) for n, t in tables.items()} for db, tables in cluster.databases.items()}
        if name == "faults":
            if request.method == "DELETE":
                cluster.faults.clear(int(query["id"]) if "id" in query else None)
            return cluster.faults.describe()
        if reading and name != "clock":
            return None
        return self.change(name, value)

    def change(self, name, value):
        cluster = self.cluster
        if name == "fault":
            return {"id": cluster.faults.add(value)}
        if name == "clock":
            cluster.clock.advance(value.get("advance", 0))
            return {"offset": cluster.clock.offset, "now": cluster.clock.now()}
        if name == "config":
            cluster.configure(value)
        elif name == "table":
            cluster.create_table(value["db"], value["name"], value)
        elif name == "drop":
            with cluster.lock:
                del cluster.databases[value["db"]][value["name"]]
        elif name == "alter":
            self.alter(value)
        elif name == "evict":
            cluster.transactions.evict_label(value["db"], value["label"])
        elif name == "action":
            self.act(value["action"], value.get("be", 0))
        elif name == "sql":
            return self.sql(value)
        elif name == "save":
            self.save()
        else:
            return None
        return {}

    def sql(self, value):
        session = Session(self.cluster, "root")
        session.database = value.get("database")
        try:
            names, rows = session.execute(value["sql"]) or ([], [])
        except SqlError as error:
            raise ValueError("%d %s" % (error.code, error)) from error
        return {"columns": names, "rows": [[v.hex() if isinstance(v, bytes) else v for v in row] for row in rows]}

    def alter(self, value):
        """An immediate schema change, without the job that a client's ALTER TABLE makes."""
        table = self.cluster.table(value["db"], value["name"])
        with self.cluster.lock:
            if "add" in value:
                table.add_column(Column.from_config(value["add"]))
            if "drop" in value:
                table.drop_column(value["drop"])

    def act(self, action, backend):
        cluster = self.cluster
        actions = {
            "be_down": lambda: cluster.backend_down(backend), "be_up": lambda: cluster.backend_up(backend),
            "be_restart": lambda: cluster.backend_restart(backend), "fe_down": cluster.frontend_down,
            "fe_up": cluster.frontend_up,
            "fe_restart": lambda: (cluster.frontend_down(), cluster.frontend_up()),
        }
        if action not in actions:
            raise ValueError("unknown action " + action)
        actions[action]()

    @staticmethod
    def describe(table):
        return {"model": table.model, "rows": len(table.rows), "version": table.version,
                "columns": [{"name": c.name, "type": str(c.type), "nullable": c.nullable, "key": c.key,
                             "default": c.default} for c in table.columns]}
