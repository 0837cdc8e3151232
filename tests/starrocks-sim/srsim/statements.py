# SPDX-License-Identifier: Apache-2.0
"""The SQL statements that the simulated FE answers, one session per connection."""

import re
import time

from . import ddl
from .metadata import relation
from .sql import SqlError, Tokens, condition, like

JOB_TITLES = ["JobId", "TableName", "CreateTime", "FinishTime", "IndexName", "IndexId", "OriginIndexId",
              "SchemaVersion", "TransactionId", "State", "Msg", "Progress", "Timeout", "Warehouse"]
CONFIG_TITLES = ["Key", "AliasNames", "Value", "Type", "IsMutable", "Comment"]
CONFIG_KEYS = ("label_keep_max_num", "label_keep_max_second", "max_running_txn_num_per_db",
               "stream_load_default_timeout_second")
DATABASE_NAME = re.compile(r"[a-zA-Z][-\w~!@#$%^&<>=+]{0,255}|_[a-zA-Z0-9][-\w~!@#$%^&<>=+]{0,254}", re.ASCII)


class AlterJob:
    def __init__(self, number, table, now):
        self.number, self.table, self.created = number, table, now
        self.state, self.message, self.finished = "PENDING", "", None

    @property
    def open(self):
        return self.state not in ("FINISHED", "CANCELLED")

    def row(self):
        def shown(at):
            return "NULL" if at is None else time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(at))
        return [self.number, self.table.name, shown(self.created), shown(self.finished), self.table.name,
                self.number + 1, self.number + 2, "1:0", self.number + 3, self.state, self.message, "", 86400, ""]


