#include "tests/sim/flooder.hpp"

namespace sim {

namespace {

constexpr char nul = '\0';
constexpr std::size_t transactions = 8;

} // namespace

flooder::flooder(
    unsigned number, scheduler& when, network& net, std::vector<shard_driver*> shards,
    std::uint64_t seed, bool in_crowd)
    : number_(number), when_(when), network_(net), shards_(std::move(shards)),
      random_(seed, 760'000 + number), in_crowd_(in_crowd)
{
}

flooder::~flooder()
{
    if (wire_) {
        wire_->to_other->orphan();
    }
}

void flooder::begin()
{
    when_.after(random_.milliseconds(0, 50), [this] { connect(); });
}

void flooder::connect()
{
    if (over_) {
        return;
    }
    const unsigned life = ++life_;
    way_ = in_crowd_ ? way::crowd : static_cast<way>(random_.below(4));
    shard_driver* to = shards_[static_cast<std::size_t>(random_.below(shards_.size()))];
    wire_ = network_.connect();
    wire_->to_other->on_bytes = [this] { // what the gateway says does not matter
        std::string taken;
        wire_->to_other->take_into(taken);
    };
    wire_->to_other->on_end = [this, life](bool) {
        if (life == life_) {
            leave();
        }
    };
    to->accept(wire_, number_);
    const std::string own = std::to_string(number_) + "-" + std::to_string(life);
    std::string first = "CONNECT\naccept-version:1.2\nhost:/\npasscode:p\nlogin:";
    first += way_ == way::stranger ? "stranger-" + own + "\n" : "flood\n";
    first += way_ == way::crowd ? "x-who:" + own + "\n" : "";
    if (way_ != way::half_a_frame) {
        first += '\n';
        first += nul;
        for (std::size_t i = 0; way_ == way::transactions && i < transactions; ++i) {
            first += "BEGIN\ntransaction:t" + std::to_string(i) + "\n\n" + nul;
        }
    }
    if (way_ == way::crowd) {
        first += std::string{"SUBSCRIBE\nid:1\ndestination:/topic/flood\n\n"} + nul;
    }
    wire_->to_gateway->write(first);
    pour(life);
}

std::string flooder::send(std::size_t transaction, std::size_t bytes) const
{
    return "SEND\ndestination:/topic/flood\ntransaction:t" + std::to_string(transaction) + "\n\n" +
           std::string(bytes, 'f') + nul;
}

void flooder::pour(unsigned life)
{
    if (life != life_ || over_) {
        return;
    }
    if (wire_->to_gateway->waiting() < 64 * 1024) {
        const auto bytes = static_cast<std::size_t>(random_.between(100, 20'000));
        switch (way_) {
        case way::half_a_frame:
            wire_->to_gateway->write("x:" + std::string(bytes / 8, 'h') + "\n");
            break;
        case way::pile: // refused once they are interpreted: there is no such transaction
        case way::transactions:
            wire_->to_gateway->write(send(random_.below(transactions), bytes));
            break;
        case way::stranger:
        case way::crowd: break; // they only stay
        }
    }
    if (random_.chance(2)) {
        leave();
        return;
    }
    when_.after(random_.microseconds(50, 5000), [this, life] { pour(life); });
}

void flooder::leave()
{
    ++life_;
    wire_->cut(random_.chance(50)); // a FIN would lie behind what is not read
    wire_->to_other->orphan();
    if (!over_) {
        when_.after(random_.milliseconds(1, 30), [this] { connect(); });
    }
}

void flooder::finish()
{
    over_ = true;
    if (wire_) {
        leave();
    }
}

} // namespace sim
