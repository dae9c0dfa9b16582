#include "gateway/telemetry/log.hpp"

#include "broker/net/utf8.hpp"
#include "gateway/telemetry/log_limiter.hpp"
#include "gateway/telemetry/log_writer.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <memory>
#include <mutex>
#include <unistd.h>
#include <utility>
#include <vector>

namespace gateway::log {
namespace {

// Control characters never stand in a line as they are. Quote and backslash do in the free text of
// a text line, where nothing is quoted: the audit lines quote their own values there.
void append_escaped(std::string& out, std::string_view text, bool within_quotes = true)
{
    static constexpr char hex[] = "0123456789abcdef";
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto c = static_cast<unsigned char>(text[i]);
        switch (c) {
        case '"': out += within_quotes ? "\\\"" : "\""; continue;
        case '\\': out += within_quotes ? "\\\\" : "\\"; continue;
        case '\n': out += "\\n"; continue;
        case '\r': out += "\\r"; continue;
        case '\t': out += "\\t"; continue;
        default: break;
        }
        // C1 controls (U+0080 to U+009F) drive terminals as well; in UTF-8 they are C2 80 to C2 9F.
        const bool c1 = c == 0xC2 && i + 1 < text.size() &&
                        static_cast<unsigned char>(text[i + 1]) >= 0x80 &&
                        static_cast<unsigned char>(text[i + 1]) <= 0x9F;
        const unsigned code = c1 ? static_cast<unsigned char>(text[++i]) : c;
        if (c1 || c < 0x20 || c == 0x7F) {
            out += "\\u00";
            out += hex[code >> 4];
            out += hex[code & 15];
        } else {
            out += static_cast<char>(c);
        }
    }
}

// Lines are UTF-8, and what peers name things is not always: such bytes become U+FFFD (a lone 9B
// would start a control sequence on an 8-bit terminal).
std::string valid_utf8(std::string_view text)
{
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size();) {
        const auto n = net::utf8_length(text.substr(i));
        if (n == 0) {
            out += "\xEF\xBF\xBD";
            ++i;
        } else {
            out.append(text, i, n);
            i += n;
        }
    }
    return out;
}

// Texts of peers and brokers are cut at some length.
std::string valid_text(std::string_view text)
{
    constexpr std::size_t most = 2048;
    std::string valid = valid_utf8(text.substr(0, most));
    return text.size() > most ? valid + "..." : valid;
}

bool needs_quotes(std::string_view value)
{
    return value.empty() || value.find_first_of(" =\"\\") != std::string_view::npos;
}

std::string now_text()
{
    const auto now = std::chrono::system_clock::now();
    const auto since = now.time_since_epoch();
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(since).count() % 1000;
    const std::time_t seconds = std::chrono::system_clock::to_time_t(now);
    std::tm parts{};
    gmtime_r(&seconds, &parts);
    std::array<char, 32> text{};
    const auto n = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &parts);
    std::array<char, 8> fraction{};
    std::snprintf(fraction.data(), fraction.size(), ".%03dZ", static_cast<int>(ms));
    return std::string{text.data(), n} + fraction.data();
}

// The log is the one thing that all threads share. Never destroyed: a thread that is stuck in a
// write may outlive everything else.
struct state {
    std::mutex sink_mutex; // guards to and context
    sink to = nullptr;
    void* context = nullptr;
    std::mutex writer_mutex; // guards the pointer
    std::shared_ptr<writer> out; // null: lines are written at once
    std::mutex limits_mutex; // guards limits and echoes
    limiter limits;
    shard_echo echoes;
    std::atomic<log_level> level{log_level::info};
    std::atomic<log_format> format{log_format::text};
    std::array<std::atomic<std::uint64_t>, 4> written{};
    std::atomic<std::uint64_t> suppressed{0};

    std::shared_ptr<writer> current()
    {
        const std::lock_guard lock{writer_mutex};
        return out;
    }
};
state& the_state()
{
    static state& s = *new state;
    return s;
}

