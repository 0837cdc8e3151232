// SPDX-License-Identifier: Apache-2.0
// The least that a client can do with a server's binlog: asks for the dump, looks at no more than the event's
// type, and counts. What the protocol and the client library cost is what remains of cdc-tail's time.
//     bench-reader count HOST PORT USER [FILE]    from FILE (default: the first) to the end of the log
//     bench-reader lines HOST PORT USER FILE      from FILE's end on, a line for each transaction, as it comes
// USER has no password; the connection is plain TCP.
#include <mysql.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

namespace {

constexpr int kComBinlogDump = 0x12;
constexpr std::uint16_t kNonBlock = 1;
constexpr std::size_t kTypeAt = 1 + 4;  // behind the packet's zero and the timestamp
constexpr unsigned char kXid = 16;

[[noreturn]] void fail(MYSQL* mysql) {
  std::fprintf(stderr, "bench-reader: %s\n", mysql_error(mysql));
  std::exit(1);
}

void ask(MYSQL* mysql, const std::string& file, std::uint32_t position, bool to_the_end) {
  if (mysql_query(mysql, "SET @source_binlog_checksum = 'CRC32', @replica_uuid = UUID()") != 0) fail(mysql);
  std::string packet;
  const auto put = [&packet](auto number) { packet.append(reinterpret_cast<const char*>(&number), sizeof number); };
  put(position);
  put(to_the_end ? kNonBlock : std::uint16_t{0});
  put(std::uint32_t{4'000'000'000} + static_cast<std::uint32_t>(getpid()));
  packet += file;
  const auto command = static_cast<enum_server_command>(kComBinlogDump);
  if (mysql->methods->db_command(mysql, command, packet.data(), packet.size(), 1, nullptr) != 0) fail(mysql);
}

void read_all(MYSQL* mysql, bool lines) {
  std::uint64_t bytes = 0, events = 0, transactions = 0;
  for (;;) {
    const unsigned long length = mysql_net_read_packet(mysql);
    if (static_cast<unsigned>(length) == ~0U) fail(mysql);
    const unsigned char* const packet = mysql->net.read_pos;
    if (length < 9 && packet[0] == 0xfe) break;
    bytes += length - 1;
    ++events;
    if (packet[kTypeAt] != kXid) continue;
    ++transactions;
    if (lines && write(STDOUT_FILENO, "x\n", 2) != 2) return;
  }
  std::printf("%llu bytes, %llu events, %llu transactions\n", static_cast<unsigned long long>(bytes),
              static_cast<unsigned long long>(events), static_cast<unsigned long long>(transactions));
}

// Where the log ends now, as SHOW BINARY LOG STATUS has it.
std::uint32_t end_of_log(MYSQL* mysql) {
  if (mysql_query(mysql, "SHOW BINARY LOG STATUS") != 0) fail(mysql);
  MYSQL_RES* const result = mysql_store_result(mysql);
  const char* const position = mysql_fetch_row(result)[1];
  const auto end = static_cast<std::uint32_t>(std::strtoul(position, nullptr, 10));
  mysql_free_result(result);
  return end;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 5) {
    std::fputs("usage: bench-reader count|lines HOST PORT USER [FILE]\n", stderr);
    return 64;
  }
  const bool lines = std::string_view(argv[1]) == "lines";
  MYSQL* const mysql = mysql_init(nullptr);
  const auto port = static_cast<unsigned>(std::strtoul(argv[3], nullptr, 10));
  if (mysql_real_connect(mysql, argv[2], argv[4], "", nullptr, port, nullptr, 0) == nullptr) fail(mysql);
  ask(mysql, argc > 5 ? argv[5] : "", lines ? end_of_log(mysql) : 4, !lines);
  read_all(mysql, lines);
  mysql_close(mysql);
}
