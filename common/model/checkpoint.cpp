// SPDX-License-Identifier: Apache-2.0
#include "common/model/checkpoint.hpp"

#include <rapidjson/document.h>
#include <rapidjson/error/en.h>

#include <algorithm>
#include <cerrno>
#include <initializer_list>

#include "common/base/fd.hpp"
#include "common/base/text.hpp"

namespace cdc {

namespace {

constexpr std::size_t kMaxFileSize = std::size_t{1} << 28;

// ---- Writing

void append_position(OutBuffer& out, const BinlogPosition& position) {
  out.append("\"file\":");
  append_json_string(out, position.file);
  out.append(",\"pos\":");
  append_uint(out, position.pos);
}

void append_mark(OutBuffer& out, const Mark& mark) {
  out.append("{\"gtids\":");
  append_json_string(out, mark.gtids.text());
  out.append(",\"position\":");
  if (mark.position) {
    out.append('{');
    append_position(out, *mark.position);
    out.append('}');
  } else {
    out.append("null");
  }
  out.append(",\"open\":");
  if (mark.open) {
    out.append("{\"gtid\":");
    append_json_string(out, mark.open->gtid);
    out.append(',');
    append_position(out, mark.open->begin);
    out.append(",\"seq\":");
    append_uint(out, mark.open->seq);
    out.append('}');
  } else {
    out.append("null");
  }
  out.append(",\"snapshot\":");
  if (mark.snapshot) {
    append_snapshot_chunk(out, *mark.snapshot);
  } else {
    out.append("null");
  }
  out.append('}');
}

void append_load(OutBuffer& out, const LoadIntent& load) {
  out.append("{\"label\":");
  append_json_string(out, load.label);
  out.append(",\"from\":");
  append_mark(out, load.from);
  out.append(",\"to\":");
  append_mark(out, load.to);
  out.append(",\"rows\":");
  append_uint(out, load.rows);
  out.append(",\"bytes\":");
  append_uint(out, load.bytes);
  out.append(",\"sha256\":");
  append_json_string(out, load.sha256);
  out.append(",\"first_sent_ms\":");
  append_int(out, load.first_sent_ms);
  out.append(",\"last_sent_ms\":");
  append_int(out, load.last_sent_ms);
  out.append(",\"witness\":");
  append_json_string(out, load.witness);
  out.append(",\"timeout_s\":");
  append_int(out, load.timeout_s);
  out.append(load.suspect ? ",\"suspect\":true}" : ",\"suspect\":false}");
}

// `map` as a JSON object whose values append_value(value) writes.
template <typename Map, typename AppendValue>
void append_map(OutBuffer& out, const Map& map, AppendValue append_value) {
  out.append('{');
  bool first = true;
  for (const auto& [name, value] : map) {
    if (!first) out.append(',');
    first = false;
    append_json_string(out, name);
    out.append(':');
    append_value(value);
  }
  out.append('}');
}

// ---- Reading

// A JSON value and its path from the root, "tables.shop.orders.done.gtids", for messages.
class Node {
 public:
  Node(const rapidjson::Value& json, std::string path) : json_(json), path_(std::move(path)) {}

  [[noreturn]] void fail(std::string_view what) const { throw DataError(path_ + ": " + std::string(what)); }

  bool is_null() const { return json_.IsNull(); }
  const rapidjson::Value& json() const { return json_; }
  std::string text() const {
    if (!json_.IsString()) fail("not a string");
    return {json_.GetString(), json_.GetStringLength()};
  }
  std::uint64_t uint() const {
    if (!json_.IsUint64()) fail("not an unsigned integer");
    return json_.GetUint64();
  }
  std::int64_t sint() const {
    if (!json_.IsInt64()) fail("not an integer");
    return json_.GetInt64();
  }
  bool boolean() const {
    if (!json_.IsBool()) fail("not true or false");
    return json_.GetBool();
  }
  GtidSet gtids() const {
    const std::string set = text();
    try {
      return GtidSet::parse(set);
    } catch (Error& error) {
      error.add_context(path_);
      throw;
    }
  }
  std::vector<std::string> texts() const {
    if (!json_.IsArray()) fail("not an array");
    std::vector<std::string> texts;
    for (const auto& element : json_.GetArray()) texts.push_back(Node(element, path_ + "[]").text());
    return texts;
  }

