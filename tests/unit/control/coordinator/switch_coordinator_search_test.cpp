// Every order of reports, aborts, deadlines and store outcomes for two members: a breadth-first
// search over the real coordinator and the smallest members that keep the protocol. After each step
// it is checked that the store is written only after every `held` of this switch (C4), that nothing
// aborts while writing (C6) nor after the new epoch is stored, that no member commits without the
// store having it, and that each way ends in steady (no wait without a bound).

#include "control/coordinator/switch_coordinator.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <map>

namespace control {
namespace {

using namespace std::chrono_literals;

enum class doing : std::uint8_t { idle, preparing, prepared, holding, held, committing, aborting };

struct member_model {
    doing what = doing::idle;
    std::deque<std::string> inbox, outbox; // first in, first out, as posts are
    bool lost_standby = false;
    bool failed_one = false;
    bool operator<(const member_model& o) const
    {
        return std::tie(what, inbox, outbox, lost_standby, failed_one) <
               std::tie(o.what, o.inbox, o.outbox, o.lost_standby, o.failed_one);
    }
};

struct world {
    switch_coordinator coordinator{2, stored_state{1, broker::color::blue, std::nullopt, 0}};
    std::array<member_model, 2> members;
    bool write_asked = false, read_asked = false;
    bool stored_new = false; // what the store really holds
    bool late = false;       // a write of unknown outcome may still land
    bool abort_asked = false, stopped = false;
    bool begun = false;
    int reads = 0;
    std::string path; // how we came here, for the failure's message

    auto key() const
    {
        const auto& r = coordinator.current();
        return std::tuple(
            coordinator.state(), members, write_asked, read_asked, stored_new, late, abort_asked,
            stopped, begun, reads, r.phase, r.failures.size(), coordinator.next_deadline(),
            answered_key());
    }
    // The members' own states tell which answers were taken, but for those taken and not yet acted
    // on.
    std::vector<std::size_t> answered_key() const
    {
        return {coordinator.current().total().sessions_total, taken[0], taken[1]};
    }
    std::array<std::size_t, 2> taken{};
};

const net::time_point now{1h};

class search {
public:
    void run()
    {
        world first;
        add(std::move(first));
        while (!open_.empty() && seen_.size() < 400'000 && !testing::Test::HasFatalFailure()) {
            const world here = std::move(open_.front());
            open_.pop_front();
            step(here);
        }
        EXPECT_TRUE(open_.empty()) << "the search is larger than planned";
        EXPECT_GT(seen_.size(), 1000u);
        EXPECT_GT(committed_, 0);
        EXPECT_GT(aborted_, 0);
    }

private:
    void add(world next)
    {
        if (seen_.emplace(next.key(), 0).second) {
            open_.push_back(std::move(next));
        }
    }

    // Runs the effects, and checks what must hold whenever they are asked for.
    void apply(world& w, effects& out)
    {
        for (const auto& one : out) {
            if (const auto* order = std::get_if<to_members>(&one)) {
                for (auto& member : w.members) {
                    member.inbox.push_back(name_of(*order));
                }
                if (std::holds_alternative<commit>(order->what.what)) {
                    ASSERT_TRUE(w.stored_new) << "commit without the store: " << w.path;
                }
                if (std::holds_alternative<abort_switch>(order->what.what)) {
                    ASSERT_FALSE(w.write_asked) << "C6, abort while writing: " << w.path;
                    ASSERT_FALSE(w.stored_new) << "abort behind the decision: " << w.path;
                }
            } else if (std::holds_alternative<write_state>(one)) {
                for (const auto& member : w.members) { // C4
                    ASSERT_TRUE(member.what == doing::held)
                        << "decision without every held: " << w.path;
                }
                w.write_asked = true;
            } else if (std::holds_alternative<read_state>(one)) {
                w.read_asked = true;
            }
        }
        out.clear();
    }

    static std::string name_of(const to_members& order)
    {
        static constexpr const char* names[] = {"prepare", "hold", "pin", "cut", "commit", "abort"};
        return names[order.what.what.index()];
    }

    template <class F>
    void branch(const world& from, const std::string& label, F change)
    {
        world next = from;
        next.path += (next.path.empty() ? "" : ", ") + label;
        effects out;
        change(next, out);
        apply(next, out);
        add(std::move(next));
    }

    void step(const world& w)
    {
        if (!w.begun) {
            branch(w, "request", [](world& n, effects& out) {
                n.begun = true;
                switch_order order;
                order.id = 1;
                order.request.max_failed = failure_limit{1, false};
                n.coordinator.on_request(order, now, out);
            });
            return;
        }
        for (std::size_t i = 0; i < 2; ++i) {
            step_member(w, i);
        }
        step_store(w);
        if (!w.abort_asked) {
            branch(w, "abort", [](world& n, effects& out) {
                n.abort_asked = true;
                n.coordinator.on_abort_request("asked", now, out);
            });
        }
        if (!w.stopped) {
            branch(w, "SIGTERM", [](world& n, effects& out) {
                n.stopped = true;
                n.coordinator.on_shutdown(now, out);
            });
        }
        if (w.coordinator.next_deadline() != net::never) {
            branch(w, "deadline", [](world& n, effects& out) {
                n.coordinator.on_deadline(n.coordinator.next_deadline(), out);
            });
        }
        check_rest(w);
    }

