// SPDX-License-Identifier: MIT
#include "libp2p/perf/filler.hpp"
#include "libp2p/perf/perf.hpp"

namespace sennit::libp2p::perf {

Result<void> Client::start(ConnectionId connection, const Job& job, Now now) {
    SENNIT_ASSERT(!running());
    SENNIT_TRY(const auto stream, swarm_->open(connection, {std::string{kProtocol}}, now));
    stream_ = stream;
    job_ = job;
    Writer header;
    header.be(job.download);
    header_ = std::move(header).take();
    uploaded_ = downloaded_ = 0;
    agreed_ = written_ = false;
    began_ = moved_ = now.at;
    answered_at_.reset();
    outcome_.reset();
    write(now);
    return {};
}

bool Client::on_event(const Swarm::Event& event, Now now) {
    if (!running()) return false;
    if (const auto* gone = std::get_if<Swarm::Disconnected>(&event)) {
        if (gone->id == stream_->connection) {
            outcome_ = Error{Errc::io, "the connection ended", Error::kNowhere, gone->why.text()};
        }
        return false;  // the connection is not ours alone
    }
    const auto is_ours = [&]<class Told>(const Told* told) {
        return told != nullptr && told->stream == stream_;
    };
    if (is_ours(std::get_if<Swarm::Writable>(&event))) {
        write(now);
    } else if (is_ours(std::get_if<Swarm::Readable>(&event))) {
        read(now);
    } else if (is_ours(std::get_if<Swarm::RemoteClosed>(&event))) {
        read(now);
        on_closed(now);
    } else if (const auto* failed = std::get_if<Swarm::Failed>(&event); is_ours(failed)) {
        outcome_ = failed->why;
    } else if (is_ours(std::get_if<Swarm::Agreed>(&event))) {
        agreed_ = true;
        write(now);
    } else {
        return false;
    }
    return true;
}

void Client::on_time(Now now) {
    if (next_wake() > now.at) return;
    fail({Errc::timeout, "nothing moved on the stream", uploaded_ + downloaded_, {}});
}

Instant Client::next_wake() const {
    return running() ? moved_ + job_.idle_max : Instant::max();
}

void Client::write(Now now) {
    if (written_) return;
    moved_ = now.at;
    const auto taken = swarm_->write(*stream_, header_);
    header_.erase(header_.begin(), header_.begin() + static_cast<std::ptrdiff_t>(taken));
    if (!header_.empty()) return;
    const auto sent = write_filler(*swarm_, *stream_, job_.upload - uploaded_);
    uploaded_ += sent;
    if (uploaded_ < job_.upload || !agreed_) return;
    swarm_->close_write(*stream_);
    written_ = true;
    written_at_ = now.at;
}

void Client::read(Now now) {
    while (!outcome_) {
        const auto size = swarm_->readable(*stream_).size();
        if (size == 0) return;
        if (!written_) return fail({Errc::mismatch, "an answer before the upload's end", 0, {}});
        if (size > job_.download - downloaded_)
            return fail({Errc::trailing, "more than was asked for", job_.download, {}});
        if (!answered_at_) answered_at_ = now.at;
        downloaded_ += size;
        moved_ = now.at;
        swarm_->consume(*stream_, size, now);
    }
}

void Client::on_closed(Now now) {
    if (outcome_) return;
    if (!written_ || downloaded_ < job_.download)
        return fail({Errc::truncated, "the peer closed too early", downloaded_, {}});
    const auto answered_at = answered_at_.value_or(now.at);
    const auto uploaded_at = job_.upload > 0 ? answered_at : began_;
    outcome_ = Report{uploaded_at - began_, now.at - uploaded_at, answered_at - written_at_};
}

void Client::fail(Error why) {
    swarm_->reset(*stream_);
    outcome_ = std::move(why);
}

}  // namespace sennit::libp2p::perf
