// SPDX-License-Identifier: Apache-2.0
#include "common/starrocks/stream_load.hpp"

#include <curl/curl.h>

#include <cstring>
#include <mutex>

#include "common/base/text.hpp"

namespace cdc::starrocks {

namespace {

constexpr int kMostHops = 4;  // follower FE → leader FE → BE, and one to spare
constexpr std::size_t kMostReply = 1 << 20;
constexpr std::size_t kMostErrorLog = 1 << 14;
constexpr long kContinueTimeoutMs = 60'000;  // curl's second is too short for a busy FE: it would get the body

struct UrlDeleter {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};
using Url = std::unique_ptr<CURLU, UrlDeleter>;

std::string part(CURLU* url, CURLUPart what) {
  char* text = nullptr;
  if (curl_url_get(url, what, &text, 0) != CURLUE_OK || text == nullptr) return {};
  std::string copy(text);
  curl_free(text);
  return copy;
}

Url parse_url(const std::string& text) {
  Url url(curl_url());
  if (!url || curl_url_set(url.get(), CURLUPART_URL, text.c_str(), 0) != CURLUE_OK) return nullptr;
  return url;
}

std::string escape(std::string_view text) {
  char* escaped = curl_easy_escape(nullptr, text.data(), static_cast<int>(text.size()));
  std::string copy(escaped == nullptr ? "" : escaped);
  curl_free(escaped);
  return copy;
}

std::string host_and_port(CURLU* url) {
  std::string port = part(url, CURLUPART_PORT);
  if (port.empty()) port = part(url, CURLUPART_SCHEME) == "https" ? "443" : "80";
  return part(url, CURLUPART_HOST) + ":" + port;
}

}  // namespace

struct StreamLoadClient::Curl {
  CURL* handle = nullptr;
  ~Curl() { curl_easy_cleanup(handle); }
};

struct StreamLoadClient::Call {
  std::string method, url;
  std::vector<std::string> headers;
  const LoadRequest* load = nullptr;  // whose body it has
  bool may_send_body = true;  // false: it is announced, but asking for it is an error
  bool with_credentials = true;
  long timeout_ms = 0;
  std::size_t most_reply = kMostReply;
};

struct StreamLoadClient::Reply {
  CURLcode code = CURLE_OK;
  long status = 0;
  std::string body, location, error;
  std::size_t body_sent = 0;
  bool body_asked = false;  // although it must not be sent

  // Whether not even a request can have reached the server.
  bool not_connected() const {
    return code == CURLE_COULDNT_CONNECT || code == CURLE_COULDNT_RESOLVE_HOST || code == CURLE_SSL_CONNECT_ERROR;
  }
  void require_trust() const {
    if (code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE)
      throw ConfigError(error + " (--ssl-ca names the authority)");
  }
};

void check_fe_url(const std::string& text) {
  const Url url = parse_url(text);
  if (!url) throw UsageError("--url: not of the form http://HOST[:PORT]");
  if (!part(url.get(), CURLUPART_USER).empty() || !part(url.get(), CURLUPART_PASSWORD).empty())
    throw UsageError("--url: a user or password does not belong into a URL; use --user and --password-file");
  const std::string scheme = part(url.get(), CURLUPART_SCHEME), path = part(url.get(), CURLUPART_PATH);
  if ((scheme != "http" && scheme != "https") || (path != "/" && !path.empty()) || !part(url.get(), CURLUPART_QUERY).empty())
    throw UsageError("--url: not of the form http://HOST[:PORT]: " + text);
}

std::pair<std::string, std::string> parse_be_map(std::string_view text) {
  const std::size_t equals = text.find('=');
  const std::string from(text.substr(0, equals)), to(equals == std::string_view::npos ? "" : text.substr(equals + 1));
  const auto has_port = [](std::string_view address) {
    const std::size_t colon = address.rfind(':');
    return colon != std::string_view::npos && colon > 0 && parse_uint(address.substr(colon + 1)).has_value();
  };
  if ((from != "*" && !has_port(from)) || !has_port(to))
    throw UsageError("--be-map: not of the form FROM:PORT=TO:PORT or *=TO:PORT: " + std::string(text));
  return {from, to};
}

StreamLoadClient::StreamLoadClient(Endpoint endpoint, const std::atomic<bool>& abandon)
    : endpoint_(std::move(endpoint)), abandon_(abandon), curl_(std::make_unique<Curl>()) {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_ALL); });
  for (std::string& url : endpoint_.fe_urls)
    while (!url.empty() && url.back() == '/') url.pop_back();
  curl_->handle = curl_easy_init();
  if (curl_->handle == nullptr) throw std::bad_alloc();
}

