#pragma once

// Where the control plane's lines go: plain ones, and those of the audit.
//
// Threading:  control thread.
// Invariants:
// (1) log_sink::audit() is the only way to an audit line. Whoever takes it writes it at every level
//     setting.

#include "control/protocol/log_level.hpp"

#include <concepts>
#include <functional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace control {

// `key=value` behind the text; in JSON a member of the object.
struct log_field {
    std::string_view key; // [a-z_]+
    std::string value;
    bool number = false; // JSON: without quotes; true and false too

    log_field(std::string_view k, std::string v) : key(k), value(std::move(v)) {}
    log_field(std::string_view k, std::string_view v) : key(k), value(v) {}
    log_field(std::string_view k, const char* v) : key(k), value(v) {}
    template <std::integral T>
    log_field(std::string_view k, T v) : key(k), number(true)
    {
        if constexpr (std::is_same_v<T, bool>) {
            value = v ? "true" : "false";
        } else {
            value = std::to_string(v);
        }
    }
};

struct log_event {
    log_level level = log_level::info;
    bool audit = false;
    std::string text; // of the audit: "audit"
    std::vector<log_field> fields;
};

// As text, as the process's log writes it.
std::string to_text(const log_event& event);

class log_sink {
public:
    template <class F>
        requires std::invocable<F&, const log_event&>
    log_sink(F to) : to_(std::move(to))
    {
    }
    // For who reads text only.
    template <class F>
        requires std::invocable<F&, log_level, std::string>
    log_sink(F lines)
        : to_([lines = std::move(lines)](const log_event& event) mutable {
              lines(event.level, to_text(event));
          })
    {
    }
    void operator()(log_level level, std::string text, std::vector<log_field> fields = {}) const
    {
        to_({level, false, std::move(text), std::move(fields)});
    }
    // Who did, or was not let do, what: `who` and `what` first.
    void audit(std::vector<log_field> fields) const
    {
        to_({log_level::info, true, "audit", std::move(fields)});
    }

private:
    std::function<void(const log_event&)> to_;
};

} // namespace control
