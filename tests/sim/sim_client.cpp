#include "tests/sim/sim_client.hpp"

#include <algorithm>

namespace sim {

namespace {

constexpr char nul = '\0';

} // namespace

sim_client::sim_client(
    unsigned number, client_habits habits, scheduler& when, network& net, checker& check,
    std::vector<shard_driver*> shards, const heart_beats& beats, std::uint64_t seed)
    : number_(number), habits_(habits), when_(when), network_(net), checker_(check),
      shards_(std::move(shards)), beats_(beats), random_(seed, 10 + number),
      beat_random_(seed, 50'000 + number), work_random_(seed, 60'000 + number),
      forge_random_(seed, 90'000 + number), steps_left_(habits.steps)
{
    version_ = random_.chance(80) ? "1.2" : random_.chance(60) ? "1.1" : "1.0";
    login_ = random_.chance(70) ? "one" : "two";
}

sim_client::~sim_client()
{
    if (wire_) {
        wire_->to_other->orphan();
    }
}

void sim_client::begin()
{
    when_.after(random_.microseconds(0, habits_.pause_max_us * 4), [this] { connect(); });
}

void sim_client::connect()
{
    ++life_;
    checker_.take_slow(number_);
    parser_ = stomp::parser{stomp::peer::broker};
    buffer_.clear();
    connected_ = at_fault_ = being_slow_ = silent_ = false;
    refusals_ = 0;
    shard_ = shards_[static_cast<std::size_t>(random_.below(shards_.size()))];
    wire_ = network_.connect();
    const unsigned life = life_;
    wire_->to_other->on_bytes = [this] { on_bytes(); };
    wire_->to_other->on_end = [this, life](bool reset) {
        if (life == life_) {
            on_end(reset);
        }
    };
    state_ = state::connecting;
    shard_->accept(wire_, number_);
    std::string frame = "CONNECT\n";
    frame += is("1.0") ? "" : is("1.1") ? "accept-version:1.0,1.1\n" : "accept-version:1.1,1.2\n";
    frame += offer_beats();
    say(frame + "host:/\nlogin:" + login_ + "\npasscode:p\n\n" + nul);
    if (random_.chance(habits_.vanishes)) {
        when_.after(random_.microseconds(0, 4000), [this, life] {
            if (life == life_ && state_ == state::connecting) {
                vanish();
            }
        });
    }
}

void sim_client::say(std::string frame)
{
    if (checker_.tracing()) {
        std::string line = frame;
        std::ranges::replace(line, '\n', ' ');
        std::erase(line, nul);
        checker_.note("client " + std::to_string(number_) + " says " + line.substr(0, 120));
    }
    if (number_ % 3 == 0) { // as some do in every version
        std::string crlf;
        const std::size_t head = frame.find("\n\n") + 2;
        for (std::size_t i = 0; i < frame.size(); ++i) {
            crlf.append(frame[i] == '\n' && i < head ? "\r\n" : std::string(1, frame[i]));
        }
        frame = std::move(crlf);
    }
    wire_->to_gateway->write(frame);
}

std::string sim_client::ask(pending what)
{
    const std::string id = std::to_string(++last_receipt_);
    pending_[id] = std::move(what);
    return "receipt:" + id + "\n";
}

std::string sim_client::destination()
{
    static const std::vector<std::string> topics{"/topic/common", "/topic/a", "/topic/b.c"};
    if (habits_.stored && random_.chance(20)) {
        return random_.chance(50) ? "/queue/one" : "/queue/two";
    }
    return random_.chance(60) ? random_.one_of(topics)
                              : "/topic/own." + std::to_string(random_.below(3));
}

void sim_client::next_step()
{
    const unsigned life = life_;
    when_.after(random_.microseconds(100, habits_.pause_max_us), [this, life] {
        if (life == life_ && state_ == state::up) {
            step();
        }
    });
}

void sim_client::step()
{
    if (steps_left_ == 0 || silent_) {
        return;
    }
    --steps_left_;
    if (beats_.on && terms_.send_every.count() > 0 && beat_random_.chance(3)) {
        fall_silent();
        return;
    }
    act();
    if (state_ == state::up) {
        next_step();
    }
}

void sim_client::act()
{
    unsigned dice = static_cast<unsigned>(random_.below(100));
    const auto within = [&](unsigned percent) {
        const bool yes = dice < percent;
        dice = yes ? 0 : dice - percent;
        return yes;
    };
    if (within(habits_.slow)) {
        be_slow();
    } else if (within(habits_.vanishes)) {
        vanish();
    } else if (within(habits_.leaves)) {
        disconnect();
    } else if (within(habits_.mistakes)) {
        err();
    } else if (number_ % 3 == 0 && within(habits_.refused)) {
        be_refused();
    } else if (within(habits_.untried)) {
        subscribe_to_refused();
    } else if (subscriptions_.empty() || within(18)) {
        subscribe();
    } else if (within(8)) {
        unsubscribe();
    } else if (within(6)) {
        transaction();
    } else {
        send(within(6));
    }
}

void sim_client::subscribe()
{
    if (subscriptions_.size() >= 5) {
        return;
    }
    own_subscription made;
    made.destination = destination();
    made.broadcast = made.destination.starts_with("/topic/");
    made.named = !is("1.0") || random_.chance(50);
    // 1.0 without ids knows a subscription by its destination.
    const bool taken = std::ranges::any_of(
        subscriptions_, [&](const auto& s) { return s.destination == made.destination; });
    if (taken && (!made.named || is("1.0"))) {
        return;
    }
    made.id = made.named ? "sub-" + std::to_string(++last_subscription_) : "";
    using mode = own_subscription::mode;
    made.ack = random_.chance(60)   ? mode::automatic
               : random_.chance(50) ? mode::client
                                    : mode::individual;
    if (is("1.0") && made.ack == mode::individual) {
        made.ack = mode::client;
    }
    const std::string work = draw_work(made);
    made.record = checker_.on_subscribe(
        number_, shard_->number(), made.destination, made.broadcast, made.ack == mode::automatic);
    std::string frame = "SUBSCRIBE\ndestination:" + made.destination + "\n";
    frame += work;
    frame += made.named ? "id:" + made.id + "\n" : "";
    frame += made.ack == mode::automatic ? ""
             : made.ack == mode::client  ? "ack:client\n"
                                         : "ack:client-individual\n";
    if (random_.chance(85)) {
        frame += ask({pending::kind::subscribe, {}, made.record});
    }
    subscriptions_.push_back(made);
    say(frame + "\n" + nul);
}

// Its headers differ each time, so that what a gateway remembers of others is of no use (E10).
void sim_client::subscribe_to_refused()
{
    at_fault_ = true;
    say("SUBSCRIBE\nid:x\ndestination:/topic/rejected\nx-try:" +
        std::to_string(random_.below(1'000'000)) + "\nreceipt:x\n\n" + nul);
}

void sim_client::unsubscribe()
{
    const auto at = static_cast<std::size_t>(random_.below(subscriptions_.size()));
    own_subscription& s = subscriptions_[at];
    if (s.leaving) {
        return;
    }
    s.leaving = true;
    checker_.on_unsubscribe(s.record);
    std::string frame =
        "UNSUBSCRIBE\n" + (s.named ? "id:" + s.id : "destination:" + s.destination) + "\n";
    frame += ask({pending::kind::unsubscribe, {}, s.record});
    say(frame + "\n" + nul);
}

// Each connection is a publisher of its own: what one that vanished left on its way may come after
// the next one's.
message_key sim_client::next_key() noexcept
{
    return {number_ * checker::publishers_each + life_, ++last_number_};
}

std::string sim_client::send_frame(message_key key, const std::string& to, std::string_view more)
{
    checker_.on_send(key, to);
    unanswered_.push_back(key);
    const std::string body =
        body_of(key, static_cast<std::size_t>(random_.below(random_.chance(5) ? 1500 : 60)));
    std::string frame = "SEND\ndestination:" + to + "\n";
    frame += random_.chance(50) ? "content-length:" + std::to_string(body.size()) + "\n" : "";
    if (habits_.id_header) {
        frame += "x-id:" + std::to_string(key.publisher) + "-" + std::to_string(key.number) + "\n";
    }
    return frame.append(more) + "\n" + body + nul;
}

void sim_client::send(bool many)
{
    std::string burst;
    for (std::uint64_t n = many ? random_.between(3, 15) : 1; n > 0; --n) {
        const message_key key = next_key();
        std::string to = destination();
        if (habits_.streams && work_random_.chance(30)) {
            to = "/queue/stream";
        }
        std::string more;
        if (random_.chance(60)) {
            more = ask({pending::kind::send, {key}, {}});
        }
        if (habits_.asks > 0 && random_.chance(habits_.asks)) {
            more += "reply-to:/temp-queue/mine\n";
        }
        burst += send_frame(key, to, more);
    }
    say(std::move(burst));
}

void sim_client::transaction()
{
    const std::string id = "transaction:t" + std::to_string(last_receipt_) + "\n";
    std::string frames = "BEGIN\n" + id + (random_.chance(50) ? ask({}) : "") + "\n" + nul;
    const bool commits = random_.chance(75);
    std::vector<message_key> keys;
    for (std::uint64_t n = random_.between(0, 4); n > 0; --n) {
        const message_key key = next_key();
        keys.push_back(key);
        std::string more = id;
        if (random_.chance(30)) {
            more += commits ? ask({.what = pending::kind::send, .keys = {key}, .doubtful = true})
                            : ask({.refused = true}); // of what is thrown away nothing is answered
        }
        frames += send_frame(key, destination(), more);
        if (!commits) {
            checker_.on_send_dropped(key);
            unanswered_.pop_back();
        }
    }
    frames += commits ? "COMMIT\n" : "ABORT\n";
    if (random_.chance(70)) {
        frames += commits ? ask({.what = pending::kind::send, .keys = keys, .doubtful = true})
                          : ask({});
    }
    say(frames + id + "\n" + nul);
}

void sim_client::err()
{
    at_fault_ = true;
    static const std::vector<std::string> mistakes{
        "SEND\n\nno destination",
        "CONNECT\naccept-version:1.2\nhost:/\n\n",
        "UNSUBSCRIBE\nid:none\n\n",
        "NONSENSE\n\n",
        "SUBSCRIBE\nid:x\ndestination:/topic/rejected\nreceipt:x\n\n",
        "COMMIT\ntransaction:none\n\n"};
    const std::string& mistake = random_.one_of(mistakes);
    say((forge_random_.chance(50) ? forgery() : mistake) + nul);
}

// None of these is answered by a RECEIPT, forwarded, or of any effect to anybody else.
std::string sim_client::forgery()
{
    const std::string queue = "stomp-subscription-teal-00112233445566778899aabbccddeeff";
    const std::string number = std::to_string(1 + forge_random_.below(9));
    const std::string id = is("1.2") ? "id:" : "subscription:x\nmessage-id:";
    const std::vector<std::string> forgeries{
        "SUBSCRIBE\nid:x\nreceipt:x\ndestination:/amq/queue/" + queue + "\n\n",
        "SUBSCRIBE\nid:x\nreceipt:x\ndestination:/topic/common\nx-queue-name:" + queue + "\n\n",
        "SEND\nreceipt:x\ndestination:/amq/queue/" + queue + "\n\nforged",
        "SEND\nreceipt:x\ndestination:/topic/common\nteal-marker:s" + number + "+1\n\nforged",
        "SEND\nreceipt:x\ndestination:/topic/common\nteal-id:" + number + "\n\nforged",
        "ACK\nreceipt:x\n" + id + "00000000000000aa-" + number + "-1\n\n",
        "NACK\nreceipt:x\n" + id + "T_s" + number + "@@session-x@@1\n\n",
        "BEGIN\ntransaction:x\n\n" + std::string{nul} + "ACK\ntransaction:x\nreceipt:x\n" + id +
            number + "\n\n" + nul + "COMMIT\ntransaction:x\nreceipt:x\n\n"};
    return forge_random_.one_of(forgeries);
}

// A frame that is a frame, and that no broker takes. Where links break, the ERROR may be the last
// that came on one, and then the client is closed with it.
void sim_client::be_refused()
{
    static const std::vector<std::string> lives_on{
        "destination:/topic/bad/1\n", "destination:/topic/bad/2\n",
        "destination:/topic/a\npriority:high\n"};
    static const std::vector<std::string> ends{
        "destination:/exchange/nosuch/1\n", "destination:/topic/a\nexpiration:soon\n"};
    ++refusals_;
    const bool end = habits_.ends_links && random_.chance(30);
    at_fault_ |= end || habits_.in_doubt || habits_.may_be_closed;
    const bool in_transaction = random_.chance(20);
    const std::string receipt =
        random_.chance(60) ? ask({.what = pending::kind::send, .refused = true}) : "";
    if (end) {
        say("SEND\n" + random_.one_of(ends) + receipt + "\nbad" + nul);
    } else if (random_.chance(20)) {
        say("SUBSCRIBE\nid:bad-" + std::to_string(++last_subscription_) +
            "\ndestination:/nosuch/x\n" + receipt + "\n" + nul);
    } else if (in_transaction) {
        const std::string id = "transaction:b" + std::to_string(++last_subscription_) + "\n";
        say("BEGIN\n" + id + "\n" + nul + "SEND\n" + random_.one_of(lives_on) + id + "\nbad" +
            nul + "COMMIT\n" + id + receipt + "\n" + nul);
    } else {
        say("SEND\n" + random_.one_of(lives_on) + receipt + "\nbad" + nul);
    }
}

void sim_client::vanish()
{
    checker_.note("client " + std::to_string(number_) + " vanishes");
    if (random_.chance(20) && state_ == state::up) {
        say("SEND\ndestination:/topic/a\n\nhalf a fra");
    }
    if (random_.chance(50)) {
        wire_->to_gateway->finish();
    } else {
        wire_->cut(random_.chance(50));
    }
    checker_.on_client_vanished(number_);
    gone();
}

void sim_client::disconnect()
{
    state_ = state::leaving;
    left_ = when_.now();
    checker_.on_client_left(number_);
    const bool asks = random_.chance(70);
    say("DISCONNECT\n" + (asks ? ask({pending::kind::disconnect, unanswered_, {}}) : "") + "\n" +
        nul);
}

// The connection is over, by its own doing or not; after a while it comes back, where steps are
// left.
void sim_client::gone()
{
    ++life_;
    checker_.on_client_left(number_);
    wire_->to_other->orphan();
    being_slow_ = false;
    subscriptions_.clear();
    pending_.clear();
    unanswered_.clear();
    if (steps_left_ == 0) {
        state_ = state::over;
        return;
    }
    state_ = state::idle;
    const unsigned life = life_;
    when_.after(random_.milliseconds(1, 60), [this, life] {
        if (life == life_ && state_ == state::idle) {
            steps_left_ > 0 ? connect() : void(state_ = state::over);
        }
    });
}

void sim_client::be_slow()
{
    being_slow_ = true;
    wire_->to_other->reading = false;
    const unsigned life = life_;
    checker_.note("client " + std::to_string(number_) + " reads nothing for a while");
    when_.after(random_.milliseconds(5, habits_.slow_max_ms), [this, life] {
        if (life == life_) {
            read_again();
        }
    });
}

void sim_client::read_again()
{
    if (being_slow_) {
        being_slow_ = false;
        wire_->to_other->reading = true;
        heard_ = when_.now();
        on_bytes();
        if (wire_->to_other->ended && state_ != state::idle && state_ != state::over) {
            on_end(false);
        }
    }
}

void sim_client::finish()
{
    steps_left_ = 0;
    if (state_ == state::up) {
        disconnect();
    } else if (state_ == state::connecting) {
        vanish();
    }
}

} // namespace sim
