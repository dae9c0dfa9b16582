# shellcheck shell=bash
# The suite `mutation`: plants one error at a time in a copy of the sources, where the test that the error's
# patch names has to fail; sourced by tests/run.
#
# The head of a patch says what is planted, and in a line of its own who must notice:
#     Fails: PROGRAM FILTER        as in `Fails: unit_switching RouterSwitch.S7_WhoArrivesFromHoldOnWaits`
#     Fails: SCRIPT CHECK          as in `Fails: e2e/phases.test everything_in_writing_shared`
# Not applying, not compiling, not being noticed, and a crash without a failed expectation before it are failures.

whole_programs=(teal-gateway teal-broker tealctl teal-load) # what a script may start
mutation_seconds=360 # in --ci, where a third of them runs

suite_mutation() {
    local patches=() all copy=$PWD/build/mutation patch third i until=$((SECONDS + (ci ? mutation_seconds : 86400)))
    all=(tests/mutations/${TEAL_MUTATIONS:-*}.patch)
    if [[ ! -f ${all[0]} ]]; then
        fail mutation "there is no tests/mutations/${TEAL_MUTATIONS:-*}.patch"
        return
    fi
    # One commit has one third, so that what was tried before a landing is what the landing tries.
    third=${TEAL_THIRD:-$(($(git rev-list --count HEAD 2>/dev/null || echo 0) % 3))}
    for ((i = 0; i < ${#all[@]}; ++i)); do
        if ((!ci || i % 3 == third)); then patches+=("${all[i]}"); fi
    done
    if ((ci)); then
        echo "third $third (TEAL_THIRD=$third repeats it): ${#patches[@]} of ${#all[@]}"
    fi
    mutation_copy "$copy" || return
    for patch in "${patches[@]}"; do
        if (($(seconds_left) < 180 || SECONDS > until)); then
            skip "mutation $(basename "$patch" .patch)" "the budget of --ci is used up"
        else
            one_mutation "$patch" "$copy" || break
        fi
    done
    export CCACHE_BASEDIR=$PWD
}

# mutation_copy FOLDER: the sources as they are, built, where all that the patches name passes.
mutation_copy() {
    local copy=$1 file program filter targets=()
    local -A filters=()
    mkdir -p "$copy"
    tar -c --exclude=./build --exclude=./.git --exclude=node_modules . | tar -x -C "$copy"
    # What a patch changed last time has objects that are newer than these sources.
    if [[ -f $copy/mutated ]]; then
        sort -u "$copy/mutated" | while IFS= read -r file; do
            [[ ! -f $copy/$file ]] || touch "$copy/$file"
        done
    fi
    for file in "${patches[@]}"; do
        read -r program filter < <(sed -n 's/^Fails: //p' "$file")
        if [[ -z ${filter-} ]]; then
            fail "mutation $(basename "$file" .patch)" "its head has no line 'Fails: PROGRAM FILTER'"
            return 1
        fi
        filters[$program]+=${filters[$program]:+:}$filter
        if [[ $program == *.test ]]; then targets+=("${whole_programs[@]}"); else targets+=("$program"); fi
    done
    # Folders lie to each other as they do here, so the compiler's cache knows all that is not mutated.
    export CCACHE_BASEDIR=$copy
    if ! cmake --preset dev -S "$copy" -B "$copy/build/dev" >"$logs/configure-mutation.log" 2>&1; then
        fail mutation "cmake failed; see build/test-logs/configure-mutation.log"
        return 1
    fi
    timed "mutation, before any" 0 cmake --build "$copy/build/dev" -j 2 --target "${targets[@]}" || return 1
    for program in "${!filters[@]}"; do
        if ! run_named "$program" "${filters[$program]}" "$copy" "$logs/mutation.${program//\//.}.log"; then
            fail mutation "$program fails without any error planted; see build/test-logs/mutation.${program//\//.}.log"
            return 1
        fi
    done
}

# run_named PROGRAM TESTS COPY LOG: those tests, with `:` between them, as the copy was built.
run_named() {
    if [[ $1 == *.test ]]; then
        # shellcheck disable=SC2086
        bounded 120 "$4" env TEAL_BIN="$3/build/dev" "$3/tests/$1" ${2//:/ }
    else
        bounded 120 "$4" "$3/build/dev/tests/$1" --gtest_filter="$2" --gtest_color=no
    fi
}

# one_mutation PATCH COPY: 1 only when it could not be taken out again.
one_mutation() {
    local name log program filter targets status began=$SECONDS copy=$2
    name="mutation $(basename "$1" .patch)"
    log=$logs/${name// /.}.log
    read -r program filter < <(sed -n 's/^Fails: //p' "$1")
    if ! patch -s -f --fuzz=0 --dry-run -p1 -d "$copy" <"$1" >"$log" 2>&1; then
        fail "$name" "does not apply any more: $(head -n 1 "$log")"
        return 0
    fi
    sed -n 's|^+++ b/||p' "$1" >>"$copy/mutated"
    patch -s -f --fuzz=0 --no-backup-if-mismatch -p1 -d "$copy" <"$1" >"$log" 2>&1
    if [[ $program == *.test ]]; then targets=("${whole_programs[@]}"); else targets=("$program"); fi
    if ! timeout 600 cmake --build "$copy/build/dev" -j 2 --target "${targets[@]}" >"$log" 2>&1; then
        fail "$name" "does not build: $(grep -m 1 error "$log"); see ${log#"$PWD/"}"
    else
        run_named "$program" "$filter" "$copy" "$log"
        status=$?
        if ! grep -aqE '^(\[ RUN|ok |not ok )' "$log"; then
            fail "$name" "$program has no test $filter"
        elif ((status == 0)); then
            fail "$name" "$filter does not notice it"
        elif ! grep -aqE ": Failure$|^not ok $filter" "$log"; then
            fail "$name" "$(ended $status 120) before an expectation of $filter failed; see ${log#"$PWD/"}"
        else
            pass
            echo "found: ${name#mutation } by $filter, $((SECONDS - began)) s"
        fi
    fi
    if ! patch -s -R -f --fuzz=0 --no-backup-if-mismatch -p1 -d "$copy" <"$1" >/dev/null 2>&1; then
        fail "$name" "could not be taken out of the copy"
        return 1
    fi
}
