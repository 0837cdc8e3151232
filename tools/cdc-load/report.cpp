// SPDX-License-Identifier: Apache-2.0
#include "tools/cdc-load/report.hpp"

#include <fcntl.h>

#include <cerrno>

#include "common/base/error.hpp"
#include "common/base/text.hpp"
#include "tools/cdc-load/loader.hpp"

namespace cdc::load {

Report::Report(const std::string& path) : path_(path) {
  if (path.empty()) return;
  file_ = UniqueFd(::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666));
  if (!file_) throw IoError(ExitCode::io, path, errno);
}

void Report::committed(const std::string& target, const LoadIntent& load, std::optional<std::int64_t> took_ms) {
  if (!file_) return;
  OutBuffer out(512);
  out.append("{\"ts_ms\":");
  append_int(out, now_ms());
  out.append(",\"table\":");
  append_json_string(out, target);
  out.append(",\"label\":");
  append_json_string(out, load.label);
  out.append(",\"rows\":");
  append_uint(out, load.rows);
  out.append(",\"bytes\":");
  append_uint(out, load.bytes);
  out.append(",\"took_ms\":");
  took_ms ? append_int(out, *took_ms) : out.append("null");
  out.append("}\n");
  write_all(file_.get(), out.view(), path_);
}

}  // namespace cdc::load
