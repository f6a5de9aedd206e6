#include "store/table/session_value.h"

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
      items.Upsert(name).version = step;
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
  draft.head.handle.bytes.fill('h');
  return draft;
}

EntryBlock Stored(const SessionDraft& draft, FieldNames& names) {
  std::string value;
  draft.Encode(names, value);
  return EntryBlock("123456789012345678", ValueType::kSession, Encoding::kPlain, value);
}

TEST(SessionValueTest, ComesBackAsItWasStored) {
  FieldNames names{1};
  SessionDraft draft = SomeDraft();
  draft.head.flags = SessionView::kByPut;
  draft.head.auth_at = 0;
  draft.head.abs_start += 5;
  draft.head.forgotten = 4;
  draft.spent = std::string(2 * SessionKey::kBytes, 's');
  draft.meta.Upsert("ip").value = "10.0.0.1";
  SessionItem& cart = draft.fields.Upsert("cart");
  cart.value = "";
  cart.version = 5;
  SessionItem& gone = draft.fields.Upsert("gone");
  gone.deleted = true;
  gone.version = 6;

  const EntryBlock block = Stored(draft, names);
  const SessionView view = ViewSession(*block);
  EXPECT_EQ(view.version, 7U);
  EXPECT_EQ(view.serial, 3U);
  EXPECT_EQ(view.ns, 300U);
  EXPECT_EQ(view.user, "ana");
  EXPECT_EQ(view.handle, draft.head.handle);
  EXPECT_EQ(view.auth_at, 0);
  EXPECT_EQ(view.created, draft.head.created);
  EXPECT_EQ(view.abs(), draft.head.abs());
  EXPECT_EQ(view.idle_ms, draft.head.idle_ms);
  EXPECT_EQ(view.forgotten, 4U);
  EXPECT_EQ(view.spent, draft.spent);
  EXPECT_TRUE(view.flags & SessionView::kByPut);
  std::string seen;
  ForEachMeta(view, names, [&](const SessionItem& item) {
    seen += std::string(item.name) + "=" + std::string(item.value) + ";";
  });
  ForEachField(view, names, [&](const SessionItem& item) {
    seen += std::string(item.name) + "@" + std::to_string(item.version) +
            (item.deleted ? " gone;" : "=" + std::string(item.value) + ";");
  });
  EXPECT_EQ(seen, "ip=10.0.0.1;cart@5=;gone@6 gone;");
  ReleaseNames(view, names);
  EXPECT_EQ(names.size(), 0U);
}

// The promise of the layout: six short fields cost little beside their own bytes.
TEST(SessionValueTest, IsCompact) {
  FieldNames names{1};
  SessionDraft draft = SomeDraft();
  draft.head.ns = 1;
  size_t own = draft.head.user.size();
  for (const std::string_view name : {"cart", "theme", "lang", "role", "csrf", "last"}) {
    SessionItem& item = draft.fields.Upsert(name);
    item.value = "thirteen byte";
    item.version = 1;
    own += item.value.size();
  }
  std::string value;
  draft.Encode(names, value);
  EXPECT_LE(value.size(), own + 70);
}

// Of deletions only so many are remembered one by one; of the others, up to which version.
TEST(SessionValueTest, ForgetsOldDeletionsButNotThatThereWereSome) {
  FieldNames names{1};
  SessionDraft draft = SomeDraft();
  std::vector<std::string> texts;
  for (uint32_t i = 0; i < 1000; ++i) texts.push_back("field" + std::to_string(i));
  for (uint32_t i = 0; i < 1000; ++i) {
    SessionItem& item = draft.fields.Upsert(texts[i]);
    item.deleted = true;
    item.version = i + 1;
  }
  draft.ForgetDeletions(names);
  EXPECT_EQ(draft.head.forgotten, 501U);
  EXPECT_EQ(draft.fields.all().size(), 499U);
  EXPECT_EQ(draft.fields.Find("field500"), nullptr);
  ASSERT_NE(draft.fields.Find("field501"), nullptr);
}

}  // namespace
}  // namespace cloakroom
