#pragma once

// Members for tests of what stands around the coordinator: they answer every command well, unless
// told to be silent.
//
// Threading:  the io_context's thread; answers are posted, as a shard's are.

#include "control/service/control_service.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace control_test {

class fake_member final : public control::member_port {
public:
    fake_member(boost::asio::io_context& context, control::member_number number)
        : context_(context), number_(number)
    {
        checks = {{"e1", true, ""}};
        state.endpoints.blue = {{"e1", "stomp://b:1", true, false, 2, 10, ""}};
        state.endpoints.green = {{"e1", "stomp://g:1", true, false, 0, 0, ""}};
        state.sessions.active = 10;
        state.clients = 10;
    }

    control::control_service* service = nullptr;
    std::vector<control::endpoint_check> checks;
    std::uint64_t links_to_dial = 4, descriptors_needed = 4, descriptors_free = 1000;
    control::member_snapshot state;
    std::vector<control::session_snapshot> session_list;
    std::vector<control::command> commands;
    std::vector<std::pair<control::endpoint_ref, bool>> drains;
    bool silent = false;       // answers no question
    bool moves_at_once = true; // the sessions of an endpoint that is drained
    // The command that stays unanswered: prepare, hold, pin, cut, commit, abort.
    std::string stop_at;
    control::tally after_commit; // what `adopted` says beside the sessions

    void send(control::command what) override
    {
        commands.push_back(what);
        std::visit([this, id = what.id](const auto& order) { answer(id, order); }, what.what);
    }
    void snapshot(std::function<void(control::member_snapshot)> done) override
    {
        reply(std::move(done), state);
    }
    void sessions(std::function<void(std::vector<control::session_snapshot>)> done) override
    {
        reply(std::move(done), session_list);
    }
    void disconnect(std::string session, std::function<void(bool)> done) override
    {
        reply(std::move(done), std::erase_if(session_list, [&](const auto& s) {
                                   return s.id == session;
                               }) != 0);
    }
    void
    drain_endpoint(control::endpoint_ref which, bool on, std::function<void(bool)> done) override
    {
        drains.emplace_back(which, on);
        auto& endpoint = state.endpoints[which.color].at(which.index);
        endpoint.draining = on;
        if (on && moves_at_once) {
            endpoint.sessions = endpoint.links = 0;
        }
        reply(std::move(done), true);
    }
    void preflight(broker::color, std::function<void(control::preflight_answer)> done) override
    {
        reply(
            std::move(done),
            control::preflight_answer{
                .endpoints = checks,
                .links_to_dial = links_to_dial,
                .descriptors_needed = descriptors_needed,
                .descriptors_free = descriptors_free});
    }

    control::tally sized() const
    {
        control::tally t;
        t.sessions_total = t.sessions_ready = 10;
        return t;
    }
    template <class What>
    void report(control::switch_number id, What what)
    {
        boost::asio::post(context_, [this, id, what = std::move(what)] {
            service->on_report({id, number_, what});
        });
    }
    void drained(control::switch_number id)
    {
        auto t = moved();
        t.drained = true;
        report(id, control::numbers{t});
    }

private:
    template <class Done, class Answer>
    void reply(Done done, Answer answer)
    {
        if (!silent) {
            boost::asio::post(
                context_, [done = std::move(done), answer = std::move(answer)] { done(answer); });
        }
    }
    control::tally moved() const
    {
        auto t = after_commit;
        t.sessions_total = t.sessions_ready = t.sessions_moved = 10;
        return t;
    }
    void answer(control::switch_number id, const control::prepare&)
    {
        if (stop_at != "prepare") {
            report(id, control::prepared{sized()});
        }
    }
    void answer(control::switch_number id, const control::hold&) { say_held(id, "hold"); }
    // C5: whoever is told to pin or to cut has nobody left who is not held. Everybody is told, also
    // who said so already; it is said once.
    void answer(control::switch_number id, const control::pin&) { say_held(id, "pin"); }
    void answer(control::switch_number id, const control::cut&) { say_held(id, "cut"); }
    void answer(control::switch_number id, const control::commit&)
    {
        if (stop_at != "commit") {
            auto t = moved();
            t.held_us = {1000, 3000};
            report(id, control::adopted{t});
        }
    }
    void answer(control::switch_number id, const control::abort_switch&)
    {
        if (stop_at != "abort") {
            report(id, control::released{sized()});
        }
    }

    void say_held(control::switch_number id, std::string_view order)
    {
        if (stop_at != order && std::exchange(held_, id) != id) {
            report(id, control::held{{}, 0, {{broker::color::blue, 0}}});
        }
    }

    boost::asio::io_context& context_;
    control::member_number number_;
    control::switch_number held_ = 0; // the newest that it said held for
};

// A store in memory whose next writes can be made to fail.
class memory_store final : public control::store {
public:
    explicit memory_store(std::shared_ptr<control::stored_state> kept) : kept_(std::move(kept)) {}
    std::shared_ptr<std::vector<control::write_result>> next =
        std::make_shared<std::vector<control::write_result>>();

    void write(const control::stored_state& state, std::function<void(control::write_result)> done)
        override
    {
        auto result = control::write_result::written;
        if (!next->empty()) {
            result = next->front();
            next->erase(next->begin());
        }
        if (result == control::write_result::written) {
            *kept_ = state;
        }
        done(result);
    }
    void read(std::function<void(std::optional<control::stored_state>)> done) override
    {
        done(*kept_);
    }

private:
    std::shared_ptr<control::stored_state> kept_;
};

struct control_bench {
    explicit control_bench(
        control::control_settings settings = {}, control::member_number count = 2)
    {
        std::vector<control::member_port*> ports;
        for (control::member_number i = 0; i < count; ++i) {
            members.push_back(std::make_unique<fake_member>(context, i));
            ports.push_back(members.back().get());
        }
        settings.endpoint_names.blue = {"e1"};
        settings.endpoint_names.green = {"e1"};
        auto where = std::make_unique<memory_store>(stored);
        results = where->next;
        service = std::make_unique<control::control_service>(
            context, settings, control::opened_store{std::move(where), *stored}, ports,
            [this](control::log_level, std::string line) { log.push_back(std::move(line)); });
        for (auto& member : members) {
            member->service = service.get();
        }
    }
    // Works off what is posted; timers that are not due stay.
    void settle()
    {
        context.restart();
        context.poll();
    }
    // Until `done` is true, real timers included; bounded, so that a test that waits for nothing
    // fails.
    bool run_until(const std::function<bool()>& done)
    {
        const auto limit = net::clock::now() + std::chrono::seconds(10);
        while (!done() && net::clock::now() < limit) {
            context.restart();
            context.run_one_for(std::chrono::milliseconds(100));
        }
        return done();
    }

    boost::asio::io_context context{1};
    std::shared_ptr<control::stored_state> stored = std::make_shared<control::stored_state>(
        control::stored_state{4, broker::color::blue, std::nullopt, 6});
    std::shared_ptr<std::vector<control::write_result>> results;
    std::vector<std::unique_ptr<fake_member>> members;
    std::vector<std::string> log;
    std::unique_ptr<control::control_service> service;
};

} // namespace control_test
