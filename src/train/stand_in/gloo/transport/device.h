// Stands in for a header of gloo, which libtorch contains but does not bring the headers of: what the
// declaration of c10d's ProcessGroupGloo needs, and nothing that this program calls (train/peers.cpp).
#pragma once

namespace gloo::transport {

class Device;
class UnboundBuffer;

}  // namespace gloo::transport
