# shellcheck shell=bash
# The suite `sanitize`: unit and io tests and a part of the end-to-end tests, built with sanitizers; sourced by
# tests/run. A report of a sanitizer fails the test that it came up in, whatever the test itself says.

suite_sanitize() {
    sanitized asan small switch_load neighbours error_on drain heart_beats frames mixed_load killed_brokers
    sanitized tsan switch_load fence
}

# sanitized PRESET E2E-TEST...
sanitized() {
    local preset=$1 name program targets reports=$logs/$1-reports
    shift
    configure "$preset" || return
    mapfile -t targets < <(ninja -C "build/$preset" -t targets all |
        sed -n 's/^\(\(unit\|io\)_[a-z0-9_]*\): phony$/\1/p' | sort -u)
    timed "$preset: programs, unit and io tests" 0 cmake --build --preset "$preset" --target \
        teal-gateway teal-broker tealctl teal-load "${targets[@]}" || return

    mkdir -p "$reports"
    local before=${TEAL_BIN-}
    export TEAL_BIN=$PWD/build/$preset
    # Into files: a program's output may go where no test looks, and its exit status be nobody's business.
    export ASAN_OPTIONS="log_path=$reports/report:detect_stack_use_after_return=1"
    export UBSAN_OPTIONS="log_path=$reports/report:print_stacktrace=1"
    export TSAN_OPTIONS="log_path=$reports/report:second_deadlock_stack=1"
    # The thread sanitizer of gcc 12 stops at addresses that more random bits than 28 would give.
    [[ $preset != tsan ]] || ! setarch -R true 2>/dev/null || launcher=(setarch -R)
    for program in build/"$preset"/tests/unit_* build/"$preset"/tests/io_*; do
        if [[ -f $program && -x $program ]]; then
            name=$preset.$(basename "$program")
            run_gtest "$name" 600 "$program"
            no_report "$name" "$reports"
        fi
    done
    for name in "$@"; do
        echo "-- $preset: e2e/$name.test"
        run_script "$PWD/tests/e2e/$name.test" 900 "$preset."
        no_report "$preset.e2e/$name" "$reports"
    done
    launcher=()
    unset ASAN_OPTIONS UBSAN_OPTIONS TSAN_OPTIONS TEAL_BIN
    [[ -z $before ]] || export TEAL_BIN=$before
}

# no_report NAME FOLDER: fails when there are reports, and moves them out of the way of the next test.
no_report() {
    local files=("$2"/report*)
    [[ -e ${files[0]} ]] || return 0
    local kept=$2/${1//\//.}
    mkdir -p "$kept"
    mv "${files[@]}" "$kept"
    fail "$1" "the sanitizer wrote ${#files[@]} reports into ${kept#"$PWD/"}/; $(cat "$kept"/* |
        grep -m 1 -E 'ERROR|WARNING|runtime error' | cut -c1-200)"
}
