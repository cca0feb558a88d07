// SPDX-License-Identifier: BSL-1.0
// A piece of memory on huge pages, where it is large enough and the system gives them: a random access to a large
// table then misses the address translation cache far less often.
#pragma once

#include <cstddef>
#include <new>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace livecount::inline v0_1::detail {

class Pages {
 public:
  static constexpr std::size_t huge = std::size_t{2} << 20;

  /// Aligned to `alignment`, and to a huge page if it is that large. Its contents are undefined. Throws: std::bad_alloc.
  Pages(std::size_t bytes, std::size_t alignment)
      : alignment_{bytes >= huge && alignment < huge ? huge : alignment},
        data_(::operator new(bytes, alignment_)) {
#if defined(__linux__)
    // Advice: if it is not taken, the pages are small ones.
    if (bytes >= huge) (void)::madvise(data_, bytes - bytes % huge, MADV_HUGEPAGE);
#endif
  }
  ~Pages() {
    if (data_) ::operator delete(data_, alignment_);
  }
  Pages(Pages&& other) noexcept : alignment_(other.alignment_), data_(other.data_) { other.data_ = nullptr; }
  Pages& operator=(Pages&&) = delete;

  [[nodiscard]] void* data() const noexcept { return data_; }

 private:
  std::align_val_t alignment_;
  void* data_;
};

}  // namespace livecount::inline v0_1::detail
