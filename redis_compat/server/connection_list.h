#pragma once

#include <cstddef>

#include "redis_compat/server/connection.h"

namespace cloakroom {

/// The connections that stand in one place, in the order they came to it. Owns none of them.
class ConnectionList {
 public:
  [[nodiscard]] bool empty() const { return first_ == nullptr; }
  [[nodiscard]] Connection* first() const { return first_; }

  void PushBack(Connection& connection) {
    connection.previous_in_place = last_;
    connection.next_in_place = nullptr;
    (last_ != nullptr ? last_->next_in_place : first_) = &connection;
    last_ = &connection;
  }

  void PushFront(Connection& connection) {
    connection.previous_in_place = nullptr;
    connection.next_in_place = first_;
    (first_ != nullptr ? first_->previous_in_place : last_) = &connection;
    first_ = &connection;
  }

  void Remove(Connection& connection) {
    Connection* const before = connection.previous_in_place;
    Connection* const after = connection.next_in_place;
    (before != nullptr ? before->next_in_place : first_) = after;
    (after != nullptr ? after->previous_in_place : last_) = before;
    connection.previous_in_place = connection.next_in_place = nullptr;
  }

 private:
  Connection* first_ = nullptr;
  Connection* last_ = nullptr;
};

}  // namespace cloakroom
