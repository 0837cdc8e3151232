// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "common/binlog/collation.hpp"

using cdc::find_charset;

namespace {
std::string_view name_of(std::uint32_t collation) {
  const cdc::CharacterSet* charset = find_charset(collation);
  return charset == nullptr ? "none" : charset->name;
}
}  // namespace

// Numbers from the manuals of MySQL ("Supported Character Sets and Collations") and MariaDB.
TEST_CASE("collation numbers name their character set") {
  CHECK(name_of(1) == "big5");      // big5_chinese_ci
  CHECK(name_of(8) == "latin1");    // latin1_swedish_ci
  CHECK(name_of(28) == "gbk");      // gbk_chinese_ci
  CHECK(name_of(33) == "utf8mb3");  // utf8_general_ci of 5.6
  CHECK(name_of(45) == "utf8mb4");
  CHECK(name_of(46) == "utf8mb4");
  CHECK(name_of(56) == "utf16le");
  CHECK(name_of(cdc::kBinaryCollation) == "binary");
  CHECK(name_of(248) == "gb18030");   // gb18030_chinese_ci
  CHECK(name_of(255) == "utf8mb4");   // utf8mb4_0900_ai_ci
  CHECK(name_of(309) == "utf8mb4");   // utf8mb4_0900_bin
  CHECK(name_of(1032) == "latin1");   // MariaDB latin1_swedish_nopad_ci
  CHECK(name_of(2304) == "utf8mb4");  // MariaDB's utf8mb4_uca1400_ai_ci
}

TEST_CASE("most bytes of a character") {
  CHECK(find_charset(8)->mbmaxlen == 1);
  CHECK(find_charset(28)->mbmaxlen == 2);
  CHECK(find_charset(33)->mbmaxlen == 3);
  CHECK(find_charset(45)->mbmaxlen == 4);
  CHECK(find_charset(60)->mbmaxlen == 4);  // utf32_general_ci
  CHECK(find_charset(63)->mbmaxlen == 1);
}

TEST_CASE("numbers that no server has") {
  CHECK(name_of(0) == "none");
  CHECK(name_of(17) == "none");
  CHECK(name_of(2216) == "none");
  CHECK(name_of(3272) == "none");
  CHECK(name_of(65535) == "none");
  CHECK(name_of(4294967295U) == "none");
}
