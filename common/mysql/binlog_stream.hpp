// SPDX-License-Identifier: Apache-2.0
// BinlogStream: a server's binlog dump as a source of events. It owns its Connection, asks for the dump when
// it is constructed, and ends with its first error: make a new one to go on. An event's bytes live until
// next(). It never reconnects, expands or checks events, and it blocks only inside the WaitHook. Files are
// named by the ROTATE events that the server makes up; EventReader follows them. Protocol: MySQL manual
// "COM_BINLOG_DUMP", "COM_BINLOG_DUMP_GTID"; sql/rpl_source.cc; MariaDB "COM_BINLOG_DUMP".
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>

#include "common/binlog/event.hpp"
#include "common/model/gtid.hpp"
#include "common/model/position.hpp"
#include "common/mysql/connection.hpp"
#include "common/mysql/wait_hook.hpp"

namespace cdc {

// The last position that a dump by file and offset can name: the protocol has 32 bits for it. Asked for one
// beyond, the dump begins at the file's first event, and skipping is up to the caller.
constexpr std::uint64_t kFarthestDump = UINT32_MAX;

struct DumpRequest {
  // With a set: all transactions that it lacks (MySQL's auto-position needs gtid_mode ON; MariaDB its own
  // GTIDs).
  std::optional<GtidSet> executed;
  // Else from this byte, which must be an event's first: the server does not check. See kFarthestDump.
  BinlogPosition position;

  bool stop_at_end = false;     // next() returns nullopt at the end of the log instead of waiting for more
  std::uint32_t server_id = 0;  // 0: a random one, high
  std::chrono::milliseconds heartbeat{10'000};  // silence after which the server gives a sign of life
};

class BinlogStream final : public EventSource {
 public:
  // ServerError as of Connection; error 1236 (a refused start) mostly comes with the first next().
  BinlogStream(Connection connection, const DumpRequest& request, WaitHook wait = {});
  ~BinlogStream() override;
  BinlogStream(BinlogStream&&) = delete;

  // nullopt: the end of the log (stop_at_end; a dump thread that is killed may say the same), or the hook said stop.
  // ServerError when the server refuses or the connection is lost, also when it has been silent for three heartbeats
  // (transient); TLS or not.
  std::optional<RawEvent> next() override;

  const Connection& connection() const { return connection_; }
  // Bytes of events received so far.
  std::uint64_t bytes_read() const { return bytes_read_; }

 private:
  struct Pvio;  // stands between the client library and the socket

  void introduce(const DumpRequest& request);
  void send_dump(const DumpRequest& request);
  [[noreturn]] void fail() const;

  Connection connection_;
  bool stops_at_end_;
  std::unique_ptr<Pvio> pvio_;
  std::uint64_t bytes_read_ = 0;
};

}  // namespace cdc
