#include "tests/sim/random_commands.h"

#include <algorithm>
#include <charconv>

namespace cloakroom {
namespace {

constexpr size_t kRemembered = 40;

const std::vector<std::string> kNamespaces = {"shop", "blog", "bank"};
const std::vector<std::string> kUsers = {"ana", "bob", "{tag}carl"};
const std::vector<std::string> kNames = {"a", "b", "c", "d"};

/// The bulk string that follows `name` in a reply of names and values; empty: there is none.
std::string_view BulkAfter(std::string_view reply, std::string_view name) {
  const size_t at = reply.find("\r\n" + std::string(name) + "\r\n$");
  if (at == std::string_view::npos) return {};
  const size_t size_at = at + name.size() + 5;
  const size_t line_end = reply.find("\r\n", size_at);
  size_t size_bytes = 0;
  std::from_chars(reply.data() + size_at, reply.data() + line_end, size_bytes);
  return reply.substr(line_end + 2, size_bytes);
}

void Remember(std::deque<std::string>& in, std::string_view what) {
  if (what.empty()) return;
  in.emplace_back(what);
  if (in.size() > kRemembered) in.pop_front();
}

}  // namespace

RandomCommands::Words RandomCommands::Next() {
  const uint64_t draw = random_.Below(100);
  if (in_multi_ && draw < 25) return {draw < 22 ? "EXEC" : "DISCARD"};
  if (draw < 15) return OnString();
  if (draw < 25) return OnHash();
  if (draw < 33) return OnSet();
  if (draw < 47) return OnKey();
  if (draw < 49) return OnAll();
  if (draw < 53) return OnTransaction();
  if (draw < 54) return Large();
  if (draw < 71) return MakeSession();
  if (draw < 87) return UseSession();
  if (draw < 96) return EndSessions();
  return Policy();
}

void RandomCommands::Learn(const Words& words, std::string_view reply) {
  if (words[0] == "MULTI") in_multi_ = reply == "+OK\r\n" || in_multi_;
  if (words[0] == "EXEC" || words[0] == "DISCARD") in_multi_ = false;
  if (words[0] == "DUMP" && reply.size() > 10 && reply[0] == '$') {
    const size_t line_end = reply.find("\r\n");
    dump_ = reply.substr(line_end + 2, reply.size() - line_end - 4);
  }
  if (!words[0].starts_with("SESSION.")) return;
  Remember(tokens_, BulkAfter(reply, "token"));
  Remember(handles_, BulkAfter(reply, "handle"));
}

// Keys

std::string RandomCommands::Value() {
  if (Chance(40)) return Number(1000);
  return std::string(Chance(5) ? random_.Below(3000) : random_.Below(60),
                     static_cast<char>('a' + random_.Below(26)));
}

RandomCommands::Words RandomCommands::OnString() {
  switch (random_.Below(8)) {
    case 0:
      return {"SET", Key(), Value(), "PX", std::to_string(1 + random_.Below(5000))};
    case 1:
      return {"INCRBY", Key(), Number(100)};
    case 2:
      return {"APPEND", Key(), Value()};
    case 3:
      return {"SETRANGE", Key(), Number(50), Value()};
    case 4:
      return {"MSET", Key(), Value(), Key(), Value(), Key(), Value()};
    case 5:
      return {"GETDEL", Key()};
    case 6:
      return {"GET", Key()};
    default:
      return {"SET", Key(), Value()};
  }
}

RandomCommands::Words RandomCommands::OnHash() {
  switch (random_.Below(5)) {
    case 0:
      return {"HDEL", Key(), Any(kNames), Any(kNames)};
    case 1:
      return {"HINCRBY", Key(), Any(kNames), Number(100)};
    case 2:
      return {"HGETALL", Key()};
    default:
      return {"HSET", Key(), Any(kNames), Value(), Any(kNames), Value()};
  }
}

RandomCommands::Words RandomCommands::OnSet() {
  switch (random_.Below(6)) {
    case 0:
      return {"SREM", Key(), Number(20), Number(20)};
    case 1:
      return {"SMOVE", Key(), Key(), Number(20)};
    case 2:
      return {"SPOP", Key(), "2"};
    case 3:
      return {"SUNIONSTORE", Key(), Key(), Key()};
    default:
      return {"SADD", Key(), Number(20), Chance(20) ? Value() : Number(20)};
  }
}

RandomCommands::Words RandomCommands::OnKey() {
  switch (random_.Below(12)) {
    case 0:
      return {"DEL", Key(), Key()};
    case 1:
      return {"UNLINK", Key()};
    case 2:
      return {"PERSIST", Key()};
    case 3:
      return {"RENAME", Key(), Key()};
    case 4:
      return {"COPY", Key(), Key(), "DB", Database(), "REPLACE"};
    case 5:
      return {"MOVE", Key(), Database()};
    case 6:
      return {"DUMP", Key()};
    case 7:
      if (!dump_.empty()) return {"RESTORE", Key(), Number(4000), dump_, "REPLACE"};
      return {"DUMP", Key()};
    case 8:
      return {"SELECT", Database()};
    case 9:
      return {"GETEX", Key(), "PX", std::to_string(1 + random_.Below(3000))};
    default:
      return {"PEXPIRE", Key(), Number(6000)};
  }
}

RandomCommands::Words RandomCommands::OnAll() {
  switch (random_.Below(8)) {
    case 0:
      return {"FLUSHALL"};
    case 1:
      return {"FLUSHALL", "SYNC"};
    case 2:
    case 3:
      return {"FLUSHDB"};
    default:
      return {"SWAPDB", Database(), Database()};
  }
}

RandomCommands::Words RandomCommands::OnTransaction() {
  if (in_multi_) return {"EXEC"};
  return Chance(20) ? Words{"WATCH", Key()} : Words{"MULTI"};
}

/// A value that is no longer packed, or one that an image takes in parts.
RandomCommands::Words RandomCommands::Large() {
  if (Chance(20)) return {"SETRANGE", Key(), std::to_string(20'000 + random_.Below(60'000)), "x"};
  const bool set = Chance(50);
  Words words = {set ? "SADD" : "HSET", Key()};
  for (uint64_t i = 0, first = random_.Below(1000); i < 550; ++i) {
    words.push_back("m" + std::to_string(first + i));
    if (!set) words.push_back(Number(1000));
  }
  return words;
}

