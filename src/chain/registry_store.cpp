// SPDX-License-Identifier: MIT
#include "chain/registry_store.hpp"

#include <algorithm>

#include "chain/registry_abi.hpp"
#include "chain/reserved.hpp"
#include "crypto/keccak.hpp"

namespace sennit::chain {

namespace {

constexpr std::uint64_t kHeadSlot = 0;
constexpr std::uint64_t kSetHashSlot = 1;
constexpr std::uint64_t kCandidateMapping = 2;
constexpr std::uint64_t kKeyMapping = 3;
constexpr std::uint64_t kSetsSlot = 4;
constexpr std::uint64_t kMemberWords = 3;
constexpr std::uint64_t kSetWords = 2 + kValidatorsMax * kMemberWords;
constexpr std::uint64_t kSetsInRing = 3;
constexpr std::uint64_t kListSlot = kSetsSlot + kSetsInRing * kSetWords;

// Words of one candidate, from the mapping's slot.
constexpr std::uint64_t kStatusWord = 0;
constexpr std::uint64_t kValidatorKeyWord = 1;
constexpr std::uint64_t kNodeKeyWord = 2;
constexpr std::uint64_t kPayoutWord = 3;
constexpr std::uint64_t kStakeWord = 4;
constexpr std::uint64_t kAddressesHashWord = 5;
constexpr std::uint64_t kAddressesWord = 6;
constexpr std::uint64_t kCandidateWords = kAddressesWord + kAddressesSizeMax / Word::kSize;

Error damaged(std::string_view what) {
    return Error{Errc::io, what};
}

/// Fields of a struct in one word, as Solidity packs them: the first in the lowest bytes.
class Packer {
  public:
    template <std::unsigned_integral T>
    Packer& put(T value) {
        for (std::size_t i = 0; i < sizeof(T); ++i) {
            word_.bytes[--end_] = static_cast<std::uint8_t>(value >> (8 * i));
        }
        return *this;
    }
    Packer& put(Amount value) {
        return put(static_cast<std::uint64_t>(value)).put(static_cast<std::uint64_t>(value >> 64));
    }
    Packer& put(const Address& address) {
        end_ -= Address::kSize;
        std::copy(address.bytes.begin(), address.bytes.end(),
                  word_.bytes.begin() + static_cast<std::ptrdiff_t>(end_));
        return *this;
    }
    const Word& word() const { return word_; }

  private:
    Word word_;
    std::size_t end_{Word::kSize};
};

/// The inverse, in the same order.
class Unpacker {
  public:
    explicit Unpacker(const Word& word) : word_{word} {}

    template <std::unsigned_integral T>
    T get() {
        T value{0};
        for (std::size_t i = 0; i < sizeof(T); ++i) {
            value = static_cast<T>(value | static_cast<T>(T{word_.bytes[--end_]} << (8 * i)));
        }
        return value;
    }
    Amount amount() {
        const Amount low = get<std::uint64_t>();
        return low | Amount{get<std::uint64_t>()} << 64;
    }
    Address address() {
        end_ -= Address::kSize;
        return Address::from(word_.view().subspan(end_, Address::kSize));
    }

