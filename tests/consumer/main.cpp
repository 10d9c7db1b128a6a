// A program of ten lines that draws an image through the installed library.
#include <unclip/generator.h>

#include <iostream>

int main(int argc, char** argv) try {
  if (argc != 3) return 2;
  unclip::Generator generator({.folder = argv[1], .device = {unclip::DeviceChoice::Kind::cpu}});
  unclip::save_png(generator.generate({.prompt = "a red circle", .seed = 42}).front(), argv[2]);
} catch (const unclip::Error& error) {
  std::cerr << error.what() << '\n';
  return static_cast<int>(error.code);
}
