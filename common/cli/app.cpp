// SPDX-License-Identifier: Apache-2.0
#include "common/cli/app.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <new>

#include "common/base/fd.hpp"
#include "common/cli/command_line.hpp"
#include "common/cli/signals.hpp"

namespace cdc {
namespace {

constexpr const char* kCommonGroup = "Common";

// A descriptor 0, 1 or 2 that the caller closed would be taken by the first file we open, and data written
// over it. It gets one that fails to read or write instead.
void occupy_standard_descriptors() {
  for (int fd = 0; fd <= 2; ++fd)
    if (::fcntl(fd, F_GETFD) == -1) static_cast<void>(::open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY));
}

// What is still in stdio's buffer, and what only close(2) reports (a full disk behind NFS).
void finish_stdout() {
  if (std::fflush(stdout) != 0) throw IoError(ExitCode::io, "standard output", errno);
  if (std::ferror(stdout)) throw IoError(ExitCode::io, "standard output", EIO);
  if (::close(STDOUT_FILENO) != 0 && errno != EBADF) throw IoError(ExitCode::io, "standard output", errno);
}

int guarded(const About& about, int argc, char** argv, const std::function<int(App&)>& body) {
  App app(about, argc, argv);
  int status = 0;
  try {
    status = body(app);
  } catch (const InfoRequest& info) {
    write_stdout(info.text);
  }
  finish_stdout();
  return status;
}

bool capable_terminal(int fd) {
  const char* term = std::getenv("TERM");
  return ::isatty(fd) && term && *term && std::string_view(term) != "dumb";
}

}  // namespace

App::App(const About& about, int argc, char** argv)
    : about_(&about), args_(argv + std::min(argc, 1), argv + argc), cli_("", std::string(about.name)) {
  cli_.set_help_flag();  // its default would take -h
  cli_.add_flag("-v,--verbose", verbose_, "Say more on stderr")->group(kCommonGroup);
  cli_.add_flag("-q,--quiet", quiet_, "Say only errors on stderr")->group(kCommonGroup);
  cli_.add_option("--color", color_, "auto, always or never; auto: on a terminal")
      ->type_name("WHEN")
      ->check(CLI::IsMember({"auto", "always", "never"}))
      ->group(kCommonGroup);
  cli_.add_flag("--progress,!--no-progress", progress_, "One line on a terminal's stderr (default)")
      ->group(kCommonGroup);
  // read_command_line() acts on these two; they are declared for --help and the hints.
  cli_.add_flag("-?,--help")->description("Print this and exit")->group(kCommonGroup);
  cli_.add_flag("-V,--version")->description("Print the version and exit")->group(kCommonGroup);
}

void App::parse() {
  CommandLine line = read_command_line(cli_, args_);
  if (line.request == CommandLine::Request::help) throw InfoRequest{help()};
  if (line.request == CommandLine::Request::version)
    throw InfoRequest{std::string(about_->name) + " " CDC_VERSION "\n" +
                      (about_->version_details ? about_->version_details() : "")};
  for (CLI::Option* option : cli_.get_options()) {
    if (option->get_expected_max() == 1) option->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
    if (option->get_expected_max() > 1 && option->nonpositional()) option->allow_extra_args(false);
  }
  std::reverse(line.words.begin(), line.words.end());  // as CLI11 wants them
  try {
    cli_.parse(std::move(line.words));
  } catch (const CLI::ExtrasError&) {
    const std::vector<std::string> left = cli_.remaining();
    throw UsageError("unexpected operand '" + left.at(left.front() == "--" ? 1 : 0) + "'");
  } catch (const CLI::ParseError& error) {
    throw UsageError(error.what());
  }
  if (verbose_ && quiet_) throw UsageError("--verbose and --quiet exclude each other");
}

LogLevel App::level() const {
  return quiet_ ? LogLevel::quiet : verbose_ ? LogLevel::verbose : LogLevel::normal;
}

bool App::color(int fd) const {
  if (color_ != "auto") return color_ == "always";
  const char* no_color = std::getenv("NO_COLOR");
  return capable_terminal(fd) && (!no_color || !*no_color);
}

bool App::show_progress() const {
  return progress_ && !quiet_ && capable_terminal(STDERR_FILENO);
}

void write_stdout(std::string_view data) {
  write_all(STDOUT_FILENO, data, "standard output");
}

int run_main(const About& about, int argc, char** argv, const std::function<int(App&)>& body) {
  occupy_standard_descriptors();
  std::signal(SIGPIPE, SIG_IGN);
  const Log log{std::string(about.name), LogLevel::normal};
  const auto status = [&](ExitCode code) {
    return about.error_status ? about.error_status : static_cast<int>(code);
  };
  try {
    return guarded(about, argc, argv, body);
  } catch (const UsageError& error) {
    log.error(error.message() + " (try '" + std::string(about.name) + " --help')");
    return status(error.exit_code());
  } catch (const IoError& error) {
    if (error.error_number() == EPIPE) die_of_signal(SIGPIPE);
    log.error(error.message());
    return status(error.exit_code());
  } catch (const Error& error) {
    log.error(error.message());
    return status(error.exit_code());
  } catch (const std::bad_alloc&) {
    log.error("out of memory; this is a bug of ours");
  } catch (const std::exception& error) {
    log.error(std::string(error.what()) + "; this is a bug of ours");
  } catch (...) {
    log.error("unknown exception; this is a bug of ours");
  }
  return status(ExitCode::software);
}

}  // namespace cdc
