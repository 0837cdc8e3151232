// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "binlog_fixture.hpp"
#include "common/base/error.hpp"
#include "common/mysql/binlog_file.hpp"

using cdc::BinlogFiles;
using cdc::ExitCode;
using cdc::RawEvent;

namespace {

class Directory {
 public:
  Directory() { REQUIRE(::mkdtemp(path_.data()) != nullptr); }
  ~Directory() { std::filesystem::remove_all(path_); }
  std::string file(const std::string& name, const std::string& content) const {
    std::ofstream(path_ + "/" + name, std::ios::binary) << content;
    return path_ + "/" + name;
  }

 private:
  std::string path_ = "/tmp/cdc-unit-XXXXXX";
};

const std::string kMagic = "\xfe"
                           "bin";

// An event of that many bytes; the first of a file says whether the server has closed it.
std::string event(std::size_t size, bool in_use = false) {
  std::string bytes(size, 'x');
  bytes.replace(0, 4, 4, '\0');
  bytes[4] = 15;
  for (int i = 0; i < 4; ++i) bytes[9 + static_cast<std::size_t>(i)] = static_cast<char>(size >> (8 * i));
  bytes[17] = in_use ? 1 : 0;
  bytes[18] = 0;
  return bytes;
}

// The sizes of the events, and how it ends: "" or status and message.
std::string outcome(BinlogFiles& files) {
  std::string seen;
  try {
    while (const std::optional<RawEvent> raw = files.next()) seen += std::to_string(raw->bytes.size()) + " ";
  } catch (const cdc::Error& error) {
    seen += std::to_string(static_cast<int>(error.exit_code())) + " " + error.message();
  }
  return seen;
}
std::string outcome(std::vector<std::string> paths) {
  BinlogFiles files(std::move(paths));
  return outcome(files);
}

}  // namespace

TEST_CASE("every captured file is read event by event, byte for byte") {
  for (const std::string& name : cdc::fixture::names()) {
    for (const std::string& file : cdc::fixture::files_of(name)) {
      CAPTURE(name);
      CAPTURE(file);
      const std::string path = cdc::fixture::directory(name) / file;
      std::string bytes;
      BinlogFiles files({path});
      for (bool first = true; const std::optional<RawEvent> raw = files.next(); first = false) {
        CHECK(raw->starts_file == (first ? file : ""));
        if (first) CHECK(raw->starts_pos == 4);
        bytes += cdc::as_text(raw->bytes);
      }
      CHECK(kMagic + bytes == cdc::fixture::read_whole(path));
      CHECK(files.bytes_read() == bytes.size() + 4);
    }
  }
}

TEST_CASE("files follow each other, and each tells its name with its first event") {
  const Directory directory;
  BinlogFiles files({directory.file("b.000001", kMagic + event(40) + event(50)), directory.file("b.000002", kMagic),
                     directory.file("b.000003", kMagic + event(60))});
  std::string names;
  while (const std::optional<RawEvent> raw = files.next()) names += std::string(raw->starts_file) + ";";
  CHECK(names == "b.000001;;b.000003;");
}

TEST_CASE("events of any size, at any place in the blocks that are read") {
  const Directory directory;
  std::string content = kMagic, sizes;
  for (const std::size_t size : std::vector<std::size_t>{19, 262144 - 23, 20, 262144, 262145, 1000000, 3 << 20, 19}) {
    content += event(size);
    sizes += std::to_string(size) + " ";
  }
  CHECK(outcome({directory.file("b.1", content)}) == sizes);
}

TEST_CASE("a file cut at every byte is told as cut, with the place") {
  const Directory directory;
  const std::string whole = kMagic + event(40) + event(50);
  for (std::size_t size = 4; size < whole.size(); ++size) {
    CAPTURE(size);
    const std::string got = outcome({directory.file("b.1", whole.substr(0, size))});
    if (size == 4) {
      CHECK(got == "");
    } else if (size < 44) {
      CHECK(got.starts_with("65 b.1:4: the event needs "));
    } else if (size == 44) {
      CHECK(got == "40 ");
    } else {
      CHECK(got.starts_with("40 65 b.1:44: the event needs "));
      CHECK(got.ends_with("the file has " + std::to_string(size - 44) + " more"));
    }
  }
  const std::string written = kMagic + event(40, true) + event(50);
  CHECK(outcome({directory.file("b.2", written.substr(0, 80))}).starts_with("40 75 b.2:44: "));
}

TEST_CASE("a length that is only claimed costs no memory") {
  const Directory directory;
  std::string liar = event(100);
  liar.replace(9, 4, "\xff\xff\xff\x7f");
  CHECK(outcome({directory.file("b.1", kMagic + liar)}).starts_with("65 b.1:4: the event needs 2147483647 bytes"));
  liar.replace(9, 4, std::string("\x05\0\0\0", 4));
  CHECK(outcome({directory.file("b.1", kMagic + liar)}).starts_with("65 b.1:4: "));
}

TEST_CASE("what is no binlog is refused by name") {
  const Directory directory;
  CHECK(outcome({directory.file("empty", "")}) == "65 empty is no binlog: it has 0 bytes");
  CHECK(outcome({directory.file("text", "hello")}).starts_with("65 text is no binlog: it does not begin"));
  CHECK(outcome({directory.file("secret", "\xfd"
                                          "bin and more")})
            .starts_with("78 secret is encrypted"));
  CHECK(outcome({"/nowhere/b.1"}).starts_with("66 /nowhere/b.1: "));
  CHECK(outcome({"/"}).starts_with("66 "));
  // What came before it was read.
  CHECK(outcome({directory.file("b.1", kMagic + event(30)), "/nowhere/b.2"}).starts_with("30 66 /nowhere/b.2"));
}

TEST_CASE("a pipe is waited for through the hook, which may stop it") {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  const int saved = ::dup(STDIN_FILENO);
  ::dup2(ends[0], STDIN_FILENO);
  const std::string content = kMagic + event(40) + event(50);
  std::size_t written = 0;
  int stops_after = 0;
  const auto feed = [&](int, std::chrono::milliseconds) {
    if (stops_after != 0 && written >= 50) return cdc::Waited::stop;
    REQUIRE(::write(ends[1], content.data() + written, 1) == 1);
    if (++written == content.size()) ::close(ends[1]);
    return cdc::Waited::readable;
  };
  SUBCASE("to the end") {
    BinlogFiles files({"-"}, feed);
    CHECK(outcome(files) == "40 50 ");
    CHECK(written == content.size());
  }
  SUBCASE("stopped inside an event, which is no error") {
    stops_after = 1;
    BinlogFiles files({"-"}, feed);
    CHECK(outcome(files) == "40 ");
    ::close(ends[1]);
  }
  ::dup2(saved, STDIN_FILENO);
  ::close(saved);
  ::close(ends[0]);
}
