// SPDX-License-Identifier: Apache-2.0
#include "tools/cdc-tail/page_queue.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <iterator>
#include <utility>

#include "common/base/error.hpp"

namespace cdc::tail {

PageQueue::PageQueue(std::size_t pages_each)
    : pages_each_(pages_each), wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (!wake_) throw IoError(ExitCode::software, "eventfd", errno);
}

void PageQueue::restart(Job job) {
  const std::lock_guard lock(mutex_);
  if (slots_.size() <= job.table) slots_.resize(job.table + 1);
  Slot& slot = slots_[job.table];
  ++slot.generation;
  slot.name = std::move(job.name);
  slot.active = true;
  slot.view_accepted = false;
  slot.after = std::move(job.after);
  slot.key = std::move(job.key);
  slot.told = std::move(job.told);
  slot.pages -= std::erase_if(ready_, [&](const Page& page) { return page.table == job.table; });
  changed_.notify_all();
}

void PageQueue::set_told(std::size_t table, Told told) {
  const std::lock_guard lock(mutex_);
  slots_[table].told = std::move(told);
}

void PageQueue::accept_view(std::size_t table) {
  const std::lock_guard lock(mutex_);
  slots_[table].view_accepted = true;
  changed_.notify_all();
}

std::vector<Page> PageQueue::take() {
  const std::lock_guard lock(mutex_);
  std::uint64_t count = 0;
  static_cast<void>(!::read(wake_.get(), &count, sizeof count));
  has_pages_ = false;
  std::vector<Page> pages(std::make_move_iterator(ready_.begin()), std::make_move_iterator(ready_.end()));
  ready_.clear();
  return pages;
}

void PageQueue::release(std::size_t table, std::size_t pages) {
  const std::lock_guard lock(mutex_);
  slots_[table].pages -= pages;
  changed_.notify_all();
}

void PageQueue::wait_for_page() {
  constexpr std::chrono::milliseconds kPatience{50};
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, kPatience, [&] { return !ready_.empty(); });
}

void PageQueue::stop() {
  const std::lock_guard lock(mutex_);
  stopped_ = true;
  changed_.notify_all();
}

std::optional<Job> PageQueue::next_job() {
  std::unique_lock lock(mutex_);
  std::size_t table = 0;
  const auto found = [&] {
    const auto free = std::find_if(slots_.begin(), slots_.end(), [&](const Slot& slot) {
      return slot.active && !slot.reading && has_room(slot);
    });
    table = static_cast<std::size_t>(free - slots_.begin());
    return free != slots_.end();
  };
  changed_.wait(lock, [&] { return stopped_.load() || found(); });
  if (stopped_) return std::nullopt;
  Slot& slot = slots_[table];
  slot.reading = true;
  ++slot.pages;
  return Job{table, slot.name, slot.generation, slot.after, slot.key, slot.told};
}

bool PageQueue::deliver(Page page) {
  std::unique_lock lock(mutex_);
  Slot& slot = slots_[page.table];
  const bool goes_on = page.opens_view || (page.definition && page.definition->key.empty() && !page.last && !page.other_key);
  if (!goes_on) slot.reading = false;
  if (stopped_ || page.generation != slot.generation) {
    slot.reading = false;
    --slot.pages;
    changed_.notify_all();
    return false;
  }
  slot.after = page.to;
  if (page.definition) slot.key = page.definition->key_texts;
  if (page.last || page.gone || page.other_key || page.failure) slot.active = false;
  const unsigned generation = slot.generation;
  ready_.push_back(std::move(page));
  has_pages_.store(true, std::memory_order_release);
  const std::uint64_t one = 1;
  static_cast<void>(!::write(wake_.get(), &one, sizeof one));  // full means awake already
  changed_.notify_all();
  if (!goes_on) return true;
  // The next page of the same view needs room of its own.
  changed_.wait(lock, [&] { return stopped_.load() || slot.generation != generation || has_room(slot); });
  if (stopped_ || slot.generation != generation) {
    slot.reading = false;
    changed_.notify_all();
    return false;
  }
  ++slot.pages;
  return true;
}

bool PageQueue::wait_for_verdict(const Job& job) {
  std::unique_lock lock(mutex_);
  Slot& slot = slots_[job.table];
  changed_.wait(lock, [&] { return stopped_.load() || slot.generation != job.generation || slot.view_accepted; });
  if (!stopped_ && slot.generation == job.generation) return true;
  slot.reading = false;
  --slot.pages;
  changed_.notify_all();
  return false;
}

}  // namespace cdc::tail
