// Whose frame an ERROR answers: at once (E2), by order and at the last when the link lives on (E2),
// or as what ended the link (E5).

#include "broker/error_search.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace broker {

namespace {

constexpr std::size_t lines_max = 4; // of those that may have ended a link

std::optional<header_line> destination_in(std::string_view head)
{
    constexpr std::string_view name = "\ndestination:";
    const auto at = head.find(name);
    if (at == head.npos) {
        return std::nullopt;
    }
    const auto value = head.substr(at + name.size());
    return header_line{"destination", std::string{value.substr(0, value.find('\n'))}};
}

} // namespace

error_search::error_search(bool of_many) noexcept : of_many_(of_many) {}

finding error_search::name(kept_error& e, note& n, std::optional<header_line> line)
{
    n.refused = true;
    e.named = true;
    e.whose = n.frame;
    if (!line) {
        line = destination_in(head_of(n));
    }
    if (line && !line->name.empty()) {
        e.lines.push_back(std::move(*line));
    }
    return {
        .what = n.frame.what == frame_kind::ours ? finding::kind::ours : finding::kind::named,
        .frame = n.frame,
        .error = e.error,
        .lines = e.lines};
}

// Which of its frames it was is not known: none of the COMMITs among them is answered (E3).
finding
error_search::name_session(kept_error& e, const written_frame& of, const notes& among)
{
    doubt(e, among);
    e.named = true;
    e.whose = {.what = frame_kind::other, .session = of.session};
    return {.what = finding::kind::session, .frame = e.whose, .error = e.error};
}

finding error_search::nobody(kept_error& e, const owed_answers& owed, net::time_point now)
{
    if (now >= ordered_until_) {
        begins_ = true;
    }
    ordered_until_ = now + order_time;
    // E3: what it quotes nothing of, it does not mean, where all that it may mean is known.
    const matches said = quoted(e, owed, false);
    notes meant;
    std::ranges::transform(said, std::back_inserter(meant), &match::which);
    const bool told = !meant.empty() && !e.said_more && !forgot(e);
    doubt(e, told ? meant : candidates(e, owed, false));
    return {.what = finding::kind::nobody, .error = e.error};
}

void error_search::doubt(const kept_error& e, const notes& among)
{
    for (const note* n : among) {
        if (n->frame.what == frame_kind::in_transaction && n->frame.receipt != 0) {
            add_bounded(doubtful_, n->frame.receipt);
        }
    }
    if (forgot(e)) {
        for (const auto commit : forgotten_commits_) {
            add_bounded(doubtful_, commit);
        }
    }
}

// E2: what needs no further answers. A frame that is remembered no more may be quoted, too. Behind
// an ERROR that says nothing the words of a broker's own end may follow (E5).
std::optional<finding> error_search::at_once(kept_error& e, const owed_answers& owed)
{
    const notes all = candidates(e, owed, true);
    if (forgot(e)) {
        return std::nullopt;
    }
    if (const matches said = quoted(e, owed, true); said.size() == 1 && !e.said_more) {
        return name(e, *said.front().which, said.front().line);
    }
    if (!says_nothing(e.error) && one_frame(all)) {
        return name(e, *all.front(), std::nullopt);
    }
    return std::nullopt;
}

std::optional<finding>
error_search::by_order(kept_error& e, const notes& among, const matches& said)
{
    notes run;
    std::ranges::copy_if(
        among, std::back_inserter(run), [&](const note* n) { return n->run == e.run; });
    if (e.run == 0 || run.empty()) {
        return std::nullopt;
    }
    if (one_frame(run)) {
        return name(e, *run.front(), std::nullopt);
    }
    if (const written_frame* of = one_session(run)) {
        for (const match& m : said) {
            if (m.which->run == e.run) {
                return name(e, *m.which, m.line);
            }
        }
        return name_session(e, *of, run);
    }
    return std::nullopt;
}

// E2: the link lives on. `alike`: ERRORs that may mean the same and named nobody yet; `unnamed`:
// all.
std::optional<finding> error_search::at_last(
    kept_error& e, std::size_t alike, std::size_t unnamed, const owed_answers& owed)
{
    const notes all = candidates(e, owed, false);
    const matches said = quoted(e, owed, false);
    if (!blind(e)) {
        // As many ERRORs as may be meant: all of them are; a session's first one otherwise.
        if (!said.empty() && ((said.size() == alike && !e.said_more) || e.said_of_one)) {
            return name(e, *said.front().which, said.front().line);
        }
        // A SUBSCRIBE is answered before any later barrier. One that was not answered by then was
        // refused.
        const auto open = std::ranges::find_if(all, [](const note* n) {
            return n->frame.what == frame_kind::subscribe && n->frame.receipt != 0;
        });
        if (open != all.end()) {
            return name(e, **open, std::nullopt);
        }
        if (!forgot(e) && (one_frame(all) || (!all.empty() && all.size() == unnamed))) {
            return name(e, *all.front(), std::nullopt);
        }
    }
    if (auto found = by_order(e, all, said)) {
        return found;
    }
    const written_frame* of = only_session(all);
    return of != nullptr && !blind(e) ? std::optional{name_session(e, *of, all)} : std::nullopt;
}

