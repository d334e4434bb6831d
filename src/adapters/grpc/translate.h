#pragma once
#include <string_view>

#include "ports/agent_link.h"

namespace berth::agent::v1 {
class FromAgent;
class Inventory;
class ToAgent;
}  // namespace berth::agent::v1

namespace adapters::grpc {

namespace wire = ::berth::agent::v1;

/// Our messages in their form on the wire (contracts/agent.proto). Bytes that are no UTF-8 become
/// U+FFFD in text, since the format knows no other; file contents stay as they are.
void encode(ports::FromAgent message, wire::FromAgent& to);
void encode(const ports::ToAgent& message, wire::ToAgent& to);
void encode(const domain::Inventory& inventory, wire::Inventory& to);

/// What came over the wire. Fails with `invalid_argument` for a message or a choice that this
/// release does not know; never trusts a size or a number.
base::Result<ports::FromAgent> decode(wire::FromAgent& message);
base::Result<ports::ToAgent> decode(wire::ToAgent& message);
domain::Inventory decode(const wire::Inventory& inventory);

/// Parses and decodes one message as it stands on the wire.
base::Result<ports::FromAgent> decode_from_agent(std::string_view bytes);

}  // namespace adapters::grpc
