// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "common/model/record.hpp"

using cdc::BinlogPosition;

TEST_CASE("binlog files are ordered by number") {
  CHECK(cdc::compare_binlog_names("binlog.999999", "binlog.1000000") < 0);
  CHECK(cdc::compare_binlog_names("binlog.000010", "binlog.000009") > 0);
  CHECK(cdc::compare_binlog_names("a.b.000002", "z.000001") > 0);
  CHECK(cdc::compare_binlog_names("binlog.000001", "binlog.000001") == 0);
  CHECK(cdc::compare_binlog_names("a.000001", "b.000001") < 0);
  CHECK(cdc::compare_binlog_names("binlog.000000", "binlog.000001") < 0);
  CHECK(cdc::compare_binlog_names("binlog", "binlog.000001") < 0);
  CHECK(cdc::compare_binlog_names("binlog.index", "binlog.000001") < 0);
  CHECK(cdc::compare_binlog_names("b.99999999999999999999999", "b.100000000000000000000000") < 0);
  CHECK(BinlogPosition{"b.000001", 900} < BinlogPosition{"b.000002", 4});
  CHECK(BinlogPosition{"b.000001", 900} > BinlogPosition{"b.000001", 4});
  CHECK(BinlogPosition{"b.000042", 1193}.text() == "b.000042:1193");
}

TEST_CASE("names of modes, record kinds and DDL classes") {
  CHECK(cdc::parse_startup_mode("timestamp") == cdc::StartupMode::timestamp);
  CHECK(cdc::parse_startup_mode("initial") == cdc::StartupMode::initial);
  CHECK_FALSE(cdc::parse_startup_mode("never").has_value());
  CHECK_FALSE(cdc::parse_startup_mode("").has_value());
  CHECK(cdc::parse_stop_mode("never") == cdc::StopMode::never);
  CHECK(cdc::parse_stop_mode("specific") == cdc::StopMode::specific);
  CHECK_FALSE(cdc::parse_stop_mode("Latest").has_value());

  CHECK(cdc::record_kind_text(cdc::RecordKind::update_before) == "-U");
  CHECK(cdc::record_kind_text(cdc::RecordKind::end) == "end");
  for (const char* text :
       {"start", "table", "begin", "+I", "-U", "+U", "-D", "commit", "ddl", "heartbeat", "end"}) {
    REQUIRE(cdc::parse_record_kind(text).has_value());
    CHECK(cdc::record_kind_text(*cdc::parse_record_kind(text)) == text);
  }
  CHECK(cdc::parse_record_kind("-D") == cdc::RecordKind::remove);
  CHECK_FALSE(cdc::parse_record_kind("+D").has_value());
  for (const char* text : {"create", "alter", "drop", "truncate", "rename", "partition", "other"}) {
    REQUIRE(cdc::parse_ddl_class(text).has_value());
    CHECK(cdc::ddl_class_text(*cdc::parse_ddl_class(text)) == text);
  }
  CHECK(cdc::parse_ddl_class("rename") == cdc::DdlClass::rename);
  CHECK_FALSE(cdc::parse_ddl_class("x").has_value());
}
