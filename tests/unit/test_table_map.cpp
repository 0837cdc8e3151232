// SPDX-License-Identifier: Apache-2.0
// The oracle is information_schema.COLUMNS of the server that wrote the table maps.
#include <doctest/doctest.h>

#include <map>

#include "binlog_fixture.hpp"
#include "common/binlog/table_map.hpp"

using cdc::Column;
using cdc::Event;
using cdc::EventReader;
using cdc::EventType;
using cdc::TableMap;

namespace {

std::vector<TableMap> table_maps(const std::string& name) {
  std::vector<TableMap> maps;
  for (const std::string& file : cdc::fixture::files_of(name)) {
    cdc::fixture::File source(name, file);
    EventReader reader;
    while (const std::optional<cdc::RawEvent> raw = source.next()) {
      const Event event = reader.read(*raw);
      if (event.type() == EventType::table_map)
        maps.push_back(cdc::decode_table_map(event, reader.format().mariadb));
    }
  }
  return maps;
}

struct Definition {
  std::string name, type, charset, key, extra;
  bool nullable;
};
using Definitions = std::map<std::string, std::vector<Definition>>;  // by table

Definitions definitions(const std::string& name) {
  Definitions tables;
  for (const auto& row : cdc::fixture::read_tsv(cdc::fixture::directory(name) / "columns.tsv")) {
    tables[row[1]].push_back({row[3], row[4], row[6], row[7], row.size() > 8 ? row[8] : "", row[5] == "YES"});
  }
  return tables;
}

// What MariaDB's COLUMN_TYPE says and no table map tells.
std::string as_told_by_mariadb(std::string type) {
  const bool widths = type.find("int(") != std::string::npos || type.starts_with("year(");
  if (widths) type.erase(type.find('('), type.find(')') - type.find('(') + 1);
  if (type == "inet6" || type == "uuid") return "binary(16)";
  if (type == "inet4") return "binary(4)";
  if (type == "geometrycollection") return "geomcollection";
  return type;
}

void check_against(const TableMap& map, const std::vector<Definition>& columns, bool mariadb) {
  REQUIRE(map.columns.size() == columns.size());
  std::vector<std::size_t> key;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const Column& column = map.columns[i];
    const std::string place = map.name.text() + "." + columns[i].name;
    CAPTURE(place);
    CHECK(column.name == columns[i].name);
    CHECK(column.type_text == (mariadb ? as_told_by_mariadb(columns[i].type) : columns[i].type));
    CHECK(column.nullable == columns[i].nullable);
    CHECK(column.charset == columns[i].charset);
    CHECK(column.invisible == (columns[i].extra.find("INVISIBLE") != std::string::npos && !mariadb));
    if (columns[i].key == "PRI") key.push_back(i);
  }
  std::vector<std::size_t> sorted = map.primary_key;
  std::sort(sorted.begin(), sorted.end());
  CHECK(sorted == key);
}

const TableMap& find(const std::vector<TableMap>& maps, const std::string& table) {
  for (const TableMap& map : maps) {
    if (map.name.table == table) return map;
  }
  FAIL("no table map of ", table);
  return maps.front();
}

}  // namespace

TEST_CASE("full metadata of MySQL 9.7 tells what information_schema tells") {
  const Definitions tables = definitions("mysql-types");
  const std::vector<TableMap> maps = table_maps("mysql-types");
  std::size_t named = 0;
  for (const TableMap& map : maps) {
    CHECK(map.name.db == "types");
    CHECK(map.has_types);
    if (!map.has_names) continue;
    check_against(map, tables.at(map.name.table), false);
    ++named;
  }
  CHECK(named == tables.size());
  CHECK(find(maps, "numbers").primary_key == std::vector<std::size_t>{20, 0});
  CHECK(find(maps, "labels").columns[5].labels ==
        std::vector<std::string>{"back\\slash", "new\nline", "quo\"te", "tab\t"});
}

TEST_CASE("minimal metadata tells types and character sets, but no names") {
  const std::vector<TableMap> maps = table_maps("mysql-types");
  std::size_t unnamed = 0;
  for (const TableMap& map : maps) {
    if (map.has_names) continue;
    ++unnamed;
    const TableMap& full = find(maps, map.name.table);
    REQUIRE(full.has_names);
    CHECK(map.has_types);
    CHECK(map.primary_key.empty());
    for (std::size_t i = 0; i < map.columns.size(); ++i) {
      CHECK(map.columns[i].name.empty());
      CHECK(map.columns[i].type_text == full.columns[i].type_text);
      CHECK(map.columns[i].charset == full.columns[i].charset);
    }
  }
  CHECK(unnamed == 2);
}

TEST_CASE("full metadata of MariaDB") {
  const Definitions tables = definitions("mariadb-types");
  const std::vector<TableMap> maps = table_maps("mariadb-types");
  CHECK(maps.size() == tables.size());
  for (const TableMap& map : maps) {
    CHECK(map.has_types);
    CHECK(map.has_names);
    check_against(map, tables.at(map.name.table), true);
  }
}

