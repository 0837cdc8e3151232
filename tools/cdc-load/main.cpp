// SPDX-License-Identifier: Apache-2.0
// The command line of cdc-load: declares the options, checks them, hands them to run().
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "common/base/fd.hpp"
#include "common/base/text.hpp"
#include "common/cli/app.hpp"
#include "common/cli/option_file.hpp"
#include "common/cli/password.hpp"
#include "common/starrocks/label.hpp"
#include "tools/cdc-load/options.hpp"
#include "tools/cdc-load/run.hpp"

namespace cdc::load {
namespace {

const About kAbout{
    .name = "cdc-load",
    .sentence = "Load change records of cdc-tail into StarRocks by Stream Load, exactly once.",
    .usage = {"[OPTION]... --url URL [FILE...]"},
    .examples = {
        {"everything since the last run, once",
         "cdc-tail ... | cdc-load --url http://fe:8030 -u loader --checkpoint s.ckpt"},
        {"into tables of other names", "cdc-load --url http://fe:8030 -u loader --map 'shop.*:ods.*' x.jsonl"},
        {"what would be sent", "cdc-load --url http://fe:8030 --dry-run changes.jsonl | jq .rows"}}};

constexpr std::int64_t kMaxTimeoutS = 259'200;  // StarRocks' own limit

// Options as text until they have been checked.
struct Words {
  std::vector<std::string> urls, maps, be_maps, add_columns;
  std::optional<std::string> user, password_file, defaults_file, defaults_extra_file;
  bool ask_password = false, no_defaults = false;
  std::string batch_bytes = "64M", batch_time = "10s", memory = "512M", load_timeout = "600s", assume;
  std::vector<std::string> query_urls;
  std::string compress = "none";
  std::string zero_dates = "reject", json_null = "reject";
};

void declare_connection(CLI::App& cli, LoadOptions& options, Words& words) {
  constexpr const char* kGroup = "StarRocks";
  cli.add_option("--url", words.urls, "FE, http[s]://HOST:PORT; a comma list is tried in turn")
      ->type_name("URL")
      ->group(kGroup);
  cli.add_option("-u,--user", words.user, "StarRocks user")->type_name("NAME")->group(kGroup);
  cli.add_flag("-p,--password", words.ask_password, "Ask for the password on the terminal")->group(kGroup);
  cli.add_option("--password-file", words.password_file, "Password in its first line; mode 600")
      ->type_name("FILE")
      ->group(kGroup);
  cli.add_option("--defaults-file", words.defaults_file, "Read only this option file, group [cdc-load]")
      ->type_name("FILE")
      ->group(kGroup);
  cli.add_option("--defaults-extra-file", words.defaults_extra_file, "Read also this option file")
      ->type_name("FILE")
      ->group(kGroup);
  cli.add_flag("--no-defaults", words.no_defaults, "Read no option files")->group(kGroup);
  cli.add_option("--query-url", words.query_urls, "FE's MySQL port, mysql://HOST[:PORT]; none: trust table records")
      ->type_name("URL")
      ->group(kGroup);
  cli.add_option("--ssl-ca", options.endpoint.ca_file, "Authorities for https, PEM")->type_name("FILE")->group(kGroup);
  cli.add_option("--be-map", words.be_maps, "FROM:PORT=TO:PORT, where a redirect leads; FROM may be *")
      ->type_name("MAP")
      ->group(kGroup);
}

void declare_target(CLI::App& cli, LoadOptions& options, Words& words) {
  constexpr const char* kGroup = "Tables";
  cli.add_option("--map", words.maps, "SRC_DB.TABLE:DST_DB.TABLE, with *; repeatable")->type_name("MAP")->group(kGroup);
  cli.add_option("--add-column", words.add_columns, "COL=VALUE in every row; {db}, {table} are the source's")
      ->type_name("COL=VALUE")
      ->group(kGroup);
  cli.add_flag("--create-tables", options.create_tables, "Make Primary Key tables that are missing")->group(kGroup);
  cli.add_flag("--alter-tables", options.alter_tables, "Add columns that are missing")->group(kGroup);
  cli.add_option("--zero-dates", words.zero_dates, "0000-00-00 and the like: reject (default) or null")
      ->check(CLI::IsMember({"reject", "null"}))
      ->type_name("WHAT")
      ->group(kGroup);
  cli.add_option("--json-null", words.json_null, "The JSON value null: reject (default) or null")
      ->check(CLI::IsMember({"reject", "null"}))
      ->type_name("WHAT")
      ->group(kGroup);
  cli.add_flag("--ignore-ddl", options.ignore_ddl, "Go on past DROP, TRUNCATE, RENAME and the like")->group(kGroup);
  cli.add_option("--dead-letter", options.dead_letter, "Put rows that StarRocks rejects aside in FILE")
      ->type_name("FILE")
      ->group(kGroup);
  cli.add_option("--dead-letter-max", options.dead_letter_max, "At most N of them a run (1000)")->type_name("N")->group(kGroup);
}

void declare_loads(CLI::App& cli, LoadOptions& options, Words& words) {
  constexpr const char* kGroup = "Loads";
  cli.add_option("--batch-rows", options.batch_rows, "Load a table's changes when there are N rows (500000)")
      ->check(CLI::PositiveNumber)
      ->type_name("N")
      ->group(kGroup);
  cli.add_option("--batch-bytes", words.batch_bytes, "... or that many bytes (64M)")->type_name("SIZE")->group(kGroup);
  cli.add_option("--batch-time", words.batch_time, "... or the oldest is that old (10s)")->type_name("TIME")->group(kGroup);
  cli.add_option("--memory", words.memory, "Bound for all that is buffered (512M)")->type_name("SIZE")->group(kGroup);
  cli.add_option("--parallel", options.parallel, "Tables loaded at a time (4)")
      ->check(CLI::Range(1, 256))
      ->type_name("N")
      ->group(kGroup);
  cli.add_option("--max-retries", options.max_retries, "Give up (75) after N failures in a row (10)")
      ->type_name("N")
      ->group(kGroup);
  cli.add_option("--load-timeout", words.load_timeout, "StarRocks' limit for one load (10m)")->type_name("TIME")->group(kGroup);
  cli.add_option("--label-prefix", options.label_prefix, "First part of every label (cdc)")->type_name("TEXT")->group(kGroup);
  cli.add_option("--compress", words.compress, "Bodies: none (default), gzip, lz4 or zstd (StarRocks 3.2.7)")
      ->check(CLI::IsMember({"none", "gzip", "lz4", "zstd"}))
      ->type_name("HOW")
      ->group(kGroup);
  cli.add_flag("--dry-run", options.dry_run, "Print what would be sent, send nothing")->group(kGroup);
}

void declare_progress(CLI::App& cli, LoadOptions& options, Words& words) {
  constexpr const char* kGroup = "Progress";
  cli.add_option("--checkpoint", options.checkpoint, "Keep in FILE how far the tables are")
      ->type_name("FILE")
      ->group(kGroup);
  cli.add_option("--report", options.report, "Append a JSON line for each committed load to FILE")
      ->type_name("FILE")
      ->group(kGroup);
  cli.add_flag("--accept-change", options.accept_change, "Accept another filter, time zone or target")->group(kGroup);
  cli.add_option("--assume", words.assume, "Fate of a load that StarRocks forgot: applied or absent")
      ->check(CLI::IsMember({"applied", "absent"}))
      ->type_name("FATE")
      ->group(kGroup);
}

std::uint64_t size_of(const std::string& option, const std::string& text) {
  const auto size = parse_size(text);
  if (!size || *size == 0) throw UsageError(option + ": not a size: " + text);
  return *size;
}

std::int64_t time_of(const std::string& option, const std::string& text) {
  const auto time = parse_duration_ms(text);
  if (!time) throw UsageError(option + ": not a time: " + text);
  return *time;
}

// User and password: command line, then option files.
void resolve_user(LoadOptions& options, const Words& words) {
  if (words.ask_password && words.password_file) throw UsageError("--password and --password-file exclude each other");
  std::vector<std::string> files;
  if (words.defaults_file) {
    files = {*words.defaults_file};
  } else if (!words.no_defaults) {
    files = standard_option_files(words.defaults_extra_file);
  }
  bool has_password = false;
  for (const std::string& file : files) {
    for (const FileOption& option : read_option_file(file, {"cdc-load"})) {
      if (option.name == "user" && option.value) {
        options.endpoint.user = *option.value;
      } else if (option.name == "password" && option.value) {
        require_private_file(option.file);
        options.endpoint.password = *option.value;
        has_password = true;
      } else if (!option.loose) {
        throw ConfigError(option.where() + ": [cdc-load] knows user and password, not " + option.name);
      }
    }
  }
  if (words.user) options.endpoint.user = *words.user;
  if (words.password_file) options.endpoint.password = read_password_file(*words.password_file);
  if (words.ask_password) options.endpoint.password = ask_password("Password of " + options.endpoint.user + ": ");
  if (options.endpoint.user.empty() && !options.dry_run)
    throw UsageError(has_password ? "a password without --user" : "--user is missing");
}

// HOST[:PORT] behind SCHEME://, an IPv6 address in brackets.
ServerAddress address_of(std::string_view url, std::string_view scheme, std::uint16_t default_port) {
  const UsageError malformed("--query-url: not of the form mysql://HOST[:PORT]");  // a password may be in it
  if (!url.starts_with(scheme) || url.find('@') != std::string_view::npos) throw malformed;
  url.remove_prefix(scheme.size());
  if (url.ends_with('/')) url.remove_suffix(1);
  const std::size_t bracket = url.starts_with('[') ? url.find(']') : std::string_view::npos;
  const std::size_t colon = url.find(':', bracket == std::string_view::npos ? 0 : bracket);
  ServerAddress address{std::string(url.substr(0, colon)), default_port};
  if (bracket != std::string_view::npos) address.host = url.substr(1, bracket - 1);
  if (colon != std::string_view::npos) {
    const std::optional<std::uint64_t> port = parse_uint(url.substr(colon + 1));
    if (!port || *port == 0 || *port > 65535) throw malformed;
    address.port = static_cast<std::uint16_t>(*port);
  }
  if (address.host.empty() || address.host.find('/') != std::string::npos) throw malformed;
  return address;
}

// Not given: the usual port of the FEs, but a dry run asks nobody who has not been named.
void resolve_query_hosts(LoadOptions& options, const std::vector<std::string>& lists) {
  constexpr std::uint16_t kPort = 9030;
  options.query_is_guess = lists.empty();
  if (lists.empty() && !options.dry_run)
    for (const std::string& url : options.endpoint.fe_urls) {
      const std::size_t authority = url.find("://") + 3;
      options.query_hosts.push_back(address_of(url, url.substr(0, authority), kPort));
      options.query_hosts.back().port = kPort;
    }
  if (lists != std::vector<std::string>{"none"})
    for (const std::string& list : lists)
      for (const std::string_view url : split(list, ',')) options.query_hosts.push_back(address_of(trim(url), "mysql://", kPort));
  if ((options.create_tables || options.alter_tables) && options.query_hosts.empty())
    throw UsageError("--create-tables and --alter-tables need --query-url");
  options.query_is_guess = options.query_is_guess && !options.create_tables && !options.alter_tables;
}

void check(LoadOptions& options, const Words& words) {
  for (const std::string& list : words.urls)
    for (const std::string_view url : split(list, ',')) options.endpoint.fe_urls.emplace_back(trim(url));
  if (options.endpoint.fe_urls.empty()) throw UsageError("--url is missing");
  for (const std::string& url : options.endpoint.fe_urls) starrocks::check_fe_url(url);
  resolve_query_hosts(options, words.query_urls);
  for (const std::string& map : words.be_maps) options.endpoint.be_map.insert(starrocks::parse_be_map(map));
  for (const std::string& map : words.maps) options.routes.add(map);
  for (const std::string& column : words.add_columns) {
    const std::size_t equals = column.find('=');
    if (equals == std::string::npos || equals == 0) throw UsageError("--add-column: not of the form COL=VALUE: " + column);
    options.rows.add_columns.emplace_back(column.substr(0, equals), column.substr(equals + 1));
  }
  const auto on_bad = [](const std::string& word) {
    return word == "null" ? starrocks::OnBadValue::null : starrocks::OnBadValue::reject;
  };
  options.rows.zero_dates = on_bad(words.zero_dates);
  options.rows.json_null = on_bad(words.json_null);
  options.compression = *starrocks::parse_compression(words.compress);
  options.batch_bytes = size_of("--batch-bytes", words.batch_bytes);
  options.memory = size_of("--memory", words.memory);
  options.batch_time_ms = time_of("--batch-time", words.batch_time);
  options.load_timeout_s = time_of("--load-timeout", words.load_timeout) / 1000;
  if (options.load_timeout_s < 1 || options.load_timeout_s > kMaxTimeoutS)
    throw UsageError("--load-timeout: StarRocks allows 1s to 72h");
  if (!starrocks::is_label_prefix(options.label_prefix))
    throw UsageError("--label-prefix: only 1 to 80 letters, digits, - and _");
  if (words.assume == "applied") options.assume = Assume::applied;
  if (words.assume == "absent") options.assume = Assume::absent;
  if (options.inputs.empty()) options.inputs = {"-"};
  // A link stands for its file: that is what is replaced, and what a second run finds locked.
  if (std::error_code ignored; std::filesystem::is_symlink(options.checkpoint, ignored))
    options.checkpoint = std::filesystem::weakly_canonical(options.checkpoint).string();
  resolve_user(options, words);
}

}  // namespace
}  // namespace cdc::load

int main(int argc, char** argv) {
  return cdc::run_main(cdc::load::kAbout, argc, argv, [](cdc::App& app) -> int {
    cdc::load::LoadOptions options;
    cdc::load::Words words;
    CLI::App& cli = app.cli();
    cdc::load::declare_connection(cli, options, words);
    cdc::load::declare_target(cli, options, words);
    cdc::load::declare_loads(cli, options, words);
    cdc::load::declare_progress(cli, options, words);
    cli.add_option("FILE", options.inputs, "Change records; - is stdin, the default")->group("Operands");
    app.parse();
    cdc::load::check(options, words);
    return cdc::load::run(options, app);
  });
}
