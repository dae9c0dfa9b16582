#pragma once

// A link and its record, driven event by event.

#include "broker/link.hpp"
#include "tests/support/link_log.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <optional>

namespace testing_support {

using namespace std::chrono_literals;
using kind = broker::link_event::kind;

inline const net::time_point t0 = net::time_point{} + 1h;

class LinkTest : public testing::Test {
protected:
    const broker::private_names names{known_secrets.names, 0};
    broker::link& open(broker::link_order order)
    {
        order.id = broker::link_id{3};
        order.accept_version = order.accept_version.empty() ? "1.1,1.2" : order.accept_version;
        order.heart_beat = "10000,10000";
        order.trial_timeout = 1s;
        order.names = &names;
        core.emplace(std::move(order));
        return *core;
    }
    // Ready, with that barrier known from another link of its group.
    broker::link& ready(
        broker::barrier_kind barrier = broker::barrier_kind::routed,
        std::string_view version = "1.2")
    {
        open({.known = {.barrier = barrier}});
        core->on_open(t0, log);
        gets("CONNECTED version:" + std::string{version});
        log.take();
        return *core;
    }
    broker::link_event gets(const std::string& text, net::time_point now = t0)
    {
        frames.push_back(
            std::make_unique<stomp::frame>(frame_of(text))); // `name` looks into the frame
        view = frames.back()->view();
        return core->on_frame(view, now, log);
    }
    void sends(const std::string& text, broker::link::send_options options = {})
    {
        const auto frame = frame_of(text);
        core->send(frame.view(), options, log);
    }

    link_log log;
    std::optional<broker::link> core;

private:
    std::vector<std::unique_ptr<stomp::frame>> frames;
    stomp::frame_view view;
};

} // namespace testing_support
