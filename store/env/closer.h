#pragma once

namespace cloakroom {

/// Destroys what can only be closed: the object itself may live on until the loop lets go of it.
struct Closer {
  template <typename T>
  void operator()(T* object) const {
    object->Close();
  }
};

}  // namespace cloakroom
