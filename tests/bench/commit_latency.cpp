// SPDX-License-Identifier: Apache-2.0
// Commits one small transaction after the other on an idle server and waits for each to come out of a reader, a
// program that writes at least one line for every transaction, the last of which contains MARK. Prints how long
// that took from the moment the client had its OK: median and 99th percentile, in microseconds.
//     READER | bench-commits HOST PORT USER COUNT MARK
// The first hundredth is not counted; the reader must have begun, so what it says before is read for a second.
#include <mysql.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

[[noreturn]] void fail(const char* what) {
  std::fprintf(stderr, "bench-commits: %s\n", what);
  std::exit(1);
}

void run(MYSQL* mysql, const char* sql) {
  if (mysql_query(mysql, sql) != 0) fail(mysql_error(mysql));
}

// Reads until a whole line with `mark` is there; false when nothing comes for `patience_ms`.
bool read_mark(std::string& text, const std::string& mark, int patience_ms) {
  for (;;) {
    const std::size_t at = text.find(mark);
    const std::size_t end = at == std::string::npos ? at : text.find('\n', at);
    if (end != std::string::npos) {
      text.erase(0, end + 1);
      return true;
    }
    pollfd waiting{STDIN_FILENO, POLLIN, 0};
    if (poll(&waiting, 1, patience_ms) == 0) return false;
    char piece[1 << 16];
    const ssize_t got = read(STDIN_FILENO, piece, sizeof piece);
    if (got <= 0) fail("the reader has ended");
    text.append(piece, static_cast<std::size_t>(got));
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6) fail("usage: READER | bench-commits HOST PORT USER COUNT MARK");
  MYSQL* const mysql = mysql_init(nullptr);
  const auto port = static_cast<unsigned>(std::strtoul(argv[2], nullptr, 10));
  if (mysql_real_connect(mysql, argv[1], argv[3], "", nullptr, port, nullptr, 0) == nullptr) fail(mysql_error(mysql));
  const std::size_t count = std::strtoul(argv[4], nullptr, 10);
  const std::string mark = argv[5];

  constexpr int kQuiet = 1000, kPatience = 10'000;
  std::string text;
  run(mysql, "CREATE TABLE IF NOT EXISTS bench.ticks (id INT PRIMARY KEY, n INT NOT NULL)");
  run(mysql, "REPLACE INTO bench.ticks VALUES (1, 0)");
  while (read_mark(text, mark, kQuiet)) {
  }
  std::vector<double> micros;
  for (std::size_t i = 0; i < count; ++i) {
    run(mysql, "UPDATE bench.ticks SET n = n + 1 WHERE id = 1");
    const Clock::time_point done = Clock::now();
    if (!read_mark(text, mark, kPatience)) fail("a transaction did not come out of the reader");
    if (i >= count / 100) micros.push_back(std::chrono::duration<double, std::micro>(Clock::now() - done).count());
    std::this_thread::sleep_for(std::chrono::milliseconds(1));  // so that the server is idle again
  }
  mysql_close(mysql);
  std::sort(micros.begin(), micros.end());
  std::printf("%.0f %.0f\n", micros[micros.size() / 2], micros[micros.size() * 99 / 100]);
}
