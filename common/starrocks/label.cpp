// SPDX-License-Identifier: Apache-2.0
#include "common/starrocks/label.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <memory>

#include "common/base/text.hpp"

namespace cdc::starrocks {
namespace {

constexpr std::size_t kHashDigits = 40, kMaxPrefix = 80;

class Sha256 {
 public:
  Sha256() : context_(EVP_MD_CTX_new(), EVP_MD_CTX_free) { check(context_ && EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr)); }
  void add(std::string_view text) { check(EVP_DigestUpdate(context_.get(), text.data(), text.size())); }
  std::string hex() {
    std::array<std::uint8_t, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    check(EVP_DigestFinal_ex(context_.get(), digest.data(), &size));
    return to_hex(ByteView(digest.data(), size));
  }

 private:
  static void check(bool ok) {
    if (!ok) throw Error(ExitCode::software, "SHA-256 failed");
  }
  std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context_;
};

// One text for one mark.
std::string mark_text(const Mark& mark) {
  OutBuffer out(256);
  out.append(mark.gtids.text());
  if (mark.position) out.append("@" + mark.position->text());
  for (const OpenTransaction& open : mark.open) {
    out.append("+" + open.gtid + "@" + open.begin.text() + ":");
    append_uint(out, open.seq);
  }
  for (const auto& [table, chunk] : mark.chunks) append_snapshot_chunk(out, chunk);
  return std::string(out.view());
}

}  // namespace

std::string load_sha256(const Body& body, std::string_view columns) {
  Sha256 hash;
  body.for_each_part([&](std::string_view part) { hash.add(part); });
  if (!columns.empty()) hash.add("\n");
  hash.add(columns);
  return hash.hex();
}

std::string make_label(std::string_view prefix, std::string_view job, std::string_view target, const Mark& from,
                       const Mark& to, std::string_view sha256) {
  const std::string range = mark_text(from) + "\n" + mark_text(to);
  Sha256 hash;
  for (const std::string_view part : {job, target, std::string_view(range), sha256}) {
    hash.add(part);
    hash.add("\n");
  }
  return std::string(prefix) + "_" + hash.hex().substr(0, kHashDigits);
}

bool is_label_prefix(std::string_view text) {
  return !text.empty() && text.size() <= kMaxPrefix && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
}

}  // namespace cdc::starrocks
