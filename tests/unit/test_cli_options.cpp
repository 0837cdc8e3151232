// SPDX-License-Identifier: Apache-2.0
// Command lines and option files to ConnectOptions, StartPoint and StopPoint: which source wins, and what
// does not go together.
#include <doctest/doctest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "common/cli/mysql_options.hpp"
#include "common/cli/position_options.hpp"

namespace {

const cdc::About kAbout{.name = "cdc-tail", .sentence = "", .usage = {""}};

// An App over these words, parsed when its options are declared.
class Line {
 public:
  explicit Line(std::vector<std::string> words) : words_(std::move(words)) {
    words_.insert(words_.begin(), "cdc-tail");
    for (std::string& word : words_) pointers_.push_back(word.data());
  }
  cdc::App app() { return cdc::App(kAbout, static_cast<int>(pointers_.size()), pointers_.data()); }

 private:
  std::vector<std::string> words_;
  std::vector<char*> pointers_;
};

// No MYSQL_* variable but those given, for as long as it lives.
class Environment {
 public:
  explicit Environment(const std::vector<std::pair<const char*, const char*>>& variables = {}) {
    for (const char* name : kNames) ::unsetenv(name);
    for (const auto& [name, value] : variables) ::setenv(name, value, 1);
  }
  ~Environment() {
    for (const char* name : kNames) ::unsetenv(name);
  }

 private:
  static constexpr const char* kNames[] = {"MYSQL_HOST", "MYSQL_TCP_PORT", "MYSQL_UNIX_PORT", "MYSQL_PWD"};
};

// `file` is the content of the one option file.
cdc::ConnectOptions connect(std::vector<std::string> words, const std::string& file = "",
                            mode_t mode = 0600) {
  std::string path = "/tmp/cdc-unit-XXXXXX";
  const int fd = ::mkstemp(path.data());
  REQUIRE(fd >= 0);
  REQUIRE(::fchmod(fd, mode) == 0);
  REQUIRE(::write(fd, file.data(), file.size()) == static_cast<ssize_t>(file.size()));
  ::close(fd);
  words.push_back("--defaults-file=" + path);
  Line line(words);
  cdc::App app = line.app();
  cdc::MysqlOptions options;
  options.declare(app);
  try {
    app.parse();
    const cdc::ConnectOptions result = options.resolve();
    std::filesystem::remove(path);
    return result;
  } catch (...) {
    std::filesystem::remove(path);
    throw;
  }
}

std::string hosts(const std::vector<std::string>& words, const std::string& file = "") {
  const cdc::ConnectOptions options = connect(words, file);
  if (!options.socket.empty()) return options.socket;
  std::string out;
  for (const cdc::ServerAddress& address : options.hosts)
    out += (out.empty() ? "" : " ") + address.host + "|" + std::to_string(address.port);
  return out;
}

cdc::SslMode ssl_mode(const std::vector<std::string>& words, const std::string& file = "") {
  return connect(words, file).ssl_mode;
}

// What start() or stop() says: "specific binlog.000001:4", an error's message, or "none".
template <typename Member>
std::string point(const std::vector<std::string>& words, Member member) {
  Line line(words);
  cdc::App app = line.app();
  cdc::PositionOptions options;
  options.declare_start(app);
  options.declare_stop(app);
  try {
    app.parse();
    const auto point = (options.*member)();
    if (!point) return "none";
    std::string out = "mode " + std::to_string(static_cast<int>(point->mode));
    if (point->position) out += " " + point->position->text();
    if (point->gtid_set) out += " {" + point->gtid_set->text() + "}";
    if (point->timestamp_ms) out += " @" + std::to_string(*point->timestamp_ms);
    return out;
  } catch (const cdc::UsageError& error) {
    return error.message();
  }
}
std::string start(const std::vector<std::string>& words) {
  return point(words, &cdc::PositionOptions::start);
}
std::string stop(const std::vector<std::string>& words) {
  return point(words, &cdc::PositionOptions::stop);
}

const std::string kSet = "8fe13994-e591-11f1-a41f-02fc00000001:1-5";

}  // namespace

