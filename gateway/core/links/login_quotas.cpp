#include "gateway/core/links/login_quotas.hpp"

#include <algorithm>

namespace gateway {

namespace {

constexpr auto told_every = std::chrono::seconds{60};

} // namespace

void login_quotas::on_link(share_group& g, link_role role, bool gone, time_point now)
{
    std::size_t& links = role == link_role::own ? g.own_links : g.shared_links;
    links += gone ? std::size_t(-1) : 1;
    recount(g, now);
}

void login_quotas::recount(share_group& g, time_point now)
{
    const std::size_t shared = g.shared_links == 0 ? 0
                               : g.dedicated       ? g.shared_links
                                                   : std::max<std::size_t>(g.shared_links, 2);
    const std::size_t worth = g.own_links + shared;
    quota& of_login = quotas_[g.who->login_digest];
    of_login.links[g.at.color] += worth - g.charged;
    std::size_t room = worth < g.charged ? g.charged - worth : 0;
    g.charged = worth;
    while (room-- > 0 && !of_login.waiting.empty()) {
        const std::uint64_t next = *of_login.waiting.begin();
        of_login.waiting.erase(of_login.waiting.begin());
        at(now, due::session_retry, next);
    }
    if (of_login.waiting.empty() && of_login.links.blue + of_login.links.green == 0) {
        quotas_.erase(g.who->login_digest);
    }
}

bool login_quotas::has_room(const share_group& g, std::size_t more) const
{
    if (settings_.links_per_login == 0 || g.at.color != shard_.live) {
        return true;
    }
    const auto at = quotas_.find(g.who->login_digest);
    const std::size_t now = at == quotas_.end() ? 0 : at->second.links[g.at.color];
    return now + more <= std::max(settings_.links_per_login, more); // one session fits always
}

bool login_quotas::admits(
    const share_group& g, client_session& s, std::size_t more, time_point now)
{
    if (has_room(g, more)) {
        forget(s);
        return true;
    }
    quota& of_login = quotas_[g.who->login_digest];
    if (!s.awaits_quota) {
        s.awaits_quota = true;
        ++counters_.login_waits;
        ++counters_.login_limited;
    }
    of_login.waiting.insert(number(s.id)); // also one whose turn it was, for too little
    if (of_login.told == time_point{} || now >= of_login.told + told_every) {
        of_login.told = now;
        out_.log(
            log_level::warning, "login \"" + std::string{g.who->login} + "\" has " +
                   std::to_string(of_login.links[g.at.color]) + " links to " + name_of(g.at) +
                   "'s color: more of its sessions wait (limits.links_per_login)");
    }
    return false;
}

void login_quotas::forget(client_session& s)
{
    if (!s.awaits_quota) {
        return;
    }
    s.awaits_quota = false;
    --counters_.login_waits;
    if (const auto at = quotas_.find(s.who->login_digest); at != quotas_.end()) {
        at->second.waiting.erase(number(s.id));
    }
}

} // namespace gateway
