#pragma once

// One client's STOMP session: what the client said, what it is owed, and where it stands in a
// switch. The router implements the table of switch.md "Session". Here are its states and what each
// of them allows.
//
// Threading:  belongs to one shard.
// Lifetime:   owned by the router's table. It knows links and wire subscriptions only by their
//             numbers.
// Invariants:
// (1) In waiting, quiescing, held and rebinding the client's frames are carried and not
//     interpreted: wants_client().
// (2) A receipt that the client asked for is answered at most once, whatever the colors do.
// (3) There is at most one binding per color.

#include "gateway/core/session/ledger.hpp"
#include "gateway/telemetry/metrics.hpp"
#include "gateway/core/session/reply_addresses.hpp"
#include "gateway/core/session/journal.hpp"
#include "gateway/core/session/sends.hpp"
#include "gateway/core/tables/share_group.hpp"
#include "gateway/core/session/transactions.hpp"
#include "gateway/memory/memory_budget.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gateway {

enum class session_state : std::uint8_t {
    connecting, // no CONNECTED yet; a broker is being found
    waiting,    // arrived from hold on: waits for the decision (S7)
    active,     // frames flow
    quiescing,  // hold received: frames carried, waiting for barriers and the standby
    held,       // settled, standby ready; waiting for commit or abort
    rebinding,  // part of the binding is lost; its subscriptions are bound again
    closing,    // no more frames from the client; ends when everything owed is answered
};
std::string_view to_string(session_state s) noexcept;

// How full the client's outbox is.
enum class backlog : std::uint8_t {
    below,
    over_mark, // above limits.client_outbox
    over_wall, // above eight times that
};

// All links of one session on one color.
struct binding {
    enum class phase : std::uint8_t {
        none,
        wanted, // links, trial or SUBSCRIBEs are missing
        ready,
        draining, // left by a switch; lingers while it still owes something
    };
    share_group* group = nullptr;
    link_id own = link_id::none;
    link_id publish = link_id::none; // == own where dedicated, or once SENDs moved there
    phase at = phase::none;
    bool moving = false; // SENDs wait until the publish link has proven the earlier ones
    bool queued = false; // in group->waiting or group->turns
};

// Fields that only a switch needs.
struct switch_part {
    explicit switch_part(memory_budget& budget) noexcept : receipts_held(&budget) {}

    // Green's receipts, which wait for blue's (S13).
    void keep_receipt(std::string_view receipt)
    {
        receipts.emplace_back(receipt);
        receipts_held.add(weight(receipt));
    }
    std::vector<std::string> take_receipts() noexcept
    {
        receipts_held.set(0);
        return std::exchange(receipts, {});
    }
    static std::size_t weight(std::string_view receipt) noexcept
    {
        return sizeof(std::string) + receipt.size();
    }

    net::time_point held_at{}, resumed_at{};
    std::vector<std::string> receipts;
    held_bytes<held_kind::receipts> receipts_held;
    bool adopted = false;              // the standby's links lingered from the switch before (S10)
    std::uint32_t owed_old = 0;        // answers that the old color owes
    std::uint8_t lost = 0;             // times the standby was lost (S9)
    bool ordered = false;              // had its CONNECTED at the prepare order (C3)
    bool counted = false;              // in the report's total
    bool ready = false, failed = false;
    bool excused = false; // failed, and not counted so: the new color refused its login (S18)
    std::string refused;  // what it said
    // Frames carried from the hold on are being interpreted: counted in the report.
    bool carried = false;
    bool live_lost = false; // its live binding lost a link while quiescing or held
};

enum class client_login : std::uint8_t {
    awaited,   // no CONNECT so far
    asked,     // CONNECT was read
    connected, // CONNECTED was written
};
enum class client_socket : std::uint8_t {
    open,
    gone,   // it ended: nothing can be written
    closed, // the driver was told to close it
};

