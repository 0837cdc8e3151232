// SPDX-License-Identifier: Apache-2.0
#include "common/mysql/binlog_stream.hpp"

#include <fcntl.h>
#include <sys/socket.h>

// clang-format off
#include <mysql.h>  // the other needs its types
#include <ma_pvio.h>
// clang-format on

#include <algorithm>
#include <array>
#include <cerrno>
#include <exception>
#include <limits>
#include <random>
#include <string>
#include <string_view>

namespace cdc {

namespace {

// Commands of the protocol that mysql.h has no name for, and flags of both dumps (sql/rpl_constants.h).
constexpr int kComBinlogDump = 0x12;
constexpr int kComBinlogDumpGtid = 0x1e;
constexpr std::uint16_t kDumpNonBlock = 1;
constexpr std::uint16_t kDumpHeartbeatV2 = 2;  // MariaDB and MySQL 5.6 give the bit other meanings
constexpr std::uint16_t kDumpThroughGtid = 4;
constexpr std::uint64_t kFirstEvent = 4;

// A dump by set makes the server read the start of each of its files, in silence, before the first packet.
constexpr std::chrono::milliseconds kStartPatience = std::chrono::minutes(5);

std::uint32_t random_server_id() {
  std::random_device device;
  // The upper half: people number their servers from 1. The largest number is left alone.
  return std::uniform_int_distribution<std::uint32_t>(1U << 31,
                                                      std::numeric_limits<std::uint32_t>::max() - 1)(device);
}

std::string random_uuid() {
  std::random_device device;
  Uuid uuid;
  for (std::uint8_t& byte : uuid.bytes) byte = static_cast<std::uint8_t>(device());
  uuid.bytes[6] = static_cast<std::uint8_t>((uuid.bytes[6] & 0x0f) | 0x40);  // version 4, random (RFC 4122)
  uuid.bytes[8] = static_cast<std::uint8_t>((uuid.bytes[8] & 0x3f) | 0x80);
  return uuid.text();
}

template <typename T>
void put(std::string& out, T value) {
  for (std::size_t i = 0; i < sizeof(T); ++i) out.push_back(static_cast<char>(value >> (8 * i)));
}

}  // namespace

// The client library reads the socket through a table of functions. Ours is a copy of it in which the two
// places that wait call the hook: `read` for a plain socket, and `wait_io_or_timeout` for TLS, whose library
// asks for it when a socket that is set not to block has nothing. The library reads 16 KiB at a time for many
// small packets, so the hook costs nothing under load, and it runs only when there really is nothing.
struct BinlogStream::Pvio : PVIO_METHODS {
  Pvio(NET& session_net, int socket, WaitHook hook)
      : PVIO_METHODS(*session_net.pvio->methods),
        net(session_net),
        pvio(session_net.pvio),
        original(pvio->methods),
        fd(socket),
        wait(std::move(hook)) {
    this->read = &Pvio::plain_read;
    this->wait_io_or_timeout = &Pvio::tls_wait;
    const int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
      throw IoError(ExitCode::software, "fcntl", errno);
    pvio->methods = this;
  }
  ~Pvio() {
    if (net.pvio == pvio)
      pvio->methods = original;  // the library frees its part of the session with an error
  }
  Pvio(const Pvio&) = delete;
  Pvio& operator=(const Pvio&) = delete;

  static ssize_t plain_read(MARIADB_PVIO* target, unsigned char* buffer, size_t length) {
    Pvio& self = *static_cast<Pvio*>(target->methods);
    for (;;) {
      const ssize_t got = recv(self.fd, buffer, length, MSG_DONTWAIT);
      if (got >= 0) return got;
      if (errno == EINTR) continue;
      if (errno != EAGAIN && errno != EWOULDBLOCK) return -1;
      if (!self.wait_for_data()) return -1;
    }
  }
  static int tls_wait(MARIADB_PVIO* target, my_bool, int) {
    return static_cast<Pvio*>(target->methods)->wait_for_data() ? 1 : -1;
  }

  // An exception must not pass through the library's C code: it is kept for next().
  bool wait_for_data() noexcept {
    try {
      waited = wait(fd, patience);
    } catch (...) {
      waited = Waited::stop;
      failure = std::current_exception();
    }
    return waited == Waited::readable;
  }

