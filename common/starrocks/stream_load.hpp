// SPDX-License-Identifier: Apache-2.0
// A client of StarRocks' Stream Load over HTTP. Each call is one logical request, without retries; what a failure
// means for the data is in the answer. The redirect from FE to BE is followed by hand: no byte of a body goes to an FE,
// and credentials go to the FEs given and to the hosts that they name, nowhere else. One client per thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/error.hpp"
#include "common/starrocks/answer.hpp"

namespace cdc::starrocks {

struct Endpoint {
  std::vector<std::string> fe_urls;  // "http://fe:8030", without path, tried in turn
  std::string user, password;
  // --be-map: "host:port" of a redirect, or "*" → "host:port" or "https://host:port".
  std::map<std::string, std::string> be_map;
  std::string ca_file;  // "" = the system's authorities
  long connect_timeout_ms = 10'000;
  long fe_timeout_ms = 60'000;  // for the FE to name a BE, and for questions
};

// UsageError for anything but http(s)://host[:port], and for a URL with a user in it, whose text is not repeated.
void check_fe_url(const std::string& url);
// "FROM:PORT=TO:PORT" or "*=TO:PORT"; UsageError when malformed.
std::pair<std::string, std::string> parse_be_map(std::string_view text);

struct LoadRequest {
  std::string db, table, label;
  // The body's part at a cursor that begins at 0 and moves on; "" behind the last one.
  std::function<std::string_view(std::size_t& cursor)> body;
  std::uint64_t body_bytes = 0;  // of all parts, not 0
  std::string columns;     // value of the `columns` header, "" = keys are column names
  std::string compression;  // value of the `compression` header, "" = none
  long timeout_s = 600;    // StarRocks' limit for the transaction; we wait a minute longer
};

class StreamLoadClient {
 public:
  // When `abandon` becomes true, from any thread, the call under way fails within a second or so.
  StreamLoadClient(Endpoint endpoint, const std::atomic<bool>& abandon);
  ~StreamLoadClient();
  StreamLoadClient(const StreamLoadClient&) = delete;
  StreamLoadClient& operator=(const StreamLoadClient&) = delete;

  // Sends the rows under `label`. Never throws for what servers or networks do, but for a certificate that does not hold
  // (ConfigError), as do the next two.
  LoadAnswer load(const LoadRequest& request);
  // TemporaryError when no FE gives an answer; 77 when credentials are refused.
  LabelState label_state(const std::string& db, const std::string& label);
  // Asks to abort the label's transaction. Whether it did, only label_state() tells.
  void cancel(const std::string& db, const std::string& table, const std::string& label);
  // The first bytes of what an answer's error_url names; "" when it cannot be had, `why` then says why.
  std::string error_log(const std::string& url, std::string& why);

  const Endpoint& endpoint() const { return endpoint_; }

 private:
  struct Curl;
  struct Call;
  struct Reply;
  Reply perform(const Call& call);
  Reply ask(const std::string& method, const std::string& path);
  LoadAnswer load_at(const LoadRequest& request, const std::string& url, bool is_fe, std::string& next);
  // Where a redirect leads, after be_map; sets `why` and returns nullopt when it is not to be followed.
  std::optional<std::string> follow(const std::string& from, const std::string& location, std::string& why) const;

  Endpoint endpoint_;
  const std::atomic<bool>& abandon_;
  std::size_t fe_ = 0;  // the FE that answered last
  std::unique_ptr<Curl> curl_;
};

}  // namespace cdc::starrocks