StreamLoadClient::~StreamLoadClient() = default;

namespace {

struct Transfer {
  std::string* reply;
  std::size_t most_reply;
  const LoadRequest* load;
  std::size_t cursor = 0;  // in the body
  std::string_view part;   // what is not sent of the part before the cursor
  std::size_t* body_sent;
  bool may_send_body;
  bool* body_asked;
  std::string* location;
};

std::size_t on_reply(char* data, std::size_t size, std::size_t count, void* user) {
  auto* transfer = static_cast<Transfer*>(user);
  const std::size_t room = transfer->most_reply - transfer->reply->size();
  transfer->reply->append(data, std::min(room, size * count));
  return size * count;  // what is too much is read and dropped
}

std::size_t on_body(char* out, std::size_t size, std::size_t count, void* user) {
  auto* transfer = static_cast<Transfer*>(user);
  if (!transfer->may_send_body) {
    *transfer->body_asked = true;
    return CURL_READFUNC_ABORT;
  }
  std::size_t room = size * count;
  while (room > 0) {
    if (transfer->part.empty()) transfer->part = transfer->load->body(transfer->cursor);
    if (transfer->part.empty()) break;
    const std::size_t length = std::min(room, transfer->part.size());
    std::memcpy(out, transfer->part.data(), length);
    transfer->part.remove_prefix(length);
    out += length;
    room -= length;
  }
  *transfer->body_sent += size * count - room;
  return size * count - room;
}

std::size_t on_header(char* data, std::size_t size, std::size_t count, void* user) {
  auto* transfer = static_cast<Transfer*>(user);
  const std::string_view line(data, size * count);
  constexpr std::string_view kName = "location:";
  if (line.size() > kName.size() && lower_ascii(line.substr(0, kName.size())) == kName)
    *transfer->location = std::string(trim(line.substr(kName.size())));
  return size * count;
}

// curl calls it at least once a second.
int on_progress(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<const std::atomic<bool>*>(user)->load() ? 1 : 0;
}

}  // namespace

StreamLoadClient::Reply StreamLoadClient::perform(const Call& call) {
  Reply reply;
  Transfer transfer{.reply = &reply.body,
                    .most_reply = call.most_reply,
                    .load = call.load,
                    .part = {},
                    .body_sent = &reply.body_sent,
                    .may_send_body = call.may_send_body,
                    .body_asked = &reply.body_asked,
                    .location = &reply.location};
  CURL* curl = curl_->handle;
  curl_easy_reset(curl);
  char error[CURL_ERROR_SIZE] = "";
  curl_slist* headers = nullptr;
  for (const std::string& header : call.headers) headers = curl_slist_append(headers, header.c_str());

  const auto set = [curl](CURLoption option, auto value) { curl_easy_setopt(curl, option, value); };
  set(CURLOPT_URL, call.url.c_str());
  set(CURLOPT_CUSTOMREQUEST, call.method.c_str());
  set(CURLOPT_HTTPHEADER, headers);
  set(CURLOPT_HTTP_VERSION, long{CURL_HTTP_VERSION_1_1});
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_PROXY, "");  // a proxy would read the credentials
  set(CURLOPT_FRESH_CONNECT, 1L);  // on a connection that has gone stale curl would send the request twice
  set(CURLOPT_FORBID_REUSE, 1L);
  set(CURLOPT_CONNECTTIMEOUT_MS, endpoint_.connect_timeout_ms);
  set(CURLOPT_TIMEOUT_MS, call.timeout_ms);
  set(CURLOPT_SSL_VERIFYPEER, 1L);
  set(CURLOPT_SSL_VERIFYHOST, 2L);
  if (!endpoint_.ca_file.empty()) set(CURLOPT_CAINFO, endpoint_.ca_file.c_str());
  if (call.with_credentials) {
    set(CURLOPT_HTTPAUTH, long{CURLAUTH_BASIC});
    set(CURLOPT_USERNAME, endpoint_.user.c_str());
    set(CURLOPT_PASSWORD, endpoint_.password.c_str());
  }
  if (call.load != nullptr) {
    set(CURLOPT_UPLOAD, 1L);
    set(CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(call.load->body_bytes));
    set(CURLOPT_EXPECT_100_TIMEOUT_MS, kContinueTimeoutMs);
    set(CURLOPT_UPLOAD_BUFFERSIZE, 1L << 20);
    set(CURLOPT_READFUNCTION, on_body);
    set(CURLOPT_READDATA, &transfer);
  }
  set(CURLOPT_WRITEFUNCTION, on_reply);
  set(CURLOPT_WRITEDATA, &transfer);
  set(CURLOPT_HEADERFUNCTION, on_header);
  set(CURLOPT_HEADERDATA, &transfer);
  set(CURLOPT_ERRORBUFFER, error);
  set(CURLOPT_NOPROGRESS, 0L);
  set(CURLOPT_XFERINFOFUNCTION, on_progress);
  set(CURLOPT_XFERINFODATA, &abandon_);

  reply.code = curl_easy_perform(curl);
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &reply.status);
  curl_slist_free_all(headers);
  if (reply.code != CURLE_OK) {
    const std::string_view said = error[0] != '\0' ? error : curl_easy_strerror(reply.code);
    const Url url = parse_url(call.url);
    reply.error = (url ? host_and_port(url.get()) : "?") + ": " + std::string(said);
  }
  return reply;
}

