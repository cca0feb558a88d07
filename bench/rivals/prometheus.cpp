// SPDX-License-Identifier: BSL-1.0
// prometheus-cpp: a counter of a family, by label.
#include <prometheus/counter.h>
#include <prometheus/registry.h>

#include "../support/contender.hpp"

namespace {

class Prometheus : public bench::Contender {
 public:
  void add(std::span<const std::string_view> names) override {
    for (const std::string_view name : names) counts_.Add({{"name", std::string(name)}}).Increment();
  }

 private:
  prometheus::Registry registry_;
  prometheus::Family<prometheus::Counter>& counts_ =
      prometheus::BuildCounter().Name("hits").Register(registry_);
};

const bench::Registered entry({"prometheus-cpp", bench::Role::rival,
                               [](std::size_t) -> std::unique_ptr<bench::Contender> {
                                 return std::make_unique<Prometheus>();
                               }});

}  // namespace
