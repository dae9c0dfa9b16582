#pragma once

// The tables of a shard and the rooms up to `links`, without the router: for tests that make one
// part of a shard themselves and call it. Nobody answers; a test says what a broker says.

#include "gateway/core/links/link_table.hpp"
#include "gateway/core/links/login_quotas.hpp"
#include "gateway/core/links/share_groups.hpp"
#include "gateway/core/tables/workbench.hpp"
#include "tests/support/effects_log.hpp"
#include "tests/support/several_endpoints.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

namespace testing_support {

using namespace std::chrono_literals;
using broker::color;
using broker::link_id;
using broker::link_role;
using broker::session_id;
using broker::wire_id;

class RoomTest : public testing::Test {
protected:
    explicit RoomTest(gateway::shard_settings settings = several_endpoints({1, 1}))
        : shard(std::move(settings), log, counters)
    {
    }

    // ---- what a shard holds
    gateway::identity& identity(const std::string& login = "anna", const std::string& host = "/")
    {
        const std::string head = "host:" + host + "\nlogin:" + login + "\n";
        const auto [at, fresh] = shard.tables.identities.try_emplace("1.2\n" + head);
        if (fresh) {
            at->second = std::make_unique<gateway::identity>();
            gateway::identity& made = *at->second;
            made.number = ++shard.tables.last_identity;
            made.key = at->first;
            made.accept_version = made.key.substr(0, 3);
            made.connect_head = made.key.substr(4);
            made.host = made.connect_head.substr(5, host.size());
            made.login = made.connect_head.substr(12 + host.size(), login.size());
            made.digest = gateway::digest_of(shard.settings.pairing.secret, made.key);
            made.login_digest = gateway::digest_of(shard.settings.pairing.secret, made.login);
            shard.budget.charge(gateway::held_kind::sessions, made.key.size());
        }
        return *at->second;
    }
    // Its trial is over: barriers prove routing, markers arrive.
    gateway::share_group& group(gateway::identity& who, control::endpoint_ref at)
    {
        gateway::share_group& g = groups.group_for(who, at);
        g.known = {.barrier = broker::barrier_kind::routed, .marker = broker::tried::yes};
        return g;
    }
    // Active, and bound there.
    gateway::client_session& session(gateway::share_group& g)
    {
        auto made = std::make_unique<gateway::client_session>();
        gateway::client_session& s = *made;
        s.id = static_cast<session_id>(++shard.tables.last_session);
        s.who = g.who;
        ++g.who->sessions;
        s.live = g.at.color;
        s.login = gateway::client_login::connected;
        s.state = gateway::session_state::active;
        s.bindings[g.at.color].group = &g;
        s.bindings[g.at.color].at = gateway::binding::phase::ready;
        ++g.bindings;
        shard.pools[g.at.color]->on_bound(g.at.index);
        shard.tables.sessions.add(gateway::number(s.id), std::move(made));
        return s;
    }
    // Dialled and CONNECTED.
    gateway::link_record&
    link_at(gateway::share_group& g, link_role role, session_id owner = session_id::none)
    {
        gateway::link_record& l = links.dial(g, role, owner, now);
        links.run_dials(now);
        comes_up(l);
        return l;
    }
    void comes_up(gateway::link_record& l)
    {
        l.core.on_open(now, log);
        EXPECT_EQ(
            says(l, "CONNECTED version:1.2 heart-beat:0,0").what, broker::link_event::kind::up);
        l.up = now;
        log.take();
    }
    // Read there under an address of its own, and confirmed.
    gateway::wire_subscription&
    read_at(gateway::link_record& l, const std::string& destination = "/topic/a")
    {
        auto made = std::make_unique<gateway::wire_subscription>();
        gateway::wire_subscription& w = *made;
        w.id = static_cast<wire_id>(++shard.tables.last_wire);
        w.link = l.core.id();
        w.group = l.group;
        w.head = net::payload::make({"destination:", destination, "\n"});
        w.state = gateway::wire_state::confirmed;
        w.addressed = true;
        w.shared = true;
        l.wires.push_back(w.id);
        w.group->wires[w.head->bytes()] = w.id;
        shard.tables.wires.add(gateway::number(w.id), std::move(made));
        return w;
    }
    // One more broadcast subscription of the session, which reads that wire subscription.
    gateway::subscription& subscribes(
        gateway::client_session& s, gateway::wire_subscription& w,
        gateway::member_state as = gateway::member_state::live)
    {
        gateway::subscription sub;
        sub.client_id = std::to_string(s.journal.size() + 1);
        sub.broadcast = sub.shareable = sub.confirmed = true;
        sub.head = w.head;
        gateway::subscription& added = s.journal.add(std::move(sub));
        shard.budget.charge(gateway::held_kind::sessions, gateway::weight(added));
        reads(s, added, w, as);
        return added;
    }
    static void reads(
        gateway::client_session& s, gateway::subscription& sub, gateway::wire_subscription& w,
        gateway::member_state as)
    {
        sub.wires[w.color()] = w.id;
        sub.newest[w.color()] = static_cast<std::uint32_t>(w.id);
        w.members.push_back({s.id, sub.number, as});
    }

    // ---- what a broker says
    broker::link_event says(gateway::link_record& l, const std::string& text)
    {
        const auto frame = frame_of(text);
        return l.core.on_frame(frame.view(), now, log);
    }
    void loses(gateway::link_record& l) { links.erase_link(l.core.id(), now); }
    // So often that it counts as down.
    void fails_its_probes(control::endpoint_ref at)
    {
        for (unsigned i = 0; i < broker::pool_settings{}.fall; ++i) {
            shard.pools[at.color]->on_probe(at.index, false, "connection refused", now);
        }
    }

    // ---- what the part asked for
    // The deadlines of that kind that are due now: their subjects. All that are due are taken.
    std::vector<std::uint64_t> due_now(gateway::due what)
    {
        std::vector<std::uint64_t> subjects;
        for (const auto& one : shard.deadlines.take(now)) {
            if (one.what == what) {
                subjects.push_back(one.subject);
            }
        }
        return subjects;
    }
    // The frames that were written to brokers since the last call.
    lines written()
    {
        auto all = log.take();
        std::erase_if(all, [](const auto& line) { return line.find(" <- ") == line.npos; });
        return all;
    }
    lines dialled()
    {
        auto all = log.take();
        std::erase_if(all, [](const auto& line) { return !line.starts_with("dial "); });
        return all;
    }

    static constexpr net::time_point t0 = net::time_point{} + 1h;
    const control::endpoint_ref b1{color::blue, 0}, b2{color::blue, 1}, b3{color::blue, 2},
        g1{color::green, 0};

    net::time_point now = t0;
    effects_log log;
    gateway::shard_counters counters;
    gateway::shard_state shard;
    gateway::login_quotas quotas{shard};
    gateway::link_table links{shard, quotas};
    gateway::share_groups groups{shard, quotas, links};
};

} // namespace testing_support
