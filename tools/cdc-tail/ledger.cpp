// SPDX-License-Identifier: Apache-2.0
#include "tools/cdc-tail/ledger.hpp"

#include <charconv>

namespace cdc::tail {

namespace {
void append_number(std::string& out, std::uint64_t number) {
  char digits[20];
  out.append(digits, std::to_chars(digits, digits + sizeof digits, number).ptr);
}
}  // namespace

void GtidPrinter::assign(std::string& out, const Gtid& gtid) {
  if (gtid.kind == Gtid::Kind::mysql) {
    assign_range(out, gtid.mysql.source, gtid.mysql.gno, gtid.mysql.gno);
  } else {
    out = gtid.text();
  }
}

void GtidPrinter::assign_range(std::string& out, const GtidSource& source, std::uint64_t first,
                               std::uint64_t last) {
  if (prefix_.empty() || source_ != source) {
    source_ = source;
    prefix_ = source.uuid.text() + ":";
    if (!source.tag.empty()) prefix_ += source.tag + ":";
  }
  out = prefix_;
  append_number(out, first);
  if (last == first) return;
  out.push_back('-');
  append_number(out, last);
}

void Ledger::complete(const Gtid& gtid) {
  if (gtid.kind == Gtid::Kind::mysql) {
    if (gtid.mysql.gno == run_.end + 1 && run_.start <= run_.end && gtid.mysql.source == run_source_) {
      run_.end = gtid.mysql.gno;
      return;
    }
    close_run();
    run_source_ = gtid.mysql.source;
    run_ = {gtid.mysql.gno, gtid.mysql.gno};
    run_untold_ = gtid.mysql.gno;
  } else if (gtid.kind == Gtid::Kind::mariadb) {
    executed_.add(gtid);
    untold_.add(gtid);
  }
}

void Ledger::complete(const GtidSet& gtids) {
  close_run();
  executed_.add(gtids);
  untold_.add(gtids);
}

void Ledger::close_run() {
  if (run_.start <= run_.end) executed_.add(run_source_, {run_.start, run_.end + 1});
  if (run_untold_ <= run_.end) untold_.add(run_source_, {run_untold_, run_.end + 1});
  run_ = {1, 0};
  run_untold_ = 1;
}

void Ledger::take(std::string& out) {
  if (untold_.empty()) {
    if (run_untold_ <= run_.end) {
      printer_.assign_range(out, run_source_, run_untold_, run_.end);
    } else {
      out.clear();
    }
  } else {
    if (run_untold_ <= run_.end) untold_.add(run_source_, {run_untold_, run_.end + 1});
    out = untold_.text();
    untold_.clear();
  }
  run_untold_ = run_.end + 1;
}

const GtidSet& Ledger::executed() {
  if (run_.start <= run_.end) executed_.add(run_source_, {run_.start, run_.end + 1});
  return executed_;
}

}  // namespace cdc::tail
