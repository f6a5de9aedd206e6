#include "store/table/user_refs.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <vector>

#include "store/base/hash.h"

namespace cloakroom {
namespace {

constexpr uint64_t kSeed = 3;

class UserRefsTest : public ::testing::Test {
 protected:
  Position Any(uint16_t slot) { return {slot, random()}; }
  bool Finds(const Position& user, const Position& session) {
    const std::vector<BriefPosition> found = Found(user);
    return std::find(found.begin(), found.end(), BriefPosition::Of(session)) != found.end();
  }
  std::vector<BriefPosition> Found(const Position& user) {
    std::vector<BriefPosition> found;
    refs.Find(user, found);
    return found;
  }

  std::mt19937_64 random{7};
  uint64_t seed = kSeed;
  UserRefs refs{&seed};
};

// Every session of a user is found, near and far ones, and nothing is left when all are gone: in
// slots with a few pairs and in one with very many.
TEST_F(UserRefsTest, HoldsWhatWasAdded) {
  struct Pair {
    Position user;
    Position session;
  };
  std::vector<Pair> pairs;
  for (int step = 0; step < 60'000; ++step) {
    // It grows, and then it shrinks.
    const bool add = pairs.empty() || random() % 100 < (step < 30'000 ? 90U : 10U);
    if (!add) {
      const size_t at = random() % pairs.size();
      refs.Remove(pairs[at].user, pairs[at].session);
      std::swap(pairs[at], pairs.back());
      pairs.pop_back();
      continue;
    }
    const auto slot = static_cast<uint16_t>(random() % 2 == 0 ? 5 : random() % kSlotCount);
    Position user = Any(slot);
    if (!pairs.empty() && random() % 2 == 0) user = pairs[random() % pairs.size()].user;
    const bool far = random() % 8 == 0;
    const Position session = Any(far ? static_cast<uint16_t>(random() % kSlotCount) : user.slot);
    const size_t alike = refs.Add(user, session);
    pairs.push_back({user, session});
    ASSERT_TRUE(Finds(user, session));
    ASSERT_LE(alike, Found(user).size());
    if (step % 5'000 != 0) continue;
    for (const Pair& pair : pairs) {
      ASSERT_TRUE(Finds(pair.user, pair.session)) << "step " << step;
    }
  }
  while (!pairs.empty()) {
    refs.Remove(pairs.back().user, pairs.back().session);
    pairs.pop_back();
  }
  EXPECT_EQ(refs.size(), 0U);
  EXPECT_EQ(refs.memory().block_bytes, 0U);
}

// Two sessions of a user whose places are alike: one that ends must not take the other with it.
TEST_F(UserRefsTest, EqualPairsAreCounted) {
  const Position user = Any(9);
  const Position session = Any(9);
  refs.Add(user, session);
  EXPECT_EQ(refs.Add(user, session), 2U);
  refs.Remove(user, session);
  EXPECT_TRUE(Finds(user, session));
  refs.Remove(user, session);
  EXPECT_FALSE(Finds(user, session));
}

// The promise: a user's index costs little beside the sessions, and finds hardly anybody else's.
TEST_F(UserRefsTest, IsSmallAndPrecise) {
  constexpr size_t kUsers = 500'000;
  std::vector<Position> users;
  for (size_t i = 0; i < kUsers; ++i) {
    users.push_back(Any(static_cast<uint16_t>(random() % kSlotCount)));
    refs.Add(users[i], Any(users[i].slot));
    refs.Add(users[i], Any(users[i].slot));
  }
  EXPECT_LT(refs.memory().block_bytes, 2 * kUsers * 7);
  size_t found = 0;
  for (const Position& user : users) found += Found(user).size();
  EXPECT_GE(found, 2 * kUsers);
  EXPECT_LT(found, 2 * kUsers + 2 * kUsers / 500);
}

// Users who share a {tag} share a slot: its leaves stay small, so no step is a long one.
TEST_F(UserRefsTest, HotSlotHasManyLeaves) {
  std::vector<Position> users;
  for (size_t i = 0; i < 100'000; ++i) {
    users.push_back(Any(77));
    refs.Add(users[i], Any(77));
  }
  EXPECT_LT(refs.memory().large_bytes, refs.memory().Total() / 10) << "leaves fit the slabs";
  size_t found = 0;
  for (size_t i = 0; i < 1000; ++i) found += Found(users[i]).size();
  EXPECT_LT(found, 4000U);
}

}  // namespace
}  // namespace cloakroom
