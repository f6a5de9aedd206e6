// Random verbs against a plain model: every answer, the index, the counts; and a second copy of the
// state that applies the same log with other sweeps.

#include <gtest/gtest.h>

#include "tests/support/seeds.h"
#include "tests/unit/store/table/session_machine.h"

namespace cloakroom {
namespace {

class SessionPropertyTest : public ::testing::TestWithParam<uint64_t> {};

TEST_P(SessionPropertyTest, AnswersAsTheModelDoes) {
  SessionMachine machine(GetParam());
  for (int step = 0; step < 20'000; ++step) {
    machine.Step();
    if (step % 200 == 0) machine.Check();
    ASSERT_FALSE(HasFailure()) << "seed " << GetParam() << ", step " << step;
  }
  EXPECT_GT(machine.most_of_a_user(), UserIndex::kFewMax + 16) << "the ordered form was not tried";
}

INSTANTIATE_TEST_SUITE_P(Seeds, SessionPropertyTest,
                         ::testing::Range<uint64_t>(1, 1 + SeedCount(6)));

}  // namespace
}  // namespace cloakroom
