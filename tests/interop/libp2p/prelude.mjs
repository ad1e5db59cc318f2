// SPDX-License-Identifier: MIT
// js-libp2p 3 wants Node 22; what Node 20 lacks of it is this.
Promise.withResolvers ??= function () {
    let resolve, reject
    const promise = new this((yes, no) => { resolve = yes; reject = no })
    return { promise, resolve, reject }
}
