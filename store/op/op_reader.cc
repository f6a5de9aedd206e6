#include "store/op/op_reader.h"

#include <limits>

namespace cloakroom {
namespace {

constexpr uint64_t kSizeMax = std::numeric_limits<uint32_t>::max();  // of a value, as Entry has it

uint32_t ReadDb(ByteReader& bytes) {
  const uint64_t db = bytes.Varint();
  if (db > std::numeric_limits<uint32_t>::max()) bytes.Fail();
  return static_cast<uint32_t>(db);
}

TimeMs ReadDeadline(ByteReader& bytes) {
  const uint64_t deadline = bytes.Varint();
  if (deadline > static_cast<uint64_t>(kDeadlineMax)) bytes.Fail();
  return static_cast<TimeMs>(deadline);
}

bool HasKey(OpKind kind) {
  return kind != OpKind::kFlushDb && kind != OpKind::kFlushAll && kind != OpKind::kSwapDb;
}

}  // namespace

bool OpReader::Next(Op& op) {
  if (bytes_.left() == 0) return false;
  op = Op{};
  op.kind = static_cast<OpKind>(bytes_.Int<uint8_t>());
  op.db = ReadDb(bytes_);
  if (HasKey(op.kind)) op.key = bytes_.Sized();
  ReadPayload(op);
  return bytes_.ok();
}

void OpReader::ReadPayload(Op& op) {
  switch (op.kind) {
    case OpKind::kPutString:
    case OpKind::kPutText:
      op.deadline = ReadDeadline(bytes_);
      op.payload = bytes_.Sized();
      break;
    case OpKind::kAppendString:
    case OpKind::kWriteString:
      op.offset = bytes_.Varint();
      op.payload = bytes_.Sized();
      if (op.offset > kSizeMax || op.offset + op.payload.size() > kSizeMax) bytes_.Fail();
      break;
    case OpKind::kSetDeadline:
      op.deadline = ReadDeadline(bytes_);
      break;
    case OpKind::kRename:
    case OpKind::kCopy:
      op.db2 = ReadDb(bytes_);
      op.key2 = bytes_.Sized();
      break;
    case OpKind::kHashSet:
      ReadElements(op, 2);
      break;
    case OpKind::kHashDelete:
    case OpKind::kSetAdd:
    case OpKind::kSetRemove:
      ReadElements(op, 1);
      break;
    case OpKind::kSwapDb:
      op.db2 = ReadDb(bytes_);
      break;
    case OpKind::kDelete:
    case OpKind::kFlushDb:
    case OpKind::kFlushAll:
      break;
    default:
      if (op.ForSessions())
        op.payload = bytes_.Sized();
      else
        bytes_.Fail();
  }
  if (op.payload.size() > kSizeMax) bytes_.Fail();
}

void OpReader::ReadElements(Op& op, uint32_t parts) {
  const uint64_t count = bytes_.Varint();
  // Each part takes a byte at least, so a huge count fails here and not after a long loop.
  if (count == 0 || count > bytes_.left() / parts) return bytes_.Fail();
  op.count = static_cast<uint32_t>(count);
  const char* const start = bytes_.at();
  for (uint64_t left = count * parts; left > 0 && bytes_.ok(); --left) (void)bytes_.Sized();
  op.payload = std::string_view(start, static_cast<size_t>(bytes_.at() - start));
}

}  // namespace cloakroom
