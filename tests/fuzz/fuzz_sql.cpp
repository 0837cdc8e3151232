// SPDX-License-Identifier: Apache-2.0
// Statements: the first byte is the SQL mode's part that changes how text is read. Any text gives an answer and no error,
// and the answers agree with each other.
#include <cstdlib>
#include <string_view>

#include "common/binlog/ddl.hpp"
#include "common/binlog/dml.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view sql(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::uint64_t mode =
      ((data[0] & 1) != 0 ? cdc::kSqlModeAnsiQuotes : 0) | ((data[0] & 2) != 0 ? cdc::kSqlModeNoBackslashEscapes : 0);
  const cdc::StatementKind kind = cdc::classify_statement(sql);
  const cdc::DdlInfo ddl = cdc::parse_ddl(sql, "db", mode);
  if (mode == 0 && ddl.kind != kind && sql != "BEGIN") std::abort();
  if (ddl.kind != cdc::StatementKind::ddl && ddl.ddl_class != cdc::DdlClass::other) std::abort();
  if (ddl.tables)
    for (const cdc::TableName& name : *ddl.tables)
      if (name.db.size() + name.table.size() > size + 2) std::abort();
  if (const auto tables = cdc::parse_dml_tables(sql, "db", mode); tables && tables->empty()) std::abort();
  bool one_phase = false;
  cdc::parse_xa_id(sql, &one_phase);
  return 0;
}
