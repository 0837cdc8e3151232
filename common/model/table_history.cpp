// SPDX-License-Identifier: Apache-2.0
#include "common/model/table_history.hpp"

#include <algorithm>
#include <limits>

#include "common/base/fd.hpp"
#include "common/base/text.hpp"
#include "common/model/state_file.hpp"

namespace cdc {

namespace {

constexpr std::size_t kSpans = 8;  // of a table: TRUNCATE, too, ends one, and some do it every day

// ---- Writing. Members that say nothing are left out: there may be many columns.

void append_member(OutBuffer& out, std::string_view name, std::uint64_t value) {
  if (value == 0) return;
  out.append(",\"");
  out.append(name);
  out.append("\":");
  append_uint(out, value);
}

void append_member(OutBuffer& out, std::string_view name, std::string_view value) {
  if (value.empty()) return;
  out.append(",\"");
  out.append(name);
  out.append("\":");
  append_json_string(out, value);
}

template <typename Elements, typename Append>
void append_array(OutBuffer& out, const Elements& elements, Append append) {
  out.append('[');
  for (std::size_t i = 0; i < elements.size(); ++i) {
    if (i > 0) out.append(',');
    append(elements[i]);
  }
  out.append(']');
}

void append_column(OutBuffer& out, const Column& column) {
  out.append("{\"name\":");
  append_json_string(out, column.name);
  append_member(out, "type", static_cast<std::uint64_t>(column.type));
  append_member(out, "meta", column.meta);
  append_member(out, "nullable", column.nullable ? 1 : 0);
  append_member(out, "unsigned", column.is_unsigned ? 1 : 0);
  append_member(out, "collation", column.collation);
  append_member(out, "invisible", column.invisible ? 1 : 0);
  append_member(out, "geometry_type", column.geometry_type);
  append_member(out, "vector_dimension", column.vector_dimension);
  append_member(out, "type_text", column.type_text);
  append_member(out, "charset", column.charset);
  append_member(out, "generated", column.generated);
  if (!column.labels.empty()) {
    out.append(",\"labels\":");
    append_array(out, column.labels, [&](const std::string& label) { append_json_string(out, label); });
  }
  if (column.default_known || column.default_text) {
    out.append(",\"default\":");
    column.default_text ? append_json_string(out, *column.default_text) : out.append("null");
  }
  out.append('}');
}

void append_span(OutBuffer& out, const TableSpan& span) {
  out.append("{\"db\":");
  append_json_string(out, span.schema->name.db);
  out.append(",\"table\":");
  append_json_string(out, span.schema->name.table);
  out.append(",\"from\":{");
  append_position(out, span.from);
  out.append(span.to ? "},\"to\":{" : "},\"to\":null");
  if (span.to) {
    append_position(out, *span.to);
    out.append('}');
  }
  out.append(",\"columns\":");
  append_array(out, span.schema->columns, [&](const Column& column) { append_column(out, column); });
  out.append(",\"pk\":");
  append_array(out, span.schema->primary_key, [&](std::size_t index) { append_uint(out, index); });
  out.append('}');
}

// ---- Reading

template <typename Number>
Number number_of(const Node& node, const char* name) {
  return node.has(name) ? static_cast<Number>(node[name].uint(std::numeric_limits<Number>::max())) : Number{};
}

std::string text_of(const Node& node, const char* name) {
  return node.has(name) ? node[name].text() : std::string();
}

Column column_of(const Node& node) {
  node.with({"name"}, {"type", "meta", "nullable", "unsigned", "collation", "invisible", "geometry_type",
                       "vector_dimension", "type_text", "charset", "generated", "labels", "default"});
  Column column;
  column.name = node["name"].text();
  column.type = static_cast<ColumnType>(number_of<std::uint8_t>(node, "type"));
  column.meta = number_of<std::uint32_t>(node, "meta");
  column.nullable = number_of<std::uint8_t>(node, "nullable") != 0;
  column.is_unsigned = number_of<std::uint8_t>(node, "unsigned") != 0;
  column.collation = number_of<std::uint16_t>(node, "collation");
  column.invisible = number_of<std::uint8_t>(node, "invisible") != 0;
  column.geometry_type = number_of<std::uint8_t>(node, "geometry_type");
  column.vector_dimension = number_of<std::uint32_t>(node, "vector_dimension");
  column.type_text = text_of(node, "type_text");
  column.charset = text_of(node, "charset");
  column.generated = text_of(node, "generated");
  if (node.has("labels")) column.labels = node["labels"].texts();
  column.default_known = node.has("default");
  if (column.default_known && !node["default"].is_null()) column.default_text = node["default"].text();
  return column;
}

TableSpan span_of(const Node& node) {
  node.with({"db", "table", "from", "to", "columns", "pk"});
  TableSchema schema{{node["db"].text(), node["table"].text()}, {}, {}, true};
  node["columns"].for_each_element([&](const Node& column) { schema.columns.push_back(column_of(column)); });
  node["pk"].for_each_element([&](const Node& index) {
    schema.primary_key.push_back(index.uint());
    if (schema.primary_key.back() >= schema.columns.size()) index.fail("no such column");
  });
  TableSpan span{nullptr, node["from"].with({"file", "pos"}).position(), std::nullopt};
  if (const Node to = node["to"]; !to.is_null()) span.to = to.with({"file", "pos"}).position();
  span.schema = std::make_shared<const TableSchema>(std::move(schema));
  return span;
}

}  // namespace

std::shared_ptr<const TableSchema> TableHistory::find(const TableName& name,
                                                      const BinlogPosition& place) const {
  const auto found = tables.find(name);
  if (found == tables.end()) return nullptr;
  for (auto span = found->second.rbegin(); span != found->second.rend(); ++span) {
    if (span->from > place) continue;
    return !span->to || place < *span->to ? span->schema : nullptr;
  }
  return nullptr;
}

bool TableHistory::add(const std::shared_ptr<const TableSchema>& schema, const BinlogPosition& place) {
  const std::shared_ptr<const TableSchema> known = find(schema->name, place);
  if (known && (known == schema || *known == *schema)) return false;
  std::vector<TableSpan>& spans = tables[schema->name];
  // What was learned for a place behind is not needed, and may not agree.
  std::erase_if(spans, [&](const TableSpan& span) { return span.from >= place; });
  if (!spans.empty() && (!spans.back().to || *spans.back().to > place)) spans.back().to = place;
  if (spans.size() == kSpans) spans.erase(spans.begin());
  spans.push_back({schema, place, std::nullopt});
  return true;
}

bool TableHistory::end(const TableName& name, const BinlogPosition& place) {
  const auto found = tables.find(name);
  if (found == tables.end()) return false;
  bool ended = false;
  for (TableSpan& span : found->second) {
    if (span.from >= place || (span.to && *span.to <= place)) continue;
    span.to = place;
    ended = true;
  }
  return ended;
}

void TableHistory::forget_before(const BinlogPosition& place) {
  for (auto& [name, spans] : tables)
    std::erase_if(spans, [&](const TableSpan& span) { return span.to && *span.to <= place; });
  std::erase_if(tables, [](const auto& table) { return table.second.empty(); });
}

TableHistory TableHistory::parse(std::string_view text) {
  const rapidjson::Document document = parse_state_file(text, "table history", kTableHistoryVersion);
  const Node root(document, "");
  root.with({"version", "server", "file", "pos", "spans"});
  TableHistory history;
  history.server = root["server"].text();
  history.read_to = root.position();
  root["spans"].for_each_element([&](const Node& node) {
    TableSpan span = span_of(node);
    std::vector<TableSpan>& spans = history.tables[span.schema->name];
    if (!spans.empty() && (!spans.back().to || *spans.back().to > span.from)) node.fail("out of order");
    spans.push_back(std::move(span));
  });
  return history;
}

std::string TableHistory::text() const {
  OutBuffer out(4096);
  out.append("{\"version\":");
  append_int(out, kTableHistoryVersion);
  out.append(",\"server\":");
  append_json_string(out, server);
  out.append(',');
  append_position(out, read_to);
  out.append(",\"spans\":[");
  bool first = true;
  for (const auto& [name, spans] : tables) {
    for (const TableSpan& span : spans) {
      if (!std::exchange(first, false)) out.append(',');
      append_span(out, span);
    }
  }
  out.append("]}\n");
  return std::string(out.view());
}

std::optional<TableHistory> TableHistory::load(const std::string& path) {
  return load_state_file(path, parse);
}

void TableHistory::save(const std::string& path) const {
  replace_file(path, text());
}

}  // namespace cdc
