#include "unclip/cli/run.h"
namespace unclip { int run(int, char**) { return 0; } }
