// SPDX-License-Identifier: Apache-2.0
// The pretty format has no specification but its promises: 80 columns, nothing that drives the terminal,
// every change and every changed value to be seen.
#include "common/json/formats.hpp"
#include "common/json/pretty_writer.hpp"
#include "tests/unit/formats_fixture.hpp"

using namespace formats_fixture;
using cdc::DdlClass;
using cdc::Escape;
using cdc::OutBuffer;
using cdc::PrettyWriter;
using cdc::TextRuler;

namespace {

PrettyWriter::Options options(bool color = false, int width = 80) {
  return {cdc::TimeZone(), false, color, width};
}

std::string escaped(std::string_view text, Escape escape = Escape::quoted) {
  std::string out;
  cdc::append_printable(out, text, escape);
  return out;
}

// The lines of one update of the columns `before` to those of `after`, without those of the heading.
std::vector<std::string> update_lines(const std::shared_ptr<cdc::TableSchema>& schema, const Cells& before,
                                      const Cells& after, int width = 80) {
  OutBuffer out;
  PrettyWriter writer(out, options(false, width));
  writer.update(rows_of(schema), 0, before, after);
  return lines(out.view());
}

}  // namespace

TEST_CASE("pretty: a transaction") {
  OutBuffer out;
  PrettyWriter writer(out, options());
  const auto schema = orders();
  const Cells a = order(1, "100.00", "new"), b = order(1, "7.00", "new"), c = order(2, "5.00", "it's");
  cdc::StartRecord start;
  start.server_version = "9.7.4";
  start.position = {"binlog.000002", 197};
  start.time_zone = "+00:00";
  writer.start(start);
  writer.table(*schema);
  writer.begin(begin_record());
  writer.insert(rows_of(schema), 0, a);
  writer.update(rows_of(schema, 2), 1, a, b);
  writer.remove(rows_of(schema, 3), 2, c);
  writer.commit(commit_record("u:23", 3));
  writer.ddl(ddl_record(DdlClass::alter, {{"shop", "orders"}}, "ALTER TABLE orders\n\tADD x int"));
  cdc::HeartbeatRecord heartbeat;
  heartbeat.position = {"binlog.000002", 9001};
  writer.heartbeat(heartbeat);
  cdc::EndRecord end;
  end.reason = "stop position reached";
  end.position = heartbeat.position;
  writer.end(end);
  CHECK(out.view() ==
        "· start  binlog.000002:197  server 9.7.4  times in +00:00\n"
        "\n"
        "2025-11-21 07:26:40.123  binlog.000002:1124\n"
        "u:23\n"
        "  + shop.orders  id=1  price=100.00  status='new'\n"
        "  ~ shop.orders  id=1\n"
        "      price  100.00 → 7.00\n"
        "  - shop.orders  id=2  price=5.00  status='it\\'s'\n"
        "  3 changes\n"
        "\n"
        "2025-11-21 07:26:40.123  binlog.000002:2000\n"
        "u:24\n"
        "  ! alter  shop.orders\n"
        "      ALTER TABLE orders\n"
        "       ADD x int\n"
        "\n"
        "· heartbeat  binlog.000002:9001\n"
        "· end  binlog.000002:9001  stop position reached\n");
}

TEST_CASE("pretty: colour is only what was asked for, and changes nothing else") {
  const auto run = [](bool color) {
    OutBuffer out;
    PrettyWriter writer(out, options(color));
    const Cells a = order(1, "100.00", "new"), b = order(1, "7.00", "\x1b[31m");
    writer.begin(begin_record());
    writer.update(rows_of(orders()), 0, a, b);
    writer.commit(commit_record());
    return std::string(out.view());
  };
  std::string colored = run(true);
  const std::string plain = run(false);
  CHECK(plain.find('\x1b') == std::string::npos);
  CHECK(colored.find("\x1b[31m100.00\x1b[0m") != std::string::npos);
  CHECK(colored.find("\x1b[32m7.00\x1b[0m") != std::string::npos);
  for (std::size_t at = 0; (at = colored.find('\x1b', at)) != std::string::npos;) {
    colored.erase(at, colored.find('m', at) - at + 1);
  }
  CHECK(colored == plain);
}

