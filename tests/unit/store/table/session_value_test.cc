#include "store/table/session_draft.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>

#include "tests/support/entry_block.h"

namespace cloakroom {
namespace {

// An application with endlessly many names must not grow the dictionary without end.
TEST(FieldNamesTest, KeepsEachNameOnceAndOnlySoMany) {
  FieldNames names{1};
  std::string bytes;
  names.Append(bytes, "cart");
  const size_t size = bytes.size();
  names.Append(bytes, "cart");
  EXPECT_EQ(bytes.size(), 2 * size);
  EXPECT_EQ(names.size(), 1U);
  for (size_t i = 0; i < 2 * FieldNames::kNamesMax; ++i) {
    std::string one;
    names.Append(one, "name" + std::to_string(i));
    const char* at = one.data();
    EXPECT_EQ(names.Read(at), "name" + std::to_string(i));
    EXPECT_EQ(at, one.data() + one.size());
  }
  EXPECT_EQ(names.size(), FieldNames::kNamesMax);
}

TEST(FieldNamesTest, ForgetsANameWithItsLastUse) {
  FieldNames names{1};
  std::string first;
  std::string second;
  names.Append(first, "cart");
  names.Append(second, "cart");
  names.Release(first.data());
  EXPECT_EQ(names.size(), 1U);
  names.Release(second.data());
  EXPECT_EQ(names.size(), 0U);
  EXPECT_EQ(names.bytes(), 0U);
  std::string third;
  names.Append(third, "theme");
  const char* at = third.data();
  EXPECT_EQ(names.Read(at), "theme");
}

// Items are searched one by one while they are few and by a hash when they are many: both must
// find the same.
TEST(SessionItemsTest, FindsLikeAMap) {
  const uint32_t seed = 99;
  std::mt19937 random(seed);
  for (const size_t universe : {8U, 200U}) {
    std::vector<std::string> names;
    for (size_t i = 0; i < universe; ++i) names.push_back("n" + std::to_string(i));
    SessionItems items;
    std::map<std::string_view, uint32_t> model;
    for (uint32_t step = 1; step < 2000; ++step) {
      const std::string& name = names[random() % universe];
      if (random() % 100 == 0) {
        const uint32_t older = random() % step;
        items.RemoveIf([&](const SessionItem& item) { return item.version < older; });
        std::erase_if(model, [&](const auto& each) { return each.second < older; });
      }
      items.Set(name, "", step);
      model[name] = step;
      const std::string& asked = names[random() % universe];
      const SessionItem* found = items.Find(asked);
      ASSERT_EQ(found != nullptr, model.count(asked) > 0) << "seed " << seed;
      ASSERT_TRUE(found == nullptr || found->version == model[asked]) << "seed " << seed;
    }
    EXPECT_EQ(items.all().size(), model.size());
  }
}

SessionDraft SomeDraft() {
  SessionDraft draft;
  draft.head.version = 7;
  draft.head.serial = 3;
  draft.head.seen = draft.head.created = 1'700'000'000'000;
  draft.head.abs_start = draft.head.auth_at = draft.head.created;
  draft.head.idle_ms = 1'800'000;
  draft.head.abs_ms = 315'360'000'000;
  draft.head.ns = 300;
  draft.head.user = "ana";
  return draft;
}

/// What a namespace's sessions share, and how many uses of it are counted.
struct Shared {
  FieldNames names{1};
  SessionShapes shapes{1};