  NET& net;
  MARIADB_PVIO* pvio;
  PVIO_METHODS* original;
  int fd;
  WaitHook wait;
  std::chrono::milliseconds patience = kStartPatience, heartbeat{};
  Waited waited = Waited::readable;  // how the newest wait ended
  std::exception_ptr failure;
};

BinlogStream::BinlogStream(Connection connection, const DumpRequest& request, WaitHook wait)
    : connection_(std::move(connection)), stops_at_end_(request.stop_at_end) {
  introduce(request);
  send_dump(request);
  pvio_ = std::make_unique<Pvio>(connection_.raw()->net, connection_.socket_fd(),
                                 wait ? std::move(wait) : WaitHook(&wait_readable));
  pvio_->heartbeat = request.heartbeat;
}

BinlogStream::~BinlogStream() = default;

void BinlogStream::introduce(const DumpRequest& request) {
  const std::string uuid = random_uuid();
  const std::string period = std::to_string(std::chrono::nanoseconds(request.heartbeat).count());
  std::string set = "SET ";
  // Each under both of its names; servers look at the one that they know. CRC32 says that we understand
  // checksums, not that there are any. A reader with the same uuid as ours would be thrown out for us, so it
  // is random.
  for (const std::string_view name : {"source", "master"}) {
    set.append("@").append(name).append("_binlog_checksum = 'CRC32', ");
    set.append("@").append(name).append("_heartbeat_period = ").append(period).append(", ");
  }
  set += "@replica_uuid = '" + uuid + "', @slave_uuid = '" + uuid + "', ";
  if (connection_.server_version().flavor == Flavor::mariadb) {
    set +=
        "@mariadb_slave_capability = 4, ";  // GTIDs and all events as they are (MARIA_SLAVE_CAPABILITY_GTID)
    if (request.executed) set += "@slave_connect_state = '" + request.executed->text() + "', ";
  }
  // A consumer that is slow for a while must not look like a dead one.
  set += "SESSION net_write_timeout = 3600";
  connection_.exec(set);
}

void BinlogStream::send_dump(const DumpRequest& request) {
  const bool by_set = request.executed && connection_.server_version().flavor != Flavor::mariadb;
  // Heartbeats of the first kind have 32 bits for a position, and one may stand for more than 4 GiB that we have.
  const ServerVersion& version = connection_.server_version();
  const bool heartbeat_v2 = version.flavor != Flavor::mariadb && version.at_least(8, 0, 26);
  const std::uint16_t flags =
      (request.stop_at_end ? kDumpNonBlock : std::uint16_t{0}) | (heartbeat_v2 ? kDumpHeartbeatV2 : std::uint16_t{0});
  const std::uint32_t server_id = request.server_id != 0 ? request.server_id : random_server_id();
  const std::string_view file =
      request.executed ? std::string_view() : std::string_view(request.position.file);
  std::string packet;
  if (by_set) {
    const std::string set = request.executed->encode();
    put<std::uint16_t>(packet, flags | kDumpThroughGtid);
    put<std::uint32_t>(packet, server_id);
    put<std::uint32_t>(packet, 0);  // length of the file name: with one, the server would not check the set
    put<std::uint64_t>(packet, kFirstEvent);
    put<std::uint32_t>(packet, static_cast<std::uint32_t>(set.size()));
    packet += set;
  } else {
    const bool reachable = !request.executed && request.position.pos <= kFarthestDump;
    put<std::uint32_t>(packet, static_cast<std::uint32_t>(reachable ? request.position.pos : kFirstEvent));
    put<std::uint16_t>(packet, flags);
    put<std::uint32_t>(packet, server_id);
    packet += file;
  }
  MYSQL* mysql = connection_.raw();
  const auto command = static_cast<enum_server_command>(by_set ? kComBinlogDumpGtid : kComBinlogDump);
  if (mysql->methods->db_command(mysql, command, packet.data(), packet.size(), 1, nullptr) != 0) {
    connection_.throw_error("binlog dump");
  }
}

void BinlogStream::fail() const {
  const ServerError error = connection_.last_error("binlog dump");
  // As MySQL and MariaDB word it, for a slave or a replica.
  if (error.message().find("with the same server_uuid/server_id") == std::string::npos) throw error;
  throw ServerError(error.exit_code(), error.number(), error.sqlstate(), false,
                    error.message() + "; each reader and replica needs a number of its own: --server-id, which is random by itself");
}

std::optional<RawEvent> BinlogStream::next() {
  MYSQL* mysql = connection_.raw();
  const unsigned long length = mysql_net_read_packet(mysql);
  if (static_cast<unsigned int>(length) == std::numeric_limits<unsigned int>::max()) [[unlikely]] {
    if (pvio_->failure) std::rethrow_exception(pvio_->failure);
    if (pvio_->waited == Waited::stop) return std::nullopt;
    if (pvio_->waited == Waited::timed_out) {
      throw ServerError(ExitCode::temporary, 2013, "HY000", true,
                        connection_.name() + " has given no sign of life for " +
                            std::to_string(std::chrono::ceil<std::chrono::seconds>(pvio_->patience).count()) +
                            " s");
    }
    fail();
  }
  const std::uint8_t* packet = mysql->net.read_pos;
  if (length > 0 && length < 9 && packet[0] == 0xfe) {  // EOF packet
    if (stops_at_end_) return std::nullopt;
    // A dump thread that is killed ends so, too (Binlog_sender::cleanup).
    throw ServerError(ExitCode::temporary, 2013, "HY000", true, connection_.name() + " has ended the dump");
  }
  if (length == 0 || packet[0] != 0) {
    throw DecodeError(0, "binlog dump: packet of " + std::to_string(length) + " bytes that is no event");
  }
  pvio_->patience = 3 * pvio_->heartbeat;
  bytes_read_ += length - 1;
  return RawEvent{{packet + 1, length - 1}, {}, 0};
}

}  // namespace cdc
