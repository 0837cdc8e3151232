// SPDX-License-Identifier: Apache-2.0
// Runs the fuzz targets over seeds without a fuzzer: replay DIRECTORY, which has one directory of files for each target
// (see seeds). Every input as it is, cut short, and with single bits flipped, at a bounded number of places.
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#define FUZZ_TARGETS(X) X(events) X(gtid_sets) X(json_binary) X(payload) X(rows) X(sql) X(table_map)
#define DECLARE(name) extern "C" int fuzz_##name(const std::uint8_t* data, std::size_t size);
FUZZ_TARGETS(DECLARE)

namespace {

using Target = int (*)(const std::uint8_t*, std::size_t);
constexpr std::size_t kPlaces = 128;  // of an input

void run(Target target, const std::string& input) {
  target(reinterpret_cast<const std::uint8_t*>(input.data()), input.size());
}

std::size_t replay(Target target, const std::filesystem::path& directory) {
  std::size_t inputs = 0;
  if (!std::filesystem::is_directory(directory)) return 0;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    std::ifstream file(entry.path(), std::ios::binary);
    std::string input{std::istreambuf_iterator<char>(file), {}};
    run(target, input);
    ++inputs;
    for (std::size_t i = 0; i < kPlaces && i < input.size(); ++i) {
      const std::size_t at = input.size() <= kPlaces ? i : i * (input.size() / kPlaces);
      run(target, input.substr(0, at));
      const char flipped = static_cast<char>(1U << (i + at) % 8);
      input[at] = static_cast<char>(input[at] ^ flipped);
      run(target, input);
      input[at] = static_cast<char>(input[at] ^ flipped);
    }
  }
  return inputs;
}

}  // namespace

int main(int, char** arguments) {
  const std::filesystem::path directory = arguments[1];
#define REPLAY(name)                                                                 \
  {                                                                                  \
    const std::size_t inputs = replay(fuzz_##name, directory / #name);               \
    std::printf("%s: %zu inputs\n", #name, inputs);                                  \
    if (inputs == 0) return 1;                                                       \
  }
  FUZZ_TARGETS(REPLAY)
  return 0;
}
