// SPDX-License-Identifier: Apache-2.0
#include "tools/cdc-check/handover.hpp"

#include <random>

#include "common/base/fd.hpp"
#include "common/base/text.hpp"
#include "common/model/checkpoint.hpp"

namespace cdc::check {
namespace {

std::string random_job() {
  std::random_device random;
  std::string bytes;
  for (int i = 0; i < 8; ++i) bytes += static_cast<char>(random());
  return to_hex(as_bytes(bytes));
}

}  // namespace

void write_checkpoint(const std::string& path, const ServerFacts& server, const PositionFacts& position) {
  if (!position.asked) throw UsageError("--write-checkpoint needs a position");
  if (!position.start.ok())
    throw RefusedError(path + " was not written: no job can start from this position");
  if (!position.position) throw RefusedError(path + " was not written: " + position.refusal);
  const FileLock lock(checkpoint_lock_path(path));
  if (Checkpoint::load(path)) throw UsageError(path + " exists already; remove it if its job is given up");
  Checkpoint checkpoint;
  checkpoint.job = random_job();
  if (server.mariadb() || server.gtid_mode == GtidMode::on) checkpoint.gtid_set = usable_set(position);
  checkpoint.position = *position.position;
  checkpoint.server_uuid = server.uuid;
  checkpoint.ts_ms = position.last_commit_ms;
  checkpoint.filter = "{}";
  checkpoint.save(path);
}

}  // namespace cdc::check