// Sessions

const std::string& RandomCommands::Namespace() {
  return Chance(70) ? kNamespaces[0] : Any(kNamespaces);
}
const std::string& RandomCommands::User() { return Chance(60) ? kUsers[0] : Any(kUsers); }

std::string RandomCommands::OwnToken() { return "a-token-of-their-own-" + Number(8) + "-------"; }

std::string RandomCommands::Token() {
  if (tokens_.empty() || Chance(25)) return OwnToken();
  const uint64_t span = Chance(70) ? std::min<uint64_t>(tokens_.size(), 6) : tokens_.size();
  return tokens_[tokens_.size() - 1 - random_.Below(span)];
}

void RandomCommands::AddPairs(Words& words, const char* option) {
  if (Chance(40)) return;
  const uint64_t pairs = 1 + random_.Below(3);
  words.insert(words.end(), {option, std::to_string(pairs)});
  for (uint64_t i = 0; i < pairs; ++i) {
    words.push_back(kNames[i]);
    words.push_back(Value());
  }
}

void RandomCommands::AddSpans(Words& words) {
  if (Chance(50)) words.insert(words.end(), {"IDLE", std::to_string(1 + random_.Below(20))});
  if (Chance(20)) words.insert(words.end(), {"ABS", std::to_string(1 + random_.Below(60))});
}

void RandomCommands::AddCap(Words& words) {
  if (!Chance(15)) return;
  words.insert(words.end(),
               {"MAX", std::to_string(1 + random_.Below(5)), Chance(80) ? "EVICT" : "REJECT"});
}

RandomCommands::Words RandomCommands::MakeSession() {
  Words words;
  switch (random_.Below(6)) {
    case 0:
      words = {"SESSION.ANON", Namespace()};
      AddSpans(words);
      break;
    case 1:
    case 2:
      words = {"SESSION.PUT", Namespace(), OwnToken(), Chance(80) ? User() : ""};
      AddSpans(words);
      break;
    case 3:
      words = {"SESSION.ROTATE", Token()};
      if (Chance(40)) words.insert(words.end(), {"USER", User()});
      if (Chance(20)) words.emplace_back("REAUTH");
      if (Chance(30)) words.insert(words.end(), {"GRACE", Number(4000)});
      AddCap(words);
      return words;
    default:
      words = {"SESSION.CREATE", Namespace(), User()};
      AddSpans(words);
      AddCap(words);
  }
  AddPairs(words, "META");
  AddPairs(words, "FIELDS");
  return words;
}

RandomCommands::Words RandomCommands::UseSession() {
  Words words;
  switch (random_.Below(7)) {
    case 0:
      return {"SESSION.INCR", Token(), Any(kNames), Number(10)};
    case 1:
      return {"SESSION.TOUCH", Token(), "IDLE", std::to_string(1 + random_.Below(20))};
    case 2:
    case 3:
      return {"SESSION.GET", Token()};
    case 4:
      return {"SESSION.LIST", Namespace(), User()};
    default:
      words = {"SESSION.SET", Token()};
      if (Chance(30)) words.insert(words.end(), {"DEL", "1", Any(kNames)});
      AddPairs(words, "META");
      AddPairs(words, "FIELDS");
      return words;
  }
}

RandomCommands::Words RandomCommands::EndSessions() {
  switch (random_.Below(12)) {
    case 0:
      return {"SESSION.REVOKEALL", Namespace()};
    case 1:
    case 2:
      return {"SESSION.REVOKE", Namespace(), User(), "ALL"};
    case 3:
      return {"SESSION.REVOKE", Namespace(), User(), "ALL", "EXCEPT", Token()};
    case 4:
    case 5:
      if (handles_.empty()) return {"SESSION.DESTROY", Token()};
      return {"SESSION.REVOKE", Namespace(), User(),
              "HANDLE",         "1",         handles_[random_.Below(handles_.size())]};
    case 6:
      return {"SESSION.DESTROY", Token(), Token()};
    default:
      return {"SESSION.DESTROY", Token()};
  }
}

RandomCommands::Words RandomCommands::Policy() {
  Words words = {"SESSION.POLICY", Namespace(), "SET"};
  switch (random_.Below(8)) {
    case 0:
      words.insert(words.end(), {"tombstone", Number(30)});
      break;
    case 1:
      words.insert(words.end(), {"quantum-ms", Number(3000)});
      break;
    case 2:
      words.insert(words.end(), {"max", Number(6), "on-limit", Chance(50) ? "evict" : "reject"});
      break;
    case 3:
      words.insert(words.end(),
                   {"on-reuse", Chance(50) ? "count" : "revoke", "grace-ms", Number(2000)});
      break;
    case 4:
      words.insert(words.end(), {"idle", std::to_string(1 + random_.Below(60)), "strict-login",
                                 Chance(50) ? "yes" : "no"});
      break;
    default:
      words.insert(words.end(), {"ack", Any({"server", "memory", "os", "disk", "disk"})});
  }
  return words;
}

}  // namespace cloakroom
