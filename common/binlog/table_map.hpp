// SPDX-License-Identifier: Apache-2.0
// TABLE_MAP: the definition of the table that the following rows events speak of. Always there: names of
// database and table, types, NULL-ability. Since MySQL 8.0.1 and MariaDB 10.5 also sign and character sets,
// and with binlog_row_metadata=FULL column names, labels, keys, visibility. A decoded TableMap owns all it
// holds. Format: libs/mysql/binlog/event/rows_event.h, Table_map_event.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "common/binlog/charset.hpp"
#include "common/binlog/event.hpp"
#include "common/model/schema.hpp"

namespace cdc {

struct TableMap {
  std::uint64_t table_id = 0;
  TableName name;
  // type, meta, nullable always; is_unsigned (never of YEAR), collation, charset (not of binary columns),
  // geometry_type, vector_dimension when has_types; name, labels, invisible when has_names. type_text says
  // what is known of all that.
  std::vector<Column> columns;
  std::vector<std::size_t> primary_key;  // in key order; only when has_names
  bool has_types = false;                // sign and character sets of all columns that have them were told
  bool has_names = false;  // binlog_row_metadata=FULL: names, labels, primary key and visibility were told

  bool operator==(const TableMap&) const = default;
};

// The number that the rows events of this TABLE_MAP bear (without decoding the rest).
std::uint64_t table_map_id(const Event& event);

// `mariadb` is FormatDescription::mariadb: its servers count GEOMETRY among the columns with a character set.
// `labels` decodes labels; it is worth keeping. DecodeError; DataError when a label is no text in its character set.
TableMap decode_table_map(const Event& event, bool mariadb, TextDecoder& labels);
TableMap decode_table_map(const Event& event, bool mariadb);

// MySQL's column type text, "int unsigned", "varchar(32)", "enum('a','b')", from what a table map tells. What
// it never tells is left out: display widths (tinyint(1)), ZEROFILL, MariaDB's INET6 and UUID (told as
// binary(16)). Where `column` has no collation, lengths are bytes.
std::string column_type_text(const Column& column);

// Table maps by number. Rows events are decoded in millions and table maps change rarely: one whose bytes are
// those of the last with its number is not decoded again and gives the same object, so that others may cache
// by address. Servers renumber a table whenever they open it, so numbers not met for long are forgotten;
// those of a running statement never.
class TableMapCache {
 public:
  // `event` is a TABLE_MAP. The result stays valid as long as somebody holds it. Throws as
  // decode_table_map().
  const std::shared_ptr<const TableMap>& add(const Event& event, bool mariadb);
  // nullptr when no TABLE_MAP had the number.
  const std::shared_ptr<const TableMap>* find(std::uint64_t table_id) const;

 private:
  struct Entry {
    std::string bytes;  // the event's body
    std::shared_ptr<const TableMap> map;
  };
  std::unordered_map<std::uint64_t, Entry> young_, old_;
  TextDecoder labels_;
};

}  // namespace cdc
