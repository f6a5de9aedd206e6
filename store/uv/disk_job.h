#pragma once

#include <uv.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "store/base/check.h"

namespace cloakroom {

/// Whoever has jobs on other threads: it deletes itself once it is closed and the last has ended.
class JobOwner {
 public:
  /// No job's `done` is called any more.
  void CloseOwner() {
    closed_ = true;
    if (under_way_ == 0) delete this;
  }

  void Begin() {
    CHECK(!closed_);
    ++under_way_;
  }
  [[nodiscard]] bool closed() const { return closed_; }
  void End() {
    if (--under_way_ == 0 && closed_) delete this;
  }

 protected:
  virtual ~JobOwner() = default;

 private:
  uint32_t under_way_ = 0;
  bool closed_ = false;
};

/// Has `work` run on a thread of the pool, and then `done` on the loop with what it returned,
/// unless `owner` was closed meanwhile. `work` may use nothing that the loop changes.
template <typename Work, typename Done>
void SubmitJob(uv_loop_t* loop, JobOwner& owner, Work work, Done done) {
  struct Job {
    uv_work_t request{};
    JobOwner& owner;
    Work work;
    Done done;
    std::optional<std::invoke_result_t<Work&>> result;
  };
  auto* const job = new Job{{}, owner, std::move(work), std::move(done), std::nullopt};
  job->request.data = job;
  owner.Begin();
  const int queued = uv_queue_work(
      loop, &job->request,
      [](uv_work_t* request) {
        auto* const self = static_cast<Job*>(request->data);
        self->result.emplace(self->work());
      },
      [](uv_work_t* request, int /*status*/) {
        const std::unique_ptr<Job> self(static_cast<Job*>(request->data));
        if (!self->owner.closed()) self->done(*std::move(self->result));
        self->owner.End();
      });
  CHECK(queued == 0);
}

}  // namespace cloakroom
