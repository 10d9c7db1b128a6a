// The program's entry: parses, runs one verb, and turns the one exception type into an exit code.
#include "unclip/cli/run.h"

int main(int argc, char** argv) { return unclip::run(argc, argv); }
