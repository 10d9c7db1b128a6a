// Compiles the libraries' headers once for all modules, and once more with torch's (see CMakeLists.txt).
