// SPDX-License-Identifier: Apache-2.0
// What monitoring systems read: one line of a Nagios plugin, and a file for the Prometheus node exporter's
// textfile collector. Numbers that are not known are left out, never zero.
#pragma once

#include <cstdint>
#include <string>

#include "tools/cdc-check/metrics.hpp"
#include "tools/cdc-check/report.hpp"

namespace cdc::check {

// "CDC CRITICAL - restart: … | binlog_bytes=…B;;;0 …\n", see the Monitoring Plugins Development Guidelines.
std::string nagios_line(const Report& report);

// The text exposition format: gauges named cdc_…, labelled by server and, when there is one, checkpoint file.
std::string prometheus_text(const Report& report, const std::string& server, const std::string& checkpoint,
                            std::int64_t now_s);

// Replaces `path` atomically and makes it readable by everybody, as the node exporter needs. IoError.
void write_prometheus(const std::string& path, const std::string& text);

}  // namespace cdc::check
