// The program's entry: everything is in cli/run.cpp.
#include "cli/run.h"

int main(int argc, char** argv) { return unclip::run(argc, argv); }