  private:
    Word word_;
    std::size_t end_{Word::kSize};
};

/// base + offset modulo 2^256.
Word plus(Word base, std::uint64_t offset) {
    std::uint64_t carry = offset;
    for (std::size_t i = Word::kSize; i-- > 0 && carry != 0;) {
        const std::uint64_t sum = base.bytes[i] + (carry & 0xff);
        base.bytes[i] = static_cast<std::uint8_t>(sum);
        carry = (carry >> 8) + (sum >> 8);
    }
    return base;
}

Word fixed_slot(std::uint64_t slot) {
    return abi::word_from(Uint128{slot});
}

Word mapping_slot(const Word& key, std::uint64_t mapping) {
    const auto digest =
        crypto::Keccak256{}.update(key.view()).update(fixed_slot(mapping).view()).finish();
    return Word::from(digest.view());
}

Word candidate_slot(const Address& account) {
    return mapping_slot(abi::word_from(account), kCandidateMapping);
}

Word set_slot(std::uint32_t version) {
    return fixed_slot(kSetsSlot + version % kSetsInRing * kSetWords);
}

}  // namespace

Result<Word> RegistryStore::load(const Word& key) {
    return state_.slot(kRegistryAddress, key);
}

void RegistryStore::store(const Word& key, const Word& value) {
    state_.set_slot(kRegistryAddress, key, value);
}

Result<RegistryStore::Head> RegistryStore::head() {
    SENNIT_TRY(const auto word, load(fixed_slot(kHeadSlot)));
    Unpacker fields{word};
    Head head;
    head.version = fields.get<std::uint32_t>();
    head.candidates = fields.get<std::uint16_t>();
    head.first_slot = Slot{fields.get<std::uint64_t>()};
    if (head.candidates > kCandidatesMax) return damaged("registry lists over 256 candidates");
    return head;
}

void RegistryStore::set_head(const Head& head) {
    store(fixed_slot(kHeadSlot),
          Packer{}.put(head.version).put(head.candidates).put(head.first_slot.value).word());
}

Result<Digest> RegistryStore::set_hash() {
    SENNIT_TRY(const auto word, load(fixed_slot(kSetHashSlot)));
    return Digest::from(word.view());
}

void RegistryStore::set_set_hash(const Digest& hash) {
    store(fixed_slot(kSetHashSlot), Word::from(hash.view()));
}

Result<Address> RegistryStore::listed(std::size_t index) {
    SENNIT_TRY(const auto word, load(fixed_slot(kListSlot + index)));
    return Unpacker{word}.address();
}

void RegistryStore::set_listed(std::size_t index, const Address& account) {
    SENNIT_ASSERT(index < kCandidatesMax);
    store(fixed_slot(kListSlot + index), abi::word_from(account));
}

Result<Candidate> RegistryStore::candidate(const Address& account) {
    const Word base = candidate_slot(account);
    SENNIT_TRY(const auto status_word, load(plus(base, kStatusWord)));
    Unpacker status{status_word};
    Candidate candidate;
    const auto code = status.get<std::uint8_t>();
    if (code > static_cast<std::uint8_t>(Candidate::Status::barred)) {
        return damaged("registry holds an unknown status");
    }
    candidate.status = static_cast<Candidate::Status>(code);
    if (candidate.status == Candidate::Status::none) return candidate;
    candidate.listed = status.get<std::uint8_t>() != 0;
    const std::size_t addresses_size = status.get<std::uint8_t>();
    candidate.unbonding_since = status.get<std::uint64_t>();
    if (addresses_size > kAddressesSizeMax) return damaged("registry holds oversized addresses");

    SENNIT_TRY(const auto validator_key, load(plus(base, kValidatorKeyWord)));
    candidate.validator_key = ValidatorKey::from(validator_key.view());
    SENNIT_TRY(const auto node_key, load(plus(base, kNodeKeyWord)));
    candidate.node_key = NodeId::from(node_key.view());
    SENNIT_TRY(const auto payout, load(plus(base, kPayoutWord)));
    candidate.payout = Unpacker{payout}.address();
    SENNIT_TRY(const auto stake, load(plus(base, kStakeWord)));
    Unpacker amounts{stake};
    candidate.stake = amounts.amount();
    candidate.unbonding = amounts.amount();
    for (std::uint64_t i = 0; candidate.addresses.size() < addresses_size; ++i) {
        SENNIT_TRY(const auto part, load(plus(base, kAddressesWord + i)));
        const auto wanted = std::min(Word::kSize, addresses_size - candidate.addresses.size());
        const auto bytes = part.view().first(wanted);
        candidate.addresses.insert(candidate.addresses.end(), bytes.begin(), bytes.end());
    }
    return candidate;
}

void RegistryStore::set_candidate(const Address& account, const Candidate& candidate) {
    const Word base = candidate_slot(account);
    if (candidate.status == Candidate::Status::none) {
        for (std::uint64_t i = 0; i < kCandidateWords; ++i) store(plus(base, i), Word{});
        return;
    }
    SENNIT_ASSERT(candidate.addresses.size() <= kAddressesSizeMax);
    store(plus(base, kStatusWord), Packer{}
                                       .put(static_cast<std::uint8_t>(candidate.status))
                                       .put(std::uint8_t{candidate.listed})
                                       .put(static_cast<std::uint8_t>(candidate.addresses.size()))
                                       .put(candidate.unbonding_since)
                                       .word());
    store(plus(base, kValidatorKeyWord), Word::from(candidate.validator_key.view()));
    store(plus(base, kNodeKeyWord), Word::from(candidate.node_key.view()));
    store(plus(base, kPayoutWord), abi::word_from(candidate.payout));
    store(plus(base, kStakeWord), Packer{}.put(candidate.stake).put(candidate.unbonding).word());
    const auto hash = crypto::keccak256(candidate.addresses);
    store(plus(base, kAddressesHashWord), Word::from(hash.view()));
    auto padded = candidate.addresses;
    padded.resize(kAddressesSizeMax);
    for (std::size_t i = 0; i < kAddressesSizeMax / Word::kSize; ++i) {
        store(plus(base, kAddressesWord + i),
              Word::from(BytesView{padded}.subspan(i * Word::kSize, Word::kSize)));
    }
}

Result<KeyUse> RegistryStore::key_use(BytesView key) {
    SENNIT_TRY(const auto word, load(mapping_slot(Word::from(key), kKeyMapping)));
    Unpacker fields{word};
    KeyUse use;
    use.account = fields.address();
    const auto role = fields.get<std::uint8_t>();
    use.role = role == 0 ? KeyRole::validator : KeyRole::node;
    use.used = fields.get<std::uint8_t>() != 0;
    use.barred = fields.get<std::uint8_t>() != 0;
    return use;
}

void RegistryStore::set_key_use(BytesView key, const KeyUse& use) {
    store(mapping_slot(Word::from(key), kKeyMapping), Packer{}
                                                          .put(use.account)
                                                          .put(static_cast<std::uint8_t>(use.role))
                                                          .put(std::uint8_t{use.used})
                                                          .put(std::uint8_t{use.barred})
                                                          .word());
}

Result<std::optional<ValidatorSet>> RegistryStore::frozen(std::uint32_t version) {
    const Word base = set_slot(version);
    SENNIT_TRY(const auto word, load(base));
    Unpacker fields{word};
    ValidatorSet set;
    set.version = fields.get<std::uint32_t>();
    const std::size_t count = fields.get<std::uint16_t>();
    set.first_slot = Slot{fields.get<std::uint64_t>()};
    if (set.version != version || count == 0) return std::optional<ValidatorSet>{};
    if (count > kValidatorsMax) return damaged("registry holds a set of over 100 members");
    for (std::size_t i = 0; i < count; ++i) {
        const Word at = plus(base, 2 + i * kMemberWords);
        Member member;
        SENNIT_TRY(const auto key, load(at));
        member.key = ValidatorKey::from(key.view());
        SENNIT_TRY(const auto account, load(plus(at, 1)));
        member.account = Unpacker{account}.address();
        SENNIT_TRY(const auto payout, load(plus(at, 2)));
        Unpacker last{payout};
        member.payout = last.address();
        member.weight = last.get<std::uint64_t>();
        set.members.push_back(member);
    }
    return std::optional{std::move(set)};
}

Result<void> RegistryStore::freeze(const ValidatorSet& set) {
    SENNIT_ASSERT(!set.members.empty() && set.members.size() <= kValidatorsMax);
    const Word base = set_slot(set.version);
    SENNIT_TRY(const auto old, load(base));
    Unpacker old_fields{old};
    old_fields.get<std::uint32_t>();
    const std::size_t old_count = old_fields.get<std::uint16_t>();

    const auto count = static_cast<std::uint16_t>(set.members.size());
    store(base, Packer{}.put(set.version).put(count).put(set.first_slot.value).word());
    const Quorum alone{std::make_shared<const ValidatorSet>(set), nullptr};
    store(plus(base, 1), Word::from(alone.set_hash().view()));
    for (std::size_t i = 0; i < std::max<std::size_t>(count, old_count); ++i) {
        const Word at = plus(base, 2 + i * kMemberWords);
        const Member member = i < count ? set.members[i] : Member{};
        store(at, Word::from(member.key.view()));
        store(plus(at, 1), abi::word_from(member.account));
        store(plus(at, 2), Packer{}.put(member.payout).put(member.weight).word());
    }
    return {};
}

}  // namespace sennit::chain