// What only the first and the last moments of a session need, and those without a link: an idle
// one has none of it.
struct session_ends {
    std::string client_heart_beat, disconnect_receipt;
    net::time_point close_by{};
    net::time_point quota_by{}; // active, and waits for a link of its own: refused by then
    std::uint64_t wires_before = 0; // wire subscriptions made before it lost its own (M13)
    std::vector<std::pair<std::string, std::string>> handshake; // forwarded headers, until CONNECT
};

// Of the header of that name in raw lines, each with its LF; empty: there is none.
std::string_view value_in(std::string_view head, std::string_view name) noexcept;

std::size_t
bytes_of(const std::vector<std::pair<std::string, std::string>>& handshake) noexcept;

struct client_session {
    session_id id = session_id::none;
    session_state state = session_state::connecting;
    stomp::version version = stomp::version::v12;
    broker::color live = broker::color::blue;
    client_login login = client_login::awaited;
    client_socket client = client_socket::open;
    bool parked = false;
    bool on_own = false; // publishes on its own link
    backlog over_outbox = backlog::below;
    bool awaits_quota = false;  // limits.links_per_login: see login_quotas
    bool tries_apart = false;   // a SUBSCRIBE of it was refused: later ones on links of its own
    bool replies = false;       // SENDs with a temporary reply-to: they need a link of its own
    bool moving = false;        // its endpoint is drained and not left yet (M13)
    bool leaving = false;       // this gateway goes away: it gets nothing more to acknowledge
    std::uint8_t suspected = 0; // shared links that died with unproven SENDs of it
    std::uint8_t named = 0;     // ERRORs on shared links that were answers to its frames (E2)
    std::uint32_t owed = 0;     // answers with a client's receipt that links owe
    std::uint32_t open_subscribes = 0; // SUBSCRIBEs of the client that no broker has answered
    std::uint32_t seams = 0;           // joining ones
    std::uint32_t forced_seams = 0;    // forced ones whose old color is still subscribed
    identity* who = nullptr;
    broker::per_color<binding> bindings;
    session_journal journal;
    delivery_ledger ledger;
    std::unique_ptr<transaction_buffer> transactions;
    std::unique_ptr<std::vector<buffered_frame>> waiting; // in order; front first
    std::unique_ptr<switch_part> part;
    std::unique_ptr<reply_addresses> answers; // null: it neither asked nor was asked (S12)
    std::size_t waiting_bytes = 0;
    link_id last_send_link = link_id::none;
    std::uint64_t last_send = 0;                   // its number on that link
    silent_sends silent;                           // on last_send_link
    std::optional<disconnect_reason> close_wanted; // decided while frames were carried (S4)
    std::string peer;
    std::unique_ptr<client_origin> origin; // null: nobody is to be told
    std::unique_ptr<session_ends> rare_part;
    net::time_point since{}, parked_since{};
    control::switch_number pinned = 0; // by that switch (S8); 0: it is not
    net::time_point pin_until{};       // pin_timeout; once bound, how long it drains
    std::uint64_t stalled_written = 0, frames_in = 0, frames_out = 0;

    session_ends& rare()
    {
        if (!rare_part) {
            rare_part = std::make_unique<session_ends>();
        }
        return *rare_part;
    }
    binding& now() noexcept { return bindings[live]; }
    const binding& now() const noexcept { return bindings[live]; }
    binding& other() noexcept { return bindings[broker::other(live)]; }
    bool closing() const noexcept { return state == session_state::closing; }
    bool connect_seen() const noexcept { return login != client_login::awaited; }
    bool connected() const noexcept { return login == client_login::connected; }
};

// The budget of an idle session, which there are many of (design.md section 4;
// tests/e2e/memory.test measures the whole).
static_assert(sizeof(client_session) <= 384 && sizeof(subscription) <= 104);

// Whether the next frame of the client may be interpreted (invariant (1)).
inline constexpr std::size_t waiting_bytes_max = 64 * 1024;
inline bool wants_client(const client_session& s) noexcept
{
    return (s.state == session_state::connecting && !s.connect_seen()) ||
           (s.state == session_state::active && s.waiting_bytes <= waiting_bytes_max);
}

} // namespace gateway
