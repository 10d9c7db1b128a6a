// Compiles <torch/torch.h> once for every room that uses it (see CMakeLists.txt).
