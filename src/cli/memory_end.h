// The end of memory where libraries do not tell it: they crash, or call std::terminate.
#pragma once

namespace unclip {

// From now on such an end is told in our words, with ExitCode::out_of_memory. Other crashes stay what they
// are.
void catch_the_end_of_memory();

// Whether the limits of the process let it have no more than a little.
bool is_memory_exhausted();

// Whether they let it have what libtorch takes before it draws anything: its own start fails without a word.
bool is_room_for_libtorch();

}  // namespace unclip
