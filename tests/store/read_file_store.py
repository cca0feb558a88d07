#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
# read_file_store.py JOURNAL: prints the counters of a FileStore, one a line: namespace and name in hexadecimal, period
# type, start, count. Written from include/livecount/store/FORMAT.md alone, to show that it suffices.
import os, struct, sys, xxhash

def checksum(data, seed):
    return xxhash.xxh3_64_intdigest(data, seed=seed)

def frames(path, kind):
    """The number of each frame and its payload; the first item is the header's (seed, number, checksum)."""
    data = open(path, "rb").read()
    magic, version, reserved, seed, number, previous, stored = struct.unpack_from("<8sIIQQQQ", data)
    assert magic == b"LVCOUNT" + kind and version == 1 and reserved == 0 and stored == checksum(data[:40], seed), path
    yield (seed, number, previous)
    at = 48
    while at < len(data):
        if at + 32 > len(data) or at + 32 + struct.unpack_from("<I", data, at + 4)[0] > len(data):
            return  # a torn tail
        magic, length, found, before = struct.unpack_from("<4sIQQ", data, at)
        end = at + 24 + length
        if struct.unpack_from("<Q", data, end)[0] != checksum(data[at:end], seed):
            return
        assert magic == b"LVFR" and (found, before) == (number, previous), f"{path}: offset {at}"
        yield number, data[at + 24:end]
        number, previous, at = number + 1, struct.unpack_from("<Q", data, end)[0], end + 8

def take_bytes(data, at):
    size, = struct.unpack_from("<H", data, at)
    return data[at + 2:at + 2 + size], at + 2 + size

def take_runs(data, at, counts):
    while at < len(data):
        counters, kind, start = struct.unpack_from("<IBq", data, at)
        ns, at = take_bytes(data, at + 13)
        for _ in range(counters):
            count, = struct.unpack_from("<q", data, at)
            name, at = take_bytes(data, at + 8)
            if count == -2**63:
                counts.pop((ns, kind, start, name), None)
            else:
                counts[ns, kind, start, name] = count

def let_go(payload, counts):
    kind, horizon = struct.unpack_from("<Bq", payload, 1)
    for key in [key for key in counts if key[1] == kind and key[2] < horizon]:
        del counts[key]

counts, first = {}, 0
if os.path.exists(sys.argv[1] + ".snapshot"):
    snapshot = frames(sys.argv[1] + ".snapshot", b"S")
    _, first, _ = next(snapshot)
    for number, payload in snapshot:
        if payload[0] == 4:
            take_runs(payload, 1, counts)
journal = frames(sys.argv[1], b"J")
next(journal)
for number, payload in journal:
    if number >= first and payload[0] == 8:
        let_go(payload, counts)
    if number < first or payload[0] != 2:
        continue
    quarantined, = struct.unpack_from("<I", payload, 41)
    at = 45 + 4 * quarantined
    for _ in range(quarantined):
        _, at = take_bytes(payload, at)
        at = take_bytes(payload, at + 9)[1] + 16
    take_runs(payload, at, counts)
for (ns, kind, start, name), count in sorted(counts.items()):
    print(ns.hex(), kind, start, name.hex(), count)
