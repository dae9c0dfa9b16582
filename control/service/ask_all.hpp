#pragma once

// Asks every member the same question and calls back once: with all answers, or with those that
// arrived in time.
//
// Threading:  control thread. Members call back there.
// Lifetime:   the question lives in its callbacks and its timer. An answer that arrives after the
//             timer finds the question closed.

#include "broker/net/waitable_timer.hpp"
#include "control/protocol/member_port.hpp"

#include <boost/asio/io_context.hpp>

#include <functional>
#include <memory>
#include <utility>
#include <vector>

namespace control {

template <class Answer>
using member_answers = std::vector<std::pair<member_number, Answer>>;

template <class Answer, class Ask>
void ask_all(
    boost::asio::io_context& context, const std::vector<member_port*>& members, net::duration limit,
    Ask ask, std::function<void(member_answers<Answer>)> done)
{
    struct question {
        question(boost::asio::io_context& where, std::function<void(member_answers<Answer>)> then)
            : timer(where), finish(std::move(then))
        {
        }
        void close()
        {
            timer.cancel();
            if (finish) {
                std::exchange(finish, nullptr)(std::move(answers));
            }
        }
        net::waitable_timer timer;
        std::function<void(member_answers<Answer>)> finish;
        member_answers<Answer> answers;
    };
    const auto open = std::make_shared<question>(context, std::move(done));
    open->timer.expires_after(limit);
    open->timer.async_wait([open](const boost::system::error_code& error) {
        if (!error) {
            open->close();
        }
    });
    for (member_number i = 0; i < members.size(); ++i) {
        ask(*members[i], [open, i, wanted = members.size()](Answer answer) {
            if (!open->finish) {
                return;
            }
            open->answers.emplace_back(i, std::move(answer));
            if (open->answers.size() == wanted) {
                open->close();
            }
        });
    }
}

// One member's numbers added to another's; endpoints are the same list on every member.
void add(member_snapshot& sum, const member_snapshot& one);

} // namespace control
