// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fcntl.h>

#include <cstdlib>
#include <filesystem>
#include <thread>

#include "common/base/fd.hpp"
#include "common/base/log.hpp"

namespace fs = std::filesystem;

namespace {

struct TemporaryDirectory {
  std::string path = "/tmp/cdc-unit-XXXXXX";
  TemporaryDirectory() { REQUIRE(::mkdtemp(path.data()) != nullptr); }
  ~TemporaryDirectory() { fs::remove_all(path); }
};

std::string stderr_of(const auto& action) {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  const int saved = ::dup(STDERR_FILENO);
  ::dup2(ends[1], STDERR_FILENO);
  action();
  ::dup2(saved, STDERR_FILENO);
  ::close(saved);
  ::close(ends[1]);
  std::string text(4096, '\0');
  text.resize(cdc::read_some(ends[0], text.data(), text.size(), "pipe"));
  ::close(ends[0]);
  return text;
}

}  // namespace

TEST_CASE("replace_file writes, keeps the mode and leaves nothing beside") {
  const TemporaryDirectory directory;
  const std::string path = directory.path + "/file";
  cdc::replace_file(path, "one");
  CHECK(cdc::read_file(path, 100) == "one");
  struct stat info {};
  REQUIRE(::stat(path.c_str(), &info) == 0);
  CHECK((info.st_mode & 0777) == 0600);
  REQUIRE(::chmod(path.c_str(), 0640) == 0);
  cdc::replace_file(path, "two, longer");
  CHECK(cdc::read_file(path, 100) == "two, longer");
  REQUIRE(::stat(path.c_str(), &info) == 0);
  CHECK((info.st_mode & 0777) == 0640);
  CHECK(std::distance(fs::directory_iterator(directory.path), fs::directory_iterator()) == 1);
  CHECK_THROWS_AS(cdc::replace_file(directory.path + "/none/file", "x"), cdc::IoError);
}

TEST_CASE("replace_file leaves a symbolic link, and replaces what it names") {
  const TemporaryDirectory directory;
  const std::string path = directory.path + "/file", link = directory.path + "/link";
  cdc::replace_file(path, "one");
  fs::create_symlink("file", link);
  cdc::replace_file(link, "two");
  CHECK(fs::is_symlink(link));
  CHECK(cdc::read_file(path, 100) == "two");
}

TEST_CASE("descriptors that do not block are waited for") {
  int ends[2];
  REQUIRE(::pipe2(ends, O_NONBLOCK) == 0);
  const std::string sent(std::size_t{1} << 20, 'x');  // more than a pipe holds
  std::thread writer([&] {
    cdc::write_all(ends[1], sent, "pipe");
    ::close(ends[1]);
  });
  std::size_t received = 0;
  char chunk[10'000];
  while (const std::size_t got = cdc::read_some(ends[0], chunk, sizeof chunk, "pipe")) received += got;
  writer.join();
  ::close(ends[0]);
  CHECK(received == sent.size());
}

TEST_CASE("reading what is missing or too large names the file") {
  const TemporaryDirectory directory;
  const std::string path = directory.path + "/file";
  try {
    cdc::read_file(path, 100);
    FAIL("no error");
  } catch (const cdc::IoError& error) {
    CHECK(error.exit_code() == cdc::ExitCode::no_input);
    CHECK(error.message() == path + ": No such file or directory");
  }
  cdc::replace_file(path, "12345");
  CHECK(cdc::read_file(path, 5) == "12345");
  CHECK_THROWS_AS(cdc::read_file(path, 4), cdc::DataError);
}

TEST_CASE("a lock has one holder at a time") {
  const TemporaryDirectory directory;
  const std::string path = directory.path + "/lock";
  {
    const cdc::FileLock first(path);
    CHECK_THROWS_AS(cdc::FileLock{path}, cdc::TemporaryError);
  }
  CHECK_NOTHROW(cdc::FileLock{path});
}

TEST_CASE("log lines go by level and stay one line") {
  using cdc::Log;
  using cdc::LogLevel;
  CHECK(stderr_of([] { Log("cdc-tail", LogLevel::quiet).error("a\nb\x1b[31m"); }) ==
        "cdc-tail: error: a b [31m\n");
  CHECK(stderr_of([] {
          const Log log("cdc-tail", LogLevel::normal);
          log.warning("careful");
          log.info("chatter");
        }) == "cdc-tail: warning: careful\n");
  CHECK(stderr_of([] {
          Log("x", LogLevel::quiet).warning("w");
          Log("x", LogLevel::verbose).info("i");
        }) == "x: i\n");
}
