// SPDX-License-Identifier: Apache-2.0
// cdc-load is not there yet: it says so, whatever it is asked to do.
#include "common/cli/app.hpp"

namespace {

const cdc::About kAbout{
    .name = "cdc-load",
    .sentence =
        "Load change records into StarRocks by Stream Load, exactly once. This version cannot do it yet; "
        "every use but --help and --version ends with 64.",
    .usage = {"[OPTION]... [FILE...]"},
    .examples = {
        {"Load a stream", "cdc-tail -h db1 -u repl -t 'shop.*' | cdc-load --url http://fe:8030 -u loader"},
        {"Load a file", "cdc-load --url http://fe:8030 -u loader changes.jsonl"},
        {"The version", "cdc-load --version"}}};

}  // namespace

int main(int argc, char** argv) {
  return cdc::run_main(kAbout, argc, argv, [](cdc::App& app) -> int {
    app.parse();
    throw cdc::UsageError("loading is not there yet in this version");
  });
}
