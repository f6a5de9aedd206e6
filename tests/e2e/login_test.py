#!/usr/bin/env python3
"""A web login flow over the wire, in both protocols: what SESSION.* promises its users."""

import unittest

import servers
from resp import ReplyError


def as_map(reply):
    return reply if isinstance(reply, dict) else dict(zip(reply[::2], reply[1::2]))


class LoginFlow(unittest.TestCase):
    protocol = 2

    @classmethod
    def setUpClass(cls):
        cls.server = servers.cloakroom()

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()

    def setUp(self):
        self.client = self.server.connect()
        if self.protocol == 3:
            self.client.call("HELLO", 3)
        self.client.call("FLUSHALL")

    def tearDown(self):
        self.client.close()

    def create(self, user, *options):
        return as_map(self.client.call("SESSION.CREATE", "web", user, *options))

    def get(self, token, *options):
        reply = self.client.call("SESSION.GET", token, *options)
        return None if reply is None else as_map(reply)

    def test_login_read_write_logout(self):
        made = self.create("ana", "META", 1, "agent", "Firefox",
                           "FIELDS", 2, "cart", "3", "lang", "pt")
        token = made[b"token"]
        self.assertEqual(list(made),
                         [b"token", b"handle", b"version", b"deadline", b"abs", b"evicted"])
        self.assertGreaterEqual(len(token), 35)
        self.assertEqual(made[b"version"], 1)
        session = self.get(token)
        self.assertEqual(list(session), [b"ns", b"user", b"handle", b"version", b"created", b"seen",
                                         b"auth_at", b"deadline", b"abs", b"reauth", b"meta",
                                         b"fields"])
        self.assertEqual(session[b"user"], b"ana")
        self.assertEqual(as_map(session[b"fields"]), {b"cart": b"3", b"lang": b"pt"})
        self.assertEqual(as_map(session[b"meta"]), {b"agent": b"Firefox"})
        self.assertEqual(self.client.call("SESSION.SET", token, "FIELDS", 1, "cart", "4"), 2)
        self.assertEqual(self.client.call("SESSION.INCR", token, "cart", 5), 9)
        self.assertEqual(as_map(self.get(token, "FIELDS", 1, "cart")[b"fields"]), {b"cart": b"9"})
        self.assertEqual(self.client.call("SESSION.DESTROY", token), 1)
        self.assertEqual(self.client.call("SESSION.DESTROY", token), 0)
        self.assertIsNone(self.get(token))

    def test_a_late_write_does_not_undo_a_logout(self):
        token = self.create("ana")[b"token"]
        self.client.call("SESSION.DESTROY", token)
        with self.assertRaisesRegex(ReplyError, "^NOSESSION"):
            self.client.call("SESSION.SET", token, "FIELDS", 1, "a", "b")
        own = "my-frameworks-own-session-id-01"
        self.client.call("SESSION.PUT", "web", own, "ana", "FIELDS", 1, "a", "1")
        self.client.call("SESSION.DESTROY", own)
        with self.assertRaisesRegex(ReplyError, "^NOSESSION"):
            self.client.call("SESSION.PUT", "web", own, "ana", "FIELDS", 1, "a", "2")

    def test_writers_of_different_fields_both_win(self):
        made = self.create("ana", "FIELDS", 2, "a", "1", "b", "1")
        token, version = made[b"token"], made[b"version"]
        self.assertEqual(self.client.call("SESSION.SET", token, "SINCE", version, "UNCHANGED", 1,
                                          "a", "FIELDS", 1, "a", "2"), 2)
        self.assertEqual(self.client.call("SESSION.SET", token, "SINCE", version, "UNCHANGED", 1,
                                          "b", "FIELDS", 1, "b", "2"), 3)
        with self.assertRaisesRegex(ReplyError, "^VERCONFLICT 3$"):
            self.client.call("SESSION.SET", token, "SINCE", version, "UNCHANGED", 1, "a",
                             "FIELDS", 1, "a", "9")
        with self.assertRaisesRegex(ReplyError, "^VERCONFLICT 3$"):
            self.client.call("SESSION.SET", token, "IFVER", version, "FIELDS", 1, "a", "9")

    def test_rotation_keeps_the_session_and_ends_the_old_token(self):
        made = self.create("ana", "FIELDS", 1, "cart", "3")
        rotated = as_map(self.client.call("SESSION.ROTATE", made[b"token"]))
        self.assertNotEqual(rotated[b"token"], made[b"token"])
        self.assertEqual(rotated[b"handle"], made[b"handle"])
        self.assertIsNone(self.get(made[b"token"]))
        self.assertEqual(as_map(self.get(rotated[b"token"])[b"fields"]), {b"cart": b"3"})

    def test_within_grace_both_requests_get_the_same_successor(self):
        token = self.create("ana")[b"token"]
        first = as_map(self.client.call("SESSION.ROTATE", token, "GRACE", 60000))
        second = as_map(self.client.call("SESSION.ROTATE", token, "GRACE", 60000))
        self.assertEqual(first[b"token"], second[b"token"])
        self.assertIsNotNone(self.get(token))

    def test_devices_and_log_out_everywhere(self):
        tokens = [self.create("ana", "META", 1, "agent", f"device {i}")[b"token"] for i in range(3)]
        other = self.create("bob")[b"token"]
        cursor, devices = self.client.call("SESSION.LIST", "web", "ana", "CURRENT", tokens[1])
        devices = [as_map(device) for device in devices]
        self.assertEqual(cursor, b"0")
        self.assertEqual(len(devices), 3)
        self.assertEqual(sum(device[b"current"] for device in devices), 1)
        self.assertFalse(any(token in repr(devices).encode() for token in tokens))
        ended = self.client.call("SESSION.REVOKE", "web", "ana", "ALL", "EXCEPT", tokens[1])
        self.assertEqual(ended, 2)
        self.assertEqual([self.get(token) is None for token in tokens], [True, False, True])
        self.assertIsNotNone(self.get(other))
        self.assertEqual(self.client.call("SESSION.REVOKEALL", "web"), 2)
        self.assertIsNone(self.get(other))

    def test_the_cap_holds(self):
        first = self.create("ana", "MAX", 2, "EVICT")
        self.create("ana", "MAX", 2, "EVICT")
        # Of those seen in one millisecond, the oldest goes.
        third = self.create("ana", "MAX", 2, "EVICT")
        self.assertEqual(third[b"evicted"], [first[b"handle"]])
        with self.assertRaisesRegex(ReplyError, "^SESSLIMIT 2"):
            self.create("ana", "MAX", 2, "REJECT")

    def test_a_minted_token_lies_in_the_slot_of_its_user(self):
        for user in ("ana", "bob", "user:1000", "{tag}x"):
            token = self.create(user)[b"token"]
            self.assertEqual(self.client.call("CLUSTER", "KEYSLOT", token),
                             self.client.call("CLUSTER", "KEYSLOT", user))

    def test_sessions_are_no_keys(self):
        token = self.create("ana")[b"token"]
        self.assertEqual(self.client.call("KEYS", "*"), [])
        self.assertEqual(self.client.call("DBSIZE"), 0)
        self.assertEqual(self.client.call("DEL", token), 0)
        self.client.call("FLUSHDB")
        self.assertIsNotNone(self.get(token))
        self.client.call("FLUSHALL")
        self.assertIsNone(self.get(token))


class LoginFlowResp3(LoginFlow):
    protocol = 3


if __name__ == "__main__":
    unittest.main()
