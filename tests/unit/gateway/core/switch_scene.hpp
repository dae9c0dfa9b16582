#pragma once

// One shard as the member of a switch from blue to green: client 1 subscribes to /topic/a, its
// links are 1 (publish) and 2 (subscribe, wire subscription s1), its standby's are 3 and 4 (s2).

#include "tests/support/shard_scene.hpp"

namespace testing_support {

class RouterSwitch : public RouterTest {
protected:
    explicit RouterSwitch(gateway::shard_settings settings = usual_settings())
        : RouterTest(std::move(settings))
    {
    }

    void subscriber()
    {
        client();
        says(a, "SUBSCRIBE id:1 destination:/topic/a");
        skip_effects();
    }
    void prepared()
    {
        prepares();
        if (router.phase() == gateway::member_phase::preparing) {
            run(1s); // trial_timeout: a barrier that is kept back (S2)
        }
        ASSERT_EQ(router.phase(), gateway::member_phase::prepared);
        skip_effects();
    }
    // Up to this shard's `held`.
    void held()
    {
        prepares();
        holds();
        ASSERT_EQ(router.phase(), gateway::member_phase::held);
        skip_effects();
    }
    void switched()
    {
        held();
        commits();
        skip_effects();
    }
    // After the commit, with blue's marker still to come.
    void joining()
    {
        held();
        brokers.blue.markers = false;
        commits();
        skip_effects();
    }
    // Blue's marker of client 1's seam is read.
    void marker()
    {
        brings(
            2, "MESSAGE subscription:s1 message-id:m teal-marker:s1+" + std::to_string(committed));
    }
    lines told(session_id id, lines effects)
    {
        std::erase_if(
            effects, [&](const auto& line) { return !line.starts_with(name_of(id) + " <- "); });
        return effects;
    }
    // Lines that begin like that, in order.
    lines those(std::string_view begin)
    {
        auto effects = log.take();
        std::erase_if(effects, [&](const auto& line) { return !line.starts_with(begin); });
        return effects;
    }
    // Bodies that the client got since the last call.
    std::string got(session_id id)
    {
        std::string all;
        for (const auto& line : told(id, log.take())) {
            if (const auto at = line.find(" | "); at != line.npos) {
                all += line.substr(at + 3) + " ";
            }
        }
        return all;
    }
    // The report has that sentence.
    bool is_counted(const std::string& sentence) const
    {
        const auto& counted = router.numbers().counted;
        const auto one =
            std::ranges::find(counted, sentence, &control::counted_sentence::text);
        // P8: whose sessions it was is said with it.
        return one != counted.end() &&
               (sentence == "dedup: content" || !one->whose.all().empty());
    }
    static std::string message(const std::string& wire, const std::string& text)
    {
        return "MESSAGE subscription:" + wire + " message-id:m destination:/topic/a | " + text;
    }
    // As client 1 sees it.
    static std::string
    seen(const std::string& text, const std::string& id = "1", const std::string& who = "client 1")
    {
        return who + " <- MESSAGE subscription:" + id + " message-id:m destination:/topic/a | " +
               text;
    }

    const session_id a{1}, b{2};
    static inline const auto keep_all = [](const stomp::frame&) { return true; };
    static inline const auto keep_none = [](const stomp::frame&) { return false; };
};

inline const std::string connect_line =
    "CONNECT accept-version:1.2 heart-beat:10000,10000 host:/ login:anna";
inline const std::string own_address = "stomp-subscription-teal-000000ab-0-";

} // namespace testing_support
