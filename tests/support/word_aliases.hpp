#pragma once

// Readable names for words that are secret by design: what a test compares and says.
//
//   a queue of wire subscription 2's own   stomp-subscription-teal-000000ab-0-2
//   a queue of link 3's own                stomp-subscription-teal-000000ab-0-l3
//   the queue of barriers                  teal-none
//   a marker's value                       without its seal
//   the id of a session's 2nd delivery     ab-2

#include "broker/private_names.hpp"
#include "broker/stomp/frame.hpp"

#include <array>
#include <cstdio>
#include <map>
#include <string>
#include <string_view>
#include <utility>

namespace testing_support {

inline constexpr broker::secrets known_secrets{{1, 2}, {3, 4}, {5, 6}};

class word_aliases {
public:
    static constexpr std::string_view queue_prefix = "stomp-subscription-teal-000000ab-0-";

    std::string shown(std::string line)
    {
        for (std::size_t at = 0; (at = line.find(broker::private_prefix, at)) != line.npos; ++at) {
            const auto one = queues().find(line.substr(at, broker::private_prefix.size() + 32));
            if (one != queues().end()) {
                line.replace(at, one->first.size(), one->second);
            }
        }
        if (const auto mark = line.find("teal-marker:"); mark != line.npos) {
            const auto end = line.find(' ', mark);
            const auto seal = line.rfind(';', end);
            if (seal != line.npos && seal > mark) {
                line.erase(seal, end == line.npos ? end : end - seal);
            }
        }
        if (line.starts_with("client ")) {
            const std::string who = line.substr(0, line.find(" <- "));
            for (const std::string_view name : {" ack:", " message-id:"}) {
                shorten_ack(line, who, name);
            }
        }
        return line;
    }

    // What the client says for the alias that it was shown.
    std::string real_ack(const std::string& who, const std::string& alias) const
    {
        const auto own = acks_.find({who, alias});
        if (own != acks_.end()) {
            return own->second;
        }
        for (const auto& [key, real] : acks_) { // of somebody else
            if (key.second == alias) {
                return real;
            }
        }
        return alias;
    }

    static std::string sealed(std::string_view mark)
    {
        return broker::mark_seal{known_secrets.marks, 0}.seal(mark);
    }

private:
    void shorten_ack(std::string& line, const std::string& who, std::string_view name)
    {
        const auto at = line.find(name);
        if (at == line.npos) {
            return;
        }
        const auto from = at + name.size();
        const std::string real = line.substr(from, line.find(' ', from) - from);
        const auto first = real.find('-');
        const auto second = first == real.npos ? first : real.find('-', first + 1);
        if (second == real.npos || real.find_first_not_of("0123456789abcdef-") != real.npos) {
            return;
        }
        const std::string alias = "ab-" + real.substr(first + 1, second - first - 1);
        acks_[{who, alias}] = real;
        line.replace(from, real.size(), alias);
    }

    static const std::map<std::string, std::string>& queues()
    {
        static const auto all = [] {
            const broker::private_names names{known_secrets.names, 0};
            std::map<std::string, std::string> made{{names.barrier(), "teal-none"}};
            for (std::uint64_t n = 1; n <= 300; ++n) {
                std::array<char, 20> number;
                std::snprintf(
                    number.data(), number.size(), "%llx", static_cast<unsigned long long>(n));
                made[names.of_wire(broker::wire_id{n})] = std::string{queue_prefix} + number.data();
                made[names.of_link(broker::link_id{n})] =
                    std::string{queue_prefix} + "l" + std::to_string(n);
            }
            return made;
        }();
        return all;
    }

    std::map<std::pair<std::string, std::string>, std::string> acks_;
};

} // namespace testing_support