std::optional<finding> error_search::on_error(
    broker_error error, const std::optional<written_frame>& named, const owed_answers& owed,
    net::time_point now)
{
    if (!named && of_the_broker(error)) {
        errors_.clear(); // E5: they answered frames that met the same end, and accuse nobody
        return finding{.what = finding::kind::nobody, .error = std::move(error)};
    }
    kept_error e{
        .error = std::move(error),
        .floor = floor_,
        .upto = first_ + (notes_.size() - dead_)};
    if (now < ordered_until_ && ordered_from_ != 0 && !begins_ && answered_run_ >= ordered_from_) {
        e.run = answered_run_ + 1;
    }
    std::optional<finding> found;
    if (!named) {
        look_for_quotes(e, owed);
    }
    if (named) {
        const auto n = std::find_if(
            notes_.begin() + static_cast<std::ptrdiff_t>(dead_), notes_.end(),
            [&](const note& one) { return one.frame.receipt == named->receipt; });
        note alone{.frame = *named};
        alone.head_at = heads_first_;
        found = name(e, n == notes_.end() ? alone : *n, std::nullopt);
    } else {
        found = at_once(e, owed);
    }
    if (errors_.size() == errors_max) {
        return found ? found : nobody(e, owed, now); // not kept
    }
    errors_.push_back(std::move(e));
    return found;
}

bool error_search::suspects(std::uint64_t commit) const noexcept
{
    return std::ranges::any_of(errors_, [&](const kept_error& e) {
        if (e.named) {
            return false;
        }
        if (forgot(e) &&
            std::ranges::find(forgotten_commits_, commit) != forgotten_commits_.end()) {
            return true;
        }
        for (std::size_t i = dead_; i < notes_.size(); ++i) {
            const auto number = first_ + (i - dead_);
            const note& n = notes_[i];
            if (number >= e.floor && number < e.upto && !n.refused &&
                n.frame.what == frame_kind::in_transaction && n.frame.receipt == commit) {
                return true;
            }
        }
        return false;
    });
}

bool error_search::doubts(std::uint64_t commit) const noexcept
{
    return std::ranges::find(doubtful_, commit) != doubtful_.end();
}

std::vector<finding>
error_search::on_alive(std::size_t count, const owed_answers& owed, net::time_point now)
{
    std::vector<finding> all;
    count = std::min(count, errors_.size());
    for (std::size_t i = 0; i < count; ++i) {
        kept_error& e = errors_[i];
        if (e.named) {
            continue;
        }
        const auto meant_by = [&](const kept_error& one) {
            notes meant;
            std::ranges::transform(
                quoted(one, owed, false), std::back_inserter(meant), &match::which);
            return meant;
        };
        const notes meant = meant_by(e);
        std::size_t alike = 0, unnamed = 0;
        for (std::size_t k = i; k < count; ++k) {
            if (!errors_[k].named) {
                ++unnamed;
                alike += meant_by(errors_[k]) == meant;
            }
        }
        auto found = at_last(e, alike, unnamed, owed);
        all.push_back(found ? std::move(*found) : nobody(e, owed, now));
    }
    errors_.erase(errors_.begin(), errors_.begin() + static_cast<std::ptrdiff_t>(count));
    return all;
}

// E5: the last ERROR says what ended the link. Before it RabbitMQ also answers later frames with
// ERRORs.
std::vector<finding> error_search::on_end(std::uint64_t shadow, const owed_answers& owed)
{
    std::vector<finding> all;
    if (errors_.empty()) {
        return all;
    }
    kept_error& e = errors_.back();
    finding ended{.what = finding::kind::ended, .error = e.error, .told = e.named};
    if (!e.named) {
        const notes among = candidates(e, owed, true);
        const matches said = quoted(e, owed, true);
        if (!blind(e) && !said.empty() &&
            ((said.size() == 1 && !e.said_more) || e.said_of_one)) {
            all.push_back(name(e, *said.front().which, said.front().line));
        } else if (const auto refused = std::ranges::find_if(
                       among,
                       [&](const note* n) { return shadow != 0 && n->frame.receipt == shadow; });
                   refused != among.end()) {
            all.push_back(name(e, **refused, std::nullopt));
        } else if (says_nothing(e.error)) {
            errors_.clear(); // it met the end, and did not make it: RabbitMQ says what did
            return all;
        } else if (!forgot(e) && one_frame(among)) {
            all.push_back(name(e, *among.front(), std::nullopt));
        } else if (const written_frame* of = only_session(among); of != nullptr && !of_many_) {
            all.push_back(name_session(e, *of, among));
        }
        for (const match& m : said) { // those of whom it was may be told apart next time
            if (!e.named && e.lines.size() < lines_max && !m.line.name.empty() &&
                std::ranges::find(e.lines, m.line) == e.lines.end()) {
                e.lines.push_back(m.line);
            }
        }
    }
    ended.frame = e.whose;
    ended.lines = e.lines;
    all.push_back(std::move(ended));
    errors_.clear();
    return all;
}

} // namespace broker