TEST_CASE("MySQL 5.6 tells neither sign nor character set") {
  const TableMap map = table_maps("mysql56-transactions").front();
  CHECK_FALSE(map.has_types);
  CHECK_FALSE(map.has_names);
  std::vector<std::string> types;
  for (const Column& column : map.columns) types.push_back(column.type_text);
  // VARCHAR(20) of latin1; what is signed is not known.
  CHECK(types == std::vector<std::string>{"int", "varchar(20)", "decimal(10,2)", "enum", "timestamp(3)"});
  CHECK_FALSE(map.columns[0].nullable);
  CHECK(map.columns[1].nullable);
  CHECK(map.columns[3].meta == 1);
}

TEST_CASE("the cache gives the same object for the same bytes") {
  cdc::fixture::File source("mysql-transactions", "binlog.000001");
  EventReader reader;
  cdc::TableMapCache cache;
  std::map<std::uint64_t, std::shared_ptr<const TableMap>> seen;
  std::size_t again = 0;
  while (const std::optional<cdc::RawEvent> raw = source.next()) {
    const Event event = reader.read(*raw);
    if (event.type() != EventType::table_map) continue;
    const std::uint64_t id = cdc::table_map_id(event);
    const std::shared_ptr<const TableMap> map = cache.add(event, false);
    CHECK(map->table_id == id);
    if (seen.count(id) != 0) {
      CHECK(map == seen[id]);
      ++again;
    }
    seen[id] = map;
    CHECK(*cache.find(id) == map);
    // Another table under the number replaces it; the old object stays whole.
    std::string changed(cdc::as_text(event.body));
    changed[9] = 'S';
    Event other = event;
    other.body = cdc::as_bytes(changed);
    const std::shared_ptr<const TableMap> replaced = cache.add(other, false);
    CHECK(replaced != map);
    CHECK(replaced->name.db == "Shop");
    CHECK(seen[id]->name.db == "shop");
    seen[id] = cache.add(event, false);
  }
  CHECK(again > 3);
  CHECK(cache.find(1) == nullptr);
}

TEST_CASE("the cache forgets numbers not met for long, and keeps those in use") {
  cdc::fixture::File source("mysql-transactions", "binlog.000001");
  EventReader reader;
  Event event;
  do {
    event = reader.read(source.next().value());
  } while (event.type() != EventType::table_map);
  std::string body(cdc::as_text(event.body));
  const auto add = [&](cdc::TableMapCache& cache, std::uint32_t id) {
    std::memcpy(body.data(), &id, 4);
    Event numbered = event;
    numbered.body = cdc::as_bytes(body);
    return cache.add(numbered, false);
  };
  cdc::TableMapCache cache;
  const auto first = add(cache, 0);
  for (std::uint32_t id = 1; id < 100000; ++id) {
    add(cache, id);
    if (id % 1000 == 0) CHECK(add(cache, 0) == first);
  }
  CHECK(cache.find(99999) != nullptr);
  CHECK(cache.find(99000) != nullptr);
  CHECK(cache.find(50000) == nullptr);
}

TEST_CASE("table maps cut or flipped anywhere decode to something or to an error") {
  std::size_t errors = 0;
  for (const std::string name : {"mysql-types", "mariadb-types", "mysql56-transactions"}) {
    cdc::fixture::File source(name, "binlog.000001");
    EventReader reader;
    while (const std::optional<cdc::RawEvent> raw = source.next()) {
      const Event event = reader.read(*raw);
      if (event.type() != EventType::table_map) continue;
      std::string bytes(cdc::as_text(event.body));
      Event broken = event;
      for (std::size_t i = 0; i < bytes.size() * 9; ++i) {
        const std::size_t bit = i / 9 * 8 + i % 9;
        const bool cut = i % 9 == 8;
        if (!cut) bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
        broken.body = cut ? event.body.first(i / 9) : cdc::as_bytes(bytes);
        try {
          cdc::decode_table_map(broken, reader.format().mariadb);
        } catch (const cdc::Error&) {
          ++errors;
        }
        if (!cut) bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
      }
    }
  }
  CHECK(errors > 5000);
}

TEST_CASE("column type texts beyond the fixtures") {
  const auto text = [](cdc::ColumnType type, std::uint32_t meta, std::uint16_t collation = 0) {
    Column column;
    column.type = type;
    column.meta = meta;
    column.collation = collation;
    return cdc::column_type_text(column);
  };
  using cdc::ColumnType;
  CHECK(text(ColumnType::timestamp, 0) == "timestamp");
  CHECK(text(ColumnType::string, 1020, 45) == "char(255)");
  CHECK(text(ColumnType::string, 255, 63) == "binary(255)");
  CHECK(text(ColumnType::varchar, 20) == "varchar(20)");
  CHECK(text(ColumnType::blob, 9) == "text");
  CHECK(text(static_cast<ColumnType>(99), 0) == "unknown(99)");
}
