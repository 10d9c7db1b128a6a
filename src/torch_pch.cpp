// Compiles <torch/torch.h> once for every module that uses it (see CMakeLists.txt).
