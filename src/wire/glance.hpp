#pragma once

// A look at an envelope before its signature is checked. A signature costs 48 µs, reading these fields a hundredth of
// that; so what can be refused by them alone is refused first. Nothing is believed because of a glance.

#include <optional>
#include <string>

#include "base/bytes.hpp"
#include "base/ids.hpp"
#include "wire/digest.hpp"

namespace grapevine::wire {

struct Glance {
    base::EndpointId signer;
    std::string mesh;
    Sequence sequence;                        // Of the signer in a digest, of the accused in an accusation.
    std::optional<base::EndpointId> accused;  // Absent in a digest.
    AccusationPhase phase = wire::AccusationPhase::suspected;
};

// Nothing when the bytes have not the form of wire/digest.hpp, version 1; open_statement then says what is wrong.
std::optional<Glance> glance(base::ByteView envelope);

}  // namespace grapevine::wire
