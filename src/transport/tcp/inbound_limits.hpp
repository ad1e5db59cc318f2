// SPDX-License-Identifier: MIT
#pragma once

#include <map>

#include "base/net_address.hpp"

namespace sennit::transport::tcp {

/// Who may still come in: so many links in all, and so many from one host (`host_group`), so that
/// no single host, and no single IPv6 subscriber, takes every place.
class InboundLimits {
  public:
    InboundLimits(std::size_t links_max, std::size_t links_per_host_max)
        : links_max_{links_max}, links_per_host_max_{links_per_host_max} {}

    /// True, and counted, if one more from `host` fits.
    bool admit(const std::string& host) {
        if (links_ >= links_max_) return false;
        if (const auto group = host_group(host); !group.empty()) {
            auto& of_host = hosts_[group];
            if (of_host >= links_per_host_max_) return false;
            ++of_host;
        }
        ++links_;
        return true;
    }

    /// A link that was admitted has ended.
    void release(const std::string& host) {
        SENNIT_ASSERT(links_ > 0);
        --links_;
        const auto found = hosts_.find(host_group(host));
        if (found != hosts_.end() && --found->second == 0) hosts_.erase(found);
    }

  private:
    std::size_t links_max_;
    std::size_t links_per_host_max_;
    std::size_t links_{0};
    std::map<std::string, std::size_t> hosts_;  // by group
};

}  // namespace sennit::transport::tcp