TEST_CASE("pretty: nothing in a value drives the terminal") {
  CHECK(escaped("a\n\t\r\x1b[2J\x7f") == "a\\n\\t\\r\\x1b[2J\\x7f");
  CHECK(escaped(std::string_view("\0", 1)) == "\\x00");
  CHECK(escaped("\u0085\u009b") == "\\u0085\\u009b");               // NEL, CSI
  CHECK(escaped("\u202eevil\u2066") == "\\u202eevil\\u2066");       // direction
  CHECK(escaped("\ufeff\u200b\u00ad") == "\\ufeff\\u200b\\u00ad");  // invisible
  CHECK(escaped("\U000e0041") == "\\U000e0041");                    // tags
  CHECK(escaped("it's \\n") == "it\\'s \\\\n");
  CHECK(escaped("it's \\n", Escape::plain) == "it's \\n");
  CHECK(escaped("Grüße 東京 😀 न्‍") == "Grüße 東京 😀 न्‍");
  CHECK(escaped("\xff\xc3(\xe6\x9d") == "\\xff\\xc3(\\xe6\\x9d");  // no UTF-8
}

TEST_CASE("pretty: columns of a terminal") {
  const TextRuler ruler;
  CHECK(ruler.columns("abc") == 3);
  CHECK(ruler.columns("東京") == 4);
  CHECK(ruler.columns("e\u0301") == 1);
  CHECK(ruler.columns("😀") == 2);
  CHECK(ruler.columns("…→·") == 3);
  CHECK(ruler.shortened("abcdef", 6) == "abcdef");
  CHECK(ruler.shortened("abcdefg", 6) == "abcde…");
  CHECK(ruler.shortened("東京都庁", 7) == "東京都…");
  CHECK(ruler.shortened("東京都庁", 6) == "東京…");
  CHECK(ruler.shortened("abcde…", 5) == "abcd…");
}

TEST_CASE("pretty: no line is wider than the terminal") {
  const TextRuler ruler;
  const std::string words = "東京 Grüße, a long remark that goes on\nand on, ";
  std::string longer;
  for (int i = 0; i < 50; ++i) longer += words;
  std::vector<Column> columns;
  Cells before, after;
  const std::string_view all = longer;
  for (std::size_t i = 0; i < 30; ++i) {
    columns.push_back(column(std::string(i % 11 + 1, 'n'), ColumnType::varchar));
    before.push_back(i % 3 == 1 ? Value::of_text(Kind::bytes, all.substr(0, 3 * i))
                                : text(i % 3 == 0 ? all : "short"));
    after.push_back(text(i % 2 == 0 ? "x" : all.substr(7)));
  }
  const auto schema = table(columns, {0});
  for (const int width : {48, 80, 120}) {
    OutBuffer out;
    PrettyWriter writer(out, options(false, width));
    writer.insert(rows_of(schema), 0, before);
    writer.update(rows_of(schema), 1, before, after);
    writer.remove(rows_of(schema), 2, after);
    writer.ddl(
        ddl_record(DdlClass::alter, {{"shop", "orders"}}, "ALTER TABLE orders COMMENT '" + longer + "'"));
    cdc::EndRecord end;
    end.reason = longer;
    writer.end(end);
    for (const std::string& line : lines(out.view())) {
      INFO(line);
      CHECK(ruler.columns(line) <= width);
      std::string raw;
      cdc::append_printable(raw, line, Escape::plain);
      CHECK(raw == line);
    }
  }
}

TEST_CASE("pretty: an update shows the changed columns, aligned, and the key") {
  const auto schema =
      table({column("region", ColumnType::varchar), column("id", ColumnType::long_int),
             column("name", ColumnType::varchar), column("a_longer_name", ColumnType::varchar),
             column("same", ColumnType::long_int)},
            {1, 0});
  const Cells before{text("eu"), Value::of_int(7), text("a"), Value::of_null(), Value::of_int(5)};
  const Cells after{text("eu"), Value::of_int(8), text("bcd"), text("NULL"), Value::of_int(5)};
  CHECK(update_lines(schema, before, after) ==
        std::vector<std::string>{"  ~ shop.orders  region='eu'  id=7", "      id             7    → 8",
                                 "      name           'a'  → 'bcd'", "      a_longer_name  NULL → 'NULL'"});
  CHECK(update_lines(schema, before, before).back() == "      nothing that is told changed");
}