  void ExpectUnused() const {
    EXPECT_EQ(names.size(), 0U);
    EXPECT_EQ(shapes.size(), 0U);
    EXPECT_EQ(shapes.bytes(), 0U);
  }
};

EntryBlock Stored(const SessionDraft& draft, Shared& shared) {
  std::string value;
  draft.Encode(shared.shapes, shared.names, value);
  return EntryBlock("123456789012345678", ValueType::kSession, Encoding::kPlain, value,
                    draft.head.deadline());
}

/// All that a session says of its meta and fields.
std::string ItemsOf(const SessionView& view, const FieldNames& names) {
  std::string seen;
  ForEachMeta(view, names, [&](const SessionItem& item) {
    seen += std::string(item.name) + "=" + std::string(item.value) + ";";
  });
  ForEachField(view, names, [&](const SessionItem& item) {
    seen += std::string(item.name) + "@" + std::to_string(item.version) +
            (item.deleted ? " gone;" : "=" + std::string(item.value) + ";");
  });
  return seen;
}

TEST(SessionValueTest, ComesBackAsItWasStored) {
  Shared shared;
  SessionDraft draft = SomeDraft();
  draft.head.flags = SessionView::kByPut;
  draft.own_handle.emplace().bytes.fill('h');
  draft.head.auth_at = 0;
  draft.head.abs_start += 5;
  draft.head.forgotten = 4;
  draft.spent = std::string(2 * SessionKey::kBytes, 's');
  draft.meta.Set("ip", "10.0.0.1");
  draft.fields.Set("cart", "", 5);
  draft.fields.Set("gone", "", 6);
  SessionItems::Delete(draft.fields.all().back(), 6);

  const EntryBlock block = Stored(draft, shared);
  const SessionView view = ViewSession(*block, shared.shapes);
  EXPECT_EQ(view.version, 7U);
  EXPECT_EQ(view.serial, 3U);
  EXPECT_EQ(view.ns, 300U);
  EXPECT_EQ(view.user, "ana");
  EXPECT_EQ(view.handle(), *draft.own_handle);
  EXPECT_EQ(view.auth_at, 0);
  EXPECT_EQ(view.created, draft.head.created);
  EXPECT_EQ(view.seen, draft.head.seen);
  EXPECT_EQ(view.abs(), draft.head.abs());
  EXPECT_EQ(view.idle_ms, draft.head.idle_ms);
  EXPECT_EQ(view.forgotten, 4U);
  EXPECT_EQ(view.spent, draft.spent);
  EXPECT_TRUE(view.flags & SessionView::kByPut);
  EXPECT_EQ(ItemsOf(view, shared.names), "ip=10.0.0.1;cart@5=;gone@6 gone;");
  ReleaseShape(view, shared.shapes, shared.names);
  shared.ExpectUnused();
}

// What is left out must be what the rest says: a last use that the absolute end cuts short, and an
// absolute end that begins anew.
TEST(SessionValueTest, TimesComeBackWhereverTheyStand) {
  for (const TimeMs seen : {0, 1'000, 59'000, 60'000, 61'000, 100'000})
    for (const TimeMs abs_start : {0, 7})
      for (const TimeMs auth_at : {-1'000, 0, 7})
        for (const std::string_view user : {"", "ana"}) {
          Shared shared;
          SessionDraft draft = SomeDraft();
          draft.head.user = user;
          draft.head.idle_ms = 60'000;
          draft.head.abs_ms = 120'000;
          draft.head.seen = draft.head.created + seen;
          draft.head.abs_start = draft.head.created + abs_start;
          draft.head.auth_at = draft.head.created + auth_at;
          const EntryBlock block = Stored(draft, shared);
          const SessionView view = ViewSession(*block, shared.shapes);
          EXPECT_EQ(view.created, draft.head.created);
          EXPECT_EQ(view.seen, draft.head.seen);
          EXPECT_EQ(view.abs_start, draft.head.abs_start);
          EXPECT_EQ(view.auth_at, draft.head.auth_at);
        }
}

// A minted session's handle is not stored until it is rotated: it follows from the key.
TEST(SessionValueTest, HandleFollowsFromTheKey) {
  Shared shared;
  const EntryBlock block = Stored(SomeDraft(), shared);
  const SessionView view = ViewSession(*block, shared.shapes);
  EXPECT_EQ(view.handle(), DerivedHandle(SessionKey::FromBytes(block.get()->key())));
}

// The promise of the layout: six short fields cost little beside their own bytes.
TEST(SessionValueTest, IsCompact) {
  Shared shared;
  SessionDraft draft = SomeDraft();
  draft.head.ns = 1;
  draft.head.version = 1;
  draft.head.serial = 1'000'000;
  size_t own = draft.head.user.size();
  for (const std::string_view name : {"cart", "theme", "lang", "role", "csrf", "last"}) {
    draft.fields.Set(name, "Thirteen Byte", 1);
    own += 13;
  }
  std::string value;
  for (int time = 0; time < 2; ++time) {  // the second session shares the shape of the first
    value.clear();
    draft.Encode(shared.shapes, shared.names, value);
  }
  EXPECT_EQ(value.size(), own + 18);
}

// Uses of shapes and names are counted: whatever becomes of a session, nothing may be left over,
// and nothing may go that is still used.
TEST(SessionValueTest, CountsWhatItShares) {
  const uint32_t seed = 5;
  std::mt19937 random(seed);
  const std::vector<std::string> pool = {"a", "b", "c", "d", "e", std::string(200, 'l')};
  Shared shared;
  struct Kept {
    EntryBlock block;
    std::string items;
  };
  std::vector<Kept> sessions;
  for (size_t step = 0; step < 3000; ++step) {
    SessionDraft draft = SomeDraft();
    const size_t at = sessions.empty() ? 0 : random() % sessions.size();
    const bool change = !sessions.empty() && random() % 2 == 0;
    if (change) {
      const SessionView view = ViewSession(*sessions[at].block, shared.shapes);
      ASSERT_EQ(ItemsOf(view, shared.names), sessions[at].items) << "seed " << seed;
      if (random() % 4 == 0) {
        ReleaseShape(view, shared.shapes, shared.names);
        std::swap(sessions[at], sessions.back());
        sessions.pop_back();
        continue;
      }
      draft.Load(view, shared.names);
    }
    // Many fields of one session: a description too long to be shared.
    const size_t changes = random() % 50 == 0 ? 300 : random() % 4;
    std::vector<std::string> texts;
    for (size_t i = 0; i < changes; ++i)
      texts.push_back(changes > 4 ? "n" + std::to_string(i) : pool[random() % pool.size()]);
    for (const std::string& text : texts) draft.fields.Set(text, "1", 1 + random() % 2);
    if (random() % 3 == 0) draft.meta.Set(pool[random() % 3], "m");
    if (random() % 9 == 0) draft.head.idle_ms += 1000;
    EntryBlock block = Stored(draft, shared);
    std::string items = ItemsOf(ViewSession(*block, shared.shapes), shared.names);
    if (change)
      sessions[at] = {std::move(block), std::move(items)};
    else
      sessions.push_back({std::move(block), std::move(items)});
  }
  for (const Kept& each : sessions)
    ReleaseShape(ViewSession(*each.block, shared.shapes), shared.shapes, shared.names);
  shared.ExpectUnused();
}

/// Whether a session like `draft` shares its shape with others.
bool SharesShape(const SessionDraft& draft, Shared& shared) {
  const EntryBlock block = Stored(draft, shared);
  const SessionView view = ViewSession(*block, shared.shapes);
  EXPECT_EQ(view.idle_ms, draft.head.idle_ms);
  EXPECT_EQ(view.abs_ms, draft.head.abs_ms);
  EXPECT_EQ(ItemsOf(view, shared.names), "cart@1=3;");
  return view.shape != 0;
}

// An application with endlessly many sets of names must not grow the shared part without end.
TEST(SessionShapesTest, SharesOnlySoMany) {
  Shared shared;
  SessionDraft draft = SomeDraft();
  draft.fields.Set("cart", "3", 1);
  for (size_t i = 0; i < SessionShapes::kShapesMax + 100; ++i) {
    ++draft.head.idle_ms;
    ASSERT_FALSE(SharesShape(draft, shared));
    ASSERT_EQ(SharesShape(draft, shared), i < SessionShapes::kShapesMax);
  }
  draft.head.ns = 7;
  EXPECT_FALSE(SharesShape(draft, shared));
  EXPECT_TRUE(SharesShape(draft, shared)) << "another namespace has its own share";
}

// What one session alone has is not shared: however many such there are, they take no memory but
// their own, and sessions with something in common still share it.
TEST(SessionShapesTest, WhatIsUniqueCrowdsNobodyOut) {
  Shared shared;
  SessionDraft usual = SomeDraft();
  usual.fields.Set("cart", "3", 1);
  for (size_t i = 0; i < 5 * SessionShapes::kShapesMax; ++i) {
    SessionDraft shortened = SomeDraft();
    shortened.fields.Set("cart", "3", 1);
    shortened.head.abs_ms -= static_cast<TimeMs>(i) + 1;
    ASSERT_FALSE(SharesShape(shortened, shared)) << i;
    if (i % 100 == 0) (void)SharesShape(usual, shared);
  }
  EXPECT_TRUE(SharesShape(usual, shared));
  EXPECT_EQ(shared.shapes.size(), 1U);
  EXPECT_LT(shared.shapes.bytes(), 300U);
}

// Of deletions only so many are remembered one by one; of the others, up to which version.
TEST(SessionValueTest, ForgetsOldDeletionsButNotThatThereWereSome) {
  SessionDraft draft = SomeDraft();
  std::vector<std::string> texts;
  for (uint32_t i = 0; i < 1000; ++i) texts.push_back("field" + std::to_string(i));
  for (uint32_t i = 0; i < 1000; ++i) {
    draft.fields.Set(texts[i], "", 1);
    SessionItems::Delete(draft.fields.all().back(), i + 1);
  }
  draft.ForgetDeletions();
  EXPECT_EQ(draft.head.forgotten, 501U);
  EXPECT_EQ(draft.fields.all().size(), 499U);
  EXPECT_EQ(draft.fields.Find("field500"), nullptr);
  ASSERT_NE(draft.fields.Find("field501"), nullptr);
}

}  // namespace
}  // namespace cloakroom
