// Where the body of an answer goes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace unclip {

class HttpSink {
 public:
  virtual ~HttpSink() = default;

  enum class Start {
    go,    // ask the server
    wait,  // somebody else has it: ask again in a moment
    done,  // there is nothing to fetch any more
  };
  // Called before the first request, again where it says wait. May throw unclip::Error, as all of these.
  virtual Start start() { return Start::go; }

  // Bytes that are here already; the request asks for the rest.
  virtual std::uint64_t offset() const = 0;

  // Drops them: the server sends the whole.
  virtual void restart() = 0;

  // The next bytes; false where there are more than there should be.
  virtual bool write(std::span<const std::byte> bytes) = 0;

  // After the last byte: what is wrong with the whole, and then nothing of it is kept; empty where nothing
  // is.
  virtual std::string finish() = 0;
};

}  // namespace unclip
