// SPDX-License-Identifier: Apache-2.0
#include "common/cli/command_line.hpp"

#include <algorithm>
#include <numeric>
#include <string_view>

#include "common/base/error.hpp"

namespace cdc {
namespace {

constexpr std::string_view kNoSecret =
    "takes no value, for every user of this machine can read a command line; alone it asks on the terminal, "
    "or use --password-file or an option file";

// Number of insertions, deletions, replacements and swaps of neighbours that make `a` into `b`.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before_last, last(b.size() + 1), row(b.size() + 1);
  std::iota(last.begin(), last.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        row[j] = std::min(row[j], before_last[j - 2] + 1);
    }
    before_last = std::exchange(last, row);
  }
  return last[b.size()];
}

// The declared long option that was probably meant, "" if none is near: a slip of a third of the letters
// at most, or the only option that begins so.
std::string nearest_option(const CLI::App& cli, std::string_view name) {
  std::string best;
  std::size_t best_distance = name.size() / 3 + 1;
  std::string beginning;
  std::size_t beginnings = 0;
  for (const CLI::Option* option : cli.get_options())
    for (const std::string& candidate : option->get_lnames()) {
      const std::size_t distance = edit_distance(name, candidate);
      if (distance < best_distance) {
        best_distance = distance;
        best = candidate;
      }
      if (std::string_view(candidate).starts_with(name)) {
        ++beginnings;
        beginning = candidate;
      }
    }
  return best.empty() && beginnings == 1 ? beginning : best;
}

[[noreturn]] void unknown_option(const CLI::App& cli, const std::string& shown, std::string_view long_name) {
  const std::string hint = long_name.empty() ? "" : nearest_option(cli, long_name);
  throw UsageError("unknown option " + shown + (hint.empty() ? "" : "; did you mean --" + hint + "?"));
}

// "scheme://user:password@host"
bool has_url_password(std::string_view word) {
  const std::size_t scheme = word.find("://");
  if (scheme == std::string_view::npos) return false;
  std::string_view authority = word.substr(scheme + 3);
  authority = authority.substr(0, authority.find_first_of("/?#"));
  const std::size_t at = authority.rfind('@');
  return at != std::string_view::npos && authority.substr(0, at).find(':') != std::string_view::npos;
}

class Reader {
 public:
  Reader(const CLI::App& cli, const std::vector<std::string>& args) : cli_(cli), args_(args) {}

  CommandLine read() {
    while (next_ < args_.size() && line_.request == CommandLine::Request::run) {
      const std::string& word = args_[next_++];
      if (word == "--") {
        while (next_ < args_.size()) operand(args_[next_++]);
      } else if (word.starts_with("--")) {
        long_option(word);
      } else if (word.size() > 1 && word[0] == '-') {
        short_options(word);
      } else {
        operand(word);
      }
    }
    line_.words.emplace_back("--");
    line_.words.insert(line_.words.end(), operands_.begin(), operands_.end());
    return std::move(line_);
  }

 private:
  void long_option(const std::string& word) {
    const std::size_t equals = word.find('=');
    const std::string name = word.substr(0, equals);
    const CLI::Option* option = cli_.get_option_no_throw(name);
    if (!option) unknown_option(cli_, name, std::string_view(name).substr(2));
    if (takes_value(*option)) {
      accept(name, equals == std::string::npos ? following(name) : word.substr(equals + 1));
    } else if (equals != std::string::npos) {
      throw UsageError(name + " " + std::string(name == "--password" ? kNoSecret : "takes no value"));
    } else {
      flag(name);
    }
  }

  // "-v", "-vq", "-hdb1", "-h db1"
  void short_options(const std::string& word) {
    for (std::size_t i = 1; i < word.size(); ++i) {
      const std::string name = {'-', word[i]};
      const CLI::Option* option = cli_.get_option_no_throw(name);
      if (!option) unknown_option(cli_, name, "");
      if (takes_value(*option)) {
        const std::string long_name = "--" + option->get_lnames().at(0);
        accept(long_name, i + 1 < word.size() ? word.substr(i + 1) : following(name));
        return;
      }
      const std::string long_name = "--" + option->get_lnames().at(0);
      if (long_name == "--password" && i + 1 < word.size()) throw UsageError("-p " + std::string(kNoSecret));
      flag(long_name);
    }
  }

  const std::string& following(const std::string& name) {
    if (next_ == args_.size()) throw UsageError(name + " needs a value");
    return args_[next_++];
  }

  void accept(const std::string& name, const std::string& value) {
    refuse_secret(value);
    line_.words.push_back(name);
    line_.words.push_back(value);
  }

  void flag(const std::string& name) {
    if (name == "--help") {
      line_.request = CommandLine::Request::help;
    } else if (name == "--version") {
      line_.request = CommandLine::Request::version;
    } else if (name == "--password" && next_ < args_.size() && !args_[next_].starts_with('-')) {
      throw UsageError("--password " + std::string(kNoSecret) +
                       " (operands go in front of it or behind \"--\")");
    }
    line_.words.push_back(name);
  }

  void operand(const std::string& word) {
    refuse_secret(word);
    operands_.push_back(word);
  }

  static void refuse_secret(std::string_view word) {
    if (has_url_password(word))
      throw UsageError("a URL must not hold a password; use --password, --password-file or an option file");
  }

  const CLI::App& cli_;
  const std::vector<std::string>& args_;
  std::size_t next_ = 0;
  CommandLine line_;
  std::vector<std::string> operands_;
};

}  // namespace

bool takes_value(const CLI::Option& option) {
  return option.get_items_expected_max() > 0;
}

CommandLine read_command_line(const CLI::App& cli, const std::vector<std::string>& args) {
  return Reader(cli, args).read();
}

}  // namespace cdc
