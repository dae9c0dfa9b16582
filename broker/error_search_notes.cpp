// What is noted of the frames that a link writes, until an answer or a barrier shows that they are
// not refused; and the ends of runs, between which a frame can be named by order (E2).

#include "broker/error_search.hpp"

#include <algorithm>
#include <utility>

namespace broker {

namespace {

// Frames remembered on a link of many sessions and on one of a session's own, and at how many of
// them a barrier is asked for.
constexpr std::size_t notes_max = 4096, own_notes_max = 32, notes_many = 1024;
constexpr std::size_t head_bytes_max = 128 * 1024, own_head_bytes_max = 4096;
constexpr std::size_t head_bytes_many = head_bytes_max / 4;
constexpr std::size_t head_max = 2048; // of one frame
constexpr std::size_t doubtful_max = 64;

} // namespace

std::string_view error_search::head_of(const note& n) const noexcept
{
    return std::string_view{heads_}.substr(n.head_at - heads_first_, n.head_size);
}

void error_search::wrote(
    const written_frame& frame, std::string_view head, const owed_answers& owed)
{
    settle(owed);
    if (notes_.size() - dead_ >= (of_many_ ? notes_max : own_notes_max)) {
        forget_front();
    }
    note n{.frame = frame, .run = run_, .head_at = heads_first_ + heads_.size()};
    const auto room = of_many_ ? head_bytes_max : own_head_bytes_max;
    n.whole = head.size() <= head_max && heads_.size() + head.size() <= room;
    if (n.whole) {
        n.head_size = static_cast<std::uint16_t>(head.size());
        heads_.append(head);
    }
    notes_.push_back(n);
    run_used_ = true;
    last_session_ = frame.session;
    last_asked_ = frame.receipt != 0;
}

void error_search::forget_front()
{
    const written_frame& f = notes_[dead_].frame;
    if (f.what == frame_kind::in_transaction && f.receipt != 0) {
        add_bounded(forgotten_commits_, f.receipt);
    }
    drop_front(1);
    forgotten_ = first_;
}

void error_search::committed(session_id session, std::uint64_t receipt)
{
    for (auto n = notes_.rbegin(); n != notes_.rend() && n->frame.session == session &&
                                   n->frame.what == frame_kind::in_transaction &&
                                   n->frame.receipt == 0;
         ++n) {
        n->frame.receipt = receipt;
    }
    last_asked_ = receipt != 0;
}

bool error_search::wants_barrier() const noexcept
{
    return of_many_ && (notes_.size() - dead_ >= notes_many || heads_.size() >= head_bytes_many);
}

// Those at the front that were answered are none any more.
void error_search::settle(const owed_answers& owed)
{
    std::size_t count = 0;
    while (dead_ + count < notes_.size()) {
        const written_frame& f = notes_[dead_ + count].frame;
        if (f.receipt == 0 || f.what == frame_kind::in_transaction || owed.is_open(f.receipt)) {
            break;
        }
        ++count;
    }
    drop_front(count);
}

void error_search::drop_front(std::size_t count)
{
    dead_ += count;
    first_ += count;
    if (dead_ == notes_.size()) {
        notes_.clear();
        heads_first_ += heads_.size();
        heads_.clear();
        dead_ = 0;
        if (notes_.capacity() > own_notes_max) {
            notes_.shrink_to_fit(); // an idle link keeps no memory
            heads_.shrink_to_fit();
        }
    } else if (dead_ >= own_notes_max && dead_ * 2 >= notes_.size()) {
        notes_.erase(notes_.begin(), notes_.begin() + static_cast<std::ptrdiff_t>(dead_));
        dead_ = 0;
        heads_.erase(0, notes_.front().head_at - heads_first_);
        heads_first_ = notes_.front().head_at;
        if (notes_.capacity() > 8 * notes_.size()) {
            notes_.shrink_to_fit();
            heads_.shrink_to_fit();
        }
    }
}

bool error_search::run_ends(session_id next, net::time_point now) const noexcept
{
    return now < ordered_until_ &&
           (begins_ || (run_used_ && (next != last_session_ || last_asked_)));
}

std::uint64_t error_search::end_run() noexcept
{
    if (std::exchange(begins_, false)) {
        ordered_from_ = run_;
    }
    run_used_ = false;
    return run_++;
}

void error_search::on_run_end(std::uint64_t number) noexcept
{
    answered_run_ = std::max(answered_run_, number);
}

void error_search::on_barrier(std::uint64_t receipt)
{
    for (std::size_t i = dead_; i < notes_.size(); ++i) {
        if (notes_[i].frame.receipt == receipt && notes_[i].frame.what == frame_kind::ours) {
            floor_ = std::max(floor_, first_ + (i - dead_) + 1);
            break;
        }
    }
    if (errors_.empty() && floor_ > first_) {
        drop_front(static_cast<std::size_t>(floor_ - first_));
    }
    if (errors_.empty() && floor_ >= forgotten_) {
        forgotten_commits_.clear();
    }
}

void error_search::add_bounded(std::vector<std::uint64_t>& commits, std::uint64_t commit)
{
    if (std::ranges::find(commits, commit) == commits.end()) {
        if (commits.size() == doubtful_max) {
            commits.erase(commits.begin());
        }
        commits.push_back(commit);
    }
}

std::size_t error_search::bytes() const noexcept
{
    std::size_t total = notes_.capacity() * sizeof(note) + heads_.capacity();
    for (const kept_error& e : errors_) {
        total += sizeof(e) + 2 * e.error.body.size() + e.error.head.size();
    }
    return total;
}

} // namespace broker
