# SPDX-License-Identifier: Apache-2.0
"""redis-py on two hosts: client.py URL-OF-A URL-OF-B.

Each operation on one host, its effect on the other. Prints "done", or fails
with what was not so. Database 0 answers when the other host has acknowledged,
so it can be looked at there at once.
"""
import sys
import threading
import time

import redis


def until(what, want, ask):
    """What one host does may reach the other a moment later."""
    end = time.monotonic() + 20
    while (got := ask()) != want:
        assert time.monotonic() < end, f"{what}: {got!r}, not {want!r}"


def same(got, want):
    assert got == want, f"{got!r}, not {want!r}"


def listen(sub, *names):
    """Subscribes, by patterns where there is a star, until it is confirmed."""
    for name in names:
        (sub.psubscribe if "*" in name else sub.subscribe)(name)
        assert sub.get_message(timeout=20)["type"] in ("subscribe", "psubscribe")


def strings(a, b):
    same(a.set("k", "v", ex=1000), True)
    same(b.get("k"), "v")
    assert 990 < b.ttl("k") <= 1000
    same(b.set("k", "w", nx=True), None)
    same(b.set("k", "w", xx=True, get=True, keepttl=True), "v")
    same(a.getex("k", persist=True), "w")
    same(b.ttl("k"), -1)
    same(a.append("k", "xyz"), 4)
    same(b.getrange("k", 1, 2), "xy")
    same(b.mset({"x": "1", "y": "2"}), True)
    same(a.mget("x", "none", "y"), ["1", None, "2"])
    same(a.incrby("x", 41), 42)
    same(b.incrbyfloat("x", 0.5), 42.5)
    same(a.setnx("x", "0"), False)
    same(b.getset("y", "3"), "2")
    same(a.getdel("y"), "3")
    same(b.exists("x", "y", "k"), 2)
    same(b.expire("x", 100), True)
    assert a.pttl("x") > 90_000
    same(a.rename("x", "z"), True)
    same(b.type("z"), "string")
    same(b.delete("k", "z"), 2)
    same(a.unlink("k"), 0)


def hashes(a, b):
    same(a.hset("h", mapping={"user": "anna", "count": 1}), 2)
    same(b.hgetall("h"), {"user": "anna", "count": "1"})
    same(b.hincrby("h", "count", 2), 3)
    same(a.hmget("h", "count", "none"), ["3", None])
    same(a.hsetnx("h", "user", "bert"), False)
    same(sorted(b.hkeys("h")), ["count", "user"])
    same(dict(b.hscan_iter("h", match="c*")), {"count": "3"})
    same(b.hdel("h", "count"), 1)
    same(a.hlen("h"), 1)
    same(a.hexists("h", "count"), False)
    a.delete("h")


def scans(a, b):
    with a.pipeline(transaction=False) as p:
        for i in range(500):
            p.set(f"scan:{i}", i)
        same(p.execute(), [True] * 500)
    same(len(set(b.scan_iter(match="scan:*", count=100))), 500)
    same(len(b.keys("scan:4*")), 111)
    same(b.dbsize(), 500)
    same(b.flushdb(), True)
    same(a.dbsize(), 0)


def transactions(a, b):
    with a.pipeline() as p:
        same(p.set("t", 1).incr("t").get("t").execute(), [True, 2, "2"])
    same(b.get("t"), "2")
    with a.pipeline() as p:
        p.watch("t")
        b.set("t", 10)
        p.multi()
        p.set("t", 3)
        try:
            p.execute()
            raise AssertionError("a write on the other host did not fail the transaction")
        except redis.WatchError:
            pass
    same(a.transaction(lambda p: (p.multi(), p.incr("t")), "t"), [11])
    same(b.get("t"), "11")
    a.delete("t")


def messages(a, b):
    sub = b.pubsub()
    listen(sub, "news", "ne*")
    heard = []

    def hear():
        while len(heard) < 2:
            m = sub.get_message(timeout=20)
            if m is None and not sub.subscribed:
                return
            if m:
                heard.append((m["type"], m["channel"], m["data"]))

    t = threading.Thread(target=hear)
    t.start()
    a.publish("news", "hello")
    t.join(30)
    same(heard, [("message", "news", "hello"), ("pmessage", "news", "hello")])
    sub.close()


def locks(a, b):
    mine = a.lock("lock", timeout=30)
    same(mine.acquire(), True)
    theirs = b.lock("lock", timeout=30, blocking_timeout=0)
    same(theirs.acquire(), False)
    same(mine.extend(100, replace_ttl=True), True)
    assert b.ttl("lock") > 90
    same(mine.reacquire(), True)
    assert b.ttl("lock") <= 30
    mine.release()
    same(theirs.acquire(), True)
    stolen = a.lock("lock")
    stolen.local.token = b"not mine"
    try:
        stolen.release()
        raise AssertionError("a lock of another was released")
    except redis.exceptions.LockNotOwnedError:
        pass
    theirs.release()
    same(a.get("lock"), None)


def notifications(a, b):
    before = b.config_get("notify-keyspace-events")["notify-keyspace-events"]
    b.config_set("notify-keyspace-events", "KA")
    sub = b.pubsub()
    listen(sub, "__keyspace@0__:*")
    a.set("seen", "1")
    m = None
    end = time.monotonic() + 20
    while m is None and time.monotonic() < end:
        m = sub.get_message(timeout=1)
    same((m["channel"], m["data"]), ("__keyspace@0__:seen", "set"))
    sub.close()
    b.config_set("notify-keyspace-events", before)
    a.delete("seen")


def tracking(a, b):
    """redis-py caches from version 5 on only: tracking as one would do it by
    hand in RESP2, redirected to a connection that listens."""
    sub = a.pubsub()
    sub.execute_command("CLIENT", "ID")
    listener = sub.connection.read_response()
    listen(sub, "__redis__:invalidate")
    with a.client() as reader:
        reader.execute_command("CLIENT", "TRACKING", "ON", "REDIRECT", listener)
        for i in range(20):
            b.set("cached", i)
            until("the value", str(i), lambda: reader.get("cached"))
        b.set("cached", "last")
        end = time.monotonic() + 20
        told = None
        while told is None and time.monotonic() < end:
            m = sub.get_message(timeout=1)
            told = m and m["type"] == "message" and m["data"]
        same(told, ["cached"])
    sub.close()


def main():
    a, b = (redis.Redis.from_url(url, decode_responses=True) for url in sys.argv[1:3])
    for part in (strings, hashes, scans, transactions, messages, locks, notifications, tracking):
        part(a, b)
        part(b, a)
    print("redis-py", redis.__version__, "done")


main()
