// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "common/base/text.hpp"
#include "common/cli/app.hpp"
#include "common/cli/command_line.hpp"

namespace cdc {
namespace {

constexpr std::size_t kWidth = 79;
constexpr std::size_t kColumn = 30;  // where descriptions begin

// `text` in lines of at most kWidth, of which `used` are taken in the first; the others are indented.
std::string wrapped(std::string_view text, std::size_t used, std::size_t indent) {
  std::string out;
  std::size_t at = used;
  bool first = true;
  for (const std::string_view word : split(text, ' ')) {
    if (!first && at + 1 + word.size() > kWidth) {
      out.append("\n").append(indent, ' ');
      at = indent;
    } else if (!first) {
      out.append(" ");
      ++at;
    }
    out.append(word);
    at += word.size();
    first = false;
  }
  return out + "\n";
}

// "  -h, --host=LIST", "      --no-defaults"
std::string option_names(const CLI::Option& option) {
  if (!option.nonpositional()) return "  " + option.get_name(true);
  std::string names = option.get_snames().empty() ? "    " : "-" + option.get_snames().front() + ", ";
  const auto& long_names = option.get_lnames();
  for (std::size_t i = 0; i < long_names.size(); ++i) names += (i ? ", --" : "--") + long_names[i];
  if (takes_value(option)) {
    const std::string type = option.get_type_name();  // with what a check says about itself behind a colon
    names += "=" + type.substr(0, type.find(':'));
  }
  return "  " + names;
}

std::string option_help(const CLI::Option& option) {
  std::string out = option_names(option);
  if (option.get_description().empty()) return out + "\n";
  if (out.size() + 2 > kColumn) {
    out.append("\n").append(kColumn, ' ');
  } else {
    out.append(kColumn - out.size(), ' ');
  }
  return out + wrapped(option.get_description(), kColumn, kColumn);
}

}  // namespace

std::string App::help() const {
  std::string out;
  for (const std::string_view usage : about_->usage) {
    const std::string start = (out.empty() ? "Usage: " : "       ") + std::string(about_->name) + " ";
    out += start + wrapped(usage, start.size(), start.size());
  }
  out += "\n" + wrapped(about_->sentence, 0, 0);

  std::vector<const CLI::Option*> options = cli_.get_options();
  const auto operands = std::stable_partition(options.begin(), options.end(),
                                              [](const CLI::Option* option) { return option->nonpositional(); });
  if (operands != options.end()) out += "\nOperands:\n";
  std::for_each(operands, options.end(), [&](const CLI::Option* option) { out += option_help(*option); });
  options.erase(operands, options.end());

  std::vector<std::string> groups;
  for (const CLI::Option* option : options)
    if (std::find(groups.begin(), groups.end(), option->get_group()) == groups.end())
      groups.push_back(option->get_group());
  std::rotate(groups.begin(), groups.begin() + 1,
              groups.end());  // the common ones, declared first, come last
  for (const std::string& group : groups) {
    if (group.empty()) continue;  // CLI11's way to hide an option
    out += "\n" + group + ":\n";
    for (const CLI::Option* option : options)
      if (option->get_group() == group) out += option_help(*option);
  }

  if (!about_->examples.empty()) out += "\nExamples:\n";
  for (const Example& example : about_->examples) {
    out += "  # " + wrapped(example.what, 4, 4);
    for (const std::string_view line : split(example.command, '\n'))
      out.append("  ").append(line).append("\n");
  }
  return out;
}

}  // namespace cdc
