// ReadOptionValue of config_options.h: from words to a value, by the option's kind.

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <utility>

#include "redis_compat/command/args.h"
#include "redis_compat/command/key_events.h"
#include "redis_compat/server/config_options.h"

namespace cloakroom {
namespace {

constexpr std::string_view kNotInteger = "argument couldn't be parsed into an integer";
constexpr size_t kOutputClasses = 3;

Result<OptionValue> InRange(const Option& option, int64_t number, std::string text) {
  if (number < option.min || number > option.max)
    return Fail(Code::kInvalid, "argument must be between {} and {} inclusive",
                option.kind == OptionKind::kOctal ? fmt::format("{:o}", option.min)
                                                  : fmt::format("{}", option.min),
                option.kind == OptionKind::kOctal ? fmt::format("{:o}", option.max)
                                                  : fmt::format("{}", option.max));
  OptionValue value;
  value.number = number;
  value.text = std::move(text);
  return value;
}

Result<OptionValue> ReadBool(const std::string& word) {
  OptionValue value;
  value.number = EqualsIgnoreCase(word, "yes") ? 1 : 0;
  if (value.number == 0 && !EqualsIgnoreCase(word, "no"))
    return Fail(Code::kInvalid, "argument must be 'yes' or 'no'");
  value.text = value.number != 0 ? "yes" : "no";
  return value;
}

Result<OptionValue> ReadInteger(const Option& option, const std::string& word) {
  int64_t number = 0;
  if (!ParseInteger(word, number)) return Fail(Code::kInvalid, kNotInteger);
  TRY(OptionValue value, InRange(option, number, std::to_string(number)));
  if (option.name == "hz") {  // alone has a narrower range than it admits to
    constexpr int64_t kHzMax = 500;
    value.number = std::clamp<int64_t>(number, 1, kHzMax);
    value.text = std::to_string(value.number);
  }
  return value;
}

Result<OptionValue> ReadOctal(const Option& option, const std::string& word) {
  int64_t number = 0;
  const char* end = word.data() + word.size();
  const auto [stop, error] = std::from_chars(word.data(), end, number, 8);
  if (word.empty() || error != std::errc{} || stop != end) return Fail(Code::kInvalid, kNotInteger);
  return InRange(option, number, fmt::format("{:o}", number));
}

Result<OptionValue> ReadMemory(const Option& option, const std::string& word) {
  int64_t bytes = 0;
  if (!ParseMemory(word, bytes)) return Fail(Code::kInvalid, "argument must be a memory value");
  return InRange(option, bytes, std::to_string(bytes));
}

Result<OptionValue> ReadMemoryPercent(const Option& option, const std::string& word) {
  if (word.ends_with('%')) {
    int64_t percent = 0;
    if (!ParseInteger(std::string_view(word).substr(0, word.size() - 1), percent) || percent < 0)
      return Fail(Code::kInvalid, "argument must be a memory or percent value");
    if (percent > 100)
      return Fail(Code::kInvalid, "percentage argument must be less or equal to 100");
    OptionValue value;
    value.number = -percent;
    value.text = percent == 0 ? "0" : word;
    return value;
  }
  int64_t bytes = 0;
  if (!ParseMemory(word, bytes))
    return Fail(Code::kInvalid, "argument must be a memory or percent value");
  return InRange(option, bytes, std::to_string(bytes));
}

Result<OptionValue> ReadChoice(const Option& option, const std::string& word) {
  std::string listed;
  std::string_view rest = option.choices;
  for (int64_t index = 0; !rest.empty(); ++index) {
    const std::string_view choice = rest.substr(0, rest.find(' '));
    rest.remove_prefix(std::min(rest.size(), choice.size() + 1));
    if (EqualsIgnoreCase(choice, word)) {
      OptionValue value;
      value.number = index;
      value.text = choice;
      return value;
    }
    if (!listed.empty()) listed += ", ";
    listed += choice;
  }
  return Fail(Code::kInvalid, "argument(s) must be one of the following: {}", listed);
}

Result<OptionValue> ReadEventClasses(const std::string& word) {
  const std::optional<uint32_t> classes = ParseEventClasses(word);
  if (!classes)
    return Fail(Code::kInvalid, "Invalid event class character. Use 'Ag$lshzxeKEtmdn'.");
  OptionValue value;
  value.number = *classes;
  value.text = EventClassLetters(*classes);
  return value;
}

Result<OptionValue> ReadWords(std::span<const std::string> words) {
  OptionValue value;
  value.words.assign(words.begin(), words.end());
  for (const std::string& word : words) {
    if (!value.text.empty()) value.text += ' ';
    value.text += word;
  }
  return value;
}

/// 0 normal, 1 replica, 2 pubsub; -1: no such class.
int OutputClass(std::string_view name) {
  if (EqualsIgnoreCase(name, "normal")) return 0;
  if (EqualsIgnoreCase(name, "replica") || EqualsIgnoreCase(name, "slave")) return 1;
  return EqualsIgnoreCase(name, "pubsub") ? 2 : -1;
}

Result<OptionValue> ReadOutputLimits(std::span<const std::string> words,
                                     const OptionValue& current) {
  if (words.size() % 4 != 0)
    return Fail(Code::kInvalid, "Wrong number of arguments in buffer limit configuration.");
  OptionValue value;
  value.limits = current.limits;
  value.limits.resize(kOutputClasses);
  for (size_t i = 0; i < words.size(); i += 4) {
    const int which = OutputClass(words[i]);
    if (which < 0)
      return Fail(Code::kInvalid, "Invalid client class specified in buffer limit configuration.");
    int64_t hard = 0;
    int64_t soft = 0;
    int64_t seconds = 0;
    if (!ParseMemory(words[i + 1], hard) || !ParseMemory(words[i + 2], soft) ||
        !ParseInteger(words[i + 3], seconds) || seconds < 0)
      return Fail(Code::kInvalid,
                  "Error in hard, soft or soft_seconds setting in buffer limit configuration.");
    value.limits[static_cast<size_t>(which)] = {static_cast<uint64_t>(hard),
                                                static_cast<uint64_t>(soft), seconds};
  }
  constexpr std::string_view kNames[kOutputClasses] = {"normal", "slave", "pubsub"};
  for (size_t i = 0; i < kOutputClasses; ++i) {
    const OutputLimit& limit = value.limits[i];
    value.text += fmt::format("{}{} {} {} {}", i == 0 ? "" : " ", kNames[i], limit.hard_bytes,
                              limit.soft_bytes, limit.soft_seconds);
  }
  return value;
}

Result<OptionValue> ReadSaveRules(std::span<const std::string> words) {
  OptionValue value;
  for (const std::string& word : words) {
    for (size_t at = 0; at < word.size();) {  // "900 1" may come as one word
      const size_t end = std::min(word.find(' ', at), word.size());
      int64_t number = 0;
      const int64_t min = value.numbers.size() % 2 == 0 ? 1 : 0;
      if (!ParseInteger(std::string_view(word).substr(at, end - at), number) || number < min)
        return Fail(Code::kInvalid, "Invalid save parameters");
      value.text += fmt::format("{}{}", value.numbers.empty() ? "" : " ", number);
      value.numbers.push_back(number);
      at = end + 1;
    }
  }
  if (value.numbers.size() % 2 != 0) return Fail(Code::kInvalid, "Invalid save parameters");
  return value;
}

/// "12h" -> milliseconds. False for anything else.
bool ParseSpan(std::string_view text, int64_t& span_ms) {
  constexpr std::pair<std::string_view, int64_t> kUnits[] = {
      {"s", 1000}, {"min", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}, {"w", 604'800'000}};
  const size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  int64_t number = 0;
  if (digits == 0 || !ParseInteger(text.substr(0, digits), number)) return false;
  for (const auto& [unit, factor] : kUnits)
    if (EqualsIgnoreCase(text.substr(digits), unit))
      return !__builtin_mul_overflow(number, factor, &span_ms);
  return false;
}

Result<OptionValue> ReadKeep(std::span<const std::string> words) {
  OptionValue value;
  value.numbers = {0, 0};
  for (const std::string& word : words) {
    if (!ParseSpan(word, value.numbers[1]) && !ParseMemory(word, value.numbers[0]))
      return Fail(Code::kInvalid,
                  "argument must be a size (512mb), a time (90s, 30min, 12h, 7d), or both");
    value.text += fmt::format("{}{}", value.text.empty() ? "" : " ", word);
  }
  return value;
}

/// "host port" may come as one word; nothing, and "no one", mean nobody.
Result<OptionValue> ReadPeer(std::span<const std::string> given) {
  std::vector<std::string> words(given.begin(), given.end());
  if (words.size() == 1)
    if (const size_t blank = words[0].find(' '); blank != std::string::npos)
      words = {words[0].substr(0, blank), words[0].substr(blank + 1)};
  OptionValue value;
  if (words.size() == 1 && words[0].empty()) return value;
  if (words.size() != 2) return Fail(Code::kInvalid, "a host and its port are expected");
  if (EqualsIgnoreCase(words[0], "no") && EqualsIgnoreCase(words[1], "one")) return value;
  if (words[0].empty() || !ParseInteger(words[1], value.number) || value.number < 1 ||
      value.number > 65535)
    return Fail(Code::kInvalid, "a host and its port, 1 to 65535, are expected, not '{} {}'",
                words[0], words[1]);
  value.words = {words[0]};
  value.text = words[0] + " " + words[1];
  return value;
}

Result<OptionValue> ReadByKind(const Option& option, std::span<const std::string> words,
                               const OptionValue& current) {
  if (option.kind == OptionKind::kWords) return ReadWords(words);
  if (option.kind == OptionKind::kOutputLimits) return ReadOutputLimits(words, current);
  if (option.kind == OptionKind::kSaveRules) return ReadSaveRules(words);
  if (option.kind == OptionKind::kKeep) return ReadKeep(words);
  if (option.kind == OptionKind::kPeer) return ReadPeer(words);
  if (words.size() != 1) return Fail(Code::kInvalid, "wrong number of arguments");
  switch (option.kind) {
    case OptionKind::kBool:
      return ReadBool(words[0]);
    case OptionKind::kInteger:
      return ReadInteger(option, words[0]);
    case OptionKind::kOctal:
      return ReadOctal(option, words[0]);
    case OptionKind::kMemory:
      return ReadMemory(option, words[0]);
    case OptionKind::kMemoryPercent:
      return ReadMemoryPercent(option, words[0]);
    case OptionKind::kChoice:
      return ReadChoice(option, words[0]);
    case OptionKind::kEventClasses:
      return ReadEventClasses(words[0]);
    default: {
      OptionValue value;
      value.text = words[0];
      return value;
    }
  }
}

}  // namespace

Result<OptionValue> ReadOptionValue(const Option& option, std::span<const std::string> words,
                                    const OptionValue& current) {
  // Of what is not built, not even the form matters.
  if ((option.flags & kOnlyDefault) != 0 && option.kind == OptionKind::kText && words.size() > 1)
    return Fail(Code::kUnavailable, "{} '{}' is not supported yet, only '{}'", option.name,
                fmt::join(words, " "), option.default_text);
  TRY(OptionValue value, ReadByKind(option, words, current));
  if ((option.flags & kOnlyDefault) != 0 && value.text != option.default_text)
    return Fail(Code::kUnavailable, "{} '{}' is not supported yet, only '{}'", option.name,
                value.text, option.default_text);
  return value;
}

bool ParseMemory(std::string_view text, int64_t& bytes) {
  const size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  constexpr std::pair<std::string_view, int64_t> kUnits[] = {
      {"", 1},
      {"b", 1},
      {"k", 1000},
      {"kb", 1024},
      {"m", 1000 * 1000},
      {"mb", 1024 * 1024},
      {"g", int64_t{1000} * 1000 * 1000},
      {"gb", int64_t{1024} * 1024 * 1024},
  };
  int64_t number = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + digits, number);
  if (digits == 0 || error != std::errc{}) return false;
  for (const auto& [unit, factor] : kUnits) {
    if (!EqualsIgnoreCase(text.substr(digits), unit)) continue;
    return !__builtin_mul_overflow(number, factor, &bytes);
  }
  return false;
}

}  // namespace cloakroom
