# shellcheck shell=bash
# Counts what passed, failed and was skipped, and reads it from the output of test programs; sourced by tests/run.

passed=0 failed=0 skipped=0
suite_times=() build_times=() script_times=() failures=() skips=()
slow_script=15 # seconds; who takes longer is named at the end

pass() { ((++passed)); }
fail() { # NAME WHY
    ((++failed))
    failures+=("$1: $2")
    echo "not ok $1: $2"
}
skip() { # NAME WHY
    ((++skipped))
    skips+=("$1: $2")
    echo "skip $1: $2"
}

child=""
# What programs are started with, such as `setarch -R`.
launcher=()
# bounded SECONDS LOG COMMAND...: in a process group of its own, which is gone afterwards.
bounded() {
    local limit=$1 log=$2 status
    shift 2
    setsid timeout --kill-after=10 "$limit" "${launcher[@]}" "$@" >"$log" 2>&1 </dev/null &
    child=$!
    wait "$child" 2>/dev/null # who asked says how it ended
    status=$?
    # What a test leaves behind must not disturb the next one. setsid(1) made the group's id its own.
    kill -KILL -- "-$child" 2>/dev/null
    child=""
    return $status
}
stop_children() { [[ -z $child ]] || kill -KILL -- "-$child" 2>/dev/null; }

# ended STATUS SECONDS: the end of a program in words.
ended() {
    case $1 in
        124 | 137) echo "not done within $2 s, or killed" ;;
        13[0-9] | 14[0-9] | 15[0-9]) echo "ended by signal $(kill -l $(($1 - 128)))" ;;
        *) echo "exit status $1" ;;
    esac
}

# run_gtest NAME SECONDS BINARY [ARGUMENT...]: each test counts as one; a program that crashes as one failed.
run_gtest() {
    local name=$1 limit=$2 log="$logs/$1.log" status before=$((passed + failed + skipped)) failed_before=$failed line
    shift 2
    bounded "$limit" "$log" "$@" --gtest_color=no
    status=$?
    while IFS= read -r line; do
        case $line in
            "[       OK ] "*) pass ;;
            "[  FAILED  ] "*" ms)")
                line=${line#"[  FAILED  ] "}
                fail "$name ${line%%[ ,]*}" "see ${log#"$PWD/"}"
                ;;
            "[  SKIPPED ] "*" ms)")
                line=${line#"[  SKIPPED ] "}
                skip "$name ${line%%[ ,]*}" "$(reason_of_skip "${line%%[ ,]*}" "$log")"
                ;;
        esac
    done < <(grep -E '^\[ +(OK|FAILED|SKIPPED) +\] .* ms\)$' "$log")
    if ((status != 0 && failed == failed_before)); then
        fail "$name" "$(ended $status "$limit"); $(tail -n 1 "$log")"
    elif ((passed + failed + skipped == before)); then
        fail "$name" "no test ran"
    fi
    ((failed == failed_before)) || show_failure "$log"
}

# The text behind GTEST_SKIP() stands on the lines between a test's RUN and SKIPPED.
reason_of_skip() {
    awk -v test="$1" '
        index($0, "[ RUN      ] " test) == 1 { on = 1; next }
        index($0, "[  SKIPPED ] " test) == 1 { exit }
        on && !/: Skipped$/ && NF { printf "%s%s", sep, $0; sep = " " }' "$2"
}

# run_script FILE SECONDS [PREFIX]: a program that prints `ok NAME`, `not ok NAME: why` or `skip NAME: why` a line.
run_script() {
    local name limit=$2 log status before=$((passed + failed + skipped)) failed_before=$failed line
    local script_began=$SECONDS
    name=${3-}$(basename "$(dirname "$1")")/$(basename "$1")
    log=$logs/${name//\//.}.log
    bounded "$limit" "$log" "$1"
    status=$?
    while IFS= read -r line; do
        case $line in
            "ok "*) pass ;;
            "not ok "*) line=${line#not ok }; fail "$name ${line%%: *}" "${line#*: }" ;;
            "skip "*) line=${line#skip }; skip "$name ${line%%: *}" "${line#*: }" ;;
        esac
    done < <(grep -aE '^(ok|not ok|skip) ' "$log")
    if ((status != 0 && failed == failed_before)); then
        fail "$name" "$(ended $status "$limit"); $(tail -n 1 "$log")"
    elif ((passed + failed + skipped == before)); then
        fail "$name" "no check ran"
    fi
    ((SECONDS - script_began <= slow_script)) || script_times+=("$name $((SECONDS - script_began)) s")
    ((failed == failed_before)) || show_failure "$log"
}

show_failure() {
    echo "---- the end of ${1#"$PWD/"}"
    tail -n 30 "$1" | cut -c1-400
    echo "----"
}

# finish: what took how long, what was skipped and why, and the line that says it all.
finish() {
    local line
    echo "== times"
    for line in "${build_times[@]}" "${suite_times[@]}"; do echo "$line"; done
    ((${#script_times[@]})) && printf '  %s\n' "${script_times[@]}"
    echo "all: $((SECONDS - began)) s$(((ci && SECONDS - began > ci_budget)) && echo ", over the budget of $ci_budget s")"
    ((${#failures[@]})) && printf 'failed: %s\n' "${failures[@]}"
    ((${#skips[@]})) && printf 'skipped: %s\n' "${skips[@]}"
    echo "$passed passed, $failed failed, $skipped skipped"
    ((failed == 0 && passed > 0))
    exit $?
}
