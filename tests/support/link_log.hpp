#pragma once

// Records what link cores ask of their driver, one readable line a call, so that a test compares
// the whole list: "link 3 <- SUBSCRIBE id:s1 ack:auto receipt:r2 destination:/topic/a".

#include "broker/link_effects.hpp"
#include "tests/support/frame_text.hpp"
#include "tests/support/word_aliases.hpp"

#include <set>
#include <string>
#include <utility>
#include <vector>

namespace testing_support {

using lines = std::vector<std::string>;

inline std::string name_of(broker::link_id id)
{
    return "link " + std::to_string(static_cast<std::uint64_t>(id));
}

template <class Effects>
class link_log_of : public Effects {
public:
    // What the driver still has in its outbox or in the kernel.
    std::set<broker::link_id> unflushed;
    word_aliases aliases;

    void write_link(
        broker::link_id to, std::string_view head, std::string_view body,
        broker::framing as) override
    {
        if (!head.ends_with("\n\n")) {
            note("link head without its blank line: " + std::string{head});
        }
        const std::string text = line_of(head, body);
        note(name_of(to) + (as == broker::framing::binary ? " <- (binary) " : " <- ") + text);
        written_.emplace_back(to, text);
    }
    void close_link(broker::link_id which) override { note("close " + name_of(which)); }
    bool link_flushed(broker::link_id which) const override { return !unflushed.contains(which); }

    // What was recorded since the last call.
    lines take() { return std::exchange(lines_, {}); }
    const lines& so_far() const noexcept { return lines_; }
    // The frames to brokers among them, for whoever plays the broker.
    std::vector<std::pair<broker::link_id, std::string>> take_written()
    {
        return std::exchange(written_, {});
    }

protected:
    void note(std::string line) { lines_.push_back(aliases.shown(std::move(line))); }

private:
    lines lines_;
    std::vector<std::pair<broker::link_id, std::string>> written_;
};

using link_log = link_log_of<broker::link_effects>;

} // namespace testing_support
