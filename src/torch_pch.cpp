// Compiles torch's headers once for every module that uses it (see CMakeLists.txt).
