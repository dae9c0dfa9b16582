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
constexpr std::size_t lines_max = 4;
constexpr std::size_t said_max = 32; // frames that one ERROR may mean
constexpr std::size_t text_max = 200;    // of one line
constexpr std::size_t quoted_max = 4096; // of an ERROR's text, where quotes are looked for

std::string text_of(const stomp::frame_view& frame)
{
    std::string text{frame.find("message").value_or("ERROR")};
    // RabbitMQ puts what matters into the body; one line of it is enough for a log or a report.
    const auto line = frame.body.substr(0, frame.body.find_first_of("\r\n"));
    if (!line.empty() && line != text) {
        text += ": ";
        text += line.substr(0, text_max);
    }
    return text;
}

// Once each; the oldest go where there are too many.
void add_bounded(std::vector<std::uint64_t>& commits, std::uint64_t commit)
{
    if (std::ranges::find(commits, commit) == commits.end()) {
        if (commits.size() == doubtful_max) {
            commits.erase(commits.begin());
        }
        commits.push_back(commit);
    }
}

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

// The broker ends the connection for a reason of its own (AMQP 0-9-1, 320 connection-forced): it is
// being stopped, or an operator closed it. That is nobody's frame.
bool of_the_broker(const broker_error& error)
{
    constexpr std::string_view closed = "server_initiated_close";
    if (error.body.find("CONNECTION_FORCED") != error.body.npos) {
        return true;
    }
    const auto at = error.body.find(closed);
    if (at == error.body.npos) {
        return false;
    }
    const auto code = error.body.find_first_not_of(", \t\r\n", at + closed.size());
    return code != error.body.npos && error.body.compare(code, 3, "320") == 0;
}

} // namespace

broker_error read_error(const stomp::frame_view& frame)
{
    broker_error error;
    const bool whole = frame.body.size() <= error_search::error_bytes_max;
    for (const auto& h : frame.headers) {
        if (h.name != "receipt-id" && h.name != "subscription" &&
            (whole || h.name != "content-length") &&
            error.head.size() + h.name.size() + h.value.size() <= error_search::error_bytes_max) {
            error.head.append(h.name).append(":").append(h.value).append("\n");
        }
    }
    error.body = frame.body.substr(0, error_search::error_bytes_max);
    error.text = text_of(frame);
    return error;
}

error_search::error_search(bool of_many) noexcept : of_many_(of_many) {}

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
        e.error.text.substr(0, text_max) + "\n" + e.error.body.substr(0, quoted_max)};
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

// E2: what needs no further answers.
std::optional<finding> error_search::at_once(kept_error& e, const owed_answers& owed)
{
    const notes all = candidates(e, owed, true);
    if (blind(e)) {
        return std::nullopt;
    }
    if (const matches said = quoted(e, owed, true); said.size() == 1 && !e.said_more) {
        return name(e, *said.front().which, said.front().line);
    }
    if (!forgot(e) && one_frame(all)) {
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

std::size_t error_search::bytes() const noexcept
{
    std::size_t total = notes_.capacity() * sizeof(note) + heads_.capacity();
    for (const kept_error& e : errors_) {
        total += sizeof(e) + 2 * e.error.body.size() + e.error.head.size();
    }
    return total;
}

} // namespace broker
