#pragma once

// Decides what a broker's MESSAGE is: a marker, one of a pair, or a client's.
//
// Threading:  belongs to one shard.

#include "gateway/core/binding/endpoint_moves.hpp"
#include "gateway/core/binding/lingering_links.hpp"
#include "gateway/core/markers/cluster_survey.hpp"
#include "gateway/core/markers/rejoin_markers.hpp"
#include "gateway/core/messages/to_client.hpp"
#include "gateway/core/seams/seam_table.hpp"
#include "gateway/core/subscriptions/wire_pairing.hpp"
#include "gateway/core/switching/switch_member.hpp"

namespace gateway {

class broker_messages : workbench {
public:
    broker_messages(
        shard_state& shard, to_client& to_client, cluster_survey& survey, rejoin_markers& fences,
        wire_pairing& pairing, seam_table& seams, lingering_links& lingering, endpoint_moves&
        moves, switch_member& member) noexcept
        : workbench(shard), to_client_(to_client), survey_(survey), fences_(fences),
          pairing_(pairing), seams_(seams), lingering_(lingering), moves_(moves),
          member_(member)
    {
    }

    void on_message(
        link_record& l, wire_subscription& w, const stomp::frame_view& frame, framing as,
        time_point now);
    void on_reply(link_record& l, const stomp::frame_view& frame, framing as, time_point now);

private:
    bool goes_back(
        const wire_subscription& w, const link_record& l, const stomp::frame_view& frame) const;
    void on_marker(wire_subscription& w, std::string_view mark, time_point now);

    to_client& to_client_;
    cluster_survey& survey_;
    rejoin_markers& fences_;
    wire_pairing& pairing_;
    seam_table& seams_;
    lingering_links& lingering_;
    endpoint_moves& moves_;
    switch_member& member_;
};

} // namespace gateway
