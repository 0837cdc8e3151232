// SPDX-License-Identifier: Apache-2.0
#include "common/json/record_parser.hpp"

#include <simdjson.h>

#include <algorithm>

#include "common/json/line_cursor.hpp"

namespace cdc {

namespace dom = simdjson::dom;

struct RecordParser::Parser {
  dom::parser parser;
  std::string line;  // what a LineCursor reads: `size` bytes and what it wants behind them
  std::size_t size = 0;

  const char* for_cursor(std::string_view text) {
    size = text.size();
    line.assign(text).append(1 + LineCursor::kPadding, '\0');
    return line.data();
  }
  bool ends(LineCursor& in) const { return in.take('}') && in.at() == line.data() + size && !in.has_high(); }
};

// The members of one JSON object; every reader names the member that it does not like.
class RecordParser::Members {
 public:
  explicit Members(dom::object object) : object_(object) {}

  std::string text(std::string_view name) const { return text_of(find(name), name); }
  // JSON null, and only where `absent_too` a missing member, is nullopt.
  std::optional<std::string> optional_text(std::string_view name, bool absent_too = false) const {
    dom::element value;
    if (object_.at_key(name).get(value) != simdjson::SUCCESS) {
      if (absent_too) return std::nullopt;
      refuse(name, "is missing");
    }
    if (value.is_null()) return std::nullopt;
    return text_of(value, name);
  }
  bool has(std::string_view name) const { return object_.at_key(name).error() == simdjson::SUCCESS; }
  std::uint64_t uint(std::string_view name) const { return get<std::uint64_t>(find(name), name); }
  std::int64_t sint(std::string_view name) const { return get<std::int64_t>(find(name), name); }
  bool boolean(std::string_view name) const { return get<bool>(find(name), name); }
  // false when there is no such member
  bool flag(std::string_view name) const {
    dom::element value;
    return object_.at_key(name).get(value) == simdjson::SUCCESS && get<bool>(value, name);
  }
  BinlogPosition position() const { return {text("file"), uint("pos")}; }
  std::vector<std::string> texts(std::string_view name) const {
    std::vector<std::string> texts;
    for (const dom::element element : get<dom::array>(find(name), name)) texts.push_back(text_of(element, name));
    return texts;
  }
  dom::array array(std::string_view name) const { return get<dom::array>(find(name), name); }
  std::optional<SnapshotChunk> snapshot() const {
    dom::element value;
    if (object_.at_key("snapshot").get(value) != simdjson::SUCCESS) return std::nullopt;
    const Members members(get<dom::object>(value, "snapshot"));
    return SnapshotChunk{.table = {members.text("db"), members.text("table")},
                         .chunk = members.uint("chunk"),
                         .key = members.texts("key"),
                         .from = members.texts("from"),
                         .to = members.texts("to"),
                         .last = members.boolean("last")};
  }
  // The text of a member, without blanks.
  std::string minified(std::string_view name) const { return simdjson::minify(get<dom::object>(find(name), name)); }
  bool is_null(std::string_view name) const { return find(name).is_null(); }

  static std::string text_of(dom::element value, std::string_view name) {
    return std::string(get<std::string_view>(value, name));
  }
  template <typename T>
  static T get(dom::element value, std::string_view name) {
    T result;
    if (value.get(result) != simdjson::SUCCESS) refuse(name, "has the wrong type");
    return result;
  }
  [[noreturn]] static void refuse(std::string_view name, std::string_view what) {
    throw DataError("member \"" + std::string(name) + "\" " + std::string(what));
  }

 private:
  dom::element find(std::string_view name) const {
    dom::element value;
    if (object_.at_key(name).get(value) != simdjson::SUCCESS) refuse(name, "is missing");
    return value;
  }

