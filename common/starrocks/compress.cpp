// SPDX-License-Identifier: Apache-2.0
#include "common/starrocks/compress.hpp"

#include <lz4frame.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <memory>

#include "common/base/error.hpp"

namespace cdc::starrocks {
namespace {

constexpr std::size_t kRoom = 1 << 16;      // of output that is made at a time
constexpr std::size_t kMostInput = 1 << 20;  // that LZ4 takes at a time
constexpr int kZstdLevel = 1, kGzipLevel = 1;  // the link is to be the limit, not this
constexpr int kGzipHeader = 15 + 16;           // largest window, gzip format (zlib.h)

[[noreturn]] void fail(const char* library, const char* why) {
  throw Error(ExitCode::software, std::string(library) + ": " + (why ? why : "error"));
}

// zlib's types lack const.
Bytef* input(const char* data) { return const_cast<Bytef*>(reinterpret_cast<const Bytef*>(data)); }

std::string gzip(const Body& body) {
  z_stream stream{};
  if (deflateInit2(&stream, kGzipLevel, Z_DEFLATED, kGzipHeader, 8, Z_DEFAULT_STRATEGY) != Z_OK) fail("zlib", stream.msg);
  const std::unique_ptr<z_stream, int (*)(z_stream*)> end(&stream, deflateEnd);
  std::string out;
  const auto run = [&](int flush) {
    int result = Z_OK;
    do {
      const std::size_t size = out.size();
      out.resize(size + kRoom);
      stream.next_out = reinterpret_cast<Bytef*>(out.data() + size);
      stream.avail_out = kRoom;
      result = deflate(&stream, flush);
      out.resize(size + kRoom - stream.avail_out);
      if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR) fail("zlib", stream.msg);
    } while (flush == Z_FINISH ? result != Z_STREAM_END : stream.avail_out == 0);
  };
  body.for_each_part([&](std::string_view part) {
    while (!part.empty()) {
      const std::size_t count = std::min(part.size(), kMostInput);
      stream.next_in = input(part.data());
      stream.avail_in = static_cast<uInt>(count);
      run(Z_NO_FLUSH);
      part.remove_prefix(count);
    }
  });
  run(Z_FINISH);
  return out;
}

std::string zstd(const Body& body) {
  const std::unique_ptr<ZSTD_CCtx, std::size_t (*)(ZSTD_CCtx*)> context(ZSTD_createCCtx(), ZSTD_freeCCtx);
  if (!context) throw std::bad_alloc();
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_compressionLevel, kZstdLevel);
  std::string out;
  const auto run = [&](std::string_view part, ZSTD_EndDirective directive) {
    ZSTD_inBuffer in{part.data(), part.size(), 0};
    for (std::size_t left = 1; left != 0 && (directive == ZSTD_e_end || in.pos < in.size);) {
      const std::size_t size = out.size();
      out.resize(size + kRoom);
      ZSTD_outBuffer room{out.data() + size, kRoom, 0};
      left = ZSTD_compressStream2(context.get(), &room, &in, directive);
      if (ZSTD_isError(left)) fail("zstd", ZSTD_getErrorName(left));
      out.resize(size + room.pos);
      if (directive == ZSTD_e_continue) left = 1;
    }
  };
  body.for_each_part([&](std::string_view part) { run(part, ZSTD_e_continue); });
  run({}, ZSTD_e_end);
  return out;
}

std::string lz4(const Body& body) {
  LZ4F_cctx* made = nullptr;
  if (LZ4F_isError(LZ4F_createCompressionContext(&made, LZ4F_VERSION))) throw std::bad_alloc();
  const std::unique_ptr<LZ4F_cctx, std::size_t (*)(LZ4F_cctx*)> context(made, LZ4F_freeCompressionContext);
  std::string out;
  const auto append = [&](std::size_t room, const auto& make) {
    const std::size_t size = out.size();
    out.resize(size + room);
    const std::size_t count = make(out.data() + size);
    if (LZ4F_isError(count)) fail("lz4", LZ4F_getErrorName(count));
    out.resize(size + count);
  };
  append(LZ4F_HEADER_SIZE_MAX, [&](char* to) { return LZ4F_compressBegin(context.get(), to, LZ4F_HEADER_SIZE_MAX, nullptr); });
  body.for_each_part([&](std::string_view part) {
    while (!part.empty()) {
      const std::size_t count = std::min(part.size(), kMostInput), room = LZ4F_compressBound(count, nullptr);
      append(room, [&](char* to) { return LZ4F_compressUpdate(context.get(), to, room, part.data(), count, nullptr); });
      part.remove_prefix(count);
    }
  });
  const std::size_t room = LZ4F_compressBound(0, nullptr);
  append(room, [&](char* to) { return LZ4F_compressEnd(context.get(), to, room, nullptr); });
  return out;
}

}  // namespace

std::optional<Compression> parse_compression(std::string_view text) {
  if (text == "none") return Compression::none;
  if (text == "gzip") return Compression::gzip;
  if (text == "lz4") return Compression::lz4;
  if (text == "zstd") return Compression::zstd;
  return std::nullopt;
}

std::string_view compression_header(Compression compression) {
  switch (compression) {
    case Compression::none:
      return "";
    case Compression::gzip:
      return "gzip";
    case Compression::lz4:
      return "lz4_frame";
    case Compression::zstd:
      return "zstd";
  }
  return "";
}

std::string compress(const Body& body, Compression compression) {
  switch (compression) {
    case Compression::gzip:
      return gzip(body);
    case Compression::lz4:
      return lz4(body);
    case Compression::zstd:
      return zstd(body);
    case Compression::none:
      break;
  }
  throw Error(ExitCode::software, "nothing to compress with");
}

}  // namespace cdc::starrocks