TEST_CASE("connection: precedence is flag, option file, environment") {
  const Environment environment({{"MYSQL_HOST", "envhost"},
                                 {"MYSQL_TCP_PORT", "1"},
                                 {"MYSQL_PWD", "envpw"},
                                 {"MYSQL_UNIX_PORT", "/env"}});
  CHECK(hosts({}) == "envhost|1");
  CHECK(connect({}).password == "envpw");
  CHECK(hosts({}, "[client]\nhost=filehost\nport=2\n") == "filehost|2");
  CHECK(connect({}, "[client]\npassword=filepw\n").password == "filepw");
  CHECK(hosts({"-h", "flaghost", "-P3"}, "[client]\nhost=filehost\nport=2\n") == "flaghost|3");
  CHECK(connect({"-uflag"}, "[client]\nuser=file\n").user == "flag");
  CHECK(connect({}, "[client]\nuser=a\n[cdc]\nuser=b\n[cdc-tail]\nuser=c\n[cdc-check]\nuser=d\n").user ==
        "c");
  CHECK(connect({}, "[cdc-tail]\nuser=c\n[client]\nuser=a\n").user == "a");  // the last one, as for mysql
}

TEST_CASE("connection: socket or TCP") {
  const Environment environment;
  CHECK(hosts({}) == "/run/mysqld/mysqld.sock");
  CHECK(hosts({"-h", "localhost"}, "[client]\nsocket=/s\nport=3307\n") == "/s");
  CHECK(hosts({"-h", "localhost", "-P", "3307"}, "[client]\nsocket=/s\n") == "localhost|3307");
  CHECK(hosts({"-h", "db1"}, "[client]\nsocket=/s\nport=3307\n") == "db1|3307");
  CHECK(hosts({"-S", "/s"}, "[client]\nhost=db1\n") == "/s");
  CHECK_THROWS_AS(connect({"-S", "/s", "-h", "db1"}), cdc::UsageError);
  CHECK(hosts({"-h", "localhost,db2"}) == "localhost|3306 db2|3306");
}

TEST_CASE("connection: host lists") {
  const Environment environment;
  CHECK(hosts({"-h", "a, b:2 ,[::1]:3,::1,[fe80::1%eth0]", "-P", "9"}) ==
        "a|9 b|2 ::1|3 ::1|9 fe80::1%eth0|9");
  for (const char* bad : {"a,", ",a", "a:", "a:x", "a:0", "a:65536", "[::1", "[::1]x", "[::1]:", "a=b", "a;b",
                          "a/b", "mysql://a", "a b", ":3306"})
    CHECK_THROWS_AS(connect({"-h", bad}), cdc::UsageError);
  CHECK_THROWS_AS(connect({}, "[client]\nhost=a:x\n"), cdc::ConfigError);
  try {
    connect({"-h", "root:hunter2@db1"});
    FAIL("accepted");
  } catch (const cdc::UsageError& error) {
    CHECK(error.message().find("hunter2") == std::string::npos);
  }
}

TEST_CASE("connection: TLS settings are obeyed or refused") {
  const Environment environment;
  using enum cdc::SslMode;
  CHECK(ssl_mode({}) == preferred);
  CHECK(ssl_mode({"--ssl-ca=/ca"}) == verify_ca);
  CHECK(ssl_mode({"--ssl-ca=/ca"}, "[client]\nssl-mode=PREFERRED\n") == verify_ca);
  CHECK(ssl_mode({"--ssl-ca=/ca"}, "[client]\nssl-mode=VERIFY_IDENTITY\n") == verify_identity);
  CHECK(ssl_mode({"--ssl-mode=disabled"}, "[client]\nssl-ca=/ca\nssl-mode=VERIFY_CA\n") == disabled);
  CHECK(ssl_mode({}, "[client]\nssl_mode=REQUIRED\n") == required);
  CHECK(ssl_mode({}, "[client]\nssl\n") == required);
  CHECK(ssl_mode({}, "[client]\nskip-ssl\n") == disabled);
  CHECK(ssl_mode({}, "[client]\nssl=0\n") == disabled);
  CHECK(ssl_mode({}, "[client]\nssl-ca=/ca\nssl-verify-server-cert\nssl=1\n") == verify_identity);
  CHECK(ssl_mode({}, "[client]\nssl-verify-server-cert=OFF\n") == preferred);
  CHECK(ssl_mode({}, "[client]\nloose-ssl-crl=/c\n") == preferred);
  CHECK(connect({}, "[client]\nssl-cert=/c\nssl-key=/k\n").ssl_key == "/k");
  for (const char* name :
       {"ssl-crl=/c", "ssl-capath=/c", "tls-version=TLSv1.3", "tls_ciphersuites=x", "ssl-cipher=x"})
    CHECK_THROWS_AS(connect({}, std::string("[client]\n") + name + "\n"), cdc::ConfigError);
  CHECK_THROWS_AS(connect({}, "[client]\nssl-mode=VERIFY_CA\n"), cdc::ConfigError);
  CHECK_THROWS_AS(connect({}, "[client]\nssl-mode=nonsense\n"), cdc::ConfigError);
  CHECK_THROWS_AS(connect({"--ssl-mode=verify-ca"}), cdc::UsageError);
  CHECK_THROWS_AS(connect({"--ssl-mode=nonsense"}), cdc::UsageError);
}

