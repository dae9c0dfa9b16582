#pragma once

// The page of /metrics while it is written: families in order, and sums over the shards.

#include "gateway/telemetry/metrics.hpp"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <initializer_list>
#include <sstream>
#include <type_traits>

namespace gateway::metric_text {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

struct label {
    const char* name;
    std::string_view value;
};
using labels = std::initializer_list<label>;

template <class E, class F>
void for_each(F f)
{
    for (std::size_t i = 0; i < names<E>.size(); ++i) {
        f(static_cast<E>(i), names<E>[i]);
    }
}

// Collects families; the one that was begun last gets the values.
class page {
public:
    void begin(const char* name, MetricType type, const char* help)
    {
        families_.emplace_back();
        families_.back().name = name;
        families_.back().type = type;
        families_.back().help = help;
    }
    void value(labels at, double number)
    {
        auto& metric = add(at);
        if (families_.back().type == MetricType::Counter) {
            metric.counter.value = number;
        } else {
            metric.gauge.value = number;
        }
    }
    void value(labels at, std::uint64_t number) { value(at, static_cast<double>(number)); }
    template <class Bounds>
    void value(labels at, const histogram<Bounds>& numbers)
    {
        auto& h = add(at).histogram;
        for (std::size_t i = 0; i < Bounds::seconds.size(); ++i) {
            h.sample_count += numbers.counts[i];
            h.bucket.push_back({h.sample_count, Bounds::seconds[i]});
        }
        h.sample_count += numbers.counts.back();
        h.sample_sum = numbers.sum_seconds;
    }
    template <class T>
    void single(const char* name, MetricType type, const char* help, const T& number)
    {
        begin(name, type, help);
        value({}, number);
    }
    std::string text() const
    {
        std::ostringstream out;
        prometheus::TextSerializer{}.Serialize(out, families_);
        return out.str();
    }

private:
    ClientMetric& add(labels at)
    {
        auto& metric = families_.back().metric.emplace_back();
        for (const auto& l : at) {
            metric.label.push_back({l.name, std::string{l.value}});
        }
        return metric;
    }
    std::vector<MetricFamily> families_;
};

// Sums over the shards.
class totals {
public:
    explicit totals(const std::vector<shard_counters>& shards) : shards_{shards} {}
    template <class Pick>
    auto operator()(Pick pick) const
    {
        std::remove_cvref_t<decltype(pick(std::declval<const shard_counters&>()))> sum{};
        for (const auto& s : shards_) {
            add(sum, pick(s));
        }
        return sum;
    }

private:
    static void add(std::uint64_t& sum, std::uint64_t n) { sum += n; }
    template <class Bounds>
    static void add(histogram<Bounds>& sum, const histogram<Bounds>& h)
    {
        for (std::size_t i = 0; i < sum.counts.size(); ++i) {
            sum.counts[i] += h.counts[i];
        }
        sum.sum_seconds += h.sum_seconds;
    }
    const std::vector<shard_counters>& shards_;
};

inline constexpr auto G = MetricType::Gauge;
inline constexpr auto C = MetricType::Counter;
inline constexpr auto H = MetricType::Histogram;

// process_*, read from /proc now.
void process_metrics(page& p);
void endpoints(page& p, const totals& sum, const control_counters& control);
void brokers(page& p, const totals& sum, const control_counters& control);
void logins_and_trials(page& p, const totals& sum);
void switches(page& p, const totals& sum, const control_counters& control);

} // namespace gateway::metric_text
