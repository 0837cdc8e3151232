// SPDX-License-Identifier: Apache-2.0
#include "common/json/formats.hpp"

#include <algorithm>
#include <iterator>

#include "common/json/canal_writer.hpp"
#include "common/json/debezium_writer.hpp"
#include "common/json/maxwell_writer.hpp"
#include "common/json/native_writer.hpp"
#include "common/json/pretty_writer.hpp"

namespace cdc {

namespace {

// In the order of the enumeration.
constexpr std::string_view kFormats[] = {"native", "debezium", "maxwell", "canal", "pretty"};
static_assert(std::size(kFormats) == static_cast<std::size_t>(Format::pretty) + 1);

}  // namespace

std::optional<Format> parse_format(std::string_view text) {
  const auto* const found = std::find(std::begin(kFormats), std::end(kFormats), text);
  if (found == std::end(kFormats)) return std::nullopt;
  return static_cast<Format>(found - std::begin(kFormats));
}

std::unique_ptr<ChangeSink> make_sink(Format format, OutBuffer& out, const FormatOptions& options) {
  switch (format) {
    case Format::native:
      break;
    case Format::debezium:
      return std::make_unique<DebeziumWriter>(out, DebeziumWriter::Options{options.rows_only});
    case Format::maxwell:
      return std::make_unique<MaxwellWriter>(out,
                                             MaxwellWriter::Options{options.time_zone, options.rows_only});
    case Format::canal:
      return std::make_unique<CanalWriter>(out, CanalWriter::Options{options.time_zone, options.rows_only});
    case Format::pretty:
      return std::make_unique<PrettyWriter>(
          out, PrettyWriter::Options{options.time_zone, options.rows_only, options.color, options.width});
  }
  return std::make_unique<NativeWriter>(
      out, NativeWriter::Options{options.time_zone, options.rows_only, options.long_as_string});
}

}  // namespace cdc
