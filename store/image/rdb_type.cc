#include <algorithm>
#include <iterator>

#include "store/image/rdb_format.h"

namespace cloakroom {
namespace {

using enum RdbLayout;

constexpr RdbType kTypes[] = {
    {kRdbString, "string", RdbKind::kString, kString},
    {1, "list", RdbKind::kOther, kStrings},
    {kRdbSet, "set", RdbKind::kSet, kMembers},
    {3, "zset", RdbKind::kOther, kStringsText},
    {kRdbHash, "hash", RdbKind::kHash, kPairs},
    {5, "zset", RdbKind::kOther, kStringsDouble},
    {6, "module", RdbKind::kOther, kUnreadable},
    {7, "module", RdbKind::kOther, kModule},
    {9, "hash", RdbKind::kHash, kZipmap},
    {10, "list", RdbKind::kOther, kBlob},
    {kRdbSetIntset, "set", RdbKind::kSet, kIntset},
    {12, "zset", RdbKind::kOther, kBlob},
    {13, "hash", RdbKind::kHash, kZiplistPairs},
    {14, "list", RdbKind::kOther, kStrings},
    {15, "stream", RdbKind::kOther, kStream1},
    {kRdbHashListpack, "hash", RdbKind::kHash, kListpackPairs},
    {17, "zset", RdbKind::kOther, kBlob},
    {18, "list", RdbKind::kOther, kStringsTagged},
    {19, "stream", RdbKind::kOther, kStream2},
    {20, "set", RdbKind::kSet, kListpackMembers},
    {21, "stream", RdbKind::kOther, kStream3},
};
constexpr uint8_t kDialectsPartAt = 22;

constexpr RdbType kRedisTypes[] = {
    {22, "hash", RdbKind::kHash, kPairsDeadlines},
    {23, "hash", RdbKind::kHash, kListpackTriples},
    {24, "hash", RdbKind::kHash, kPairsTimes},
    {25, "hash", RdbKind::kHash, kListpackTriplesX},
};

constexpr RdbType kValkeyTypes[] = {
    {22, "hash", RdbKind::kHash, kPairsEndings},
};

template <size_t kCount>
const RdbType* FindIn(const RdbType (&types)[kCount], uint8_t number) {
  const auto* const found = std::find_if(std::begin(types), std::end(types),
                                         [&](const RdbType& t) { return t.number == number; });
  return found == std::end(types) ? nullptr : found;
}

}  // namespace

const RdbType* FindRdbType(uint8_t number, RdbDialect dialect) {
  if (number < kDialectsPartAt) return FindIn(kTypes, number);
  return dialect == RdbDialect::kValkey ? FindIn(kValkeyTypes, number)
                                        : FindIn(kRedisTypes, number);
}

}  // namespace cloakroom
