# shellcheck shell=bash
# What each suite needs, how it is built, and how it runs; sourced by tests/run.

test_packages=(libgtest-dev ccache mold)

install_for_suites() {
    install_packages "${build_packages[@]}" "${test_packages[@]}" || exit 2
    # A suite whose tools cannot be installed says itself what it skips.
    local more=() word
    { wants unit || wants e2e || wants mutation || wants model; } && more+=(python3)
    { wants e2e || wants conformance || wants packaging || wants mutation; } && more+=(python3 openssl)
    { wants unit || wants mutation; } && more+=(patch)
    wants fuzz && more+=(clang-19 libclang-rt-19-dev)
    wants bench && more+=(libbenchmark-dev python3 haproxy)
    if wants packaging; then
        more+=(prometheus etcd-server lintian debootstrap dpkg-dev)
        command -v go >/dev/null || more+=(golang-go)
    fi
    if wants conformance; then
        more+=(python3 python3-pika rabbitmq-server maven openjdk-17-jdk-headless ruby-stomp chromium)
        ((ci)) || more+=(debootstrap)
        # Other distributions of node bring npm along, and Debian's package would not go beside them.
        for word in node:nodejs npm:npm go:golang-go pip3:python3-pip; do command -v "${word%:*}" >/dev/null || more+=("${word#*:}"); done
    fi
    ((${#more[@]} == 0)) || install_packages "${more[@]}" || echo "going on without"
    local folder=tests/conformance/stompjs
    if wants conformance && [[ ! -d $folder/node_modules/@stomp ]] && command -v npm >/dev/null; then
        (cd "$folder" && timeout 300 npm install --no-audit --no-fund --loglevel=error) ||
            echo "npm could not install; going on without"
    fi
}

# timed NAME BUDGET COMMAND...: builds, keeps the log, and remembers how long it took. Time of the processors is
# told as well: it is what counts where other work runs beside. BUDGET: seconds on two free cores, 0 for none.
timed() {
    local name=$1 budget=$2 log="$logs/build-${1//[^a-z0-9]/-}.log" status real user system line TIMEFORMAT='%R %U %S'
    shift 2
    { time timeout 3600 "$@" >"$log" 2>&1; } 2>"$log.time"
    status=$?
    read -r real user system < <(tail -n 1 "$log.time")
    line=$(awk -v n="$name" -v r="$real" -v u="$user" -v k="$system" -v b="$budget" 'BEGIN {
        printf "build %s: %.1f s (%.1f s of the processors)", n, r, u + k
        if (b > 0 && r > b) printf ", over its budget of %d s", b
    }')
    build_times+=("$line")
    echo "$line"
    if ((status != 0)); then
        fail "build $name" "$(ended $status 3600); see ${log#"$PWD/"}"
        grep -E 'error|FAILED' "$log" | head -n 20
    fi
    return $status
}

configure() { # PRESET
    [[ -f build/$1/build.ninja ]] || cmake --preset "$1" >"$logs/configure-$1.log" 2>&1 || {
        fail "configure $1" "see build/test-logs/configure-$1.log"
        return 1
    }
}

build_for_suites() {
    local word needed=0
    if ((ci)) || wants bench; then
        configure release && timed "release" 360 cmake --build --preset release
    fi
    for word in unit sim io e2e conformance packaging bench; do wants $word && needed=1; done
    ((needed)) || return
    # Without programs there is nothing to run.
    configure dev || finish
    timed "dev with all tests" 600 cmake --build --preset dev || finish
    # The compiler cache knows what did not change, and would measure itself.
    touch gateway/core/seams/seam.cpp
    CCACHE_DISABLE=1 timed "one core file and its unit tests" 20 cmake --build --preset dev --target unit_seams
    if ((ci)) || wants bench; then
        export TEAL_BIN=$PWD/build/release
    else
        export TEAL_BIN=$PWD/build/dev
    fi
}

# gtests PREFIX SECONDS [ARGUMENT...]: each program of that kind.
gtests() {
    local prefix=$1 limit=$2 program any=0
    shift 2
    for program in build/dev/tests/"$prefix"_*; do
        if [[ -f $program && -x $program ]]; then
            any=1
            run_gtest "$(basename "$program")" "$limit" "$program" "$@"
        fi
    done
    ((any)) || fail "$prefix" "there is no program build/dev/tests/${prefix}_*"
}

scripts() { # FOLDER SECONDS
    local file any=0
    for file in tests/"$1"/*.test; do
        if [[ -x $file ]]; then
            any=1
            if ((ci)) && grep -qm1 '^# Not in --ci' "$file"; then
                skip "${file#tests/}" "not in --ci, for its time; tests/run $1 has it"
                continue
            fi
            echo "-- ${file#tests/}"
            run_script "$PWD/$file" "$2"
        fi
    done
    ((any)) || skip "$1" "there is no tests/$1/*.test"
}

suite_unit() {
    gtests unit 120
    scripts unit 60
}
suite_io() { gtests io 180; }
suite_sim() {
    [[ -z $seeds ]] || export TEAL_SEEDS=$seeds
    gtests sim $((ci ? 600 : 3600))
    unset TEAL_SEEDS
}
suite_e2e() { scripts e2e 420; }
suite_conformance() { scripts conformance 420; }

# What people install: the chart, the alerts and the dashboard, the package. Nothing of it is in --ci.
suite_packaging() { scripts packaging 1800; }
suite_bench() { scripts bench 3000; }

# The rules themselves, searched; needs no build.
suite_model() { scripts model 1800; }

suite_fuzz() {
    local program name log status seconds=$((ci ? 10 : 20)) corpus targets seeds_of
    if ! command -v clang++-19 >/dev/null; then
        skip fuzz "clang-19 is not installed"
        return
    fi
    configure fuzz || return
    mapfile -t targets < <(ninja -C build/fuzz -t targets all | sed -n 's/^\(fuzz_[a-z_]*\): phony$/\1/p' | sort -u)
    if ((${#targets[@]} == 0)); then
        skip fuzz "there are no targets"
        return
    fi
    timed "fuzz targets" 0 cmake --build --preset fuzz --target "${targets[@]}" || return
    for program in build/fuzz/fuzz/fuzz_*; do
        [[ -f $program && -x $program ]] || continue
        name=$(basename "$program")
        log=$logs/$name.log
        corpus=build/fuzz/corpus/$name
        seeds_of=()
        [[ -d tests/fuzz/corpus/${name#fuzz_} ]] && seeds_of=("tests/fuzz/corpus/${name#fuzz_}")
        mkdir -p "$corpus" "$logs/$name"
        bounded $((seconds + 60)) "$log" "$program" "-max_total_time=$seconds" -timeout=5 -rss_limit_mb=2048 \
            "-artifact_prefix=$logs/$name/" "$corpus" "${seeds_of[@]}"
        status=$?
        if ((status == 0)); then
            pass
        else
            fail "$name" "$(ended $status $((seconds + 60))); input in ${logs#"$PWD/"}/$name/"
            show_failure "$log"
        fi
    done
}
