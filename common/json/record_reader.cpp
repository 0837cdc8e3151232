// SPDX-License-Identifier: Apache-2.0
#include "common/json/record_reader.hpp"

#include <simdjson.h>

#include <algorithm>
#include <cstring>

#include "common/base/fd.hpp"
#include "common/json/line_cursor.hpp"
#include "common/json/row_scanner.hpp"

namespace cdc {
namespace {

namespace ondemand = simdjson::ondemand;

constexpr std::size_t kBlock = std::size_t{1} << 20;

[[noreturn]] void refuse(std::string_view member, std::string_view what) {
  throw DataError("member \"" + std::string(member) + "\" " + std::string(what));
}

// Values are handled as simdjson's results, because taking a value out of its result copies it through memory.
using Member = simdjson::simdjson_result<ondemand::value>;

std::string_view text_of(Member& value, std::string_view member) {
  std::string_view text;
  if (value.get_string().get(text) != simdjson::SUCCESS) refuse(member, "is no string");
  return text;
}

std::uint64_t uint_of(Member& value, std::string_view member) {
  std::uint64_t number = 0;
  if (value.get_uint64().get(number) != simdjson::SUCCESS) refuse(member, "is no unsigned integer");
  return number;
}

// A scalar as it came; simdjson's token may have blanks behind it.
std::string_view token_of(Member& value) {
  std::string_view token = value.raw_json_token();
  while (!token.empty() && (token.back() == ' ' || token.back() == '\t' || token.back() == '\r'))
    token.remove_suffix(1);
  return token;
}

std::string_view raw_of(Member& value, std::string_view member) {
  const std::string_view token = token_of(value);
  switch (token.empty() ? '\0' : token.front()) {
    case '{': {
      ondemand::object object = value.get_object();
      return object.raw_json();
    }
    case '[': {
      ondemand::array array = value.get_array();
      return array.raw_json();
    }
    case '"':
      return token;
    case 't':
    case 'f':
    case 'n':
      if (token == "true" || token == "false" || token == "null") return token;
      break;
    default:
      if (token.find_first_not_of("0123456789+-.eE") == std::string_view::npos) return token;
  }
  refuse(member, "is no JSON value");
}

// From behind the opening quote to the closing one.
std::string_view key_text(ondemand::raw_json_string key) {
  const char* const begin = key.raw();
  const char* end = begin;
  while (*end != '"') end += *end == '\\' ? 2 : 1;
  return {begin, static_cast<std::size_t>(end - begin)};
}

// The members that every row has, as bits.
enum Seen : unsigned { kDb = 1, kTable = 2, kGtid = 4, kPos = 8, kSeq = 16, kData = 32, kAll = 63 };

// `data`, whose members go to `fields`.
std::string_view read_data(Member& data, std::vector<RawField>& fields) {
  const char* const begin = token_of(data).data();
  ondemand::object object;
  if (data.get_object().get(object) != simdjson::SUCCESS) refuse("data", "is no object");
  const char* end = begin + 1;
  for (auto member : object) {
    const std::string_view name = key_text(member.key());
    Member value = member.value();
    const std::string_view raw = raw_of(value, name);
    fields.push_back({name, raw});
    end = raw.data() + raw.size();
  }
  while (*end != '}') ++end;  // over blanks
  return {begin, static_cast<std::size_t>(end + 1 - begin)};
}

}  // namespace

struct RecordReader::Parser {
  RowScanner scanner;
  ondemand::parser parser;
};
static_assert(LineCursor::kPadding <= simdjson::SIMDJSON_PADDING);

RecordReader::RecordReader(int fd, std::string name, std::size_t max_line)
    : fd_(fd),
      name_(std::move(name)),
      max_line_(max_line),
      buffer_(new char[kBlock + simdjson::SIMDJSON_PADDING]),
      capacity_(kBlock),
      parser_(std::make_unique<Parser>()) {}

RecordReader::~RecordReader() = default;

void RecordReader::make_room() {
  if (begin_ > 0) {
    std::memmove(buffer_.get(), buffer_.get() + begin_, end_ - begin_);
    end_ -= begin_;
    searched_ -= begin_;
    begin_ = 0;
  }
  if (end_ < capacity_) return;
  if (capacity_ >= max_line_)
    throw DataError(name_ + ":" + std::to_string(line_number_ + 1) + ": line of more than " +
                    std::to_string(max_line_) + " bytes");
  const std::size_t bigger = std::min(std::max(max_line_, kBlock), capacity_ * 2);
  std::unique_ptr<char[]> grown(new char[bigger + simdjson::SIMDJSON_PADDING]);
  std::memcpy(grown.get(), buffer_.get(), end_);
  buffer_ = std::move(grown);
  capacity_ = bigger;
}

bool RecordReader::fill() {
  make_room();
  const std::size_t got = read_some(fd_, buffer_.get() + end_, capacity_ - end_, name_);
  bytes_read_ += got;
  end_ += got;
  return got > 0;
}

const RecordView* RecordReader::next() {
  const void* const newline = std::memchr(buffer_.get() + searched_, '\n', end_ - searched_);
  if (newline == nullptr) {
    searched_ = end_;
    return nullptr;
  }
  const std::size_t at = static_cast<std::size_t>(static_cast<const char*>(newline) - buffer_.get());
  const std::string_view line(buffer_.get() + begin_, at - begin_);
  begin_ = searched_ = at + 1;
  ++line_number_;
  try {
    parse(line);
  } catch (Error& error) {
    error.add_context(where());
    throw;
  } catch (const simdjson::simdjson_error& error) {
    throw DataError(where() + ": malformed JSON: " + error.what());
  }
  return &view_;
}

void RecordReader::parse(std::string_view line) {
  if (parser_->scanner.scan(line, view_)) return;
  view_.line = line;
  view_.fields.clear();
  view_.json_null.clear();
  view_.gtid.reset();
  view_.snapshot = false;
  view_.same_table = true;

  // There are bytes of ours behind every line: at least the padding behind the buffer.
  const std::size_t readable =
      capacity_ + simdjson::SIMDJSON_PADDING - static_cast<std::size_t>(line.data() - buffer_.get());
  ondemand::document document;
  ondemand::object object;
  if (parser_->parser.iterate(line.data(), line.size(), readable).get(document) != simdjson::SUCCESS ||
      document.get_object().get(object) != simdjson::SUCCESS)
    throw DataError("not a JSON object");

  unsigned seen = 0;
  bool first = true;
  const auto take_name = [&](Member& value, std::string_view key, std::string_view& name, std::string& kept) {
    const std::string_view text = text_of(value, key);
    if (name.data() != nullptr && text == name) return;
    name = kept = text;
    view_.same_table = false;
  };
  for (auto member : object) {
    const std::string_view key = key_text(member.key());
    Member value = member.value();
    if (first) {
      first = false;
      if (key != "kind") throw DataError("the first member is not \"kind\"");
      const auto kind = parse_record_kind(text_of(value, key));
      if (!kind) throw DataError("unknown kind of record");
      view_.kind = *kind;
      if (!view_.is_row()) return;  // whoever takes it parses it whole
    } else if (key == "data") {
      view_.data = read_data(value, view_.fields);
      seen |= kData;
    } else if (key == "db") {
      take_name(value, key, view_.db, db_);
      seen |= kDb;
    } else if (key == "table") {
      take_name(value, key, view_.table, table_);
      seen |= kTable;
    } else if (key == "gtid") {
      if (!value.is_null()) view_.gtid = text_of(value, key);
      seen |= kGtid;
    } else if (key == "pos") {
      view_.pos = uint_of(value, key);
      seen |= kPos;
    } else if (key == "seq") {
      view_.seq = uint_of(value, key);
      seen |= kSeq;
    } else if (key == "snapshot") {
      if (value.get_bool().get(view_.snapshot) != simdjson::SUCCESS) refuse(key, "is no boolean");
    } else if (key == "json_null") {
      for (Member name : value.get_array()) view_.json_null.push_back(text_of(name, key));
    }
  }
  if (first) throw DataError("an empty object is no record");
  if (document.current_location().error() == simdjson::SUCCESS) throw DataError("text behind the JSON object");
  if (seen != kAll) throw DataError("a row without all of db, table, gtid, pos, seq and data");
}

}  // namespace cdc