std::optional<std::string> StreamLoadClient::follow(const std::string& from, const std::string& location,
                                                    std::string& why) const {
  const Url source = parse_url(from), target = parse_url(location);
  if (!source || !target) {
    why = "redirected to what is no URL: " + location.substr(0, 200);
    return std::nullopt;
  }
  // Whatever user a redirect carries, we use our own.
  curl_url_set(target.get(), CURLUPART_USER, nullptr, 0);
  curl_url_set(target.get(), CURLUPART_PASSWORD, nullptr, 0);
  if (part(source.get(), CURLUPART_PATH) != part(target.get(), CURLUPART_PATH)) {
    why = "redirected to another path: " + host_and_port(target.get()) + part(target.get(), CURLUPART_PATH);
    return std::nullopt;
  }
  auto mapped = endpoint_.be_map.find(host_and_port(target.get()));
  if (mapped == endpoint_.be_map.end()) mapped = endpoint_.be_map.find("*");
  if (mapped != endpoint_.be_map.end()) {
    const bool has_scheme = mapped->second.find("://") != std::string::npos;
    const Url to = parse_url(has_scheme ? mapped->second : part(target.get(), CURLUPART_SCHEME) + "://" + mapped->second);
    if (!to) {
      why = "--be-map: no address: " + mapped->second;
      return std::nullopt;
    }
    for (const CURLUPart what : {CURLUPART_SCHEME, CURLUPART_HOST, CURLUPART_PORT})
      curl_url_set(target.get(), what, part(to.get(), what).c_str(), 0);
  }
  const std::string scheme = part(target.get(), CURLUPART_SCHEME);
  if (scheme != "https" && (scheme != "http" || part(source.get(), CURLUPART_SCHEME) == "https")) {
    why = "redirected from https to " + scheme + "://" + host_and_port(target.get()) +
          ", where the password would go unencrypted; --be-map can name an https address";
    return std::nullopt;
  }
  return part(target.get(), CURLUPART_URL);
}