TEST_CASE("connection: unknown options of files") {
  const Environment environment;
  CHECK_NOTHROW(connect({}, "[client]\ndefault-character-set=latin1\nprotocol=tcp\n"));
  CHECK_NOTHROW(connect({}, "[mysql]\nssl-crl=/c\nnonsense=1\n[cdc-load]\nurl=x\n"));
  CHECK_THROWS_AS(connect({}, "[cdc]\nnonsense=1\n"), cdc::ConfigError);
  CHECK_THROWS_AS(connect({}, "[cdc-tail]\npasword=x\n"), cdc::ConfigError);
  CHECK_THROWS_AS(connect({}, "[client]\nuser\n"), cdc::ConfigError);
}

TEST_CASE("connection: secrets of files") {
  const Environment environment;
  CHECK(connect({}, "[client]\npassword=\"a#b\"\n").password == "a#b");
  CHECK_THROWS_AS(connect({}, "[client]\npassword=x\n", 0644), cdc::ConfigError);
  CHECK_THROWS_AS(connect({}, "[client]\npassword=x\n", 0640), cdc::ConfigError);
  CHECK_NOTHROW(connect({}, "[client]\nuser=x\n", 0644));
}

TEST_CASE("connection: numbers") {
  const Environment environment;
  CHECK(connect({"--server-id=4294967295"}).server_id == 4294967295);
  CHECK(connect({}).server_id >= 0x80000000);
  CHECK(connect({}).server_id != connect({}).server_id);
  CHECK(connect({}).connect_timeout == std::chrono::seconds(10));
  CHECK(connect({"--connect-timeout=1500ms"}).connect_timeout == std::chrono::seconds(2));
  CHECK(connect({"--connect-timeout=3"}).connect_timeout == std::chrono::seconds(3));
  for (const char* bad :
       {"--server-id=0", "--server-id=4294967296", "--server-id=-1", "--port=0", "--port=65536", "--port=x",
        "--connect-timeout=0", "--connect-timeout=-1", "--connect-timeout=x"})
    CHECK_THROWS_AS(connect({bad}), cdc::UsageError);
  CHECK_THROWS_AS(connect({}, "[client]\nport=x\n"), cdc::ConfigError);
  CHECK_THROWS_AS(connect({"--no-defaults"}), cdc::UsageError);  // next to --defaults-file
}

TEST_CASE("command line: the last of several, values that look like options") {
  const Environment environment;
  CHECK(connect({"-u", "a", "--user=b", "--user", "--c"}).user == "--c");
  CHECK(connect({"-ua=b"}).user == "a=b");
  Line line({"--", "--user", "-"});
  cdc::App app = line.app();
  std::vector<std::string> globs, operands;
  app.cli().add_option("-t,--table", globs);
  app.cli().add_option("file", operands);
  app.parse();
  CHECK(operands == std::vector<std::string>{"--user", "-"});

  Line repeated({"-t", "[a,b]", "x", "--table=", "-tz", "y"});
  cdc::App second = repeated.app();
  second.cli().add_option("-t,--table", globs);
  second.cli().add_option("file", operands);
  second.parse();
  CHECK(globs == std::vector<std::string>{"[a,b]", "", "z"});
  CHECK(operands == std::vector<std::string>{"x", "y"});
}

