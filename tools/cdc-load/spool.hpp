// SPDX-License-Identifier: Apache-2.0
// Spool: lines put aside on disk, to be read again once, in their order. The file has no name: it is gone with the
// process, however that ends. It lies in $TMPDIR or /var/tmp, since /tmp is often memory.
#pragma once

#include <string>
#include <string_view>

#include "common/base/fd.hpp"

namespace cdc::load {

class Spool {
 public:
  bool empty() const { return empty_; }
  // `line` is without newline. IoError (74) when the disk is full or the directory cannot be written.
  void append(std::string_view line);
  // A descriptor at the first line, valid until clear(). IoError.
  int rewind();
  void clear();

 private:
  void flush();

  UniqueFd file_;
  std::string name_, buffer_;
  bool empty_ = true;
};

}  // namespace cdc::load
