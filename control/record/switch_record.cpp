#include "control/record/switch_record.hpp"

#include <algorithm>
#include <cmath>
#include <set>
#include <string_view>

namespace control {

std::string_view to_string(switch_phase phase) noexcept
{
    switch (phase) {
    case switch_phase::preparing: return "preparing";
    case switch_phase::paused: return "paused";
    case switch_phase::holding: return "holding";
    case switch_phase::writing: return "writing";
    case switch_phase::committing: return "committing";
    case switch_phase::joining: return "joining";
    case switch_phase::draining: return "draining";
    case switch_phase::done: return "done";
    case switch_phase::aborting: return "aborting";
    case switch_phase::aborted: return "aborted";
    }
    return "done";
}

std::string_view to_string(switch_result result) noexcept
{
    switch (result) {
    case switch_result::open: return "";
    case switch_result::switched: return "switched";
    case switch_result::aborted: return "aborted";
    case switch_result::refused: return "refused";
    case switch_result::would_switch: return "would_switch";
    case switch_result::would_fail: return "would_fail";
    }
    return "";
}

held_summary summarize_held(std::vector<std::uint32_t> held_us)
{
    if (held_us.empty()) {
        return {};
    }
    std::ranges::sort(held_us);
    // Nearest rank: the smallest value that at least this part of all does not exceed.
    const auto rank = [&](double part) {
        const auto n =
            static_cast<std::size_t>(std::ceil(part * static_cast<double>(held_us.size())));
        return static_cast<double>(held_us[std::max<std::size_t>(n, 1) - 1]) / 1000;
    };
    return {rank(0.5), rank(0.99), static_cast<double>(held_us.back()) / 1000};
}

void switch_record::note_phase(net::time_point now)
{
    auto& since = phase_since[static_cast<std::size_t>(phase)];
    since = since.value_or(now);
}

std::optional<net::duration>
switch_record::time_in(switch_phase which, net::time_point now) const
{
    const auto begun = phase_since[static_cast<std::size_t>(which)];
    if (!begun) {
        return std::nullopt;
    }
    for (std::size_t later = static_cast<std::size_t>(which) + 1; later < switch_phases; ++later) {
        if (phase_since[later]) {
            return *phase_since[later] - *begun;
        }
    }
    return now - *begun;
}

void switch_record::note_failures(const std::vector<session_failure>& more)
{
    for (const auto& one : more) {
        note_cause(one);
        if (failures.size() == failures_max) {
            continue;
        }
        if (std::ranges::find(failures, one.session, &session_failure::session) == failures.end()) {
            failures.push_back(one);
        }
    }
}

namespace {

bool has_digit(std::string_view word) noexcept
{
    return word.find_first_of("0123456789") != word.npos;
}

// C13: what a broker says of one session names its token's time, its address, an id: words with a
// digit are alike.
bool same_words(std::string_view a, std::string_view b)
{
    while (!a.empty() && !b.empty()) {
        const auto one = a.substr(0, a.find(' ')), other = b.substr(0, b.find(' '));
        if (one != other && !(has_digit(one) && has_digit(other))) {
            return false;
        }
        a.remove_prefix(std::min(a.size(), one.size() + 1));
        b.remove_prefix(std::min(b.size(), other.size() + 1));
    }
    return a.empty() && b.empty();
}

} // namespace

void switch_record::note_cause(const session_failure& one)
{
    if (causes_final || !failed_once.insert(one.session).second) {
        return;
    }
    auto cause = std::ranges::find_if(causes, [&](const failure_cause& known) {
        return known.endpoint == one.endpoint && same_words(known.error, one.error);
    });
    if (cause == causes.end() && causes.size() == causes_max) {
        cause = causes.end() - 1; // told with the last one: its number says that there are more
    } else if (cause == causes.end()) {
        cause = causes.insert(cause, {.error = one.error, .endpoint = one.endpoint});
    }
    ++cause->sessions;
    if (cause->first.size() < 3) {
        cause->first.push_back(one.session);
    }
}

void switch_record::take(member_number from_member, tally now_known)
{
    tally& kept = members.at(from_member);
    if (now_known.held_us.empty()) {
        now_known.held_us = std::move(kept.held_us);
    }
    kept = std::move(now_known);
    note_failures(kept.failures);
}

void switch_record::merge_held()
{
    std::vector<std::uint32_t> all;
    for (auto& member : members) {
        all.insert(all.end(), member.held_us.begin(), member.held_us.end());
        member.held_us = {};
    }
    causes_final = true;
    failed_once = {};
    held = summarize_held(std::move(all));
}

tally switch_record::total() const
{
    tally sum;
    for (const auto& one : members) {
        for (const auto field :
             {&tally::sessions_total,
              &tally::sessions_ready,
              &tally::sessions_moved,
              &tally::sessions_pinned,
              &tally::sessions_failed,
              &tally::sessions_gone,
              &tally::accepted,
              &tally::confirmed,
              &tally::unconfirmed,
              &tally::open,
              &tally::held,
              &tally::refused,
              &tally::in_doubt,
              &tally::seams_total,
              &tally::seams_joined,
              &tally::seams_forced,
              &tally::seams_best_effort,
              &tally::late,
              &tally::foreign_late,
              &tally::gaps,
              &tally::seams_overlap,
              &tally::overlap_delivered,
              &tally::overlap_twins,
              &tally::overlap_still_coming,
              &tally::duplicates_dropped,
              &tally::redelivered,
              &tally::handed_back,
              &tally::stored_left_behind,
              &tally::streams_anew,
              &tally::replies_to_old,
              &tally::replies_refused,
              &tally::transactions_split,
              &tally::pairs_doubtful,
              &tally::pairs_alone,
              &tally::windows_open,
              &tally::receipts_open,
              &tally::frames_carried,
              &tally::standbys_discarded}) {
            sum.*field += one.*field;
        }
        sum.overlap_ms = std::max(sum.overlap_ms, one.overlap_ms);
        sum.fence_best_effort |= one.fence_best_effort;
        sum.fence_written |= one.fence_written;
        sum.shared_backplane |= one.shared_backplane;
        sum.named.add(one.named);
        for (const auto& sentence : one.counted) {
            add_counted(sum.counted, sentence);
        }
    }
    sum.drained = all_drained();
    return sum;
}

bool switch_record::all_joined() const
{
    return std::ranges::all_of(members, [](const tally& t) {
        return t.sessions_moved + t.sessions_pinned + t.sessions_failed + t.sessions_gone >=
                   t.sessions_total &&
               t.seams_joined + t.seams_forced >= t.seams_total && t.receipts_open == 0 &&
               t.windows_open == 0;
    });
}

bool switch_record::all_drained() const
{
    return std::ranges::all_of(members, &tally::drained);
}

bool switch_record::advance(net::time_point now)
{
    const auto before = phase;
    note_phase(now);
    if (phase == switch_phase::joining && all_joined()) {
        phase = switch_phase::draining;
        note_phase(now);
        final = true;
        final_since = now;
    }
    if (phase == switch_phase::draining && all_drained()) {
        phase = switch_phase::done;
        drained_since = now;
        note_phase(now);
    }
    return phase != before;
}

std::vector<std::string> switch_record::counted() const
{
    if (result != switch_result::switched) {
        return {};
    }
    const tally sum = total();
    std::vector<std::string> sentences;
    using cause = counted_cause;
    const auto say = [&](cause why, std::uint64_t count, const char* one, const char* more) {
        if (count != 0) {
            sentences.push_back(
                std::to_string(count) + (count == 1 ? one : more) + sum.named.sentence(why));
        }
    };
    say(cause::failed, sum.sessions_failed, " session failed", " sessions failed");
    say(cause::pinned, sum.sessions_pinned, " session pinned to its old color",
        " sessions pinned to their old color");
    say(cause::forced, sum.seams_forced, " seam forced by seam_timeout", " seams forced by seam_timeout");
    say(cause::late, sum.late, " message came late, after a forced seam",
        " messages came late, after a forced seam");
    say(cause::best_effort, sum.seams_best_effort, " seam: best effort", " seams: best effort");
    if (sum.fence_best_effort) {
        sentences.push_back("fence: best effort" + sum.named.sentence(cause::fence));
    }
    say(cause::in_doubt, sum.in_doubt, " SEND in doubt", " SENDs in doubt");
    say(cause::gap, sum.gaps, " gap in a subscription", " gaps in subscriptions");
    say(cause::handed_back, sum.handed_back, " delivery handed back", " deliveries handed back");
    say(cause::left_behind, sum.stored_left_behind, " stored message possibly left on the old color",
        " stored messages possibly left on the old color");
    say(cause::stream_anew, sum.streams_anew, " stream does not continue after the last message given",
        " streams do not continue after the last message given");
    say(cause::reply_refused, sum.replies_refused, " reply refused, its color is gone",
        " replies refused, their color is gone");
    say(cause::copies, sum.pairs_doubtful, " message dropped as a copy that may have been another",
        " messages dropped as copies that may have been others");
    say(cause::one_color, sum.pairs_alone, " message came from one color alone",
        " messages came from one color alone");
    say(cause::twins, sum.overlap_twins, " message came from both colors and was delivered twice",
        " messages came from both colors and were delivered twice");
    say(cause::still_coming, sum.overlap_still_coming,
        " message came so late that switch.overlap may be too short",
        " messages came so late that switch.overlap may be too short");
    for (const auto& [text, whose] : sum.counted) {
        sentences.push_back(text + whose.sentence());
    }
    return sentences;
}

} // namespace control