TEST_CASE("pretty: without a key the columns that stay say which row; a minimal image has no old values") {
  auto schema = orders();
  schema->primary_key.clear();
  const Cells before = order(1, "2.00", "new"), after = order(1, "3.00", "new");
  CHECK(update_lines(schema, before, after).front() == "  ~ shop.orders  id=1  status='new'");
  schema = orders();
  const Cells key{Value::of_int(1), Value(), Value()}, changed{Value(), Value(), text("paid")};
  CHECK(update_lines(schema, key, changed) ==
        std::vector<std::string>{"  ~ shop.orders  id=1", "      status  ? → 'paid'"});
}

TEST_CASE("pretty: long texts are shown where they differ") {
  const auto schema = orders();
  const std::string same(5000, 'x');
  const std::string was = same + "before", is = same + "after";
  const Cells before{Value::of_int(1), Value::of_null(), text(was)};
  const Cells after{Value::of_int(1), Value::of_null(), text(is)};
  const std::string line = update_lines(schema, before, after).at(1);
  INFO(line);
  CHECK(line.find("xbefore' → '…x") != std::string::npos);
  CHECK(line.ends_with("xafter'"));

  // Characters stay whole where the beginning is cut.
  for (std::size_t shift = 0; shift < 3; ++shift) {
    std::string wide(shift, 'x');
    for (int i = 0; i < 200; ++i) wide += "東";
    const std::string first = wide + "a", second = wide + "b";
    const Cells x{Value::of_int(1), Value::of_null(), text(first)},
        y{Value::of_int(1), Value::of_null(), text(second)};
    const std::string cut = update_lines(schema, x, y).at(1);
    CHECK(cut.find("\\x") == std::string::npos);
    CHECK(cut.ends_with("東b'"));
  }
}

TEST_CASE("pretty: values") {
  const cdc::TimeZone utc;
  const auto shown = [&](const Value& value) { return cdc::pretty_value(value, utc, 0, 40); };
  CHECK(shown(Value::of_null()) == "NULL");
  CHECK(shown(text("")) == "''");
  CHECK(shown(Value::of_text(Kind::decimal, "1.20")) == "1.20");
  CHECK(shown(Value::of_text(Kind::bytes, {"\0\xff", 2})) == "0x00ff");
  CHECK(shown(Value::of_text(Kind::bytes, std::string(30, 'a'))) ==
        "0x" + std::string("6161616161616161616161616161616161616161…"));
  CHECK(shown(Value::of_text(Kind::json, "{\"a\": \"\u202e\"}")) == "{\"a\": \"\\u202e\"}");
  CHECK(shown(Wkb().type(1).point(1, 2).value()) == "POINT (1 2)");
  CHECK(shown(Wkb(4326).type(1).point(1, 2).value()) == "POINT (1 2) SRID 4326");
  CHECK(shown(temporal(Kind::time, 1, at(0, 0, 0, 100, 0, 1, 500000), true)) == "-100:00:01.5");
  CHECK(shown(timestamp(0)) == "1970-01-01 00:00:00");
  CHECK(shown(text(std::string(39, 'a') + "東京")) == "'" + std::string(39, 'a') + "…");
}

TEST_CASE("formats: each name makes its sink") {
  for (const std::string_view name : {"native", "debezium", "maxwell", "canal", "pretty"}) {
    const auto format = cdc::parse_format(name);
    REQUIRE(format);
    OutBuffer out;
    const auto sink = cdc::make_sink(*format, out, {});
    const Cells a = order(1, "1", "x");
    sink->begin(begin_record());
    sink->insert(rows_of(orders()), 0, a);
    sink->commit(commit_record());
    CHECK(out.view().find(name == "pretty" ? "status='x'" : "\"status\":\"x\"") != std::string::npos);
  }
  CHECK_FALSE(cdc::parse_format("Native"));
  CHECK_FALSE(cdc::parse_format(""));
}
