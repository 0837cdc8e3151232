// SPDX-License-Identifier: Apache-2.0
#include "common/model/record.hpp"

#include <algorithm>
#include <iterator>

#include "common/base/text.hpp"

namespace cdc {

namespace {

// In the order of the enumerations.
constexpr std::string_view kRecordKinds[] = {"start", "table",  "begin", "+I",        "-U", "+U",
                                             "-D",    "commit", "ddl",   "heartbeat", "snapshot-end", "end"};
static_assert(std::size(kRecordKinds) == static_cast<std::size_t>(RecordKind::end) + 1);
constexpr std::string_view kDdlClasses[] = {"create", "alter",     "drop", "truncate",
                                            "rename", "partition", "other"};
static_assert(std::size(kDdlClasses) == static_cast<std::size_t>(DdlClass::other) + 1);

template <typename Enum, std::size_t N>
std::optional<Enum> find_name(const std::string_view (&names)[N], std::string_view text) {
  const auto* const found = std::find(std::begin(names), std::end(names), text);
  if (found == std::end(names)) return std::nullopt;
  return static_cast<Enum>(found - std::begin(names));
}

void append_strings(OutBuffer& out, const std::vector<std::string>& strings) {
  out.append('[');
  for (const std::string& text : strings) {
    if (&text != &strings.front()) out.append(',');
    append_json_string(out, text);
  }
  out.append(']');
}

}  // namespace

std::string_view record_kind_text(RecordKind kind) {
  return kRecordKinds[static_cast<std::size_t>(kind)];
}
std::optional<RecordKind> parse_record_kind(std::string_view text) {
  return find_name<RecordKind>(kRecordKinds, text);
}

std::string_view ddl_class_text(DdlClass ddl_class) {
  return kDdlClasses[static_cast<std::size_t>(ddl_class)];
}
std::optional<DdlClass> parse_ddl_class(std::string_view text) {
  return find_name<DdlClass>(kDdlClasses, text);
}

void append_snapshot_chunk(OutBuffer& out, const SnapshotChunk& chunk) {
  out.append("{\"db\":");
  append_json_string(out, chunk.table.db);
  out.append(",\"table\":");
  append_json_string(out, chunk.table.table);
  out.append(",\"chunk\":");
  append_uint(out, chunk.chunk);
  out.append(",\"key\":");
  append_strings(out, chunk.key);
  out.append(",\"from\":");
  append_strings(out, chunk.from);
  out.append(",\"to\":");
  append_strings(out, chunk.to);
  out.append(chunk.last ? ",\"last\":true}" : ",\"last\":false}");
}

}  // namespace cdc
