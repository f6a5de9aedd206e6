#pragma once

#include <cstdint>
#include <string_view>

namespace cloakroom {

/// Redis's dump format (RDB). A file is
///
///   "REDIS" and four digits | item ... | EOF | CRC-64 of all before it (u64, from version 5 on)
///   "VALKEY" and three digits, from Valkey 9 on
///
/// an item an opcode with its arguments, or a key: type u8 | key string | value by type. Opcodes
/// that come before a key say its deadline and use. Lengths are 1, 2, 5 or 9 bytes, see
/// RdbCursor::Length; a string is a length and its bytes, or an integer, or an LZF stream.
/// A dump payload (DUMP, RESTORE) is: type u8 | value | version u16 | CRC-64 of all before it.

/// Who wrote it: from version 12 on Redis and Valkey give some numbers different meanings.
enum class RdbDialect : uint8_t { kRedis, kValkey };

/// What we write: what Redis 7.0 reads.
inline constexpr uint16_t kRdbVersionWritten = 10;
/// What we read. Numbers keep their meaning, so of versions from 13 on (Redis 8.6) we read what has
/// only types that were there before.
inline constexpr uint16_t kRdbVersionMax = 15;
inline constexpr uint16_t kValkeyRdbVersionMin = 80;  // Valkey 9; before, it is version 11
inline constexpr uint16_t kValkeyRdbVersionMax = 80;
inline constexpr uint16_t kRdbChecksumSince = 5;

/// The first byte of an item that is no key.
enum class RdbOpcode : uint8_t {
  kSlotImport = 243,   // Valkey: a slot being moved here. Redis: metadata of modules
  kSlotInfo = 244,     // slot, keys, keys with a deadline
  kFunction = 245,     // the source of a library
  kOldFunction = 246,  // of release candidates of Redis 7.0 only
  kModuleAux = 247,    // what a module keeps beside the keys
  kIdle = 248,         // seconds since the next key was used
  kFrequency = 249,    // how often it is used, u8
  kAux = 250,          // a name and a value about the file
  kResizeDb = 251,     // how many keys follow, how many of them with a deadline
  kDeadlineMs = 252,   // of the next key, unix milliseconds, i64
  kDeadline = 253,     // the same in seconds, i32
  kSelectDb = 254,
  kEof = 255,
};

/// Types of values that we write; all that we read are in rdb_type.cc.
inline constexpr uint8_t kRdbString = 0;
inline constexpr uint8_t kRdbSet = 2;
inline constexpr uint8_t kRdbHash = 4;
inline constexpr uint8_t kRdbSetIntset = 11;
inline constexpr uint8_t kRdbHashListpack = 16;

/// What a length with its two top bits set announces instead.
inline constexpr uint8_t kRdbInt8 = 0;
inline constexpr uint8_t kRdbInt16 = 1;
inline constexpr uint8_t kRdbInt32 = 2;
inline constexpr uint8_t kRdbLzf = 3;

/// What a value is to a client.
enum class RdbKind : uint8_t { kString, kHash, kSet, kOther };

/// How the bytes of a value are laid out. "n" is a length; (..) stands n times.
enum class RdbLayout : uint8_t {
  kString,            // string
  kPairs,             // n (field, value)
  kPairsDeadlines,    // n (deadline length or 0, field, value), of a release candidate
  kPairsTimes,        // first i64, n (deadline - first + 1 or 0 as a length, field, value)
  kPairsEndings,      // n (field, value, deadline i64 or -1)
  kMembers,           // n (member)
  kZipmap,            // a string that holds a zipmap, and so on
  kZiplistPairs,      //
  kListpackPairs,     //
  kListpackTriples,   // listpack of field, value, deadline or 0
  kListpackTriplesX,  // i64, the same
  kListpackMembers,   //
  kIntset,            //
  // Of types that are only passed over:
  kBlob,           // string
  kStrings,        // n (string)
  kStringsText,    // n (string, number as text: size u8 up to 252 and its bytes, or 253 .. 255)
  kStringsDouble,  // n (string, f64)
  kStringsTagged,  // n (length, string)
  kStream1,        // see rdb_skip.cc
  kStream2,
  kStream3,
  kModule,
  kUnreadable,  // only the module that wrote it knows where it ends
};

struct RdbType {
  uint8_t number;
  std::string_view name;  // "list"
  RdbKind kind;
  RdbLayout layout;
};

/// The type of that number, or nullptr.
[[nodiscard]] const RdbType* FindRdbType(uint8_t number, RdbDialect dialect);

}  // namespace cloakroom
