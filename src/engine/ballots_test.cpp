// SPDX-License-Identifier: MIT
#include "engine/fixture.hpp"

namespace sennit::engine {
namespace {

using protocol::Verdict;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr std::size_t kMembers = 4;

class BallotsTest : public fixture::EngineTest {
  protected:
    /// Of the unfinalised block of that number.
    CertificatePtr certificate(std::size_t number, bool right = true) const {
        const auto facts = state_->facts(unfinalised_.at(number)->id);
        auto made = *chain_.certify(*state_, *facts);
        if (!right) made.signatures.front().bytes[3] ^= 1;
        return std::make_shared<const Certificate>(std::move(made));
    }
    static std::size_t signatures(const engine::Run& run) {
        return std::get<CheckSignatures>(run.job).checks.size();
    }
};

TEST_F(BallotsTest, check_one_certificate_a_target_and_a_handful_a_message) {
    const auto peer = come();
    protocol::Certificates same;
    same.certificates.assign(protocol::kCertificatesMax, certificate(7));
    const auto first = say(peer, same);
    ASSERT_THAT(checks_, SizeIs(1));
    EXPECT_EQ(signatures(checks_.front()), kMembers);
    finish_check();
    EXPECT_EQ(protocol_.settled.at(first), Verdict::accept);

    protocol::Certificates many;
    for (std::size_t number = 0; number < 7; ++number)
        many.certificates.push_back(certificate(number));
    say(peer, many);
    ASSERT_THAT(checks_, SizeIs(1));
    EXPECT_EQ(signatures(checks_.front()), 4 * kMembers);
}

TEST_F(BallotsTest, check_one_message_of_a_peer_at_a_time_and_then_the_latest) {
    const auto peer = come();
    say(peer, protocol::Certificates{{certificate(5)}, {}});
    const auto passed_over = say(peer, protocol::Certificates{{certificate(6)}, {}});
    const auto latest = say(peer, protocol::Certificates{{certificate(7)}, {}});
    EXPECT_THAT(checks_, SizeIs(1));
    EXPECT_EQ(protocol_.settled.at(passed_over), Verdict::ignore);
    const auto other = come();
    say(other, protocol::Certificates{{certificate(6)}, {}});
    EXPECT_THAT(checks_, SizeIs(2)) << "nobody waits for another";
    finish_check();
    EXPECT_THAT(checks_, SizeIs(2));
    finish_check();
    finish_check();
    EXPECT_EQ(protocol_.settled.at(latest), Verdict::accept);
    EXPECT_THAT(checks_, IsEmpty());
}

TEST_F(BallotsTest, forget_what_waits_of_who_left) {
    const auto peer = come();
    say(peer, protocol::Certificates{{certificate(5)}, {}});
    const auto waiting = say(peer, protocol::Certificates{{certificate(6)}, {}});
    leave(peer);
    EXPECT_EQ(protocol_.settled.at(waiting), Verdict::ignore);
    finish_check();
    EXPECT_THAT(checks_, IsEmpty());
    EXPECT_THAT(protocol_.settled, SizeIs(2));
}

TEST_F(BallotsTest, look_no_further_than_the_first_wrong_signature_of_a_certificate) {
    const auto peer = come();
    const auto receipt = say(peer, protocol::Certificates{{certificate(7, false)}, {}});
    ASSERT_THAT(checks_, SizeIs(1));
    const JobContext context{chain_.genesis(), chain_.genesis_id(), *store_, *state_};
    const auto result = engine::run(checks_.front().job, context);
    EXPECT_THAT(std::get<SignaturesChecked>(result).verdicts,
                ElementsAre(false, false, false, false));
    finish_check();
    EXPECT_EQ(protocol_.settled.at(receipt), Verdict::reject);
}

}  // namespace
}  // namespace sennit::engine
