// SPDX-License-Identifier: Apache-2.0
// The texts are those of StarRocks' sources, be/src/http and fe/…/http/rest, of the versions named.
#include <doctest/doctest.h>

#include "common/base/error.hpp"
#include "common/starrocks/answer.hpp"
#include "common/starrocks/stream_load.hpp"

using namespace std::string_literals;
using cdc::starrocks::BodySent;
using cdc::starrocks::LabelState;
using cdc::starrocks::LoadAnswer;
using cdc::starrocks::LoadResult;
using cdc::starrocks::parse_load_answer;

namespace {

LoadResult after_body(std::string_view body) { return parse_load_answer(200, body, BodySent::maybe).result; }
LoadResult from_fe(std::string_view body) { return parse_load_answer(200, body, BodySent::no).result; }

}  // namespace

TEST_CASE("success is success only with the right counters") {
  const LoadAnswer answer = parse_load_answer(
      200, R"({"TxnId":7,"Label":"l","Status":"Success","Message":"OK","NumberTotalRows":3,"NumberLoadedRows":3,)"
           R"("NumberFilteredRows":0,"NumberUnselectedRows":0,"Unheard":{"of":1}})", BodySent::maybe);
  CHECK(answer.result == LoadResult::loaded);
  CHECK(answer.counts(3));
  CHECK_FALSE(answer.counts(4));
  CHECK_FALSE(parse_load_answer(200, R"({"Status":"Success"})", BodySent::maybe).counts(0));
}

TEST_CASE("a success that nobody can have had is in doubt") {
  CHECK(from_fe(R"({"Status":"Success"})") == LoadResult::unknown);
  CHECK(parse_load_answer(500, R"({"Status":"Success"})", BodySent::maybe).result == LoadResult::unknown);
}

TEST_CASE("publish timeout is committed") {
  CHECK(after_body(R"({"Status":"Publish Timeout","Message":"Publish timeout. The data will be visible after a while"})") ==
        LoadResult::unpublished);
}

TEST_CASE("three spellings of a duplicate label") {
  CHECK(after_body(R"({"Status":"Label Already Exists","ExistingJobStatus":"FINISHED"})") == LoadResult::label_exists);
  CHECK(after_body(R"({"Status":"Fail","Message":"Label [cdc_1] has already been used, relate to txn [5]"})") ==
        LoadResult::label_exists);
  CHECK(after_body(R"({"Status":"LABEL_ALREADY_EXISTS"})") == LoadResult::label_exists);
}

TEST_CASE("failures by what they say") {
  const auto fail = [](const std::string& message) {
    return after_body("{\"Status\":\"Fail\",\"Message\":\"" + message + "\"}");
  };
  CHECK(fail("too many filtered rows") == LoadResult::bad_data);
  CHECK(fail("primary key size exceed the limit.") == LoadResult::bad_data);
  CHECK(fail("Failed to load data into tablet 10, because of too many versions, current/limit: 1001/1000.") ==
        LoadResult::overloaded);
  CHECK(fail("current running txns on db 1 is 100, larger than limit 100") == LoadResult::overloaded);
  CHECK(fail("Memory of process exceed limit. try consume") != LoadResult::bad_data);
  CHECK(fail("Service is shutting down, please retry later!") == LoadResult::retriable);
  CHECK(fail("words that nobody has seen") == LoadResult::retriable);
  CHECK(fail("Transaction status unknown, you can retry with same label") == LoadResult::unknown);
  CHECK(fail("Access denied; you need (at least one of) the INSERT privilege(s)") == LoadResult::denied);
  CHECK(fail("unknown table t") == LoadResult::refused);
}

TEST_CASE("the FE's shapes") {
  CHECK(from_fe(R"({"Status":"FAILED","Message":"class com.starrocks.common.DdlException: No backend alive."})") ==
        LoadResult::retriable);
  CHECK(from_fe(R"({"status":"FAILED","msg":"There is no 100-continue header"})") == LoadResult::refused);
  CHECK(parse_load_answer(401, R"({"status":"FAILED","code":"1","msg":"Access denied for root@127.0.0.1"})", BodySent::no).result ==
        LoadResult::denied);
  CHECK(parse_load_answer(400, "Bad Request. <br/> HTTP header is larger than 32768 bytes.", BodySent::no).result ==
        LoadResult::refused);
  CHECK(parse_load_answer(500, "<html>failed to handle request</html>", BodySent::no).result == LoadResult::retriable);
}

TEST_CASE("what is no answer leaves doubt once the body was sent") {
  for (const char* body : {"", "<html>", "{\"Status\":\"Succ", "[]", "{}"}) {
    CHECK(after_body(body) == LoadResult::unknown);
    CHECK(parse_load_answer(502, body, BodySent::maybe).result == LoadResult::unknown);
  }
}

TEST_CASE("states of labels") {
  const auto state = [](const char* body) { return cdc::starrocks::parse_label_state(200, body); };
  CHECK(state(R"({"state":"VISIBLE","status":"OK"})") == LabelState::visible);
  CHECK(state(R"({"state":"UNKNOWN","status":"OK"})") == LabelState::unknown);
  CHECK(state(R"({"state":"ABORTED","reason":"user cancel"})") == LabelState::aborted);
  std::string why;
  CHECK_FALSE(cdc::starrocks::parse_label_state(200, R"({"status":"FAILED","msg":"unknown database, database=x"})", &why));
  CHECK(why == "unknown database, database=x");
  CHECK_FALSE(state(R"({"state":"SOMETHING NEW"})"));
  CHECK_FALSE(cdc::starrocks::parse_label_state(500, R"({"state":"VISIBLE"})"));
}

TEST_CASE("addresses of the command line") {
  CHECK_NOTHROW(cdc::starrocks::check_fe_url("http://fe:8030"));
  CHECK_NOTHROW(cdc::starrocks::check_fe_url("https://[::1]:8030/"));
  CHECK_THROWS_AS(cdc::starrocks::check_fe_url("ftp://fe"), cdc::UsageError);
  CHECK_THROWS_AS(cdc::starrocks::check_fe_url("http://fe:8030/api"), cdc::UsageError);
  try {
    cdc::starrocks::check_fe_url("http://loader:hunter2@fe:8030");
    FAIL("accepted");
  } catch (const cdc::UsageError& error) {
    CHECK(error.message().find("hunter2") == std::string::npos);
  }
  CHECK(cdc::starrocks::parse_be_map("be1:8040=127.0.0.1:18040") == std::pair{"be1:8040"s, "127.0.0.1:18040"s});
  CHECK(cdc::starrocks::parse_be_map("*=gate:1").first == "*");
  for (const char* bad : {"", "=", "be1=x:1", "be1:8040=", "be1:8040", "*=x"})
    CHECK_THROWS_AS(cdc::starrocks::parse_be_map(bad), cdc::UsageError);
}
