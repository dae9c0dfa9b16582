#include "gateway/core/messages/send_accounts.hpp"

#include <utility>

namespace gateway {

void send_accounts::count(session_id of, std::uint32_t session_sends::* what, bool counted)
{
    if (counted && find(of) != nullptr) {
        ++(sends_[number(of)].*what);
    }
}

// A late answer moves one that was in doubt to confirmed (S13).
void send_accounts::count_confirmed(const broker::owed_answer& owed)
{
    switch_.tally.confirmed += owed.counted;
    switch_.tally.in_doubt -= owed.counted && owed.doubted;
    count(owed.session, &session_sends::confirmed, owed.counted);
    if (const auto at = sends_.find(number(owed.session));
        owed.counted && owed.doubted && at != sends_.end()) {
        --at->second.in_doubt;
    }
}

// S3, S13: what became of it is not known.
void send_accounts::count_doubt(const broker::owed_answer& owed)
{
    if (owed.counted) {
        ++switch_.tally.in_doubt;
        name_counted(control::counted_cause::in_doubt, owed.session);
        count(owed.session, &session_sends::in_doubt, true);
    }
}

void send_accounts::count_refused(const broker::owed_answer& owed)
{
    count(owed.session, &session_sends::refused, owed.counted);
    if (const auto at = sends_.find(number(owed.session));
        owed.counted && owed.doubted && at != sends_.end()) {
        --at->second.in_doubt;
    }
}

void send_accounts::refuse_silent(
    session_id of, const link_record& l, const broker::link_news::refusal& what)
{
    if (client_session* s = find(of);
        s != nullptr && what.open && s->last_send_link == l.core.id()) {
        const bool before =
            what.covered && s->silent.barrier == static_cast<std::uint32_t>(l.core.asked_up_to());
        std::uint32_t& open = before ? s->silent.before : s->silent.behind;
        open -= open > 0;
    }
    if (!what.counted) {
        return;
    }
    const auto at = sends_.find(number(of));
    session_sends* sends = at == sends_.end() ? nullptr : &at->second;
    if (what.open) {
        ++switch_.tally.refused;
        if (sends != nullptr && sends->silent_on == l.core.id()) {
            std::uint32_t& open = sends->silent_first > 0 ? sends->silent_first : sends->silent_rest;
            open -= open > 0;
            ++sends->refused;
        }
    } else if (sends != nullptr && sends->unconfirmed > 0) { // proven, and refused before that
        ++switch_.tally.refused;
        --switch_.tally.unconfirmed;
        --sends->unconfirmed;
        ++sends->refused;
    }
}

// Called after a SEND without a receipt, while last_send_link is still that of the SEND before.
void send_accounts::note_silent(client_session& s, const link_record& l) noexcept
{
    const auto barrier = static_cast<std::uint32_t>(l.core.asked_up_to());
    if (s.last_send_link != l.core.id()) {
        s.silent = {.barrier = barrier}; // the other link's are proven, or in doubt with it
    } else if (s.silent.barrier != barrier) {
        s.silent = {.before = s.silent.behind, .barrier = barrier};
    }
    ++s.silent.behind;
}

// At the prepare order: what is open now counts from here on, also what a pinned session left on
// the other color.
void send_accounts::count_open()
{
    sends_.clear();
    for (const auto& [id, l] : tables_.links) {
        switch_.tally.accepted += l->core.count_open();
        l->core.owed().for_each([&](const broker::owed_answer& owed) {
            count(owed.session, &session_sends::accepted, owed.counted);
        });
    }
    for (const auto& [id, s] : tables_.sessions) {
        const link_record* l = link(s->last_send_link);
        if (l == nullptr || s->silent.behind == 0) {
            continue;
        }
        const auto asked = l->core.asked_up_to();
        const bool open = asked > l->core.proven_up_to();
        std::uint32_t first = s->silent.behind, rest = 0;
        if (s->silent.barrier == static_cast<std::uint32_t>(asked)) {
            if (open) {
                first = s->silent.before;
                rest = s->silent.behind;
            }
        } else if (!open) {
            first = 0; // all of them are proven
        }
        if (first + rest > 0) {
            session_sends& sends = sends_[id];
            sends.accepted += first + rest;
            sends.silent_first = first;
            sends.silent_rest = rest;
            sends.silent_on = l->core.id();
        }
    }
}

void send_accounts::on_silent_proven(const link_record& l, std::uint64_t proven)
{
    switch_.tally.unconfirmed += proven;
    for (auto& [id, sends] : sends_.in_any_order()) { // any order: each counts its own
        if (sends.silent_on == l.core.id()) {
            sends.unconfirmed += sends.silent_first;
            sends.silent_first = std::exchange(sends.silent_rest, 0);
        }
    }
}

void send_accounts::doubt_silent(const link_record& l)
{
    switch_.tally.in_doubt += l.core.counted_silent();
    for (const std::uint64_t id : sends_.keys_in_order()) { // that of the names in the report
        session_sends& sends = sends_.at(id);
        if (sends.silent_on == l.core.id()) {
            if (sends.silent_first + sends.silent_rest > 0) {
                name_counted(control::counted_cause::in_doubt, session_id{id});
            }
            sends.in_doubt +=
                std::exchange(sends.silent_first, 0) + std::exchange(sends.silent_rest, 0);
        }
    }
}

// `open` is counted on the links, not derived, so that the identity is a check.
std::map<std::uint64_t, control::send_counts> send_accounts::by_session() const
{
    std::map<std::uint64_t, control::send_counts> all;
    for (const auto& [id, sends] : sends_.in_any_order()) { // any order: into a sorted map
        all[id] = {
            .accepted = sends.accepted,
            .confirmed = sends.confirmed,
            .unconfirmed = sends.unconfirmed,
            .open = sends.silent_first + sends.silent_rest,
            .refused = sends.refused,
            .in_doubt = sends.in_doubt};
    }
    for (const auto& [id, l] : tables_.links) {
        l->core.owed().for_each([&](const broker::owed_answer& owed) {
            const bool send =
                owed.kind == broker::owed_kind::send || owed.kind == broker::owed_kind::commit;
            if (const auto at = all.find(number(owed.session));
                send && owed.counted && !owed.doubted && at != all.end()) {
                ++at->second.open;
            }
        });
    }
    return all;
}

} // namespace gateway
