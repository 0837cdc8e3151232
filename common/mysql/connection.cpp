// SPDX-License-Identifier: Apache-2.0
#include "common/mysql/connection.hpp"

// clang-format off
#include <mysql.h>  // the others need its types
#include <errmsg.h>
#include <ma_pvio.h>
#include <mysqld_error.h>
// clang-format on

#include <sys/socket.h>

#include <algorithm>
#include <tuple>

#include "common/base/text.hpp"

namespace cdc {
namespace {

// In MySQL's numbering, where the header of libmariadb has another error or none.
constexpr unsigned kAccountLocked = 3118, kInsecureTransport = 3159, kClientInteractionTimeout = 4031;

// The library's own text has a dangling pointer in it (3.3.20).
constexpr const char* kPluginNotAllowed =
    "the server asks for a login plugin that would show it the password; this takes a unix socket or "
    "ssl-mode verify-ca or verify-identity";

// How libmariadb tells that the network failed below TLS: "Connection reset by peer (104)" or an end of data.
bool is_network_failure(std::string_view tls_error) {
  if (tls_error.find("unexpected eof") != tls_error.npos) return true;
  const std::size_t open = tls_error.rfind('(');
  return tls_error.ends_with(')') && open != tls_error.npos &&
         parse_uint(tls_error.substr(open + 1, tls_error.size() - open - 2)).value_or(0) != 0;
}

// An error that the server sent instead of its greeting, before TLS; the library wraps it: "… The authenticity of the
// following error cannot be verified: 1130 - Host 'x' is not allowed …". 0 when `message` is nothing of the kind.
unsigned number_before_tls(std::string_view message) {
  constexpr std::string_view kLead = "cannot be verified: ";
  const std::size_t lead = message.find(kLead);
  if (lead == message.npos) return 0;
  message.remove_prefix(lead + kLead.size());
  return static_cast<unsigned>(parse_uint(message.substr(0, message.find(' '))).value_or(0));
}

struct FreeResult {
  void operator()(MYSQL_RES* result) const { mysql_free_result(result); }
};

}  // namespace

ErrorClass classify_mysql_error(unsigned number) {
  switch (number) {
    case ER_DBACCESS_DENIED_ERROR:
    case ER_ACCESS_DENIED_ERROR:
    case ER_HOST_IS_BLOCKED:
    case ER_HOST_NOT_PRIVILEGED:
    case ER_TABLEACCESS_DENIED_ERROR:
    case ER_COLUMNACCESS_DENIED_ERROR:
    case ER_SPECIFIC_ACCESS_DENIED_ERROR:
    case ER_PROCACCESS_DENIED_ERROR:
    case ER_ACCESS_DENIED_NO_PASSWORD_ERROR:
    case ER_MUST_CHANGE_PASSWORD:
    case ER_MUST_CHANGE_PASSWORD_LOGIN:
    case kAccountLocked:
    case ER_ACCOUNT_HAS_BEEN_LOCKED:
      return {ExitCode::denied, false};
    case CR_CONNECTION_ERROR:
    case CR_CONN_HOST_ERROR:
    case CR_IPSOCK_ERROR:
    case CR_UNKNOWN_HOST:  // also a name server that does not answer
    case CR_SERVER_GONE_ERROR:
    case CR_SERVER_HANDSHAKE_ERR:
    case CR_SERVER_LOST:
    case CR_SERVER_LOST_EXTENDED:
    case CR_ERR_NET_READ:
    case CR_ERR_NET_WRITE:
    case ER_CON_COUNT_ERROR:
    case ER_OUT_OF_RESOURCES:
    case ER_SERVER_SHUTDOWN:
    case ER_NORMAL_SHUTDOWN:
    case ER_ABORTING_CONNECTION:
    case ER_NET_READ_ERROR:
    case ER_NET_READ_INTERRUPTED:
    case ER_NET_ERROR_ON_WRITE:
    case ER_NET_WRITE_INTERRUPTED:
    case ER_NEW_ABORTING_CONNECTION:
    case ER_TOO_MANY_USER_CONNECTIONS:
    case ER_USER_LIMIT_REACHED:
    case ER_LOCK_WAIT_TIMEOUT:
    case ER_LOCK_DEADLOCK:
    case ER_QUERY_INTERRUPTED:
    case ER_CONNECTION_KILLED:
    case ER_SERVER_OFFLINE_MODE:
    case kClientInteractionTimeout:
      return {ExitCode::temporary, true};
    case ER_BAD_DB_ERROR:
    case ER_NO_SUCH_TABLE:
    case ER_MASTER_FATAL_ERROR_READING_BINLOG:
      return {ExitCode::refused, false};
    case kInsecureTransport:
    default:
      return {ExitCode::config, false};
  }
}

std::string_view flavor_text(Flavor flavor) {
  switch (flavor) {
    case Flavor::mysql:
      return "MySQL";
    case Flavor::percona:
      return "Percona Server";
    case Flavor::mariadb:
      return "MariaDB";
  }
  return "";
}

ServerVersion ServerVersion::parse(std::string text, std::string comment) {
  ServerVersion version;
  const auto contains = [](std::string_view where, std::string_view what) {
    return where.find(what) != where.npos;
  };
  if (contains(text, "MariaDB") || contains(comment, "mariadb.org")) {
    version.flavor = Flavor::mariadb;
  } else if (contains(comment, "Percona")) {
    version.flavor = Flavor::percona;
  }
  std::string_view rest = text;
  constexpr std::string_view kReplicationPrefix =
      "5.5.5-";  // MariaDB's, for replicas that know no version 10
  if (version.flavor == Flavor::mariadb && rest.starts_with(kReplicationPrefix))
    rest.remove_prefix(kReplicationPrefix.size());
  for (unsigned* part : {&version.major, &version.minor, &version.patch}) {
    const std::string_view digits =
        rest.substr(0, std::min(rest.find_first_not_of("0123456789"), rest.size()));
    *part = static_cast<unsigned>(parse_uint(digits).value_or(0));
    rest.remove_prefix(digits.size());
    if (!rest.starts_with('.')) break;
    rest.remove_prefix(1);
  }
  version.text = std::move(text);
  version.comment = std::move(comment);
  return version;
}

bool ServerVersion::at_least(unsigned wanted_major, unsigned wanted_minor, unsigned wanted_patch) const {
  return std::tuple(major, minor, patch) >= std::tuple(wanted_major, wanted_minor, wanted_patch);
}

std::optional<std::size_t> ResultSet::column(std::string_view name) const {
  for (std::size_t i = 0; i < columns.size(); ++i)
    if (lower_ascii(columns[i]) == lower_ascii(name)) return i;
  return std::nullopt;
}

void Connection::Close::operator()(MYSQL* mysql) const {
  mysql_close(mysql);
}

Connection::~Connection() = default;
Connection::Connection(Connection&& other) noexcept = default;
Connection& Connection::operator=(Connection&& other) noexcept = default;

ServerError Connection::last_error(std::string_view context) const {
  unsigned number = mysql_errno(mysql_.get());
  if (number == CR_CONNECTION_ERROR)
    if (const unsigned wrapped = number_before_tls(mysql_error(mysql_.get()))) number = wrapped;
  ErrorClass kind = classify_mysql_error(number);
  // In a session that once stood, TLS can only fail because the connection did.
  if (number == CR_SSL_CONNECTION_ERROR && (fd_ >= 0 || is_network_failure(mysql_error(mysql_.get()))))
    kind = {ExitCode::temporary, true};
  std::string message = name_ + ": ";
  if (!context.empty()) message.append(context).append(": ");
  message.append(number == CR_PLUGIN_NOT_ALLOWED ? kPluginNotAllowed : mysql_error(mysql_.get()));
  message.append(" (").append(std::to_string(number)).append(")");
  return ServerError(kind.code, number, mysql_sqlstate(mysql_.get()), kind.transient, std::move(message));
}

void Connection::throw_error(std::string_view context) const {
  throw last_error(context);
}

void Connection::read_version() {
  const ResultSet result = query("SELECT VERSION(), @@version_comment");
  if (result.empty())
    throw ServerError(ExitCode::config, 0, "HY000", false, name_ + ": the server tells no version");
  version_ = ServerVersion::parse(result.rows[0].at(0).value_or(""), result.rows[0].at(1).value_or(""));
}

void Connection::query_stream(std::string_view sql, const std::function<void(RowView)>& on_row) {
  stream(
      sql, [](const std::vector<std::string>&) {}, on_row);
}

void Connection::stream(std::string_view sql,
                        const std::function<void(const std::vector<std::string>&)>& on_columns,
                        const std::function<void(RowView)>& on_row) {
  if (mysql_real_query(mysql_.get(), sql.data(), sql.size()) != 0) throw_error("");
  const std::unique_ptr<MYSQL_RES, FreeResult> result(mysql_use_result(mysql_.get()));
  if (!result) {
    if (mysql_errno(mysql_.get()) != 0) throw_error("");
    return;  // a statement without a result
  }
  const unsigned count = mysql_num_fields(result.get());
  std::vector<std::string> columns;
  for (unsigned i = 0; i < count; ++i) columns.emplace_back(mysql_fetch_field_direct(result.get(), i)->name);
  on_columns(columns);
  std::vector<std::optional<std::string_view>> fields(count);
  while (const MYSQL_ROW row = mysql_fetch_row(result.get())) {
    const unsigned long* lengths = mysql_fetch_lengths(result.get());
    for (unsigned i = 0; i < count; ++i)
      fields[i] = row[i] ? std::optional(std::string_view(row[i], lengths[i])) : std::nullopt;
    try {
      on_row(fields);
    } catch (...) {
      interrupt();  // freeing the result would read all the rest of it
      throw;
    }
  }
  if (mysql_errno(mysql_.get()) != 0) throw_error("");
}

ResultSet Connection::query(std::string_view sql, std::size_t max_rows) {
  ResultSet set;
  stream(
      sql, [&](const std::vector<std::string>& columns) { set.columns = columns; },
      [&](RowView row) {
        if (set.rows.size() == max_rows)
          throw DataError(name_ + ": more than " + std::to_string(max_rows) +
                          " rows for: " + std::string(sql));
        set.rows.emplace_back(row.begin(), row.end());
      });
  return set;
}

Field Connection::query_value(std::string_view sql) {
  ResultSet set = query(sql);
  if (set.empty() || set.columns.empty()) return std::nullopt;
  return std::move(set.rows[0][0]);
}

void Connection::exec(std::string_view sql) {
  query_stream(sql, [](RowView) {});
}

std::string Connection::quote(std::string_view text) const {
  std::string out(2 * text.size() + 3, '\0');
  out[0] = '\'';
  const unsigned long length =
      mysql_real_escape_string(mysql_.get(), out.data() + 1, text.data(), text.size());
  out.resize(1 + length);
  return out + "'";
}

std::string Connection::quote_name(std::string_view name) {
  std::string out = "`";
  for (const char c : name) out.append(c == '`' ? 2 : 1, c);
  return out + "`";
}

std::uint64_t Connection::thread_id() const {
  return mysql_thread_id(mysql_.get());
}

void Connection::set_read_timeout(std::chrono::seconds timeout) {
  const auto seconds = static_cast<unsigned>(timeout.count());
  mysql_options(mysql_.get(), MYSQL_OPT_READ_TIMEOUT, &seconds);  // what TLS reads look at
  MARIADB_PVIO* pvio = mysql_->net.pvio;
  if (pvio && pvio->methods->set_timeout)
    pvio->methods->set_timeout(pvio, PVIO_READ_TIMEOUT, static_cast<int>(seconds));
}

int Connection::socket_fd() const {
  return fd_;
}

void Connection::interrupt() const noexcept {
  if (fd_ >= 0) ::shutdown(fd_, SHUT_RDWR);
}

}  // namespace cdc
