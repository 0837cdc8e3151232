// SPDX-License-Identifier: Apache-2.0
#include "common/model/checkpoint.hpp"

#include <utility>

#include "common/base/fd.hpp"
#include "common/base/text.hpp"
#include "common/model/state_file.hpp"

namespace cdc {

namespace {

// ---- Writing

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
  out.append(",\"open\":[");
  for (const OpenTransaction& open : mark.open) {
    if (&open != &mark.open.front()) out.append(',');
    out.append("{\"gtid\":");
    append_json_string(out, open.gtid);
    out.append(',');
    append_position(out, open.begin);
    out.append(",\"seq\":");
    append_uint(out, open.seq);
    out.append('}');
  }
  out.append("],\"chunks\":[");
  for (const auto& [table, chunk] : mark.chunks) {
    if (table != mark.chunks.begin()->first) out.append(',');
    append_snapshot_chunk(out, chunk);
  }
  out.append("]}");
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

void append_alters(OutBuffer& out, const std::map<TableName, std::vector<std::string>>& alters) {
  const char* separator = ",\"alters\":[";
  for (const auto& [table, statements] : alters) {
    out.append(std::exchange(separator, ","));
    out.append("{\"db\":");
    append_json_string(out, table.db);
    out.append(",\"table\":");
    append_json_string(out, table.table);
    for (std::size_t i = 0; i < statements.size(); ++i) {
      out.append(i == 0 ? ",\"sql\":[" : ",");
      append_json_string(out, statements[i]);
    }
    out.append(statements.empty() ? ",\"sql\":[]}" : "]}");
  }
  out.append(']');
}

// ---- Reading

SnapshotChunk chunk_of(const Node& node) {
  node.with({"db", "table", "chunk", "key", "from", "to", "last"});
  SnapshotChunk chunk;
  chunk.table = {node["db"].text(), node["table"].text()};
  chunk.chunk = node["chunk"].uint();
  chunk.key = node["key"].texts();
  chunk.from = node["from"].texts();
  chunk.to = node["to"].texts();
  chunk.last = node["last"].boolean();
  return chunk;
}

Mark mark_of(const Node& node) {
  node.with({"gtids", "position", "open", "chunks"});
  Mark mark;
  mark.gtids = node["gtids"].gtids();
  if (const Node position = node["position"]; !position.is_null())
    mark.position = position.with({"file", "pos"}).position();
  node["open"].for_each_element([&](const Node& open) {
    open.with({"gtid", "file", "pos", "seq"});
    mark.open.push_back({open["gtid"].text(), open.position(), open["seq"].uint()});
  });
  node["chunks"].for_each_element([&](const Node& element) {
    SnapshotChunk chunk = chunk_of(element);
    if (!mark.chunks.emplace(chunk.table, chunk).second) element.fail("a second one of " + chunk.table.text());
  });
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

}  // namespace

Checkpoint Checkpoint::parse(std::string_view text) {
  const rapidjson::Document document = parse_state_file(text, "checkpoint", kCheckpointVersion);
  const Node root(document, "");
  root.with({"version", "job", "gtid_set", "file", "pos", "server_uuid", "ts_ms", "filter", "time_zone",
             "target", "copied", "tables", "witnesses"},
            {"alters"});
  Checkpoint checkpoint;
  checkpoint.job = root["job"].text();
  if (const Node set = root["gtid_set"]; !set.is_null()) checkpoint.gtid_set = set.gtids();
  checkpoint.position = root.position();
  checkpoint.server_uuid = root["server_uuid"].text();
  checkpoint.ts_ms = root["ts_ms"].sint();
  checkpoint.filter = filter_of(root["filter"]);
  checkpoint.time_zone = root["time_zone"].text();
  checkpoint.target = root["target"].text();
  checkpoint.copied = root["copied"].boolean();
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
  if (root.has("alters"))
    root["alters"].for_each_element([&](const Node& node) {
      node.with({"db", "table", "sql"});
      TableName name{node["db"].text(), node["table"].text()};
      if (!checkpoint.alters.emplace(std::move(name), node["sql"].texts()).second) node.fail("there more than once");
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
  out.append(copied ? ",\"copied\":true" : ",\"copied\":false");
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
  if (!alters.empty()) append_alters(out, alters);
  out.append("}\n");
  return std::string(out.view());
}

std::optional<Checkpoint> Checkpoint::load(const std::string& path) {
  return load_state_file(path, parse);
}

void Checkpoint::save(const std::string& path) const {
  replace_file(path, text());
}

std::string checkpoint_lock_path(const std::string& path) {
  return path + ".lock";
}

}  // namespace cdc
