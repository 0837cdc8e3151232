// SPDX-License-Identifier: Apache-2.0
// session-probe: opens a Connection as the tools do and tells what came of it, for test_connection.py. Each
// operand is a statement; a row is printed as fields between tabs, NULL as \N.
#include <unistd.h>

#include "common/base/text.hpp"
#include "common/cli/mysql_options.hpp"

namespace {

const cdc::About kAbout{.name = "session-probe",
                        .sentence = "Open a session as the tools do, and run statements.",
                        .usage = {"[OPTION]... STATEMENT..."},
                        .version_details = [] { return cdc::client_library_text() + "\n"; }};

struct Options {
  cdc::MysqlOptions mysql;
  int read_timeout = -1;
  std::size_t max_rows = 1000;
  int stop_after = -1;  // rows
  std::vector<std::string> statements;
};

void print(const std::string& line) {
  cdc::write_stdout(line + "\n");
}

void run(cdc::Connection& session, const Options& options, const std::string& statement) {
  if (options.stop_after < 0) {
    for (const auto& row : session.query(statement, options.max_rows).rows) {
      std::string line;
      for (const cdc::Field& field : row)
        line.append(line.empty() ? "" : "\t").append(field ? *field : "\\N");
      print(line);
    }
    return;
  }
  int rows = 0;
  try {
    session.query_stream(statement, [&](cdc::Connection::RowView) {
      if (++rows == options.stop_after) throw std::runtime_error("enough");
    });
  } catch (const std::runtime_error& error) {
    print(std::string(error.what()) + " " + std::to_string(rows));
  }
}

int work(const Options& options) {
  const cdc::ConnectOptions connect = options.mysql.resolve();
  cdc::Connection session(connect);
  if (options.read_timeout >= 0) session.set_read_timeout(std::chrono::seconds(options.read_timeout));
  const cdc::ServerVersion& version = session.server_version();
  print("session " + session.name());
  print("tls " +
        (session.tls_cipher().empty() ? "none" : session.tls_version() + " " + session.tls_cipher()));
  print("server " + std::string(cdc::flavor_text(version.flavor)) + " " + std::to_string(version.major) +
        "." + std::to_string(version.minor) + "." + std::to_string(version.patch));
  for (const std::string& statement : options.statements) run(session, options, statement);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  return cdc::run_main(kAbout, argc, argv, [](cdc::App& app) {
    Options options;
    options.mysql.declare(app);
    app.cli().add_option("--read-timeout", options.read_timeout);
    app.cli().add_option("--max-rows", options.max_rows);
    app.cli().add_option("--stop-after", options.stop_after);
    app.cli().add_option("statement", options.statements);
    app.parse();
    return work(options);
  });
}
