// SPDX-License-Identifier: Apache-2.0
#include "common/mysql/row_query.hpp"

#include <mysql.h>

#include <memory>
#include <string>

namespace cdc {

namespace {

struct CloseStatement {
  void operator()(MYSQL_STMT* statement) const { mysql_stmt_close(statement); }
};
using Statement = std::unique_ptr<MYSQL_STMT, CloseStatement>;

WireShape shape_of(enum_field_types type) {
  switch (type) {
    case MYSQL_TYPE_NULL:
      return WireShape::nothing;
    case MYSQL_TYPE_TINY:
      return WireShape::int8;
    case MYSQL_TYPE_SHORT:
    case MYSQL_TYPE_YEAR:
      return WireShape::int16;
    case MYSQL_TYPE_INT24:
    case MYSQL_TYPE_LONG:
      return WireShape::int32;
    case MYSQL_TYPE_LONGLONG:
      return WireShape::int64;
    case MYSQL_TYPE_FLOAT:
      return WireShape::float32;
    case MYSQL_TYPE_DOUBLE:
      return WireShape::float64;
    case MYSQL_TYPE_DATE:
    case MYSQL_TYPE_DATETIME:
    case MYSQL_TYPE_TIMESTAMP:
      return WireShape::date;
    case MYSQL_TYPE_TIME:
      return WireShape::time;
    default:
      return WireShape::text;
  }
}

// The statement's error, in the connection's words.
[[noreturn]] void fail(const Connection& connection, MYSQL_STMT* statement) {
  const unsigned number = mysql_stmt_errno(statement);
  if (number == 0) connection.throw_error("");  // of the connection, in the middle of the rows
  const ErrorClass kind = classify_mysql_error(number);
  throw ServerError(
      kind.code, number, mysql_stmt_sqlstate(statement), kind.transient,
      connection.name() + ": " + mysql_stmt_error(statement) + " (" + std::to_string(number) + ")");
}

}  // namespace

void query_rows(Connection& connection, std::string_view sql,
                const std::function<void(const std::vector<WireShape>&)>& on_head,
                const std::function<bool(ByteView row)>& on_row) {
  MYSQL* mysql = connection.raw();
  const Statement statement(mysql_stmt_init(mysql));
  if (!statement) throw std::bad_alloc();
  MYSQL_STMT* stmt = statement.get();
  if (mysql_stmt_prepare(stmt, sql.data(), sql.size()) != 0 || mysql_stmt_execute(stmt) != 0) fail(connection, stmt);
  try {
    std::vector<WireShape> shapes;
    for (unsigned i = 0; i < stmt->field_count; ++i) shapes.push_back(shape_of(stmt->fields[i].type));
    on_head(shapes);
    // What mysql_stmt_fetch() does, without the part that copies each column into a buffer of its own.
    stmt->default_rset_handler(stmt);
    bool wanted = true;
    for (;;) {
      unsigned char* row = nullptr;
      unsigned long length = 0;
      const int result = mysql->methods->db_stmt_fetch(stmt, &row, &length);
      if (result != 0) {
        stmt->state = MYSQL_STMT_FETCH_DONE;
        mysql->status = MYSQL_STATUS_READY;
        if (result != MYSQL_NO_DATA) fail(connection, stmt);
        return;
      }
      if (wanted) wanted = on_row({row, length});
    }
  } catch (...) {
    if (stmt->state != MYSQL_STMT_FETCH_DONE) connection.interrupt();  // closing would read all the rest
    throw;
  }
}

}  // namespace cdc
