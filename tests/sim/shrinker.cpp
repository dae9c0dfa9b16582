#include "tests/sim/shrinker.hpp"

#include <algorithm>
#include <cctype>

namespace sim {

namespace {

class shrinking {
public:
    shrinking(world_options failing, const verdict& judge, std::chrono::milliseconds at_most)
        : best_(std::move(failing)), judge_(judge),
          until_(std::chrono::steady_clock::now() + at_most)
    {
        best_.trace = tracing::off;
        result_ = run_world(best_);
        manner_ = judge_(result_);
    }

    shrunk_world run()
    {
        turn_off(); // whole first: what is left afterwards may need a fault only because it is small
        bool smaller = true;
        while (smaller && in_time()) {
            smaller = false;
            smaller |= leave_out(&world_options::without_features, features);
            smaller |= leave_out(&world_options::without_clients, result_.clients);
            smaller |= leave_out(&world_options::without_faults, result_.faults);
            smaller |= leave_out(&world_options::without_orders, result_.orders);
            smaller |= leave_out(&world_options::without_drains, result_.drains);
            smaller |= turn_off();
            smaller |= fewer(&world_options::shards, result_.shards);
            smaller |= fewer(&world_options::steps, result_.steps);
        }
        best_.trace = tracing::kept;
        return {best_, run_world(best_), tried_};
    }

private:
    bool in_time() const { return std::chrono::steady_clock::now() < until_; }

    bool take(const world_options& candidate)
    {
        if (!in_time()) {
            return false;
        }
        ++tried_;
        world_result r = run_world(candidate);
        if (judge_(r) != manner_) {
            return false;
        }
        best_ = candidate;
        result_ = std::move(r);
        return true;
    }

    // Halves of what is left, then quarters, down to one by one.
    bool leave_out(std::set<unsigned> world_options::* which, unsigned of)
    {
        bool any = false;
        for (unsigned piece = std::max(of / 2, 1U); in_time(); piece /= 2) {
            for (unsigned from = 0; from < of && in_time(); from += piece) {
                world_options smaller = best_;
                for (unsigned i = from; i < std::min(from + piece, of); ++i) {
                    (smaller.*which).insert(i);
                }
                if ((smaller.*which).size() > (best_.*which).size()) {
                    any |= take(smaller);
                }
            }
            if (piece == 1) {
                break;
            }
        }
        return any;
    }

    bool turn_off()
    {
        bool any = false;
        world_options without = best_;
        without.with = faults::none;
        if (best_.with != faults::none) {
            any |= take(without);
        }
        for (const auto flag :
             {&world_options::one_node, &world_options::calm_clients, &world_options::roomy,
              &world_options::store_works}) {
            world_options smaller = best_;
            if (!(smaller.*flag)) {
                smaller.*flag = true;
                any |= take(smaller);
            }
        }
        without = best_;
        without.switches = false;
        if (best_.switches) {
            any |= take(without);
        }
        return any;
    }

    bool fewer(unsigned world_options::* which, unsigned of)
    {
        bool any = false;
        for (unsigned step = std::max(of / 2, 1U); of > 1 && in_time();) {
            world_options smaller = best_;
            smaller.*which = of > step ? of - step : 1;
            if (take(smaller)) {
                any = true;
                of = smaller.*which;
            } else if (step == 1) {
                break;
            } else {
                step /= 2;
            }
            step = std::min(step, std::max(of / 2, 1U));
        }
        return any;
    }

    world_options best_;
    world_result result_;
    std::string manner_;
    const verdict& judge_;
    std::chrono::steady_clock::time_point until_;
    unsigned tried_ = 0;
};

std::string list(const std::set<unsigned>& all)
{
    std::string text;
    for (const unsigned one : all) {
        text += (text.empty() ? "" : ",") + std::to_string(one);
    }
    return text;
}

} // namespace

std::string manner_of(const world_result& result)
{
    if (result.violations.empty()) {
        return {};
    }
    std::string text = result.violations.front();
    text.erase(0, text.find(": ") + 2); // "at 1234 us: "
    std::erase_if(text, [](char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; });
    return text.substr(0, 24);
}

shrunk_world
shrink(const world_options& failing, const verdict& judge, std::chrono::milliseconds at_most)
{
    return shrinking{failing, judge, at_most}.run();
}

std::string arguments_of(const world_options& o)
{
    static constexpr const char* kinds[] = {"none", "links", "brokers", "all"};
    std::string text = "--seed " + std::to_string(o.seed);
    if (o.backplane != backplane::separate) {
        constexpr const char* names[] = {"separate", "shared", "header", "content", "no-key", "auto"};
        text += std::string{" --backplane "} + names[static_cast<std::size_t>(o.backplane)];
    }
    if (o.mode != multiplex::drawn) {
        text += o.mode == multiplex::shared ? " --mode shared" : " --mode dedicated";
    }
    if (o.with != faults::none) {
        text += std::string{" --faults "} + kinds[static_cast<std::size_t>(o.with)];
    }
    const auto number = [&](const char* name, unsigned value) {
        if (value != 0) {
            text += std::string{" "} + name + " " + std::to_string(value);
        }
    };
    number("--shards", o.shards);
    number("--clients", o.clients);
    number("--steps", o.steps);
    const auto numbers = [&](const char* name, const std::set<unsigned>& all) {
        if (!all.empty()) {
            text += std::string{" "} + name + " " + list(all);
        }
    };
    if (o.having) {
        std::string names;
        for (const feature f : *o.having) {
            names.append(names.empty() ? "" : ",").append(to_string(f));
        }
        text += " --features " + (names.empty() ? "none" : names);
    }
    numbers("--without-features", o.without_features);
    numbers("--without-clients", o.without_clients);
    numbers("--without-faults", o.without_faults);
    numbers("--without-orders", o.without_orders);
    numbers("--without-drains", o.without_drains);
    text += o.switches ? "" : " --no-switches";
    text += o.one_node ? " --one-node" : "";
    text += o.calm_clients ? " --calm-clients" : "";
    text += o.roomy ? " --roomy" : "";
    text += o.store_works ? " --store-works" : "";
    return text;
}

std::string explain(const shrunk_world& what)
{
    const auto& r = what.result;
    std::string text =
        "shrunk, after " + std::to_string(what.tried) + " tries, to " +
        std::to_string(r.clients - what.options.without_clients.size()) + " clients of " +
        std::to_string(r.steps) + " steps, " + std::to_string(r.shards) + " shards, " +
        std::to_string(
            r.faults - std::min<std::size_t>(r.faults, what.options.without_faults.size())) +
        " faults, " +
        std::to_string(
            r.orders - std::min<std::size_t>(r.orders, what.options.without_orders.size())) +
        " orders, " +
        std::to_string(
            r.drains - std::min<std::size_t>(r.drains, what.options.without_drains.size())) +
        " drains: sim " + arguments_of(what.options) + " --trace\n";
    for (const std::string& line : r.last_lines) {
        text += "    " + line.substr(0, 160) + "\n";
    }
    return text;
}

} // namespace sim
