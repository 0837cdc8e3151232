// SPDX-License-Identifier: Apache-2.0
#include "common/json/pretty_writer.hpp"

#include <algorithm>

#include "common/base/text.hpp"
#include "common/json/parts.hpp"

namespace cdc {

namespace {

constexpr int kLeastWidth = 48;       // narrower terminals wrap
constexpr int kIndent = 6;            // of what belongs to a change
constexpr int kMostNameColumns = 24;  // longer names do not push the values of the others aside
constexpr int kMostItemColumns = 40;  // of a value in a list
constexpr int kGap = 2;               // between a name and its values
constexpr std::string_view kArrow = " → ";
constexpr int kArrowColumns = 3;

std::string printable(std::string_view text) {
  std::string out;
  append_printable(out, text, Escape::plain);
  return out;
}

bool is_key(const TableSchema& schema, std::size_t i) {
  const auto& key = schema.primary_key;
  return std::find(key.begin(), key.end(), i) != key.end();
}

// Where the part of two texts begins that is worth showing: a little before the first difference.
std::size_t difference_start(const Value& before, const Value& after) {
  constexpr std::size_t kContext = 20;
  const bool are_texts =
      before.kind == after.kind && (before.kind == Value::Kind::text || before.kind == Value::Kind::json);
  if (!are_texts) return 0;
  const std::string_view a = before.text, b = after.text;
  const auto same =
      static_cast<std::size_t>(std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin());
  std::size_t from = same > kContext ? same - kContext : 0;
  while (from > 0 && (static_cast<std::uint8_t>(a[from]) & 0xc0) == 0x80) --from;
  return from;
}

}  // namespace

PrettyWriter::PrettyWriter(OutBuffer& out, Options options) : out_(out), options_(std::move(options)) {
  options_.width = std::max(options_.width, kLeastWidth);
}

std::string_view PrettyWriter::style_code(Style style) {
  switch (style) {
    case Style::plain:
      break;
    case Style::bold:
      return "\x1b[1m";
    case Style::dim:
      return "\x1b[2m";
    case Style::added:
      return "\x1b[32m";
    case Style::removed:
      return "\x1b[31m";
    case Style::changed:
      return "\x1b[33m";
    case Style::statement:
      return "\x1b[35m";
    case Style::alarm:
      return "\x1b[1;31m";
  }
  return {};
}

void PrettyWriter::append(Style style, std::string_view printable_text) {
  const bool colored = options_.color && style != Style::plain && !printable_text.empty();
  if (colored) out_.append(style_code(style));
  out_.append(printable_text);
  if (colored) out_.append("\x1b[0m");
  column_ += ruler_.columns(printable_text);
}

// Blocks have an empty line around them, notes follow each other closely.
void PrettyWriter::separate(Last next) {
  if (last_ == Last::block || (last_ == Last::note && next == Last::block)) out_.append('\n');
  last_ = next;
  column_ = 0;
}

void PrettyWriter::heading(std::int64_t ts_ms, const BinlogPosition& position, std::string_view subject) {
  separate(Last::block);
  Value time;
  time.kind = Value::Kind::timestamp;
  time.fsp = 3;
  time.timestamp.seconds = ts_ms >= 0 ? ts_ms / 1000 : -((999 - ts_ms) / 1000);
  time.timestamp.microsecond = static_cast<std::uint32_t>(ts_ms - time.timestamp.seconds * 1000) * 1000;
  append(Style::bold, pretty_value(time, options_.time_zone, 0, 0));
  append(Style::plain, "  " + printable(position.text()));
  out_.append('\n');
  if (subject.empty()) return;
  append(Style::dim, printable(subject));
  out_.append('\n');
}

void PrettyWriter::note(Style style, const std::string& text) {
  separate(Last::note);
  append(style, text);
  out_.append('\n');
}

void PrettyWriter::table(const TableSchema&) {}

void PrettyWriter::start(const StartRecord& record) {
  if (options_.rows_only) return;
  std::string text = "· start  " + printable(record.position.text());
  if (!record.server_version.empty()) text += "  server " + printable(record.server_version);
  note(Style::dim, text + "  times in " + printable(record.time_zone));
}

void PrettyWriter::heartbeat(const HeartbeatRecord& record) {
  if (!options_.rows_only) note(Style::dim, "· heartbeat  " + printable(record.position.text()));
}

void PrettyWriter::end(const EndRecord& record) {
  if (options_.rows_only) return;
  const Style style = record.status == 0 ? Style::dim : Style::alarm;
  std::string text = "· end  " + printable(record.position.text());
  if (record.status != 0) text += "  status " + std::to_string(record.status);
  const std::string reason = "  " + printable(record.reason);
  const bool fits = ruler_.columns(text + reason) <= options_.width;
  note(style, fits ? text + reason : text);
  if (!fits) wrapped_text(record.reason);
}

void PrettyWriter::begin(const BeginRecord& record) {
  open_ = true;
  if (options_.rows_only) return;
  std::string subject = record.gtid.value_or("");
  if (record.snapshot) {
    subject = "copy of " + record.snapshot->table.text() + ", chunk " +
              std::to_string(record.snapshot->chunk) + (record.snapshot->last ? ", the last" : "");
  }
  heading(record.ts_ms, record.position, subject);
}

void PrettyWriter::commit(const CommitRecord& record) {
  open_ = false;
  if (options_.rows_only || record.changes < 2) return;
  append(Style::dim, "  " + std::to_string(record.changes) + " changes");
  out_.append('\n');
}

void PrettyWriter::ddl(const DdlRecord& record) {
  if (options_.rows_only) return;
  if (!open_) heading(record.ts_ms, record.position, record.gtid.value_or(""));
  append(Style::statement, "  ! " + std::string(ddl_class_text(record.ddl_class)));
  std::string_view separator = "  ";
  if (record.tables) {
    for (const TableName& name : *record.tables) {
      append(Style::plain, std::string(separator) + printable(name.text()));
      separator = ", ";
    }
  }
  out_.append('\n');
  wrapped_text(record.sql);
}

// The text line by line, with its indentation; long lines are broken at blanks and go on a little further in.
void PrettyWriter::wrapped_text(std::string_view sql) {
  constexpr int kMostLines = 40;
  int lines = 0;
  for (std::string_view line : split(trim(sql), '\n')) {
    line = line.substr(0, line.find_last_not_of(" \t\r") + 1);
    const std::size_t blanks = std::min(line.find_first_not_of(" \t"), line.size());
    const std::size_t first = kIndent + std::min<std::size_t>(blanks, 16);
    std::size_t indent = first;
    const std::string text = printable(line.substr(blanks));
    for (std::string_view rest = text; !rest.empty();) {
      if (lines++ == kMostLines) return out_.append("      …\n");
      const std::size_t size = broken_at(rest, options_.width - static_cast<int>(indent));
      out_.append(std::string(indent, ' '));
      out_.append(rest.substr(0, size));
      out_.append('\n');
      rest = trim(rest.substr(size));
      indent = first + 4;
    }
  }
}

// Where a text that may be too long for `columns` is broken: at its last blank that fits, else anywhere.
std::size_t PrettyWriter::broken_at(std::string_view text, int columns) const {
  const std::size_t size = ruler_.fitting(text, columns);
  if (size == text.size()) return size;
  const std::size_t blank = text.substr(0, size + 1).rfind(' ');
  return blank == std::string_view::npos || blank == 0 ? size : blank;
}

// ---- Changes of rows.

void PrettyWriter::begin_change(char sign, Style style, const TableSchema& schema) {
  column_ = 0;
  append(style, std::string("  ") + sign + " " + printable(schema.name.text()));
}

// One "name=value" of a list, on the next line when this one has no room.
void PrettyWriter::add_item(const Column& column, Style name_style, const Value& value) {
  const std::string name = printable(column.name) + "=";
  const int name_columns = ruler_.columns(name);
  const int most = std::max(std::min(kMostItemColumns, options_.width - kIndent - name_columns), 8);
  const std::string shown =
      ruler_.shortened(pretty_value(value, options_.time_zone, 0, static_cast<std::size_t>(most) * 4), most);
  if (column_ + 2 + name_columns + ruler_.columns(shown) > options_.width) {
    out_.append("\n      ");
    column_ = kIndent;
  } else {
    out_.append("  ");
    column_ += 2;
  }
  append(name_style, name);
  append(value.is_null() ? Style::dim : Style::plain, shown);
}

void PrettyWriter::list(char sign, Style style, const RowsContext& rows, Row row) {
  const TableSchema& schema = *rows.table;
  append_whole(out_, [&] {
    begin_change(sign, style, schema);
    each_column(schema, [&](std::size_t i) {
      if (!row[i].is_absent()) {
        add_item(schema.columns[i], is_key(schema, i) ? Style::bold : Style::dim, row[i]);
      }
    });
    out_.append('\n');
  });
}

void PrettyWriter::insert(const RowsContext& rows, std::uint64_t, Row after) {
  list('+', Style::added, rows, after);
}

void PrettyWriter::remove(const RowsContext& rows, std::uint64_t, Row before) {
  list('-', Style::removed, rows, before);
}

// The key says which row; where there is none, the columns that stay as they are have to.
void PrettyWriter::update(const RowsContext& rows, std::uint64_t, Row before, Row after) {
  const TableSchema& schema = *rows.table;
  append_whole(out_, [&] {
    begin_change('~', Style::changed, schema);
    each_column(schema, [&](std::size_t i) {
      const bool tells = schema.primary_key.empty() ? !is_changed(before, after, i) : is_key(schema, i);
      const Value& value = before[i].is_absent() ? after[i] : before[i];
      if (tells && !value.is_absent()) add_item(schema.columns[i], Style::bold, value);
    });
    out_.append('\n');
    difference(schema, before, after);
  });
}

void PrettyWriter::difference(const TableSchema& schema, Row before, Row after) {
  constexpr int kMostAligned = 24;  // wider values have their arrow where it comes
  std::vector<Change> changes;
  int name_columns = 0;
  each_column(schema, [&](std::size_t i) {
    // Only in the after image: a row image MINIMAL, which does not say what it was before.
    const bool is_new = before[i].is_absent() && !after[i].is_absent();
    if (!is_new && !is_changed(before, after, i)) return;
    changes.push_back({printable(schema.columns[i].name), &before[i], &after[i], {}, {}});
    name_columns = std::max(name_columns, std::min(ruler_.columns(changes.back().name), kMostNameColumns));
  });
  int was_columns = 0;
  for (Change& change : changes) {
    fit(change, name_columns);
    if (const int columns = ruler_.columns(change.was); columns <= kMostAligned) {
      was_columns = std::max(was_columns, columns);
    }
  }
  for (const Change& change : changes) write_change(change, name_columns, was_columns);
  if (!changes.empty()) return;
  append(Style::dim, "      nothing that is told changed");
  out_.append('\n');
}

// What is left of a line for both values.
int PrettyWriter::room_behind(const std::string& name, int name_columns) const {
  const int taken = kIndent + std::max(ruler_.columns(name), name_columns) + kGap + kArrowColumns;
  return std::max(options_.width - taken, 16);
}

void PrettyWriter::fit(Change& change, int name_columns) {
  const int room = room_behind(change.name, name_columns);
  const auto limit = static_cast<std::size_t>(room) * 4;
  change.was = pretty_value(*change.before, options_.time_zone, 0, limit);
  change.is = pretty_value(*change.after, options_.time_zone, 0, limit);
  if (ruler_.columns(change.was) + ruler_.columns(change.is) <= room) return;
  if (const std::size_t from = difference_start(*change.before, *change.after); from > 0) {
    change.was = pretty_value(*change.before, options_.time_zone, from, limit);
    change.is = pretty_value(*change.after, options_.time_zone, from, limit);
  }
  // What one side does not need is the other's.
  change.was = ruler_.shortened(change.was, std::max(room / 2, room - ruler_.columns(change.is)));
  change.is = ruler_.shortened(change.is, room - ruler_.columns(change.was));
}

void PrettyWriter::write_change(const Change& change, int name_columns, int was_columns) {
  const auto blanks = [](int count) {
    return std::string(static_cast<std::size_t>(std::max(count, 0)), ' ');
  };
  const int columns = ruler_.columns(change.was);
  const bool aligned =
      std::max(columns, was_columns) + ruler_.columns(change.is) <= room_behind(change.name, name_columns);
  column_ = 0;
  append(Style::plain,
         blanks(kIndent) + change.name + blanks(name_columns - ruler_.columns(change.name) + kGap));
  append(change.before->is_absent() ? Style::dim : Style::removed, change.was);
  append(Style::dim, blanks(aligned ? was_columns - columns : 0) + std::string(kArrow));
  append(Style::added, change.is);
  out_.append('\n');
}

}  // namespace cdc
