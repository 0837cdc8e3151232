// SPDX-License-Identifier: Apache-2.0
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <array>

#include "tools/cdc-check/report.hpp"

namespace cdc::check {
namespace {

using Writer = rapidjson::Writer<rapidjson::StringBuffer>;

void key(Writer& json, std::string_view name) {
  json.Key(name.data(), static_cast<rapidjson::SizeType>(name.size()));
}
void string(Writer& json, std::string_view text) {
  json.String(text.data(), static_cast<rapidjson::SizeType>(text.size()));
}
void member(Writer& json, std::string_view name, std::string_view text) {
  key(json, name);
  string(json, text);
}
void member(Writer& json, std::string_view name, std::uint64_t number) {
  key(json, name);
  json.Uint64(number);
}
void member(Writer& json, std::string_view name, bool value) {
  key(json, name);
  json.Bool(value);
}
// null when it is not known.
void member(Writer& json, std::string_view name, const std::optional<GtidSet>& set) {
  key(json, name);
  if (set)
    string(json, set->text());
  else
    json.Null();
}

void write_place(Writer& json, const std::optional<BinlogPosition>& position) {
  key(json, "file");
  if (position)
    string(json, position->file);
  else
    json.Null();
  key(json, "pos");
  if (position)
    json.Uint64(position->pos);
  else
    json.Null();
}

void write_server(Writer& json, const ServerFacts& server) {
  json.StartObject();
  member(json, "name", server.name);
  member(json, "flavor", flavor_text(server.version.flavor));
  member(json, "version", server.version.text);
  member(json, "server_uuid", server.uuid);
  member(json, "server_id", std::uint64_t{server.server_id});
  member(json, "gtid_mode", gtid_mode_text(server.gtid_mode));
  member(json, "gtid_executed", server.executed.value);
  member(json, "gtid_purged", server.purged.value);
  if (server.files) {
    member(json, "binlog_files", std::uint64_t{server.files->size()});
    member(json, "binlog_bytes", server.binlog_bytes());
  }
  if (server.end && *server.end) {
    key(json, "end");
    json.StartObject();
    write_place(json, (*server.end)->position);
    json.EndObject();
  }
  json.EndObject();
}

void write_error(Writer& json, StartError error) {
  key(json, "error");
  if (error == StartError::none)
    json.Null();
  else
    string(json, start_error_text(error));
}

void write_prediction(Writer& json, const PositionFacts& position) {
  json.StartObject();
  key(json, "start");
  json.StartObject();
  member(json, "ok", position.start.ok());
  write_error(json, position.start.error);
  member(json, "server_accepts", position.start.server_accepts);
  member(json, "server_text", position.start.server_text);
  member(json, "transactions", std::optional(position.start.transactions));
  member(json, "sends", position.sends);
  member(json, "replays", position.replays);
  if (position.first) {
    key(json, "first");
    json.StartObject();
    member(json, "gtid", position.first->gtid.text());
    write_place(json, BinlogPosition{position.first->file, position.first->begin_pos});
    json.EndObject();
  }
  json.EndObject();
  key(json, "restart");
  json.StartObject();
  member(json, "ok", position.start.ok() && position.restart.ok);
  write_error(json, position.start.ok() ? position.restart.error : position.start.error);
  member(json, "replays", std::optional(position.restart.replays));
  member(json, "skips", std::optional(position.restart.skips));
  json.EndObject();
  json.EndObject();
}

void write_checks(Writer& json, const Results& results) {
  json.StartArray();
  for (const CheckResult& result : results) {
    json.StartObject();
    member(json, "id", result.id);
    member(json, "status", status_text(result.status));
    member(json, "message", result.message);
    if (!result.advice.empty()) member(json, "advice", result.advice);
    json.EndObject();
  }
  json.EndArray();
}

// Prepared before the position and not ended there.
void write_xas(Writer& json, const XaFacts& xa) {
  constexpr std::array<std::string_view, 4> kFates{"unknown", "open", "committed", "rolled back"};
  key(json, "xa");
  json.StartArray();
  for (const auto& [xid, transaction] : xa.open) {
    json.StartObject();
    member(json, "xid", xid.text());
    member(json, "state", kFates[static_cast<std::size_t>(transaction.fate)]);
    const std::optional<PreparedXa>& prepared = transaction.prepared;
    member(json, "gtid", prepared ? prepared->gtid.text() : "");
    write_place(json, prepared ? std::optional(prepared->begin) : std::nullopt);
    json.EndObject();
  }
  json.EndArray();
}

void write_position(Writer& json, const PositionFacts& position) {
  key(json, "position");
  json.StartObject();
  write_place(json, usable_position(position));
  member(json, "gtid_set", usable_set(position));
  if (position.scan && position.scan->after) member(json, "next_boundary", *position.scan->after);
  if (position.repaired) member(json, "repaired_gtid_set", position.repaired);
  write_xas(json, position.xa);
  json.EndObject();
}

void write_readings(Writer& json, const CheckInput& input) {
  key(json, "bytes_read");
  json.StartObject();
  for (const Reading& reading : all_readings(input)) member(json, reading.question, reading.bytes);
  json.EndObject();
}

}  // namespace

std::string json_report(const Report& report) {
  rapidjson::StringBuffer buffer;
  Writer json(buffer);
  json.StartObject();
  member(json, "verdict", verdict_text(report.verdict));
  if (report.input) {
    key(json, "server");
    write_server(json, report.input->server);
    if (report.input->position.asked) {
      write_position(json, report.input->position);
      key(json, "prediction");
      write_prediction(json, report.input->position);
    }
    write_readings(json, *report.input);
  }
  key(json, "checks");
  write_checks(json, report.results);
  key(json, "advice");
  json.StartArray();
  for (const CheckResult& result : report.results)
    if (result.status != Status::ok && result.status != Status::skipped && !result.advice.empty())
      string(json, result.id + ": " + result.advice);
  json.EndArray();
  json.EndObject();
  return std::string(buffer.GetString(), buffer.GetSize()) + "\n";
}

}  // namespace cdc::check
