// SPDX-License-Identifier: MIT
#include "engine/parts.hpp"

namespace sennit::engine {

Bytes encode(const SetProof& proof) {
    const auto set = chain::encode(*proof.set);
    Writer out{set.size() + 512};
    out.le(static_cast<std::uint32_t>(set.size())).raw(set);
    sennit::encode(*proof.certificate, out);
    return std::move(out).take();
}

Result<SetProof> decode_proof(BytesView bytes) {
    Reader in{bytes};
    SENNIT_TRY(auto size, in.le<std::uint32_t>());
    SENNIT_TRY(auto raw, in.take(size));
    SENNIT_TRY(auto set, chain::decode_validator_set(raw));
    SENNIT_TRY(auto certificate, decode_certificate(in));
    SENNIT_TRY(in.finish());
    return SetProof{std::make_shared<const ValidatorSet>(std::move(set)),
                    std::make_shared<const Certificate>(std::move(certificate))};
}

namespace {

/// The newest held certificates, by target; and the newest that finalises.
Result<void> load_certificates(const chain::Store& store, Slot from, Setup& setup,
                               std::map<BlockId, CertificatePtr>& by_target) {
    Writer key;
    key.be(from.value);
    std::optional<Error> broken;
    SENNIT_TRY(
        store.scan(chain::Column::certificates, key.bytes(), [&](BytesView, BytesView value) {
            auto certificate = decode_certificate(value);
            if (!certificate) {
                broken = certificate.error();
                return false;
            }
            auto shared = std::make_shared<const Certificate>(*std::move(certificate));
            if (shared->finalises()) setup.finality = shared;
            by_target[shared->link.target.id] = std::move(shared);
            return true;
        }));
    if (broken) return *broken;
    return {};
}

Result<std::optional<Bytes>> value(const chain::Store& store, chain::Column column,
                                   std::string_view key) {
    return store.get(column, as_bytes(key));
}

}  // namespace

Result<Setup> load_setup(chain::State& state, const chain::Store& store) {
    Setup setup;
    setup.base = state.base();
    setup.recent = recent_ancestors(state, *setup.base);
    SENNIT_TRY(setup.view, state.view(setup.base->id));
    std::map<BlockId, CertificatePtr> certificates;
    SENNIT_TRY(load_certificates(store, setup.base->slot, setup, certificates));
    if (const auto found = certificates.find(setup.base->id); found != certificates.end()) {
        setup.base_certificate = found->second;
    }
    for (const auto& facts : state.layers()) {
        SENNIT_TRY(auto block, chain::stored_block(store, facts->id));
        if (!block)
            return Error{Errc::io, "a stored layer without its block", Error::kNowhere,
                         to_hex(facts->id)};
        SENNIT_TRY(auto view, state.view(facts->id));
        const auto certificate = certificates.find(facts->id);
        setup.layers.push_back({facts, std::move(block),
                                certificate == certificates.end() ? nullptr : certificate->second,
                                std::move(view)});
    }
    SENNIT_TRY(auto record, value(store, chain::Column::validator, "record"));
    if (record) {
        SENNIT_TRY(setup.slashing, validator::decode_slashing_record(*record));
    }
    SENNIT_TRY(setup.evidence, load_evidence(store));
    SENNIT_TRY(setup.peers, value(store, chain::Column::peers, "book"));
    SENNIT_TRY(store.scan(chain::Column::pool, {}, [&](BytesView, BytesView rlp) {
        setup.pool.push_back(to_bytes(rlp));
        return setup.pool.size() < 100'000;
    }));
    return setup;
}

}  // namespace sennit::engine
