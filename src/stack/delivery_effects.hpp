#pragma once

// What the carriers of delivery (delivery_streams.hpp, byte_streams.hpp, local_streams.hpp) have to say to the stack.

#include <string>
#include <variant>
#include <vector>

#include "base/bytes.hpp"
#include "base/ids.hpp"
#include "delivery/types.hpp"
#include "quic/types.hpp"
#include "stack/types.hpp"
#include "wire/delivery.hpp"

namespace grapevine::stack {

// A peer's delivery stream is there, or another one replaces it.
struct DeliveryOpened {
    base::EndpointId peer;
    delivery::Incarnation incarnation;
};
struct DeliveryEnded {
    base::EndpointId peer;
};
struct DeliveryCame {
    base::EndpointId peer;
    wire::DeliveryFrame frame;
};
struct DeliveryViolation {
    quic::ConnectionRef connection;
    std::string rule;
};
// A stream that kept its session in use is over.
struct DeliveryReleased {
    quic::ConnectionRef connection;
};
// One of ours keeps its session in use until DeliveryReleased.
struct DeliveryRetained {
    quic::ConnectionRef connection;
};
// A payload that was asked for is whole.
struct PayloadCame {
    base::EndpointId peer;
    delivery::MessageSequence message;
    base::Bytes payload;
};
// After the announcement of a payload, which came before: whether it was asked for is known now.
struct PayloadJudged {
    quic::ConnectionRef connection;
    quic::StreamRef stream;
};
// One of our payloads is being written no more.
struct PayloadWritten {
    quic::ConnectionRef connection;
};
using DeliveryEffect = std::variant<DeliveryOpened, DeliveryEnded, DeliveryCame, DeliveryViolation, DeliveryReleased,
                                    DeliveryRetained, PayloadCame, PayloadJudged, PayloadWritten, ByteStreamEvent>;
using DeliveryEffects = std::vector<DeliveryEffect>;

}  // namespace grapevine::stack