LoadAnswer StreamLoadClient::load_at(const LoadRequest& request, const std::string& url, bool is_fe, std::string& next) {
  Call call;
  call.method = "PUT";
  call.url = url;
  call.load = &request;
  call.may_send_body = !is_fe;
  call.timeout_ms = is_fe ? endpoint_.fe_timeout_ms : (request.timeout_s + 60) * 1000;
  call.headers = {"Expect: 100-continue",  "label: " + request.label,  "format: json",
                  "strip_outer_array: true", "strict_mode: true",      "max_filter_ratio: 0",
                  "ignore_json_size: true",  "timeout: " + std::to_string(request.timeout_s)};
  if (!request.columns.empty()) call.headers.push_back("columns: " + request.columns);
  if (!request.compression.empty()) call.headers.push_back("compression: " + request.compression);

  const Reply reply = perform(call);
  reply.require_trust();
  if (reply.status >= 300 && reply.status < 400 && !reply.location.empty() && reply.body_sent == 0) {
    LoadAnswer answer;
    answer.result = LoadResult::retriable;
    const std::optional<std::string> target = follow(url, reply.location, answer.message);
    next = target.value_or("");
    return answer;
  }
  const BodySent sent = reply.body_sent > 0 ? BodySent::maybe : BodySent::no;
  LoadAnswer answer;
  if (reply.code == CURLE_OK) answer = parse_load_answer(reply.status, reply.body, sent);
  answer.body_sent = sent == BodySent::maybe;
  if (reply.code == CURLE_OK) return answer;
  answer.message = reply.body_asked ? "the FE neither answered nor redirected in time" : reply.error;
  // A BE begins the transaction before it asks for the body: once it has the request, only the label's state is sure.
  answer.result = is_fe || reply.not_connected() ? LoadResult::retriable : LoadResult::unknown;
  return answer;
}

LoadAnswer StreamLoadClient::load(const LoadRequest& request) {
  const std::string path = "/api/" + escape(request.db) + "/" + escape(request.table) + "/_stream_load";
  LoadAnswer answer;
  for (std::size_t tried = 0; tried < endpoint_.fe_urls.size(); ++tried) {
    std::string url = endpoint_.fe_urls[fe_] + path;
    for (int hop = 0; hop < kMostHops && !url.empty(); ++hop) {
      std::string next;
      answer = load_at(request, url, hop == 0, next);
      if (!next.empty() && hop + 1 == kMostHops) answer.message = "redirected too often, last to " + next;
      url = std::move(next);
    }
    if (answer.result != LoadResult::retriable || answer.message.empty()) return answer;
    fe_ = (fe_ + 1) % endpoint_.fe_urls.size();
  }
  return answer;
}

StreamLoadClient::Reply StreamLoadClient::ask(const std::string& method, const std::string& path) {
  Reply reply;
  for (std::size_t tried = 0; tried < endpoint_.fe_urls.size(); ++tried) {
    Call call;
    call.method = method;
    call.url = endpoint_.fe_urls[fe_] + path;
    call.timeout_ms = endpoint_.fe_timeout_ms;
    for (int hop = 0; hop < kMostHops; ++hop) {
      reply = perform(call);
      reply.require_trust();
      if (reply.code != CURLE_OK || reply.status < 300 || reply.status >= 400) break;
      std::string why;
      const std::optional<std::string> target = follow(call.url, reply.location, why);
      if (!target) {
        reply.error = why;
        break;
      }
      call.url = *target;
    }
    if (reply.code == CURLE_OK && reply.status == 200) return reply;
    fe_ = (fe_ + 1) % endpoint_.fe_urls.size();
  }
  return reply;
}

LabelState StreamLoadClient::label_state(const std::string& db, const std::string& label) {
  const Reply reply = ask("GET", "/api/" + escape(db) + "/get_load_state?label=" + escape(label));
  if (reply.status == 401 || reply.status == 403)
    throw Error(ExitCode::denied, "StarRocks refuses user '" + endpoint_.user + "'");
  std::string why = reply.error;
  const std::optional<LabelState> state =
      reply.code == CURLE_OK ? parse_label_state(reply.status, reply.body, why.empty() ? &why : nullptr) : std::nullopt;
  if (!state) throw TemporaryError("cannot learn the state of label " + label + ": " + why);
  return *state;
}

void StreamLoadClient::cancel(const std::string& db, const std::string& table, const std::string& label) {
  ask("POST", "/api/" + escape(db) + "/" + escape(table) + "/_cancel?label=" + escape(label));
}

std::string StreamLoadClient::error_log(const std::string& url, std::string& why) {
  constexpr long kTimeoutMs = 5'000;
  const std::optional<std::string> target = follow(url, url, why);
  if (!target) return {};
  Call call;
  call.method = "GET";
  call.url = *target;
  call.with_credentials = false;
  call.timeout_ms = kTimeoutMs;
  call.most_reply = kMostErrorLog;
  const Reply reply = perform(call);
  if (reply.status == 200 && !reply.body.empty()) return reply.body;
  why = reply.error.empty() ? "HTTP " + std::to_string(reply.status) : reply.error;
  return {};
}

}  // namespace cdc::starrocks