  dom::object object_;
};

RecordParser::RecordParser() : parser_(std::make_unique<Parser>()) {}
RecordParser::~RecordParser() = default;

RecordParser::Members RecordParser::members(std::string_view line) {
  dom::object object;
  const auto error = parser_->parser.parse(line.data(), line.size()).get(object);
  if (error) throw DataError(std::string("malformed JSON: ") + simdjson::error_message(error));
  return Members(object);
}

StartRecord RecordParser::start(std::string_view line) {
  const Members members = this->members(line);
  const std::uint64_t version = members.uint("version");
  if (version > static_cast<std::uint64_t>(kStreamVersion))
    throw ConfigError("stream of version " + std::to_string(version) + ", this program knows version " +
                      std::to_string(kStreamVersion));
  StartRecord record;
  record.server_uuid = members.optional_text("server_uuid").value_or("");
  record.server_version = members.optional_text("server_version").value_or("");
  record.gtid_set = members.optional_text("gtid_set");
  record.position = members.position();
  record.filter = members.minified("filter");
  record.time_zone = members.text("time_zone");
  return record;
}

TableSchema RecordParser::table(std::string_view line) {
  const Members members = this->members(line);
  TableSchema schema;
  schema.name = {members.text("db"), members.text("table")};
  for (const dom::element element : members.array("columns")) {
    const Members told(Members::get<dom::object>(element, "columns"));
    Column column;
    column.name = told.text("name");
    column.type_text = told.text("type");
    column.nullable = told.boolean("nullable");
    column.default_text = told.optional_text("default", true);
    column.default_known = told.has("default");
    column.generated = told.optional_text("generated", true).value_or("");
    column.invisible = told.flag("invisible");
    column.charset = told.optional_text("charset", true).value_or("");
    schema.columns.push_back(std::move(column));
  }
  for (const std::string& name : members.texts("pk")) {
    const auto found = std::find_if(schema.columns.begin(), schema.columns.end(),
                                    [&](const Column& column) { return column.name == name; });
    if (found == schema.columns.end()) Members::refuse("pk", "names \"" + name + "\", which is no column");
    schema.primary_key.push_back(static_cast<std::size_t>(found - schema.columns.begin()));
  }
  return schema;
}

// Of small transactions there are two of these for every row or two. Not told with a chunk, and as cdc-tail writes them:
// no parser is needed.
std::optional<BeginRecord> RecordParser::plain_begin(std::string_view line) {
  BeginRecord record;
  LineCursor in(parser_->for_cursor(line));
  std::string_view file;
  const bool taken = in.take("{\"kind\":\"begin\"") && in.take(",\"gtid\":") && in.take_plain_or_null(record.gtid) &&
                     in.take(",\"ts_ms\":") && in.take_int(record.ts_ms) && in.take(",\"file\":") && in.take_plain(file) &&
                     in.take(",\"pos\":") && in.take_uint(record.position.pos) && parser_->ends(in);
  if (!taken) return std::nullopt;
  record.position.file = file;
  return record;
}

BeginRecord RecordParser::begin(std::string_view line) {
  if (std::optional<BeginRecord> record = plain_begin(line)) return *std::move(record);
  const Members members = this->members(line);
  return {.gtid = members.optional_text("gtid"),
          .ts_ms = members.sint("ts_ms"),
          .position = members.position(),
          .snapshot = members.snapshot()};
}

std::optional<CommitRecord> RecordParser::plain_commit(std::string_view line) {
  CommitRecord record;
  LineCursor in(parser_->for_cursor(line));
  std::string_view file;
  const bool taken = in.take("{\"kind\":\"commit") && in.take("\",\"gtid\":") && in.take_plain_or_null(record.gtid) &&
                     in.take(",\"gtids\":") && in.take_plain_or_null(record.gtids) && in.take(",\"ts_ms\":") &&
                     in.take_int(record.ts_ms) && in.take(",\"file\":") && in.take_plain(file) && in.take(",\"pos\":") &&
                     in.take_uint(record.position.pos) && in.take(",\"changes\":") && in.take_uint(record.changes) &&
                     parser_->ends(in);
  if (!taken) return std::nullopt;
  record.position.file = file;
  return record;
}

CommitRecord RecordParser::commit(std::string_view line) {
  if (std::optional<CommitRecord> record = plain_commit(line)) return *std::move(record);
  const Members members = this->members(line);
  return {.gtid = members.optional_text("gtid"),
          .gtids = members.optional_text("gtids"),
          .ts_ms = members.sint("ts_ms"),
          .position = members.position(),
          .changes = members.uint("changes"),
          .snapshot = members.snapshot()};
}

DdlRecord RecordParser::ddl(std::string_view line) {
  const Members members = this->members(line);
  DdlRecord record;
  const auto ddl_class = parse_ddl_class(members.text("class"));
  if (!ddl_class) Members::refuse("class", "is none that is known");
  record.ddl_class = *ddl_class;
  if (!members.is_null("tables")) {
    record.tables.emplace();
    for (const dom::element element : members.array("tables")) {
      std::vector<std::string> parts;
      for (const dom::element part : Members::get<dom::array>(element, "tables"))
        parts.push_back(Members::text_of(part, "tables"));
      if (parts.size() != 2) Members::refuse("tables", "holds no pairs of database and table");
      record.tables->push_back({parts[0], parts[1]});
    }
  }
  record.db = members.text("db");
  record.gtid = members.optional_text("gtid");
  record.gtids = members.optional_text("gtids");
  record.ts_ms = members.sint("ts_ms");
  record.position = members.position();
  record.sql = members.text("sql");
  return record;
}

HeartbeatRecord RecordParser::heartbeat(std::string_view line) {
  const Members members = this->members(line);
  return {.gtids = members.optional_text("gtids"), .position = members.position(), .ts_ms = members.sint("ts_ms")};
}

EndRecord RecordParser::end(std::string_view line) {
  const Members members = this->members(line);
  EndRecord record;
  const std::int64_t status = members.sint("status");
  if (status < 0 || status > 255) Members::refuse("status", "is no exit status");
  record.status = static_cast<int>(status);
  record.reason = members.text("reason");
  record.partial = members.flag("partial");
  record.gtids = members.optional_text("gtids");
  record.position = members.position();
  return record;
}

}  // namespace cdc
