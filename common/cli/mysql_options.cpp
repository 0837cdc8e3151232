// SPDX-License-Identifier: Apache-2.0
#include "common/cli/mysql_options.hpp"

#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <random>

#include "common/base/fd.hpp"
#include "common/base/text.hpp"
#include "common/cli/password.hpp"

namespace cdc {
namespace {

struct Declaration {
  const char* name;  // CLI11's: "-h,--host"
  const char* value;
  const char* help;
};
constexpr Declaration kDeclarations[] = {
    {"-h,--host", "LIST", "HOST[:PORT],... tried in turn (localhost: the socket)"},
    {"-P,--port", "N", "TCP port (3306)"},
    {"-u,--user", "NAME", "User (the login name)"},
    {"-S,--socket", "PATH", "Unix socket"},
    {"--password-file", "FILE", "Password in its first line; mode 600"},
    {"--defaults-file", "FILE", "Read this option file and no other"},
    {"--defaults-extra-file", "FILE", "Read this option file before ~/.my.cnf"},
    {"--ssl-mode", "MODE",
     "disabled, preferred, required, verify-ca or verify-identity (preferred; with a CA verify-ca)"},
    {"--ssl-ca", "FILE", "Certificates of the authorities to trust"},
    {"--ssl-cert", "FILE", "Our certificate"},
    {"--ssl-key", "FILE", "Its key"},
    {"--connect-timeout", "TIME", "For each host (10s)"},
    {"--server-id", "N", "Of the replica that we are (random, high)"},
};
constexpr std::string_view kInFiles[] = {"host",     "port",   "user",     "password", "socket",
                                         "ssl-mode", "ssl-ca", "ssl-cert", "ssl-key",  "connect-timeout",
                                         "server-id"};
constexpr const char* kDefaultSocket = "/run/mysqld/mysqld.sock";

[[noreturn]] void refuse(const Setting& setting, const std::string& message) {
  if (setting.from_flag) throw UsageError(setting.origin + ": " + message);
  throw ConfigError(setting.origin + ": " + message);
}

bool is_off(const FileOption& option) {
  const std::string value = lower_ascii(option.value.value_or("1"));
  return value == "0" || value == "off" || value == "false";
}

// MariaDB's spellings: ssl, skip-ssl and ssl-verify-server-cert. Whether `option` was one of them.
bool apply_mariadb_tls(const FileOption& option, Settings& settings) {
  std::optional<SslMode> mode;
  if (option.name == "skip-ssl" || option.name == "disable-ssl") {
    mode = SslMode::disabled;
  } else if (option.name == "ssl") {
    mode = is_off(option) ? SslMode::disabled : SslMode::required;
  } else if (option.name == "ssl-verify-server-cert") {
    if (is_off(option)) return true;  // what nobody asked for is not done anyway
    mode = SslMode::verify_identity;
  } else {
    return false;
  }
  const auto old = settings.find("ssl-mode");
  if (old != settings.end() && *mode != SslMode::disabled) {  // "ssl" does not weaken what came before
    const std::optional<SslMode> before = parse_ssl_mode(old->second.value);
    if (before && *before > *mode) return true;
  }
  settings["ssl-mode"] = {std::string(ssl_mode_text(*mode)), option.where(), option.file};
  return true;
}

std::uint64_t number_between(const Setting& setting, std::uint64_t low, std::uint64_t high) {
  const std::optional<std::uint64_t> number = parse_uint(setting.value);
  if (!number || *number < low || *number > high)
    refuse(setting, "'" + setting.value + "' is no number from " + std::to_string(low) + " to " +
                        std::to_string(high));
  return *number;
}

ServerAddress parse_address(const Setting& setting, std::string_view text, std::uint16_t default_port) {
  ServerAddress address{std::string(text), default_port};
  std::string_view port;
  const std::size_t colon = text.rfind(':');
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == text.npos) refuse(setting, "a bracket is not closed");
    address.host = std::string(text.substr(1, end - 1));
    if (end + 1 < text.size()) {
      if (text[end + 1] != ':') refuse(setting, "only a port may follow a bracket");
      port = text.substr(end + 2);
      if (port.empty()) port = ":";  // no number
    }
  } else if (colon != text.npos && text.find(':') == colon) {  // more than one: a bare IPv6 address
    address.host = std::string(text.substr(0, colon));
    port = text.substr(colon);
    port.remove_prefix(port.size() > 1);
  }
  // libmariadb would read '=', ';' and "://" in a host as something else.
  const bool sane = std::all_of(address.host.begin(), address.host.end(), [](unsigned char c) {
    return std::string_view("-._:%").find(static_cast<char>(c)) != std::string_view::npos ||
           (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c >= 0x80;
  });
  if (address.host.empty() || !sane) refuse(setting, "'" + address.host + "' is no host name");
  if (!port.empty()) {
    Setting number = setting;
    number.value = std::string(port);
    address.port = static_cast<std::uint16_t>(number_between(number, 1, 65535));
  }
  return address;
}

std::string login_name() {
  const passwd* entry = ::getpwuid(::geteuid());
  if (!entry) throw UsageError("--user is needed: this process has no login name");
  return entry->pw_name;
}

std::uint32_t random_server_id() {
  std::random_device random;
  return std::uniform_int_distribution<std::uint32_t>(0x80000000, 0xfffffffe)(random);
}

class Resolver {
 public:
  explicit Resolver(const Settings& settings) : settings_(settings) {}