  // This node as an object with exactly these members.
  const Node& with(std::initializer_list<std::string_view> names) const {
    require_object();
    for (const auto& member : json_.GetObject()) {
      const std::string_view name = member_name(member);
      if (std::find(names.begin(), names.end(), name) == names.end()) child(member).fail("unknown");
    }
    for (const std::string_view name : names) {
      const auto count = std::count_if(json_.MemberBegin(), json_.MemberEnd(),
                                       [&](const auto& member) { return member_name(member) == name; });
      if (count != 1) Node(json_, path_of(name)).fail(count == 0 ? "missing" : "there more than once");
    }
    return *this;
  }
  // Of an object checked by with().
  Node operator[](const char* name) const { return {json_[name], path_of(name)}; }

  // Every member of an object whose names are data.
  template <typename Take>
  void for_each(Take take) const {
    require_object();
    for (const auto& member : json_.GetObject()) take(std::string(member_name(member)), child(member));
  }

 private:
  static std::string_view member_name(const rapidjson::Value::Member& member) {
    return {member.name.GetString(), member.name.GetStringLength()};
  }
  void require_object() const {
    if (!json_.IsObject()) fail("not an object");
  }
  std::string path_of(std::string_view name) const {
    return path_.empty() ? std::string(name) : path_ + "." + std::string(name);
  }
  Node child(const rapidjson::Value::Member& member) const {
    return {member.value, path_of(member_name(member))};
  }