class Session:
    def __init__(self, cluster, user):
        self.cluster, self.user, self.database = cluster, user, None

    def execute(self, text):
        """(column names, rows), or None where the answer is only OK."""
        tokens = Tokens(text)
        handlers = {"SELECT": self.select, "SHOW": self.show, "ADMIN": self.admin, "CREATE": self.create,
                    "ALTER": self.alter, "DROP": self.drop, "USE": self.use, "DESC": self.describe,
                    "DESCRIBE": self.describe, "SET": lambda tokens: None}
        for word, handler in handlers.items():
            if tokens.accept(word):
                return handler(tokens)
        return tokens.fail()

    # -- reading -----------------------------------------------------------------

    def select(self, tokens):
        if tokens.accept("CURRENT_VERSION", "(", ")"):
            tokens.end()
            return ["current_version()"], [[self.cluster.profile["version"]]]
        if tokens.accept("VERSION", "(", ")", ",", "@@VERSION_COMMENT"):
            tokens.end()
            return ["version()", "@@version_comment"], [
                [self.cluster.server_version, "StarRocks version " + self.cluster.profile["version"]]]
        if tokens.peek()[1].lower() == "@@version_comment":
            return ["@@version_comment"], [["StarRocks version " + self.cluster.profile["version"]]]
        if tokens.peek()[0] == "number" and tokens.peek(1)[0] == "end":
            return [tokens.peek()[1]], [[tokens.peek()[1]]]
        wanted = [self.item(tokens)]
        while tokens.accept(","):
            wanted.append(self.item(tokens))
        tokens.expect("FROM")
        db, name = tokens.table_name(self.database)
        names, rows = relation(self.cluster, db, name)
        rows = self.restrict(tokens, names, rows)
        return self.project(wanted, names, rows)

    @staticmethod
    def item(tokens):
        """(column or * or COUNT(*), title)"""
        if tokens.accept("*"):
            return "*", "*"
        if tokens.accept("COUNT", "(", "*", ")"):
            return "count(*)", "count(*)"
        name = tokens.identifier()
        return name, tokens.identifier() if tokens.accept("AS") else name

    @staticmethod
    def project(wanted, names, rows):
        if wanted == [("count(*)", "count(*)")]:
            return ["count(*)"], [[len(rows)]]
        lower = {name.lower(): index for index, name in enumerate(names)}
        chosen, titles = [], []
        for name, title in wanted:
            if name == "*":
                chosen += range(len(names))
                titles += names
            elif name.lower() in lower:
                chosen.append(lower[name.lower()])
                titles.append(title)
            else:
                raise SqlError("Getting analyzing error. Detail message: Column '%s' cannot be resolved." % name)
        return titles, [[row[i] for i in chosen] for row in rows]

    @staticmethod
    def restrict(tokens, names, rows):
        """Applies WHERE, ORDER BY and LIMIT, which must be the rest of the statement."""
        lower = {name.lower(): index for index, name in enumerate(names)}

        def at(name):
            if name.lower() not in lower:
                raise SqlError("Getting analyzing error. Detail message: Column '%s' cannot be resolved." % name)
            return lower[name.lower()]

        if tokens.accept("WHERE"):
            test = condition(tokens)
            rows = [row for row in rows if test(lambda name: row[at(name)])]
        if tokens.accept("ORDER", "BY"):
            orders = []
            while True:
                index = at(tokens.identifier())
                orders.append((index, tokens.accept("DESC") or (tokens.accept("ASC") and False)))
                if not tokens.accept(","):
                    break
            for index, descending in reversed(orders):
                rows = sorted(rows, key=lambda row: (row[index] is not None, row[index]), reverse=descending)
        if tokens.accept("LIMIT"):
            rows = rows[:tokens.integer()]
        tokens.end()
        return rows

    def show(self, tokens):
        if tokens.accept("CREATE", "TABLE"):
            table = self.existing(*tokens.table_name(self.database))
            tokens.end()
            text = ddl.show_create(table, self.cluster.profile_name == "v2.5")
            return ["Table", "Create Table"], [[table.name, text]]
        if tokens.accept("ALTER", "TABLE", "COLUMN"):
            db = tokens.identifier() if tokens.accept("FROM") or tokens.accept("IN") else self.database
            if db not in self.cluster.databases:
                raise SqlError("Unknown database '%s'" % db, 1049, "42000")
            rows = [job.row() for table in self.cluster.databases[db].values() for job in table.alter_jobs]
            return JOB_TITLES, self.restrict(tokens, JOB_TITLES, rows)
        if tokens.accept("DATABASES"):
            tokens.end()
            return ["Database"], [[db] for db in sorted(self.cluster.databases) + ["information_schema"]]
        if tokens.accept("TABLES"):
            db = tokens.identifier() if tokens.accept("FROM") else self.database
            tokens.end()
            if db not in self.cluster.databases:
                raise SqlError("Unknown database '%s'" % db, 1049, "42000")
            return ["Tables_in_" + db], [[name] for name in sorted(self.cluster.databases[db])]
        return tokens.fail()

    def admin(self, tokens):
        tokens.expect("SHOW", "FRONTEND", "CONFIG")
        test = like(tokens.string()) if tokens.accept("LIKE") else lambda name: True
        tokens.end()
        if not self.cluster.users[self.user].get("admin", True):
            raise SqlError("Access denied; you need (at least one of) the OPERATE privilege(s) on SYSTEM for this "
                           "operation.", 5203, "42000")
        return CONFIG_TITLES, [[k, "[]", self.cluster.limits[k], "int", "true", ""] for k in CONFIG_KEYS if test(k)]

    def describe(self, tokens):
        table = self.existing(*tokens.table_name(self.database))
        tokens.end()
        old = self.cluster.profile_name == "v2.5"
        return ["Field", "Type", "Null", "Key", "Default", "Extra"], [
            [c.name, ddl.shown_type(c.type, old), "YES" if c.nullable else "NO", "true" if c.key else "false",
             c.default, ""] for c in table.columns]

    def existing(self, db, name):
        if db not in self.cluster.databases:
            raise SqlError("Unknown database '%s'" % db, 1049, "42000")
        table = self.cluster.table(db, name)
        if table is None:
            raise SqlError("Getting analyzing error. Detail message: Table %s is not found." % name, 5502, "42602")
        return table

    # -- changing ------------------------------------------------------------------

    def use(self, tokens):
        db = tokens.identifier()
        tokens.end()
        if db not in self.cluster.databases and db != "information_schema":
            raise SqlError("Unknown database '%s'" % db, 1049, "42000")
        self.database = db

    def create(self, tokens):
        if tokens.accept("DATABASE"):
            lenient = tokens.accept("IF", "NOT", "EXISTS")
            db = tokens.identifier()
            tokens.end()
            if not DATABASE_NAME.fullmatch(db):
                raise SqlError("Incorrect database name '%s'" % db, 1102, "42000")
            if db in self.cluster.databases and not lenient:
                raise SqlError("Can't create database '%s'; database exists" % db, 1007)
            self.cluster.create_database(db)
            return
        tokens.expect("TABLE")
        table, lenient = ddl.create_table(tokens, self.cluster, self.database)
        if table.db not in self.cluster.databases:
            raise SqlError("Unknown database '%s'" % table.db, 1049, "42000")
        with self.cluster.lock:
            if self.cluster.table(table.db, table.name) is None:
                self.cluster.databases[table.db][table.name] = table
            elif not lenient:
                raise SqlError("Table '%s' already exists" % table.name, 1050, "42S01")

    def drop(self, tokens):
        tokens.expect("TABLE")
        lenient = tokens.accept("IF", "EXISTS")
        db, name = tokens.table_name(self.database)
        tokens.end()
        with self.cluster.lock:
            if not lenient or self.cluster.table(db, name):
                self.existing(db, name)
                del self.cluster.databases[db][name]

    def alter(self, tokens):
        """ADD COLUMN: a job that is done at once where fast schema evolution is the default, else later."""
        tokens.expect("TABLE")
        cluster = self.cluster
        with cluster.lock:
            table = self.existing(*tokens.table_name(self.database))
            if any(job.open for job in table.alter_jobs):
                raise SqlError("Table[%s]'s state(SCHEMA_CHANGE) is not NORMAL. Do not allow doing ALTER ops"
                               % table.name)
            added = ddl.add_columns(tokens, cluster, table)
            if self.loads(table):
                cluster.audit.violation("alter_during_load", "ALTER TABLE %s with a load in flight" % table.name)
            cluster.jobs += 10
            job = AlterJob(cluster.jobs, table, cluster.clock.now())
            table.alter_jobs.append(job)
            slow = cluster.faults.take("alter_slow", {"table": "%s.%s" % (table.db, table.name)})
            delay = slow.get("seconds", 5) if slow else 0 if cluster.profile["fast_alter"] else 0.3
            if not delay and not self.loads(table):
                self.finish(job, added)
            else:
                cluster.clock.after(delay / 2, lambda: self.run(job, added, delay / 2))

    def loads(self, table):
        return [t for t in self.cluster.transactions.running(table.db) if t.table == table.name]

    def run(self, job, added, delay):
        """WAITING_TXN as long as loads run, then RUNNING."""
        with self.cluster.lock:
            if self.loads(job.table):
                job.state = "WAITING_TXN"
                self.cluster.clock.after(0.05, lambda: self.run(job, added, delay))
                return
            job.state = "RUNNING"
        self.cluster.clock.after(delay, lambda: self.finish(job, added))

    def finish(self, job, added):
        with self.cluster.lock:
            job.finished = self.cluster.clock.now()
            if self.cluster.faults.take("alter_cancel", {"table": "%s.%s" % (job.table.db, job.table.name)}):
                job.state, job.message = "CANCELLED", "schema change failed"
                return
            for column, position in added:
                job.table.add_column(column, position)
            job.state = "FINISHED"
