#pragma once
namespace unclip { int run(int argc, char** argv); }