  const rapidjson::Value& json_;
  std::string path_;
};

BinlogPosition position_of(const Node& node) {
  return {node["file"].text(), node["pos"].uint()};
}

SnapshotChunk snapshot_of(const Node& node) {
  node.with({"db", "table", "chunk", "from", "to", "last"});
  SnapshotChunk chunk;
  chunk.table = {node["db"].text(), node["table"].text()};
  chunk.chunk = node["chunk"].uint();
  chunk.from = node["from"].texts();
  chunk.to = node["to"].texts();
  chunk.last = node["last"].boolean();
  return chunk;
}

Mark mark_of(const Node& node) {
  node.with({"gtids", "position", "open", "snapshot"});
  Mark mark;
  mark.gtids = node["gtids"].gtids();
  if (const Node position = node["position"]; !position.is_null())
    mark.position = position_of(position.with({"file", "pos"}));
  if (const Node open = node["open"]; !open.is_null()) {
    open.with({"gtid", "file", "pos", "seq"});
    mark.open = OpenTransaction{open["gtid"].text(), position_of(open), open["seq"].uint()};
  }
  if (const Node snapshot = node["snapshot"]; !snapshot.is_null()) mark.snapshot = snapshot_of(snapshot);
  return mark;
}

LoadIntent load_of(const Node& node) {
  node.with({"label", "from", "to", "rows", "bytes", "sha256", "first_sent_ms", "last_sent_ms", "witness", "timeout_s",
             "suspect"});
  LoadIntent load;
  load.label = node["label"].text();
  load.from = mark_of(node["from"]);
  load.to = mark_of(node["to"]);
  load.rows = node["rows"].uint();
  load.bytes = node["bytes"].uint();
  load.sha256 = node["sha256"].text();
  load.first_sent_ms = node["first_sent_ms"].sint();
  load.last_sent_ms = node["last_sent_ms"].sint();
  load.witness = node["witness"].text();
  load.timeout_s = node["timeout_s"].sint();
  load.suspect = node["suspect"].boolean();
  return load;
}

// The filter in the form in which equal text means equal filter: no blanks, the escapes of
// append_json_string().
void append_canonical(OutBuffer& out, const Node& node, int depth) {
  constexpr int kMaxDepth = 16;
  if (depth > kMaxDepth) node.fail("nested too deeply");
  const rapidjson::Value& json = node.json();
  if (json.IsObject()) {
    out.append('{');
    node.for_each([&, first = true](const std::string& name, const Node& child) mutable {
      if (!first) out.append(',');
      first = false;
      append_json_string(out, name);
      out.append(':');
      append_canonical(out, child, depth + 1);
    });
    out.append('}');
  } else if (json.IsArray()) {
    out.append('[');
    for (const auto& element : json.GetArray()) {
      if (&element != json.Begin()) out.append(',');
      append_canonical(out, Node(element, "filter"), depth + 1);
    }
    out.append(']');
  } else if (json.IsString()) {
    append_json_string(out, node.text());
  } else if (json.IsInt64()) {
    append_int(out, json.GetInt64());
  } else if (json.IsBool() || json.IsNull()) {
    out.append(json.IsNull() ? "null" : json.GetBool() ? "true" : "false");
  } else {
    node.fail("holds a number that no filter has");
  }
}

std::string filter_of(const Node& node) {
  if (!node.json().IsObject()) node.fail("not an object");
  OutBuffer out(256);
  append_canonical(out, node, 0);
  return std::string(out.view());
}

void check_version(const Node& root) {
  if (!root.json().IsObject()) throw DataError("not a checkpoint: no JSON object");
  if (!root.json().HasMember("version")) throw DataError("version: missing");
  const std::uint64_t version = root["version"].uint();
  if (version != kCheckpointVersion) {
    throw ConfigError("checkpoint of version " + std::to_string(version) + ", this program knows version " +
                      std::to_string(kCheckpointVersion));
  }
}

}  // namespace

Checkpoint Checkpoint::parse(std::string_view text) {
  // RapidJSON takes a zero byte for the end of its input.
  if (text.find('\0') != std::string_view::npos) throw DataError("not a checkpoint: zero byte in the text");
  rapidjson::Document document;
  document.Parse<rapidjson::kParseValidateEncodingFlag | rapidjson::kParseIterativeFlag>(text.data(),
                                                                                         text.size());
  if (document.HasParseError()) {
    throw DataError("not a checkpoint, or cut off: at byte " + std::to_string(document.GetErrorOffset()) +
                    ": " + rapidjson::GetParseError_En(document.GetParseError()));
  }
  const Node root(document, "");
  check_version(root);
  root.with({"version", "job", "gtid_set", "file", "pos", "server_uuid", "ts_ms", "filter", "time_zone",
             "target", "tables", "witnesses"});
  if (!text.ends_with('\n')) throw DataError("cut off: the final newline is missing");

  Checkpoint checkpoint;
  checkpoint.job = root["job"].text();
  if (const Node set = root["gtid_set"]; !set.is_null()) checkpoint.gtid_set = set.gtids();
  checkpoint.position = position_of(root);
  checkpoint.server_uuid = root["server_uuid"].text();
  checkpoint.ts_ms = root["ts_ms"].sint();
  checkpoint.filter = filter_of(root["filter"]);
  checkpoint.time_zone = root["time_zone"].text();
  checkpoint.target = root["target"].text();
  root["tables"].for_each([&](const std::string& name, const Node& node) {
    node.with({"done", "load"});
    TableProgress progress;
    progress.done = mark_of(node["done"]);
    if (const Node load = node["load"]; !load.is_null()) progress.load = load_of(load);
    if (!checkpoint.tables.emplace(name, std::move(progress)).second) node.fail("there more than once");
  });
  root["witnesses"].for_each([&](const std::string& name, const Node& node) {
    if (!checkpoint.witnesses.emplace(name, node.text()).second) node.fail("there more than once");
  });
  return checkpoint;
}

std::string Checkpoint::text() const {
  OutBuffer out(4096);
  out.append("{\"version\":");
  append_int(out, kCheckpointVersion);
  out.append(",\"job\":");
  append_json_string(out, job);
  out.append(",\"gtid_set\":");
  if (gtid_set) {
    append_json_string(out, gtid_set->text());
  } else {
    out.append("null");
  }
  out.append(',');
  append_position(out, position);
  out.append(",\"server_uuid\":");
  append_json_string(out, server_uuid);
  out.append(",\"ts_ms\":");
  append_int(out, ts_ms);
  out.append(",\"filter\":");
  out.append(filter);
  out.append(",\"time_zone\":");
  append_json_string(out, time_zone);
  out.append(",\"target\":");
  append_json_string(out, target);
  out.append(",\"tables\":");
  append_map(out, tables, [&](const TableProgress& progress) {
    out.append("{\"done\":");
    append_mark(out, progress.done);
    out.append(",\"load\":");
    if (progress.load) {
      append_load(out, *progress.load);
    } else {
      out.append("null");
    }
    out.append('}');
  });
  out.append(",\"witnesses\":");
  append_map(out, witnesses, [&](const std::string& label) { append_json_string(out, label); });
  out.append("}\n");
  return std::string(out.view());
}

std::optional<Checkpoint> Checkpoint::load(const std::string& path) {
  std::string content;
  try {
    content = read_file(path, kMaxFileSize);
  } catch (const IoError& error) {
    if (error.error_number() == ENOENT) return std::nullopt;
    throw;
  }
  try {
    return parse(content);
  } catch (Error& error) {
    error.add_context(path);
    throw;
  }
}

void Checkpoint::save(const std::string& path) const {
  replace_file(path, text());
}

std::string checkpoint_lock_path(const std::string& path) {
  return path + ".lock";
}

}  // namespace cdc
