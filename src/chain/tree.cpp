// SPDX-License-Identifier: MIT
#include "chain/tree.hpp"

#include "chain/signers.hpp"

#include <algorithm>

namespace sennit::chain {

namespace {

// Rule 13: what one leader may make others hold for one slot.
constexpr std::size_t kProposalsMax = 2;
// Facts of branches that lost: enough to name both sides of a conflict that shows hours later.
constexpr std::size_t kDroppedMax = 1024;
// A set version lasts at least two epochs, so that the fourth last is long stored.
constexpr std::size_t kFirstLinksMax = 4;

Error missing(std::string_view what) {
    return Error{Errc::not_found, what, Error::kNowhere, {}};
}

Error unequal(std::string_view what) {
    return Error{Errc::mismatch, what, Error::kNowhere, {}};
}

}  // namespace

Tree::Tree(Genesis genesis, FactsPtr root, std::span<const FactsPtr> recent, Limits limits)
    : genesis_{std::move(genesis)}, limits_{limits} {
    begin(std::move(root), recent);
}

void Tree::begin(FactsPtr root, std::span<const FactsPtr> below) {
    root_ = std::move(root);
    SENNIT_ASSERT(root_->executed);
    finalised_known_ = root_->checkpoint();
    finalised_by_ = nullptr;
    Node node;
    node.facts = root_;
    node.standing = Standing::finalised;
    node.certified = root_->checkpoint();
    ranks_.insert(rank_of(node));
    nodes_.emplace(root_->id, std::move(node));

    std::vector<FactsPtr> sorted{below.begin(), below.end()};
    std::sort(sorted.begin(), sorted.end(),
              [](const FactsPtr& a, const FactsPtr& b) { return a->slot < b->slot; });
    for (auto& facts : sorted) {
        if (facts->slot >= root_->slot) continue;
        if (!ancestors_.emplace(facts->id, facts).second) continue;
        ancestors_order_.push_back(facts->id);
    }
    prune_ancestors();
}

Tree::Rank Tree::rank_of(const Node& node) {
    return {node.certified.slot, node.facts->height, node.facts->id};
}

FactsPtr Tree::head() const {
    return nodes_.at(ranks_.begin()->id).facts;
}

FactsPtr Tree::certified_at(const BlockId& id) const {
    const auto node = nodes_.find(id);
    return node == nodes_.end() ? nullptr : find(node->second.certified.id);
}

FactsPtr Tree::find(const BlockId& id) const {
    if (const auto node = nodes_.find(id); node != nodes_.end()) return node->second.facts;
    const auto below = ancestors_.find(id);
    return below == ancestors_.end() ? nullptr : below->second;
}

FactsLookup Tree::lookup() const {
    return [this](const BlockId& id) { return find(id); };
}

bool Tree::executed(const BlockId& id) const {
    const auto is = standing(id);
    return is == Standing::executed || is == Standing::finalised;
}

bool Tree::descends(const BlockId& id, const BlockId& ancestor) const {
    const auto goal = find(ancestor);
    auto at = find(id);
    while (goal != nullptr && at != nullptr && at->slot > goal->slot) at = find(at->parent);
    return goal != nullptr && at != nullptr && at->id == goal->id;
}

Tree::Standing Tree::standing(const BlockId& id) const {
    if (const auto node = nodes_.find(id); node != nodes_.end()) return node->second.standing;
    return ancestors_.contains(id) ? Standing::finalised : Standing::unknown;
}

std::vector<FactsPtr> Tree::executed_at(Slot slot) const {
    std::vector<FactsPtr> out;
    for (auto at = proposals_.lower_bound({slot, ValidatorKey{}});
         at != proposals_.end() && at->first.first == slot; ++at) {
        for (const auto& id : at->second) {
            if (nodes_.at(id).standing == Standing::executed) out.push_back(find(id));
        }
    }
    return out;
}

bool Tree::reaches_head(Slot certified, Height height) const {
    const auto& best = *ranks_.begin();
    return std::pair{certified, height} >= std::pair{best.certified, best.height};
}

bool Tree::contends(const BlockId& id) const {
    const auto& node = nodes_.at(id);
    return reaches_head(node.certified.slot, node.facts->height);
}

void Tree::withdraw(const BlockId& id) {
    const auto& node = nodes_.at(id);
    SENNIT_ASSERT(node.standing == Standing::proposed && node.children.empty());
    nodes_.at(node.facts->parent).children.erase(id);
    erase(id);
}

Result<void> Tree::check_room(const Facts& facts, const Header& header, Origin origin) const {
    const auto most = origin == Origin::wanted ? 4 * limits_.blocks_max : limits_.blocks_max;
    if (nodes_.size() >= most &&
        !reaches_head(nodes_.at(facts.parent).certified.slot, facts.height)) {
        return Error{Errc::busy, "the tree of unfinalised blocks is full", Error::kNowhere, {}};
    }
    const auto others = proposals_.find({facts.slot, header.validator});
    if (origin == Origin::relayed && others != proposals_.end() &&
        others->second.size() >= kProposalsMax) {
        return Error{Errc::busy, "a third block of one leader and slot", Error::kNowhere, {}};
    }
    return {};
}

Result<void> Tree::add(FactsPtr facts, const Header& header, Origin origin) {
    if (standing(facts->id) != Standing::unknown) {
        return Error{Errc::duplicate, "the block is in the tree", Error::kNowhere, {}};
    }
    const auto parent = nodes_.find(facts->parent);
    if (parent == nodes_.end()) return missing("the parent is not above the finalised block");
    if (parent->second.standing == Standing::failed) {
        return Error{Errc::invalid, "the block descends from an invalid one", Error::kNowhere, {}};
    }
    SENNIT_ASSERT(facts->slot > parent->second.facts->slot);
    SENNIT_TRY(check_room(*facts, header, origin));

    const auto id = facts->id;
    Node node;
    node.certified = parent->second.certified;
    node.header = header;
    proposals_[{facts->slot, header.validator}].push_back(id);
    node.facts = std::move(facts);
    parent->second.children.insert(id);
    nodes_.emplace(id, std::move(node));
    return {};
}

std::optional<Evidence> Tree::double_proposal(const Facts& facts, const Header& header) const {
    const auto others = proposals_.find({facts.slot, header.validator});
    if (others == proposals_.end()) return std::nullopt;
    const auto& first = others->second.front();
    if (first == facts.id) return std::nullopt;
    return Evidence{encode(nodes_.at(first).header), encode(header)};
}

void Tree::on_executed(FactsPtr facts) {
    SENNIT_ASSERT(facts->executed);
    const auto node = nodes_.find(facts->id);
    if (node == nodes_.end() || node->second.standing != Standing::proposed) return;
    SENNIT_ASSERT(executed(facts->parent));
    SENNIT_ASSERT(facts->parent == node->second.facts->parent);
    node->second.facts = std::move(facts);
    node->second.standing = Standing::executed;
    ranks_.insert(rank_of(node->second));
}

std::vector<BlockId> Tree::on_failed(const BlockId& id) {
    const auto top = nodes_.find(id);
    if (top == nodes_.end() || top->second.standing == Standing::failed) return {};
    SENNIT_ASSERT(top->second.standing == Standing::proposed);
    auto condemned = subtree(id);
    for (const auto& each : condemned) {
        auto& node = nodes_.at(each);
        node.standing = Standing::failed;
        if (node.certificate == nullptr || fault_) continue;
        fault_ = Fault{"a certified block failed execution", {node.certificate}, {id, each}};
    }
    return condemned;
}

Result<void> Tree::check_link(const Facts& target, const Certificate& certificate) const {
    if (certificate.link.target != target.checkpoint() ||
        certificate.target_height != target.height) {
        return unequal("slot or height of the certificate's target");
    }
    if (certificate.link.source != target.justified) {
        return unequal("the certificate's source is not the target's justified ancestor");
    }
    const auto dropped = dropped_.find(target.justified);
    const auto source = dropped == dropped_.end() ? find(target.justified.id) : dropped->second;
    if (source == nullptr) return missing("the certificate's source");
    if (certificate.link.source_digest != source->digest) {
        return unequal("the certificate's digest is not its source's");
    }
    if (certificate.set_version != target.quorum->current().version ||
        certificate.joint != target.quorum->joint()) {
        return unequal("the certificate's set version is not its target's");
    }
    return {};
}

Result<bool> Tree::certify(CertificatePtr certificate) {
    const auto target = certificate->link.target;
    if (ancestors_.contains(target.id)) return false;
    const auto found = nodes_.find(target.id);
    if (found == nodes_.end()) {
        const auto dropped = dropped_.find(target);
        if (dropped == dropped_.end()) return missing("the certificate's target");
        return certify_dropped(*dropped->second, certificate);
    }
    auto& node = found->second;
    SENNIT_TRY(check_link(*node.facts, *certificate));
    if (node.certificate != nullptr) {
        node.certificate = merged(node.certificate, certificate);
        return false;
    }
    node.certificate = certificate;
    if (node.standing == Standing::finalised) return false;
    if (node.standing == Standing::failed && !fault_) {
        fault_ = Fault{"a block that failed execution was certified", {certificate}, {target.id}};
    }
    raise(target.id);
    note_finality(certificate);
    return true;
}

Result<bool> Tree::certify_dropped(const Facts& target, const CertificatePtr& certificate) {
    SENNIT_TRY(check_link(target, *certificate));
    if (certificate->finalises() && dropped_.contains(target.justified)) set_conflict(certificate);
    return false;
}

CertificatePtr Tree::certificate(const BlockId& target) const {
    const auto node = nodes_.find(target);
    return node == nodes_.end() ? nullptr : node->second.certificate;
}

// Makes `id` the highest certified block of itself and of all above it that know no higher one.
void Tree::raise(const BlockId& id) {
    const auto certified = nodes_.at(id).facts->checkpoint();
    std::vector<BlockId> open{id};
    while (!open.empty()) {
        auto& node = nodes_.at(open.back());
        open.pop_back();
        if (node.certified.slot >= certified.slot && node.facts->id != id) continue;
        const bool ranked = ranks_.erase(rank_of(node)) != 0;
        node.certified = certified;
        if (ranked) ranks_.insert(rank_of(node));
        open.insert(open.end(), node.children.begin(), node.children.end());
    }
}

void Tree::note_finality(const CertificatePtr& certificate) {
    if (!certificate->finalises()) return;
    note_first_link(certificate);
    const auto& source = certificate->link.source;
    if (descends(finalised_known_.id, source.id)) return;
    if (!descends(source.id, finalised_known_.id)) return set_conflict(certificate);
    finalised_known_ = source;
    finalised_by_ = certificate;
}

void Tree::note_first_link(const CertificatePtr& certificate) {
    auto& first = first_links_[certificate->set_version];
    if (first == nullptr || certificate->link.target.slot < first->link.target.slot) {
        first = certificate;
    }
    if (first_links_.size() > kFirstLinksMax) first_links_.erase(first_links_.begin());
}

void Tree::set_conflict(const CertificatePtr& certificate) {
    if (fault_) return;
    fault_ = Fault{"two certificates finalise conflicting blocks",
                   {},
                   {finalised_known_.id, certificate->link.source.id}};
    if (finalised_by_ != nullptr) fault_->certificates.push_back(finalised_by_);
    fault_->certificates.push_back(certificate);
}

FactsPtr Tree::finalised_known() const {
    return find(finalised_known_.id);
}

FactsPtr Tree::to_apply() const {
    if (fault_) return nullptr;
    auto at = finalised_known();
    while (!executed(at->id)) at = find(at->parent);
    return at->id == root_->id ? nullptr : at;
}

std::vector<BlockId> Tree::on_applied(const BlockId& id) {
    SENNIT_ASSERT(executed(id) && descends(id, root_->id) && descends(finalised_known_.id, id));
    if (id == root_->id) return {};
    std::vector<FactsPtr> path;
    for (auto at = nodes_.at(id).facts; at->id != root_->id;) {
        at = nodes_.at(at->parent).facts;
        path.push_back(at);
    }
    for (auto it = path.rbegin(); it != path.rend(); ++it) {
        ancestors_.emplace((*it)->id, *it);
        ancestors_order_.push_back((*it)->id);
    }
    auto gone = subtree(root_->id, &id);
    for (const auto& each : gone) {
        if (!ancestors_.contains(each)) keep_dropped(nodes_.at(each).facts);
        erase(each);
    }
    std::erase_if(gone, [this](const BlockId& each) { return ancestors_.contains(each); });

    auto& node = nodes_.at(id);
    root_ = node.facts;
    node.standing = Standing::finalised;
    raise(id);
    prune_ancestors();
    return gone;
}

void Tree::rebase(FactsPtr root, std::span<const FactsPtr> between) {
    std::vector<FactsPtr> below;
    for (const auto& id : ancestors_order_) below.push_back(ancestors_.at(id));
    below.push_back(root_);
    below.insert(below.end(), between.begin(), between.end());
    std::set<BlockId> final_now{root->id};
    for (const auto& facts : below) final_now.insert(facts->id);
    for (const auto& [id, node] : nodes_) {
        if (!final_now.contains(id)) keep_dropped(node.facts);
    }
    nodes_.clear();
    ranks_.clear();
    proposals_.clear();
    ancestors_.clear();
    ancestors_order_.clear();
    begin(std::move(root), below);
}

std::vector<CertificatePtr> Tree::first_links() const {
    std::vector<CertificatePtr> out;
    for (const auto& [version, certificate] : first_links_) out.push_back(certificate);
    return out;
}

// `top` and all above it, but for what stands on `without`, parents before children.
std::vector<BlockId> Tree::subtree(const BlockId& top, const BlockId* without) const {
    std::vector<BlockId> out{top};
    for (std::size_t next = 0; next < out.size(); ++next) {
        const auto id = out[next];
        for (const auto& child : nodes_.at(id).children) {
            if (without == nullptr || child != *without) out.push_back(child);
        }
    }
    return out;
}

void Tree::erase(const BlockId& id) {
    const auto node = nodes_.find(id);
    ranks_.erase(rank_of(node->second));
    const auto held = proposals_.find({node->second.facts->slot, node->second.header.validator});
    if (held != proposals_.end()) {
        std::erase(held->second, id);
        if (held->second.empty()) proposals_.erase(held);
    }
    nodes_.erase(node);
}

void Tree::keep_dropped(FactsPtr facts) {
    const auto at = facts->checkpoint();
    dropped_.emplace(at, std::move(facts));
    if (dropped_.size() > kDroppedMax) dropped_.erase(dropped_.begin());
}

void Tree::prune_ancestors() {
    const auto justified = find(root_->justified.id);
    const auto oldest = justified == nullptr ? root_->justified.slot : justified->justified.slot;
    while (!ancestors_order_.empty()) {
        const auto first = ancestors_.find(ancestors_order_.front());
        if (first->second->slot >= oldest) break;
        ancestors_.erase(first);
        ancestors_order_.pop_front();
    }
}

void Tree::check_node(const BlockId& id, const Node& node) const {
    SENNIT_ASSERT(node.facts->id == id);
    const bool is_root = id == root_->id;
    SENNIT_ASSERT((node.standing == Standing::finalised) == is_root);
    const bool ranked = node.standing == Standing::executed || is_root;
    SENNIT_ASSERT(ranks_.contains(rank_of(node)) == ranked);
    for (const auto& child : node.children) SENNIT_ASSERT(nodes_.at(child).facts->parent == id);
    if (is_root) {
        SENNIT_ASSERT(node.certified == node.facts->checkpoint());
        return;
    }
    const auto& parent = nodes_.at(node.facts->parent);
    SENNIT_ASSERT(parent.children.contains(id));
    const auto below = node.certificate ? node.facts->checkpoint() : parent.certified;
    SENNIT_ASSERT(node.certified == below);
    SENNIT_ASSERT(node.standing != Standing::executed || executed(node.facts->parent));
    SENNIT_ASSERT(parent.standing != Standing::failed || node.standing == Standing::failed);
    SENNIT_ASSERT(node.standing != Standing::failed || !node.certificate || fault_);
    SENNIT_ASSERT(node.facts->justified.slot <= parent.certified.slot);
    const auto& proposals = proposals_.at({node.facts->slot, node.header.validator});
    SENNIT_ASSERT(std::count(proposals.begin(), proposals.end(), id) == 1);
}

void Tree::check_invariants() const {
    SENNIT_ASSERT(nodes_.contains(root_->id));
    std::size_t executed_count = 0;
    for (const auto& [id, node] : nodes_) {
        check_node(id, node);
        if (executed(id)) ++executed_count;
    }
    SENNIT_ASSERT(ranks_.size() == executed_count);
    SENNIT_ASSERT(subtree(root_->id).size() == nodes_.size());
    SENNIT_ASSERT(descends(finalised_known_.id, root_->id));
    SENNIT_ASSERT(ancestors_.size() == ancestors_order_.size());
    auto above = root_;
    for (auto it = ancestors_order_.rbegin(); it != ancestors_order_.rend(); ++it) {
        SENNIT_ASSERT(above->parent == *it);
        above = ancestors_.at(*it);
    }
    SENNIT_ASSERT(dropped_.size() <= kDroppedMax && first_links_.size() <= kFirstLinksMax);
}

}  // namespace sennit::chain
