// SPDX-License-Identifier: Apache-2.0
// The opening of a Connection: hosts in turn, TLS as asked for, and nothing sent that an onlooker could use.
#include <mysql.h>
#include <strings.h>

#include <algorithm>

#include "common/base/fd.hpp"
#include "common/base/text.hpp"
#include "common/mysql/connection.hpp"

namespace cdc {
namespace {

// Login plugins that never send the password itself except under TLS. The library would load any that the
// server names, mysql_clear_password too.
constexpr const char* kSafePlugins =
    "mysql_native_password,caching_sha2_password,sha256_password,client_ed25519";
// Where only the right server can listen, PAM and LDAP accounts may have their way.
constexpr const char* kAllPlugins =
    "mysql_native_password,caching_sha2_password,sha256_password,client_ed25519,mysql_clear_password,dialog";

void set_flag(MYSQL* mysql, mysql_option option, bool value) {
  const my_bool flag = value ? 1 : 0;
  mysql_options(mysql, option, &flag);
}

void set_seconds(MYSQL* mysql, mysql_option option, std::chrono::seconds value) {
  const auto seconds = static_cast<unsigned>(value.count());
  mysql_options(mysql, option, &seconds);
}

void set_tls(MYSQL* mysql, const ConnectOptions& options) {
  SslMode mode = options.ssl_mode;
  if (mode == SslMode::preferred && !options.socket.empty()) mode = SslMode::disabled;
  const bool verified = mode >= SslMode::verify_ca;
  mysql_options(mysql, MARIADB_OPT_RESTRICTED_AUTH,
                verified || !options.socket.empty() ? kAllPlugins : kSafePlugins);
  if (mode == SslMode::disabled) return;
  set_flag(mysql, MYSQL_OPT_SSL_ENFORCE, true);  // in spite of its name only: if the server can
  mysql_options(mysql, MARIADB_OPT_TLS_VERSION, "TLSv1.2,TLSv1.3");
  const auto set_file = [&](mysql_option option, const std::string& path) {
    if (!path.empty()) mysql_options(mysql, option, path.c_str());
  };
  set_file(MYSQL_OPT_SSL_CA, options.ssl_ca);  // from here on the library checks the chain
  set_file(MYSQL_OPT_SSL_CERT, options.ssl_cert);
  set_file(MYSQL_OPT_SSL_KEY, options.ssl_key);
  if (mode == SslMode::preferred) return;
  // With any fingerprint set, libmariadb gives up before it sends a byte to a server without TLS; with none
  // it would log in, and a man in the middle who hides the server's TLS could offer an RSA key of his own for
  // the password. The empty one has this effect and is not compared with the certificate.
  mysql_options(mysql, MARIADB_OPT_TLS_PEER_FP, "");
  set_flag(mysql, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, mode == SslMode::verify_identity);  // chain and name
}

void check_options(const ConnectOptions& options) {
  if (options.hosts.empty() && options.socket.empty()) throw UsageError("no host to connect to");
  if (options.ssl_mode >= SslMode::verify_ca && options.ssl_ca.empty())
    throw ConfigError("ssl-mode " + std::string(ssl_mode_text(options.ssl_mode)) + " needs a CA certificate");
  if (options.ssl_mode == SslMode::disabled) return;
  for (const std::string& path : {options.ssl_ca, options.ssl_cert, options.ssl_key})
    if (!path.empty()) open_input(path);  // the library would only say "SSL error"
}

std::string place(const ConnectOptions& options, const ServerAddress& address) {
  if (!options.socket.empty()) return options.socket;
  const bool v6 = address.host.find(':') != std::string::npos;
  return (v6 ? "[" + address.host + "]" : address.host) + ":" + std::to_string(address.port);
}

// A process-wide initialisation that the library would do by itself, but not safely in threads.
void init_library() {
  static const int failed = mysql_library_init(0, nullptr, nullptr);
  if (failed) throw Error(ExitCode::software, "the MySQL client library does not start");
}

}  // namespace

std::optional<SslMode> parse_ssl_mode(std::string_view text) {
  std::string name = lower_ascii(text);
  std::replace(name.begin(), name.end(), '_', '-');
  for (const SslMode mode : {SslMode::disabled, SslMode::preferred, SslMode::required, SslMode::verify_ca,
                             SslMode::verify_identity})
    if (name == ssl_mode_text(mode)) return mode;
  return std::nullopt;
}

std::string_view ssl_mode_text(SslMode mode) {
  switch (mode) {
    case SslMode::disabled:
      return "disabled";
    case SslMode::preferred:
      return "preferred";
    case SslMode::required:
      return "required";
    case SslMode::verify_ca:
      return "verify-ca";
    case SslMode::verify_identity:
      return "verify-identity";
  }
  return "";
}

std::string client_library_text() { return std::string("MariaDB Connector/C ") + mysql_get_client_info(); }

Connection::Connection(const ConnectOptions& options) {
  check_options(options);
  init_library();
  const std::vector<ServerAddress> nowhere(1);
  std::string failures;
  for (const ServerAddress& address : options.socket.empty() ? options.hosts : nowhere) {
    std::optional<ServerError> error = try_open(options, address);
    if (!error) {
      read_version();
      return;
    }
    failures += (failures.empty() ? "" : "; ") + error->message();
    const bool last = !options.socket.empty() || &address == &options.hosts.back();
    if (last || !error->transient())
      throw ServerError(error->exit_code(), error->number(), error->sqlstate(), error->transient(), failures);
  }
}

std::optional<ServerError> Connection::try_open(const ConnectOptions& options, const ServerAddress& address) {
  const bool local = !options.socket.empty();
  address_ = local ? ServerAddress{"", 0} : address;
  name_ = options.user + "@" + place(options, address);
  mysql_.reset(mysql_init(nullptr));
  if (!mysql_) throw std::bad_alloc();
  MYSQL* mysql = mysql_.get();
  const unsigned protocol = local ? MYSQL_PROTOCOL_SOCKET : MYSQL_PROTOCOL_TCP;
  mysql_options(mysql, MYSQL_OPT_PROTOCOL, &protocol);
  mysql_options(mysql, MYSQL_SET_CHARSET_NAME, "utf8mb4");
  const unsigned no_local_infile = 0;  // or the server could ask for any file of ours
  mysql_options(mysql, MYSQL_OPT_LOCAL_INFILE, &no_local_infile);
  if (!options.program.empty())
    mysql_optionsv(mysql, MYSQL_OPT_CONNECT_ATTR_ADD, "program_name", options.program.c_str());
  set_seconds(mysql, MYSQL_OPT_CONNECT_TIMEOUT, options.connect_timeout);
  set_seconds(mysql, MYSQL_OPT_READ_TIMEOUT, options.read_timeout);
  set_seconds(mysql, MYSQL_OPT_WRITE_TIMEOUT, options.read_timeout);
  set_tls(mysql, options);
  // No null here: the library would take a host or password from the environment.
  if (!mysql_real_connect(mysql, local ? "localhost" : address.host.c_str(), options.user.c_str(),
                          options.password.c_str(), nullptr, address_.port,
                          local ? options.socket.c_str() : nullptr, 0))
    return last_error("cannot connect");
  fd_ = mysql_get_socket(mysql);
  const char* cipher = mysql_get_ssl_cipher(mysql);
  tls_cipher_ = cipher ? cipher : "";
  const char* version = nullptr;
  if (cipher) mariadb_get_infov(mysql, MARIADB_CONNECTION_TLS_VERSION, &version);
  tls_version_ = version ? version : "";
  if (options.ssl_mode >= SslMode::required && !cipher)  // a library that does not give up by itself
    return ServerError(ExitCode::config, 0, "HY000", false,
                       name_ + ": the server does not offer TLS, which ssl-mode asks for");
  return std::nullopt;
}

}  // namespace cdc
