#!/usr/bin/env python3
"""A primary and its replicas, as real processes: links that are cut, processes that are killed and
stopped, promotions; what stands on both is compared entry by entry."""

import os
import signal
import threading
import unittest

import servers
from on_disk import kill, wait_for
from replicas import Relay, ReplicaCase, dump, info
from resp import ReplyError


class ReplicationTest(ReplicaCase):
    def test_a_replica_gets_all_and_follows(self):
        _, primary = self.start()
        self.write(primary, 1)
        token = primary.call("SESSION.CREATE", "web", "ana", "FIELDS", 1, "lang", "en")[1]
        replica_server, replica = self.start("--replicaof", f"127.0.0.1 {self.port_of(primary)}")
        self.wait_level(primary, replica)
        self.assert_equal(primary, replica)
        self.write(primary, 2)
        self.wait_level(primary, replica)
        self.assert_equal(primary, replica)
        session = replica.call("SESSION.GET", token)
        self.assertEqual(session[session.index(b"user") + 1], b"ana")
        state = info(primary)
        self.assertEqual(state["role"], "master")
        self.assertIn(f"port={replica_server.port},state=online", state["slave0"])
        self.assertEqual(primary.call("ROLE")[0], b"master")
        self.assertEqual(replica.call("ROLE")[:4],
                         [b"slave", b"127.0.0.1", self.port_of(primary), b"connected"])
        with self.assertRaisesRegex(ReplyError, "^READONLY"):
            replica.call("SET", "x", 1)
        with self.assertRaisesRegex(ReplyError, "^READONLY"):
            replica.call("SESSION.TOUCH", token)
        self.assertEqual(replica.call("CONFIG", "GET", "replicaof")[1],
                         f"127.0.0.1 {self.port_of(primary)}".encode())

    def test_what_expires_there_expires_here(self):
        _, primary = self.start()
        _, replica = self.start()
        self.follow(replica, self.port_of(primary))
        for number in range(200):
            primary.call("SET", f"e{number}", "x", "PX", 50)
        primary.call("SET", "stays", 1)
        self.wait_level(primary, replica)
        wait_for(lambda: primary.call("DBSIZE") == 1 and replica.call("DBSIZE") == 1)

    def test_a_cut_link_goes_on_where_it_ended(self):
        server, primary = self.start("--repl-backlog-size", "100000000")
        relay = Relay(server.port)
        self.addCleanup(relay.close)
        _, replica = self.start()
        self.follow(replica, relay.port)
        self.wait_level(primary, replica)
        for round_ in range(3):
            relay.cut()
            self.write(primary, round_)
            relay.mend()
            self.wait_level(primary, replica)
            self.assert_equal(primary, replica)
        stats = info(primary, "stats")
        self.assertEqual(stats["sync_full"], "1")
        self.assertEqual(stats["sync_partial_ok"], "3")

    def test_what_memory_has_forgotten_comes_from_the_log_on_disk(self):
        server, primary = self.start("--repl-backlog-size", "20000")
        relay = Relay(server.port)
        self.addCleanup(relay.close)
        _, replica = self.start()
        self.follow(replica, relay.port)
        self.wait_level(primary, replica)
        relay.cut()
        self.write(primary, 5, 5000)
        relay.mend()
        self.wait_level(primary, replica)
        self.assert_equal(primary, replica)
        self.assertEqual(info(primary, "stats")["sync_full"], "1")

    def test_a_killed_replica_comes_back_with_what_it_has(self):
        _, primary = self.start()
        server, replica = self.start()
        self.follow(replica, self.port_of(primary))
        self.write(primary, 1)
        self.wait_level(primary, replica)
        # The image that a full sync leaves behind is what it starts from.
        wait_for(lambda: not os.path.exists(os.path.join(server.folder, "replaced")))
        kill(server)
        self.write(primary, 2)
        again, replica = self.start("--replicaof", f"127.0.0.1 {self.port_of(primary)}",
                                    folder=server.folder)
        self.wait_level(primary, replica)
        self.assert_equal(primary, replica)
        self.assertEqual(info(primary, "stats")["sync_full"], "1", again.log())

    def test_a_killed_primary_comes_back_and_loses_nobody(self):
        server, primary = self.start()
        relay = Relay(server.port)
        self.addCleanup(relay.close)
        _, replica = self.start()
        self.follow(replica, relay.port)
        self.write(primary, 1)
        self.wait_level(primary, replica)
        kill(server)
        again, primary = self.start(folder=server.folder)
        relay.to_port = again.port
        self.write(primary, 2)
        self.wait_level(primary, replica)
        self.assert_equal(primary, replica)

    def test_a_stopped_primary_is_noticed(self):
        server, primary = self.start()
        _, replica = self.start("--repl-timeout", "1")
        self.follow(replica, server.port)
        self.wait_level(primary, replica)
        server.process.send_signal(signal.SIGSTOP)
        try:
            wait_for(lambda: info(replica)["master_link_status"] == "down")
            self.assertIn("repl-timeout", info(replica)["master_link_error"])
        finally:
            server.process.send_signal(signal.SIGCONT)
        self.wait_level(primary, replica)

    def test_a_promoted_replica_and_a_former_primary(self):
        server, primary = self.start()
        other_server, other = self.start()
        self.follow(other, server.port)
        self.write(primary, 1)
        self.wait_level(primary, other)
        self.assertEqual(other.call("REPLICAOF", "NO", "ONE"), b"OK")
        self.assertEqual(info(other)["role"], "master")
        self.assertEqual(info(other)["master_replid2"], info(primary)["master_replid"])
        primary.call("SET", "never there", 1)
        other.call("SET", "since then", 1)
        self.follow(primary, other_server.port)
        self.wait_level(other, primary)
        self.assert_equal(other, primary)
        self.assertEqual(primary.call("EXISTS", "never there"), 0)
        kept = [name for name in os.listdir(server.folder) if name.startswith("diverged-")]
        self.assertEqual(len(kept), 1)
        self.assertIn(kept[0], server.log())
        self.assertEqual(info(other, "stats")["sync_partial_err"], "1")

    def test_a_former_primary_that_wrote_nothing_more_goes_on(self):
        server, primary = self.start()
        other_server, other = self.start()
        self.follow(other, server.port)
        self.write(primary, 1)
        server.process.send_signal(signal.SIGSTOP)
        other.call("REPLICAOF", "NO", "ONE")
        server.process.send_signal(signal.SIGCONT)
        self.follow(primary, other_server.port)
        self.wait_level(other, primary)
        self.assert_equal(other, primary)

    def test_chains(self):
        first_server, first = self.start()
        second_server, second = self.start()
        _, third = self.start()
        self.follow(second, first_server.port)
        self.follow(third, second_server.port)
        self.write(first, 3)
        self.wait_level(first, second, third)
        self.assert_equal(first, third)

    def test_wait_counts_who_has_it(self):
        server, primary = self.start()
        self.assertEqual(primary.call("WAIT", 0, 100), 0)
        self.assertEqual(primary.call("WAIT", 1, 50), 0)
        replicas = [self.start()[1] for _ in range(2)]
        for replica in replicas:
            self.follow(replica, server.port)
        self.wait_level(primary, *replicas)
        primary.call("SET", "a", 1)
        self.assertEqual(primary.call("WAIT", 2, 0), 2)
        for replica in replicas:
            self.assertEqual(replica.call("GET", "a"), b"1")
        primary.call("SET", "b", 1)
        self.assertEqual(primary.call("WAITAOF", 1, 2, 0), [1, 2])
        with self.assertRaisesRegex(ReplyError, "replica"):
            replicas[0].call("WAIT", 1, 1)
        primary.call("MULTI")
        primary.call("SET", "c", 1)
        primary.call("WAIT", 9, 0)
        self.assertEqual(len(primary.call("EXEC")), 2, "inside EXEC nobody waits")

    def test_writes_that_need_replicas(self):
        server, primary = self.start("--min-replicas-to-write", "1")
        wait_for(lambda: self.refused(primary, "SET", "a", 1))
        with self.assertRaisesRegex(ReplyError, "^NOREPLICAS Not enough good replicas to write"):
            primary.call("SET", "a", 1)
        self.assertIsNone(primary.call("GET", "a"))
        other, replica = self.start()
        self.follow(replica, server.port)
        wait_for(lambda: not self.refused(primary, "SET", "a", 1))
        self.assertEqual(info(primary)["min_slaves_good_slaves"], "1")
        kill(other)
        wait_for(lambda: self.refused(primary, "SET", "a", 2))
        primary.call("CONFIG", "SET", "min-replicas-to-write", 0)
        self.assertEqual(primary.call("SET", "a", 2), b"OK")

    def test_a_replica_that_is_behind_refuses_reads_where_that_is_asked(self):
        server, primary = self.start()
        primary.call("SET", "a", 1)
        relay = Relay(server.port)
        self.addCleanup(relay.close)
        _, replica = self.start("--replica-max-lag", "1500")
        self.follow(replica, relay.port)
        self.wait_level(primary, replica)
        self.assertEqual(replica.call("GET", "a"), b"1")
        relay.cut()
        wait_for(lambda: self.refused(replica, "GET", "a"))
        with self.assertRaisesRegex(ReplyError, "^STALE"):
            replica.call("GET", "a")
        self.assertEqual(info(replica)["master_link_status"], "down")
        relay.mend()
        wait_for(lambda: not self.refused(replica, "GET", "a"))

    def test_passwords(self):
        server, primary = self.start("--requirepass", "secret")
        primary.call("AUTH", "secret")
        _, replica = self.start()
        self.follow(replica, server.port)
        wait_for(lambda: "NOAUTH" in info(replica).get("master_link_error", ""))
        replica.call("CONFIG", "SET", "masterauth", "secret")
        self.wait_level(primary, replica)

    def test_writes_go_on_during_a_full_sync(self):
        server, primary = self.start("--repl-backlog-size", "50000")
        for number in range(200):
            primary.call("SET", f"large{number}", "x" * 100_000)
        ended = threading.Event()
        counts = []

        def keep_writing():
            client = server.connect()
            number = 0
            while not ended.is_set():
                client.call("SET", f"w{number % 1000}", number)
                number += 1
            counts.append(number)
            client.close()

        writer = threading.Thread(target=keep_writing)
        writer.start()
        try:
            _, replica = self.start()
            self.follow(replica, server.port)
            wait_for(lambda: info(replica)["master_link_status"] == "up")
        finally:
            ended.set()
            writer.join()
        self.assertGreater(counts[0], 0)
        self.wait_level(primary, replica)
        self.assert_equal(primary, replica)

    def test_a_server_without_a_log_replicates_too(self):
        server, primary = self.start("--appendonly", "no")
        _, replica = self.start("--appendonly", "no")
        self.write(primary, 1)
        self.follow(replica, server.port)
        self.write(primary, 2)
        self.wait_level(primary, replica)
        self.assert_equal(primary, replica)

    def test_a_redis_is_followed_until_the_team_turns_over(self):
        redis_server = servers.redis()
        self.addCleanup(redis_server.__exit__)
        redis = redis_server.connect()
        self.addCleanup(redis.close)
        self.write(redis, 1)
        _, copy = self.start()
        token = copy.call("SESSION.CREATE", "web", "ana")[1]
        self.follow(copy, redis_server.port)

        def level():
            state = info(copy)
            return (state["master_link_status"] == "up" and
                    state["slave_repl_offset"] == info(redis)["master_repl_offset"])

        wait_for(level)
        self.write(redis, 2)
        wait_for(level)
        self.assert_equal(redis, copy)
        with self.assertRaisesRegex(ReplyError, "^READONLY"):
            copy.call("SET", "x", 1)
        self.assertIsNotNone(copy.call("SESSION.GET", token))
        self.assertEqual(redis.call("PUBLISH", "news", "x"), 0)
        self.assertEqual(copy.call("REPLICAOF", "NO", "ONE"), b"OK")
        self.assertEqual(copy.call("SET", "x", 1), b"OK")
        before = dump(copy)
        self.write(redis, 3)
        self.assertEqual(dump(copy), before)

    def test_what_is_published_reaches_subscribers_of_replicas(self):
        server, primary = self.start()
        middle_server, middle = self.start()
        _, last = self.start()
        self.follow(middle, server.port)
        self.wait_level(primary, middle)
        self.follow(last, middle_server.port)
        self.wait_level(primary, last)
        last.call("SUBSCRIBE", "news")
        middle.call("PSUBSCRIBE", "n*")
        primary.call("PUBLISH", "news", "hello")
        self.assertEqual(last.read(), [b"message", b"news", b"hello"])
        self.assertEqual(middle.read(), [b"pmessage", b"n*", b"news", b"hello"])

    def test_bad_addresses_are_refused(self):
        _, client = self.start()
        for port in ("port", 0, 70000):
            with self.assertRaisesRegex(ReplyError, "Invalid master port"):
                client.call("REPLICAOF", "127.0.0.1", port)
        client.call("REPLICAOF", "no-such-host.invalid", 6379)
        wait_for(lambda: info(client).get("master_link_error", "") != "")
        self.assertEqual(client.call("REPLICAOF", "NO", "ONE"), b"OK")
        client.call("SET", "x", 1)


if __name__ == "__main__":
    unittest.main()
