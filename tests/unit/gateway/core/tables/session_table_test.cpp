// Proves that the code's table "Session" is the one of docs/switch.md: the page is read, and each cell is
// compared under every combination of the facts that the cells ask for.

#include "gateway/core/tables/session_table.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace {

using gateway::session_doing;
using gateway::session_event;
using gateway::session_facts;
using gateway::session_result;
using gateway::session_state;
using gateway::session_step;

constexpr std::array states{
    session_state::waiting, session_state::connecting, session_state::active,
    session_state::quiescing, session_state::held, session_state::rebinding,
    session_state::closing};

const std::map<std::string, session_event, std::less<>> columns{
    {"client's frame", session_event::client_frame}, {"hold", session_event::hold},
    {"looked at", session_event::looked_at},         {"commit", session_event::commit},
    {"abort", session_event::abort},                 {"link lost", session_event::link_lost},
};

const std::map<std::string, bool session_facts::*, std::less<>> facts_by_name{
    {"it is the first frame", &session_facts::first_frame},
    {"it is the first frame and neither CONNECT nor STOMP", &session_facts::not_connect},
    {"it is DISCONNECT", &session_facts::disconnect},
    {"a close is wanted", &session_facts::close_wanted},
    {"it is settled and its standby is ready or failed", &session_facts::can_be_held},
    {"the standby is ready", &session_facts::standby_ready},
    {"the live links have the journal", &session_facts::live_complete},
    {"the broker refused the login", &session_facts::refused},
    {"the link is the standby's", &session_facts::of_standby},
    {"the link is the live binding's", &session_facts::of_live},
    {"the shard has said held", &session_facts::said_held},
};

const std::map<std::string, session_doing, std::less<>> doings{
    {"", session_doing::nothing},
    {"the frame is read", session_doing::reads_frame},
    {"the frame is read and answered after the decision", session_doing::reads_frame_for_later},
    {"the frame is carried", session_doing::carries_frame},
    {"the frame is interpreted", session_doing::interprets_frame},
    {"the frame is ignored", session_doing::ignores_frame},
    {"with an ERROR", session_doing::says_error},
    {"with the broker's ERROR", session_doing::says_brokers_error},
    {"counts as held", session_doing::counts_as_held},
    {"the attempt is dropped", session_doing::drops_attempt},
    {"the attempt stops", session_doing::stops_attempt},
    {"settles like any other session", session_doing::settles},
    {"on the new color", session_doing::to_new_color},
    {"on the new color, pinned or cut (S8)", session_doing::to_new_color_late},
    {"on the old color", session_doing::to_old_color},
    {"on the same color", session_doing::on_same_color},
    {"the standby is released", session_doing::releases_standby},
    {"tries on", session_doing::tries_on},
    {"tries again after a back-off or is parked", session_doing::tries_again},
    {"ends when everything owed is answered", session_doing::ends_once_answered},
    {"S9 applies", session_doing::mends_standby},
    {"what is unproven on the link is in doubt, and it is looked at",
     session_doing::doubts_unproven},
    {"the loss is remembered", session_doing::remembers_loss},
    {"the shard says `unheld`", session_doing::says_unheld},
    {"what the link owed is in doubt", session_doing::doubts_owed},
};

// Without the blanks around them.
std::vector<std::string> split(std::string_view text, std::string_view by)
{
    std::vector<std::string> parts;
    for (;;) {
        const auto end = text.find(by);
        std::string_view part = text.substr(0, end);
        while (part.starts_with(' ')) {
            part.remove_prefix(1);
        }
        while (part.ends_with(' ')) {
            part.remove_suffix(1);
        }
        parts.emplace_back(part);
        if (end == std::string_view::npos) {
            return parts;
        }
        text.remove_prefix(end + by.size());
    }
}

std::vector<std::string> cells_of(std::string_view row)
{
    auto cells = split(row, "|");
    cells.pop_back();
    cells.erase(cells.begin()); // what stands outside of the first and the last bar
    return cells;
}

std::optional<session_state> state_named(std::string_view name)
{
    const auto* const found = std::ranges::find_if(states, [&](session_state s) {
        return "`" + std::string{gateway::to_string(s)} + "`" == name;
    });
    return found == states.end() ? std::nullopt : std::optional{*found};
}

struct one_case {
    std::optional<std::string> fact;
    session_step step;
};

class SessionTable : public testing::Test {
protected:
    // The rows of the page, the head first.
    static std::vector<std::vector<std::string>> rows()
    {
        std::ifstream page{TEAL_SWITCH_PAGE};
        EXPECT_TRUE(page) << TEAL_SWITCH_PAGE;
        std::vector<std::vector<std::string>> found;
        bool inside = false;
        for (std::string line; std::getline(page, line);) {
            if (line.starts_with("## ")) {
                inside = line == "## Session";
            } else if (inside && line.starts_with("| ")) {
                found.push_back(cells_of(line));
            }
        }
        return found;
    }