  ConnectOptions resolve() {
    resolve_place();
    options_.user = text("user");
    if (options_.user.empty()) options_.user = login_name();
    options_.ssl_ca = text("ssl-ca");
    options_.ssl_cert = text("ssl-cert");
    options_.ssl_key = text("ssl-key");
    resolve_ssl_mode();
    if (const Setting* timeout = find("connect-timeout")) {
      const std::optional<std::int64_t> ms = parse_duration_ms(timeout->value);
      if (!ms || *ms <= 0 || *ms > std::numeric_limits<std::int32_t>::max())
        refuse(*timeout, "'" + timeout->value + "' is no duration (10s, 2m)");
      options_.connect_timeout = std::chrono::ceil<std::chrono::seconds>(std::chrono::milliseconds(*ms));
    }
    const Setting* id = find("server-id");
    options_.server_id =
        id ? static_cast<std::uint32_t>(number_between(*id, 1, 0xffffffff)) : random_server_id();
    resolve_password();
    return std::move(options_);
  }

 private:
  const Setting* find(std::string_view name) const {
    const auto found = settings_.find(name);
    return found == settings_.end() ? nullptr : &found->second;
  }
  std::string text(std::string_view name) const {
    const Setting* setting = find(name);
    return setting ? setting->value : "";
  }

  // Socket or hosts. A name other than localhost means TCP, as does a port that the user typed.
  void resolve_place() {
    const Setting* host = find("host");
    const Setting* socket = find("socket");
    const Setting* port = find("port");
    const std::uint16_t default_port =
        port ? static_cast<std::uint16_t>(number_between(*port, 1, 65535)) : 3306;
    const bool remote = host && !host->value.empty() && lower_ascii(host->value) != "localhost";
    if (remote && socket && host->from_flag && socket->from_flag)
      throw UsageError("--socket and --host exclude each other");
    const bool typed_socket = socket && socket->from_flag;
    if (remote && !typed_socket) {
      options_.hosts = parse_hosts(*host, default_port);
    } else if (port && port->from_flag && !typed_socket) {
      options_.hosts = {{"localhost", default_port}};
    } else {
      options_.socket = socket && !socket->value.empty() ? socket->value : kDefaultSocket;
    }
  }

  void resolve_ssl_mode() {
    const Setting* mode = find("ssl-mode");
    const Setting* ca = find("ssl-ca");
    const SslMode implied = options_.ssl_ca.empty() ? SslMode::preferred : SslMode::verify_ca;
    if (!mode) {
      options_.ssl_mode = implied;
      return;
    }
    const std::optional<SslMode> parsed = parse_ssl_mode(mode->value);
    if (!parsed)
      refuse(*mode,
             "'" + mode->value + "' is none of disabled, preferred, required, verify-ca, verify-identity");
    // A CA that the user typed asks for more than a mode in some option file.
    options_.ssl_mode = ca && ca->from_flag && !mode->from_flag ? std::max(*parsed, implied) : *parsed;
    if (*parsed >= SslMode::verify_ca && options_.ssl_ca.empty())
      refuse(*mode, std::string(ssl_mode_text(*parsed)) +
                        " needs --ssl-ca (for public authorities /etc/ssl/certs/ca-certificates.crt)");
  }

