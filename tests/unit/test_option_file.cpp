// SPDX-License-Identifier: Apache-2.0
// Expectations: MySQL manual, "Using Option Files", and what `my_print_defaults` of MySQL 9.7 prints for
// these files.
#include <doctest/doctest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "common/base/error.hpp"
#include "common/cli/option_file.hpp"

namespace {

class Files {
 public:
  Files() { REQUIRE(::mkdtemp(directory_.data()) != nullptr); }
  ~Files() { std::filesystem::remove_all(directory_); }
  std::string path(const std::string& name) const { return directory_ + "/" + name; }
  std::string write(const std::string& name, const std::string& content) const {
    std::ofstream(path(name)) << content;
    return path(name);
  }

 private:
  std::string directory_ = "/tmp/cdc-unit-XXXXXX";
};

// "name=value" or "name", one a line.
std::string read(const std::string& content, const std::vector<std::string>& groups = {"client"}) {
  const Files files;
  std::string out;
  for (const cdc::FileOption& option : cdc::read_option_file(files.write("my.cnf", content), groups))
    out += option.name + (option.value ? "=" + *option.value : "") + "\n";
  return out;
}

std::string failure(const std::string& content) {
  try {
    read(content);
  } catch (const cdc::ConfigError& error) {
    return error.message().substr(error.message().find("my.cnf"));
  }
  return "none";
}

}  // namespace

TEST_CASE("option file: groups, blanks and comments") {
  CHECK(read("# c\n; c\n\n[mysqld]\nport=1\n[client]\nport=2\n  user =  me  \n[client-x]\nport=3\n") ==
        "port=2\nuser=me\n");
  CHECK(read("[cdc]\na=1\n[client]\nb=2\n[cdc]\nc=3\n", {"client", "cdc"}) == "a=1\nb=2\nc=3\n");
  CHECK(read("[client ]\r\nport=2\r\n") == "port=2\n");
  CHECK(read("[ client]\nport=2\n") == "");
  CHECK(read("  [client] x\nport=2") == "port=2\n");
  CHECK(read("[client]\npassword\nuser=\n") == "password\nuser=\n");
  CHECK(read("") == "");
}

TEST_CASE("option file: underscores, loose-") {
  CHECK(read("[client]\nssl_ca=/a_b\n") == "ssl-ca=/a_b\n");
  const Files files;
  const auto options = cdc::read_option_file(files.write("my.cnf", "[client]\nloose_x=1\nx=2\n"), {"client"});
  REQUIRE(options.size() == 2);
  CHECK(options[0].name == "x");
  CHECK(options[0].loose);
  CHECK_FALSE(options[1].loose);
  CHECK(options[1].where() == files.path("my.cnf") + ":3");
}

TEST_CASE("option file: values") {
  CHECK(read("[client]\na=\"x y\"\nb='x#y'\nc=x#y\nd=\" x \" # c\n") == "a=x y\nb=x#y\nc=x\nd= x \n");
  CHECK(read("[client]\na=\\tx\\s\nb=C:\\new\\q\nc=a\\\\b\nd=\"it\\'s\"\ne=\"a\\\"#b\"\n") ==
        "a=\tx \nb=C:\new\\q\nc=a\\b\nd=it's\ne=a\"#b\n");
  CHECK(read("[client]\na=b=c\nd='x\ne=\"\n") == "a=b=c\nd='x\ne=\"\n");
}

TEST_CASE("option file: includes") {
  const Files files;
  files.write("b.cnf", "[client]\nfrom=b\n");
  std::filesystem::create_directory(files.path("d"));
  files.write("d/2.cnf", "[client]\nfrom=2\n");
  files.write("d/1.cnf", "[client]\nfrom=1\n");
  files.write("d/3.txt", "[client]\nfrom=3\n");
  const std::string top = files.write("a.cnf", "[client]\nfrom=a\n!include " + files.path("b.cnf") +
                                                   "\n!includedir " + files.path("d") + "\nfrom=z\n");
  std::string order;
  for (const cdc::FileOption& option : cdc::read_option_file(top, {"client"})) order += option.value.value();
  CHECK(order == "ab12z");

  files.write("loop.cnf", "!include " + files.path("loop.cnf") + "\n");
  CHECK_THROWS_AS(cdc::read_option_file(files.path("loop.cnf"), {"client"}), cdc::ConfigError);
  files.write("gone.cnf", "!include " + files.path("nonexistent") + "\n");
  CHECK_THROWS_AS(cdc::read_option_file(files.path("gone.cnf"), {"client"}), cdc::IoError);
}

TEST_CASE("option file: what is refused") {
  CHECK(failure("port=1\n") == "my.cnf:1: an option needs a [group] in front of it");
  CHECK(failure("[client]\n\n[x\n") == "my.cnf:3: a group's name needs a closing bracket");
  CHECK(failure("!something\n") == "my.cnf:1: neither !include FILE nor !includedir DIRECTORY");
  const Files files;
  const std::string path = files.write("my.cnf", "[client]\n");
  REQUIRE(::chmod(path.c_str(), 0666) == 0);
  CHECK_THROWS_AS(cdc::read_option_file(path, {"client"}), cdc::ConfigError);
  CHECK_THROWS_AS(cdc::read_option_file(files.path("nonexistent"), {"client"}), cdc::IoError);
}

TEST_CASE("option file: the standard ones") {
  const Files files;
  const std::string old_home = std::getenv("HOME") ? std::getenv("HOME") : "";
  REQUIRE(::setenv("HOME", files.path("").c_str(), 1) == 0);
  const std::vector<std::string> without = cdc::standard_option_files(std::nullopt);
  files.write(".my.cnf", "[client]\n");
  std::vector<std::string> with = cdc::standard_option_files("/extra");
  REQUIRE(::setenv("HOME", old_home.c_str(), 1) == 0);
  REQUIRE(with.size() == without.size() + 2);
  CHECK(with.back().ends_with("/.my.cnf"));
  CHECK(with[with.size() - 2] == "/extra");
}
