// SPDX-License-Identifier: Apache-2.0
#include "common/base/error.hpp"

#include <cstring>

namespace cdc {

Error& Error::add_context(std::string_view context) {
  std::string longer;
  longer.reserve(context.size() + 2 + message_.size());
  longer.append(context).append(": ").append(message_);
  message_ = std::move(longer);
  return *this;
}

IoError::IoError(ExitCode code, std::string_view what, int error_number)
    : Error(code, std::string(what) + ": " + std::strerror(error_number)), error_number_(error_number) {}

}  // namespace cdc
