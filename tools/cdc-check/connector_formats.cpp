// SPDX-License-Identifier: Apache-2.0
// The position in the option names of other tools, ready to paste.
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include "tools/cdc-check/report.hpp"

namespace cdc::check {
namespace {

// SeaTunnel's MySQL-CDC source (HOCON). It takes a GTID set or file and offset, not both.
std::string seatunnel_text(const std::optional<BinlogPosition>& place, const std::optional<GtidSet>& set) {
  std::string out = "startup.mode = \"specific\"\n";
  if (set) {
    out +=
        "# In releases with startup.specific-offset.gtid-set (apache/seatunnel #11123):\n"
        "startup.specific-offset.gtid-set = \"" +
        set->text() + "\"\n";
  }
  if (!place) return out;
  if (set) out += "# In older ones, which start here but come back with an incomplete set:\n";
  const std::string comment = set ? "# " : "";
  return out + comment + "startup.specific-offset.file = \"" + place->file + "\"\n" + comment +
         "startup.specific-offset.pos = " + std::to_string(place->pos) + "\n";
}

// Flink CDC's MySQL source (YAML of a pipeline). With a set the file and offset are not needed.
std::string flink_text(const std::optional<BinlogPosition>& place, const std::optional<GtidSet>& set) {
  std::string out = "scan.startup.mode: specific-offset\n";
  if (set) return out + "scan.startup.specific-offset.gtid-set: '" + set->text() + "'\n";
  return out + "scan.startup.specific-offset.file: '" + place->file + "'\n" +
         "scan.startup.specific-offset.pos: " + std::to_string(place->pos) + "\n";
}

// Debezium has no option for it: the body of Kafka Connect's PATCH /connectors/NAME/offsets, for a stopped
// connector. "server" is its topic.prefix.
std::string debezium_text(const std::optional<BinlogPosition>& place, const std::optional<GtidSet>& set) {
  rapidjson::StringBuffer buffer;
  rapidjson::Writer<rapidjson::StringBuffer> json(buffer);
  json.StartObject();
  json.Key("offsets");
  json.StartArray();
  json.StartObject();
  json.Key("partition");
  json.StartObject();
  json.Key("server");
  json.String("TOPIC_PREFIX");
  json.EndObject();
  json.Key("offset");
  json.StartObject();
  if (place) {
    json.Key("file");
    json.String(place->file.c_str());
    json.Key("pos");
    json.Uint64(place->pos);
  }
  if (set) {
    json.Key("gtids");
    json.String(set->text().c_str());
  }
  json.EndObject();
  json.EndObject();
  json.EndArray();
  json.EndObject();
  return std::string(buffer.GetString(), buffer.GetSize()) + "\n";
}

}  // namespace

std::optional<std::string> connector_text(Consumer consumer, const PositionFacts& position) {
  const std::optional<BinlogPosition> place = usable_position(position);
  std::optional<GtidSet> set = usable_set(position);
  if (position.sets.gtid_mode != GtidMode::on) set.reset();  // a dump by set would be refused
  if (!place && !set) return std::nullopt;
  switch (consumer) {
    case Consumer::seatunnel:
      return seatunnel_text(place, set);
    case Consumer::flink:
      return flink_text(place, set);
    case Consumer::debezium:
      if (!place) return std::nullopt;  // it reads file and offset even when it goes by the set
      return debezium_text(place, set);
    default:
      return std::nullopt;
  }
}

}  // namespace cdc::check