TEST_CASE("start: modes and what implies them") {
  CHECK(start({}) == "none");
  CHECK(start({"--checkpoint=c"}) == "none");
  CHECK(start({"--startup-mode=initial"}) == "mode 0");
  CHECK(start({"--startup-mode=earliest"}) == "mode 1");
  CHECK(start({"--startup-mode=latest", "--checkpoint=c"}) == "mode 2");
  CHECK(start({"--file=binlog.000007", "--pos=1193"}) == "mode 3 binlog.000007:1193");
  CHECK(start({"--file=binlog.000007"}) == "mode 3 binlog.000007:4");
  CHECK(start({"--startup-mode=specific", "--gtid-set=" + kSet}) == "mode 3 {" + kSet + "}");
  CHECK(start({"--gtid-set="}) == "mode 3 {}");
  CHECK(start({"--file=b.1", "--gtid-set=" + kSet}) == "mode 3 b.1:4 {" + kSet + "}");
  CHECK(start({"--timestamp=2026-11-21T10:00:00.5Z"}) == "mode 4 @1795255200500");
  CHECK(start({"--startup-mode=timestamp", "--timestamp=1795255200500"}) == "mode 4 @1795255200500");
}

TEST_CASE("start: what does not go together") {
  CHECK(start({"--pos=4"}) == "--pos needs --file");
  CHECK(start({"--startup-mode=specific"}) == "--startup-mode=specific needs --file or --gtid-set");
  CHECK(start({"--startup-mode=timestamp"}) == "--startup-mode=timestamp needs --timestamp");
  CHECK(start({"--startup-mode=latest", "--file=b.1"}) == "--file needs --startup-mode=specific or none");
  CHECK(start({"--startup-mode=latest", "--gtid-set="}) ==
        "--gtid-set needs --startup-mode=specific or none");
  CHECK(start({"--startup-mode=earliest", "--timestamp=1"}) ==
        "--timestamp needs --startup-mode=timestamp or none");
  CHECK(start({"--file=b.1", "--timestamp=1"}) == "--timestamp and --file exclude each other");
  CHECK(start({"--gtid-set=", "--timestamp=1"}) == "--timestamp and --gtid-set exclude each other");
  CHECK(start({"--startup-mode=Latest"}).starts_with("--startup-mode: 'Latest' is none of"));
  CHECK(start({"--file=b.1", "--pos=-1"}) == "--pos: '-1' is no byte offset");
  CHECK(start({"--file=/var/lib/mysql/b.1"}).starts_with("--file: "));
  CHECK(start({"--gtid-set=nonsense"}).starts_with("--gtid-set: "));
  CHECK(start({"--timestamp=yesterday"}).starts_with("--timestamp: 'yesterday' is neither"));
}

TEST_CASE("stop") {
  CHECK(stop({}) == "none");
  CHECK(stop({"--stop-mode=never"}) == "mode 0");
  CHECK(stop({"--stop-mode=latest"}) == "mode 1");
  CHECK(stop({"--stop-file=b.2", "--stop-pos=9"}) == "mode 2 b.2:9");
  CHECK(stop({"--stop-gtid-set=" + kSet}) == "mode 2 {" + kSet + "}");
  CHECK(stop({"--stop-timestamp=7"}) == "mode 3 @7");
  CHECK(stop({"--stop-pos=9"}) == "--stop-pos needs --stop-file");
  CHECK(stop({"--stop-file=b.2", "--stop-gtid-set=" + kSet}) ==
        "--stop-file and --stop-gtid-set exclude each other");
  CHECK(stop({"--stop-mode=latest", "--stop-file=b.2"}) == "--stop-file needs --stop-mode=specific or none");
  CHECK(stop({"--stop-mode=specific"}) == "--stop-mode=specific needs --stop-file or --stop-gtid-set");
  CHECK(stop({"--stop-mode=timestamp"}) == "--stop-mode=timestamp needs --stop-timestamp");
}