void hand_on(std::string line, bool audit)
{
    if (const auto out = the_state().current()) {
        out->put(std::move(line), audit);
        return;
    }
    line += '\n';
    for (std::string_view rest = line; !rest.empty();) {
        const ssize_t count = ::write(STDERR_FILENO, rest.data(), rest.size());
        if (count < 0 && errno != EINTR) {
            return;
        }
        rest.remove_prefix(static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
    }
}

void write(
    log_level level, std::string_view level_text, std::string_view text,
    const fields& with, bool audit = false)
{
    auto& s = the_state();
    s.written[static_cast<std::size_t>(level)].fetch_add(1, std::memory_order_relaxed);
    auto rendered =
        render(s.format.load(std::memory_order_relaxed), now_text(), level_text, text, with);
    {
        const std::lock_guard lock{s.sink_mutex};
        if (s.to != nullptr) {
            s.to(s.context, level, rendered);
            return;
        }
    }
    hand_on(std::move(rendered), audit);
}

// Called once a second by the thread that writes: what was left out since.
std::string notes(std::uint64_t dropped)
{
    auto& s = the_state();
    std::string lines;
    const auto add = [&](std::string_view text, const fields& with) {
        s.written[static_cast<std::size_t>(log_level::warning)].fetch_add(
            1, std::memory_order_relaxed);
        lines += render(
            s.format.load(std::memory_order_relaxed), now_text(), to_string(log_level::warning), text,
            with);
        lines += '\n';
    };
    if (dropped > 0) {
        add("lines were dropped: the log is not read fast enough, or cannot be written",
            {{"count", dropped}});
    }
    std::vector<limiter::suppressed> over;
    {
        const std::lock_guard lock{s.limits_mutex};
        over = s.limits.take_suppressed(std::chrono::steady_clock::now());
    }
    for (const auto& one : over) {
        add("lines were suppressed", {{"kind", one.kind}, {"count", one.count}});
    }
    return lines;
}

} // namespace

void set_up(const log_config& settings)
{
    the_state().level.store(settings.level, std::memory_order_relaxed);
    the_state().format.store(settings.format, std::memory_order_relaxed);
}

void set_sink(sink to, void* context)
{
    auto& s = the_state();
    const std::lock_guard lock{s.sink_mutex};
    s.to = to;
    s.context = context;
}

bool enabled(log_level level) noexcept
{
    return level >= the_state().level.load(std::memory_order_relaxed);
}

void line(log_level level, std::string_view text, const fields& with)
{
    if (enabled(level)) {
        write(level, to_string(level), text, with);
    }
}

void line_about(
    log_level level, std::string_view peer, std::string_view text,
    const fields& with)
{
    if (!enabled(level)) {
        return;
    }
    auto& s = the_state();
    {
        const std::lock_guard lock{s.limits_mutex};
        if (!s.limits.allow(text, peer, std::chrono::steady_clock::now())) {
            s.suppressed.fetch_add(1, std::memory_order_relaxed);
            return;
        }
    }
    write(level, to_string(level), text, with);
}

void line_of_shard(log_level level, unsigned shard, std::string_view text)
{
    if (!enabled(level)) {
        return;
    }
    {
        auto& s = the_state();
        const std::lock_guard lock{s.limits_mutex};
        if (!s.echoes.is_new(text, shard, std::chrono::steady_clock::now())) {
            return;
        }
    }
    line_about(level, {}, text);
}

void audit(std::string_view text, const fields& with)
{
    write(log_level::info, to_string(log_level::info), text, with, true);
}

void start()
{
    auto& s = the_state();
    const std::lock_guard lock{s.writer_mutex};
    if (!s.out) {
        s.out = std::make_shared<writer>(writer::settings{.notes = notes});
    }
}

void stop(std::chrono::milliseconds most)
{
    auto& s = the_state();
    if (const auto out = s.current()) {
        out->stop(most); // it stays: what others still say goes nowhere, and waits for nobody
    }
}

void flush()
{
    if (const auto out = the_state().current()) {
        out->flush(std::chrono::seconds{1});
    }
}

std::uint64_t dropped() noexcept
{
    const auto out = the_state().current();
    return out ? out->dropped() : 0;
}

std::uint64_t suppressed() noexcept
{
    return the_state().suppressed.load(std::memory_order_relaxed);
}

std::uint64_t queued_bytes() noexcept
{
    const auto out = the_state().current();
    return out ? out->bytes() : 0;
}

std::array<std::uint64_t, 4> counts() noexcept
{
    std::array<std::uint64_t, 4> out{};
    for (std::size_t i = 0; i < out.size(); ++i) {
        out[i] = the_state().written[i].load(std::memory_order_relaxed);
    }
    return out;
}

std::string render(
    log_format format, std::string_view time, std::string_view level, std::string_view text,
    const fields& with)
{
    std::string out;
    if (format == log_format::json) {
        out += "{\"time\":\"";
        out += time;
        out += "\",\"level\":\"";
        out += level;
        out += "\",\"text\":\"";
        append_escaped(out, valid_text(text));
        out += '"';
        for (const auto& f : with) {
            out += ",\"";
            out += f.key;
            out += f.number ? "\":" : "\":\"";
            append_escaped(out, valid_text(f.value));
            out += f.number ? "" : "\"";
        }
        out += '}';
        return out;
    }
    out += time;
    out += ' ';
    out += level;
    out += ' ';
    append_escaped(out, valid_text(text), false);
    for (const auto& f : with) {
        out += ' ';
        out += f.key;
        out += '=';
        const bool quoted = !f.number && needs_quotes(f.value);
        out += quoted ? "\"" : "";
        append_escaped(out, valid_text(f.value));
        out += quoted ? "\"" : "";
    }
    return out;
}

} // namespace gateway::log
