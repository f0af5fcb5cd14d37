#pragma once

// A set of lambdas as one visitor for std::visit.

namespace grapevine::base {

template <typename... Handlers>
struct Overloaded : Handlers... {
    using Handlers::operator()...;
};

}  // namespace grapevine::base
