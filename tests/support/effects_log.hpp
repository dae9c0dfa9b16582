#pragma once

// Records what a shard's cores ask of their drivers, one readable line a call:
//   "link 3 <- SUBSCRIBE id:s1 ack:auto receipt:r2 destination:/topic/a"   "dial 3 blue/0"   "read
//   link 3 off" "client 1 <- RECEIPT receipt-id:r"   "close client 1 protocol_error: the sentence"
//   "resume client 1" "report held"   "report unheld 0-1 at green/g: the standby was lost"
// Log lines are kept apart: `logged`.

#include "gateway/core/tables/effects.hpp"
#include "tests/support/link_log.hpp"

#include <map>
#include <variant>

namespace testing_support {

inline std::string name_of(broker::session_id id)
{
    return "client " + std::to_string(static_cast<std::uint64_t>(id));
}
inline std::string name_of(control::endpoint_ref at)
{
    return std::string{to_string(at.color)} + "/" + std::to_string(at.index);
}

inline std::string name_of(gateway::disconnect_reason why)
{
    return std::string{gateway::names<gateway::disconnect_reason>[static_cast<std::size_t>(why)]};
}

class effects_log : public link_log_of<gateway::effects> {
public:
    std::vector<std::string> logged;
    std::vector<control::report> reports;
    std::vector<control::endpoint_ref> probes;
    std::vector<gateway::dial_order> dials;
    std::vector<broker::session_id> resumed;
    std::map<broker::link_id, std::size_t> backlog;        // bytes in a link's outbox
    std::map<broker::session_id, std::uint64_t> unwritten; // bytes that a client has not taken

    void write_client(
        broker::session_id to, std::string_view head, std::string_view body,
        broker::framing as) override
    {
        note_client(to, line_of(head, body), as);
        appended_[to] += head.size() + body.size() + 1;
    }
    void write_client(
        broker::session_id to, std::string_view head, const net::payload_ref& rest,
        broker::framing as) override
    {
        note_client(to, line_of(std::string{head} + std::string{rest->bytes()}), as);
        appended_[to] += head.size() + rest->size();
    }
    void client_up(
        broker::session_id which, stomp::version version, std::string_view heart_beat) override
    {
        note(
            name_of(which) + " up " + std::string{to_string(version)} +
            " heart-beat:" + std::string{heart_beat});
    }
    void close_client(
        broker::session_id which, gateway::disconnect_reason reason, std::string_view text) override
    {
        note(
            "close " + name_of(which) + " " + name_of(reason) +
            (text.empty() ? "" : ": " + std::string{text}));
    }
    void resume_client(broker::session_id which) override
    {
        note("resume " + name_of(which));
        resumed.push_back(which);
    }
    std::uint64_t client_appended(broker::session_id which) const override
    {
        const auto at = appended_.find(which);
        return at == appended_.end() ? 0 : at->second;
    }
    std::uint64_t client_written(broker::session_id which) const override
    {
        const auto at = unwritten.find(which);
        return client_appended(which) - (at == unwritten.end() ? 0 : at->second);
    }
    void watch_written(broker::session_id which) override { note("watch " + name_of(which)); }

    void dial(const gateway::dial_order& order) override
    {
        note(
            "dial " + std::to_string(static_cast<std::uint64_t>(order.link)) + " " +
            name_of(order.at) +
            (order.client == nullptr || order.client->user.empty() ? ""
                                                                   : " as " + order.client->user));
        dials.push_back(order);
    }
    void read_link(broker::link_id which, bool on) override
    {
        note("read " + name_of(which) + (on ? " on" : " off"));
    }
    std::size_t link_backlog(broker::link_id which) const override
    {
        const auto at = backlog.find(which);
        return at == backlog.end() ? 0 : at->second;
    }
    void probe(control::endpoint_ref which) override { probes.push_back(which); }

    void report(control::report what) override
    {
        note("report " + std::visit([](const auto& one) { return say(one); }, what.what));
        reports.push_back(std::move(what));
    }
    void log(control::log_level, std::string line) override { logged.push_back(std::move(line)); }

private:
    static std::string say(const control::session_failure& f)
    {
        return f.session + " at " + f.endpoint + ": " + f.error;
    }
    static std::string say(const control::progress& p)
    {
        return "progress ready:" + std::to_string(p.ready) + " failed:" + std::to_string(p.failed) +
               " of:" + std::to_string(p.of);
    }
    static std::string say(const control::prepared&) { return "prepared"; }
    static std::string say(const control::failed& f)
    {
        std::string line = "failed";
        for (const auto& one : f.sessions) {
            line += " " + say(one);
        }
        for (const auto& one : f.excused) {
            line += " but not counted " + say(one);
        }
        return line;
    }
    static std::string say(const control::held& h)
    {
        std::string line = "held";
        for (const auto& one : h.given_up) {
            line += " without " + say(one);
        }
        if (h.lost_links > 0) {
            line += " lost_links:" + std::to_string(h.lost_links);
        }
        for (const auto one : h.endpoints) {
            line += " " + name_of(one);
        }
        return line;
    }
    static std::string say(const control::unheld& u) { return "unheld " + say(u.session); }
    static std::string say(const control::adopted&) { return "adopted"; }
    static std::string say(const control::released&) { return "released"; }
    static std::string say(const control::numbers&) { return "numbers"; }

    void note_client(broker::session_id to, const std::string& text, broker::framing as)
    {
        note(name_of(to) + (as == broker::framing::binary ? " <- (binary) " : " <- ") + text);
    }

    std::map<broker::session_id, std::uint64_t> appended_;
};

} // namespace testing_support
