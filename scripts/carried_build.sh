# shellcheck shell=bash
# What scripts/gpu_check and scripts/train_gpu share: a build of the program packed here, unpacked on a machine where
# nothing can be built, and its tests for CUDA there. Sourced in the repository's root, with `name` set to the script's.
root=$PWD
archive=.build/$name.tar.xz
stage=.build/$name
say() { printf '%s: %s\n' "$name" "$*" >&2; }

glibc='^(ld-linux.*|lib(c|m|mvec|dl|rt|pthread|util|resolv)\.so\.[0-9]+)$'
libtorch_here() { sed -n 's/^LIBTORCH:PATH=//p' .build/release/CMakeCache.txt; }

pack() {  # MODULE...: the program, its libraries and the tests of these modules
  local libtorch program programs=() library path
  libtorch=$(libtorch_here)
  rm -rf "$stage" && mkdir -p "$stage/lib"
  for program in src/unclip src/libunclip_verbs.so "${@/%/_test}"; do
    case $program in *_test) program=tests/$program ;; esac
    [ -x ".build/release/$program" ] || { say ".build/release/$program is missing: run scripts/test"; exit 2; }
    strip -o "$stage/$(basename "$program")" ".build/release/$program"
    programs+=("$stage/$(basename "$program")")
  done
  ldd "${programs[@]}" | awk '$2 == "=>" {print $1, $3}' | sort -u | while read -r library path; do
    if [[ $library =~ $glibc ]] || [[ $path = "$libtorch"* ]] || [ -e "$libtorch/lib/$library" ]; then continue; fi
    case $path in */nvidia/*) continue ;; esac  # libtorch finds its own
    strip -o "$stage/lib/$library" "$path"
  done
  if [ -e .build/release/src/libunclip_cuda.so ]; then
    strip -o "$stage/lib/libunclip_cuda.so" .build/release/src/libunclip_cuda.so
  else
    say "without libunclip_cuda.so: it was not built here"
  fi
  echo "$root" > "$stage/root"
  tar -C .build -cJf "$archive" "$name"
  say "$(du -m "$archive" | cut -f1) MB in $archive"
}

# ---- There

started=$SECONDS
budget=470  # seconds
left() { echo $((budget - (SECONDS - started))); }
report() { printf '%s\n' "$@" | tee -a "$report"; }
failed=() skipped=()
threads=1  # of the CPU: the nets of the tests are tiny

find_libtorch() {
  libtorch=${LIBTORCH:-$(python3 -c 'import os, torch; print(os.path.dirname(torch.__file__))' 2> /dev/null || true)}
  [ -n "$libtorch" ] || libtorch=$root/.deps/torch
  [ -e "$libtorch/lib/libtorch_cpu.so" ] || { say "no libtorch: pass LIBTORCH=FOLDER, which holds lib/"; exit 2; }
}

# The tests know the repository, and the program in its build folder, by their absolute paths.
put_in_place() {
  if [ -e "$archive" ]; then
    rm -rf "$stage" && python3 -m tarfile -e "$archive" .build
  fi
  [ -e "$stage/root" ] || { say "no $archive: run scripts/$name --pack where unclip was built"; exit 2; }
  local wanted
  wanted=$(cat "$stage/root")
  if [ "$wanted" != "$root" ]; then
    if [ -e "$wanted" ] && [ "$(readlink -f "$wanted")" != "$root" ]; then
      say "$wanted is here already, and is not this repository"
      exit 2
    fi
    [ -e "$wanted" ] || { mkdir -p "$(dirname "$wanted")" && ln -s "$root" "$wanted"; }
  fi
  if [ ! -e .build/release/src/unclip ]; then
    mkdir -p .build/release/src && ln -sf "$root/$stage/unclip" .build/release/src/unclip
  fi
  libraries=$libtorch/lib:$root/$stage/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
}

# SECONDS PROGRAM ARGUMENT...: runs one of ours, so long at most.
ours() { timeout "$1" env LD_LIBRARY_PATH="$libraries" OMP_NUM_THREADS=$threads "$root/$stage/$2" "${@:3}"; }

find_gpu() { gpu=$(nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader 2> /dev/null | head -1 || true); }

run_tests() {  # SECONDS MODULE...: those for CUDA, as long as so many seconds of the budget are left
  local reserve=$1 module log filter='*OnDevice*/cuda:Gpu.*'
  [ -n "$gpu" ] || filter='*OnDevice*:Gpu.*'  # those on the simulated accelerator, instead
  report "" "## Tests" ""
  for module in "${@:2}"; do
    log=$logs/$module.log
    if [ "$(left)" -lt "$reserve" ]; then  # the rest is for what comes after them
      skipped+=("tests of $module: no time was left")
      continue
    fi
    ours 150 "${module}_test" --gtest_filter="$filter" > "$log" 2>&1 || {
      failed+=("tests of $module (exit code $?)")
    }
    grep -q 'Running [1-9]' "$log" || failed+=("tests of $module: there are none")
    summarize_tests "$module" "$log"
  done
}

summarize_tests() {  # MODULE LOG
  local passed omitted
  passed=$(grep -c '^\[       OK \]' "$2" || true)
  omitted=$(grep -c '^\[  SKIPPED \].*(' "$2" || true)
  report "- $1: $passed passed, $omitted skipped, $(grep -c '^\[  FAILED  \].*(' "$2" || true) failed"
  [ "$omitted" = 0 ] || skipped+=("$omitted tests of $1")
  grep -E 'dB|difference|differ|loss|batches of|Failure' "$2" | sed 's/^/    /' | head -60 | tee -a "$report" || true
  grep -A 12 -E 'Failure|C\+\+ exception|^terminate' "$2" | sed 's/^/    /' | head -60 | tee -a "$report" || true
}
