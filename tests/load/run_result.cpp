#include "tests/load/run_result.hpp"

#include <cstdarg>
#include <cstdio>

namespace load {
namespace {

constexpr std::chrono::milliseconds own_lag_max{20};
constexpr double cpu_share_max = 0.95;

double to_ms(net::duration d)
{
    return std::chrono::duration<double, std::milli>(d).count();
}

// g++ 12 has no std::format.
[[gnu::format(printf, 1, 2)]] std::string format(const char* pattern, ...)
{
    char line[512];
    va_list arguments;
    va_start(arguments, pattern);
    const int length = std::vsnprintf(line, sizeof line, pattern, arguments);
    va_end(arguments);
    return {line, std::min(sizeof line - 1, static_cast<std::size_t>(std::max(length, 0)))};
}

std::string row(const char* name, std::uint64_t value, const char* remark = "")
{
    return format("  %-18s %12llu  %s\n", name, static_cast<unsigned long long>(value), remark);
}

std::string quoted(const std::string& text)
{
    std::string out = "\"";
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (byte < 0x20 || byte >= 0x7f) {
            out += format("\\u%04x", byte); // a broker's words may be any bytes
        } else {
            out += c;
        }
    }
    return out + "\"";
}

std::string member(const char* name, std::uint64_t value)
{
    return format("\"%s\":%llu,", name, static_cast<unsigned long long>(value));
}

std::string timeline_json(const std::vector<second_of_run>& seconds)
{
    std::string out = "[";
    for (const second_of_run& s : seconds) {
        out += out.size() > 1 ? ",{" : "{";
        out += member("sent", s.sent) + member("received", s.received);
        out += format(
            "\"latency_max_ms\":%.3f,\"silence_max_ms\":%.3f}", to_ms(s.latency_max),
            to_ms(s.silence_max));
    }
    return out + "]";
}

} // namespace

bool run_result::bottleneck() const noexcept
{
    return own_lag.percentile(0.99) > own_lag_max || cpu_share > cpu_share_max;
}

bool run_result::passed() const noexcept
{
    return judged.sent > 0 && disconnected == 0 && errors == 0 && judged.count(fault::lost) == 0 &&
           judged.count(fault::duplicated) == 0 && judged.count(fault::reordered) == 0;
}

std::string to_table(const run_result& r)
{
    const verdict& v = r.judged;
    std::string out = "teal-load\n";
    out += row("clients", r.clients);
    out += row("sent", v.sent);
    out += row("received", v.received);
    out += row("expected", v.expected);
    out += row("disconnected", r.disconnected);
    out += row("lost", v.count(fault::lost));
    out += row("duplicated", v.count(fault::duplicated));
    out += row("reordered", v.count(fault::reordered));
    out += row("redelivered", v.redelivered);
    out += row("errors", r.errors);
    // Only where there is something to say: these are no violations.
    if (v.unconfirmed != 0) {
        out += row("unconfirmed", v.unconfirmed, "SENDs whose RECEIPT never came");
    }
    if (v.queue_reordered != 0) {
        out += row("queue reordered", v.queue_reordered, "allowed by --queue-order relaxed");
    }
    if (r.skipped != 0) {
        out += row("skipped", r.skipped, "due, but the client's outbox was full");
    }
    out += format("  %-18s %12s %10s %10s %10s\n", "", "p50", "p99", "p99.9", "max");
    out += format(
        "  %-18s %12.2f %10.2f %10.2f %10.2f\n", "latency ms", to_ms(r.latency.percentile(0.5)),
        to_ms(r.latency.percentile(0.99)), to_ms(r.latency.percentile(0.999)),
        to_ms(r.latency.max()));
    out += format(
        "  %-18s %12.1f %10s %10s %10.1f  client %u\n", "longest silence ms", to_ms(r.silence.p50),
        "", "", to_ms(r.silence.max), r.silence.client);
    out += format(
        "  %-18s %12s  own lag p99 %.1f ms, CPU %.0f %% of a core\n", "bottleneck",
        r.bottleneck() ? "yes" : "no", to_ms(r.own_lag.percentile(0.99)), r.cpu_share * 100);
    if (r.bottleneck()) {
        out += "teal-load itself was the bottleneck: the latencies are its own\n";
    }
    for (const violation& example : v.examples) {
        out += "  ! " + to_string(example) + "\n";
    }
    for (const std::string& reason : r.reasons) {
        out += "  ! " + reason + "\n";
    }
    return out;
}

std::string to_json(const run_result& r)
{
    const verdict& v = r.judged;
    std::string out =
        "{" + member("clients", r.clients) + member("sent", v.sent) +
        member("received", v.received) + member("expected", v.expected) +
        member("disconnected", r.disconnected) + member("lost", v.count(fault::lost)) +
        member("duplicated", v.count(fault::duplicated)) +
        member("reordered", v.count(fault::reordered)) + member("redelivered", v.redelivered) +
        member("errors", r.errors) + member("unconfirmed", v.unconfirmed) +
        member("queue_reordered", v.queue_reordered) + member("skipped", r.skipped);
    out += format(
        "\"latency_ms\":{\"p50\":%.3f,\"p99\":%.3f,\"p999\":%.3f,\"max\":%.3f},",
        to_ms(r.latency.percentile(0.5)), to_ms(r.latency.percentile(0.99)),
        to_ms(r.latency.percentile(0.999)), to_ms(r.latency.max()));
    out += format(
        "\"silence_ms\":{\"p50\":%.3f,\"max\":%.3f},", to_ms(r.silence.p50), to_ms(r.silence.max));
    out += format(
        "\"bottleneck\":%s,\"own_lag_p99_ms\":%.3f,\"cpu_share\":%.3f,\"seconds\":%.3f,",
        r.bottleneck() ? "true" : "false", to_ms(r.own_lag.percentile(0.99)), r.cpu_share,
        r.sending.count());
    out += format("\"passed\":%s,\"violations\":[", r.passed() ? "true" : "false");
    for (std::size_t i = 0; i < v.examples.size(); ++i) {
        out += (i == 0 ? "" : ",") + quoted(to_string(v.examples[i]));
    }
    out += "],\"reasons\":[";
    for (std::size_t i = 0; i < r.reasons.size(); ++i) {
        out += (i == 0 ? "" : ",") + quoted(r.reasons[i]);
    }
    return out + "],\"timeline\":" + timeline_json(r.timeline) + "}\n";
}

} // namespace load
