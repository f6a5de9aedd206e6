#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "bench/load/zipf.h"

namespace cloakroom::bench {

/// How the key of a request is picked among all.
enum class Distribution : uint8_t {
  kUniform,
  kZipf,
  kSequence,  // each in turn, then from the first on again
  kHalf,      // the same, but only those of a random half that the seed draws
};

/// Picks keys: numbers in [0, count).
class KeyChooser {
 public:
  /// Preconditions: count >= 1; exponent > 0 where the distribution is Zipf's.
  KeyChooser(Distribution distribution, uint64_t count, double exponent, uint64_t seed)
      : distribution_(distribution), count_(count), half_salt_(Mix(seed)), random_(seed) {
    if (distribution == Distribution::kZipf) zipf_.emplace(count, exponent);
  }

  [[nodiscard]] uint64_t Next() {
    switch (distribution_) {
      case Distribution::kUniform:
        return random_.Below(count_);
      case Distribution::kZipf:
        return zipf_->Draw(random_);
      case Distribution::kSequence:
        return NextInSequence();
      case Distribution::kHalf:
        break;
    }
    // The bound ends the search where a half of very few keys is empty.
    uint64_t key = NextInSequence();
    for (uint64_t i = 1; i < count_ && (Mix(key ^ half_salt_) & 1) != 0; ++i)
      key = NextInSequence();
    return key;
  }

 private:
  uint64_t NextInSequence() {
    const uint64_t key = next_;
    next_ = next_ + 1 == count_ ? 0 : next_ + 1;
    return key;
  }

  Distribution distribution_;
  uint64_t count_;
  uint64_t half_salt_;
  uint64_t next_ = 0;
  Random random_;
  std::optional<Zipf> zipf_;
};

/// How many characters name a key: hexadecimal digits, as session ids have them.
inline constexpr size_t kKeyDigits = 32;

/// Writes the name of key `number` to `out`: 32 hexadecimal digits that look random, the same in
/// every run, and different for each number. Cost: about 10 ns.
inline void WriteKeyDigits(uint64_t number, char* out) {
  static constexpr char kDigits[] = "0123456789abcdef";
  uint64_t halves[2] = {Mix(number + 0x5e551011), Mix(~number)};
  for (uint64_t& half : halves) {
    for (size_t i = 0; i < kKeyDigits / 2; ++i, half >>= 4) *out++ = kDigits[half & 15];
  }
}

}  // namespace cloakroom::bench
