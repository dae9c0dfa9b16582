// Which frames an ERROR may mean: those that are not answered yet, those of which it quotes a line,
// and whether all of them are one frame's or one session's (E2).

#include "broker/error_search.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace broker {

namespace {

constexpr std::size_t said_max = 32;     // frames that one ERROR may mean
constexpr std::size_t quoted_max = 4096; // of an ERROR's text, where quotes are looked for

} // namespace

bool error_search::is_candidate(const note& n, const owed_answers& owed, bool ended) const
{
    return !n.refused &&
           (n.frame.receipt == 0 || (ended && n.frame.what == frame_kind::in_transaction) ||
            owed.is_open(n.frame.receipt));
}

error_search::notes
error_search::candidates(const kept_error& e, const owed_answers& owed, bool ended)
{
    notes all;
    for (std::size_t i = dead_; i < notes_.size(); ++i) {
        const auto number = first_ + (i - dead_);
        if (number >= e.floor && number < e.upto && is_candidate(notes_[i], owed, ended)) {
            all.push_back(&notes_[i]);
        }
    }
    return all;
}

// Once for each ERROR: what was refused is among those that it may mean now.
void error_search::look_for_quotes(kept_error& e, const owed_answers& owed)
{
    // Of a long text only the part that says what was wrong is searched.
    const quoted_lines quotes{
        e.error.text.substr(0, error_text_max) + "\n" + e.error.body.substr(0, quoted_max)};
    if (!quotes.any()) {
        return;
    }
    notes meant;
    const auto look = [&](auto line_in) {
        for (std::size_t i = dead_; i < notes_.size(); ++i) {
            const auto number = first_ + (i - dead_);
            note& n = notes_[i];
            if (number < e.floor || number >= e.upto || !is_candidate(n, owed, true)) {
                continue;
            }
            auto line = line_in(head_of(n));
            if (!line && n.whole) {
                continue;
            }
            meant.push_back(&n);
            if (e.said.size() < said_max) {
                e.said.push_back({number, std::move(line).value_or(header_line{})});
            } else {
                e.said_more = true;
            }
        }
    };
    look([&](std::string_view head) { return quotes.value_in(head); });
    if (meant.empty()) {
        look([&](std::string_view head) { return quotes.name_in(head); });
    }
    e.said_of_one = one_session(meant) != nullptr;
}

error_search::matches
error_search::quoted(const kept_error& e, const owed_answers& owed, bool ended)
{
    matches all;
    for (const said_line& said : e.said) {
        if (said.number >= first_) {
            note& n = notes_[dead_ + static_cast<std::size_t>(said.number - first_)];
            if (is_candidate(n, owed, ended)) {
                all.push_back({&n, said.line});
            }
        }
    }
    return all;
}

bool error_search::one_frame(const notes& among) noexcept
{
    return among.size() == 1 ||
           (!among.empty() && std::ranges::all_of(among, [&](const note* n) {
               return n->frame.what == frame_kind::in_transaction && n->frame.receipt != 0 &&
                      n->frame.receipt == among.front()->frame.receipt;
           }));
}

// An acknowledgement of the gateway's own is made for that session.
const written_frame* error_search::one_session(const notes& among) noexcept
{
    const written_frame* one = nullptr;
    for (const note* n : among) {
        const bool acknowledges = n->frame.what == frame_kind::ours && n->frame.receipt == 0 &&
                                  n->head_size == 0;
        if (acknowledges) {
            continue;
        }
        if (n->frame.session == session_id::none ||
            (one != nullptr && one->session != n->frame.session)) {
            return nullptr;
        }
        one = one == nullptr ? &n->frame : one;
    }
    return one;
}

// On a link of a session's own every SUBSCRIBE is its, too.
const written_frame* error_search::only_session(const notes& among) const noexcept
{
    notes others;
    std::ranges::copy_if(among, std::back_inserter(others), [&](const note* n) {
        return of_many_ || n->frame.what != frame_kind::subscribe;
    });
    return others.empty() && !among.empty() ? &among.front()->frame : one_session(others);
}

} // namespace broker
