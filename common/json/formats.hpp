// SPDX-License-Identifier: Apache-2.0
// The output formats of cdc-tail by name. Each is a ChangeSink that appends whole lines to a buffer somebody
// else flushes; the buffer must outlive it. cdc-changes(5) has the native format, cdc-formats(5) the others.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "common/base/buffer.hpp"
#include "common/base/time_zone.hpp"
#include "common/model/record.hpp"

namespace cdc {

enum class Format : std::uint8_t { native, debezium, maxwell, canal, pretty };
std::optional<Format> parse_format(std::string_view text);

struct FormatOptions {
  TimeZone time_zone;           // of TIMESTAMP columns; debezium tells UTC whatever this is
  bool rows_only = false;       // nothing but changes of rows
  bool long_as_string = false;  // native only: BIGINT and BIT as strings
  bool color = false;           // pretty only: ANSI colours
  int width = 80;               // pretty only: columns of the terminal
};

std::unique_ptr<ChangeSink> make_sink(Format format, OutBuffer& out, const FormatOptions& options);

}  // namespace cdc