  void resolve_password() {
    if (const Setting* file = find("password-file")) {
      options_.password = read_password_file(file->value);
    } else if (const Setting* password = find("password")) {
      if (password->ask) {
        const std::string place = options_.socket.empty() ? options_.hosts.front().host : "localhost";
        options_.password = ask_password("Password for " + options_.user + "@" + place + ": ");
      } else {
        if (!password->file.empty()) require_private_file(password->file);
        options_.password = password->value;
      }
    }
  }

  const Settings& settings_;
  ConnectOptions options_;
};

}  // namespace

void apply_file_options(const std::vector<FileOption>& options, Settings& settings) {
  for (const FileOption& option : options) {
    if (std::find(std::begin(kInFiles), std::end(kInFiles), option.name) != std::end(kInFiles)) {
      const bool ask = option.name == "password" && !option.value;
      if (!option.value && !ask) throw ConfigError(option.where() + ": " + option.name + " needs a value");
      settings[option.name] = {option.value.value_or(""), option.where(), option.file, false, ask};
    } else if (!apply_mariadb_tls(option, settings) && !option.loose) {
      if (option.name.starts_with("ssl-") || option.name.starts_with("tls-"))
        throw ConfigError(option.where() + ": the TLS setting " + option.name +
                          " is not supported and not ignored either; use --defaults-file or --no-defaults");
      if (option.group != "client") throw ConfigError(option.where() + ": unknown option " + option.name);
    }
  }
}

std::vector<ServerAddress> parse_hosts(const Setting& setting, std::uint16_t default_port) {
  // Before anything of it is repeated in a message.
  if (setting.value.find('@') != std::string::npos)
    refuse(setting, "a host name has no '@'; user and password have options of their own");
  std::vector<ServerAddress> hosts;
  for (const std::string_view part : split(setting.value, ','))
    hosts.push_back(parse_address(setting, trim(part), default_port));
  return hosts;
}

void MysqlOptions::declare(App& app) {
  constexpr const char* kGroup = "Connection";
  tool_ = app.about().name;
  for (const Declaration& declared : kDeclarations) {
    const std::string name =
        std::string(declared.name).substr(std::string_view(declared.name).find("--") + 2);
    app.cli()
        .add_option(declared.name, flags_[name], declared.help)
        ->type_name(declared.value)
        ->group(kGroup);
    if (name == "socket")
      app.cli()
          .add_flag("-p,--password", ask_password_, "Ask for the password on the terminal")
          ->group(kGroup);
  }
  app.cli().add_flag("--no-defaults", no_defaults_, "Read no option file")->group(kGroup);
}

bool MysqlOptions::given() const {
  return ask_password_ ||  // --no-defaults alone says how to connect, not that we should
         std::any_of(flags_.begin(), flags_.end(), [](const auto& flag) { return flag.second.has_value(); });
}

Settings MysqlOptions::collect() const {
  Settings settings;
  for (const auto& [variable, name] : {std::pair{"MYSQL_HOST", "host"},
                                       {"MYSQL_TCP_PORT", "port"},
                                       {"MYSQL_UNIX_PORT", "socket"},
                                       {"MYSQL_PWD", "password"}})
    if (const char* value = std::getenv(variable); value && *value) settings[name] = {value, variable, ""};

  const std::optional<std::string>& only = flags_.at("defaults-file");
  const std::optional<std::string>& extra = flags_.at("defaults-extra-file");
  if (no_defaults_ && (only || extra))
    throw UsageError("--no-defaults excludes --defaults-file and --defaults-extra-file");
  if (only && extra) throw UsageError("--defaults-file and --defaults-extra-file exclude each other");
  std::vector<std::string> files;
  if (only) {
    files = {*only};
  } else if (!no_defaults_) {
    files = standard_option_files(extra);
  }
  for (const std::string& file : files)
    apply_file_options(read_option_file(file, {"client", "cdc", tool_}), settings);

  for (const auto& [name, value] : flags_)
    if (value) settings[name] = {*value, "--" + name, "", true};
  if (ask_password_) {
    if (flags_.at("password-file")) throw UsageError("--password and --password-file exclude each other");
    settings["password"] = {"", "--password", "", true, true};
  }
  return settings;
}

ConnectOptions MysqlOptions::resolve() const {
  ConnectOptions options = Resolver(collect()).resolve();
  options.program = tool_;
  return options;
}

}  // namespace cdc
