"""The key service: evaluates blinded elements, so that partners can make the token of a person.

An application of its own, with its own process, database, keys and clients, run by another party than the
register: neither of the two can try all numbers alone. Keeps one secret key for each epoch, its clients (one or
more for each partner), what they used of their quota, and its own trail. Partners' systems come in, and nobody
else. It never sees an identity, a token or a signal, and knows nothing of the register but its name.
"""
