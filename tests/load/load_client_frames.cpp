// What a client says and how it takes what it is told; its connection is in load_client.cpp.

#include "tests/load/load_client.hpp"

#include <charconv>
#include <optional>

namespace load {
namespace {

constexpr stomp::heart_beat_offer our_beats{std::chrono::seconds{10}, std::chrono::seconds{10}};
constexpr std::uint32_t cumulative_ack_every = 10;
constexpr std::string_view flush_receipt = "flush";
constexpr std::string_view leave_receipt = "bye";
constexpr std::string_view subscribe_receipt = "sub-"; // and the letter of the subscription

// The subscription's id is the letter of its kind.
std::optional<stream_kind> kind_of_letter(std::string_view id) noexcept
{
    for (const stream_kind kind : all_kinds) {
        if (id.size() == 1 && id[0] == letter(kind)) {
            return kind;
        }
    }
    return std::nullopt;
}

std::string versions_text(const std::vector<stomp::version>& versions)
{
    std::string text;
    for (const stomp::version v : versions) {
        text += (text.empty() ? "" : ",") + std::string{to_string(v)};
    }
    return text;
}

} // namespace

std::string_view to_string(ack_mode mode) noexcept
{
    switch (mode) {
    case ack_mode::automatic: return "auto";
    case ack_mode::cumulative: return "client";
    case ack_mode::individual: return "client-individual";
    }
    return "";
}

void load_client::on_open()
{
    stomp::serializer& w = commons_.writer.begin(stomp::command::connect);
    w.raw("accept-version", versions_text(settings_.target.versions));
    w.raw("host", settings_.virtual_host);
    w.raw("heart-beat", stomp::to_string(our_beats));
    if (!settings_.login.empty() || settings_.login_per_client) {
        std::string login = settings_.login.empty() ? "load" : settings_.login;
        if (settings_.login_per_client) {
            login += "-" + std::to_string(number_);
        }
        w.raw("login", login);
        w.raw("passcode", settings_.passcode);
    }
    state_ = state::logging_in;
    write(w.end());
}

void load_client::on_frame(const stomp::frame_view& frame)
{
    switch (frame.command) {
    case stomp::command::message: on_message(frame); return;
    case stomp::command::receipt: on_receipt_frame(frame.find("receipt-id").value_or("")); return;
    case stomp::command::error: on_error_frame(frame); return;
    case stomp::command::connected:
        if (state_ == state::logging_in) {
            subscribe(frame);
            return;
        }
        break;
    default: break;
    }
    owner_.on_error(number_, "unexpected " + std::string{to_string(frame.command)} + " frame");
}

void load_client::subscribe(const stomp::frame_view& connected)
{
    const std::string_view said = connected.find("version").value_or("1.0");
    for (const stomp::version v : settings_.target.versions) {
        if (to_string(v) == said) {
            version_ = v;
        }
    }
    stream_.set_version(version_);
    const auto theirs = stomp::parse_heart_beat(connected.find("heart-beat").value_or("0,0"));
    const auto terms = stomp::negotiate(our_beats, theirs.value_or(stomp::heart_beat_offer{}));
    beat_ = stomp::heart_beat{terms, loop().now()};
    loop().timers().arm(beat_timer_, beat_.next_deadline());

    state_ = state::subscribing;
    for (const stream_kind kind : all_kinds) {
        if (!plan_.uses(kind)) {
            continue;
        }
        const std::string id(1, letter(kind));
        const ack_mode acks = kind == stream_kind::queue ? settings_.acks : ack_mode::automatic;
        stomp::serializer& w = commons_.writer.begin(stomp::command::subscribe);
        w.raw("id", id).raw("destination", destinations_[index(kind)]);
        w.raw("ack", to_string(acks)).raw("receipt", std::string{subscribe_receipt} + id);
        ++subscriptions_open_;
        write(w.end());
    }
}

void load_client::on_message(const stomp::frame_view& frame)
{
    const auto kind = kind_of_letter(frame.find("subscription").value_or(""));
    if (!kind || !plan_.uses(*kind)) {
        owner_.on_error(number_, "MESSAGE for no subscription of this client");
        return;
    }
    if (*kind == stream_kind::queue && settings_.acks != ack_mode::automatic) {
        acknowledge(frame);
    }
    if (frame.body == numbered_body::flush) {
        return;
    }
    const std::optional<message_number> number = commons_.body.decode(frame.body);
    if (!number) {
        owner_.on_error(number_, "MESSAGE whose body nobody sent");
        return;
    }
    const bool again = frame.find("redelivered").value_or("") == "true";
    owner_.on_delivery(number_, *kind, *number, again ? redelivered::yes : redelivered::no);
}

void load_client::acknowledge(const stomp::frame_view& message)
{
    // 1.2 gives an id for it; before, the message-id is the one.
    const char* const name = version_ == stomp::version::v12 ? "ack" : "message-id";
    const std::string_view id = message.find(name).value_or("");
    if (settings_.acks == ack_mode::individual) {
        write_ack(id);
        return;
    }
    if (++unacked_ >= cumulative_ack_every) {
        write_ack(id);
        unacked_ = 0;
    } else {
        ack_pending_ = id;
    }
}

void load_client::write_ack(std::string_view id)
{
    stomp::serializer& w = commons_.writer.begin(stomp::command::ack);
    if (version_ == stomp::version::v12) {
        w.raw("id", id);
    } else {
        w.raw("message-id", id).raw("subscription", std::string(1, letter(stream_kind::queue)));
    }
    write(w.end());
}

void load_client::on_receipt_frame(std::string_view id)
{
    if (id.starts_with(subscribe_receipt) && state_ == state::subscribing) {
        if (--subscriptions_open_ == 0) {
            state_ = state::ready;
            owner_.on_subscribed(number_);
        }
        return;
    }
    if (id == flush_receipt) {
        owner_.on_flushed(number_);
        return;
    }
    if (id == leave_receipt && state_ == state::leaving) {
        on_left();
        return;
    }
    const char* const end = id.data() + id.size();
    std::uint32_t sequence = 0;
    const auto kind = kind_of_letter(id.substr(0, 1));
    if (!kind || !plan_.uses(*kind) || std::from_chars(id.data() + 1, end, sequence).ptr != end) {
        owner_.on_error(number_, "RECEIPT that nobody asked for: " + std::string{id});
        return;
    }
    owner_.on_receipt({number_, *kind}, sequence);
}

void load_client::on_error_frame(const stomp::frame_view& frame)
{
    std::string what = "ERROR " + std::string{frame.find("message").value_or("")};
    if (!frame.body.empty()) {
        what += ": " + std::string{frame.body.substr(0, 200)};
    }
    owner_.on_error(number_, std::move(what));
}

void load_client::send(const message_number& number, wrapped how)
{
    const bool receipt = settings_.confirm == confirmation::receipts;
    const std::string id = letter(number.kind) + std::to_string(number.sequence);
    if (how == wrapped::in_transaction) {
        write(commons_.writer.begin(stomp::command::begin).raw("transaction", id).end());
    }
    const std::string_view body = commons_.body.encode(number);
    stomp::serializer& w = commons_.writer.begin(stomp::command::send);
    w.raw("destination", destinations_[index(number.kind)]);
    if (how == wrapped::in_transaction) {
        w.raw("transaction", id);
    } else if (receipt) {
        w.raw("receipt", id);
    }
    if (!settings_.id_header.empty()) { // never the same twice, in this run or another
        w.raw(settings_.id_header, settings_.run + '-' + std::to_string(number_) + id);
    }
    w.number("content-length", body.size());
    write(w.end(body));
    if (how == wrapped::in_transaction) {
        w.begin(stomp::command::commit).raw("transaction", id);
        if (receipt) {
            w.raw("receipt", id); // only the COMMIT makes the SEND happen
        }
        write(w.end());
    }
}

void load_client::flush_sends()
{
    // To a topic with a subscriber: some brokers never confirm what they could not route.
    const stream_kind kind = plan_.uses(stream_kind::own) ? stream_kind::own : stream_kind::common;
    stomp::serializer& w = commons_.writer.begin(stomp::command::send);
    w.raw("destination", destinations_[index(kind)]).raw("receipt", flush_receipt);
    if (!settings_.id_header.empty()) {
        w.raw(settings_.id_header, settings_.run + '-' + std::to_string(number_) + "flush");
    }
    w.number("content-length", numbered_body::flush.size());
    write(w.end(numbered_body::flush));
}

void load_client::leave()
{
    if (state_ != state::ready) {
        return;
    }
    if (unacked_ != 0) {
        write_ack(ack_pending_);
        unacked_ = 0;
    }
    state_ = state::leaving;
    write(commons_.writer.begin(stomp::command::disconnect).raw("receipt", leave_receipt).end());
}

} // namespace load