    void check_rest(const world& w)
    {
        const bool quiet = !w.write_asked && !w.read_asked && w.members[0].inbox.empty() &&
                           w.members[1].inbox.empty() && w.members[0].outbox.empty() &&
                           w.members[1].outbox.empty();
        if (quiet && w.coordinator.next_deadline() == net::never) {
            const bool working =
                w.members[0].what == doing::preparing || w.members[1].what == doing::preparing ||
                w.members[0].what == doing::holding || w.members[1].what == doing::holding;
            ASSERT_TRUE(working || w.coordinator.state() == coordinator_state::steady)
                << "stuck: " << w.path;
        }
        if (w.coordinator.state() == coordinator_state::steady) {
            const bool switched = w.coordinator.current().result == switch_result::switched;
            ASSERT_EQ(switched, w.stored_new) << w.path;
            ++(switched ? committed_ : aborted_);
        }
    }

    void step_member(const world& w, std::size_t i)
    {
        const auto& member = w.members[i];
        if (!member.inbox.empty()) {
            branch(w, "member reads " + member.inbox.front(), [i](world& n, effects&) {
                n.members[i] = told(n.members[i]);
            });
        }
        if (member.what == doing::preparing) {
            branch(w, "prepared", [i](world& n, effects&) {
                n.members[i].what = doing::prepared;
                n.members[i].outbox.push_back("prepared");
            });
            if (!member.failed_one) {
                branch(w, "one fails", [i](world& n, effects&) {
                    n.members[i].failed_one = true;
                    n.members[i].outbox.push_back("failed");
                });
            }
        }
        if (member.what == doing::holding) {
            branch(w, "held", [i](world& n, effects&) {
                n.members[i].what = doing::held;
                n.members[i].outbox.push_back("held");
            });
        }
        if (member.what == doing::held && !member.lost_standby) {
            branch(w, "standby lost", [i](world& n, effects&) {
                n.members[i].lost_standby = true;
                n.members[i].outbox.push_back("unheld");
            });
        }
        if (!member.outbox.empty()) {
            branch(w, "coordinator reads " + member.outbox.front(), [i](world& n, effects& out) {
                deliver(n, i, out);
            });
        }
    }

    static member_model told(member_model m)
    {
        const auto order = m.inbox.front();
        m.inbox.pop_front();
        if (order == "prepare") {
            m.what = doing::preparing;
        } else if (order == "hold") {
            m.what = doing::holding;
        } else if (order == "commit") {
            m.what = doing::idle;
            m.outbox.push_back("adopted");
        } else if (order == "abort") {
            m.what = doing::idle;
            m.outbox.push_back("released");
        }
        return m;
    }

    static void deliver(world& n, std::size_t i, effects& out)
    {
        const auto said = n.members[i].outbox.front();
        n.members[i].outbox.pop_front();
        ++n.taken[i];
        report r{1, static_cast<member_number>(i), progress{}};
        const session_failure one{"s" + std::to_string(i), "green/g1", "lost"};
        tally known;
        known.sessions_total = 10;
        known.sessions_failed = n.members[i].failed_one ? 1 : 0;
        if (said == "prepared") {
            r.what = prepared{known};
        } else if (said == "failed") {
            r.what = failed{{one}};
        } else if (said == "held") {
            r.what = held{};
        } else if (said == "unheld") {
            r.what = unheld{one};
        } else if (said == "adopted") {
            r.what = adopted{known};
        } else {
            r.what = released{known};
        }
        n.coordinator.on_report(r, now, out);
    }

    void step_store(const world& w)
    {
        if (w.write_asked) {
            branch(w, "written", [](world& n, effects& out) {
                n.write_asked = false;
                n.stored_new = true;
                n.coordinator.on_store_result(write_result::written, now, out);
            });
            branch(w, "write failed", [](world& n, effects& out) {
                n.write_asked = false;
                n.coordinator.on_store_result(write_result::failed, now, out);
            });
            branch(w, "write landed, answer lost", [](world& n, effects& out) {
                n.write_asked = false;
                n.stored_new = true;
                n.coordinator.on_store_result(write_result::unknown, now, out);
            });
        }
        if (w.read_asked) {
            branch(w, "read", [](world& n, effects& out) {
                n.read_asked = false;
                const stored_state old{1, broker::color::blue, std::nullopt, 1};
                const stored_state renewed{2, broker::color::green, broker::color::blue, 1};
                n.coordinator.on_store_read(n.stored_new ? renewed : old, now, out);
            });
            if (w.reads < 1) {
                branch(w, "read failed", [](world& n, effects& out) {
                    n.read_asked = false;
                    ++n.reads;
                    n.coordinator.on_store_read(std::nullopt, now, out);
                });
            }
        }
    }

    std::deque<world> open_;
    std::map<decltype(std::declval<world>().key()), int> seen_;
    int committed_ = 0, aborted_ = 0;
};

TEST(SwitchCoordinatorSearch, NoOrderOfReportsBreaksTheRules)
{
    search every_order;
    every_order.run();
}

} // namespace
} // namespace control
