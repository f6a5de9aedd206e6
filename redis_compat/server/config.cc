#include "redis_compat/server/config.h"

#include <fmt/format.h>

#include <utility>

#include "redis_compat/command/args.h"
#include "store/base/check.h"

namespace cloakroom {
namespace {

size_t IndexOf(const Option& option) { return static_cast<size_t>(&option - AllOptions().data()); }

std::vector<std::string> SplitAtBlanks(const std::string& text) {
  std::vector<std::string> words;
  size_t from = 0;
  while (from <= text.size()) {
    const size_t to = std::min(text.find(' ', from), text.size());
    words.push_back(text.substr(from, to - from));
    from = to + 1;
  }
  return words;
}

bool TakesWords(const Option& option) {
  return option.kind == OptionKind::kWords || option.kind == OptionKind::kOutputLimits ||
         option.kind == OptionKind::kSaveRules || option.kind == OptionKind::kKeep ||
         option.kind == OptionKind::kPeer;
}

tl::unexpected<Error> SetFailed(const std::string& name, std::string_view why) {
  return Fail(Code::kInvalid, "CONFIG SET failed (possibly related to argument '{}') - {}", name,
              why);
}

}  // namespace

Config::Config() : values_(AllOptions().size()) {
  for (const Option& option : AllOptions()) {
    const std::string text(option.default_text);
    Result<OptionValue> value =
        ReadOptionValue(option, TakesWords(option) ? SplitAtBlanks(text) : std::vector{text},
                        values_[IndexOf(option)]);
    CHECK(value.has_value());
    Assign(option, *std::move(value));
  }
}

void Config::Assign(const Option& option, OptionValue value) {
  if (option.apply != nullptr) option.apply(settings_, value);
  values_[IndexOf(option)] = std::move(value);
}

const OptionValue& Config::value(const Option& option) const { return values_[IndexOf(option)]; }

Result<void> Config::Direct(std::span<const std::string> words) {
  const Option* option = words.empty() ? nullptr : FindOption(words[0]);
  if (option == nullptr || words.size() < 2)
    return Fail(Code::kInvalid, "Bad directive or wrong number of arguments");
  std::vector<std::string> given(words.begin() + 1, words.end());
  // Each line brings more rules; the first replaces those of the default, an empty one all.
  if (option->kind == OptionKind::kSaveRules) {
    TRY(const OptionValue line, ReadOptionValue(*option, given, value(*option)));
    if (std::exchange(save_given_, true) && !line.numbers.empty())
      for (size_t i = value(*option).numbers.size(); i-- > 0;)
        given.insert(given.begin(), std::to_string(value(*option).numbers[i]));
  }
  TRY(OptionValue read, ReadOptionValue(*option, given, value(*option)));
  Assign(*option, std::move(read));
  return {};
}

Result<void> Config::Set(const std::vector<std::pair<std::string, std::string>>& settings) {
  std::vector<const Option*> options;
  for (const auto& [name, text] : settings) {
    const Option* option = FindOption(name);
    if (option == nullptr)
      return Fail(Code::kInvalid, "Unknown option or number of arguments for CONFIG SET - '{}'",
                  name);
    options.push_back(option);
  }
  for (size_t i = 0; i < options.size(); ++i) {
    const std::string& name = settings[i].first;
    if ((options[i]->flags & kImmutable) != 0) return SetFailed(name, "can't set immutable config");
    if ((options[i]->flags & kProtected) != 0) return SetFailed(name, "can't set protected config");
    for (size_t j = 0; j < i; ++j)
      if (options[j] == options[i]) return SetFailed(name, "duplicate parameter");
  }
  std::vector<OptionValue> read(options.size());
  for (size_t i = 0; i < options.size(); ++i) {
    const std::string& text = settings[i].second;
    // Redis would take a new value: to be told the present one is no error.
    if ((options[i]->flags & kFixed) != 0 && value(*options[i]).text != text)
      return SetFailed(settings[i].first, "can't set immutable config");
    Result<OptionValue> value = ReadOptionValue(
        *options[i], TakesWords(*options[i]) ? SplitAtBlanks(text) : std::vector{text},
        this->value(*options[i]));
    if (!value) return SetFailed(settings[i].first, value.error().message);
    read[i] = *std::move(value);
  }
  for (size_t i = 0; i < options.size(); ++i) Assign(*options[i], std::move(read[i]));
  return {};
}

void Config::NoteReplicaOf(std::string_view host, uint16_t port) {
  OptionValue value;
  if (!host.empty()) {
    value.words = {std::string(host)};
    value.number = port;
    value.text = fmt::format("{} {}", host, port);
  }
  Assign(*FindOption("replicaof"), std::move(value));
}

std::optional<std::string> Config::Get(std::string_view name) const {
  const Option* option = FindOption(name);
  if (option == nullptr) return std::nullopt;
  return value(*option).text;
}

void Config::ForEach(
    FunctionRef<void(std::string_view name, const std::string& value)> visit) const {
  for (const Option& option : AllOptions()) {
    visit(option.name, value(option).text);
    if (!option.alias.empty()) visit(option.alias, value(option).text);
  }
}

}  // namespace cloakroom
