#include <cstddef>
#include <cstdint>
#include <string_view>

#include "store/base/check.h"
#include "store/op/op_reader.h"

// Whatever the bytes, reading ops stays within them, ends, and hands out only whole elements.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using cloakroom::ElementReader;
  using cloakroom::Op;
  cloakroom::OpReader reader(std::string_view(reinterpret_cast<const char*>(data), size));
  size_t left = size;
  for (Op op; reader.Next(op); left = reader.left()) {
    CHECK(reader.left() < left);
    if (op.count == 0) continue;
    size_t elements = 0;
    for (ElementReader each(op.payload); each.more(); ++elements) CHECK(each.Next().size() <= size);
    CHECK(elements == op.count || elements == 2 * size_t{op.count});
  }
  CHECK(!reader.ok() || reader.left() == 0);
  return 0;
}