    static session_step read_step(const std::string& text)
    {
        const auto comma = text.find(", ");
        const std::string result = text.substr(0, comma);
        const std::string rest = comma == std::string::npos ? "" : text.substr(comma + 2);
        session_step step;
        const auto what = doings.find(rest);
        EXPECT_NE(what, doings.end()) << "the page has done: " << rest;
        step.doing = what == doings.end() ? session_doing::nothing : what->second;
        if (result == "stays") {
            step.result = session_result::stays;
        } else if (result == "ends") {
            step.result = session_result::ends;
        } else if (result.starts_with("to ")) {
            const auto to = state_named(result.substr(3));
            EXPECT_TRUE(to) << "the page has the state: " << result;
            step.result = session_result::moves;
            step.to = to.value_or(session_state{});
        } else {
            EXPECT_EQ(text, "illegal");
        }
        return step;
    }

    static std::vector<one_case> read_cell(const std::string& cell)
    {
        std::vector<one_case> cases;
        for (const std::string& text : split(cell, "<br>")) {
            const auto colon = text.find(": ");
            if (!text.starts_with("if ") || colon == std::string::npos) {
                cases.push_back({std::nullopt, read_step(text)});
                continue;
            }
            const std::string fact = text.substr(3, colon - 3);
            EXPECT_TRUE(facts_by_name.contains(fact)) << "the page asks: " << fact;
            cases.push_back({fact, read_step(text.substr(colon + 2))});
        }
        // Every case but the last one asks, and the last one does not.
        EXPECT_EQ(
            std::ranges::count_if(cases, [](const one_case& one) { return !one.fact; }), 1)
            << cell;
        EXPECT_FALSE(cases.back().fact) << cell;
        return cases;
    }

    // That of the first case whose fact is true.
    static session_step step_of(const std::vector<one_case>& cases, const session_facts& facts)
    {
        for (const one_case& one : cases) {
            const auto asked = one.fact ? facts_by_name.find(*one.fact) : facts_by_name.end();
            if (!one.fact || (asked != facts_by_name.end() && facts.*asked->second)) {
                return one.step;
            }
        }
        return {};
    }
};

TEST_F(SessionTable, S6_EveryCellIsThatOfThePage)
{
    const auto table = rows();
    ASSERT_EQ(table.size(), 1 + states.size());
    ASSERT_EQ(table[0].size(), 1 + columns.size());
    std::set<session_state> states_seen;
    std::set<session_event> events_seen;
    for (auto row = table.begin() + 1; row != table.end(); ++row) {
        const auto state = state_named(row->front());
        ASSERT_TRUE(state) << row->front();
        states_seen.insert(*state);
        ASSERT_EQ(row->size(), table[0].size()) << row->front();
        for (std::size_t i = 1; i < row->size(); ++i) {
            const auto event = columns.find(table[0][i]);
            ASSERT_NE(event, columns.end()) << table[0][i];
            events_seen.insert(event->second);
            const auto cases = read_cell((*row)[i]);
            // All facts, not only those of the cell: what it does not name must not matter.
            for (unsigned bits = 0; bits < 1u << facts_by_name.size(); ++bits) {
                session_facts facts;
                std::string true_ones;
                unsigned number = 0;
                for (const auto& [name, field] : facts_by_name) {
                    facts.*field = (bits >> number++ & 1u) != 0;
                    true_ones += facts.*field ? name + "; " : "";
                }
                const session_step page = step_of(cases, facts);
                const session_step code = gateway::next_step(*state, event->second, facts);
                ASSERT_TRUE(page == code)
                    << row->front() << " | " << event->first << "\n  facts: " << true_ones
                    << "\n  the page: " << (*row)[i] << "\n  the code: result "
                    << static_cast<int>(code.result) << " to " << gateway::to_string(code.to)
                    << ", does " << static_cast<int>(code.doing);
            }
        }
    }
    EXPECT_EQ(states_seen.size(), states.size());
    EXPECT_EQ(events_seen.size(), columns.size());
}

// Nothing of the vocabulary is left over: what no cell says, no cell was compared with.
TEST_F(SessionTable, EveryFactAndEveryDoingIsInACell)
{
    std::set<std::string> asked;
    std::set<session_doing> done;
    const auto table = rows();
    ASSERT_GT(table.size(), 1u);
    for (auto row = table.begin() + 1; row != table.end(); ++row) {
        for (auto cell = row->begin() + 1; cell != row->end(); ++cell) {
            for (const one_case& one : read_cell(*cell)) {
                done.insert(one.step.doing);
                if (one.fact) {
                    asked.insert(*one.fact);
                }
            }
        }
    }
    EXPECT_EQ(asked.size(), facts_by_name.size());
    EXPECT_EQ(done.size(), doings.size());
}

} // namespace
