// SPDX-License-Identifier: Apache-2.0
// Connection: one session with a MySQL, Percona or MariaDB server, over the C client library. It is open from
// construction to destruction and reconnects never: after an error whose transient() is true it is of no more
// use, make a new one. One thread at a time, except interrupt(). Text of the server is UTF-8 (utf8mb4).
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/error.hpp"

struct st_mysql;  // MYSQL of <mysql.h>, for the files of this room only

namespace cdc {

// As the mysql client's --ssl-mode, over TCP and unix sockets alike; but preferred means plain on a socket,
// and a given CA is held against the server's certificate in every mode that uses TLS.
enum class SslMode { disabled, preferred, required, verify_ca, verify_identity };
std::optional<SslMode> parse_ssl_mode(std::string_view text);  // any case, "verify-ca" or "VERIFY_CA"
std::string_view ssl_mode_text(SslMode mode);

struct ServerAddress {
  std::string host;
  std::uint16_t port = 3306;
  bool operator==(const ServerAddress&) const = default;
};

struct ConnectOptions {
  std::vector<ServerAddress> hosts;  // tried in turn; unused with a socket
  std::string socket;                // path of a unix socket, "" for TCP
  std::string user, password;
  SslMode ssl_mode = SslMode::preferred;
  std::string ssl_ca, ssl_cert, ssl_key;  // PEM files
  std::chrono::seconds connect_timeout{10};
  std::chrono::seconds read_timeout{60};  // silence after which the server counts as lost; 0: for ever
  std::uint32_t server_id = 0;            // for a binlog dump
  std::string program;                    // program_name among the session's connection attributes
};

enum class Flavor { mysql, percona, mariadb };
std::string_view flavor_text(Flavor flavor);  // "MySQL", …

struct ServerVersion {
  Flavor flavor = Flavor::mysql;
  unsigned major = 0, minor = 0, patch = 0;
  std::string text;     // VERSION(): "9.7.4", "10.11.6-MariaDB-log"
  std::string comment;  // @@version_comment

  // "9.7.4-log", "5.5.5-10.11.6-MariaDB" and the like.
  static ServerVersion parse(std::string text, std::string comment);
  bool at_least(unsigned wanted_major, unsigned wanted_minor, unsigned wanted_patch = 0) const;
};

using Field = std::optional<std::string>;  // nullopt: SQL NULL

struct ResultSet {
  std::vector<std::string> columns;
  std::vector<std::vector<Field>> rows;

  bool empty() const { return rows.empty(); }
  // Index of a column by its name, any case; nullopt when the server's version does not have it.
  std::optional<std::size_t> column(std::string_view name) const;
};

class Connection {
 public:
  // Tries each host until one answers; a refusal by one of them (access denied, wrong certificate) is final.
  // Throws ServerError with the exit code denied, temporary or config. Messages name user, host and port.
  explicit Connection(const ConnectOptions& options);
  ~Connection();
  Connection(Connection&& other) noexcept;
  Connection& operator=(Connection&& other) noexcept;

  // One statement that returns rows, all of them in memory. DataError when there are more than `max_rows`;
  // the session is over then.
  ResultSet query(std::string_view sql, std::size_t max_rows = 100'000);
  // First field of the first row; nullopt for no row or NULL.
  Field query_value(std::string_view sql);
  // Hands out rows while they arrive, without limit. Views live until `on_row` returns; if it throws, the
  // session is over.
  using RowView = std::span<const std::optional<std::string_view>>;
  void query_stream(std::string_view sql, const std::function<void(RowView)>& on_row);
  // One statement without a result.
  void exec(std::string_view sql);

  // 'text' as a string literal for this session, and `name` as an identifier.
  std::string quote(std::string_view text) const;
  static std::string quote_name(std::string_view name);

  const ServerVersion& server_version() const { return version_; }
  const ServerAddress& address() const {
    return address_;
  }                                                  // of the host that answered; host "" for a socket
  const std::string& name() const { return name_; }  // "repl@db1:3306", for messages
  std::uint64_t thread_id() const;
  const std::string& tls_cipher() const { return tls_cipher_; }    // "" without TLS
  const std::string& tls_version() const { return tls_version_; }  // "TLSv1.3"

  // How long a read may wait from now on; 0: for ever.
  void set_read_timeout(std::chrono::seconds timeout);
  int socket_fd() const;
  // Makes a blocked call and every later one fail as a lost connection. Async-signal-safe, from any thread.
  void interrupt() const noexcept;

  // For common/mysql only: the session itself, and the error that it holds now as a ServerError ("context:
  // …").
  st_mysql* raw() const { return mysql_.get(); }
  ServerError last_error(std::string_view context) const;
  [[noreturn]] void throw_error(std::string_view context) const;

 private:
  struct Close {
    void operator()(st_mysql* mysql) const;
  };
  // nullopt when connected.
  std::optional<ServerError> try_open(const ConnectOptions& options, const ServerAddress& address);
  void stream(std::string_view sql, const std::function<void(const std::vector<std::string>&)>& on_columns,
              const std::function<void(RowView)>& on_row);
  void read_version();

  std::unique_ptr<st_mysql, Close> mysql_;
  int fd_ = -1;
  ServerAddress address_;
  std::string name_, tls_cipher_, tls_version_;
  ServerVersion version_;
};

// "MariaDB Connector/C 3.3.20", for --version.
std::string client_library_text();

// An error number of server or client library as exit code and transience: 1045, 1044, 1227, 1142 … denied
// (77); 2002, 2003, 2006, 2013, 1040, 1053 … transient (75); the dump's 1236 is refused (69); the rest config
// (78).
struct ErrorClass {
  ExitCode code;
  bool transient;
};
ErrorClass classify_mysql_error(unsigned number);

}  // namespace cdc
