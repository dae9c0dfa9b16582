#pragma once

// Drives broker_core frame by frame; what each client was sent is compared as whole lists of
// frames.

#include "broker/embedded/broker_core.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace embedded::testing {

using std::chrono::milliseconds;
using std::chrono::seconds;
using frames = std::vector<std::string>; // each without its NUL
using headers = std::vector<std::pair<std::string, std::string>>;

struct client final : session_sink {
    frames got;
    std::size_t stuck_bytes = 0; // what unsent() answers
    std::optional<parting> closed;
    session_id id{};

    void write(std::string_view head, const net::payload_ref& rest) override
    {
        EXPECT_FALSE(closed.has_value()) << "written after close: " << head;
        std::string text{head};
        if (rest) {
            text += rest->bytes();
        }
        if (text != "\n") {
            EXPECT_EQ(text.back(), '\0');
            text.pop_back();
        }
        got.push_back(text);
    }
    std::size_t unsent() const noexcept override { return stuck_bytes; }
    void close(parting how) override { closed = how; }

    frames take() { return std::exchange(got, {}); }
};

class BrokerFixture : public ::testing::Test {
protected:
    static broker_options defaults()
    {
        broker_options options;
        options.nonce = "n";
        return options;
    }

    // Starts anew with other options.
    void restart(broker_options options)
    {
        clients_.clear();
        core_ = std::make_unique<broker_core>(std::move(options));
    }
    broker_core& core() { return *core_; }

    client& open()
    {
        clients_.push_back(std::make_unique<client>());
        clients_.back()->id = core_->open(*clients_.back(), now);
        return *clients_.back();
    }
    client& connect(std::string version = "1.2")
    {
        client& c = open();
        say(c, stomp::command::connect, {{"accept-version", std::move(version)}, {"host", "h"}});
        EXPECT_EQ(c.take().size(), 1u);
        EXPECT_FALSE(c.closed);
        return c;
    }
    void say(client& c, stomp::command what, headers with = {}, std::string body = {})
    {
        stomp::frame f;
        f.command = what;
        f.headers = std::move(with);
        f.body = std::move(body);
        core_->on_frame(c.id, f.view(), now);
    }
    void send(client& c, std::string to, std::string body)
    {
        say(c, stomp::command::send, {{"destination", std::move(to)}}, std::move(body));
    }
    void subscribe(client& c, std::string id, std::string to, headers more = {})
    {
        more.insert(more.begin(), {{"id", std::move(id)}, {"destination", std::move(to)}});
        say(c, stomp::command::subscribe, std::move(more));
    }
    void gone(client& c) { core_->on_gone(c.id, now); }

    // The bodies of the MESSAGEs among what this client got, with '*' before redelivered ones;
    // takes all.
    frames bodies(client& c)
    {
        frames out;
        for (const std::string& text : c.take()) {
            const auto blank = text.find("\n\n");
            if (text.starts_with("MESSAGE\n") && blank != std::string::npos) {
                const bool again =
                    text.substr(0, blank).find("\nredelivered:true") != std::string::npos;
                out.push_back((again ? "*" : "") + text.substr(blank + 2));
            }
        }
        return out;
    }
    // What a fault with that message must do: one ERROR, then the end.
    void expect_error(client& c, const std::string& message)
    {
        ASSERT_EQ(c.got.size(), 1u) << message;
        EXPECT_TRUE(c.got[0].starts_with("ERROR\nmessage:" + message + "\n")) << c.got[0];
        EXPECT_EQ(c.closed, session_sink::parting::after_flush);
    }

    net::time_point now = net::time_point{} + seconds{1000};

private:
    std::vector<std::unique_ptr<client>> clients_;
    std::unique_ptr<broker_core> core_ = std::make_unique<broker_core>(defaults());
};

} // namespace embedded::testing
