#include "gateway/settings/config.hpp"
#include "control/record/json.hpp"
#include "control/record/report_json.hpp"
#include "tests/sim/shard_driver_ends.hpp"
#include "tests/sim/simulation.hpp"

#include <algorithm>
#include <optional>

namespace sim {

namespace {

using namespace std::chrono_literals;

// More turns than this without the clock moving: it spins.
constexpr std::uint64_t turns_at_once_max = 200'000;
std::set<feature> drawn_for_one_world(std::uint64_t seed)
{
    std::set<feature> drawn;
    if (random_source{seed, 750'000}.chance(25)) {
        drawn.insert(feature::drains);
    }
    if (random_source{seed, 760'000}.chance(35)) {
        drawn.insert(feature::streams);
    }
    if (random_source{seed, 770'000}.chance(25)) {
        drawn.insert(feature::workers);
    }
    if (random_source{seed, 750'001}.chance(40)) {
        drawn.insert(feature::cluster);
    }
    return drawn;
}

// The longest that a script may take, and what a world gets to come to rest afterwards.
constexpr auto activity_max = 20s;
constexpr auto rest = 12s;
// In a world with flooders: more than honest clients need, less than one flooder wants.
constexpr std::uint64_t buffered_max = 512 * 1024;
// More links for one login than honest clients need, fewer than a crowd wants (D3).
constexpr unsigned crowd = 24;
constexpr std::size_t links_per_login = 20;

} // namespace

world::world(const world_options& options)
    : options_(options), checker_(when_, options.trace, options.bytes), random_(options.seed, 1),
      network_(when_, options.seed)
{
    if (options_.backplane == backplane::shared) {
        random_source how{options.seed, 700'000};
        options_.backplane = how.chance(60)   ? backplane::marks
                             : how.chance(50) ? backplane::header
                             : how.chance(50) ? backplane::content
                                              : backplane::no_key;
    }
    if (options_.backplane != backplane::separate) {
        // Two doors to one plain broker, or to a cluster.
        const std::set<feature> asked = options_.having.value_or(
            drawn_for_one_world(options.seed));
        options_.having.emplace();
        for (const feature kept :
             {feature::drains, feature::workers, feature::streams, feature::cluster}) {
            const bool fits =
                kept != feature::cluster || options_.backplane == backplane::marks;
            if (fits && asked.contains(kept)) {
                options_.having->insert(kept);
            }
        }
        using told_apart = checker::told_apart;
        checker_.expect_one_world(
            options_.backplane == backplane::no_key    ? told_apart::never
            : options_.backplane == backplane::content ? told_apart::best_effort
                                                       : told_apart::surely);
        if (options_.backplane == backplane::marks) {
            checker_.expect_marks();
        }
    }
    // What is drawn is drawn whatever the options say, so that a smaller world stays the same.
    const bool drawn_shared = random_.chance(50);
    shared_ = options.mode == multiplex::drawn ? drawn_shared : options.mode == multiplex::shared;
    nodes_ = static_cast<std::size_t>(random_.between(1, 2));
    nodes_ = has(feature::cluster) ? 3 : has(feature::drains) ? 2 : nodes_;
    nodes_ = options.one_node ? 1 : nodes_;
    store_fails_ = random_.chance(20) && !options.store_works;
    if (has(feature::beats)) {
        random_source how{options.seed, 740'000};
        const std::vector<net::duration> periods{50ms, 100ms, 200ms};
        beats_ = {.on = true, .client = how.one_of(periods), .broker = how.one_of(periods)};
        network_.lose_packets_briefly();
    }
    if (options_.apart) {
        network_.keep_apart();
    }
    build_brokers();
    const color live = random_.chance(50) ? color::blue : color::green;
    const std::uint64_t drawn_shards = random_.between(1, 2);
    const std::uint64_t shards = options.shards != 0 ? options.shards : drawn_shards;
    std::vector<shard_driver*> members;
    for (unsigned i = 0; i < shards; ++i) {
        shards_.push_back(std::make_unique<shard_driver>(
            i, core(i), process_, network_, brokers_, checker_, beats_, options.seed));
        members.push_back(shards_.back().get());
    }
    control_ = std::make_unique<control_side>(
        members, live,
        control_side::options{.settings = control_settings(), .store_fails = store_fails_}, process_,
        checker_, options.seed);
    checker_.on_decided(live, 0);
    for (auto& one : shards_) {
        one->attach(*control_);
        one->start(live);
    }
    if (has(feature::floods)) {
        random_source how{options.seed, 770'000};
        for (auto& one : shards_) {
            one->limit_memory(buffered_max);
        }
        for (std::uint64_t i = how.between(1, 4); i > 0; --i) {
            flooders_.push_back(std::make_unique<flooder>(
                hostile_from + static_cast<unsigned>(i), when_, network_, members, options.seed,
                false));
        }
        for (unsigned i = how.chance(50) ? crowd : 0; i > 0; --i) {
            flooders_.push_back(std::make_unique<flooder>(
                hostile_from + 100 + i, when_, network_, members, options.seed, true));
        }
    }
    const client_habits habits = draw_habits();
    const std::uint64_t drawn_clients = random_.between(1, 8);
    const std::uint64_t count = options.clients != 0 ? options.clients : drawn_clients;
    for (unsigned i = 0; i < count; ++i) {
        if (!options.without_clients.contains(i)) {
            clients_.push_back(std::make_unique<sim_client>(
                i, habits, when_, network_, checker_, members, beats_, options.seed));
        }
    }
}

std::string_view to_string(feature f) noexcept
{
    static constexpr std::string_view names[features] = {
        "cluster", "rabbitmq", "silent",  "replies", "strict",  "gives-up", "drains",    "beats",
        "workers", "streams",  "refuses", "floods",  "untried", "pauses",   "unanswered"};
    return names[static_cast<std::size_t>(f)];
}

// Each draws from a part of its own, so that one can be left out.
bool world::has(feature f) const
{
    const auto number = static_cast<unsigned>(f);
    if (options_.without_features.contains(number)) {
        return false;
    }
    // What is excused by the clock, and peers that count on ours.
    using enum feature;
    if (f == pauses && options_.with != faults::none) {
        return false;
    }
    if ((f == beats || f == drains || f == gives_up) && has(pauses)) {
        return false;
    }
    // What is in doubt excuses the fence, so there are fewer of these.
    return options_.having
               ? options_.having->contains(f)
               : random_source{options_.seed, 700'000 + number}.chance(f == unanswered ? 8 : 25);
}

// Half of those worlds: brokers also close behind some of these ERRORs.
bool world::ends_links() const
{
    return has(feature::refuses) && random_source{options_.seed, 760'000}.chance(50);
}

client_habits world::draw_habits()
{
    client_habits habits;
    const auto drawn_steps = static_cast<unsigned>(random_.between(8, 40));
    habits.steps = steps_ = options_.steps != 0 ? options_.steps : drawn_steps;
    habits.pause_max_us = random_.one_of(std::vector<std::uint64_t>{2'000, 20'000, 60'000});
    habits.mistakes = random_.chance(30) ? 2 : 0;
    habits.vanishes = random_.chance(60) ? 3 : 0;
    habits.slow = random_.chance(50) ? 5 : 0;
    if (options_.calm_clients) {
        habits.mistakes = habits.vanishes = habits.slow = habits.leaves = 0;
    }
    habits.untried = has(feature::untried) ? 8 : 0;
    habits.id_header = options_.backplane == backplane::header;
    habits.asks = has(feature::replies) ? 15 : 0;
    habits.answers = options_.seed % 3 == 0 ? 100 : 50;
    habits.may_be_given_up = has(feature::gives_up);
    habits.workers = has(feature::workers);
    habits.one_job_only = options_.with == faults::none && !has(feature::drains) &&
                          !has(feature::gives_up) && !has(feature::silent);
    habits.guesses = has(feature::silent);
    habits.streams = has(feature::streams) && options_.backplane != backplane::separate;
    if (has(feature::refuses)) {
        habits.refused = 8;
        habits.ends_links = ends_links();
    }
    if (has(feature::cluster)) {
        checker_.expect_paths();
    }
    if (has(feature::strict)) {
        checker_.expect_stored_order();
    }
    if (has(feature::silent)) {
        checker_.expect_no_markers();
    }
    // A broker that answers no receipts leaves them unanswered (B2), as a lost link does.
    habits.in_doubt = options_.with != faults::none || has(feature::silent) ||
                      has(feature::unanswered) || habits.ends_links;
    if (options_.with != faults::none || habits.ends_links) {
        checker_.expect_stalls();
    }
    habits.may_be_closed = options_.with == faults::brokers || options_.with == faults::all;
    if (habits.may_be_closed) {
        checker_.expect_bound_within(
            3s, 1s); // a broker is away for a while, and is probed with a back-off
    }
    return habits;
}

void world::build_brokers()
{
    random_source random{options_.seed, 710'000};
    std::optional<color> silent, refusing;
    if (has(feature::silent)) {
        silent = random.chance(50) ? color::blue : color::green;
    } else if (options_.with == faults::all && random.chance(15)) { // some clients' login
        refusing = random.chance(50) ? color::blue : color::green;
    }
    // Where both colors are one broker nobody would be left who knows a refused login.
    const bool one_broker = options_.backplane != backplane::separate;
    const broker_ways ways{
        .cluster = has(feature::cluster),
        .rabbitmq = has(feature::rabbitmq),
        .odd = random_source{options_.seed, 730'000}.chance(25),
        .refuses = has(feature::refuses),
        .without_ids = random_source{options_.seed, 740'000}.chance(25),
        .unanswered = has(feature::unanswered)};
    for (const color c : broker::colors) {
        embedded::broker_options how;
        how.heart_beat_min = std::chrono::milliseconds{1};
        if (has(feature::floods)) { // strangers are refused
            how.users = {{"one", "p"}, {"two", "p"}, {"flood", "p"}};
        }
        how.chaos.reject_subscribe = "/topic/rejected";
        how.chaos.no_receipts = c == silent;
        how.chaos.refuse_login = c == refusing && !one_broker ? "two" : "";
        brokers_[c] = std::make_unique<mini_broker>(
            c, nodes_, how, ways, when_, checker_, beats_, options_.seed);
    }
    if (one_broker) {
        brokers_.green->share(*brokers_.blue);
    }
}

gateway::shard_settings world::core(unsigned shard)
{
    auto s = gateway::shard_settings_of({}, 1, 0, {});
    for (const color c : broker::colors) {
        for (std::size_t i = 0; i < nodes_; ++i) {
            const std::string name = std::string{to_string(c).substr(0, 1)} + std::to_string(i + 1);
            s.endpoints[c].push_back({.name = name, .url = "stomp://" + name});
        }
        s.health[c].interval = 300ms;
    }
    s.shared = shared_;
    s.links_per_login = has(feature::floods) ? links_per_login : 0;
    s.links_per_key = static_cast<std::size_t>(random_.between(1, 4));
    const auto rarely = [&](unsigned percent) {
        return random_.chance(percent) && !options_.roomy;
    };
    s.connect_rate = rarely(20) ? 100 : 5000;
    s.auth_recheck = rarely(30) ? 500ms : 10s;
    s.connect_timeout = 2s;
    s.park_timeout = 10s; // within the rest of a world, so that nothing of it is left behind
    s.client_heart_beat = beats_.client;
    s.broker_heart_beat = beats_.broker;
    s.client_outbox = rarely(30) ? 2048 : 1024 * 1024;
    s.client_stall = 2s;
    s.client_carry = rarely(30) ? 4096 : 256 * 1024;
    beats_.may_stand_still |= s.client_carry == 4096;
    s.broker_outbox = rarely(30) ? 1024 : 1024 * 1024;
    s.seam_buffer = rarely(30) ? 4096 : 1024 * 1024;
    s.timing.receipt_timeout = 2s;
    if (has(feature::drains)) {
        s.timing.drain_timeout = 3s; // within the rest of a world
        checker_.expect_moves_within(s.timing.drain_timeout);
    }
    // P9: every second world has `backplane: auto`, which is the default, and its gateway finds out.
    // Not where the live color may be dead when a switch is ordered, and there is a stream: nobody can
    // ask then, and the stream begins anew, as between separate brokers (T2).
    const bool may_be_dead = options_.with == faults::brokers || options_.with == faults::all;
    s.finds_backplane =
        options_.seed % 2 == 1 &&
        (options_.backplane == backplane::separate ||
         (options_.backplane == backplane::marks && !(has(feature::streams) && may_be_dead)));
    s.shared_backplane = options_.backplane != backplane::separate && !s.finds_backplane;
    s.pairing = {
        .by = s.finds_backplane                          ? gateway::dedup_by::automatic
              : options_.backplane == backplane::header  ? gateway::dedup_by::header
              : options_.backplane == backplane::marks   ? gateway::dedup_by::automatic
              : options_.backplane == backplane::content ? gateway::dedup_by::content
                                                         : gateway::dedup_by::nothing,
        .header = "x-id",
        .secret = {options_.seed, 1}};
    s.gateway_id = "gateway";
    s.secrets = {{options_.seed, 1}, {options_.seed, 2}, {options_.seed, 3}};
    s.shard = shard;
    return s;
}

control::control_settings world::control_settings()
{
    control::control_settings s;
    s.prepare_timeout = 3s;
    s.hold_timeout = random_.chance(20) ? net::duration{20ms} : net::duration{1s};
    s.default_deadline = random_.chance(10) ? net::duration{50ms} : net::duration{10s};
    s.connect_rate = 5000;
    s.members = {
        .linger = 50ms,
        .seam_timeout = 2s,
        .seam_quiet = 20ms,
        .receipt_timeout = 1s,
        .marker_interval = 30ms,
        .drain_timeout = 3s,
        .pin_timeout = 2s,
        .strict_queue_order = has(feature::strict)};
    if (has(feature::gives_up)) {
        s.hold_timeout = random_source{options_.seed, 720'000}.milliseconds(2, 40);
    }
    if (has(feature::
                unanswered)) { // S13: a switch back comes behind the one, and ahead of the other
        s.members.receipt_timeout = 100ms;
        s.members.linger = 500ms;
    }
    if (has(feature::refuses)) { // E4: a barrier behind an ERROR has half of it, and these pipes are slow
        s.hold_timeout = 1s;
    }
    s.members.prepare_timeout = s.prepare_timeout;
    s.members.hold_timeout = s.hold_timeout;
    return s;
}

void world::end_turn()
{
    bool busy = true;
    while (busy) {
        busy = when_.run_soon();
        for (auto& one : shards_) {
            process_.runs() ? one->end_of_turn() : void();
        }
        busy |= network_.flush_dirty();
    }
    for (auto& one : shards_) {
        one->check_step();
    }
}

// What is due next, in order; false: nothing before `end`.
bool world::run_turn(time_point end)
{
    const auto due = [this](time_point of_process) { return process_.in_the_world(of_process); };
    time_point next = std::min(when_.next(), due(control_->next_deadline()));
    for (auto& one : shards_) {
        next = std::min(next, due(one->router().next_deadline()));
    }
    if (next > end) {
        return false;
    }
    when_.advance(next);
    const time_point now = when_.now();
    turns_now_ = now == last_turn_ ? turns_now_ + 1 : 0;
    last_turn_ = now;
    ++turns_;
    if (when_.next() <= now) {
        when_.run_one();
    } else if (due(control_->next_deadline()) <= now) {
        control_->run_deadline();
    } else {
        for (auto& one : shards_) {
            if (due(one->router().next_deadline()) <= now) {
                one->run_deadline();
                break;
            }
        }
    }
    end_turn();
    if (turns_now_ > turns_at_once_max) {
        checker_.violation("it spins: the clock stands still");
        return false;
    }
    return true;
}

void world::run_until(time_point end)
{
    while (run_turn(end)) {
    }
    when_.advance(end);
}

bool world::all_finished() const
{
    return std::ranges::all_of(clients_, [](const auto& c) { return c->finished(); });
}

world_result world::run()
{
    for (auto& one : clients_) {
        one->begin();
    }
    for (auto& one : flooders_) {
        one->begin();
    }
    const auto first_order = random_.milliseconds(1, 300),
               first_fault = random_.milliseconds(1, 100);
    if (options_.switches) {
        when_.after(first_order, [this] { operate(); });
    }
    if (has(feature::drains)) {
        when_.after(random_source{options_.seed, 730'000}.milliseconds(1, 200), [this] {
            drain_or_take_back();
        });
    }
    if (has(feature::pauses)) {
        when_.after(random_source{options_.seed, 740'001}.milliseconds(1, 150), [this] { pause(); });
    }
    if (options_.backplane == backplane::marks) {
        when_.after(1ms, [this] { publish_beside(); });
    }
    if (options_.with != faults::none) {
        when_.after(first_fault, [this] { go_wrong(); });
    }
    const time_point latest = when_.now() + activity_max;
    while (!all_finished() && when_.now() < latest) {
        if (!run_turn(latest)) {
            break;
        }
    }
    heal();
    for (auto& one : flooders_) {
        one->finish();
    }
    end_turn();
    if (beats_.on) { // a while with them is enough, they are most of what would happen
        run_until(when_.now() + 1s);
        beats_.on = false;
    }
    run_until(when_.now() + rest);
    check_rest();
    for (auto& one : clients_) {
        one->finish();
    }
    end_turn();
    run_until(when_.now() + rest);
    check_empty();
    if (checker_.tracing_bytes()) {
        for (const auto& [id, record] : control_->history()) {
            checker_.note("report " + control::to_text(control::to_json(record, when_.now())));
        }
    }
    world_result result;
    result.violations = checker_.violations();
    result.sends = checker_.sends();
    result.deliveries = checker_.deliveries();
    result.turns = turns_;
    result.shards = static_cast<unsigned>(shards_.size());
    result.clients = static_cast<unsigned>(clients_.size() + options_.without_clients.size());
    result.steps = steps_;
    result.nodes = static_cast<unsigned>(nodes_);
    result.faults = faults_;
    result.orders = orders_;
    result.drains = drains_;
    result.last_lines = checker_.last_lines();
    for (const auto& [id, record] : control_->history()) {
        result.committed += record.result == control::switch_result::switched;
        result.aborted += record.result == control::switch_result::aborted;
    }
    return result;
}

world_result run_world(const world_options& options)
{
    return world{options}.run();
}

} // namespace sim
